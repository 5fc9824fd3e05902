"""A year of nights with a clock that is set, over both clock changes, to a real mail server.

Each morning the day before is built, and on the minute its reports go; around the clock changes it
is looked at a minute before, too. What is expected is reckoned by hand from the changes' dates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from resources.days import DAY_TABLES
from resources.ledger.deliveries import State
from resources.ledger.schema import day_builds, days
from resources.schedules.office import Office
from tests.pipeline.home import make_home
from tests.pipeline.offices import Clock, add, office_of, tick
from tests.pipeline.post import PostOffice, serving

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Year:
    """A zone's year: at 02:30 by its clock, in UTC, in winter, in summer and when it jumps.

    `spring` is the morning without a 02:30; from `autumn` on it is winter again at 02:30.
    """

    zone: str
    number: int
    spring: date
    autumn: date
    winter: time
    jump: time
    summer: time
    weeks: int

    def due(self, last: date) -> datetime:
        """When a period that ends on this day falls due."""
        morning = last + DAY
        if morning == self.spring:
            at = self.jump
        else:
            at = self.summer if self.spring < morning < self.autumn else self.winter
        return datetime.combine(morning, at, UTC)


YEARS = [
    # In Berlin 02:30 comes twice on 25 October: the first one is in summer time, so that it is
    # winter from the 26th on.
    Year("Europe/Berlin", 2026, date(2026, 3, 29), date(2026, 10, 26),
         time(1, 30), time(1), time(0, 30), 52),
    # 2023 begins and ends with a Sunday. In New York 01:30 comes twice on 5 November, not 02:30.
    Year("America/New_York", 2023, date(2023, 3, 12), date(2023, 11, 5),
         time(7, 30), time(7), time(6, 30), 53),
]  # fmt: skip


def note_built(office: Office, day: date, at: datetime) -> None:
    """What an intake and a run leave in the ledger; the day itself has no calls."""
    with office.days.engine.begin() as connection:
        connection.execute(insert(days).values(call_date=day, version=1))
        connection.execute(
            insert(day_builds),
            [
                {"table_name": table, "call_date": day, "version": 1, "lake_version": 0,
                 "rows": 0, "built_at": at}
                for table in DAY_TABLES
            ],
        )  # fmt: skip


@pytest.mark.parametrize("year", YEARS, ids=lambda year: year.zone.replace("/", "-"))
def test_a_year(year: Year, tmp_path: Path) -> None:
    first, last = date(year.number, 1, 1), date(year.number, 12, 31)
    all_days = [first + n * DAY for n in range(365)]
    assert all_days[-1] == last
    expected = {("daily", day, day, year.due(day)) for day in all_days}
    for sunday in (day for day in all_days if day.isoweekday() == 7):
        expected.add(("weekly", sunday - 6 * DAY, sunday, year.due(sunday)))
    for end in (day for day in all_days if (day + DAY).day == 1):
        expected.add(("monthly", end.replace(day=1), end, year.due(end)))
    assert len(expected) == 365 + year.weeks + 12

    post, clock = PostOffice(), Clock(datetime.combine(first, time(12), UTC))
    workplace = make_home(tmp_path, timezone=year.zone)
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        office = replace(office, smtp=replace(office.smtp, timeout=30))
        for frequency in ("daily", "weekly", "monthly"):
            add(office, name=frequency, frequency=frequency, time="02:30", timezone=year.zone)
        # The days of the first week and of what else began in the year before.
        for n in range(1, 7):
            note_built(office, first - n * DAY, clock.now)
        for day in all_days:
            clock.now = year.due(day) - MINUTE
            note_built(office, day, clock.now)
            if min(abs(day - year.spring), abs(day - year.autumn)) < 4 * DAY:
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
