"""The ledger's account of the explorer's users: role, customers, and the hash of a password.

What a role may do is decided elsewhere; passwords come here as hashes only.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from resources.ledger.schema import users


class UnknownUser(Exception):
    """Nobody goes by that name."""


class UserTaken(Exception):
    """There is a user of that name."""


@dataclass(frozen=True)
class User:
    """One user. `password` is a hash, or None for who is let in by a proxy only.

    `epoch` changes with the password and the role: sessions of another one are over.
    """

    name: str
    role: str
    customers: tuple[str, ...]
    password: str | None
    epoch: int
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Users:
    """Users in the ledger. Names are told apart whatever the case of their letters."""

    engine: Engine

    def add(
        self, name: str, role: str, customers: Sequence[str], password: str | None, now: datetime
    ) -> None:
        """A new user. Raises UserTaken."""
        try:
            with self.engine.begin() as connection:
                connection.execute(
                    insert(users).values(
                        name=name.casefold(),
                        role=role,
                        customers=json.dumps(list(customers)),
                        password=password,
                        epoch=_epoch(),
                        made_at=now,
                        changed_at=now,
                    )
                )
        except IntegrityError:
            raise UserTaken(f"there is a user {name!r}: choose another name") from None

    def all(self) -> list[User]:
        """All of them, by name."""
        with self.engine.connect() as connection:
            return [_user(row._mapping) for row in connection.execute(_all())]

    def any(self) -> bool:
        """Whether there is one."""
        with self.engine.connect() as connection:
            return connection.execute(select(users.c.name).limit(1)).first() is not None

    def get(self, name: str) -> User:
        """The one of that name. Raises UnknownUser."""
        with self.engine.connect() as connection:
            row = connection.execute(_all().where(users.c.name == name.casefold())).first()
        if row is None:
            raise UnknownUser(f"no user {name!r}; `cdr-reports users list` has them")
        return _user(row._mapping)

    def set_password(self, name: str, password: str | None, now: datetime) -> None:
        """Another password; all sessions of the user are over. Raises UnknownUser."""
        values: dict[str, Any] = {"password": password, "epoch": _epoch(), "changed_at": now}
        with self.engine.begin() as connection:
            changed = connection.execute(
                update(users).where(users.c.name == name.casefold()).values(**values)
            )
        if not changed.rowcount:
            raise UnknownUser(f"no user {name!r}; `cdr-reports users list` has them")

    def rehash(self, name: str, password: str) -> None:
        """The same password by newer rules; sessions stay."""
        with self.engine.begin() as connection:
            connection.execute(
                update(users).where(users.c.name == name.casefold()).values(password=password)
            )

    def remove(self, name: str) -> None:
        """Takes a user away, and all sessions with it. Raises UnknownUser."""
        with self.engine.begin() as connection:
            gone = connection.execute(delete(users).where(users.c.name == name.casefold()))
        if not gone.rowcount:
            raise UnknownUser(f"no user {name!r}; `cdr-reports users list` has them")


def _epoch() -> int:
    # Not counted up: a user who is removed and added again must not find old sessions good.
    return secrets.randbelow(2**31)


def _all() -> Any:
    return select(users).order_by(users.c.name)


def _user(row: RowMapping) -> User:
    values = {str(name): value for name, value in row.items()}
    return User(**{**values, "customers": tuple(json.loads(values["customers"]))})
