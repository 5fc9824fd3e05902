"""Tells the operators of troubles by e-mail: each once, and none lost when the mail server is down.

A trouble counts as told only after the mail is out. Until then it is found again at each tick.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import WILL_RETRY_TAG

from assets.tables import RECONCILES
from pipelines.assembly import Workplace
from pipelines.partitions import run_days
from pipelines.sending import smtp_settings
from resources.alerts import Trouble, compose, of_days, of_deliveries, of_files, same
from resources.days import DAY_TABLES
from resources.expectations import expectations
from resources.held import CDRS
from resources.mailer import MailError, parse_addresses, send
from resources.reporting.words import days as in_words

_EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION
_WARN = dg.AssetCheckSeverity.WARN
_WARNED = "The day is published all the same; somebody should look at its calls."
_HELD_BACK = "The day is not published: it keeps what it held before."
_DIFFERS = "The table is not what cdrs holds: build it again with a back-fill."

_UNSAID = "This run has been marked as failed from outside"
"""How Dagster's message begins when whoever has failed a run gave none."""

LOOK_BACK = timedelta(days=7)
"""Runs and checks that are older are not told of any more."""


def told_since(workplace: Workplace) -> datetime:
    """When alerts were first asked for: now, if never before. What was wrong then is not news."""
    now = datetime.now(UTC).isoformat()
    return datetime.fromisoformat(workplace.files.same_fact("alerts since", now))


def troubles_of(workplace: Workplace, instance: dg.DagsterInstance) -> list[Trouble]:
    """All that the operators do not know of yet, of what went wrong since alerts are asked for."""
    now, settings = datetime.now(UTC), workplace.settings
    since = max(told_since(workplace), now - LOOK_BACK)
    names = {record.id: record.name for record in workplace.schedules.all()}
    found = [
        *of_runs(instance, since, settings.ui_url),
        *of_checks(instance, since, settings.ui_url),
        *of_files(workplace.files.accounts(since), since, settings.quarantine_alert_percent),
        *of_days(workplace.days.known(), now, settings.zone, settings.expected_by),
        *of_deliveries(workplace.deliveries.unreached(since), names),
    ]
    known = workplace.alerts.told(trouble.key for trouble in found)
    new: dict[str, Trouble] = {}
    for trouble in found:
        if trouble.key not in known:
            new.setdefault(trouble.key, trouble)
    return list(new.values())


def tell(workplace: Workplace, troubles: list[Trouble]) -> str:
    """Sends one mail on all of them and notes that they are told; who got it.

    Raises MailError, and then they are not told.
    """
    if not troubles:
        return ""
    now = datetime.now(UTC)
    smtp = smtp_settings(workplace.settings)
    recipients = parse_addresses([workplace.settings.alert_email])
    sent = send(compose(troubles, smtp.sender, recipients, now), smtp)
    workplace.alerts.tell([trouble.key for trouble in troubles], now)
    return ", ".join(sent.accepted)


def of_runs(instance: dg.DagsterInstance, since: datetime, url: str) -> list[Trouble]:
    """Failed runs, with step, days and cause; the same words once a day.

    Not those whose failure is a report that could not be sent: the ledger tells of it.
    """
    found = []
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    )
    for record in records:
        run = record.dagster_run
        causes = []
        told_by_ledger = False
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
            event = entry.get_dagster_event()
            data = event.step_failure_data
            words = data.user_failure_data.description if data.user_failure_data else None
            told_by_ledger |= run.job_name == "deliver_reports" and words is not None
            error = (data.error.cause or data.error) if data.error else None
            causes.append(f"{event.step_key}: {words or (error.message if error else '')}".strip())
        if told_by_ledger:
            continue
        # A command and a back-fill name the days only in the tags that make the partitions.
        days = run.tags.get("days") or run.tags.get("period") or in_words(run_days(run.tags))
        text = "\n".join(causes) or _without_step(instance, run.run_id)
        if run.tags.get(WILL_RETRY_TAG) == "true":
            text += "\nIt is started again by itself."
        found.append(
            Trouble(
                same(f"run {_name(run)} {days}", record.update_timestamp, text),
                f"run of {_name(run)} failed" + (f", {days}" if days else ""),
                f"{text}\n{url.rstrip('/')}/runs/{run.run_id}",
            )
        )
    return found


def _name(run: dg.DagsterRun) -> str:
    """The job; of what was materialised by hand or by a back-fill, the assets."""
    if run.job_name.startswith("__") and run.asset_selection:
        return ", ".join(sorted(key.to_user_string() for key in run.asset_selection))
    return run.job_name


def _without_step(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why a run failed of which no step has: what Dagster noted, the first line of each."""
    said = []
    kinds = {dg.DagsterEventType.ENGINE_EVENT, dg.DagsterEventType.RUN_FAILURE}
    for entry in instance.all_logs(run_id, of_type=kinds):
        event = entry.get_dagster_event()
        if error := getattr(event.event_specific_data, "error", None):
            said.append(f"{event.message}: {error.message.splitlines()[0]}")
        elif event.is_failure and event.message and not event.message.startswith(_UNSAID):
            said.append(event.message)
    return "\n".join(said) or "The run broke off without a cause: its process was killed."


def of_checks(instance: dg.DagsterInstance, since: datetime, url: str) -> list[Trouble]:
    """Checks that have failed, whatever their severity; the same words once a day."""
    found = []
    for key in CHECKS:
        # Only the history of checks is kept across runs; events of runs lie in a file each.
        for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=50):
            entry = record.event
            event = entry.dagster_event if entry else None
            if entry is None or event is None or event.event_type is not _EVALUATED:
                continue
            evaluation = event.asset_check_evaluation_data
            # The entry's own time: that of the record is cut to seconds in some databases.
            if evaluation.passed or entry.timestamp < since.timestamp():
                continue
            text = evaluation.description or ""
            at = datetime.fromtimestamp(entry.timestamp, UTC)
            severity = "warning" if evaluation.severity is _WARN else "error"
            meaning = _DIFFERS if key.name == RECONCILES else _HELD_BACK
            meaning = _WARNED if severity == "warning" else meaning
            found.append(
                Trouble(
                    same(f"check {key.to_user_string()}", at, text),
                    f"check {key.name} of {key.asset_key.to_user_string()} failed ({severity})",
                    f"{text}\n{meaning}\n{url.rstrip('/')}/runs/{record.run_id}",
                )
            )
    return found


CHECKS = (
    *(dg.AssetCheckKey(dg.AssetKey("cdrs"), name) for name in expectations()),
    *(dg.AssetCheckKey(dg.AssetKey(table), RECONCILES) for table in DAY_TABLES if table != CDRS),
)
"""All checks of the definitions; tests/unit/test_definitions.py compares."""


@dg.sensor(
    name="operator_alerts",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"workplace"},
    description="Mails failed runs, checks and reports, much quarantine and missing days.",
)
def operator_alerts(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
    """One mail a tick at most, on all that is new."""
    workplace: Workplace = context.resources.workplace
    if not workplace.settings.alert_email:
        yield dg.SkipReason("CDR_REPORTS_ALERT_EMAIL is not set: nobody is told of troubles")
        return
    troubles = troubles_of(workplace, context.instance)
    try:
        told = tell(workplace, troubles)
    except MailError as error:
        yield dg.SkipReason(f"{len(troubles)} troubles could not be told and will be: {error}")
        return
    yield dg.SkipReason(f"told {told} of {len(troubles)} troubles" if told else "nothing to tell")
