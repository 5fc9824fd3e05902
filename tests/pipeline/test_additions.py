"""A day that calls are added to is, figure by figure, the day that is built at once."""

import hashlib
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from pipelines.assembly import Workplace
from pipelines.reporting import LakeTables
from resources import additions
from resources.additions import names
from resources.calls.index import CALL_NUMBERS
from resources.days import DAY_TABLES, BuiltDay, DayBuilder
from resources.held import CDRS, TABLES
from resources.ledger.file import FileStatus
from resources.summing import summed
from tests.pipeline.deliveries import account, call, deliver
from tests.pipeline.home import GOLDEN, build_all, contents, land, make_home

DAY = date(2026, 3, 9)
GOLDEN_FILE = GOLDEN / "landing" / "connexcs" / "cdr_20260309.csv"


def parts(home: Workplace, table: str = CDRS, day: date = DAY) -> list[str]:
    return home.lake.files(table, day, day)


def versions(home: Workplace) -> dict[str, int]:
    return {table: home.lake.version(table) for table in DAY_TABLES}


def assert_sound(home: Workplace, day: date = DAY) -> None:
    """Nothing left to build, and every table holds what `cdrs` holds."""
    assert home.days.stale(DAY_TABLES) == []
    for table in (*TABLES, CALL_NUMBERS):
        assert home.builder.held.reconcile(table, day) == []


def split(folder: Path, shares: Sequence[int], seed: int) -> list[Path]:
    """The golden day as files with these shares of its calls, those of one call in one file."""
    header, *lines = GOLDEN_FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    records: list[str] = []
    for line in lines:
        if records and records[-1].count('"') % 2:  # a field goes on
            records[-1] += line
        else:
            records.append(line)
    calls = {record: [*record.split(","), "", ""][2] for record in records}
    ids = sorted(set(calls.values()), key=lambda callid: hash_of(callid, seed))
    found, at = [], 0
    for number, share in enumerate(shares):
        end = len(ids) if number == len(shares) - 1 else at + len(ids) * share // sum(shares)
        mine, at = set(ids[at:end]), end
        found.append(folder / f"part{number}.csv")
        text = header + "".join(r for r in records if calls[r] in mine)
        found[-1].write_text(text, encoding="utf-8", newline="")
    return found


def hash_of(text: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {text}".encode()).digest()


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    home = make_home(tmp_path_factory.mktemp("at-once"))
    land(home, GOLDEN_FILE)
    build_all(home)
    return home


@pytest.mark.parametrize("seed", range(2))
def test_late_files_of_new_calls_are_added(
    at_once: Workplace, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    home = make_home(tmp_path_factory.mktemp("added"))
    for number, file in enumerate(split(tmp_path, (70, 12, 2, 16), seed)):
        land(home, file)
        before = parts(home)
        build_all(home)
        assert set(before) < set(parts(home)), "what was there stays as it is"
        assert len(parts(home)) == len(parts(home, CALL_NUMBERS)) == number + 1
        assert all(len(parts(home, table)) == number + 1 for table in TABLES)
        assert_sound(home)
    assert contents(home) == contents(at_once)
    # What is made of the calls for a question is made of all of them.
    rows = []
    for tables in (LakeTables(home, home.lake), LakeTables(at_once, at_once.lake)):
        made = tables.files("breakout_hourly", DAY, DAY)
        with home.engine.connect({"made": made}) as connection:
            rows.append(connection.execute("SELECT * FROM made ORDER BY ALL").fetchall())
    assert rows[0] == rows[1]


def calls(first: int, count: int, **changes: str) -> list[dict[str, str]]:
    return [call(f"{n:04}", **changes) for n in range(first, first + count)]


@pytest.fixture
def large(home: Workplace) -> Workplace:
    """A home with a day of 40 calls that is built."""
    deliver(home, "1.csv", calls(0, 40))
    build_all(home)
    return home


MINE = date(2026, 3, 6)


def late(home: Workplace, name: str, records: list[dict[str, str]]) -> int:
    """Delivers and builds; how many files the day then has."""
    deliver(home, name, records)
    build_all(home)
    assert_sound(home, MINE)
    return len(parts(home, day=MINE))


def ids(home: Workplace) -> list[str]:
    return [str(row[1]) for row in contents(home)[CDRS]]


def test_a_correction_has_the_day_built_anew(large: Workplace) -> None:
    assert late(large, "2.csv", calls(40, 2)) == 2
    corrected = [*calls(41, 1, duration="61"), *calls(42, 1)]
    assert late(large, "3.csv", corrected) == 1
    assert ids(large) == [f"{n:04}" for n in range(43)]
    assert sum(row[0] for row in large.builder.held.sums("breakout_daily", MINE).values()) == 43


def test_what_is_known_already_changes_no_table(large: Workplace) -> None:
    before = versions(large)
    assert late(large, "2.csv", calls(3, 5)) == 1
    assert account(large, "2.csv").duplicates == 5
    assert versions(large) == before
    # Between new calls: those are added.
    assert late(large, "3.csv", calls(38, 4)) == 2
    assert ids(large) == [f"{n:04}" for n in range(42)]


def test_a_withdrawn_file_has_the_day_built_anew(large: Workplace) -> None:
    for number, name in ((40, "2.csv"), (42, "3.csv")):
        late(large, name, calls(number, 2))
    large.intake.withdraw(account(large, "2.csv").file)
    assert account(large, "2.csv").file.status is FileStatus.WITHDRAWN
    assert late(large, "4.csv", calls(60, 1)) == 1
    assert ids(large) == [f"{n:04}" for n in (*range(40), 42, 43, 60)]


def test_one_file_more_than_a_day_may_have_makes_it_one(
    large: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(additions, "MOST_PARTS", 2)
    assert late(large, "2.csv", calls(40, 1)) == 2
    assert late(large, "3.csv", calls(41, 1)) == 1


def test_other_numbers_of_ones_own_have_the_day_built_anew(large: Workplace) -> None:
    """Else its earlier calls would be judged by the old ones, and the added ones by the new."""
    dids = "number,customer_id\n442079460013,101\n447802712292,101\n"
    (large.settings.home / "dids.csv").write_text(dids, encoding="utf-8")
    again = Workplace(large.settings)
    assert late(again, "2.csv", calls(40, 1)) == 1
    with again.engine.connect({CDRS: parts(again, day=MINE)}) as connection:
        found = connection.execute("SELECT network, count(*) FROM cdrs GROUP BY ALL").fetchall()
    assert found == [("onnet", 41)]


def test_another_rule_has_the_sums_built_anew(large: Workplace) -> None:
    short = Workplace(large.settings.model_copy(update={"short_call_seconds": 60}))
    assert late(short, "2.csv", calls(40, 1)) == 2
    with short.engine.connect({"sums": parts(short, "breakout_daily", MINE)}) as connection:
        found = connection.execute("SELECT SUM(short_calls) FROM sums").fetchone()
    assert found == (41,)


def test_an_old_rate_is_counted_alike_however_the_day_came_about(tmp_path: Path) -> None:
    """Also where none of the calls that were there first had a charge."""
    added, at_once = (make_home(tmp_path / name) for name in ("added", "at-once"))
    for home in (added, at_once):
        (home.settings.home / "reference").mkdir(parents=True)
        table = home.settings.home / "reference" / "eurofxref-hist.zip"
        with zipfile.ZipFile(table, "w") as archive:
            archive.writestr("eurofxref-hist.csv", "Date,USD,GBP,\n2011-01-03,1.25,0.8,\n")
    free = calls(0, 40, customer_charge="0", provider_charge="0")
    deliver(added, "1.csv", free)
    build_all(added)
    assert late(added, "2.csv", calls(40, 2)) == 2
    deliver(at_once, "1.csv", [*free, *calls(40, 2)])
    build_all(at_once)
    assert contents(added) == contents(at_once)
    with added.engine.connect({"sums": parts(added, "breakout_daily", MINE)}) as connection:
        found = connection.execute("SELECT SUM(stale_rate_attempts) FROM sums").fetchone()
    assert found == (42,)


def test_built_again_without_anything_new_a_day_is_made_anew(large: Workplace) -> None:
    """Who asks for it may want to mend it."""
    late(large, "2.csv", calls(40, 2))
    before = contents(large)
    for table in DAY_TABLES:
        old = parts(large, table, MINE)
        large.builder.build(table, MINE)
        assert not set(old) & set(parts(large, table, MINE))
    assert len(parts(large, day=MINE)) == 1
    assert contents(large) == before


@pytest.mark.parametrize("table", [CDRS, "breakout_daily"])
def test_what_was_published_and_not_noted_is_not_there_twice(large: Workplace, table: str) -> None:
    """As by a process that died between the two."""
    deliver(large, "2.csv", calls(40, 2))
    large.intake.run()
    before = parts(large, day=MINE)
    if table != CDRS:
        large.builder.build(CDRS, MINE)
    staged = large.lake.staging(table)
    if table == CDRS:
        assert large.builder._stage_cdrs(MINE, 1, staged) == 2
        large.lake.add(table, MINE, staged, names(parts(large, table, MINE)))
    else:
        relations = large.builder.rates_and_hours(MINE)
        new = [file for file in parts(large, day=MINE) if file not in before]
        cdrs = {CDRS: new, **relations}
        large.engine.run(summed(table), cdrs, {"short_call": 6, "hourly": False}, staged)
        large.lake.add(table, MINE, staged, names(parts(large, table, MINE)))
    assert [stale.day for stale in large.days.stale(DAY_TABLES)] == [MINE]
    build_all(large)
    assert_sound(large, MINE)
    assert len(contents(large)[CDRS]) == 42
    assert sum(row[0] for row in large.builder.held.sums("breakout_daily", MINE).values()) == 42


def test_two_who_add_the_same_at_once_add_it_once(large: Workplace) -> None:
    deliver(large, "2.csv", calls(40, 2))
    large.intake.run()
    start = Barrier(2)

    def build(home: Workplace) -> None:
        start.wait(30)
        for table in DAY_TABLES:
            home.builder.build(table, MINE)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, [Workplace(large.settings), Workplace(large.settings)]))
    assert_sound(large, MINE)
    assert ids(large) == [f"{n:04}" for n in range(42)]


def another_builds_before_it_is_published(home: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process builds the whole day between what is built next and its publication."""
    other = Workplace(home.settings).builder
    publish, published = DayBuilder._publish, list[str]()

    def second(builder: DayBuilder, *args: Any, **options: Any) -> BuiltDay:
        if not published:
            published.append("by the other one")
            for table in DAY_TABLES:
                other.build(table, MINE)
        return publish(builder, *args, **options)

    monkeypatch.setattr(DayBuilder, "_publish", second)


def test_what_another_one_has_added_meanwhile_is_not_added_again(
    large: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by two who had staged the same calls before either had published them."""
    deliver(large, "2.csv", calls(40, 2))
    large.intake.run()
    another_builds_before_it_is_published(large, monkeypatch)
    large.builder.build(CDRS, MINE)
    assert len(contents(large)[CDRS]) == 42
    build_all(large)
    for table in TABLES:
        large.builder.build(table, MINE)
    assert sum(row[0] for row in large.builder.held.sums("breakout_daily", MINE).values()) == 42


def test_sums_of_calls_that_another_one_has_made_anew_meanwhile_are_not_published(
    large: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both days are of the same deliveries, the newer one by other numbers of one's own."""
    dids = "number,customer_id\n442079460013,101\n447802712292,101\n"
    (large.settings.home / "dids.csv").write_text(dids, encoding="utf-8")
    another_builds_before_it_is_published(large, monkeypatch)
    large.builder.build("usa_calls_daily", MINE)
    with large.engine.connect({"sums": parts(large, "usa_calls_daily", MINE)}) as connection:
        found = connection.execute("SELECT network, SUM(attempts) FROM sums GROUP BY 1").fetchall()
    assert found == [("onnet", 40)]
