"""What is owed and when: zones, clock changes, a year of nights, outages, waiting."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.reporting.period import Period
from resources.schedules.due import (
    Forgone,
    Ready,
    Waiting,
    due_at,
    last_period,
    next_try,
    owed,
    period_ending,
    readiness,
    upcoming,
)
from resources.schedules.model import Frequency, Incomplete, Schedule

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
# Clock changes by an hour and by half of one, at midnight and at other times, none at all, and a
# zone that has skipped a whole day.
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana",
    "Africa/Cairo", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Apia", "Etc/GMT+12",
    "America/St_Johns", "Asia/Tokyo",
]  # fmt: skip
zones = st.sampled_from(ZONES).map(ZoneInfo)
times = st.times().map(lambda t: t.replace(second=0, microsecond=0))
days = st.dates(date(2011, 1, 3), date(2030, 12, 30))


def one(day: date) -> Period:
    return Period(day, day)


def schedule(frequency: str = "daily", at: str = "07:00", zone: str = "UTC") -> Schedule:
    return Schedule("x", zone, frequency=Frequency(frequency), time=time.fromisoformat(at))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "zone", "reporting", "expected"),
    [
        ("2026-03-06", "07:00", "UTC", "UTC", "2026-03-07T07:00"),
        ("2026-03-06", "07:00", "America/New_York", "UTC", "2026-03-07T12:00"),
        # Seven in the morning in Tokyo comes before the day has ended in the reporting zone.
        ("2026-03-06", "07:00", "Asia/Tokyo", "UTC", "2026-03-07T00:00"),
        ("2026-03-06", "07:00", "UTC", "America/New_York", "2026-03-07T07:00"),
        ("2026-03-06", "00:00", "UTC", "America/New_York", "2026-03-07T05:00"),
        # 02:30 does not exist on 29 March in Berlin: when the clocks jump from 2 to 3.
        ("2026-03-28", "02:30", "Europe/Berlin", "UTC", "2026-03-29T01:00"),
        ("2026-03-29", "02:30", "Europe/Berlin", "UTC", "2026-03-30T00:30"),
        # 02:30 comes twice on 25 October: the first time, in summer time.
        ("2026-10-24", "02:30", "Europe/Berlin", "UTC", "2026-10-25T00:30"),
        ("2026-10-25", "02:30", "Europe/Berlin", "UTC", "2026-10-26T01:30"),
        # The clocks change by half an hour, and at midnight.
        ("2026-10-03", "02:15", "Australia/Lord_Howe", "UTC", "2026-10-04T00:00"),
        ("2026-03-07", "00:30", "America/Havana", "America/Havana", "2026-03-08T05:00"),
        # A day of the reporting zone that has 23 hours.
        ("2026-03-29", "00:00", "Europe/Berlin", "Europe/Berlin", "2026-03-29T22:00"),
    ],
)  # fmt: skip
def test_when_a_day_falls_due(day: str, at: str, zone: str, reporting: str, expected: str) -> None:
    found = due_at(
        one(date.fromisoformat(day)), time.fromisoformat(at), ZoneInfo(zone), ZoneInfo(reporting)
    )
    assert found == utc(expected)


@given(day=days, at=times, zone=zones, reporting=zones)
def test_due_when_both_have_come_and_not_a_minute_before(
    day: date, at: time, zone: ZoneInfo, reporting: ZoneInfo
) -> None:
    found = due_at(one(day), at, zone, reporting)

    def has_come(instant: datetime) -> bool:
        wanted = datetime.combine(day + timedelta(days=1), at)
        local, there = instant.astimezone(zone), instant.astimezone(reporting)
        return local.replace(tzinfo=None) >= wanted and there.date() > day

    assert has_come(found)
    assert not has_come(found - timedelta(seconds=1))


@given(day=days, at=times, zone=zones, reporting=zones)
def test_later_days_fall_due_later(
    day: date, at: time, zone: ZoneInfo, reporting: ZoneInfo
) -> None:
    earlier = due_at(one(day), at, zone, reporting)
    assert earlier <= due_at(one(day + timedelta(days=1)), at, zone, reporting)


@given(day=days, frequency=st.sampled_from(Frequency))
def test_the_last_period_is_the_newest_that_has_ended(day: date, frequency: Frequency) -> None:
    found = last_period(frequency, day)
    assert found.last < day
    assert period_ending(frequency, found.last) == found
    between = [found.last + timedelta(days=n) for n in range(1, (day - found.last).days)]
    assert not any(period_ending(frequency, each) for each in between)


def test_periods() -> None:
    monday = date(2026, 3, 9)
    assert last_period(Frequency.DAILY, monday) == one(date(2026, 3, 8))
    assert last_period(Frequency.WEEKLY, monday) == Period(date(2026, 3, 2), date(2026, 3, 8))
    assert last_period(Frequency.WEEKLY, date(2026, 3, 8)).last == date(2026, 3, 1)
    assert last_period(Frequency.MONTHLY, monday) == Period(date(2026, 2, 1), date(2026, 2, 28))
    leap = last_period(Frequency.MONTHLY, date(2028, 3, 1))
    assert leap == Period(date(2028, 2, 1), date(2028, 2, 29))


@pytest.mark.parametrize(
    ("zone", "reporting", "at"),
    [
        ("Europe/Berlin", UTC_ZONE, "02:30"),
        ("Europe/Berlin", BERLIN, "00:00"),
        ("America/New_York", BERLIN, "02:30"),
        ("America/New_York", NEW_YORK, "23:59"),
        ("Asia/Tokyo", UTC_ZONE, "07:00"),
    ],
)
@pytest.mark.parametrize(
    ("frequency", "expected"), [("daily", 365), ("weekly", 52), ("monthly", 12)]
)
def test_a_year_of_nights(
    zone: str, reporting: ZoneInfo, at: str, frequency: str, expected: int
) -> None:
    """A clock that ticks every hour from 2026 into 2027, over both changes."""
    of = schedule(frequency, at, zone)
    # Everything about 2026, and nothing before it.
    start = due_at(one(date(2025, 12, 31)), of.time, ZoneInfo(zone), reporting)
    end = due_at(one(date(2026, 12, 31)), of.time, ZoneInfo(zone), reporting)
    now, planned, sent = start, None, list[tuple[datetime, Period]]()
    while now < end:
        now += timedelta(hours=1)
        for found in owed(of, start, planned, now, reporting, catch_up=7):
            assert not found.missed
            assert timedelta() <= now - found.due_at < timedelta(hours=1)
            planned = found.period.last
            sent.append((now, found.period))
    # 2026 has 52 Sundays, 4 January to 27 December.
    assert len(sent) == expected
    covered = Counter(day for _, period in sent for day in period)
    assert set(covered.values()) == {1}
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    if frequency == "weekly":
        assert min(covered) == date(2025, 12, 29)
        assert max(covered) == date(2026, 12, 27)
    else:
        assert sorted(covered) == year


def test_a_year_with_53_weeks() -> None:
    start = utc("2028-01-01T08:00")
    found = owed(schedule("weekly"), start, None, utc("2029-01-01T08:00"), UTC_ZONE, 60)
    assert len(found) == 53


def test_nothing_that_fell_due_before_it_was_made() -> None:
    made = utc("2026-03-09T08:00")
    assert owed(schedule(), made, None, utc("2026-03-10T06:59"), UTC_ZONE, 7) == []
    (first,) = owed(schedule(), made, None, utc("2026-03-10T07:00"), UTC_ZONE, 7)
    assert first.period == one(date(2026, 3, 9))


def test_after_an_outage_each_once_oldest_first_and_not_without_end() -> None:
    since, now = utc("2026-03-01T08:00"), utc("2026-03-12T09:00")
    found = owed(schedule(), since, date(2026, 3, 1), now, UTC_ZONE, 7)
    assert [o.period.last.day for o in found] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert [o.missed for o in found] == [True] * 3 + [False] * 7
    assert owed(schedule(), since, found[-1].period.last, now, UTC_ZONE, 7) == []


def test_a_changed_time_of_day_owes_nothing_twice_and_nothing_less() -> None:
    since, planned = utc("2026-03-01T08:00"), date(2026, 3, 8)
    eight = utc("2026-03-10T08:00")
    # Yesterday is not out yet and its new time has passed: at once.
    (found,) = owed(schedule(at="06:00"), since, planned, eight, UTC_ZONE, 7)
    assert found.period == one(date(2026, 3, 9))
    # It is out, and its new time is still to come: not again.
    later = utc("2026-03-10T10:00")
    assert owed(schedule(at="09:00"), since, date(2026, 3, 9), later, UTC_ZONE, 7) == []


@given(gaps=st.lists(st.integers(1, 100), min_size=1, max_size=40), zone=zones, reporting=zones)
def test_whenever_it_looks_it_finds_each_period_once(
    gaps: list[int], zone: ZoneInfo, reporting: ZoneInfo
) -> None:
    of = schedule("daily", "02:30", zone.key)
    start = utc("2026-03-01T00:00")
    now, planned, found = start, None, list[Period]()
    for hours in gaps:
        now += timedelta(hours=hours)
        new = owed(of, start, planned, now, reporting, catch_up=1000)
        found += [o.period for o in new]
        planned = found[-1].last if found else None
    at_once = owed(of, start, None, now, reporting, catch_up=1000)
    assert found == [o.period for o in at_once]


def test_what_comes_next() -> None:
    found = upcoming(schedule("weekly", "07:00"), utc("2026-03-09T07:00"), UTC_ZONE, 2)
    assert found == [
        (Period(date(2026, 3, 9), date(2026, 3, 15)), utc("2026-03-16T07:00")),
        (Period(date(2026, 3, 16), date(2026, 3, 22)), utc("2026-03-23T07:00")),
    ]


DUE = utc("2026-03-09T07:00")
SIX_HOURS = timedelta(hours=6)
MISSING = (date(2026, 3, 7), date(2026, 3, 8))


@pytest.mark.parametrize(
    ("missing", "queued", "now", "policy", "expected"),
    [
        ((), DUE, DUE, "send", Ready()),
        (MISSING[::-1], DUE, DUE, "send", Waiting(MISSING, DUE + SIX_HOURS)),
        (MISSING, DUE, DUE + SIX_HOURS, "send", Ready(MISSING)),
        (MISSING, DUE, DUE + SIX_HOURS, "skip",
         Forgone("not all its days were there in time: 2026-03-07, 2026-03-08")),
        # Seen only after an outage: the days are given their time.
        (MISSING, DUE + timedelta(days=2), DUE + timedelta(days=2), "send",
         Waiting(MISSING, DUE + timedelta(days=2, hours=6))),
        ((), DUE, DUE + timedelta(days=9), "skip", Ready()),
    ],
)  # fmt: skip
def test_waiting_for_days(
    missing: tuple[date, ...], queued: datetime, now: datetime, policy: str,
    expected: Ready | Waiting | Forgone,
) -> None:  # fmt: skip
    assert readiness(missing, queued, DUE, now, SIX_HOURS, Incomplete(policy)) == expected


def test_tried_again_for_a_day() -> None:
    now, tries = DUE, list[float]()
    while (then := next_try(len(tries) + 1, now)) is not None:
        tries.append((then - now).total_seconds() / 60)
        now = then
    assert tries[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(tries[6:]) == {60}
    assert timedelta(hours=24) <= now - DUE < timedelta(hours=25)
