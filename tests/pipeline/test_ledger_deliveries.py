"""Schedules and deliveries in the ledger, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, UniqueConstraint, insert, inspect, text
from sqlalchemy.event import listen
from sqlalchemy.exc import IntegrityError

from resources.ledger import (
    Days,
    Deliveries,
    Files,
    FileStatus,
    NewerLedger,
    Schedules,
    open_ledger,
)
from resources.ledger.delivery import (
    Delivery,
    Made,
    NewDelivery,
    Outcome,
    Reason,
    Recipient,
    State,
    UnknownDelivery,
)
from resources.ledger.rebuilt import periods_rebuilt
from resources.ledger.schedules import NameTaken, UnknownSchedule, Wanted
from resources.ledger.schema import deliveries as deliveries_table
from resources.ledger.schema import delivery_recipients, metadata
from tests.pipeline.databases import to_first_schema

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
DAY = date(2026, 3, 8)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def schedule(ledger: Engine) -> int:
    return Schedules(ledger).add("daily", "{}", NOON)


def new(schedule: int, day: date = DAY, revision: int = 1, account: str = "") -> NewDelivery:
    message_id = f"<{schedule}.{day}.{account}.{revision}@example.com>"
    return NewDelivery(
        schedule, account, "daily", day, day, revision, Reason.SCHEDULED, message_id, NOON
    )


def made(*addresses: str) -> Made:
    recipients = [Recipient(address, "to") for address in addresses]
    return Made("{}", [DAY], {"breakout_daily": 3}, {"digest": "x"}, NOON, "out/x", recipients)


def queued(ledger: Engine, schedule: int) -> Delivery:
    Deliveries(ledger).queue([new(schedule)], NOON)
    (delivery,) = Deliveries(ledger).find()
    return delivery


def test_the_migrations_make_what_the_program_expects(ledger: Engine) -> None:
    there = inspect(ledger)
    for table in metadata.sorted_tables:
        found = {column["name"]: column["nullable"] for column in there.get_columns(table.name)}
        assert found == {column.name: column.nullable for column in table.columns}
        unique = {tuple(u["column_names"]) for u in there.get_unique_constraints(table.name)}
        wanted = {
            tuple(column.name for column in of_several.columns)
            for of_several in table.constraints
            if isinstance(of_several, UniqueConstraint)
        }
        assert unique == wanted
        indexes = {str(i["name"]): bool(i["unique"]) for i in there.get_indexes(table.name)
                   if not i.get("duplicates_constraint")}  # fmt: skip
        assert indexes == {str(i.name): bool(i.unique) for i in table.indexes}


def test_a_ledger_is_not_for_everybody_on_the_machine(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        engine = open_ledger(f"sqlite:///{tmp_path}/new/ledger.sqlite")
        with engine.connect():
            modes = {p.name: p.stat().st_mode & 0o007 for p in (tmp_path / "new").iterdir()}
    finally:
        os.umask(before)
    assert modes == {"ledger.sqlite": 0, "ledger.sqlite-wal": 0, "ledger.sqlite-shm": 0}


def test_moments_come_back_in_utc(ledger: Engine) -> None:
    number = Schedules(ledger).add("x", "{}", NOON.astimezone(ZoneInfo("Asia/Tokyo")))
    found = Schedules(ledger).get(number)
    assert found.since == NOON
    assert found.since.utcoffset() == timedelta(0)
    Files(ledger).begin("connexcs", "cdr.csv", "1-1", 1)
    (file,) = Files(ledger).in_status(FileStatus.TAKING)
    assert file.taken_at.utcoffset() == timedelta(0)


def test_a_name_is_taken_until_its_schedule_is_removed(ledger: Engine, schedule: int) -> None:
    schedules = Schedules(ledger)
    with pytest.raises(NameTaken, match="'daily'"):
        schedules.add("daily", "{}", NOON)
    other = schedules.add("other", "{}", NOON)
    with pytest.raises(NameTaken, match="'daily'"):
        schedules.change(other, "daily", "{}", NOON)
    schedules.remove(schedule, NOON)
    again = schedules.add("daily", "{}", NOON)
    assert [s.id for s in schedules.all()] == [again, other]
    assert schedules.get(schedule).removed_at == NOON
    schedules.remove(again, NOON)  # two removed ones may have had one name


def test_schedules_are_written_all_or_none(ledger: Engine, schedule: int) -> None:
    schedules = Schedules(ledger)
    changed = Wanted(schedule, "daily", '{"a": 1}', False, None)
    new, taken = (Wanted(None, name, "{}", True, NOON) for name in ("new", "daily"))
    with pytest.raises(NameTaken, match="'daily'"):
        schedules.put([changed, new, taken], NOON + MINUTE)
    (before,) = schedules.all()
    assert (before.definition, before.enabled, before.changed_at) == ("{}", True, NOON)
    numbers = schedules.put([changed, new], NOON + MINUTE)
    daily, added = schedules.all()
    assert [daily.id, added.id] == numbers
    assert (daily.definition, daily.enabled, daily.since) == ('{"a": 1}', False, NOON)
    assert (added.name, added.enabled, added.since) == ("new", True, NOON)


def test_pausing_and_resuming(ledger: Engine, schedule: int) -> None:
    schedules = Schedules(ledger)
    schedules.pause(schedule, NOON + MINUTE)
    assert not schedules.named("daily").enabled
    schedules.resume(schedule, NOON + 2 * MINUTE)
    found = schedules.named("daily")
    assert (found.enabled, found.since) == (True, NOON + 2 * MINUTE)
    with pytest.raises(UnknownSchedule, match="there are: 'daily'"):
        schedules.named("dayly")


def test_a_delivery_is_queued_once(ledger: Engine, schedule: int) -> None:
    store = Deliveries(ledger)
    rows = [new(schedule), new(schedule, account="101"), new(schedule, DAY - timedelta(days=1))]
    assert store.queue(rows, NOON) == 3
    assert store.queue([*rows, new(schedule, revision=2)], NOON + MINUTE) == 1
    assert [d.queued_at for d in store.find()] == [NOON, NOON, NOON, NOON + MINUTE]
    assert store.newest_planned(schedule, "daily", NOON) == DAY
    assert store.newest_planned(schedule, "daily", NOON - MINUTE) is None
    assert store.newest_planned(schedule, "weekly", NOON) is None


def test_only_what_was_passed_over_before_its_time_is_taken_back(
    ledger: Engine, schedule: int
) -> None:
    store = Deliveries(ledger)
    passed = [
        replace(new(schedule, account=str(n)), state=State.SKIPPED, due_at=NOON + n * MINUTE)
        for n in range(3)
    ]
    store.queue([*passed, replace(new(schedule), due_at=NOON + MINUTE)], NOON)
    assert (store.unplan(NOON), store.unplan(NOON)) == (2, 0)
    assert [(d.account, d.state) for d in store.find()] == [
        ("0", State.SKIPPED), ("", State.QUEUED)
    ]  # fmt: skip


def test_the_database_itself_refuses_a_second_row(ledger: Engine, schedule: int) -> None:
    delivery = queued(ledger, schedule)
    with ledger.connect() as connection:
        row = dict(connection.execute(deliveries_table.select()).one()._mapping)
    del row["id"]
    for same in ({"message_id": "<other@example.com>"}, {"revision": 2}):
        with pytest.raises(IntegrityError), ledger.begin() as connection:
            connection.execute(insert(deliveries_table).values(**{**row, **same}))
    with pytest.raises(IntegrityError), ledger.begin() as connection:
        connection.execute(
            insert(deliveries_table).values(
                **{**row, "revision": 2, "message_id": "<2@x.org>", "state": "lost"}
            )
        )
    assert Deliveries(ledger).find() == [delivery]


def test_of_many_at_once_one_gets_the_row(ledger: Engine, schedule: int) -> None:
    delivery = queued(ledger, schedule)
    together = threading.Barrier(8)
    got: list[Delivery | None] = []

    def claim(owner: str) -> None:
        together.wait()
        got.append(Deliveries(ledger).claim(delivery, owner, NOON, NOON + MINUTE))

    threads = [threading.Thread(target=claim, args=[f"process {n}"]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [found for found in got if found is not None]
    assert len(got) == 8
    assert (winner.state, winner.attempts, winner.lease_until) == (
        State.SENDING, 1, NOON + MINUTE
    )  # fmt: skip


def test_who_lost_the_row_changes_nothing(ledger: Engine, schedule: int) -> None:
    store = Deliveries(ledger)
    first = store.claim(queued(ledger, schedule), "first", NOON, NOON + MINUTE)
    assert first
    later = NOON + 2 * MINUTE
    second = store.claim(first, "second", later, later + MINUTE)
    assert second
    assert second.attempts == 2
    assert store.claim(first, "third", later, later + MINUTE) is None
    assert not store.made(first.id, "first", made("a@example.com"))
    assert not store.handing(first.id, "first", later, later + MINUTE)
    assert not store.settle(first.id, "first", State.SENT, None, later)
    assert store.get(first.id) == second
    assert store.handing(first.id, "second", later, later + 5 * MINUTE)


def test_an_attempt_from_claim_to_settlement(ledger: Engine, schedule: int) -> None:
    store = Deliveries(ledger)
    delivery = store.claim(queued(ledger, schedule), "me", NOON, NOON + MINUTE)
    assert delivery
    assert store.made(delivery.id, "me", made("a@example.com", "b@example.com"))
    found = store.get(delivery.id)
    assert (found.missing, dict(found.sources), found.folder) == (
        (DAY,), {"breakout_daily": 3}, "out/x"
    )  # fmt: skip
    outcomes = {
        "a@example.com": (Outcome.ACCEPTED, None),
        "b@example.com": (Outcome.PENDING, "450 busy"),
    }
    assert store.settle(
        delivery.id, "me", State.QUEUED, "later", NOON, outcomes, next_try_at=NOON + MINUTE
    )
    found = store.get(delivery.id)
    assert (found.state, found.owner, found.settled_at) == (State.QUEUED, None, None)
    # Made anew for other recipients: who has it keeps it.
    assert store.claim(found, "me", NOON, NOON + MINUTE)
    assert store.made(delivery.id, "me", made("a@example.com", "c@example.com"))
    assert [(r.address, r.outcome) for r in store.recipients(delivery.id)] == [
        ("a@example.com", Outcome.ACCEPTED),
        ("c@example.com", Outcome.PENDING),
    ]
    done = {"c@example.com": (Outcome.REFUSED, "550 unknown")}
    assert store.settle(delivery.id, "me", State.FAILED, "no", NOON + MINUTE, done)
    assert store.open() == []
    assert store.requeue(delivery.id, NOON + 2 * MINUTE, "again")
    assert not store.requeue(delivery.id, NOON + 2 * MINUTE, "again")
    assert [r.outcome for r in store.recipients(delivery.id)] == [
        Outcome.ACCEPTED, Outcome.PENDING
    ]  # fmt: skip
    assert store.open()[0].settled_at is None


def test_which_did_not_reach_everybody(ledger: Engine, schedule: int) -> None:
    store = Deliveries(ledger)
    store.queue([new(schedule, DAY - timedelta(days=n)) for n in range(5)], NOON)
    accepted, refused = (Outcome.ACCEPTED, None), (Outcome.REFUSED, "550 unknown")
    ends = [
        (State.SENT, accepted, accepted),
        (State.SENT, accepted, refused),
        (State.FAILED, refused, refused),
        (State.SKIPPED, refused, refused),
        (State.QUEUED, accepted, refused),
    ]
    for delivery, (state, *outcomes) in zip(store.find(), ends, strict=True):
        assert store.claim(delivery, "me", NOON, NOON + MINUTE)
        assert store.made(delivery.id, "me", made("a@example.com", "b@example.com"))
        told = dict(zip(("a@example.com", "b@example.com"), outcomes, strict=True))
        waits = NOON + MINUTE if state is State.QUEUED else None
        assert store.settle(delivery.id, "me", state, None, NOON, told, waits)
    assert [d.state for d in store.unreached(NOON)] == [State.SENT, State.FAILED]
    assert store.unreached(NOON + MINUTE) == []


def test_a_recipient_is_there_once(ledger: Engine, schedule: int) -> None:
    delivery = queued(ledger, schedule)
    row = {"delivery_id": delivery.id, "address": "a@x.org", "kind": "to", "outcome": "pending"}
    with ledger.begin() as connection:
        connection.execute(insert(delivery_recipients).values(**row))
    with pytest.raises(IntegrityError), ledger.begin() as connection:
        connection.execute(insert(delivery_recipients).values(**{**row, "kind": "bcc"}))


def test_reports_whose_days_were_built_since(ledger: Engine, schedule: int) -> None:
    store, days = Deliveries(ledger), Days(ledger)
    now = datetime.now(UTC)
    rows = [new(schedule, DAY - timedelta(days=n)) for n in range(3)]
    store.queue(rows, now)
    for delivery in store.find():
        assert store.claim(delivery, "me", now, now + MINUTE)
        store.made(delivery.id, "me", replace(made(), checked_at=now))
        store.settle(delivery.id, "me", State.SENT, None, now)
    assert store.rebuilt(["breakout_daily"]) == []
    days.built("breakout_daily", DAY, 2, 7, 10)
    days.built("cdrs", DAY - timedelta(days=1), 2, 7, 10)
    (found,) = store.rebuilt(["breakout_daily"])
    assert found.last_day == DAY
    assert len(store.rebuilt(["breakout_daily", "cdrs"])) == 2
    store.checked(found.id, datetime.now(UTC))
    assert store.rebuilt(["breakout_daily"]) == []
    days.built("breakout_daily", DAY, 3, 8, 10)
    assert len(store.rebuilt(["breakout_daily"])) == 1
    store.queue([new(schedule, revision=2)], now)  # a revision is on its way
    assert store.rebuilt(["breakout_daily"]) == []


def test_a_built_day_is_of_all_periods_that_it_lies_in(ledger: Engine, schedule: int) -> None:
    """And of no other: none of their deliveries is read."""
    store, days = Deliveries(ledger), Days(ledger)
    now = datetime.now(UTC)
    month = replace(new(schedule, account="m"), first_day=date(2026, 3, 1), frequency="monthly",
                    last_day=date(2026, 3, 31))  # fmt: skip
    week = replace(new(schedule, account="w"), first_day=date(2026, 3, 2), frequency="weekly",
                   last_day=date(2026, 3, 8))  # fmt: skip
    others = [new(schedule, date(2026, 3, 8), account=str(n)) for n in range(3)]
    failed = new(schedule, date(2026, 3, 4), account="f")
    store.queue([month, week, *others, failed], now)
    for delivery in store.find():
        assert store.claim(delivery, "me", now, now + MINUTE)
        store.made(delivery.id, "me", replace(made(), checked_at=now))
        state = State.FAILED if delivery.account == "f" else State.SENT
        store.settle(delivery.id, "me", state, None, now)
    assert periods_rebuilt(ledger, ["cdrs"]) == []
    days.built("cdrs", date(2026, 3, 4), 2, 7, 10)
    days.built("cdrs", date(2026, 4, 1), 2, 8, 10)
    wanted = [("monthly", date(2026, 3, 1)), ("weekly", date(2026, 3, 2))]
    assert sorted(periods_rebuilt(ledger, ["cdrs"])) == wanted
    assert [d.account for d in store.rebuilt(["cdrs"])] == ["w", "m"], "the oldest period first"
    for delivery in store.rebuilt(["cdrs"]):
        store.checked(delivery.id, datetime.now(UTC))
    assert periods_rebuilt(ledger, ["cdrs"]) == []


def test_what_is_asked_all_the_time_is_found_by_index(tmp_path: Path) -> None:
    """Deliveries stay for ever: no question of a tick may read them all, or all of a schedule."""
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    store, day = Deliveries(ledger), date(2026, 3, 6)
    asked: list[tuple[str, Any]] = []
    listen(ledger, "before_cursor_execute", lambda _, __, text, values, *___: asked.append(
        (text, values)))  # fmt: skip
    store.unplan(NOON)
    store.open()
    store.newest_planned(1, "daily", NOON)
    store.rebuilt(["cdrs"])
    store.of_period(1, day, day)
    store.unreached(NOON)
    store.find(newest=20)
    read: list[str] = []
    with closing(ledger.raw_connection()) as connection:
        for text, values in asked:
            cursor = connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {text}", values)
            read += [str(row[-1]) for row in cursor.fetchall()]
    begin = "SEARCH deliveries USING INDEX "
    read = [each.removeprefix(begin) for each in read if each.startswith((begin, "SCAN deliv"))]
    assert read == [
        "deliveries_by_state (state=? AND due_at>?)",
        "deliveries_by_settlement (state=?)",
        "deliveries_by_schedule (schedule_id=?)",  # the newest first, of which one is read
        "deliveries_by_check (frequency=? AND first_day=?)",  # of which one is read
        "deliveries_by_schedule (schedule_id=? AND last_day=?)",
        "deliveries_by_settlement (state=? AND settled_at>?)",
        "SCAN deliveries",  # from the newest, of which so many are read
    ]
    ledger.dispose()


def test_numbers_that_nobody_has(ledger: Engine) -> None:
    with pytest.raises(UnknownDelivery, match="deliveries list"):
        Deliveries(ledger).get(7)
    with pytest.raises(UnknownSchedule):
        Schedules(ledger).get(7)


def test_a_ledger_of_the_first_schema_is_migrated_and_keeps_its_rows(ledger: Engine) -> None:
    Days(ledger).built("cdrs", DAY, 1, 2, 3)
    to_first_schema(ledger)
    again = open_ledger(ledger.url.render_as_string(hide_password=False))
    assert Schedules(again).all() == []
    assert Days(again).builds("cdrs")[DAY].rows == 3
    again.dispose()


def test_a_newer_ledger_is_refused_and_left_alone(ledger: Engine) -> None:
    with ledger.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(NewerLedger, match=r"schema 0099.*up to 0006.*upgrade the program"):
        open_ledger(ledger.url.render_as_string(hide_password=False))
    with ledger.connect() as connection:
        assert (
            connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0099"
        )
