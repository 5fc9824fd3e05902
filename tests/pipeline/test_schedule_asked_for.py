"""Reports that somebody asks for, beside those that go out by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.assembly import Workplace
from resources.ledger.delivery import State
from resources.schedules.delivery import deliver_all
from resources.schedules.planning import agenda, run_now
from tests.pipeline.offices import Clock, add, copied, make_built, office_of, tick
from tests.pipeline.post import PostOffice, serving


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"))


def test_run_now_passes_over_no_report_that_is_still_to_come(
    built: Workplace, tmp_path: Path
) -> None:
    """At five in the afternoon in Los Angeles it is the day after next in UTC."""
    post, clock = PostOffice(), Clock(datetime(2026, 3, 7, 12, tzinfo=UTC))
    with serving(post) as port:
        office = office_of(copied(built, tmp_path), port, clock)
        add(office, timezone="America/Los_Angeles", time="17:00")
        clock.set("2026-03-08T00:30")  # 6 March falls due in half an hour, 7 March has ended
        (asked,) = run_now(office, office.schedules.named("nightly"))
        (first,) = deliver_all(office, agenda(office).ready)
        assert (first.id, first.days, first.state) == (asked.id, "2026-03-07", State.SENT)
        assert agenda(office).waiting == ("nightly, 2026-03-06: due at 2026-03-08 01:00 UTC",)
        clock.set("2026-03-08T00:59")
        assert tick(office) == []
        clock.set("2026-03-08T01:00")
        assert [d.days for d in tick(office)] == ["2026-03-06"]
        clock.set("2026-03-09T00:00")  # summer time has begun there
        assert tick(office) == []
        clock.set("2026-03-10T00:00")
        assert [d.days for d in tick(office)] == ["2026-03-08"]
    assert [m["Subject"] for _, m, _ in post.got] == [
        f"Breakout, {day} March 2026" for day in (7, 6, 8)
    ]
