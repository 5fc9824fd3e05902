"""Withdrawing a file: it is as if it had never been delivered."""

from datetime import date
from decimal import Decimal

import pytest

from pipelines.assembly import Workplace
from resources.days import DAY_TABLES, BuiltDay
from resources.ledger import FileStatus
from tests.pipeline.deliveries import account, call, counting, deliver, numbers
from tests.pipeline.home import GOLDEN, build_all, contents, golden_files, land, make_home

CORRECTION = GOLDEN / "landing" / "connexcs" / "correction_20260310.csv"


def withdraw(workplace: Workplace, name: str) -> None:
    workplace.intake.withdraw(account(workplace, name).file)


def test_without_the_golden_correction_all_figures_are_those_from_before_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = make_home(tmp_path_factory.mktemp("corrected"))
    land(home, *(path for path in golden_files() if path.name != CORRECTION.name))
    build_all(home)
    before, accounts = contents(home), [numbers(home, path.name) for path in golden_files()[:4]]
    land(home, CORRECTION)
    build_all(home)
    # It brings other charges for 7 calls, nothing more: expected/intake.csv.
    assert numbers(home, CORRECTION.name) == {"records": 7, "accepted": 7}
    assert sum(a.superseded for a in home.files.accounts()) == 7
    assert len(contents(home)["cdrs"]) == len(before["cdrs"])
    assert contents(home) != before
    withdraw(home, CORRECTION.name)
    build_all(home)
    assert contents(home) == before
    assert [numbers(home, path.name) for path in golden_files()[:4]] == accounts


def test_what_it_superseded_comes_back_and_its_duplicates_count(home: Workplace) -> None:
    deliver(home, "1.csv", [call("corrected", duration="1"), call("untouched")])
    home.intake.run()
    deliver(home, "2.csv", [call("corrected", duration="2"), call("late")])
    home.intake.run()
    deliver(home, "3.csv", [call("late"), call("own")])
    home.intake.run()
    assert numbers(home, "1.csv") == {"records": 2, "accepted": 2, "superseded": 1}
    assert numbers(home, "3.csv") == {"records": 2, "accepted": 1, "duplicates": 1}
    withdraw(home, "2.csv")
    assert numbers(home, "1.csv") == {"records": 2, "accepted": 2}
    assert numbers(home, "3.csv") == {"records": 2, "accepted": 2}
    assert counting(home) == {
        ("2026-03-06", "corrected", 0): Decimal(1),
        ("2026-03-06", "untouched", 0): Decimal(60),
        ("2026-03-06", "late", 0): Decimal(60),
        ("2026-03-06", "own", 0): Decimal(60),
    }


def test_its_days_are_stale_and_no_others(home: Workplace) -> None:
    deliver(home, "1.csv", [call(), call(dt="2026-03-07 12:00:00")])
    deliver(home, "2.csv", [call("b", dt="2026-03-07 12:00:00")])
    home.intake.run()
    for stale in home.days.stale(["cdrs"]):  # as if they were built, without a table
        home.days.built("cdrs", stale.day, stale.version, -1, 0)
    withdraw(home, "2.csv")
    assert [stale.day for stale in home.days.stale(["cdrs"])] == [date(2026, 3, 7)]


def test_a_day_without_calls_left_is_empty(home: Workplace) -> None:
    deliver(home, "1.csv", [call(), call("", dt="")])
    build_all(home)
    withdraw(home, "1.csv")
    build_all(home)
    assert all(rows == [] for rows in contents(home).values())
    assert home.lake.of_files("quarantine", [account(home, "1.csv").file.id]) == []
    assert home.days.stale(["cdrs", "breakout_daily"]) == []


def test_it_is_not_taken_again_and_no_copy_of_it_is(home: Workplace) -> None:
    path = deliver(home, "1.csv", [call()])
    home.intake.run()
    withdraw(home, "1.csv")
    assert home.intake.run() == []
    copy = path.with_name("copy.csv")
    copy.write_bytes(path.read_bytes())
    outcomes = home.intake.run()
    assert [(o.status, o.reason) for o in outcomes] == [(FileStatus.COPY, "same content as 1.csv")]
    path.touch()  # its time of change is another one, its content is not
    assert [o.status for o in home.intake.run()] == [FileStatus.COPY]
    assert counting(home) == {}


def test_a_mended_file_of_the_same_name_is_taken(home: Workplace) -> None:
    deliver(home, "1.csv", [call(duration="1")])
    home.intake.run()
    withdraw(home, "1.csv")
    deliver(home, "1.csv", [call(duration="2")])
    home.intake.run()
    assert counting(home) == {("2026-03-06", "a", 0): Decimal(2)}


def test_an_empty_day_is_never_published_over_a_newer_one(home: Workplace) -> None:
    """As by a builder that found no calls, before another one found some and published them."""
    day = date(2026, 3, 6)
    deliver(home, "1.csv", [call()])
    build_all(home)
    for table in DAY_TABLES:
        version = home.days.builds(table)[day].version
        home.builder._publish(BuiltDay(table, day, False, 0, 0, -1), version - 1, None)
        assert home.lake.days(table) == [day]
        home.builder._publish(BuiltDay(table, day, False, 0, 0, -1), version, None)
        assert home.lake.days(table) == []
