"""A clock that is wrong for a while, as a machine's that has just started and asked nobody yet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from resources.ledger.delivery import State
from tests.pipeline.offices import Clock, add, make_built, office_of, tick
from tests.pipeline.post import PostOffice, serving


def test_a_clock_that_was_a_year_ahead_costs_no_report(tmp_path: Path) -> None:
    post, clock = PostOffice(), Clock(datetime(2026, 3, 7, 12, tzinfo=UTC))
    with serving(post) as port:
        office = office_of(make_built(tmp_path), port, clock)
        add(office)
        clock.set("2027-03-08T07:00")
        assert tick(office) == []  # its days are missing
        assert len(office.deliveries.find()) > 300  # most of them too old to be sent
        clock.set("2026-03-07T12:01")
        assert tick(office) == []
        clock.set("2026-03-08T07:00")
        assert [d.days for d in tick(office)] == ["2026-03-07"]
        clock.set("2026-03-09T06:59")
        assert tick(office) == []
        clock.set("2026-03-09T07:00")
        assert [d.days for d in tick(office)] == ["2026-03-08"]
        assert tick(office) == []
    assert {d.state for d in office.deliveries.find() if d.due_at <= clock.now} == {State.SENT}
    assert [m["Subject"] for _, m, _ in post.got] == [
        f"Breakout, {day} March 2026" for day in (7, 8)
    ]
