"""The one place where everything is put together; `workspace.yaml` loads `defs` from here."""

import warnings
from collections.abc import Callable

import dagster as dg

from assets.call_numbers import call_numbers_asset
from assets.cdrs import cdrs_asset
from assets.intake import intake
from assets.tables import table_assets
from pipelines.alerts import operator_alerts
from pipelines.assembly import Workplace
from pipelines.deliveries import deliver_reports, report_schedules
from pipelines.jobs import build_days, intake_job
from pipelines.partitions import daily
from pipelines.resource import workplace_resource
from pipelines.schedules import nightly
from pipelines.sensors import stale_days
from pipelines.settings import Settings, load_settings
from pipelines.upkeep import upkeep_job, upkeep_schedule


def build_defs(
    settings: Settings | None = None, open_workplace: Callable[[], Workplace] | None = None
) -> dg.Definitions:
    """All definitions by the settings in force; `open_workplace` is where tests put their own."""
    settings = settings or load_settings()
    partitions = daily(settings)
    with warnings.catch_warnings():
        # Back-fill policies are in beta in 1.13; a warning an asset on every start tells users of
        # nothing that they can do. That they work is tested.
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [
            intake,
            cdrs_asset(partitions),
            *table_assets(partitions),
            call_numbers_asset(partitions),
        ]
    return dg.Definitions(
        assets=assets,
        jobs=[intake_job, build_days, deliver_reports, upkeep_job],
        schedules=[nightly(settings), upkeep_schedule(settings)],
        sensors=[stale_days, report_schedules, operator_alerts],
        # Also for back-fills and what is materialised by hand: two tables at once gain nothing on
        # the engine's threads and double its memory.
        executor=dg.in_process_executor,
        resources={
            "workplace": workplace_resource(open_workplace or (lambda: Workplace(settings)))
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads, when it loads it."""
    return build_defs()
