"""A winter of nights with a clock that is set, clock changes and a leap day in it, by real mail.

Each morning the day before is built, and on the minute its reports go; around the clock changes it
is looked at a minute before, too. What is expected is reckoned by hand from the changes' dates.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import insert

from resources.days import DAY_TABLES
from resources.ledger.delivery import State
from resources.ledger.schema import day_builds, days
from resources.schedules.office import Office
from tests.pipeline.home import make_home
from tests.pipeline.offices import Clock, add, office_of, tick
from tests.pipeline.post import PostOffice, serving

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


ZONE = "Europe/Berlin"
AUTUMN = date(2027, 11, 1)
"""From here on it is winter at 02:30: the day before has it twice, the first in summer."""

SPRING = date(2028, 3, 26)
"""The morning without a 02:30: the clock jumps from 02:00, 01:00 in UTC, to 03:00."""


def due(last: date) -> datetime:
    """When a period that ends on this day falls due: at 02:30 by the zone's clock."""
    morning = last + DAY
    if morning == SPRING:
        return datetime.combine(morning, time(1), UTC)
    at = time(1, 30) if AUTUMN <= morning < SPRING else time(0, 30)
    return datetime.combine(morning, at, UTC)


def note_built(office: Office, day: date, at: datetime) -> None:
    """What an intake and a run leave in the ledger; the day itself has no calls."""
    with office.days.engine.begin() as connection:
        connection.execute(insert(days).values(call_date=day, version=1))
        connection.execute(
            insert(day_builds),
            [
                {"table_name": table, "call_date": day, "version": 1, "lake_version": -1,
                 "rows": 0, "built_at": at}
                for table in DAY_TABLES
            ],
        )  # fmt: skip


def test_a_winter(tmp_path: Path) -> None:
    first, last = date(2027, 10, 25), date(2028, 4, 2)  # a Monday and a Sunday
    all_days = [first + n * DAY for n in range(161)]
    assert all_days[-1] == last
    assert date(2028, 2, 29) in all_days
    expected = {("daily", day, day, due(day)) for day in all_days}
    for sunday in (day for day in all_days if day.isoweekday() == 7):
        expected.add(("weekly", sunday - 6 * DAY, sunday, due(sunday)))
    for end in (day for day in all_days if (day + DAY).day == 1):
        expected.add(("monthly", end.replace(day=1), end, due(end)))
    assert len(expected) == 161 + 23 + 6

    post, clock = PostOffice(), Clock(datetime.combine(first, time(12), UTC))
    workplace = make_home(tmp_path, timezone=ZONE)
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        office = replace(office, smtp=replace(office.smtp, timeout=30))
        for frequency in ("daily", "weekly", "monthly"):
            add(office, name=frequency, frequency=frequency, time="02:30", timezone=ZONE)
        # The days of the first month that are before.
        for n in range(1, first.day):
            note_built(office, first - n * DAY, clock.now)
        for day in all_days:
            clock.now = due(day) - MINUTE
            note_built(office, day, clock.now)
            if min(abs(day - SPRING), abs(day - AUTUMN)) < 4 * DAY:
                assert tick(office) == [], f"too early at {clock.now}"
            clock.forward(minutes=1)
            assert {d.state for d in tick(office)} == {State.SENT}
        found = office.deliveries.find()
        assert {(d.frequency, d.first_day, d.last_day, d.due_at) for d in found} == expected
        assert len(found) == len(expected)
        assert {(d.state, d.attempts, d.missing, d.note) for d in found} == {
            (State.SENT, 1, (), None)
        }
        assert all(d.settled_at == d.due_at for d in found)
        clock.forward(hours=12)
        assert tick(office) == []
    assert len(post.got) == len(expected)
    assert post.message_ids() == {d.message_id for d in found}
