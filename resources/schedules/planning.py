"""Writes what is owed into the ledger, and tells which deliveries can go.

Nothing is sent here, and doing it twice adds nothing: `due` decides, the ledger's keys hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from resources.ledger.cold import in_words
from resources.ledger.delivery import Delivery, NewDelivery, Outcome, Reason, State
from resources.ledger.schedules import ScheduleRecord
from resources.reference.accounts import AccountsError
from resources.reporting.errors import ReportError
from resources.reporting.interfaces import Reporting
from resources.reporting.period import Period
from resources.schedules import compared, rendering
from resources.schedules.audience import is_for, same_rows
from resources.schedules.due import Forgone, Ready, Waiting, last_period, listed, owed, readiness
from resources.schedules.model import Audience, OnChange, Schedule, from_text
from resources.schedules.office import Office, message_id

Missing = Callable[[Period], tuple[date, ...]]

ASKED_FOR = (Reason.RUN_NOW, Reason.RESEND)
"""Somebody asked for these: they wait for no day, and go out of a paused schedule too."""


@dataclass(frozen=True)
class Group:
    """Deliveries that one run sends: a schedule's period and revision, to whomever it goes."""

    schedule: str
    deliveries: tuple[Delivery, ...]

    @property
    def key(self) -> str:
        """The same for the same deliveries."""
        first = self.deliveries[0]
        return f"schedule {first.schedule_id} {first.days} r{first.revision}"


@dataclass(frozen=True)
class Agenda:
    """What can go now, the oldest period first, and what the rest waits for.

    `held` is why nothing goes at all that could; blank when it does.
    """

    ready: tuple[Group, ...] = ()
    waiting: tuple[str, ...] = ()
    held: str = ""


def plan(office: Office) -> list[str]:
    """Queues every period that has fallen due; which schedules it could not do so for, and why."""
    now, troubles = office.clock(), []
    office.deliveries.unplan(now)
    waiting = office.deliveries.open()
    for record in office.schedules.all():
        if record.enabled:
            try:
                _plan(office, record, now)
                _plan_anew(office, record, [d for d in waiting if d.schedule_id == record.id], now)
            except AccountsError as error:
                troubles.append(f"{record.name}: {error}")
    return troubles


def run_now(office: Office, record: ScheduleRecord) -> list[Delivery]:
    """Makes the deliveries of the last whole period go at once; those that are not sent yet.

    Also those that have failed or were passed over: who asks for them wants them sent.
    """
    now = office.clock()
    schedule = from_text(record.definition)
    period = last_period(schedule.frequency, office.today())
    if record.enabled:
        _plan(office, record, now, period.first)  # what is older must not be passed over
    # Also who has an address only since the period was planned.
    office.deliveries.queue(_rows(office, record, schedule, period, 1, Reason.RUN_NOW, now), now)
    there = office.deliveries.of_period(record.id, period.first, period.last)
    have_it = {d.account for d in there if d.state is State.SENT}
    for delivery in there:
        # Who has no calls in the period hears of it when there are some.
        nobody_has_it = delivery.state is State.FAILED or (
            delivery.state is State.SKIPPED and delivery.figures.get("rows") != 0
        )
        if nobody_has_it and delivery.account not in have_it:
            if is_for(schedule, delivery.account):
                office.deliveries.requeue(delivery.id, now, "asked for again")
        else:
            office.deliveries.hurry(delivery.id, now)
    return [
        delivery
        for delivery in office.deliveries.of_period(record.id, period.first, period.last)
        if delivery.state in (State.QUEUED, State.SENDING)
    ]


def preview(office: Office, schedule: Schedule, account: str | None) -> rendering.Rendered:
    """The last whole period's report, for nobody.

    Raises ValueError when the schedule fans out to nobody, or not to this account.
    """
    accounts = _accounts(office, schedule)
    if not accounts:
        raise ValueError(f"nobody to send it to: {schedule.audience}s.csv has no address")
    if account is not None and account not in accounts:
        raise ValueError(f"no report goes to {account!r}: choose from {', '.join(accounts[:20])}")
    period = last_period(schedule.frequency, office.today())
    return rendering.render(
        opened(office, schedule),
        schedule,
        account or accounts[0],
        period,
        office.clock().astimezone(office.rules.zone),
        rendering.Marks(office.missing(schedule)(period)),
        office.smtp.sender,
        message_id("preview", account or accounts[0], period, 0, office.smtp.sender),
        office.rules.mail_bytes,
        "out/deliveries",
    )


def again(office: Office, delivery: Delivery) -> Delivery:
    """Makes one delivery go again: itself when nobody has it, else as a further revision.

    Raises ValueError for what was nobody's report.
    """
    now = office.clock()
    schedule = from_text(office.schedules.get(delivery.schedule_id).definition)
    if schedule.fan_out and not delivery.account:
        raise ValueError(
            f"delivery {delivery.id} is nobody's report: once {schedule.audience}s.csv has "
            "addresses, `cdr-reports schedules run-now` sends them theirs"
        )
    if not is_for(schedule, delivery.account):
        raise ValueError(
            f"the schedule was edited and makes no report for {delivery.account} any more"
        )
    if delivery.state in (State.FAILED, State.SKIPPED):
        office.deliveries.requeue(delivery.id, now, "asked for again")
        return office.deliveries.get(delivery.id)
    if delivery.state is not State.SENT:
        office.deliveries.hurry(delivery.id, now)
        return office.deliveries.get(delivery.id)
    return _revision(office, delivery, Reason.RESEND, now)


def revise(office: Office, seconds: float = 20.0) -> list[str]:
    """Queues a revision of each sent report whose figures were changed by a later build.

    It looks at reports for so many seconds and goes on with the others the next time. Which
    reports could not be looked at, and why.
    """
    started, troubles = time.monotonic(), []
    for delivery in office.deliveries.rebuilt(["cdrs", *_all_tables(office)]):
        if time.monotonic() - started > seconds:
            break
        now = office.clock()
        record = office.schedules.get(delivery.schedule_id)
        sent_as = from_text(delivery.definition or "")
        period = Period(delivery.first_day, delivery.last_day)
        schedule = from_text(record.definition)
        of_others = not same_rows(schedule, sent_as, delivery.account)  # since it was edited
        if schedule.on_change is OnChange.IGNORE or of_others:
            office.deliveries.checked(delivery.id, now)
            continue
        if office.missing(sent_as)(period):
            continue  # some of its days are still being built
        try:
            reporting = opened(office, sent_as)
            _refuse_lost_calls(office, reporting, sent_as, delivery)
            found = compared.figures(reporting, sent_as, delivery.account, period)
        except ReportError as error:
            troubles.append(f"{record.name}, {delivery.days}: {error}")
            office.deliveries.checked(delivery.id, now)
            continue
        if found.differ(delivery.figures):
            _revision(office, delivery, Reason.REVISED, now)
        office.deliveries.checked(delivery.id, now)  # a revision answers for itself from here on
    return troubles


def _refuse_lost_calls(
    office: Office, reporting: Reporting, schedule: Schedule, delivery: Delivery
) -> None:
    """Figures without the calls that have left the lake since are no change of figures."""
    period = Period(delivery.first_day, delivery.last_day)
    cold = office.days.cold.out_of_the_lake()
    lost = [day for day in period if day in cold]
    if lost and rendering.of_calls(reporting, schedule, delivery.account, period):
        raise ReportError(
            f"a day was built anew, and what changed cannot be told: {in_words([cold[lost[0]]])}"
        )


def agenda(office: Office) -> Agenda:
    """Which deliveries can go now, and what the others wait for.

    None as long as lake and ledger are of different times: figures may be old ones, and what a
    ledger from before it was sent calls owed would go out again.
    """
    now = office.clock()
    ready: dict[tuple[int, str, int], list[Delivery]] = {}
    records: dict[int, ScheduleRecord] = {}
    missing: dict[int, Missing] = {}
    waiting: dict[str, None] = {}
    for delivery in office.deliveries.open():
        of = delivery.schedule_id
        if of not in records:
            records[of] = office.schedules.get(of)
            missing[of] = office.missing(from_text(records[of].definition))
        why = held(office, delivery, now)
        if why is None:
            decided = verdict(office, records[of], delivery, now, missing[of])
            if isinstance(decided, Waiting):
                why = _wait_in_words(decided)
        if why is None:
            ready.setdefault((of, delivery.days, delivery.revision), []).append(delivery)
        else:
            waiting[f"{records[of].name}, {delivery.days}: {why}"] = None
    if ready and (why := office.why_apart()):
        return Agenda((), tuple(waiting), f"no report is sent: {why}")
    groups = (Group(records[key[0]].name, tuple(of)) for key, of in ready.items())
    return Agenda(tuple(groups), tuple(waiting))


def held(office: Office, delivery: Delivery, now: datetime) -> str | None:
    """Why nobody may be at a delivery now, whatever its days are; None when somebody may."""
    if delivery.state is State.SENDING:
        alive = delivery.lease_until is not None and now < delivery.lease_until
        dead = delivery.owner is not None and office.is_dead(delivery.owner)
        return "being sent" if alive and not dead else None
    if delivery.state is not State.QUEUED:
        return f"it is {delivery.state}"
    if delivery.reason is Reason.SCHEDULED and now < delivery.due_at:
        return f"due at {delivery.due_at:%Y-%m-%d %H:%M} UTC"
    if now < delivery.next_try_at:
        return f"tried again at {delivery.next_try_at:%Y-%m-%d %H:%M} UTC: {delivery.note}"
    return None


def verdict(
    office: Office,
    record: ScheduleRecord,
    delivery: Delivery,
    now: datetime,
    missing_of: Missing | None = None,
) -> Ready | Waiting | Forgone:
    """Whether a delivery goes, waits or is not sent."""
    schedule = from_text(record.definition)
    asked_for = delivery.reason in ASKED_FOR
    if record.removed_at is not None:
        return Forgone("the schedule was removed")
    if not record.enabled and not asked_for:
        return Forgone("the schedule is paused")
    if delivery.handed_at is not None:
        return Ready(delivery.missing)  # what was begun is finished
    if not is_for(schedule, delivery.account) and not _some_have(office, delivery):
        return Forgone("the schedule was edited and makes no such report any more")
    missing_of = missing_of or office.missing(schedule)
    missing = missing_of(Period(delivery.first_day, delivery.last_day))
    if asked_for:
        return Ready(missing)
    if delivery.reason is Reason.REVISED:
        return Waiting(missing, None) if missing else Ready()
    return readiness(
        missing, delivery.queued_at, delivery.due_at, now, office.rules.grace, schedule.incomplete
    )


def _some_have(office: Office, delivery: Delivery) -> bool:
    return any(r.outcome is Outcome.ACCEPTED for r in office.deliveries.recipients(delivery.id))


def _wait_in_words(waiting: Waiting) -> str:
    end = f", until {waiting.until:%Y-%m-%d %H:%M} UTC at the longest" if waiting.until else ""
    return f"waits for {listed(waiting.days)}{end}"


def opened(office: Office, schedule: Schedule) -> Reporting:
    """Reporting over the tables as they are at this moment, whatever is published meanwhile."""
    return office.reporting(office.versions(schedule))


def _plan(
    office: Office, record: ScheduleRecord, now: datetime, before: date | None = None
) -> None:
    schedule = from_text(record.definition)
    newest = office.deliveries.newest_planned(record.id, schedule.frequency, now)
    zone = office.rules.zone
    for found in owed(schedule, record.since, newest, now, zone, office.rules.catch_up, before):
        rows = _rows(office, record, schedule, found.period, 1, Reason.SCHEDULED, found.due_at)
        if found.missed:
            note = (
                f"missed: only the newest {office.rules.catch_up} periods are sent after an outage"
            )
            rows = [replace(row, state=State.SKIPPED, note=note) for row in rows]
        office.deliveries.queue(rows, now)


def _plan_anew(
    office: Office, record: ScheduleRecord, waiting: Iterable[Delivery], now: datetime
) -> None:
    """Queues what an edited schedule makes in place of what it made, and `verdict` forgoes."""
    schedule = from_text(record.definition)
    periods = {
        (d.first_day, d.last_day): d
        for d in waiting
        if d.revision == 1 and not is_for(schedule, d.account)
    }
    for (first, last), of in periods.items():
        rows = _rows(office, record, schedule, Period(first, last), 1, of.reason, of.due_at)
        office.deliveries.queue([replace(row, frequency=of.frequency) for row in rows], now)


def _rows(
    office: Office,
    record: ScheduleRecord,
    schedule: Schedule,
    period: Period,
    revision: int,
    reason: Reason,
    due_at: datetime,
    accounts: Iterable[str] | None = None,
) -> list[NewDelivery]:
    """One row, or one for each account of a fan-out."""
    state, note = State.QUEUED, None
    accounts = list(_accounts(office, schedule) if accounts is None else accounts)
    if not accounts:
        accounts, state = [""], State.SKIPPED
        note = f"nobody to send it to: {schedule.audience}s.csv has no address"
    sender = office.smtp.sender
    return [
        NewDelivery(
            record.id, account, schedule.frequency, period.first, period.last, revision, reason,
            message_id(record.uid, account, period, revision, sender), due_at, state, note,
        )
        for account in accounts
    ]  # fmt: skip


def _accounts(office: Office, schedule: Schedule) -> Sequence[str]:
    if not schedule.fan_out:
        return [""]
    emails = office.read_accounts().emails(schedule.audience)
    of = schedule.customers if schedule.audience is Audience.CUSTOMER else schedule.providers
    return of or sorted(emails)


def _revision(office: Office, delivery: Delivery, reason: Reason, now: datetime) -> Delivery:
    record = office.schedules.get(delivery.schedule_id)
    schedule = from_text(record.definition)
    period = Period(delivery.first_day, delivery.last_day)
    of = (delivery.schedule_id, period.first, period.last, delivery.account)
    revision = office.deliveries.of_period(*of)[-1].revision + 1
    (row,) = _rows(office, record, schedule, period, revision, reason, now, [delivery.account])
    office.deliveries.queue([replace(row, frequency=delivery.frequency)], now)
    return next(d for d in office.deliveries.of_period(*of) if d.revision == revision)


def _all_tables(office: Office) -> list[str]:
    schedules = (from_text(record.definition) for record in office.schedules.all())
    return list(
        dict.fromkeys(table for s in schedules for table in rendering.tables(office.reports, s))
    )
