"""Reports that somebody asks for, beside those that go out by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from resources.ledger.delivery import State
from resources.schedules.delivery import deliver_all
from resources.schedules.planning import again, agenda, plan, run_now
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


def test_run_now_sends_what_has_failed_or_was_passed_over(built: Workplace, tmp_path: Path) -> None:
    post, clock = PostOffice("550 sky@example.com"), Clock(datetime(2026, 3, 8, 12, tzinfo=UTC))
    with serving(post) as port:
        office = office_of(copied(built, tmp_path), port, clock)
        add(office, name="each", audience="customer", fan_out=True)
        add(office, name="paused")
        add(office, name="house")
        clock.set("2026-03-09T07:00")
        assert plan(office) == []
        paused = office.schedules.named("paused").id
        office.schedules.pause(paused, clock())
        tick(office)
        office.schedules.resume(paused, clock())
        states = {d.account: d.state for d in office.deliveries.find() if d.account}
        assert states == {"101": State.FAILED, "102": State.SENT}
        asked = [
            d.account for name in ("each", "paused", "house")
            for d in run_now(office, office.schedules.named(name))
        ]  # fmt: skip
        assert asked == ["101", ""]
        deliver_all(office, agenda(office).ready)
        assert run_now(office, office.schedules.named("each")) == []
    assert {d.state for d in office.deliveries.find()} == {State.SENT}
    assert post.mails() == {
        "a@example.com": 2, "sky@example.com": 1, "bright@example.com": 1, "noc@bright.example": 1,
    }  # fmt: skip


def test_a_mail_whose_sender_was_refused_goes_from_another(
    built: Workplace, tmp_path: Path
) -> None:
    post = PostOffice("mail 553 5.7.1 sender rejected", "data 451 try later")
    clock = Clock(datetime(2026, 3, 8, 12, tzinfo=UTC))
    with serving(post) as port:
        office = office_of(copied(built, tmp_path), port, clock)
        add(office)
        clock.set("2026-03-09T07:00")
        (failed,) = tick(office)
        assert failed.state is State.FAILED
        sender = "Berichte für alle <night@example.org>"
        office = replace(office, smtp=replace(office.smtp, sender=sender))
        again(office, failed)
        (waiting,) = tick(office)
        clock.forward(minutes=1)
        made_at = (office.home / str(waiting.folder) / "message.eml").stat().st_mtime_ns
        (sent,) = tick(office)
        assert (office.home / str(sent.folder) / "message.eml").stat().st_mtime_ns == made_at
    assert (sent.state, sent.id) == (State.SENT, failed.id)
    ((_, message, _),) = post.got
    assert message["From"] == sender


def test_a_mail_that_was_too_large_goes_smaller_once_the_limit_is_lower(
    built: Workplace, tmp_path: Path
) -> None:
    post, clock = (
        PostOffice("data 552 5.3.4 message too big"),
        Clock(datetime(2026, 3, 8, 12, tzinfo=UTC)),
    )
    with serving(post) as port:
        office = office_of(copied(built, tmp_path), port, clock)
        add(office)
        clock.set("2026-03-09T07:00")
        (first,) = tick(office)
        assert first.state is State.FAILED
        assert "552 5.3.4 message too big (lower CDR_REPORTS_MAIL_LIMIT_MB)" in (first.note or "")
        size = (office.home / str(first.folder) / "message.eml").stat().st_size
        lower = replace(office, rules=replace(office.rules, mail_bytes=size - 1))
        run_now(lower, lower.schedules.all()[0])
        (second,) = deliver_all(lower, agenda(lower).ready)
    assert second.state is State.SENT
    ((_, message, content),) = post.got
    assert len(content) < size
    assert list(message.iter_attachments()) == []
    body: Any = message.get_body(("plain",))
    assert "Not attached, because the mail would be larger" in body.get_content()
