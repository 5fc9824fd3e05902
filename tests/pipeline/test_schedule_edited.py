"""A schedule that is edited while its reports wait, or after they went out."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from resources.reporting.period import Period
from resources.schedules.definition import define
from resources.schedules.delivery import deliver_all
from resources.schedules.model import from_text
from resources.schedules.office import Office
from resources.schedules.planning import again, agenda, plan
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all
from tests.pipeline.offices import DAYS, Clock, add, copied, make_built, office_of, tick
from tests.pipeline.post import PostOffice, serving

EVE = datetime(2026, 3, 8, 12, tzinfo=UTC)
MORNING = "2026-03-09T07:00"
BOSS = {"fan_out": False, "audience": "internal", "email": "boss@example.com"}
EACH = {"fan_out": True, "audience": "customer", "email": []}
BRIGHT = ["bright@example.com", "noc@bright.example"]
GONE = "the schedule was edited and makes no such report any more"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"))


@pytest.fixture
def workplace(built: Workplace, tmp_path: Path) -> Workplace:
    return copied(built, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock(EVE)


def edit(office: Office, **values: Any) -> None:
    record = office.schedules.named("nightly")
    values = {**from_text(record.definition).plain(), **values}
    period = Period(DAYS[-1], DAYS[-1])
    made = define(values, office.read_accounts(), "UTC", period).schedule
    office.schedules.change(record.id, made.name, made.text(), office.clock())


def text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def late(workplace: Workplace, *customers: str) -> None:
    """A further call of each on the last day, which is built anew."""
    at = f"{DAYS[-1]} 13:00:00"
    deliver(workplace, "late.csv", [call(f"late-{c}", dt=at, customer_id=c) for c in customers])
    build_all(workplace)


@pytest.mark.parametrize(
    ("before", "after", "got", "forgone"),
    [
        (EACH, BOSS, ["boss@example.com"], 2),
        (BOSS, EACH, [*BRIGHT, "sky@example.com"], 1),
        (EACH, {"customers": "101"}, ["sky@example.com"], 1),
    ],
    ids=["no fan-out any more", "a fan-out now", "of fewer customers"],
)
def test_what_waits_goes_as_the_schedule_is_now(
    workplace: Workplace, clock: Clock, before: dict[str, Any], after: dict[str, Any],
    got: list[str], forgone: int,
) -> None:  # fmt: skip
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, **before)
        clock.set(MORNING)
        assert plan(office) == []
        edit(office, **after)
        tick(office)
        clock.forward(hours=1)
        assert tick(office) == []
    assert post.mails() == dict.fromkeys(got, 1)
    notes = [d.note for d in office.deliveries.find()]
    assert notes.count(GONE) == forgone
    assert set(notes) == {GONE, None}


def test_what_one_has_already_is_finished(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice("450 noc@bright.example")
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, **EACH, customers="102")
        clock.set(MORNING)
        tick(office)
        edit(office, **BOSS, customers="")
        clock.forward(minutes=1)
        tick(office)
    assert post.mails() == dict.fromkeys([*BRIGHT, "boss@example.com"], 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (EACH, BOSS),
        (BOSS, EACH),
        (EACH, {"customers": "102"}),
        ({"audience": "customer", "customers": "101"}, {"customers": "102"}),
        ({}, {"audience": "customer", "customers": "101"}),
    ],
    ids=["no fan-out", "fan-out", "fewer", "another customer", "for outside"],
)
def test_nobody_hears_of_others_figures(
    workplace: Workplace, clock: Clock, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Who gets the report now never had the one whose figures have changed."""
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, **before)
        clock.set(MORNING)
        tick(office)
        sent = len(post.got)
        edit(office, **after)
        late(workplace, "101")
        clock.forward(hours=1)
        assert tick(office) == []
        (*_, last) = office.deliveries.find()
        if before.get("fan_out", False) == after.get("fan_out", before.get("fan_out", False)):
            again(office, last)  # what somebody asks for goes, and compares nothing
            tick(office)
            assert len(post.got) == sent + 1
        else:
            with pytest.raises(ValueError, match=r"no report for|nobody's report"):
                again(office, last)
    for _, message, _ in post.got[sent:]:
        assert message["Subject"] == "Breakout, 8 March 2026"
        assert "became" not in text(message)


def test_a_revision_is_of_the_report_that_was_sent(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, on_change="resend", group="customer", columns="attempts")
        clock.set(MORNING)
        tick(office)
        edit(office, report="dtmf", group="provider", columns="connected", email="b@example.com")
        late(workplace, "102")
        clock.forward(hours=1)
        tick(office)
    (_, first, _), (to, revised, _) = post.got
    assert to == ("b@example.com",)
    assert revised["Subject"] == "Breakout (revised), 8 March 2026"
    assert "Attempts: 3 became 4 (+33.3 %)." in text(revised)
    assert "Grouped by: Customer" in text(first)
    assert "Grouped by: Customer" in text(revised)


@pytest.mark.parametrize("changed", [False, True])
def test_other_columns_are_no_other_figures(
    workplace: Workplace, clock: Clock, changed: bool
) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, on_change="ignore")
        clock.set(MORNING)
        (sent,) = tick(office)
        edit(office, group="customer", columns="attempts")
        if changed:
            late(workplace, "102")
        again(office, sent)
        deliver_all(office, agenda(office).ready)
    _, (_, message, _) = post.got
    revised = message["Subject"] == "Breakout (revised), 8 March 2026"
    assert (revised, "Attempts: 3 became 4" in text(message)) == (changed, changed)
    assert "Grouped by: Customer" in text(message)
    assert "single rows have changed" not in text(message)


@pytest.mark.parametrize("changed", [False, True])
def test_other_columns_of_a_report_of_ones_own_are_no_other_figures(
    workplace: Workplace, clock: Clock, changed: bool
) -> None:
    post, own = PostOffice(), workplace.settings.home / "reports" / "mine.yaml"
    own.parent.mkdir()
    own.write_text("report: breakout\ntitle: Mine\ngroup: [provider]\ncolumns: [attempts]\n")
    with serving(post) as port:
        add(office_of(workplace, port, clock), report="mine", on_change="resend")
        clock.set(MORNING)
        tick(office_of(workplace, port, clock))
        own.write_text(
            "report: breakout\ntitle: Mine\ngroup: [customer]\ncolumns: [attempts, asr]\n"
        )
        if changed:
            late(workplace, "102")
        else:
            for table in ("cdrs", "breakout_daily"):
                workplace.builder.build(table, DAYS[-1])
        clock.forward(hours=1)
        tick(office_of(workplace, port, clock))
        assert tick(office_of(workplace, port, clock)) == []
    revised = [text(message) for _, message, _ in post.got[1:]]
    assert ["Attempts: 3 became 4 (+33.3 %)." in said for said in revised] == [True] * changed
    assert not [said for said in revised if "Rows:" in said or "single rows" in said]
