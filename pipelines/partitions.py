"""Partitions: one a call date, in the reporting time zone."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import dagster as dg

from pipelines.settings import Settings

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
SINGLE = "dagster/partition"


def daily(settings: Settings) -> dg.DailyPartitionsDefinition:
    """From the first day of the reports to today: files of the running day come in too."""
    return dg.DailyPartitionsDefinition(
        start_date=settings.first_day.isoformat(), timezone=settings.timezone, end_offset=1
    )


def ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days as the fewest unbroken ranges, oldest first; both ends belong to a range.

    >>> ranges([date(2026, 3, 7), date(2026, 3, 6), date(2026, 3, 9)])
    [(datetime.date(2026, 3, 6), datetime.date(2026, 3, 7)), \
(datetime.date(2026, 3, 9), datetime.date(2026, 3, 9))]
    """
    found: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if found and found[-1][1] + timedelta(days=1) == day:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def range_tags(first: date, last: date) -> dict[str, str]:
    """The run tags that make one run of a range of days."""
    return {RANGE_START: first.isoformat(), RANGE_END: last.isoformat()}


def days_of(keys: Sequence[str]) -> list[date]:
    """The days of a run's partition keys."""
    return [date.fromisoformat(key) for key in keys]


def run_days(tags: Mapping[str, str]) -> list[date]:
    """The days that a run's tags name; none for a run that is not about days."""
    try:
        if SINGLE in tags:
            return [date.fromisoformat(tags[SINGLE])]
        first, last = date.fromisoformat(tags[RANGE_START]), date.fromisoformat(tags[RANGE_END])
    except (KeyError, ValueError):  # no day, or some other partition
        return []
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
