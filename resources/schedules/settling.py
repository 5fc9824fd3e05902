"""What has become of an attempt: the mail server's answer as a delivery's state, and its note.

Pure functions over plain values; who asks the server and who writes the ledger is `delivery`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from resources.ledger.delivery import Delivery, Outcome, Recipient, State
from resources.mailer import MailError, MailUnavailableError, Sent
from resources.schedules.due import next_try

DIED = (
    "a process died, or its connection broke, while it handed the mail over: it went out again "
    "under the same Message-ID and may have arrived twice"
)

SERVER_FAILURES = 3
"""After so many reports in a row with which no conversation with the mail server could be held, the
others of a run are not tried: each would wait for as long, and a fan-out for days."""

Outcomes = Mapping[str, tuple[Outcome, str | None]]


@dataclass(frozen=True)
class Settled:
    """What one attempt ended in. `next_try_at` is set while the delivery stays queued."""

    state: State
    note: str | None
    outcomes: Outcomes = field(default_factory=dict)
    next_try_at: datetime | None = None
    sure: bool = True
    """Nobody has the mail but those who accepted it."""


@dataclass
class Server:
    """How often in a row no conversation with the mail server could be held, and its last words."""

    failures: int = 0
    words: str = ""

    def heard(self, answer: Sent | MailError) -> None:
        """Notes what has come of one more mail."""
        failed = isinstance(answer, MailError) and answer.of_server
        self.failures = self.failures + 1 if failed else 0
        self.words = str(answer) if failed else ""

    @property
    def is_away(self) -> bool:
        """Whether there is no use in trying another one now."""
        return self.failures >= SERVER_FAILURES


def judge(
    answer: Sent | MailError, recipients: Sequence[Recipient], mine: Delivery, now: datetime
) -> Settled:
    """What the server's answer means for the delivery and for each who was still to get it.

    The note is of all that do not have it, also of those who were refused in an attempt before.
    """
    doubt = DIED if mine.handed_at else None
    pending = [r.address for r in recipients if r.outcome is Outcome.PENDING]
    before = {r.address: r.words for r in recipients if r.outcome is Outcome.REFUSED}
    some_have_it = any(r.outcome is Outcome.ACCEPTED for r in recipients)
    outcomes: dict[str, tuple[Outcome, str | None]] = {}
    if isinstance(answer, Sent):
        outcomes |= dict.fromkeys(answer.accepted, (Outcome.ACCEPTED, None))
        some_have_it = True
    passing = isinstance(answer, MailUnavailableError)
    words = str(answer) if isinstance(answer, MailError) else None
    for address in pending:
        said = answer.refused.get(address)
        if address in outcomes:
            continue
        # Who stands in no answer was not refused: the server may have left in between.
        later = address in answer.deferred or (passing and address not in answer.refused)
        outcomes[address] = (Outcome.PENDING if later else Outcome.REFUSED, said or words)
    refused = before | {a: w for a, (o, w) in outcomes.items() if o is Outcome.REFUSED}
    waiting = {a: w for a, (o, w) in outcomes.items() if o is Outcome.PENDING}
    sure = not (isinstance(answer, MailError) and answer.maybe_taken)
    common = None if some_have_it else words  # said of all who were still to get it
    told = "; ".join(f"{a}: {w}" for a, w in (before if common else refused | waiting).items())
    note = joined(common, f"not delivered to {told}" if told else None)
    if waiting:
        then = next_try(mine.attempts, now)
        if then is not None:
            return Settled(State.QUEUED, joined(note, doubt), outcomes, then, sure)
        outcomes |= {a: (Outcome.REFUSED, f"given up: {w}") for a, w in waiting.items()}
        note = f"given up after {mine.attempts} attempts: {note}"
    state = State.SENT if some_have_it else State.FAILED
    return Settled(state, joined(note, doubt), outcomes, None, sure)


def later(mine: Delivery, words: str, now: datetime) -> Settled:
    """Tried again later, or given up."""
    then = next_try(mine.attempts, now)
    if then is None:
        return Settled(State.FAILED, f"given up after {mine.attempts} attempts: {words}")
    return Settled(State.QUEUED, words, {}, then, sure=False)


def joined(*notes: str | None) -> str | None:
    """What there is of several notes; None when there is nothing."""
    return "; ".join(note for note in notes if note) or None
