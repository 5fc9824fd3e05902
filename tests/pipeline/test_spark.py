"""Spark as the engine of the night: the same tables as DuckDB's, and one plain error when it fails.

One Spark for the whole module; starting it takes longer than most of what it is asked here.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.assembly import Workplace
from resources.days import DAY_TABLES
from resources.engine import EngineError, Model
from resources.generator.cdrs import generate
from resources.spark.cluster import check, connect
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

GENERATED = date(2026, 3, 12)
Homes = tuple[Workplace, Workplace]


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
    """The golden files and 20,000 generated calls, one in a hundred dirty, through each engine."""
    made = generate(tmp_path_factory.mktemp("made"), GENERATED, 1, 20_000, seed=6, dirty_share=0.01)
    found = []
    for name, settings in (("duckdb", {}), ("spark", SPARK)):
        home = make_home(tmp_path_factory.mktemp(name), **settings)
        land(home, *golden_files(), *made)
        build_all(home)
        found.append(home)
    return found[0], found[1]


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
def test_a_large_day_is_of_several_files(homes: Homes) -> None:
    """What is large is made so small here that the day of 20,000 calls is."""
    one, other = homes
    session = connect(str(SPARK["spark_master"]), {}, "1GB")
    sizes = {
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": "500k",
        "spark.sql.adaptive.coalescePartitions.minPartitionSize": "500k",
    }
    before = {name: session.conf.get(name) for name in sizes}
    for name, size in sizes.items():
        session.conf.set(name, size)
    try:
        for table in DAY_TABLES:
            other.builder.build(table, GENERATED)
    finally:
        for name, value in before.items():
            session.conf.set(name, value)
    assert len(other.lake.files("cdrs", GENERATED, GENERATED)) > 1
    for table in DAY_TABLES:
        assert other.builder.reconcile(table, GENERATED) == [], table
        if table != "call_numbers":  # there is none: such a day is scanned
            assert contents(other)[table] == contents(one)[table], table


@needs_spark
def test_other_switches_are_read_alike(
    homes: Homes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Local times, clock changes, files beside, and what becomes of their values."""
    found = []
    for settings in ({}, SPARK):
        home = make_home(
            tmp_path_factory.mktemp("switches"),
            source_timezones={"asterisk": "Europe/Rome", "freeswitch": "America/New_York"},
            timezone="America/New_York",
            **settings,
        )
        samples = DATA / "samples"
        land(home, *(samples / "kamailio").glob("*.csv"), source="kamailio")
        for source, lines in LOCAL_TIMES.items():
            folder = home.settings.home / "landing" / source
            folder.mkdir(parents=True)
            (folder / "Master.csv").write_text(lines, encoding="utf-8")
        home.intake.run()
        found.append(home)
    one, other = found
    assert len(delivered(one, "delivered")) > 3000
    assert accounts(one) == accounts(other)
    assert delivered(one, "delivered") == delivered(other, "delivered")


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
)  # fmt: skip


@needs_spark
def test_odd_values_are_judged_alike(
    homes: Homes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What programs have different views of: numbers, blanks, dates."""
    columns = ["dt", "callid", "dest_cli", "dest_number", "duration", "customer_id",
               "customer_charge", "customer_duration", "customer_card_currency", "provider_id",
               "provider_charge", "provider_duration", "provider_card_currency", "pdd_in",
               "pdd_out", "ring_duration", "customer_card_rate", "branch_idx"]  # fmt: skip
    good = ["2026-03-06 12:00:00", "a", "12125550100", "442079460013", "60", "101", "0.5", "60",
            "GBP", "7", "0.25", "60", "USD", "1", "900", "2", "0.1", "0"]  # fmt: skip
    rows = [columns]
    for column in columns:
        for number, value in enumerate(ODD_NUMBERS):
            row = dict(zip(columns, good, strict=True)) | {"callid": f"{column}-{number}"}
            if column == "dt":
                row["dt"] = f"2026-03-06 12:00:00{value}"
            else:
                row[column] = value
            rows.append(list(row.values()))
    text = "\n".join(",".join(f'"{value}"' for value in row) for row in rows) + "\n"
    found = []
    for settings in ({}, SPARK):
        home = make_home(tmp_path_factory.mktemp("odd"), **settings)
        folder = home.settings.home / "landing" / "connexcs"
        folder.mkdir(parents=True)
        (folder / "odd.csv").write_text(text, encoding="utf-8")
        home.intake.run()
        found.append({(row[2], row[7]): row for row in delivered(home, "delivered")})
    one, other = found
    assert one.keys() == other.keys()
    assert [(one[key], other[key]) for key in one if one[key] != other[key]] == []


@needs_spark
def test_a_model_that_spark_cannot_run_is_said(homes: Homes, tmp_path: Path) -> None:
    """The generator's SQL is DuckDB's alone."""
    with pytest.raises(EngineError, match=r"line \d+: .* is not portable; write"):
        homes[1].model_engine.run(Model("generator/cdrs"), {}, {}, tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@needs_spark
@pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: a full disk; mounting one of a few MB needs root"
)
def test_a_full_disk_is_one_plain_error_and_the_next_run_goes_on(
    homes: Homes, small_disk: Path, tmp_path: Path
) -> None:
    engine = homes[1].model_engine
    texts = pa.table({"number": range(200_000), "text": [f"{n * 7919:x}" for n in range(200_000)]})
    question = ("SELECT number, text, MD5(text) AS hash FROM texts", {})
    with engine.session({"texts": texts}) as session:
        with pytest.raises(EngineError, match="the disk is full") as told:
            session.write(*question, small_disk / "out.parquet")
        assert "\n" not in str(told.value)
        assert list(small_disk.iterdir()) == []
        assert session.write(*question, tmp_path / "out.parquet") == 200_000


class TestNoSpark:
    """An engine that cannot be had is said before anything begins."""

    def test_nobody_listens_there(self) -> None:
        pytest.importorskip("pyspark", reason="NOT TESTED: Spark; there is no PySpark")
        with pytest.raises(EngineError, match=r"cannot be reached at sc://127.0.0.1:1 .*MASTER"):
            check("sc://127.0.0.1:1")

    @pytest.mark.parametrize(
        ("script", "told"),
        [
            ("echo 'openjdk version \"1.8.0_392\"' >&2", "is Java 8, which is too old"),
            ("echo 'openjdk version \"11.0.22\"' >&2", "is Java 11, which is too old"),
            ("exit 1", "is none"),
        ],
    )
    def test_java_is_too_old(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, told: str
    ) -> None:
        pytest.importorskip("pyspark", reason="NOT TESTED: Spark; there is no PySpark")
        java = tmp_path / "bin" / "java"
        java.parent.mkdir()
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        with pytest.raises(EngineError, match=told):
            check("local[2]")

    def test_there_is_no_java(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        pytest.importorskip("pyspark", reason="NOT TESTED: Spark; there is no PySpark")
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(EngineError, match="none on the PATH: install Java 17"):
            check("local[2]")

    def test_pyspark_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
        with pytest.raises(EngineError, match="make setup EXTRAS=spark"):
            check("local[2]")
