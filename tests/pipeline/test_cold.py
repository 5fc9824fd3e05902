"""Calls that leave the lake: counted first, their sums safe, and back when they are wanted."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from pipelines.assembly import Workplace
from pipelines.definitions import build_defs
from pipelines.instance import open_instance
from pipelines.partitions import range_tags
from pipelines.reporting import day_notices, open_reporting
from resources.calls import Side
from resources.days import DAY_TABLES, BuiltDay
from resources.held import TABLES
from resources.ledger.cold import ColdState, DayIsCold
from resources.reporting.document import request_notices
from resources.reporting.figures import make_table, request_for
from resources.reporting.period import Period
from resources.reporting.reports import REPORTS
from resources.reporting.request import Asked, find_report
from resources.upkeep.cold import NotCounted
from resources.upkeep.store import StoreFailed
from tests.pipeline.deliveries import account, built, call, deliver, numbers
from tests.pipeline.home import build_all, contents, make_home

DAY, NEXT, LATER = date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 20)
NOW = datetime(2026, 4, 6, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files over three days, repeated keys and a refused record among them; built."""
    home = make_home(tmp_path_factory.mktemp("made"))
    deliver(home, "1.csv", [
        call("a"), call("corrected", duration="1"), call("eve", dt="2026-03-07 10:00:00"),
        call("", dt=""),
    ])  # fmt: skip
    home.intake.run()
    deliver(home, "2.csv", [
        call("a"), call("corrected", duration="2", provider_card_currency="EUR"),
        call("next", dt="2026-03-07 12:00:00"), call("later", dt="2026-03-20 12:00:00"),
    ])  # fmt: skip
    build_all(home)
    return home.settings.home


def copied(made: Path, folder: Path, **settings: Any) -> Workplace:
    """The same in a home of its own, whose calls may leave."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return make_home(folder, **{"calls_days": 30, **settings})


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Workplace:
    return copied(made, tmp_path)


def keep_up(home: Workplace, now: datetime = NOW) -> list[str]:
    said: list[str] = []
    done = home.upkeep.run(now.date(), now, said.append)
    return [*said, *done.stayed]


def sums(home: Workplace) -> dict[str, list[tuple[Any, ...]]]:
    found = contents(home)
    return {table: found[table] for table in TABLES}


def test_what_leaves_is_counted_and_the_sums_stay(home: Workplace) -> None:
    before = sums(home)
    said = keep_up(home, datetime(2026, 4, 6, 12, tzinfo=UTC))
    assert "2026-03-06: 2 attempts, customer charge 1.00 GBP, " in said[0]
    assert "provider charge 0.25 EUR, 0.25 USD, to cold storage" in said[0]
    assert sums(home) == before
    assert {key[:2] for key in built(home)} == {
        ("2026-03-07", "eve"), ("2026-03-07", "next"), ("2026-03-20", "later")
    }  # fmt: skip
    cold = home.days.cold.all()
    assert {day: each.state for day, each in cold.items()} == {DAY: ColdState.COLD}
    assert cold[DAY].counts["attempts"] == 2
    assert cold[DAY].counts["customer_charges"] == {"GBP": "1.00000000"}
    store = home.settings.home / "cold"
    read = duckdb.sql(f"SELECT callid, call_date FROM read_parquet('{store}/cdrs/**/*.parquet')")
    assert sorted(read.fetchall()) == [("a", DAY), ("corrected", DAY)]
    assert duckdb.sql(
        f"SELECT count(*) FROM read_parquet('{store}/delivered/**/*.parquet')"
    ).fetchone() == (4,)
    assert all(home.builder.held.reconcile(table, DAY) == [] for table in DAY_TABLES[1:])
    # All that remains is sound: an intake knows its files, a new upkeep finds nothing to do.
    assert keep_up(home) == []
    assert home.days.stale(DAY_TABLES) == []


def test_a_late_record_cannot_change_the_sums_and_its_file_is_taken(home: Workplace) -> None:
    keep_up(home)
    before = sums(home)
    deliver(home, "late.csv", [call("late"), call("good", dt="2026-03-20 13:00:00")])
    said: list[str] = []
    home.intake.run(said.append)
    assert any(
        "1 records of late.csv are of days whose calls have left the lake" in s for s in said
    )
    assert numbers(home, "late.csv") == {"records": 2, "accepted": 1, "quarantined": 1}
    assert home.files.reasons(account(home, "late.csv").file.id) == {"day_in_cold_storage": 1}
    assert [stale.day for stale in home.days.stale(DAY_TABLES)] == [LATER]
    build_all(home)
    after = sums(home)
    for table in TABLES:
        assert [r for r in after[table] if DAY in r] == [r for r in before[table] if DAY in r]


def test_sums_of_such_a_day_that_are_lost_are_told_and_not_given_up(home: Workplace) -> None:
    keep_up(home)
    before = sums(home)
    [lost] = map(Path, home.lake.files("breakout_daily", DAY, DAY))
    whole = lost.read_bytes()
    lost.unlink()
    said: list[str] = []
    home.intake.run(said.append)
    assert said == [
        f"warning: breakout_daily: {lost} is gone or cut short: put it back from a backup"
    ]
    assert home.days.stale(DAY_TABLES) == []
    lost.write_bytes(whole)
    assert sums(home) == before


@pytest.mark.parametrize("table", DAY_TABLES)
def test_no_table_of_such_a_day_is_built(home: Workplace, table: str) -> None:
    keep_up(home)
    before = contents(home)
    with pytest.raises(
        DayIsCold, match="2026-03-06 are in cold storage: `cdr-reports cold restore"
    ):
        home.builder.build(table, DAY)
    assert contents(home) == before


def test_what_was_being_built_when_the_day_left_is_not_published(home: Workplace) -> None:
    """As by a process that had read the day before it left, and comes to publish after."""
    staged = home.lake.staging("breakout_daily")
    staged.write_bytes(Path(home.lake.files("breakout_daily", NEXT, NEXT)[0]).read_bytes())
    version = home.days.version(DAY)
    keep_up(home)
    before = sums(home)
    built_before = BuiltDay("breakout_daily", DAY, False, 0, 0, -1)
    with pytest.raises(DayIsCold):
        home.builder._publish(built_before, version, staged)
    assert sums(home) == before


def copies_by_row(home: Workplace) -> list[str]:
    """The files of the home's folder `calls`, by the file of `cdrs` that they were made from."""
    return sorted(p.name[:43] for p in (home.settings.home / "calls").glob("*.arrow"))


def calls_of(home: Workplace, number: str) -> list[str]:
    """The call ids that the calls of a number are, found as for the report."""
    numbers = open_reporting(home).numbers
    assert numbers is not None
    question = numbers.ask([number], Side.EITHER, DAY, LATER, customers=(), providers=())
    with numbers.find(question) as found:
        return sorted(row for batch in found.batches() for row in batch["callid"].to_pylist())


def test_the_copies_by_row_leave_and_come_back_with_the_calls(home: Workplace) -> None:
    def of_cdrs() -> list[str]:
        files = map(Path, home.lake.files("cdrs", DAY, LATER))
        return [f"{file.parent.name[-10:]}-{file.stem}" for file in files]

    before = calls_of(home, "442079460013")
    assert copies_by_row(home) == of_cdrs()
    assert before == ["a", "corrected", "eve", "later", "next"]
    store, (old, *_) = home.builder.call_store, home.lake.files("cdrs", DAY, DAY)
    keep_up(home)
    assert copies_by_row(home) == of_cdrs()
    assert calls_of(home, "442079460013") == ["eve", "later", "next"]
    # A build that had begun before leaves its copy when it is refused: the next upkeep removes it.
    store.write(old)
    assert calls_of(home, "442079460013") == ["eve", "later", "next"]
    keep_up(home)
    assert copies_by_row(home) == of_cdrs()
    home.cold.restore(DAY, lambda text: None)
    assert copies_by_row(home) == of_cdrs()
    assert calls_of(home, "442079460013") == before


def test_a_file_with_calls_of_such_a_day_is_not_withdrawn(home: Workplace) -> None:
    keep_up(home)
    before = contents(home)
    with pytest.raises(DayIsCold, match="2026-03-06"):
        home.intake.withdraw(account(home, "1.csv").file)
    assert contents(home) == before
    assert home.intake.run() == []


def test_restored_it_is_as_it_was_and_takes_what_was_late(home: Workplace) -> None:
    before = contents(home)
    keep_up(home)
    home.cold.restore(DAY, lambda text: None)
    assert contents(home) == before
    assert all(home.builder.held.reconcile(table, DAY) == [] for table in DAY_TABLES[1:])
    assert home.days.stale(DAY_TABLES) == []
    assert keep_up(home) == []  # it was only just brought back
    said: list[str] = []
    home.cold.restore(DAY, said.append)  # asked for again, after several days were cut short
    assert said == [f"{DAY}: is in the lake"]
    with pytest.raises(DayIsCold, match="2030-01-01 have never left"):
        home.cold.restore(date(2030, 1, 1), said.append)
    deliver(home, "late.csv", [call("late")])
    build_all(home)
    assert numbers(home, "late.csv") == {"records": 1, "accepted": 1}
    assert {key[1] for key in built(home) if key[0] == str(DAY)} == {"a", "corrected", "late"}
    # A week later it leaves as it is now, and comes back as that.
    newest = contents(home)
    told = keep_up(home, datetime.now(UTC) + timedelta(days=8))
    assert any("2026-03-06: 3 attempts" in each for each in told)
    home.cold.restore(DAY, lambda text: None)
    assert [r for r in contents(home)["cdrs"] if r[1] == "late"] == [
        r for r in newest["cdrs"] if r[1] == "late"
    ]
    home.intake.withdraw(account(home, "late.csv").file)
    build_all(home)
    assert [r for r in contents(home)["breakout_daily"] if DAY in r] == [
        r for r in before["breakout_daily"] if DAY in r
    ]


def test_dropped_it_is_gone_and_the_sums_stay(made: Path, tmp_path: Path) -> None:
    home = copied(made, tmp_path, calls_then="drop")
    before = sums(home)
    there: list[tuple[str, bool]] = []

    def say(text: str) -> None:
        there.append((text, DAY in home.lake.days("cdrs")))

    home.upkeep.run(NOW.date(), NOW, say)
    first, still_there = there[0]  # said, with what it holds, before anything of it goes
    assert first.startswith("2026-03-06: 2 attempts, customer charge 1.00 GBP")
    assert first.endswith("dropped")
    assert still_there
    assert DAY not in home.lake.days("cdrs")
    assert home.days.cold.all()[DAY].counts["attempts"] == 2
    assert sums(home) == before
    assert not (home.settings.home / "cold").exists()
    assert home.days.cold.all()[DAY].state is ColdState.GONE
    with pytest.raises(DayIsCold, match="were dropped"):
        home.cold.restore(DAY, lambda text: None)
    with pytest.raises(DayIsCold, match="were dropped"):
        home.builder.build("cdrs", DAY)


def test_refused_records_leave_when_they_are_as_old(home: Workplace) -> None:
    """They were taken in today; so they leave with the first day of today or later."""
    keep_up(home)
    assert sum(part.rows for part in home.lake.parts("quarantine")) == 1
    today = datetime.now(UTC).date()
    deliver(home, "today.csv", [call("today", dt=f"{today} 00:00:00")])
    build_all(home)
    far = datetime.now(UTC) + timedelta(days=40)
    keep_up(home, far)
    assert home.lake.parts("quarantine") == home.lake.parts("delivered") == []
    assert home.intake.run() == []  # no file is missed
    for day in (DAY, today):
        home.cold.restore(day, lambda text: None)
    assert sum(part.rows for part in home.lake.parts("quarantine")) == 1


# What is not vouched for stays.


def test_a_day_whose_sums_differ_stays(home: Workplace) -> None:
    staged = home.lake.staging("breakout_daily")
    (source,) = home.lake.files("breakout_daily", NEXT, NEXT)
    staged.write_bytes(Path(source).read_bytes())
    lake_version = home.lake.publish("breakout_daily", DAY, staged)
    home.days.built("breakout_daily", DAY, home.days.version(DAY), lake_version, 1)
    before = contents(home)
    said = keep_up(home)
    assert "the calls of 2026-03-06 stay: breakout_daily 2026-03-06" in said[-1]
    assert contents(home) == before
    assert home.days.cold.all() == {}


def test_a_day_that_is_stale_or_failed_stays(home: Workplace) -> None:
    deliver(home, "more.csv", [call("more")])
    home.intake.run()
    assert home.cold.due(NOW.date(), NOW) == []
    build_all(home)
    assert home.cold.due(NOW.date(), NOW) == [DAY]
    home.days.judged(DAY, home.days.version(DAY), "a check failed")
    assert home.cold.due(NOW.date(), NOW) == []


def test_a_copy_that_is_damaged_is_not_brought_back(home: Workplace) -> None:
    keep_up(home)
    before = contents(home)
    kept = home.settings.home / "cold" / "cdrs" / f"call_date={DAY}" / "cdrs.parquet"
    duckdb.sql(f"COPY (SELECT * FROM '{kept}' LIMIT 1) TO '{kept}.new' (FORMAT parquet)")
    Path(f"{kept}.new").replace(kept)
    with pytest.raises(NotCounted, match=r"holds 1 rows instead of 2: nothing was changed"):
        home.cold.restore(DAY, lambda text: None)
    kept.unlink()
    with pytest.raises(NotCounted, match="is not there"):
        home.cold.restore(DAY, lambda text: None)
    assert contents(home) == before


def test_a_bucket_that_is_not_there_is_one_error_and_nothing_leaves(
    s3: Any, made: Path, tmp_path: Path
) -> None:
    home = copied(made, tmp_path, cold_store="s3://no-such-bucket/cold")
    before = contents(home)
    with pytest.raises(StoreFailed) as caught:
        keep_up(home)
    assert str(caught.value) == (
        "s3://no-such-bucket/cold/delivered/call_date=2026-03-06/delivered.parquet could not be "
        "written: CDR_REPORTS_COLD_STORE: s3://no-such-bucket/cold: there is no bucket "
        "no-such-bucket; what the lake has of the day it still has"
    )
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["cdrs"]
    assert home.intake.run() == []
    assert contents(home) == before


# What people are told.


def notices_of(home: Workplace, **asked: Any) -> tuple[str, ...]:
    reporting = open_reporting(home)
    request = request_for(
        reporting, find_report("breakout", REPORTS), Asked(**asked), Period(DAY, LATER), people=True
    )
    return request_notices(reporting, request, make_table(reporting, request, people=True))


def test_reports_say_which_days_are_missing_where_calls_are_needed(home: Workplace) -> None:
    keep_up(home)
    assert day_notices(home, DAY, LATER).cold == [DAY]
    missing = "1 of 15 days has its calls in cold storage: 2026-03-06. They are missing"
    plain = notices_of(home, group_by="customer")
    assert not any("cold storage" in said for said in plain)
    by_hour = notices_of(home, group_by="hour,sip_code")
    assert any(said.startswith(missing) for said in by_hour), by_hour
    reporting = open_reporting(home)
    assert reporting.numbers is not None
    question = reporting.numbers.ask(
        ["442079460013"], Side.EITHER, DAY, LATER, customers=(), providers=()
    )
    with reporting.numbers.find(question) as found:
        assert found.attempts() == 3


def test_a_back_fill_of_such_a_day_is_refused_before_anything_is_built(home: Workplace) -> None:
    keep_up(home)
    before = {table: home.lake.version(table) for table in DAY_TABLES}
    with backfill(home, DAY, NEXT) as result:
        assert not result.success
        (event,) = [e for e in result.all_events if e.is_step_failure]
        words = event.step_failure_data.user_failure_data.description
        assert "nothing was built: the calls of 2026-03-06 are in cold storage" in words
    assert {table: home.lake.version(table) for table in DAY_TABLES} == before


@contextmanager
def backfill(home: Workplace, first: date, last: date) -> Iterator[Any]:
    with open_instance(home.settings) as instance:
        defs = build_defs(home.settings, open_workplace=lambda: home)
        yield defs.resolve_job_def("build_days").execute_in_process(
            instance=instance, tags=range_tags(first, last), raise_on_error=False
        )


def test_the_run_tells_what_has_left(home: Workplace) -> None:
    """By the clock of the machine, on which all of March 2026 is long ago."""
    with open_instance(home.settings) as instance:
        defs = build_defs(home.settings, open_workplace=lambda: home)
        result = defs.resolve_job_def("upkeep").execute_in_process(instance=instance)
        assert result.success
        (output,) = [e for e in result.all_events if e.is_successful_output]
        told = output.step_output_data.metadata
    assert told["days whose calls have left"] == dg.IntMetadataValue(3)
    assert json.dumps(str(told[f"calls of {DAY}"].value)).startswith('"2 attempts')
