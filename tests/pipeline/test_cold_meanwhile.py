"""Whatever happens while calls leave the lake, are away or come back: the sums are right."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.assembly import Workplace
from resources.held import TABLES
from resources.intake.take import Intake
from resources.ledger.cold import ColdState
from tests.pipeline.deliveries import account, built, call, deliver, files_in
from tests.pipeline.home import build_all, contents, make_home
from tests.pipeline.test_cold import keep_up, sums

DAY, NEXT = date(2026, 3, 6), date(2026, 3, 7)
NOW = datetime(2026, 4, 6, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Workplace:
    """Two days, of which the first is due."""
    home = make_home(tmp_path / "home", calls_days=30)
    deliver(home, "1.csv", [call("a"), call("b"), call("next", dt=f"{NEXT} 12:00:00")])
    build_all(home)
    return home


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> Iterator[None]:
    """Before the intake's lock is next held, another process has held it and done its work."""
    writing = Intake.writing

    def waiting(intake: Intake, *say: Callable[[str], None]) -> AbstractContextManager[None]:
        monkeypatch.setattr(Intake, "writing", writing)
        work()
        return writing(intake, *say)

    monkeypatch.setattr(Intake, "writing", waiting)
    yield
    monkeypatch.undo()


@pytest.mark.parametrize("then", ["move", "drop"])
def test_a_day_that_was_corrected_since_it_was_due_stays(
    home: Workplace, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    home = make_home(home.settings.home, calls_days=30, calls_then=then)

    def correct() -> None:
        deliver(home, "2.csv", [call("a", customer_charge="7")])
        make_home(home.settings.home).intake.run()

    with meanwhile(monkeypatch, correct):
        keep_up(home, NOW)
    assert home.days.cold.all() == {}
    build_all(home)
    attempts, charges, _ = home.builder.held.totals(
        "breakout_daily", home.lake.files("breakout_daily", DAY, DAY)
    )
    assert (attempts, charges) == (2, {"GBP": Decimal("7.5")})
    assert home.builder.held.reconcile("breakout_daily", DAY) == []


def test_a_day_restored_twice_at_once_keeps_what_came_in_between(
    home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_up(home, NOW)

    def other() -> None:
        another = make_home(home.settings.home, calls_days=30)
        another.cold.restore(DAY, lambda text: None)
        deliver(another, "late.csv", [call("late")])
        build_all(another)

    said: list[str] = []
    with meanwhile(monkeypatch, other):
        home.cold.restore(DAY, said.append)
    assert said == [f"{DAY}: is in the lake"]
    assert {key[1] for key in built(home)} == {"a", "b", "late", "next"}
    assert home.builder.held.reconcile("breakout_daily", DAY) == []


def test_an_upkeep_does_not_end_what_a_restore_has_ended(
    home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an upkeep has died while a day was leaving, and the day is wanted at once."""
    keep_up(home, NOW)
    home.days.cold.set(DAY, ColdState.LEAVING)

    def other() -> None:
        another = make_home(home.settings.home, calls_days=30)
        another.cold.restore(DAY, lambda text: None)
        deliver(another, "late.csv", [call("late")])
        build_all(another)

    with meanwhile(monkeypatch, other):
        home.cold.resume(lambda text: None)
    assert home.days.cold.all()[DAY].state is ColdState.RESTORED
    assert {key[1] for key in built(home)} == {"a", "b", "late", "next"}
    home.builder.build_cdrs(DAY, anew=True)
    assert {key[1] for key in built(home)} == {"a", "b", "late", "next"}


def test_refused_records_of_a_withdrawn_file_do_not_come_back(home: Workplace) -> None:
    """They leave with the first day that goes once they are as old: here, with today."""
    today = datetime.now(UTC).date()
    deliver(home, "2.csv", [call("", dt="")])
    deliver(home, "3.csv", [call("today", dt=f"{today} 00:00:00"), call("", dt="")])
    build_all(home)
    keep_up(home, datetime.now(UTC) + timedelta(days=40))
    assert files_in(home, "quarantine") == set()
    home.intake.withdraw(account(home, "2.csv").file)
    home.cold.restore(today, lambda text: None)
    left = {account(home, "3.csv").file.id}
    assert files_in(home, "quarantine") == files_in(home, "delivered") == left


@pytest.mark.parametrize("settings", [{}, {"calls_then": "drop"}, {"cold_store": "elsewhere"}])
def test_calls_come_back_in_a_home_that_was_moved(
    tmp_path: Path, home: Workplace, settings: dict[str, str]
) -> None:
    before = contents(home)
    keep_up(home, NOW)
    moved = home.settings.home.rename(tmp_path / "moved")
    if "cold_store" in settings:
        settings = {"cold_store": str((moved / "cold").rename(tmp_path / "elsewhere"))}
    again = make_home(moved, calls_days=30, **settings)
    again.cold.restore(DAY, lambda text: None)
    assert contents(again) == before


@pytest.mark.parametrize("table", TABLES)
def test_a_lost_table_is_told_of_until_such_a_day_is_back_and_built(
    home: Workplace, table: str
) -> None:
    before = sums(home)
    keep_up(home)
    shutil.rmtree(home.lake.root / table)
    told = (
        f"warning: {table} in the lake is not there or older than the ledger knows it: its days "
        f"{DAY} cannot be built anew, as their calls have left the lake: put it back from a backup"
    )
    said: list[str] = []
    home.intake.run(said.append)
    assert said[1:] == [told]
    build_all(home)
    said.clear()
    home.intake.run(said.append)  # by now the table is at the version that the ledger knows
    assert said == [told]
    home.cold.restore(DAY, said.append)
    build_all(home)
    assert sums(home) == before
    said.clear()
    home.intake.run(said.append)
    assert said == []
