"""One attempt at one delivery: claim, make, hand over, settle. Nothing is lost, nothing doubled.

    claim   the ledger says that this process is at it, before anything happens
    make    report and mail are made and kept on disk, and what they were made from is noted
    hand    the ledger says that the mail is about to be handed over; then it is
    settle  what the mail server said, for each recipient

A process that dies before `hand` has sent nothing. One that dies after it may have: the kept mail
goes out again as it is, under its Message-ID, and the note says so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from resources.ledger.delivery import Delivery, Made, Outcome, Reason, Recipient, State
from resources.ledger.schedules import ScheduleRecord
from resources.mailer import (
    MailError,
    MailRefusedError,
    MailUnavailableError,
    Sent,
    parse_addresses,
    send,
)
from resources.reporting.errors import ReportError
from resources.reporting.output import new_file
from resources.reporting.period import Period
from resources.schedules import compared, rendering
from resources.schedules.audience import same_rows
from resources.schedules.due import Forgone, Waiting, next_try
from resources.schedules.model import OnChange, Schedule, from_text
from resources.schedules.office import LEASE, Office, patiently
from resources.schedules.planning import Group, held, verdict

MAIL = "message.eml"

DIED = (
    "a process died, or its connection broke, while it handed the mail over: it went out again "
    "under the same Message-ID and may have arrived twice"
)

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


class _NotSentError(Exception):
    """There is nothing to send, or no way to: the state and the words that it is settled with."""

    def __init__(self, state: State, words: str) -> None:
        super().__init__(words)
        self.state = state


def deliver(office: Office, group: Iterable[Delivery]) -> list[Delivery]:
    """Attempts each delivery that can go now; as they are afterwards.

    One that cannot be made or sent does not keep the others from theirs.
    """
    found = []
    for delivery in group:
        _attempt(office, delivery)
        found.append(office.deliveries.get(delivery.id))
    return found


def deliver_all(office: Office, groups: Iterable[Group]) -> list[Delivery]:
    """The same for groups, in their order."""
    return [delivery for group in groups for delivery in deliver(office, group.deliveries)]


def _attempt(office: Office, delivery: Delivery) -> None:
    now = office.clock()
    record = office.schedules.get(delivery.schedule_id)
    if held(office, delivery, now) is not None:
        return
    decided = verdict(office, record, delivery, now)
    if isinstance(decided, Waiting):
        return
    mine = office.deliveries.claim(delivery, office.owner, now, now + LEASE)
    if mine is None:
        return  # another process was quicker
    settled: Settled | None
    if isinstance(decided, Forgone):
        doubt = DIED if mine.handed_at else None
        settled = Settled(State.SKIPPED, _joined(decided.reason, doubt))
    else:
        try:
            settled = _make_and_hand(office, record, mine, decided.missing)
        except _NotSentError as error:
            settled = Settled(error.state, str(error))
        except (ReportError, MailRefusedError) as error:
            settled = Settled(State.FAILED, str(error))
        except Exception as error:
            # A full disk, a memory limit, a lake that is away: it may pass. What it was is noted
            # and logged; it must not keep the next delivery from its recipients.
            logging.getLogger(__name__).exception("delivery %d", mine.id)
            settled = _later(mine, f"{type(error).__name__}: {error}", office.clock())
    if settled is not None:
        _settle(office, mine, settled)


def _make_and_hand(
    office: Office, record: ScheduleRecord, mine: Delivery, missing: tuple[date, ...]
) -> Settled | None:
    """What became of it; None when another process has taken the delivery over."""
    had = [r for r in office.deliveries.recipients(mine.id) if r.outcome is Outcome.ACCEPTED]
    # What somebody has, or may have, goes out to the others as it is; and what would be made
    # again just so is not made again.
    begun = mine.handed_at or had
    as_it_is = begun or _is_current(office, record, mine, missing)
    message = _kept(office, mine) if as_it_is else None
    if message is None or not (begun or _is_from(message, office.smtp.sender)):
        message = _make(office, record, mine, missing)
        if message is None:
            return None
    recipients = office.deliveries.recipients(mine.id)
    pending = [r.address for r in recipients if r.outcome is Outcome.PENDING]
    now = office.clock()
    # A server may think for a while about each of them.
    until = now + LEASE + timedelta(seconds=office.smtp.timeout * len(pending))
    if not office.deliveries.handing(mine.id, office.owner, now, until):
        return None
    answer: Sent | MailError
    try:
        answer = send(message, office.smtp, pending)
    except MailError as error:
        answer = error
    return judge(answer, recipients, mine, office.clock())


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
    note = _joined(common, f"not delivered to {told}" if told else None)
    if waiting:
        then = next_try(mine.attempts, now)
        if then is not None:
            return Settled(State.QUEUED, _joined(note, doubt), outcomes, then, sure)
        outcomes |= {a: (Outcome.REFUSED, f"given up: {w}") for a, w in waiting.items()}
        note = f"given up after {mine.attempts} attempts: {note}"
    state = State.SENT if some_have_it else State.FAILED
    return Settled(state, _joined(note, doubt), outcomes, None, sure)


def _later(mine: Delivery, words: str, now: datetime) -> Settled:
    """Tried again later, or given up."""
    then = next_try(mine.attempts, now)
    if then is None:
        return Settled(State.FAILED, f"given up after {mine.attempts} attempts: {words}")
    return Settled(State.QUEUED, words, {}, then, sure=False)


def _settle(office: Office, mine: Delivery, settled: Settled) -> None:
    patiently(
        lambda: office.deliveries.settle(
            mine.id, office.owner, settled.state, settled.note, office.clock(),
            settled.outcomes, settled.next_try_at, settled.sure,
        )
    )  # fmt: skip


def _joined(*notes: str | None) -> str | None:
    return "; ".join(note for note in notes if note) or None


def _make(
    office: Office, record: ScheduleRecord, mine: Delivery, missing: tuple[date, ...]
) -> EmailMessage | None:
    """Makes report and mail, keeps them on disk and notes what they were made from.

    None when the delivery is not ours any more.
    """
    before = _sent_before(office, mine)
    schedule, sent_as = _definitions(record, mine, before)
    checked_at = office.clock()
    sources = office.versions(schedule)
    reporting = office.reporting(sources)
    period = Period(mine.first_day, mine.last_day)
    recipients = _recipients(office, schedule, mine)
    figures = compared.figures(reporting, schedule, mine.account, period)
    folder = office.folder(schedule, mine)
    kept_at = str(folder.relative_to(office.home))
    made = Made(schedule.text(), missing, sources, figures.plain(), checked_at, kept_at, recipients)
    # The mail of an earlier attempt is of other figures than are noted from here on.
    (folder / MAIL).unlink(missing_ok=True)
    if not office.deliveries.made(mine.id, office.owner, made):
        return None
    if schedule.fan_out and not figures.rows and before is None:
        raise _NotSentError(State.SKIPPED, "no calls in the period")
    said: tuple[str, ...] = ()
    if before is not None and sent_as is not None:
        with suppress(ReportError):  # what was sent cannot be made any more
            then = figures
            if sent_as != schedule:
                then = compared.figures(reporting, sent_as, mine.account, period)
            said = _changes(office, sent_as, before, then, reporting.minutes)
        if mine.reason is Reason.REVISED and not said:
            raise _NotSentError(State.SKIPPED, "its figures are again those that were sent")
    generated = checked_at.astimezone(office.rules.zone)
    sender = office.smtp.sender
    if mine.reason is Reason.REVISED and schedule.on_change is OnChange.NOTIFY and said:
        rendered = rendering.notification(
            office.reports, schedule, period, generated, said, sender, mine.message_id
        )
    else:
        marks = rendering.Marks(missing, bool(said), said)
        rendered = rendering.render(
            reporting, schedule, mine.account, period, generated, marks, sender,
            mine.message_id, office.rules.mail_bytes, kept_at,
        )  # fmt: skip
    fit = [r for r in recipients if r.outcome is not Outcome.REFUSED]
    of = {kind: [r.address for r in fit if r.kind == kind] for kind in ("to", "cc")}
    message = rendering.addressed(rendered.message, of["to"], of["cc"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in rendered.files.items():
        _write(folder / name, content)
    _write(folder / MAIL, message.as_bytes(policy=SMTP))
    return message


def _definitions(
    record: ScheduleRecord, mine: Delivery, before: Delivery | None
) -> tuple[Schedule, Schedule | None]:
    """By what a report is made, and by what it is compared with the one that was sent before.

    Whom it goes to is as it is now. What it holds is, too, but for a revision that nobody asked
    for: that is the report which they have. Nothing is compared with what held other rows.
    """
    now = from_text(record.definition)
    if before is None or before.definition is None:
        return now, None
    sent = from_text(before.definition)
    revised = mine.reason is Reason.REVISED
    if not same_rows(now, sent, mine.account):
        if revised:
            raise _NotSentError(State.SKIPPED, "the schedule was edited and holds other calls now")
        return now, None
    as_it_was = replace(
        now, report=sent.report, group=sent.group, columns=sent.columns, currency=sent.currency
    )
    if revised:
        return as_it_was, as_it_was
    return now, as_it_was if now.report == sent.report else None


def _changes(
    office: Office, schedule: Schedule, before: Delivery, now: compared.Figures, minutes: bool
) -> tuple[str, ...]:
    """What has become of a sent report's figures, if anything has; durations in minutes or not."""
    if not now.differ(before.figures):
        return ()
    when = before.settled_at or before.queued_at
    return (
        f"Revised: figures differ from those of the report sent on {when:%Y-%m-%d}.",
        *compared.changes(office.reports, schedule, before.figures, now, minutes=minutes),
    )


def _write(path: Path, content: bytes) -> None:
    with new_file(path) as stream:
        stream.write(content)


def _kept(office: Office, mine: Delivery) -> EmailMessage | None:
    """The mail of an earlier attempt, which somebody may have by now."""
    if mine.folder is None:
        return None
    path = office.home / Path(mine.folder) / MAIL
    if not path.exists():
        return None
    return message_from_bytes(path.read_bytes(), policy=SMTP)


def _is_from(message: EmailMessage, sender: str) -> bool:
    """Whether a kept mail has this sender, which is a setting that may have been wrong."""
    wanted = SMTP.header_factory("From", sender)
    return bool(message["From"].addresses == wanted.addresses)


def _is_current(
    office: Office, record: ScheduleRecord, mine: Delivery, missing: tuple[date, ...]
) -> bool:
    """Whether the report of an earlier attempt is what would be made now."""
    schedule = from_text(record.definition)
    recipients = {(r.address, r.kind) for r in office.deliveries.recipients(mine.id)}
    return (
        mine.definition == schedule.text()
        and mine.missing == missing
        and mine.sources == office.versions(schedule)
        and recipients == {(r.address, r.kind) for r in _recipients(office, schedule, mine)}
    )


def _sent_before(office: Office, mine: Delivery) -> Delivery | None:
    """The newest earlier revision of the same report that went out."""
    there = office.deliveries.of_period(
        mine.schedule_id, mine.first_day, mine.last_day, mine.account
    )
    sent = [d for d in there if d.revision < mine.revision and d.state is State.SENT]
    return sent[-1] if sent else None


def _recipients(office: Office, schedule: Schedule, mine: Delivery) -> list[Recipient]:
    """Who it goes to. Raises _NotSentError for a fan-out's account without an address.

    What is no address in the list of accounts is refused, and keeps no other from the report.
    """
    to: Sequence[str] = schedule.email
    unfit: dict[str, str] = {}
    if schedule.fan_out:
        listed = office.read_accounts().emails(schedule.audience).get(mine.account, "")
        to, unfit = _sorted_out(listed)
        if not to:
            unfit_words = "; ".join(unfit.values())
            what = f": {unfit_words}" if unfit else f" has no address for {mine.account}"
            raise _NotSentError(State.FAILED, f"{schedule.audience}s.csv{what}")
    kinds = (("to", to), ("cc", schedule.cc), ("bcc", schedule.bcc))
    found: dict[str, Recipient] = {}
    for kind, addresses in kinds:
        for address in addresses:
            found.setdefault(address, Recipient(address, kind))
    for address, words in unfit.items():
        found[address] = Recipient(address, "to", Outcome.REFUSED, words)
    return list(found.values())


def _sorted_out(listed: str) -> tuple[list[str], dict[str, str]]:
    """The addresses of a list, and what else is in it, with why it is none."""
    fit: list[str] = []
    unfit: dict[str, str] = {}
    for part in re.split("[,;]", listed):
        try:
            fit += parse_addresses([part])
        except MailRefusedError as error:
            unfit[part.strip()] = str(error)
    return list(dict.fromkeys(fit)), unfit
