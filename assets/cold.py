"""Days whose calls have left the lake are not built again: their sums would be lost."""

from collections.abc import Collection
from datetime import date

import dagster as dg

from pipelines.assembly import Workplace
from resources.ledger.cold import DayIsCold, refuse_cold


def refuse_cold_days(workplace: Workplace, wanted: Collection[date]) -> None:
    """Fails the run, for good, before anything is built, when one of its days is such a day."""
    try:
        refuse_cold(workplace.days, wanted)
    except DayIsCold as error:
        raise dg.Failure(
            f"nothing was built: {error}. Or leave such days out of the back-fill",
            allow_retries=False,
        ) from None
