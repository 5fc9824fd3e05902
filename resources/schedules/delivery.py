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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from resources.ledger.delivery import Delivery, Made, Outcome, Reason, Recipient, State
from resources.ledger.schedules import ScheduleRecord
from resources.mailer import (
    MailError,
    MailRefusedError,
    Sent,
    parse_addresses,
    send,
)
from resources.reporting.errors import ReportError
from resources.reporting.output import new_file
from resources.reporting.period import Period
from resources.schedules import compared, rendering
from resources.schedules.audience import same_rows
from resources.schedules.due import Forgone, Waiting
from resources.schedules.model import OnChange, Schedule, from_text
from resources.schedules.office import LEASE, Office, patiently
from resources.schedules.planning import Group, held, verdict
from resources.schedules.settling import DIED, Server, Settled, joined, judge, later

MAIL = "message.eml"


class _NotSentError(Exception):
    """There is nothing to send, or no way to: the state and the words that it is settled with."""

    def __init__(self, state: State, words: str) -> None:
        super().__init__(words)
        self.state = state


def deliver(office: Office, group: Iterable[Delivery]) -> list[Delivery]:
    """Attempts each delivery that can go now; as they are afterwards.

    One that cannot be made or sent does not keep the others from theirs, but a mail server that
    answers nobody does: they are then tried again when those are that have found out.
    """
    found = []
    server = Server()
    # Those first that were made in no attempt yet: whoever the server is silent about comes last.
    for delivery in sorted(group, key=lambda d: d.folder is not None):
        _attempt(office, delivery, server)
        found.append(office.deliveries.get(delivery.id))
    return found


def deliver_all(office: Office, groups: Iterable[Group]) -> list[Delivery]:
    """The same for groups, in their order."""
    return [delivery for group in groups for delivery in deliver(office, group.deliveries)]


def _attempt(office: Office, delivery: Delivery, server: Server) -> None:
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
        settled = Settled(State.SKIPPED, joined(decided.reason, doubt))
    elif server.is_away:
        why = f"not tried, as {server.failures} others in a row could not be sent: {server.words}"
        settled = later(mine, why, office.clock())
    else:
        try:
            settled = _make_and_hand(office, record, mine, decided.missing, server)
        except _NotSentError as error:
            settled = Settled(error.state, str(error))
        except (ReportError, MailRefusedError) as error:
            settled = Settled(State.FAILED, str(error))
        except Exception as error:
            # A full disk, a memory limit, a lake that is away: it may pass. What it was is noted
            # and logged; it must not keep the next delivery from its recipients.
            logging.getLogger(__name__).exception("delivery %d", mine.id)
            settled = later(mine, f"{type(error).__name__}: {error}", office.clock())
    if settled is not None:
        _settle(office, mine, settled)


def _make_and_hand(
    office: Office,
    record: ScheduleRecord,
    mine: Delivery,
    missing: tuple[date, ...],
    server: Server,
) -> Settled | None:
    """What became of it; None when another process has taken the delivery over."""
    had = [r for r in office.deliveries.recipients(mine.id) if r.outcome is Outcome.ACCEPTED]
    # What somebody has, or may have, goes out to the others as it is; and what would be made
    # again just so is not made again.
    begun = mine.handed_at or had
    as_it_is = begun or _is_current(office, record, mine, missing)
    message = _kept(office, mine) if as_it_is else None
    if message is None or not (begun or _is_as_set(office, message)):
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
    server.heard(answer)
    return judge(answer, recipients, mine, office.clock())


def _settle(office: Office, mine: Delivery, settled: Settled) -> None:
    patiently(
        lambda: office.deliveries.settle(
            mine.id, office.owner, settled.state, settled.note, office.clock(),
            settled.outcomes, settled.next_try_at, settled.sure,
        )
    )  # fmt: skip


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


def _is_as_set(office: Office, message: EmailMessage) -> bool:
    """Whether a kept mail has sender and size as the settings say now, which were wrong then."""
    wanted = SMTP.header_factory("From", office.smtp.sender)
    fits = len(message.as_bytes(policy=SMTP)) <= office.rules.mail_bytes
    return fits and bool(message["From"].addresses == wanted.addresses)


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
