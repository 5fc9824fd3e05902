"""What the ledger knows of a delivery: its state, why it was not sent, what was made for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a delivery stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why a delivery is made."""

    SCHEDULED = "scheduled"
    RUN_NOW = "run-now"
    REVISED = "revised"
    RESEND = "resend"


class Outcome(StrEnum):
    """What became of a delivery for one recipient."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class UnknownDelivery(Exception):
    """No delivery has that number."""


@dataclass(frozen=True)
class NewDelivery:
    """A delivery that is owed. `account` is blank unless the schedule fans out."""

    schedule_id: int
    account: str
    frequency: str
    first_day: date
    last_day: date
    revision: int
    reason: Reason
    message_id: str
    due_at: datetime
    state: State = State.QUEUED
    note: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One row. `sources` are the lake versions that the report was made from, by table."""

    id: int
    schedule_id: int
    account: str
    frequency: str
    first_day: date
    last_day: date
    revision: int
    reason: Reason
    state: State
    message_id: str
    due_at: datetime
    queued_at: datetime
    next_try_at: datetime
    attempts: int
    owner: str | None
    lease_until: datetime | None
    handed_at: datetime | None
    settled_at: datetime | None
    note: str | None
    definition: str | None
    missing: tuple[date, ...]
    sources: Mapping[str, int]
    figures: Mapping[str, Any]
    checked_at: datetime | None
    folder: str | None

    @property
    def days(self) -> str:
        """Its period: one day, or the first and the last."""
        if self.first_day == self.last_day:
            return str(self.first_day)
        return f"{self.first_day} to {self.last_day}"


@dataclass(frozen=True)
class Recipient:
    """Who a delivery goes to, and what the mail server said of it."""

    address: str
    kind: str
    outcome: Outcome = Outcome.PENDING
    words: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Made:
    """What is noted of a report before its mail is handed over."""

    definition: str
    missing: Sequence[date]
    sources: Mapping[str, int]
    figures: Mapping[str, Any]
    checked_at: datetime
    folder: str
    recipients: Sequence[Recipient] = field(default_factory=tuple)
