"""The ledger's account of deliveries: one row per report that is owed, written before its mail.

    queued -> sending -> sent | failed | skipped
       ^         |
       +---------+  tried again later; or taken over from a process that died

Which rows are owed, and what becomes of them, is decided in `resources.schedules`; here is only
that no two processes are at one row, and that no delivery has two rows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Engine,
    RowMapping,
    Select,
    and_,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

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
from resources.ledger.rebuilt import REVISED_IN, periods_rebuilt
from resources.ledger.schema import day_builds, deliveries, delivery_recipients, schedules


@dataclass(frozen=True)
class Deliveries:
    """Deliveries in the ledger."""

    engine: Engine

    def queue(self, new: Sequence[NewDelivery], now: datetime) -> int:
        """Notes what is owed, all of it or nothing; rows that there are already stay. How many."""
        dialect: Any = sqlite if self.engine.dialect.name == "sqlite" else postgresql
        with self.engine.begin() as connection:
            return sum(
                connection.execute(
                    dialect.insert(deliveries)
                    .values(
                        **vars(row),
                        queued_at=now,
                        next_try_at=now,
                        attempts=0,
                        settled_at=None if row.state is State.QUEUED else now,
                    )
                    .on_conflict_do_nothing()
                ).rowcount
                for row in new
            )

    def newest_planned(self, schedule_id: int, frequency: str, now: datetime) -> date | None:
        """The last day of the newest period that a schedule has rows for, of those that are due."""
        with self.engine.connect() as connection:
            # Not as a maximum, for which all rows of the schedule are read.
            return connection.execute(
                select(deliveries.c.last_day)
                .where(
                    deliveries.c.schedule_id == schedule_id,
                    deliveries.c.frequency == frequency,
                    deliveries.c.due_at <= now,
                )
                .order_by(deliveries.c.last_day.desc())
                .limit(1)
            ).scalar_one_or_none()

    def unplan(self, now: datetime) -> int:
        """Takes back what was passed over before its time, by a clock that was ahead. How many."""
        with self.engine.begin() as connection:
            return connection.execute(
                delete(deliveries).where(
                    deliveries.c.state == State.SKIPPED,
                    deliveries.c.reason == Reason.SCHEDULED,
                    deliveries.c.attempts == 0,
                    deliveries.c.due_at > now,
                )
            ).rowcount

    def get(self, delivery_id: int) -> Delivery:
        """The one of that number. Raises UnknownDelivery."""
        found = self._read(select(deliveries).where(deliveries.c.id == delivery_id))
        if not found:
            raise UnknownDelivery(
                f"no delivery {delivery_id}; `cdr-reports deliveries list` lists them"
            )
        return found[0]

    def find(
        self,
        schedule_id: int | None = None,
        states: Sequence[State] = tuple(State),
        newest: int | None = None,
    ) -> list[Delivery]:
        """Deliveries, oldest first; of one schedule, in some states, or only the newest few."""
        wanted = select(deliveries)
        if set(states) != set(State):  # else the newest few would be looked for among all
            wanted = wanted.where(deliveries.c.state.in_(states))
        if schedule_id is not None:
            wanted = wanted.where(deliveries.c.schedule_id == schedule_id)
        if newest is not None:
            return self._read(wanted.order_by(deliveries.c.id.desc()).limit(newest))[::-1]
        return self._read(wanted.order_by(deliveries.c.id))

    def unreached(self, since: datetime) -> list[Delivery]:
        """Those settled since then that have failed, or were refused by somebody; oldest first."""
        refused = exists().where(
            delivery_recipients.c.delivery_id == deliveries.c.id,
            delivery_recipients.c.outcome == Outcome.REFUSED,
        )
        return self._read(
            select(deliveries)
            .where(
                deliveries.c.state.in_((State.FAILED, State.SENT)),
                deliveries.c.settled_at >= since,
                or_(deliveries.c.state != State.SENT, refused),
            )
            .order_by(deliveries.c.id)
        )

    def open(self) -> list[Delivery]:
        """Those that are not settled, the oldest period first."""
        return self._read(
            select(deliveries)
            .where(deliveries.c.state.in_((State.QUEUED, State.SENDING)))
            .order_by(deliveries.c.last_day, deliveries.c.id)
        )

    def of_period(
        self, schedule_id: int, first: date, last: date, account: str | None = None
    ) -> list[Delivery]:
        """The revisions of a schedule's period, the oldest first: of all accounts, or of one.

        A fan-out asks for each of its thousands: none of them reads the others.
        """
        wanted = [
            deliveries.c.schedule_id == schedule_id,
            deliveries.c.first_day == first,
            deliveries.c.last_day == last,
        ]
        if account is not None:
            wanted.append(deliveries.c.account == account)
        return self._read(
            select(deliveries).where(*wanted).order_by(deliveries.c.revision, deliveries.c.account)
        )

    def claim(
        self, delivery: Delivery, owner: str, now: datetime, lease_until: datetime
    ) -> Delivery | None:
        """Makes a row this process's own; None when another one was quicker.

        The row is taken as it was read: in a state that has changed since, it is not claimed.
        """
        with self.engine.begin() as connection:
            changed = connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.id == delivery.id,
                    deliveries.c.state == delivery.state,
                    deliveries.c.attempts == delivery.attempts,
                    deliveries.c.owner.is_(None)
                    if delivery.owner is None
                    else deliveries.c.owner == delivery.owner,
                    or_(
                        deliveries.c.state == State.QUEUED,
                        # Judged by the caller: its owner is dead, or its lease is over.
                        and_(
                            deliveries.c.state == State.SENDING,
                            deliveries.c.lease_until == delivery.lease_until,
                        ),
                    ),
                )
                .values(
                    state=State.SENDING,
                    owner=owner,
                    lease_until=lease_until,
                    attempts=deliveries.c.attempts + 1,
                )
            )
        return self.get(delivery.id) if changed.rowcount else None

    def made(self, delivery_id: int, owner: str, made: Made) -> bool:
        """Notes what the report was made from and who it goes to; False when it is not ours.

        A recipient's outcome that there is already stays: who has the mail does not get it again.
        """
        with self.engine.begin() as connection:
            changed = connection.execute(
                self._ours(delivery_id, owner).values(
                    definition=made.definition,
                    missing=json.dumps([str(day) for day in made.missing]),
                    sources=json.dumps(dict(made.sources)),
                    figures=json.dumps(dict(made.figures)),
                    checked_at=made.checked_at,
                    folder=made.folder,
                )
            )
            if not changed.rowcount:
                return False
            of = delivery_recipients.c.delivery_id == delivery_id
            connection.execute(
                delivery_recipients.delete().where(
                    of, delivery_recipients.c.outcome == Outcome.PENDING
                )
            )
            there = {
                row.address
                for row in connection.execute(select(delivery_recipients.c.address).where(of))
            }
            for recipient in made.recipients:
                if recipient.address not in there:
                    connection.execute(
                        insert(delivery_recipients).values(
                            delivery_id=delivery_id,
                            address=recipient.address,
                            kind=recipient.kind,
                            outcome=recipient.outcome,
                            words=recipient.words,
                        )
                    )
            return True

    def handing(self, delivery_id: int, owner: str, now: datetime, lease_until: datetime) -> bool:
        """The mail is about to be handed to the server; False when the row is not ours any more."""
        with self.engine.begin() as connection:
            changed = connection.execute(
                self._ours(delivery_id, owner).values(handed_at=now, lease_until=lease_until)
            )
            return bool(changed.rowcount)

    def settle(
        self,
        delivery_id: int,
        owner: str,
        state: State,
        note: str | None,
        now: datetime,
        outcomes: Mapping[str, tuple[Outcome, str | None]] | None = None,
        next_try_at: datetime | None = None,
        sure: bool = False,
    ) -> bool:
        """What became of an attempt, for the row and its recipients in one step.

        `sure` when nobody has the mail but those who accepted it: it is then as if it had not been
        handed over. False when the row is not ours any more: then nothing is changed.
        """
        values: dict[str, Any] = {"state": state, "note": note, "owner": None, "lease_until": None}
        values |= {"next_try_at": next_try_at} if next_try_at else {"settled_at": now}
        values |= {"handed_at": None} if next_try_at and sure else {}
        with self.engine.begin() as connection:
            changed = connection.execute(self._ours(delivery_id, owner).values(**values))
            if not changed.rowcount:
                return False
            for address, (outcome, words) in (outcomes or {}).items():
                connection.execute(
                    update(delivery_recipients)
                    .where(
                        delivery_recipients.c.delivery_id == delivery_id,
                        delivery_recipients.c.address == address,
                    )
                    .values(outcome=outcome, words=words, at=now)
                )
            return True

    def requeue(self, delivery_id: int, now: datetime, note: str) -> bool:
        """A failed or skipped one is owed again, at once, also to those who were refused."""
        with self.engine.begin() as connection:
            changed = connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.id == delivery_id,
                    deliveries.c.state.in_((State.FAILED, State.SKIPPED)),
                )
                .values(
                    state=State.QUEUED,
                    queued_at=now,
                    next_try_at=now,
                    attempts=0,
                    handed_at=None,
                    settled_at=None,
                    reason=Reason.RESEND,
                    note=note,
                )
            )
            if changed.rowcount:
                connection.execute(
                    update(delivery_recipients)
                    .where(
                        delivery_recipients.c.delivery_id == delivery_id,
                        delivery_recipients.c.outcome == Outcome.REFUSED,
                    )
                    .values(outcome=Outcome.PENDING, words=None, at=None)
                )
            return bool(changed.rowcount)

    def hurry(self, delivery_id: int, now: datetime) -> None:
        """One that is queued waits no longer, for no day and no time."""
        with self.engine.begin() as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery_id, deliveries.c.state == State.QUEUED)
                .values(next_try_at=now, reason=Reason.RUN_NOW)
            )

    def recipients(self, delivery_id: int) -> list[Recipient]:
        """Who it goes to: to, cc, bcc, each by address."""
        order = {"to": 0, "cc": 1, "bcc": 2}
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(delivery_recipients).where(delivery_recipients.c.delivery_id == delivery_id)
            ).all()
        found = [
            Recipient(row.address, row.kind, Outcome(row.outcome), row.words, row.at)
            for row in rows
        ]
        return sorted(found, key=lambda r: (order[r.kind], r.address))

    def rebuilt(self, tables: Sequence[str]) -> list[Delivery]:
        """Sent reports of living schedules of whose days one was built since they were checked.

        Only the newest revision of each; the oldest period first.
        """
        later = deliveries.alias("later")
        found: list[Delivery] = []
        for frequency, first in periods_rebuilt(self.engine, tables):
            found += self._read(
                select(deliveries)
                .join(schedules, schedules.c.id == deliveries.c.schedule_id)
                .where(
                    deliveries.c.frequency == frequency,
                    deliveries.c.first_day == first,
                    schedules.c.enabled,
                    deliveries.c.state.in_(REVISED_IN),
                    exists().where(
                        day_builds.c.table_name.in_(tables),
                        day_builds.c.call_date.between(
                            deliveries.c.first_day, deliveries.c.last_day
                        ),
                        day_builds.c.built_at > deliveries.c.checked_at,
                    ),
                    ~exists().where(
                        later.c.schedule_id == deliveries.c.schedule_id,
                        later.c.account == deliveries.c.account,
                        later.c.first_day == deliveries.c.first_day,
                        later.c.last_day == deliveries.c.last_day,
                        later.c.revision > deliveries.c.revision,
                    ),
                )
            )
        return sorted(found, key=lambda d: (d.last_day, d.id))

    def checked(self, delivery_id: int, at: datetime) -> None:
        """What was built up to this moment has not changed the report's figures."""
        with self.engine.begin() as connection:
            connection.execute(
                update(deliveries).where(deliveries.c.id == delivery_id).values(checked_at=at)
            )

    def _ours(self, delivery_id: int, owner: str) -> Any:
        return update(deliveries).where(
            deliveries.c.id == delivery_id,
            deliveries.c.state == State.SENDING,
            deliveries.c.owner == owner,
        )

    def _read(self, wanted: Select[Any]) -> list[Delivery]:
        with self.engine.connect() as connection:
            return [_delivery(row._mapping) for row in connection.execute(wanted)]


def _delivery(row: RowMapping) -> Delivery:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    values["state"], values["reason"] = State(values["state"]), Reason(values["reason"])
    values["missing"] = tuple(map(date.fromisoformat, json.loads(values["missing"] or "[]")))
    for name in ("sources", "figures"):
        values[name] = json.loads(values[name] or "{}")
    return Delivery(**values)
