"""Parts of the explorer that decide by plain values: tries, sessions, health, errors by field."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, time
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from starlette.requests import Request

from explorer import limits
from explorer.access import LOCAL, Role, Visitor
from explorer.guard import Guard, WrongHost, hashed, is_loopback
from explorer.health import judge
from explorer.limits import TooMany, Turns, watched, within
from explorer.schedules import by_field
from explorer.sessions import ENDED_FILE, TRIES, WINDOW, Sessions, Tries, key_of, new_session
from resources.ledger.users import User


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_tries_are_counted_by_user_and_by_address() -> None:
    clock = Clock()
    tries = Tries(clock)
    for _ in range(TRIES):
        assert tries.wait("Vera", "192.0.2.1") == 0
        tries.failed("Vera", "192.0.2.1")
    assert tries.wait("vera", "192.0.2.9") == pytest.approx(WINDOW)
    assert tries.wait("otto", "192.0.2.1") == 0
    clock.now += WINDOW - 1
    assert tries.wait("vera", "192.0.2.9") == pytest.approx(1)
    clock.now += 2
    assert tries.wait("vera", "192.0.2.9") == 0


def test_an_address_that_tries_many_names_waits() -> None:
    tries = Tries(Clock())
    for n in range(TRIES * 4):
        assert tries.wait(f"user {n}", "192.0.2.1") == 0
        tries.failed(f"user {n}", "192.0.2.1")
    assert tries.wait("another", "192.0.2.1") > 0
    assert tries.wait("another", "192.0.2.2") == 0


def test_a_log_in_forgets_the_tries_before() -> None:
    tries = Tries(Clock())
    for _ in range(TRIES):
        tries.failed("vera", "192.0.2.1")
    tries.passed("VERA")
    assert tries.wait("vera", "192.0.2.2") == 0


def test_sessions(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    assert key_of(tmp_path) == key
    sessions = Sessions(tmp_path, 3600)
    session = new_session("vera", 7)
    cookie = sessions.cookie(session)
    assert sessions.read(cookie) == session
    assert Sessions(tmp_path / "other", 3600).read(cookie) is None  # of another key
    assert Sessions(tmp_path, -10).read(cookie) is None  # too old
    assert sessions.is_token(session, sessions.token(session))
    assert not sessions.is_token(session, sessions.token(new_session("vera", 7)))
    other = new_session("otto", 1)
    sessions.end(session)
    assert sessions.read(cookie) is None
    again = Sessions(tmp_path, 3600)  # the explorer was started anew
    assert again.read(cookie) is None
    assert again.read(sessions.cookie(other)) == other


def test_ended_sessions_are_forgotten_once_their_cookies_are_too_old(tmp_path: Path) -> None:
    for _ in range(3):
        Sessions(tmp_path, -1).end(new_session("vera", 7))
    assert len((tmp_path / ENDED_FILE).read_text().splitlines()) == 1


def test_of_those_who_never_logged_in_no_account_is_kept(tmp_path: Path) -> None:
    Sessions(tmp_path, 3600).end(new_session())
    assert not (tmp_path / ENDED_FILE).exists()


def test_time_is_over_also_when_an_earlier_question_was_closed() -> None:
    def ask(connection: Any, text: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(text).fetchall()

    with within(0.2):
        connection = watched(duckdb.connect(config={"threads": 1}))
        ask(connection, "SELECT 1")
        with pytest.raises(duckdb.InterruptException):
            ask(connection, "SELECT SUM(HASH(range)) FROM range(3000000000)")


def test_a_customer_without_customers_is_nobody() -> None:
    for role, customers in ((Role.CUSTOMER, ()), (Role.VIEWER, ("101",))):
        with pytest.raises(ValueError, match="customers"):
            Visitor("x", role, customers)


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("127.0.0.1", True), ("::1", True), ("[::1]", True), ("localhost", True), ("127.9.9.9", True),
     ("192.0.2.1", False), ("::", False), ("example.com", False), ("", False),
     ("localhost.example.com", False)],
)  # fmt: skip
def test_loopback(host: str, is_it: bool) -> None:
    assert is_loopback(host) is is_it


def days(*numbers: int) -> list[date]:
    return [date(2026, 3, n) for n in numbers]


@pytest.mark.parametrize(
    ("at", "held", "ok", "missing"),
    [
        ("09:00", days(6, 7, 8), True, []),
        ("09:00", days(6, 7), False, days(8)),  # yesterday should be there by now
        ("07:00", days(6, 7), True, []),
        ("09:00", days(5, 8), True, days(6, 7)),  # told of, but the newest is there
        ("09:00", days(7, 9), False, days(8)),  # today's first calls are not yesterday's
        ("09:00", days(9), True, []),  # begun today
        ("09:00", days(7, 8, 9), True, []),
        ("09:00", [], False, days(8)),
    ],
)
def test_health(at: str, held: list[date], ok: bool, missing: list[date]) -> None:
    now = datetime.fromisoformat(f"2026-03-09T{at}").replace(tzinfo=UTC)
    found = judge(now, time(8), held, [], {})
    assert (found.ok, found.missing) == (ok, missing)


def test_a_failed_day_is_not_well() -> None:
    now = datetime(2026, 3, 9, 9, tzinfo=UTC)
    found = judge(now, time(8), days(7, 8), days(7, 8), {date(2026, 3, 7): "keys repeated"})
    assert not found.ok
    assert found.stale == days(8)


def test_what_is_wrong_with_a_schedule_stands_beside_its_fields() -> None:
    text = (
        "email: missing; name at least one address\n"
        "group, columns: unknown column 'x': add it to --group-by\n"
        "time: '25:00' is no time of day: write it as HH:MM, e.g. 07:30\n"
        "'nightly' is for customers"
    )
    assert by_field(text) == {
        "email": ["missing; name at least one address"],
        "group": ["unknown column 'x': add it to group"],
        "columns": ["unknown column 'x': add it to group"],
        "": ["unknown column 'x': add it to group", "'nightly' is for customers"],
        "time": ["'25:00' is no time of day: write it as HH:MM, e.g. 07:30"],
    }


def guard_of(home: Path, *users: User) -> Guard:
    """One of a home without a proxy."""

    def get(name: str) -> User:
        return next(user for user in users if user.name == name)

    known: Any = SimpleNamespace(any=lambda: bool(users), get=get)
    settings: Any = SimpleNamespace(explore_proxy="", explore_proxies=())
    return Guard(settings, known, Sessions(home, 3600), Tries(), Lock())


def asked_from(address: str) -> Request:
    headers = [(b"host", b"localhost")]
    return Request({"type": "http", "client": (address, 50_000), "headers": headers})


def test_other_machines_find_nothing_once_the_last_user_is_removed(tmp_path: Path) -> None:
    """They may call this one what they like, and an address that was bound to stays open."""
    guard = guard_of(tmp_path)
    assert guard.who(asked_from("127.0.0.1"), new_session()) == LOCAL
    for address in ("192.0.2.1", "2001:db8::1"):
        with pytest.raises(WrongHost):
            guard.who(asked_from(address), new_session())


def test_tries_at_once_are_as_few_as_those_one_by_one(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    guard = guard_of(tmp_path, User("vera", "viewer", (), hashed("the right one"), 1, now, now))

    def tried(_: int) -> str:
        return guard.log_in(asked_from("192.0.2.1"), "vera", "a wrong one")[1]

    with ThreadPoolExecutor(12) as pool:
        said = list(pool.map(tried, range(12)))
    assert said.count("the name or the password is wrong") == TRIES
    assert sum(text.startswith("too many tries") for text in said) == 12 - TRIES


def test_one_customer_takes_no_more_than_half_of_the_places(monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.05)
    turns = Turns(4)
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(turns.taken("sky"))
        with pytest.raises(TooMany), turns.taken("sky"):
            pass
        for guest in ("bright", ""):
            taken.enter_context(turns.taken(guest))
        with pytest.raises(TooMany), turns.taken():
            pass
    with ExitStack() as taken:  # the house may have all of them, and all are free again
        for _ in range(4):
            taken.enter_context(turns.taken())


def test_of_one_customer_few_questions_wait() -> None:
    turns, first = Turns(2), ExitStack()

    def ask() -> bool:
        with turns.taken("sky"):
            return True

    with ThreadPoolExecutor(limits.GUEST_WAITING) as pool:
        first.enter_context(turns.taken("sky"))
        waiting = [pool.submit(ask) for _ in range(limits.GUEST_WAITING)]
        while turns._waiting["sky"] < limits.GUEST_WAITING:
            sleep(0.01)
        began = monotonic()
        with pytest.raises(TooMany):
            ask()
        assert monotonic() - began < limits.WAIT_SECONDS / 2
        with turns.taken("bright"):
            first.close()
        assert all(each.result() for each in waiting)
