"""The sensors: stale days are built, each batch once."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import dagster as dg

from pipelines.assembly import Workplace
from pipelines.jobs import build_days
from pipelines.partitions import range_tags, ranges
from resources.days import DAY_TABLES
from resources.ledger import StaleDay


@dataclass(frozen=True)
class Batch:
    """Days to build in one run. `key` is the same for the same days at the same versions."""

    first: date
    last: date
    key: str


def batches(stale: Iterable[StaleDay], first_day: date, today: date) -> list[Batch]:
    """Which runs the stale days need: one an unbroken range.

    Left out are days whose checks have failed at this very version (building again would change
    nothing) and days that are no partition yet or never will be.
    """
    due = {d.day: d.version for d in stale if not d.failed and first_day <= d.day <= today}
    found = []
    for first, last in ranges(due):
        about = ",".join(f"{d}:{v}" for d, v in sorted(due.items()) if first <= d <= last)
        digest = hashlib.sha256(about.encode()).hexdigest()[:16]
        found.append(Batch(first, last, f"days {first} {last} {digest}"))
    return found


@dg.sensor(
    name="stale_days",
    job=build_days,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"workplace"},
    description="Builds days for which something newer was delivered than they were built from.",
)
def stale_days(
    context: dg.SensorEvaluationContext,
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run a range of stale days."""
    workplace: Workplace = context.resources.workplace
    try:
        stale = workplace.days.stale(DAY_TABLES)
    except Exception as error:
        yield dg.SkipReason(f"the ledger could not be read: {error}")
        return
    due = batches(stale, workplace.settings.first_day, workplace.today())
    if not due:
        held = sum(day.failed for day in stale)
        yield dg.SkipReason(f"no stale days; {held} wait for a delivery that passes the checks")
    for batch in due:
        yield dg.RunRequest(
            run_key=batch.key,
            tags={**range_tags(batch.first, batch.last), "days": f"{batch.first} to {batch.last}"},
        )
