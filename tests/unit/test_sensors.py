"""Which runs the stale days need, decided over plain values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.partitions import range_tags, ranges, run_days
from pipelines.sensors import Batch, attempt, batches
from resources.ledger import StaleDay

FIRST_DAY = date(2026, 3, 1)
TODAY = date(2026, 3, 31)


def day(number: int) -> date:
    return date(2026, 3, number)


def stale(*days: int, version: int = 1, failed: bool = False) -> list[StaleDay]:
    return [StaleDay(day(n), version, failed) for n in days]


def spans(found: list[Batch]) -> list[tuple[int, int]]:
    return [(batch.first.day, batch.last.day) for batch in found]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param(stale(6), [(6, 6)], id="one day"),
        pytest.param(stale(6, 7, 8, 9), [(6, 9)], id="unbroken"),
        pytest.param(stale(9, 6, 8, 7), [(6, 9)], id="in any order"),
        pytest.param(stale(6, 8, 9), [(6, 6), (8, 9)], id="a gap"),
        pytest.param(stale(6) + stale(7, failed=True) + stale(8), [(6, 6), (8, 8)], id="failed"),
        pytest.param(stale(6, 7, failed=True), [], id="all failed"),
        pytest.param(stale(30, 31), [(30, 31)], id="the running day"),
        pytest.param([*stale(31), StaleDay(date(2026, 4, 1), 1, False)], [(31, 31)], id="future"),
        pytest.param([StaleDay(date(2026, 2, 28), 1, False), *stale(1)], [(1, 1)], id="too early"),
    ],
)
def test_one_run_an_unbroken_range(days: list[StaleDay], expected: list[tuple[int, int]]) -> None:
    assert spans(batches(days, FIRST_DAY, TODAY)) == expected


@pytest.mark.parametrize(
    ("underway", "expected"),
    [
        pytest.param([], [(6, 9)], id="none"),
        pytest.param([6, 7, 8, 9], [], id="all"),
        pytest.param([1, 20], [(6, 9)], id="others"),
        # A run that has finished its first day must not have the rest asked for once more.
        pytest.param([7, 8, 9], [(6, 6)], id="rest of a run"),
        pytest.param([7], [(6, 6), (8, 9)], id="in the middle"),
    ],
)
def test_days_that_a_run_is_at_wait(underway: list[int], expected: list[tuple[int, int]]) -> None:
    found = batches(stale(6, 7, 8, 9), FIRST_DAY, TODAY, {day(n) for n in underway})
    assert spans(found) == expected


def test_the_same_days_at_the_same_versions_have_the_same_key() -> None:
    first = batches(stale(6, 7), FIRST_DAY, TODAY)
    again = batches(stale(7, 6), FIRST_DAY, TODAY + timedelta(days=1))
    assert first == again


def test_another_version_has_another_key() -> None:
    keys = {
        batch.key
        for days in (
            stale(6, 7),
            stale(6) + stale(7, version=2),
            stale(6, version=2) + stale(7),
            stale(6, 7, version=2),
            stale(6),
            stale(7),
        )
        for batch in batches(days, FIRST_DAY, TODAY)
    }
    assert len(keys) == 6


def test_keys_tell_the_days() -> None:
    (batch,) = batches(stale(6, 7), FIRST_DAY, TODAY)
    assert batch.key.startswith("days 2026-03-06 2026-03-07 ")


NOON = datetime(2026, 3, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours_ago", "expected"),
    [
        ([], 1),
        ([0], None),
        ([0.9], None),
        ([1], 2),
        ([2, 1], None),
        ([3, 2], 3),
        ([100, 90, 80, 70, 60, 50, 40, 23], None),
        ([100, 90, 80, 70, 60, 50, 40, 24], 9),
    ],
)
def test_a_batch_that_was_not_built_is_tried_again_later_and_later(
    hours_ago: list[float], expected: int | None
) -> None:
    ended = [NOON - timedelta(hours=hours) for hours in hours_ago]
    assert attempt(ended, NOON) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, []),
        ({"dagster/partition": "2026-03-06"}, [day(6)]),
        (range_tags(day(6), day(8)), [day(6), day(7), day(8)]),
        (range_tags(day(6), day(6)), [day(6)]),
        ({"dagster/partition": "daily|eu"}, []),
        ({"dagster/asset_partition_range_start": "2026-03-06"}, []),
    ],
)
def test_the_days_of_a_run(tags: dict[str, str], expected: list[date]) -> None:
    assert run_days(tags) == expected


def test_ranges_cross_months_and_years() -> None:
    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1)]
    assert ranges(days) == [(days[0], days[1]), (days[2], days[3])]
