"""The ledger's account of schedules: what is defined, since when it is owed, what is paused.

What a definition says is JSON text here; its fields are `resources.schedules.model`.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from resources.ledger.schema import schedules


class UnknownSchedule(Exception):
    """No schedule goes by that name; the text says which there are."""


class NameTaken(Exception):
    """There is a schedule of that name."""


@dataclass(frozen=True)
class ScheduleRecord:
    """One schedule. What fell due before `since` is not owed."""

    id: int
    uid: str
    name: str
    definition: str
    enabled: bool
    since: datetime
    changed_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True)
class Wanted:
    """A schedule as it is to be. `id` None for a new one; `since` when it is owed anew."""

    id: int | None
    name: str
    definition: str
    enabled: bool
    since: datetime | None


@dataclass(frozen=True)
class Schedules:
    """Schedules in the ledger."""

    engine: Engine

    def add(self, name: str, definition: str, now: datetime, enabled: bool = True) -> int:
        """A new schedule, owed from now on; its number. Raises NameTaken."""
        (number,) = self.put([Wanted(None, name, definition, enabled, now)], now)
        return number

    def put(self, wanted: Sequence[Wanted], now: datetime) -> list[int]:
        """Adds and changes schedules, all or none; their numbers. Raises NameTaken."""
        numbers, name = [], ""
        try:
            with self.engine.begin() as connection:
                for each in wanted:
                    name = each.name
                    values: dict[str, Any] = {
                        "name": name,
                        "definition": each.definition,
                        "enabled": each.enabled,
                        "changed_at": now,
                    }
                    if each.since is not None:
                        values["since"] = each.since
                    if each.id is None:
                        new = insert(schedules).values(uid=uuid.uuid4().hex[:16], **values)
                        (number,) = connection.execute(new).inserted_primary_key or (0,)
                        numbers.append(int(number))
                    else:
                        of = update(schedules).where(schedules.c.id == each.id)
                        connection.execute(of.values(**values))
                        numbers.append(each.id)
        except IntegrityError:
            raise NameTaken(f"there is a schedule {name!r}: choose another name") from None
        return numbers

    def all(self) -> list[ScheduleRecord]:
        """Those that were not removed, by name."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(schedules).where(schedules.c.removed_at.is_(None)).order_by(schedules.c.name)
            )
            return [_record(row._mapping) for row in rows]

    def named(self, name: str) -> ScheduleRecord:
        """The one of that name. Raises UnknownSchedule."""
        known = self.all()
        for schedule in known:
            if schedule.name == name:
                return schedule
        names = ", ".join(repr(schedule.name) for schedule in known[:20])
        raise UnknownSchedule(f"no schedule {name!r}; there are: {names or 'none yet'}")

    def get(self, schedule_id: int) -> ScheduleRecord:
        """The one of that number, removed or not. Raises UnknownSchedule."""
        with self.engine.connect() as connection:
            row = connection.execute(select(schedules).where(schedules.c.id == schedule_id)).first()
        if row is None:
            raise UnknownSchedule(f"no schedule number {schedule_id}")
        return _record(row._mapping)

    def change(
        self,
        schedule_id: int,
        name: str,
        definition: str,
        now: datetime,
        since: datetime | None = None,
    ) -> None:
        """Puts another definition in place; `since` when it is owed anew. Raises NameTaken."""
        values: dict[str, Any] = {"name": name, "definition": definition}
        if since is not None:
            values["since"] = since
        try:
            self._set(schedule_id, now, **values)
        except IntegrityError:
            raise NameTaken(f"there is a schedule {name!r}: choose another name") from None

    def pause(self, schedule_id: int, now: datetime) -> None:
        """Nothing of it is sent from now on."""
        self._set(schedule_id, now, enabled=False)

    def resume(self, schedule_id: int, now: datetime) -> None:
        """It is owed again, from now on; what fell due in between is not."""
        self._set(schedule_id, now, enabled=True, since=now)

    def remove(self, schedule_id: int, now: datetime) -> None:
        """Takes it away; its deliveries stay, and its name is free."""
        self._set(schedule_id, now, enabled=False, removed_at=now)

    def _set(self, schedule_id: int, now: datetime, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                update(schedules)
                .where(schedules.c.id == schedule_id)
                .values(changed_at=now, **values)
            )


def _record(row: RowMapping) -> ScheduleRecord:
    return ScheduleRecord(**{str(name): value for name, value in row.items()})
