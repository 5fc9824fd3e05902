"""What must be said on every report: days without data, stale or refused days, old exchange rates.

Sentences for people; the same ones go onto pages and, for files that hold rows only, to stderr.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

from resources.reporting import words
from resources.reporting.interfaces import DayNotices, Reporting
from resources.reporting.period import Period


def notices(
    found: DayNotices, period: Period, stale_rate_attempts: int, of_calls: bool = False
) -> tuple[str, ...]:
    """What a reader must know of the period's days and rates, an entry each.

    `of_calls` when something on the report is made of single calls.
    """
    said = []
    if days := _within(found.no_data, period):
        said.append(_days(days, period, "holds no data", "hold no data"))
    if days := _within(found.stale, period):
        said.append(
            _days(days, period, "is stale", "are stale")
            + " Newer deliveries are not in these figures yet."
        )
    if days := _within(found.failed, period):
        said.append(
            _days(days, period, "failed its checks", "failed their checks")
            + " The latest build was held back; the figures are those published before, if any."
        )
    if of_calls:
        said += _left(found, period)
    if stale_rate_attempts:
        said.append(
            "Converted amounts use exchange rates older than 7 days for "
            f"{words.count(stale_rate_attempts, 'attempt')}."
        )
    return tuple(said)


def _left(found: DayNotices, period: Period) -> list[str]:
    """That what is made of single calls lacks days whose calls have left the lake."""
    said = []
    if days := _within(found.cold, period):
        said.append(
            _days(days, period, "has its calls in cold storage", "have their calls in cold storage")
            + " They are missing where figures are made of single calls."
        )
    if days := _within(found.gone, period):
        said.append(
            _days(days, period, "has no calls any more", "have no calls any more")
            + " They were dropped, and are missing where figures are made of single calls."
        )
    return said


def compared_with(found: DayNotices, before: Period) -> str:
    """What the headline's changes are measured against, and whether that period is whole."""
    said = f"Change against {words.period(before)}"
    missing = len(_within(found.no_data, before))
    return (
        f"{said}, of which {words.count(missing, 'day')} without data." if missing else said + "."
    )


def holds_none(found: DayNotices, period: Period) -> bool:
    """Whether no day of the period holds data."""
    return len(_within(found.no_data, period)) == period.days


def told_already(reporting: Reporting, days: Collection[date]) -> Reporting:
    """What reports are made from, which do not say once more that these days hold no data."""

    def said(first: date, last: date) -> DayNotices:
        found = reporting.notices(first, last)
        return replace(found, no_data=[day for day in found.no_data if day not in days])

    return replace(reporting, notices=said)


def _within(days: Iterable[date], period: Period) -> list[date]:
    return sorted({day for day in days if period.first <= day <= period.last})


def _days(days: list[date], period: Period, one: str, many: str) -> str:
    if period.days == 1:
        return f"{days[0]} {one}."
    if len(days) == period.days:
        return f"All {period.days} days of the period {many}."
    verb = one if len(days) == 1 else many
    return f"{len(days)} of {period.days} days {verb}: {words.days(days)}."
