"""The days a report is about, as pure arithmetic: nothing here looks at a clock.

Days are days of the reporting time zone; both ends belong to the period.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from resources.reporting.errors import ReportError

_LAST_WORDS = ("today", "yesterday", "last-week", "this-month", "last-month")


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ReportError(
                f"the period begins on {self.first} but ends on {self.last}: swap the two days"
            )

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(self.days))

    def before(self) -> Period | None:
        """The period of the same length directly before; None where the calendar ends."""
        try:
            return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))
        except OverflowError:
            return None

    def year_before(self) -> Period | None:
        """The same dates of the year before; 28 February stands in for the 29th."""
        try:
            return Period(_a_year_ago(self.first), _a_year_ago(self.last))
        except ValueError:
            return None


def _a_year_ago(day: date) -> date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap else day.day)


def parse_day(text: str) -> date:
    """`YYYY-MM-DD` as a date; refuses anything else, also days that no calendar has."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip()):
            raise ValueError
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ReportError(f"{text!r} is no day: write it as YYYY-MM-DD, e.g. 2026-03-09") from None


def last_period(word: str, today: date) -> Period:
    """The period that `7d`, `yesterday`, `last-week` or `last-month` means, seen from `today`.

    `Nd` is the N days up to yesterday, `last-week` the last whole Monday to Sunday, `last-month`
    the last whole calendar month; `this-month` ends with `today`.
    """
    asked = word.strip().lower()
    yesterday = today - timedelta(days=1)
    if asked == "today":
        return Period(today, today)
    if asked == "this-month":
        return Period(today.replace(day=1), today)
    if asked == "yesterday":
        return Period(yesterday, yesterday)
    if asked == "last-week":
        sunday = today - timedelta(days=today.isoweekday())
        return Period(sunday - timedelta(days=6), sunday)
    if asked == "last-month":
        end = today.replace(day=1) - timedelta(days=1)
        return Period(end.replace(day=1), end)
    count = re.fullmatch(r"(\d{1,5})d", asked)
    if count and 0 < int(count[1]) <= 36525:
        return Period(today - timedelta(days=int(count[1])), yesterday)
    raise ReportError(
        f"unknown period {word!r}: choose a number of days such as 7d, or " + ", ".join(_LAST_WORDS)
    )


def choose_period(first: str | None, last: str | None, word: str | None, today: date) -> Period:
    """The period meant by `--from`/`--to` or by `--last`; exactly one of the two ways."""
    if word is not None:
        if first is not None or last is not None:
            raise ReportError("give either --last or --from and --to, not both")
        return last_period(word, today)
    if first is None or last is None:
        missing = (
            "--from and --to"
            if first is None and last is None
            else ("--from" if first is None else "--to")
        )
        raise ReportError(f"which days? {missing} missing (or use --last, e.g. --last 7d)")
    return Period(parse_day(first), parse_day(last))
