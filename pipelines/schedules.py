"""The schedules: the nightly intake."""

import dagster as dg

from pipelines.jobs import intake_job
from pipelines.settings import Settings


def nightly(settings: Settings) -> dg.ScheduleDefinition:
    """Takes new files in every night, at a time of the reporting time zone."""
    at = settings.nightly_at
    return dg.ScheduleDefinition(
        name="nightly_intake",
        job=intake_job,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The nightly intake; the days that it makes stale are built by stale_days.",
    )
