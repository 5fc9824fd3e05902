"""The upkeep in Dagster: its job and its schedule. What it does is `resources.upkeep`."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from pipelines.assembly import Workplace
from pipelines.settings import Settings
from resources.intake.take import WrongHome
from resources.upkeep.cold import told
from resources.upkeep.store import StoreFailed
from resources.upkeep.upkeep import Done


@dg.op(
    required_resource_keys={"workplace"},
    pool="lake",
    description="Lets old calls leave, puts small files together, lets old versions go.",
)
def keep_up(context: dg.OpExecutionContext) -> None:
    """One upkeep; fails when a day's calls should have left and could not be vouched for."""
    workplace: Workplace = context.resources.workplace

    def say(text: str) -> None:
        context.log.info(text)
        workplace.tell(text)

    try:
        done = workplace.upkeep.run(workplace.today(), datetime.now(UTC), say)
    except (StoreFailed, WrongHome) as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    for line in done.lines():
        say(line)
    context.add_output_metadata(metadata(done))
    if done.stayed:
        raise dg.Failure("; ".join(done.stayed[:5]), metadata=metadata(done), allow_retries=False)


def metadata(done: Done) -> dict[str, Any]:
    """What shows on the run, the days that have left with what they held."""
    return {
        "small files put together": done.merged,
        "old versions let go": done.versions,
        "files let go": done.files,
        "bytes let go": done.size,
        "deliveries whose files were removed": done.folders,
        "pages of checks removed": done.pages,
        "days whose calls have left": len(done.left),
        **{f"calls of {cold.day}": f"{told(cold.counts)}: {cold.words}" for cold in done.left},
    }


@dg.job(name="upkeep", description="Keep the lake small: old calls, small files, old versions.")
def upkeep_job() -> None:
    """One run, whatever there is to do."""
    keep_up()


def upkeep_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Every day at the settings' time, in the reporting time zone."""
    at = settings.upkeep_at
    return dg.ScheduleDefinition(
        name="daily_upkeep",
        job=upkeep_job,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Keeps the lake small, every day.",
    )
