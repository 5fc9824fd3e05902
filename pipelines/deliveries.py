"""Scheduled reports in Dagster: the sensor that asks what is due, and the job that sends it.

Which deliveries are due, and that each goes out once, is `resources.schedules`; a run that is
started twice finds nothing left to do.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from pipelines.assembly import Workplace
from pipelines.sending import open_office
from pipelines.sensors import ENDED, UNFINISHED, attempt
from resources.ledger.delivery import Delivery, Reason, State
from resources.schedules.delivery import deliver
from resources.schedules.office import Office
from resources.schedules.planning import Group, agenda, plan, revise

GROUP = "delivery"
"""The run tag of what a run sends: schedule, period, revision."""

WAITING = "not_sent_yet"
"""The run tag of a run that left deliveries to be tried again, such as without a mail server."""

TRY = "delivery_attempt"
"""The run tag that all runs of one attempt share."""


@dg.op(
    config_schema={"schedule": int, "first": str, "last": str, "revision": int},
    required_resource_keys={"workplace"},
    # Each needs the memory of a report; what waits longest goes first.
    pool="reports",
    description="Sends the reports of a schedule's period to whom they are for, each once.",
)
def send_reports(context: dg.OpExecutionContext) -> None:
    """Attempts the deliveries of one group; fails when one of them has failed for good."""
    workplace: Workplace = context.resources.workplace
    office = open_office(workplace)
    asked = context.op_config
    first, last = date.fromisoformat(asked["first"]), date.fromisoformat(asked["last"])
    group = [
        d
        for d in office.deliveries.of_period(asked["schedule"], first, last)
        if d.revision == asked["revision"] and d.state in (State.QUEUED, State.SENDING)
    ]
    found = deliver(office, group)
    for delivery in found:
        workplace.tell(f"report {delivery.days}")
        log = context.log.info if delivery.state is State.SENT else context.log.warning
        log(f"delivery {delivery.id}: {in_words(delivery)}")
    context.add_output_metadata(_metadata(office, found))
    if waiting := sum(d.state is State.QUEUED for d in found):
        # The run has done what it could: the list of runs says that not all is out yet.
        context.instance.add_run_tags(context.run_id, {WAITING: f"{waiting} of {len(found)}"})
    failed = [d for d in found if d.state is State.FAILED]
    if failed:
        raise dg.Failure(
            "; ".join(f"delivery {d.id}: {d.note}" for d in failed[:10])
            + (f"; and {len(failed) - 10} more" if len(failed) > 10 else ""),
            metadata=_metadata(office, failed),
            allow_retries=False,
        )


@dg.job(
    name="deliver_reports",
    description="Send the reports of one schedule for one period.",
)
def deliver_reports() -> None:
    """One run per schedule, period and revision."""
    send_reports()


@dg.sensor(
    name="report_schedules",
    job_name="deliver_reports",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"workplace"},
    description="Sends scheduled reports that are due and whose days are built.",
)
def report_schedules(
    context: dg.SensorEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run per schedule, period and revision that can go."""
    workplace: Workplace = context.resources.workplace
    reasons: list[str] = []
    try:
        office = open_office(workplace)
        reasons += plan(office)
        reasons += revise(office)
        found = agenda(office)
    except Exception as error:
        yield dg.SkipReason(f"what is due could not be read: {type(error).__name__}: {error}")
        return
    requests = []
    for group in found.ready:
        if context.instance.get_runs(
            filters=dg.RunsFilter(statuses=UNFINISHED, tags={GROUP: group.key}), limit=1
        ):
            reasons.append(f"{group.schedule}, {group.deliveries[0].days}: being sent")
            continue
        ended = _ended(context.instance, group)
        # A run that has succeeded without an attempt found its days being built anew: no reason to
        # wait for longer than they take.
        broken = [at for at, status in ended if status is not dg.DagsterRunStatus.SUCCESS]
        if attempt(broken, datetime.now(UTC)) is None:
            reasons.append(
                f"{group.schedule}, {group.deliveries[0].days}: its run has failed or was "
                "terminated, and will be tried again"
            )
            continue
        of = attempt_key(group)
        requests.append(
            dg.RunRequest(
                run_key=f"{of} again {len(ended) + 1}" if ended else of,
                run_config=run_config(group),
                tags=tags(group),
            )
        )
    if requests:
        yield from requests
        return
    reasons += [found.held, *found.waiting] if found.held else found.waiting
    yield dg.SkipReason("; ".join(reasons) or "no report is due")


def attempt_key(group: Group) -> str:
    """The same for the same attempt at the same deliveries."""
    asked = ""
    if any(d.reason in (Reason.RESEND, Reason.RUN_NOW) for d in group.deliveries):
        asked = f" asked for {max(d.queued_at for d in group.deliveries):%Y-%m-%d %H:%M:%S}"
    number = 1 + max(d.attempts for d in group.deliveries)
    return f"{group.key}{asked} attempt {number}"


def run_config(group: Group) -> dict[str, Any]:
    """What tells a run which deliveries are its."""
    first = group.deliveries[0]
    config = {
        "schedule": first.schedule_id,
        "first": str(first.first_day),
        "last": str(first.last_day),
        "revision": first.revision,
    }
    return {"ops": {"send_reports": {"config": config}}}


def tags(group: Group) -> dict[str, str]:
    """What shows in the list of runs."""
    return {
        GROUP: group.key,
        TRY: attempt_key(group),
        "schedule": group.schedule,
        "period": group.deliveries[0].days,
    }


def in_words(delivery: Delivery) -> str:
    """What has become of a delivery."""
    said = str(delivery.state)
    if delivery.state is State.QUEUED:
        said = f"not sent yet, tried again at {delivery.next_try_at:%Y-%m-%d %H:%M} UTC"
    return f"{said}: {delivery.note}" if delivery.note else said


def _metadata(office: Office, found: list[Delivery]) -> dict[str, Any]:
    """What the run shows: how many, who, where the files are."""
    values: dict[str, Any] = {"deliveries": len(found)}
    for state in State:
        count = sum(d.state is state for d in found)
        if count:
            values[str(state)] = count
    for delivery in found[:25]:
        label = f"delivery {delivery.id}" + (f" for {delivery.account}" if delivery.account else "")
        values[label] = in_words(delivery)
        if delivery.folder:
            values[f"{label}: files"] = dg.MetadataValue.path(office.home / delivery.folder)
        if delivery.sources:
            values[f"{label}: lake versions"] = dg.MetadataValue.json(dict(delivery.sources))
    return values


def _ended(
    instance: dg.DagsterInstance, group: Group
) -> list[tuple[datetime, dg.DagsterRunStatus]]:
    """When and how the runs of this attempt ended."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=ENDED, tags={TRY: attempt_key(group)})
    )
    return [(record.update_timestamp, record.dagster_run.status) for record in records]
