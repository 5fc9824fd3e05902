"""The Dagster resource through which assets, schedules and sensors reach the home."""

from collections.abc import Callable

import dagster as dg

from pipelines.assembly import Workplace


def workplace_resource(open_workplace: Callable[[], Workplace]) -> dg.ResourceDefinition:
    """Opens the home when it is first asked for, not when the definitions load."""
    return dg.ResourceDefinition(
        lambda _context: open_workplace(),
        description="The lake, the ledger, the landing folder and the engine of one home.",
    )
