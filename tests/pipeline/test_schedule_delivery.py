"""Deliveries over a real lake, ledger and mail server: each exactly once, whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipelines.assembly import Workplace
from resources.alerts import of_deliveries
from resources.ledger.delivery import Outcome, State
from resources.schedules.delivery import deliver_all
from resources.schedules.office import Office
from resources.schedules.planning import again, agenda, plan, run_now
from resources.schedules.settling import DIED
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all
from tests.pipeline.offices import DAYS, Clock, add, copied, make_built, office_of, tick
from tests.pipeline.post import PostOffice, free_port, serving

EVE = datetime(2026, 3, 8, 12, tzinfo=UTC)
MORNING = "2026-03-09T07:00"
BOTH = ["a@example.com", "b@example.com"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"))


@pytest.fixture
def workplace(built: Workplace, tmp_path: Path) -> Workplace:
    return copied(built, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock(EVE)


def outcomes(office: Office, number: int) -> dict[str, str]:
    return {r.address: r.outcome for r in office.deliveries.recipients(number)}


def test_a_report_goes_out_once(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, email=BOTH, cc="c@example.com", bcc="d@example.com")
        assert tick(office) == []
        clock.set("2026-03-09T06:59")
        assert tick(office) == []
        clock.set(MORNING)
        (sent,) = tick(office)
        clock.forward(minutes=1)
        assert tick(office) == []
    assert (sent.state, sent.note, sent.days) == (State.SENT, None, "2026-03-08")
    assert set(outcomes(office, sent.id).values()) == {"accepted"}
    ((to, message, content),) = post.got
    assert sorted(to) == [*BOTH, "c@example.com", "d@example.com"]
    assert (message["To"], message["Cc"]) == (", ".join(BOTH), "c@example.com")
    assert b"d@example.com" not in content
    assert message["Subject"] == "Breakout, 8 March 2026"
    assert message["Message-ID"] == sent.message_id
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "breakout_2026-03-08.csv"
    folder = office.home / str(sent.folder)
    assert str(sent.folder) == "out/deliveries/nightly-1/2026-03-08-r1"
    assert sorted(p.name for p in folder.iterdir()) == ["breakout_2026-03-08.csv", "message.eml"]
    assert (folder / "message.eml").read_bytes() == content
    lines = (folder / "breakout_2026-03-08.csv").read_text().splitlines()
    assert len(lines) == 1 + 3
    assert sent.sources == office.versions(add(office, name="other"))


# fault → state after the first attempt, words in its note, whether it is tried again
FAULTS = [
    ("", "sent", "", False),
    ("550 b@example.com", "sent", "not delivered to b@example.com: 550 5.1.1 no such user", False),
    ("550 *", "failed", "550 5.1.1 no such user", False),
    ("data 554 5.6.0 looks like spam", "failed", "554 5.6.0 looks like spam", False),
    ("mail 553 5.7.1 sender rejected", "failed", "553 5.7.1 sender rejected", False),
    ("quit", "sent", "", False),
    ("450 b@example.com", "queued", "b@example.com: 450 4.1.1 mailbox busy", True),
    ("450 *", "queued", "450 4.1.1 mailbox busy", True),
    ("421 b@example.com", "queued", "b@example.com: 421 4.1.1 shutting down", True),
    ("450 a@example.com, 550 b@example.com", "queued", "450 4.1.1 mailbox busy", True),
    ("data 451 4.3.0 try later", "queued", "451 4.3.0 try later", True),
    ("mail 421 4.3.2 shutting down", "queued", "421 4.3.2 shutting down", True),
    ("drop", "queued", "broke off the connection", True),
    ("stall", "queued", "timed out", True),
    ("swallow", "queued", "broke off the connection", True),
]


@pytest.mark.parametrize(("fault", "state", "words", "again"), FAULTS, ids=[f[0] for f in FAULTS])
def test_faults_of_the_mail_server(
    workplace: Workplace, clock: Clock, fault: str, state: str, words: str, again: bool
) -> None:
    post = PostOffice(fault)
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, email=BOTH)
        clock.set(MORNING)
        hurried = replace(office, smtp=replace(office.smtp, answer_timeout=0.5))
        (first,) = tick(hurried if fault == "stall" else office)
        assert (first.state, words in (first.note or "")) == (state, True), first.note
        clock.forward(seconds=59)
        assert tick(office) == []
        clock.forward(seconds=1)
        second = tick(office)
        clock.forward(hours=30)
        assert office.deliveries.open() == []
    assert len(second) == again
    refused = {"550 b@example.com": BOTH[1:], "450 a@example.com, 550 b@example.com": BOTH[1:]}
    nobody = state == "failed"
    wanted = [] if nobody else [a for a in BOTH if a not in refused.get(fault, [])]
    got = dict.fromkeys(wanted, 2 if fault == "swallow" else 1)
    assert post.mails() == got
    assert len(post.message_ids()) == (0 if nobody else 1)
    (last,) = office.deliveries.find()
    assert last.state == ("failed" if nobody else "sent")
    assert outcomes(office, last.id) == {a: "accepted" if a in wanted else "refused" for a in BOTH}
    missed = [] if nobody else [a for a in BOTH if a not in wanted]
    assert [a for a in BOTH if a in (last.note or "") and not nobody] == missed
    assert ("b@example.com: 550" in (last.note or "")) == ("550" in fault)
    # Only where the server may have it is it said that it may arrive twice; then as it was.
    assert (DIED in (last.note or "")) == (fault in ("drop", "stall", "swallow"))
    assert len({content for _, _, content in post.got}) <= 1 or fault == "450 b@example.com"
    if fault == "450 b@example.com":
        (_, _, one), (_, _, two) = post.got
        assert one == two


def test_who_is_refused_after_others_have_it_is_told(workplace: Workplace, clock: Clock) -> None:
    with serving(PostOffice("450 b@example.com", "550 b@example.com")) as port:
        office = office_of(workplace, port, clock)
        add(office, email=BOTH)
        clock.set(MORNING)
        tick(office)
        clock.forward(minutes=1)
        (last,) = tick(office)
    said = "not delivered to b@example.com: 550 5.1.1 no such user"
    assert (last.state, last.note) == (State.SENT, said)
    unreached = office.deliveries.unreached(last.queued_at)
    (trouble,) = of_deliveries(unreached, {last.schedule_id: "nightly"})
    assert trouble.title == "report nightly, 2026-03-08, did not reach everybody"


def test_a_server_that_is_down_for_a_while(workplace: Workplace, clock: Clock) -> None:
    post, port = PostOffice(), free_port()
    office = office_of(workplace, port, clock)
    add(office)
    clock.set(MORNING)
    tries = 0
    for _ in range(90):
        tries += len(tick(office))
        clock.forward(minutes=1)
    assert tries == 7  # at 0, 1, 3, 7, 15, 31 and 63 minutes
    (waiting,) = office.deliveries.open()
    assert "cannot be reached" in (waiting.note or "")
    assert waiting.handed_at is None
    with serving(post, port):
        clock.forward(hours=1)
        (sent,) = tick(office)
    assert (sent.state, sent.note) == (State.SENT, None)
    assert post.mails() == {"a@example.com": 1}


def test_what_is_never_taken_is_given_up(workplace: Workplace, clock: Clock) -> None:
    office = office_of(workplace, free_port(), clock)
    add(office)
    clock.set(MORNING)
    for _ in range(60):
        tick(office)
        clock.forward(hours=1)
    found = [d for d in office.deliveries.find() if d.last_day == DAYS[-1]]
    (first,) = found
    assert first.state is State.FAILED
    assert "given up after 30 attempts" in (first.note or "")


def test_it_waits_for_a_day_and_goes_as_soon_as_it_is_built(
    workplace: Workplace, clock: Clock
) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office)
        clock.set("2026-03-10T07:00")
        (before, waiting) = (tick(office), agenda(office).waiting)
        assert [d.days for d in before] == ["2026-03-08"]
        assert waiting == (
            "nightly, 2026-03-09: waits for 2026-03-09, until 2026-03-10 13:00 UTC at the longest",
        )
        deliver(workplace, "late.csv", [call("x", dt="2026-03-09 10:00:00")])
        workplace.intake.run()
        clock.forward(hours=1)
        assert tick(office) == []  # delivered, not built
        build_all(workplace)
        (sent,) = tick(office)
    assert (sent.state, sent.missing) == (State.SENT, ())
    assert post.got[-1][1]["Subject"] == "Breakout, 9 March 2026"


@pytest.mark.parametrize("policy", ["send", "skip"])
def test_a_day_that_does_not_come(workplace: Workplace, clock: Clock, policy: str) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, frequency="weekly", incomplete=policy)
        clock.set("2026-03-09T07:00")
        assert tick(office) == []
        clock.forward(hours=5, minutes=59)
        assert tick(office) == []
        clock.forward(minutes=1)
        (settled,) = tick(office)
        assert tick(office) == []
    gone = [date(2026, 3, day) for day in (2, 3, 4, 5)]
    if policy == "skip":
        assert settled.state is State.SKIPPED
        assert "not all its days were there in time: 2026-03-02" in (settled.note or "")
        assert post.got == []
        return
    assert (settled.state, list(settled.missing)) == (State.SENT, gone)
    message = post.got[0][1]
    assert message["Subject"].startswith("Breakout (incomplete), 2–8 March 2026")
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "Incomplete: 2026-03-02 to 2026-03-05 were not built" in text
    assert "no data" not in text  # which would be the same once more


def test_after_an_outage(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice()
    with serving(post) as port:
        clock.set("2026-03-01T12:00")
        office = office_of(workplace, port, clock)
        add(office)
        clock.set("2026-03-10T08:00")
        office = replace(office, rules=replace(office.rules, catch_up=4))
        tick(office)
        # The missing day of the four gets its six hours; the others go, oldest first.
        assert [m["Subject"][10:] for _, m, _ in post.got] == [
            f"{day} March 2026" for day in (6, 7, 8)
        ]
        clock.forward(hours=6)
        tick(office)
        tick(office)
    assert [m["Subject"].partition(", ")[2] for _, m, _ in post.got] == [
        f"{day} March 2026" for day in (6, 7, 8, 9)
    ]
    found = {d.last_day.day: d for d in office.deliveries.find()}
    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert {d.state for n, d in found.items() if n < 6} == {State.SKIPPED}
    assert "missed: only the newest 4" in (found[1].note or "")


def test_paused_and_removed_schedules_send_nothing(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        for name in ("paused", "removed"):
            add(office, name=name)
        clock.set(MORNING)
        plan(office)  # both are queued
        office.schedules.pause(office.schedules.named("paused").id, clock())
        office.schedules.remove(office.schedules.named("removed").id, clock())
        assert [d.note for d in tick(office)] == [
            "the schedule is paused", "the schedule was removed"
        ]  # fmt: skip
        clock.set("2026-03-10T07:30")
        office.schedules.resume(office.schedules.named("paused").id, clock())
        assert tick(office) == []  # what fell due in between is not owed
        clock.set("2026-03-11T07:00")
        plan(office)
    assert post.got == []
    assert [d.last_day.day for d in office.deliveries.open()] == [10]


def test_run_now_is_the_periods_delivery(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office)
        record = office.schedules.named("nightly")
        clock.set("2026-03-09T05:00")
        assert [d.days for d in run_now(office, record)] == ["2026-03-08"]
        (sent,) = deliver_all(office, agenda(office).ready)
        assert run_now(office, record) == []
        clock.set(MORNING)
        assert tick(office) == []
        # Once more on purpose: a further revision under a Message-ID of its own.
        repeated = again(office, sent)
        (repeated,) = deliver_all(office, agenda(office).ready)
    assert (repeated.state, repeated.revision) == (State.SENT, 2)
    assert len(post.message_ids()) == 2
    assert [m["Subject"] for _, m, _ in post.got] == ["Breakout, 8 March 2026"] * 2


def test_a_failed_one_is_sent_again_when_asked(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice("550 *")
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office)
        clock.set(MORNING)
        (failed,) = tick(office)
        again(office, failed)
        (sent,) = deliver_all(office, agenda(office).ready)
    assert (failed.state, sent.state, sent.id) == (State.FAILED, State.SENT, failed.id)
    assert post.mails() == {"a@example.com": 1}


def test_attachments_over_the_limit_are_kept_and_the_mail_says_where(
    workplace: Workplace, clock: Clock
) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        limit = 130_000
        office = replace(office, rules=replace(office.rules, mail_bytes=limit))
        add(office, formats="csv,html,pdf")
        clock.set(MORNING)
        (sent,) = tick(office)
    _, message, content = post.got[0]
    assert len(content) <= limit
    names = [a.get_filename() for a in message.iter_attachments()]
    folder = office.home / str(sent.folder)
    kept = {p.name: p.stat().st_size for p in folder.iterdir() if p.suffix != ".eml"}
    assert len(kept) == 3
    assert "breakout_2026-03-08.csv" in names
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        text = " ".join(body.get_content().split())
        for name in kept:
            assert (name in text.partition("Not attached")[2]) == (name not in names)
        assert f"kept in {sent.folder}" in text
    assert len(names) < 3


def test_restated_days(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice()
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        for policy in ("resend", "notify", "ignore"):
            add(office, name=policy, on_change=policy, email=f"{policy}@example.com")
        add(office, name="customer", on_change="resend", email="c@example.com",
            audience="customer", customers="101")  # fmt: skip
        clock.set(MORNING)
        assert len(tick(office)) == 4
        # The same day built anew from nothing new: nobody hears of it.
        for table in ("cdrs", "breakout_daily", "dtmf_hourly"):
            workplace.builder.build(table, DAYS[-1])
        assert tick(office) == []
        late = [call("late", dt=f"{DAYS[-1]} 13:00:00", customer_id="102", provider_id="9")]
        deliver(workplace, "late.csv", late)
        workplace.intake.run()
        assert tick(office) == []  # not built yet
        build_all(workplace)
        clock.forward(hours=3)
        revised = tick(office)
        assert tick(office) == []
    assert [(d.revision, d.state) for d in revised] == [(2, State.SENT)] * 2
    assert post.mails() == {
        "resend@example.com": 2, "notify@example.com": 2, "ignore@example.com": 1,
        "c@example.com": 1,  # it has other customers' calls neither in it nor in its changes
    }  # fmt: skip
    assert len(post.message_ids()) == 6
    texts = {}
    for to, message, _ in post.got[4:]:
        body = message.get_body(("plain",))
        assert body is not None
        texts[to[0]] = (message["Subject"], " ".join(body.get_content().split()))
    subject, text = texts["resend@example.com"]
    assert subject == "Breakout (revised), 8 March 2026"
    # Three attempts became four, of 60 s each.
    for said in (
        "Attempts: 3 became 4 (+33.3 %).",
        "Duration 240.0 s",
        "report sent on 2026-03-09",
    ):
        assert said in text
    subject, text = texts["notify@example.com"]
    assert subject == "Breakout (figures revised), 8 March 2026"
    assert "Attempts: 3 became 4 (+33.3 %)." in text
    assert not list(post.got[5][1].iter_attachments()) or not list(
        post.got[4][1].iter_attachments()
    )


def test_what_one_has_the_other_gets_as_it_was(workplace: Workplace, clock: Clock) -> None:
    """The day is built anew between the two: who waits gets what the other one has, then both
    hear of the change.
    """
    post = PostOffice("450 b@example.com")
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, email=BOTH, on_change="resend")
        clock.set(MORNING)
        tick(office)
        deliver(workplace, "late.csv", [call("late", dt=f"{DAYS[-1]} 13:00:00")])
        build_all(workplace)
        clock.forward(minutes=5)
        tick(office)
        tick(office)
    (to, _, first), (then, _, second), (both, revised, _) = post.got
    assert (to, then, both) == (("a@example.com",), ("b@example.com",), tuple(BOTH))
    assert first == second
    assert revised["Subject"] == "Breakout (revised), 8 March 2026"


def test_an_accepted_outcome_is_kept(workplace: Workplace, clock: Clock) -> None:
    post = PostOffice("450 b@example.com")
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, email=BOTH)
        clock.set(MORNING)
        (first,) = tick(office)
    kept = {r.address: r.outcome for r in office.deliveries.recipients(first.id)}
    assert kept == {BOTH[0]: Outcome.ACCEPTED, BOTH[1]: Outcome.PENDING}
