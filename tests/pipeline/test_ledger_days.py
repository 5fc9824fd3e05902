"""Days in the ledger: which are behind their deliveries, asked without reading all of them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, insert

from resources.ledger import Days
from resources.ledger import days as module
from resources.ledger.cold import ColdState
from resources.ledger.days import StaleDay
from resources.ledger.schema import days as days_table

TABLES = ("cdrs", "breakout_daily")
FIRST, SECOND, THIRD, FOURTH, FIFTH = (date(2026, 3, 6) + timedelta(days=n) for n in range(5))


@pytest.fixture
def days(ledger: Engine) -> Days:
    """Five days, delivered twice: built whole, built before, built by half, never, and failed."""
    with ledger.begin() as connection:
        every = (FIRST, SECOND, THIRD, FOURTH, FIFTH)
        rows = [{"call_date": day, "version": 2} for day in every]
        connection.execute(insert(days_table), rows)
    found = Days(ledger)
    for table in TABLES:
        found.built(table, FIRST, 2, 1, 9)
        found.built(table, SECOND, 1, 2, 9)
        found.built(table, FIFTH, 2, 3, 9)
    found.built("cdrs", THIRD, 2, 4, 9)
    found.built("dtmf_hourly", SECOND, 2, 4, 9)
    found.judged(FIFTH, 2, "key_repeated: 2 attempts, expected 0")
    found.judged(FIRST, 1, "as it was delivered first")
    return found


def test_the_ledger_itself_tells_which_days_are_behind(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked read every build of every table, of all years: a report spent longer at that than
    at its figures.
    """
    monkeypatch.delattr(module, "_build")
    behind = [StaleDay(day, 2, False) for day in (SECOND, THIRD, FOURTH)]
    assert days.stale(TABLES) == behind
    assert days.stale(["cdrs"]) == [behind[0], behind[2]]
    assert days.stale(["cdrs", "cdrs"]) == [behind[0], behind[2]]
    assert days.stale(["dtmf_hourly"]) == [
        StaleDay(FIRST, 2, False), behind[1], behind[2], StaleDay(FIFTH, 2, True)
    ]  # fmt: skip
    assert days.stale([]) == []
    assert days.current(TABLES) == {FIRST}
    assert days.current(["cdrs"]) == {FIRST, THIRD}


def test_a_day_that_has_left_the_lake_is_behind_and_not_to_be_built(days: Days) -> None:
    days.cold.begin(SECOND, ColdState.COLD, "/cold", {})
    days.cold.begin(FOURTH, ColdState.RESTORED, "/cold", {})
    days.cold.begin(FIRST, ColdState.COLD, "/cold", {})
    assert [stale.day for stale in days.stale(TABLES)] == [THIRD, FOURTH]
    assert days.current(TABLES) == {FIRST}
