"""Partitions and the nightly schedule on the days when clocks change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator  # what the daemon follows

from pipelines.partitions import daily
from pipelines.schedules import nightly
from pipelines.settings import load_settings

# Zone, the day on which clocks go forward, the day on which they go back.
CHANGES = [
    pytest.param("Europe/London", date(2026, 3, 29), date(2026, 10, 25), id="London"),
    pytest.param("America/New_York", date(2026, 3, 8), date(2026, 11, 1), id="New York"),
    # At midnight: the day begins at one o'clock.
    pytest.param("America/Santiago", date(2026, 9, 6), date(2026, 4, 4), id="Santiago"),
    pytest.param("Australia/Lord_Howe", date(2026, 10, 4), date(2026, 4, 5), id="Lord Howe"),
]


def windows(zone: str, days: list[date]) -> dict[str, dg.TimeWindow]:
    partitions = daily(load_settings(timezone=zone, first_day=date(2026, 1, 1)))
    return {str(day): partitions.time_window_for_partition_key(str(day)) for day in days}


@pytest.mark.parametrize(("zone", "forward", "back"), CHANGES)
def test_days_are_half_open_and_leave_no_gap(zone: str, forward: date, back: date) -> None:
    for change in (forward, back):
        days = [change + timedelta(days=n) for n in range(-2, 3)]
        found = windows(zone, days)
        for day in days:
            start, end = found[str(day)]
            local = start.astimezone(ZoneInfo(zone))
            assert local.date() == day
            assert end.astimezone(ZoneInfo(zone)).date() == day + timedelta(days=1)
        starts = [found[str(day)].start.timestamp() for day in days[1:]]
        assert starts == [found[str(day)].end.timestamp() for day in days[:-1]]


@pytest.mark.parametrize(("zone", "forward", "back"), CHANGES)
def test_the_days_of_the_change_are_shorter_and_longer(
    zone: str, forward: date, back: date
) -> None:
    step = 0.5 if zone == "Australia/Lord_Howe" else 1
    for day, expected in ((forward, 24 - step), (back, 24 + step)):
        window = windows(zone, [day])[str(day)]
        assert (window.end.timestamp() - window.start.timestamp()) / 3600 == expected


def test_every_day_of_a_year_is_one_partition() -> None:
    settings = load_settings(timezone="Europe/London", first_day=date(2025, 1, 1))
    now = datetime(2026, 1, 1, 12, tzinfo=settings.zone)
    keys = daily(settings).get_partition_keys(current_time=now)
    assert keys == [str(date(2025, 1, 1) + timedelta(days=n)) for n in range(366)]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_the_last_partition_is_the_running_day(zone: str) -> None:
    settings = load_settings(timezone=zone)
    for hour in (0, 7, 15, 16, 23):
        now = datetime(2026, 3, 6, hour, 30, tzinfo=UTC)
        keys = daily(settings).get_partition_keys(current_time=now)
        assert keys[-1] == str(now.astimezone(settings.zone).date())


@pytest.mark.parametrize(
    "at", [time(0, 0), time(1, 30), time(2, 0), time(2, 30), time(3, 0)], ids=str
)
@pytest.mark.parametrize(("zone", "forward", "back"), CHANGES)
def test_the_nightly_intake_runs_once_a_night(
    zone: str, forward: date, back: date, at: time
) -> None:
    settings = load_settings(timezone=zone, nightly_at=at)
    schedule = nightly(settings)
    for change in (forward, back):
        start = datetime.combine(change - timedelta(days=3), time(12), ZoneInfo(zone))
        days = [change + timedelta(days=n) for n in range(-2, 4)]
        ticks = schedule_execution_time_iterator(
            start.timestamp(), str(schedule.cron_schedule), schedule.execution_timezone
        )
        local = (tick.astimezone(ZoneInfo(zone)) for tick in ticks)
        end = datetime.combine(days[-1] + timedelta(days=1), time(0), ZoneInfo(zone))
        counted = Counter(tick.date() for tick in takewhile(end.__gt__, local))
        assert counted == dict.fromkeys(days, 1)
