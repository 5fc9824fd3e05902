"""The Dagster resource through which assets, schedules and sensors reach the home."""

from collections.abc import Callable

import dagster as dg

from pipelines.alive import show_alive
from pipelines.assembly import Workplace


def workplace_resource(open_workplace: Callable[[], Workplace]) -> dg.ResourceDefinition:
    """Opens the home when it is first asked for, not when the definitions load."""

    def opened(context: dg.InitResourceContext) -> Workplace:
        workplace = open_workplace()
        if context.run is not None:  # neither a sensor nor a schedule
            show_alive(workplace.settings.home, context.run.run_id)
        return workplace

    return dg.ResourceDefinition(
        opened,
        description="The lake, the ledger, the landing folder and the engine of one home.",
    )
