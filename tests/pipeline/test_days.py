"""Building days: a pure function of what was delivered, in any time zone."""

import csv
import gzip
import io
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from deltalake import DeltaTable

from pipelines.assembly import Workplace
from resources.calls.store import CallStore
from resources.days import DAY_TABLES
from resources.lake import CHECKPOINT_EVERY
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all, contents, golden_files, land, make_home, rows_of


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The golden files, taken in at once and built day by day."""
    home = make_home(tmp_path_factory.mktemp("golden-days"))
    land(home, *golden_files())
    build_all(home)
    return home


def test_building_again_changes_nothing(golden: Workplace) -> None:
    before = contents(golden)
    versions = {table: golden.lake.version(table) for table in DAY_TABLES}
    for day in golden.days.known():
        for table in DAY_TABLES:
            golden.builder.build(table, day)
    assert contents(golden) == before
    count = len(golden.days.known())
    assert {
        table: golden.lake.version(table) - versions[table] for table in DAY_TABLES
    } == dict.fromkeys(DAY_TABLES, count), "one commit a day and table"


def test_a_home_may_have_blanks_and_letters_of_any_language_in_its_path(tmp_path: Path) -> None:
    home = make_home(tmp_path / "Jörg's CDRs & more" / "вызовы")
    deliver(home, "1.csv", [call()])
    build_all(home)
    deliver(home, "2.csv", [call("b")])  # added to the day
    build_all(home)
    (sums,) = rows_of(
        home, "breakout_daily", "SELECT SUM(attempts) AS attempts FROM breakout_daily"
    )
    assert sums == {"attempts": 2}
    assert home.lake.parts("delivered")


def test_the_order_of_delivery_changes_nothing_but_what_supersedes(
    golden: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One file an intake, last name first; the correction stays last, for it decides."""
    home = make_home(tmp_path_factory.mktemp("backwards"))
    *days, correction = golden_files()
    for path in [*reversed(days), correction]:
        land(home, path)
        home.intake.run()
    build_all(home)
    assert contents(home) == contents(golden)


def test_days_built_after_each_delivery_end_as_those_built_at_once(
    golden: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = make_home(tmp_path_factory.mktemp("one-by-one"))
    for path in golden_files():
        land(home, path)
        build_all(home)
    assert contents(home) == contents(golden)


def test_one_table_after_another_is_the_same_as_day_after_day(
    golden: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As a run over a range of days does it."""
    home = make_home(tmp_path_factory.mktemp("range"))
    land(home, *golden_files())
    home.intake.run()
    for table in DAY_TABLES:
        for day in reversed(list(home.days.known())):
            home.builder.build(table, day)
    assert contents(home) == contents(golden)


# Time zones: a call every ten minutes over the days of both changes of the clock.

ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata")
CHANGES = {
    "Europe/London": {date(2025, 3, 30): 23, date(2025, 10, 26): 25},
    "America/New_York": {date(2025, 3, 9): 23, date(2025, 11, 2): 25},
    "Asia/Kolkata": {date(2025, 3, 30): 24},
}


def instants(zone: str) -> Iterator[datetime]:
    for day in CHANGES[zone]:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
        for n in range(3 * 24 * 6):
            yield start + timedelta(minutes=10 * n)


@pytest.mark.parametrize("zone", ZONES)
def test_days_and_hours_are_those_of_the_zone(
    zone: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = make_home(tmp_path_factory.mktemp("zone"), timezone=zone)
    times = list(instants(zone))
    deliver(home, "1.csv", [call(f"{t:%s}", dt=f"{t:%Y-%m-%d %H:%M:%S}") for t in times])
    home.intake.run()
    for day in CHANGES[zone]:
        home.builder.build_cdrs(day)
        home.builder.build_table("dtmf_hourly", day)
    local = ZoneInfo(zone)
    rows = rows_of(home, "dtmf_hourly", "SELECT call_date, hour, attempts FROM dtmf_hourly")
    found = Counter({(r["call_date"], r["hour"].astimezone(UTC)): r["attempts"] for r in rows})
    wanted: Counter[tuple[date, datetime]] = Counter()
    for instant in times:
        there = instant.astimezone(local)
        if there.date() in CHANGES[zone]:
            hour = (instant - timedelta(minutes=there.minute)).astimezone(UTC)
            wanted[(there.date(), hour)] += 1
    assert found == wanted
    for day, hours in CHANGES[zone].items():
        assert len([hour for d, hour in found if d == day]) == hours
        assert sum(n for (d, _), n in found.items() if d == day) == hours * 6


def test_another_zone_moves_calls_and_loses_none(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The golden calls by the days of New York, counted from the files' own text."""
    zone = ZoneInfo("America/New_York")
    home = make_home(tmp_path_factory.mktemp("new-york"), timezone="America/New_York")
    land(home, *golden_files())
    home.intake.run()
    for day in home.days.known():
        home.builder.build_cdrs(day)
    rows = rows_of(home, "cdrs", "SELECT call_date, callid, branch_idx, dt FROM cdrs")
    for row in rows:
        assert row["dt"].astimezone(zone).date() == row["call_date"]
    known = {(r["callid"], str(r["branch_idx"])) for r in golden_rows()}
    keys = [(r["callid"], str(r["branch_idx"])) for r in rows]
    accounts = home.files.accounts()
    assert len(keys) == len(set(keys)) == sum(a.accepted - a.superseded for a in accounts) == 2216
    assert set(keys) <= known


def golden_rows() -> Iterator[dict[str, Any]]:
    for path in golden_files():
        yield from csv.DictReader(io.StringIO(text_of(path)))


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")


def test_the_log_is_summed_up_now_and_then_and_old_versions_stay(home: Workplace) -> None:
    deliver(home, "a.csv", [call("a")])
    build_all(home)
    day = date(2026, 3, 6)
    while home.lake.version("breakout_daily") < 2 * CHECKPOINT_EVERY:
        staged = home.lake.staging("breakout_daily")
        shutil.copy(home.lake.files("breakout_daily", day, day)[0], staged)
        published = home.lake.publish("breakout_daily", day, staged)
        assert published == home.lake.version("breakout_daily")
    folder = home.lake.root / "breakout_daily"
    made = sorted(int(p.name[:20]) for p in (folder / "_delta_log").glob("*.checkpoint.parquet"))
    assert made == [CHECKPOINT_EVERY, 2 * CHECKPOINT_EVERY]
    assert len(home.lake.files("breakout_daily", day, day)) == 1
    assert DeltaTable(str(folder), version=1).version() == 1
    assert DeltaTable(str(folder), version=1).file_uris() != DeltaTable(str(folder)).file_uris()


def test_a_days_calls_are_copied_once_beside_the_tables_of_sums(
    home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun when the day is there; without the copy its numbers are not built."""
    written, write = [], CallStore.write

    def counted(store: CallStore, cdrs: str) -> None:
        written.append(cdrs)
        if len(written) == 2:
            raise OSError("no room")
        write(store, cdrs)

    monkeypatch.setattr(CallStore, "write", counted)
    deliver(home, "1.csv", [call("a")])
    build_all(home)
    files = home.lake.files("cdrs", date(2026, 3, 6), date(2026, 3, 6))
    assert written == files
    assert home.call_store.missing(files) == []
    deliver(home, "2.csv", [call("b", dt="2026-03-07 12:00:00")])
    with pytest.raises(OSError, match="no room"):
        build_all(home)
    build_all(home)
    assert len(written) == 3
    assert home.days.stale(DAY_TABLES) == []
