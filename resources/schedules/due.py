"""What is owed, and whether it can go: pure functions over plain values; nothing asks a clock.

A delivery falls due on the day after its period, at the schedule's time in the schedule's zone,
but never before the period has ended in the reporting zone. It then waits for its days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from resources.reporting.period import Period
from resources.schedules.model import Frequency, Incomplete, Schedule

_DAY = timedelta(days=1)

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
MOST_ATTEMPTS = 30
"""A mail that the server will not take for now is tried again after 1, 2, 4 … 60 minutes, for a
day."""


@dataclass(frozen=True)
class Owed:
    """A period that has fallen due; `missed` when it is too old to be sent after an outage."""

    period: Period
    due_at: datetime
    missed: bool = False


@dataclass(frozen=True)
class Ready:
    """It can go; `missing` days are not in it."""

    missing: tuple[date, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """It waits for days, until `until` at the longest; None for as long as it takes."""

    days: tuple[date, ...]
    until: datetime | None


@dataclass(frozen=True)
class Forgone:
    """It is not sent; why."""

    reason: str


def period_ending(frequency: Frequency, last: date) -> Period | None:
    """The period that ends on a day; None when none does."""
    match frequency:
        case Frequency.DAILY:
            return Period(last, last)
        case Frequency.WEEKLY:
            return Period(last - 6 * _DAY, last) if last.isoweekday() == 7 else None
        case Frequency.MONTHLY:
            return Period(last.replace(day=1), last) if (last + _DAY).day == 1 else None


def last_period(frequency: Frequency, today: date) -> Period:
    """The newest period that has ended, seen from a day of the reporting zone."""
    last = today - _DAY
    while (period := period_ending(frequency, last)) is None:
        last -= _DAY
    return period


def due_at(period: Period, at: time, zone: ZoneInfo, reporting: ZoneInfo) -> datetime:
    """When a delivery falls due, in UTC.

    A time that the clocks jump over is the moment of the jump; of one that comes twice the first
    counts.
    """
    after = period.last + _DAY
    ended = _first_moment(datetime.combine(after, time(), reporting))
    return max(ended, _first_moment(datetime.combine(after, at, zone)))


def _first_moment(local: datetime) -> datetime:
    """The first instant at which the local clock shows this time or, where it jumps, a later one.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> _first_moment(datetime(2026, 3, 29, 2, 30, tzinfo=berlin)).isoformat()
    '2026-03-29T01:00:00+00:00'
    >>> _first_moment(datetime(2026, 10, 25, 2, 30, tzinfo=berlin)).isoformat()
    '2026-10-25T00:30:00+00:00'
    """
    zone = local.tzinfo
    first = local.replace(fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None, fold=0):
        return first
    # In the gap: fold 1 lies before the jump and fold 0 after it; the jump is in between.
    low, high = local.replace(fold=1).astimezone(UTC), first
    wanted = local.replace(tzinfo=None, fold=0)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        middle = max(middle, low + timedelta(seconds=1))
        if middle.astimezone(zone).replace(tzinfo=None) >= wanted:
            high = middle
        else:
            low = middle
    return high


def owed(
    schedule: Schedule,
    since: datetime,
    newest_planned: date | None,
    now: datetime,
    reporting: ZoneInfo,
    catch_up: int,
    before: date | None = None,
) -> list[Owed]:
    """The periods that have fallen due after `since` and are in no delivery yet, oldest first.

    `newest_planned` is the last day of the newest period that has one. Of more than `catch_up`
    periods the older ones are missed. With `before` also those that have ended before that day and
    fall due later: a newer one is about to be planned, behind which nobody looks for them.
    """
    found = []
    for period, at in _after(schedule, since, newest_planned, reporting):
        if at > now and (before is None or period.last >= before):
            break
        if at > since:
            found.append(Owed(period, at))
    late = max(0, len(found) - catch_up)
    return [Owed(o.period, o.due_at, missed=n < late) for n, o in enumerate(found)]


def upcoming(
    schedule: Schedule, now: datetime, reporting: ZoneInfo, count: int
) -> list[tuple[Period, datetime]]:
    """The next periods that fall due, and when."""
    found: list[tuple[Period, datetime]] = []
    for each in _after(schedule, now, None, reporting):
        if each[1] > now:
            found.append(each)
        if len(found) == count:
            break
    return found


def upcoming_in_words(
    schedule: Schedule, now: datetime, reporting: ZoneInfo, count: int
) -> list[str]:
    """The same for people: `2026-03-10 07:00 Europe/Berlin (2026-03-09)`, when and which days."""
    zone = ZoneInfo(schedule.timezone)
    return [
        f"{at.astimezone(zone):%Y-%m-%d %H:%M} {schedule.timezone} ("
        + (f"{of.first}" if of.first == of.last else f"{of.first} to {of.last}")
        + ")"
        for of, at in upcoming(schedule, now, reporting, count)
    ]


def _after(
    schedule: Schedule,
    since: datetime,
    newest_planned: date | None,
    reporting: ZoneInfo,
) -> Iterator[tuple[Period, datetime]]:
    zone = ZoneInfo(schedule.timezone)
    # A delivery falls due less than three days after its period, whatever the zones.
    last = since.astimezone(reporting).date() - 3 * _DAY
    if newest_planned is not None:
        last = max(last, newest_planned + _DAY)
    while True:
        period = period_ending(schedule.frequency, last)
        if period is not None:
            yield period, due_at(period, schedule.time, zone, reporting)
        last += _DAY


def readiness(
    missing: Collection[date], queued_at: datetime, due: datetime, now: datetime,
    grace: timedelta, policy: Incomplete,
) -> Ready | Waiting | Forgone:  # fmt: skip
    """Whether a delivery can go, when some of its days are not built or did not pass.

    The grace begins when it is due, or when it was first seen to be: after an outage the days are
    given the time to be built.
    """
    days = tuple(sorted(missing))
    if not days:
        return Ready()
    until = max(due, queued_at) + grace
    if now < until:
        return Waiting(days, until)
    if policy is Incomplete.SEND:
        return Ready(days)
    return Forgone(f"not all its days were there in time: {listed(days)}")


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When a mail that was not taken for now is tried again; None when it is given up.

    >>> noon = datetime(2026, 3, 6, 12, tzinfo=UTC)
    >>> [str(next_try(n, noon) - noon) for n in (1, 2, 7)]
    ['0:01:00', '0:02:00', '1:00:00']
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    return now + min(FIRST_RETRY * (1 << (attempts - 1)), LONGEST_RETRY)


def listed(days: Sequence[date], most: int = 7) -> str:
    """Days as a reader sees them, the first few of many."""
    some = ", ".join(map(str, days[:most]))
    return f"{some} and {len(days) - most} more" if len(days) > most else some
