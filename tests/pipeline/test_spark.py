"""Spark as the engine of the night: the same tables as DuckDB's, and one plain error when it fails.

One Spark for the whole module; starting it takes longer than most of what it is asked here.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.assembly import Workplace
from resources.calls.index import CALL_NUMBERS
from resources.calls.store import take
from resources.days import DAY_TABLES
from resources.engine import EngineError, Model, UnfitValue
from resources.generator.cdrs import generate, write_accounts
from resources.held import CDRS
from resources.spark.cluster import connect, plainly
from tests.bench.engines import differences
from tests.pipeline.home import DATA, build_all, contents, golden_files, land, make_home

# In CI nothing is skipped where there is a Java: a Spark that is not installed there fails.
MISSING = [
    *(["Java"] if not (os.environ.get("JAVA_HOME") or shutil.which("java")) else []),
    *(["PySpark (make setup-dev EXTRAS=spark)"] if find_spec("pyspark") is None else []),
]
needs_spark = pytest.mark.skipif(
    bool(MISSING) and (os.environ.get("CI", "").lower() != "true" or "Java" in MISSING),
    reason=f"NOT TESTED: Spark; there is no {' and no '.join(MISSING)}",
)
SPARK: dict[str, Any] = {
    "engine": "spark",
    "spark_master": "local[2]",
    # Most of a short Spark's time is Java compiling itself.
    "spark_conf": {
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.shuffle.partitions": "2",
    },
}

NO_PYTHON = "/there/is/no/python"

DAY, LARGE = date(2026, 3, 7), date(2026, 3, 9)
"""Of each file every record is held against DuckDB's, of the first day every table, of the other
what being in parts may change; of all golden days `make bench-engines` does, for Spark needs twenty
seconds for a day, however small."""

Homes = tuple[Workplace, Workplace]


@pytest.fixture(scope="module", autouse=True)
def no_python_for_executors() -> Iterator[None]:
    """As in the image of Spark that executors run: what wants a Python there ends in an error."""
    with pytest.MonkeyPatch.context() as here:
        here.setenv("PYSPARK_PYTHON", NO_PYTHON)
        yield


def accounts(home: Workplace) -> list[tuple[Any, ...]]:
    return [
        (a.file.name, a.file.status, a.file.records, a.accepted, a.duplicates, a.superseded,
         a.file.quarantined, home.files.reasons(a.file.id))
        for a in home.files.accounts()
    ]  # fmt: skip


def delivered(home: Workplace, table: str) -> list[tuple[Any, ...]]:
    """Every row of `delivered` or `quarantine`, but for when it was taken in."""
    found = home.lake.table(table)
    assert found is not None
    with home.engine.connect({"rows": found.file_uris()}) as connection:
        names = [row[0] for row in connection.execute("DESCRIBE rows").fetchall()]
        kept = ", ".join(name for name in names if name != "taken_at")
        return connection.execute(f"SELECT {kept} FROM rows ORDER BY ALL").fetchall()


def schemas(home: Workplace) -> dict[str, str]:
    tables = {name: home.lake.table(name) for name in ("delivered", "quarantine", *contents(home))}
    return {name: table.schema().to_json() for name, table in tables.items() if table is not None}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """The golden files, and one of odd values, through each engine; Spark's large day in parts."""
    found = []
    for name, settings in (("duckdb", {}), ("spark", SPARK)):
        home = make_home(tmp_path_factory.mktemp(name), **settings)
        land(home, *golden_files())
        odd = home.settings.home / "landing" / "connexcs" / "odd.csv"
        odd.write_text(odd_values(), encoding="utf-8")
        home.intake.run()
        for day in (DAY, LARGE):
            with in_parts(home.settings.engine == "spark" and day == LARGE):
                for table in DAY_TABLES if day == DAY else (CDRS, "breakout_daily", CALL_NUMBERS):
                    home.builder.build(table, day)
        land_late(home)
        for table in (CDRS, "breakout_daily", "usa_rate_center_daily", CALL_NUMBERS):
            home.builder.build(table, DAY)
        found.append(home)
    return found[0], found[1]


def land_late(home: Workplace) -> None:
    """Ten calls of the golden day come once more, as calls of their own."""
    file = DATA / "golden" / "landing" / "connexcs" / "cdr_20260307.csv"
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    late = [line.replace("@sbc1", "@late") for line in lines if "@sbc1" in line][:10]
    path = home.settings.home / "landing" / "connexcs" / "late.csv"
    path.write_text("\n".join([header, *late, ""]), encoding="utf-8")
    home.intake.run()


@needs_spark
@pytest.mark.parametrize("source", ["kamailio", "asterisk", "freeswitch"])
def test_other_switches_are_read_alike(
    tmp_path_factory: pytest.TempPathFactory, source: str
) -> None:
    """Local times, clock changes, files beside, and what becomes of their values.

    Kamailio's first of all that this Spark reads: its LZ4 failed at them then, and only then.
    """
    found = []
    for settings in ({}, SPARK):
        home = make_home(
            tmp_path_factory.mktemp("switches"),
            source_timezones={"asterisk": "Europe/Rome", "freeswitch": "America/New_York"},
            timezone="America/New_York",
            **settings,
        )
        folder = home.settings.home / "landing" / source
        folder.mkdir(parents=True)
        if source in LOCAL_TIMES:
            (folder / "Master.csv").write_text(LOCAL_TIMES[source], encoding="utf-8")
        else:
            land(home, *(DATA / "samples" / source).glob("*.csv"), source=source)
        [delivery] = home.intake.scan.new(lambda text: None)
        staged = home.lake.staging("delivered")
        told = home.intake.judge.stage({1: delivery}, staged)
        with home.engine.connect({"rows": [str(staged)]}) as connection:
            text = "SELECT * FROM rows ORDER BY ALL"
            found.append((told, connection.execute(text).fetchall()))
    assert len(found[0][1]) >= 18
    assert found[0] == found[1]


@needs_spark
def test_late_calls_are_added(homes: Homes) -> None:
    for home in homes:
        assert len(home.lake.files("cdrs", DAY, DAY)) == 2
        for table in ("breakout_daily", "usa_rate_center_daily"):
            assert len(home.lake.files(table, DAY, DAY)) == 2
            assert home.builder.held.reconcile(table, DAY) == []


@contextmanager
def in_parts(wanted: bool) -> Iterator[None]:
    """While Spark does not put a small day's parts together, as it does not with a large one's."""
    if not wanted:
        yield
        return
    together = "spark.sql.adaptive.coalescePartitions.enabled"
    session = connect(str(SPARK["spark_master"]), {}, "1GB")
    session.conf.set(together, "false")
    try:
        yield
    finally:
        session.conf.set(together, "true")


@needs_spark
def test_every_file_has_the_same_account(homes: Homes) -> None:
    one, other = map(accounts, homes)
    assert len(one) > 4
    assert one == other


@needs_spark
@pytest.mark.parametrize("table", ["delivered", "quarantine"])
def test_every_record_is_judged_alike(homes: Homes, table: str) -> None:
    one, other = (delivered(home, table) for home in homes)
    assert one
    assert one == other


@needs_spark
def test_the_tables_are_the_same_to_the_last_digit(homes: Homes) -> None:
    one, other = map(contents, homes)
    for table, rows in one.items():
        assert rows, table
        assert other[table] == rows, table


@needs_spark
def test_the_tables_have_the_same_columns_and_types(homes: Homes) -> None:
    one, other = map(schemas, homes)
    assert {name: other[name] for name in one if name in other} == {
        name: one[name] for name in one if name in other
    }
    assert {"cdrs", "breakout_daily", "delivered"} <= other.keys()


@needs_spark
def test_single_calls_are_read_out_of_what_spark_wrote(homes: Homes) -> None:
    """The copy by row takes a Parquet file as Spark packs it."""
    home = homes[1]
    for file in home.lake.files("cdrs", DAY, DAY):
        copy = home.builder.call_store.open(file)
        assert copy is not None
        assert take([(copy, range(copy.row_count))]).equals(pq.ParquetFile(file).read())
    assert home.builder.held.reconcile("call_numbers", DAY) == []


@needs_spark
def test_a_large_day_is_of_several_files(homes: Homes) -> None:
    """Each with an index of its numbers."""
    home = homes[1]
    cdrs, indexes = (home.lake.files(t, LARGE, LARGE) for t in ("cdrs", "call_numbers"))
    assert len(cdrs) == len(indexes) > 1
    for table in ("breakout_daily", "call_numbers"):
        assert home.builder.held.reconcile(table, LARGE) == [], table


@needs_spark
def test_a_million_calls_are_the_same_rows(tmp_path: Path) -> None:
    """Of a day with everything in it that the generator knows, duplicates and broken rows, too."""
    homes = []
    (file,) = generate(tmp_path / "made", date(2026, 3, 6), 1, 1_000_000, 1, dirty_share=0.002)
    for name, settings in (("duckdb", {}), ("spark", SPARK)):
        home = make_home(tmp_path / name, **settings)
        write_accounts(home.settings.home)
        land(home, file)
        build_all(home)
        homes.append(home)
    assert [a.accepted for a in homes[1].files.accounts()] == [1_000_000]
    assert differences(*(home.settings.home for home in homes)) == []


def _asterisk(start: str, number: int) -> str:
    fields = ["101", "12125550100", "442079460013", "out", "x", "SIP/a-1", "PJSIP/carrier-00ab",
              "Dial", "x", start, start, start, "65", "60", "ANSWERED", "DOCUMENTATION",
              f"u{number}", ""]  # fmt: skip
    return ",".join(f'"{field}"' for field in fields)


def _freeswitch(start: str, number: int) -> str:
    fields = ["x", "12125550100", "442079460013", "default", start, start, start, "65", "60",
              "NORMAL_CLEARING", f"f{number}", "", "101", "PCMU", "PCMU"]  # fmt: skip
    return ",".join(f'"{field}"' for field in fields)


# Before, in and after the hours that clocks leave out and have twice, in both zones; and no times.
TIMES = (
    "2026-03-29 01:59:59", "2026-03-29 02:00:00", "2026-03-29 02:30:00", "2026-03-29 03:00:00",
    "2025-10-26 01:59:59", "2025-10-26 02:00:00", "2025-10-26 02:59:59", "2025-10-26 03:00:00",
    "2026-03-08 01:59:59", "2026-03-08 02:30:00", "2026-03-08 03:00:00",
    "2025-11-02 00:59:59", "2025-11-02 01:30:00", "2025-11-02 02:00:00",
    "2026-02-30 12:00:00", "2026-03-06 24:00:00", "", "yesterday",
    "2026-03-06 12:00:00\t", "2026-03-06 12:00:00.5\r\n", "\x0b2026-03-06 12:00:00",
)  # fmt: skip
LOCAL_TIMES = {
    "asterisk": "\n".join(_asterisk(time, n) for n, time in enumerate(TIMES)) + "\n",
    "freeswitch": "\n".join(_freeswitch(time, n) for n, time in enumerate(TIMES)) + "\n",
}

ODD_NUMBERS = (
    "", " ", "0", "00", "-0", "+1", "-1", "1.", ".5", ".", "+", "-", "1.0005", "1.00049999",
    "1e3", "1E-3", "1e", "e1", "1_000", "1,5", "0x10", "Infinity", "nan", " 7", "7 ", "7\t", "\t7",
    "\u00a07", "7\u00a0", "\u0661", "--1", "+-1", "999999999999999999", "99999999999999.9995",
    "1.5.5", "1 5", "0.000000004", "0.000000005", "1.123456789", "86400", "86400.0004", "-0.0004",
    "1d", "1f", "007", "\x0b7", "\x017", "1e400", "1e-400", "12345678901234567890123456789",
    "\t", "\r\n", "\x0b", "- ", "+\t", "1e1_0",
)  # fmt: skip


def odd_values() -> str:
    """What programs have different views of: numbers, blanks, dates; in a file of CDRs."""
    good = {
        "dt": "2026-03-06 12:00:00", "callid": "", "lrn_number": "", "dest_cli": "12125550100",
        "dest_number": "442079460013", "duration": "60", "tech_prefix": "", "customer_id": "101",
        "customer_charge": "0.5", "customer_duration": "60", "customer_card_dest_name": "UK",
        "customer_card_currency": "GBP", "customer_card_rate": "0.1", "provider_id": "7",
        "provider_charge": "0.25", "provider_duration": "60", "provider_card_dest_name": "UK",
        "provider_card_currency": "USD", "pdd_in": "1", "pdd_out": "900", "ring_duration": "2",
        "release_reason": "", "sip_code": "200", "dtmf": "12#", "branch_idx": "0",
    }  # fmt: skip
    lines = [",".join(good)]
    for column in good:
        for number, value in enumerate(ODD_NUMBERS):
            row = good | {"callid": f"{column}-{number}"}
            row[column] = f"{good['dt']}{value}" if column == "dt" else value
            lines.append(",".join(f'"{field}"' for field in row.values()))
    return "\n".join(lines) + "\n"


@needs_spark
def test_letters_of_every_script_make_the_same_words(homes: Homes) -> None:
    """As of a switch that writes in Turkish capitals that a number is withheld."""
    texts = [
        "PR\u0130VATE",
        "hidden",
        "H\u0131DDEN",
        "bu\u017fy",
        "ΑΣ",
        "é\u0301\u212a",
        "congestion",
    ]
    words = pa.table({"a": texts})
    text = "SELECT a, LOWER(a) AS lower, UPPER(a) AS upper FROM words ORDER BY a"
    one, other = (home.model_engine.session({"words": words}) for home in homes)
    with one as duckdb, other as spark:
        assert spark.rows(text, {}).to_pylist() == duckdb.rows(text, {}).to_pylist()


@needs_spark
@pytest.mark.parametrize("word", ["progre\u00df_timeout", "conge\ufb05ion"])
def test_letters_without_capitals_make_no_word(homes: Homes, word: str) -> None:
    words = pa.table({"a": [word]})
    text = "SELECT UPPER(a) IN ('PROGRESS_TIMEOUT', 'CONGESTION') AS found FROM words"
    for home in homes:
        with home.model_engine.session({"words": words}) as session:
            assert session.rows(text, {}).to_pylist() == [{"found": False}]


@needs_spark
def test_a_model_that_spark_cannot_run_is_said(homes: Homes, tmp_path: Path) -> None:
    """The generator's SQL is DuckDB's alone."""
    with pytest.raises(EngineError, match=r"line \d+: .* is not portable; write"):
        homes[1].model_engine.run(Model("generator/cdrs"), {}, {}, tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []


@needs_spark
@pytest.mark.parametrize(
    "value", ["CAST(a AS INTEGER)", "CAST(CAST(a AS DECIMAL(38, 0)) * 86400000 AS BIGINT)"]
)
def test_a_value_that_is_unfit_is_told_from_an_engine_that_fails(
    homes: Homes, tmp_path: Path, value: str
) -> None:
    """What it is in stops no other file then."""
    texts = pa.table({"a": ["999999999999999"]})
    with homes[1].model_engine.session({"texts": texts}) as session:
        for run in (session.rows, partial(session.write, out=tmp_path / "out.parquet")):
            with pytest.raises(UnfitValue, match=r"\[CAST_"):
                run(f"SELECT {value} AS b FROM texts", {})


@needs_spark
def test_an_error_of_java_is_said_in_its_own_words(homes: Homes) -> None:
    """And not in those of the call that met it, as of a setting that Spark refuses."""
    settings = homes[1].settings
    spark = connect(settings.spark_master, settings.spark_conf, settings.memory_limit)
    assert spark._jvm is not None
    with (
        pytest.raises(EngineError, match=r"^here: java\.lang\.ClassNotFoundException: a\.b$"),
        plainly("here"),
    ):
        spark._jvm.java.lang.Class.forName("a.b")


@needs_spark
@pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: a full disk; mounting one of a few KB needs root"
)
def test_a_full_disk_is_one_plain_error_and_the_next_run_goes_on(homes: Homes) -> None:
    """The old day stays meanwhile."""
    home = homes[1]
    before = contents(home)
    version = home.lake.version("breakout_daily")
    staging = str(home.lake.staging("breakout_daily").parent)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", staging], check=True)
    try:
        with pytest.raises(EngineError, match="the disk is full") as told:
            home.builder.build("breakout_daily", DAY)
        assert list(Path(staging).iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", staging], check=True)
    assert "\n" not in str(told.value)
    assert contents(home) == before
    assert home.builder.build("breakout_daily", DAY).lake_version == version + 1
    assert contents(home) == before
