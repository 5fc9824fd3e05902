"""The sensors: stale days are built, each batch once."""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from pipelines.alive import bury
from pipelines.assembly import Workplace
from pipelines.jobs import build_days
from pipelines.partitions import range_tags, ranges, run_days
from resources.days import DAY_TABLES
from resources.ledger import StaleDay

BATCH = "batch"
"""The run tag that all attempts at one batch share."""

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    # Else what was terminated would be asked for under the key that it had, for ever in vain: the
    # daemon launches a key once.
    dg.DagsterRunStatus.CANCELED,
]


@dataclass(frozen=True)
class Batch:
    """Days to build in one run. `key` is the same for the same days at the same versions."""

    first: date
    last: date
    key: str


def batches(
    stale: Iterable[StaleDay], first_day: date, today: date, underway: Collection[date] = ()
) -> list[Batch]:
    """Which runs the stale days need: one an unbroken range.

    Left out are days whose checks have failed at this very version (building again would change
    nothing), days that are no partition yet or never will be, and days that a run in progress is
    at: it may be about to finish them, and if it was too early for a delivery they are still stale
    when it has ended.
    """
    due = {
        d.day: d.version
        for d in stale
        if not d.failed and first_day <= d.day <= today and d.day not in underway
    }
    found = []
    for first, last in ranges(due):
        about = ",".join(f"{d}:{v}" for d, v in sorted(due.items()) if first <= d <= last)
        digest = hashlib.sha256(about.encode()).hexdigest()[:16]
        found.append(Batch(first, last, f"days {first} {last} {digest}"))
    return found


def attempt(ended: Collection[datetime], now: datetime) -> int | None:
    """Which attempt at a batch is due, given when its runs ended; None while it is too early.

    A batch whose run has ended and which is still due was not refused for its data. A disk, a
    memory limit or a network made it fail, somebody has terminated it, or another process has
    published an older state after it. That may pass: after one hour, then two, four, up to a day.

    >>> noon = datetime(2026, 3, 6, 12, tzinfo=UTC)
    >>> attempt([], noon), attempt([noon - timedelta(hours=2)], noon), attempt([noon], noon)
    (1, 2, None)
    """
    if ended and now - max(ended) < timedelta(hours=min(2 ** (len(ended) - 1), 24)):
        return None
    return len(ended) + 1


@dg.sensor(
    name="stale_days",
    job=build_days,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"workplace"},
    description="Builds days for which something newer was delivered than they were built from.",
)
def stale_days(
    context: dg.SensorEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run a range of stale days that no run is at."""
    workplace: Workplace = context.resources.workplace
    bury(context.instance, workplace.settings.home)
    # First the runs, then the ledger: a run that ends between the two has noted its days by then.
    underway = _underway(context.instance)
    try:
        stale = workplace.days.stale(DAY_TABLES)
    except Exception as error:
        yield dg.SkipReason(f"the ledger could not be read: {error}")
        return
    due = batches(stale, workplace.settings.first_day, workplace.today(), underway)
    requests, later = [], []
    for batch in due:
        number = attempt(_ended(context.instance, batch), datetime.now(UTC))
        if number is None:
            later.append(batch)
            continue
        requests.append(
            dg.RunRequest(
                run_key=batch.key if number == 1 else f"{batch.key} attempt {number}",
                tags={
                    **range_tags(batch.first, batch.last),
                    "days": f"{batch.first} to {batch.last}",
                    BATCH: batch.key,
                },
            )
        )
    if requests:
        yield from requests
        return
    reasons = [f"{b.first} to {b.last} was not built and will be tried again" for b in later]
    building = sum(day.day in underway for day in stale)
    held = sum(day.failed for day in stale)
    if building:
        reasons.append(f"days being built: {building}")
    if held:
        reasons.append(f"days that wait for a delivery that passes the checks: {held}")
    yield dg.SkipReason("; ".join(reasons) or "no stale days")


def _underway(instance: dg.DagsterInstance) -> set[date]:
    """The days of all runs that have not ended, whoever asked for them."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED))
    return {day for run in runs for day in run_days(run.tags)}


def _ended(instance: dg.DagsterInstance, batch: Batch) -> list[datetime]:
    """When the runs of a batch ended."""
    records = instance.get_run_records(dg.RunsFilter(statuses=ENDED, tags={BATCH: batch.key}))
    return [record.update_timestamp for record in records]
