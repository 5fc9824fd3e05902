"""What a schedule says, as plain data, and its two written forms: the ledger's JSON and YAML.

Whether it makes sense is judged by `definition`, when it is owed by `due`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import time
from enum import StrEnum
from typing import Any


class Frequency(StrEnum):
    """How often: yesterday, the last Monday to Sunday, the last calendar month."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Audience(StrEnum):
    """Whose eyes a report is for, which decides what may stand in it."""

    INTERNAL = "internal"
    CUSTOMER = "customer"
    PROVIDER = "provider"


class OnChange(StrEnum):
    """What is sent when a day of a sent report was built anew with other figures."""

    NOTIFY = "notify"
    RESEND = "resend"
    IGNORE = "ignore"


class Incomplete(StrEnum):
    """What becomes of a report whose days are not all there when the waiting is over."""

    SEND = "send"
    SKIP = "skip"


FORMATS = ("pdf", "html", "xlsx", "csv")
"""The formats that can be attached."""

CHOICES: Mapping[str, type[StrEnum]] = {
    "frequency": Frequency,
    "audience": Audience,
    "on_change": OnChange,
    "incomplete": Incomplete,
}
"""The fields whose values are words to choose from."""

LISTS = ("email", "cc", "bcc", "group", "customers", "providers", "columns", "formats")
"""The fields that hold several values."""


@dataclass(frozen=True)
class Schedule:
    """One schedule. `group` and `columns` are None for the report's own; accounts are ids.

    `time` is of the day after the period, in `timezone`. With `fan_out` each customer (or provider,
    by the audience) gets its own report at its own addresses.
    """

    name: str
    timezone: str
    email: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    frequency: Frequency = Frequency.DAILY
    report: str = "breakout"
    group: tuple[str, ...] | None = None
    customers: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    formats: tuple[str, ...] = ("pdf", "xlsx")
    currency: str = "USD"
    time: time = time(7, 0)
    audience: Audience = Audience.INTERNAL
    fan_out: bool = False
    on_change: OnChange = OnChange.NOTIFY
    incomplete: Incomplete = Incomplete.SEND

    @property
    def recipients(self) -> str:
        """Whom it writes to, for people."""
        if self.fan_out:
            return f"each {self.audience}"
        return ", ".join((*self.email, *self.cc, *self.bcc))

    def plain(self) -> dict[str, Any]:
        """Texts, lists and truth values, for JSON and YAML; what is None is left out."""
        found: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                found[field.name] = list(value)
            elif isinstance(value, time):
                found[field.name] = f"{value:%H:%M}"
            elif value is not None:
                found[field.name] = value if isinstance(value, bool) else str(value)
        return found

    def text(self) -> str:
        """As the ledger keeps it."""
        return json.dumps(self.plain(), ensure_ascii=False)


FIELDS = tuple(field.name for field in fields(Schedule))
"""The names of the fields, in the order in which they are shown."""


def from_text(text: str) -> Schedule:
    """A schedule out of the ledger, which was judged before it was written."""
    return from_plain(json.loads(text))


def from_plain(values: Mapping[str, Any]) -> Schedule:
    """The inverse of `plain`. The values must be right: `definition.define` judges others."""
    known = {name: value for name, value in values.items() if name in FIELDS}
    for name, value in known.items():
        if isinstance(value, list):
            known[name] = tuple(value)
    for name, kind in CHOICES.items():
        if name in known:
            known[name] = kind(known[name])
    if "time" in known:
        known["time"] = time.fromisoformat(known["time"])
    return Schedule(**known)
