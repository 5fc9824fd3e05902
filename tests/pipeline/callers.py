"""Asking for the calls of numbers, out of a real lake."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from pipelines.assembly import Workplace
from resources.calls import FoundCalls, NumberSummary, Side, ask, find_calls
from resources.reference.plan import ReferenceData
from tests.pipeline.deliveries import deliver
from tests.pipeline.home import build_all

AREAS = ReferenceData().load_area_codes()
DAYS = (date(2026, 3, 1), date(2026, 3, 31))
LONDON, MOBILE = "442079460013", "447802712292"
"""Caller and destination of `call()`."""


@contextmanager
def found(workplace: Workplace, *numbers: str, side: Side = Side.EITHER, **asked: Any
          ) -> Iterator[FoundCalls]:  # fmt: skip
    first, last = asked.pop("days", DAYS)
    question = ask(numbers, side, first, last, AREAS, **asked)
    with find_calls(
        workplace.engine,
        workplace.lake,
        workplace.call_store,
        workplace.settings.timezone,
        question,
    ) as calls:
        yield calls


def rows(workplace: Workplace, *numbers: str, **asked: Any) -> list[dict[str, Any]]:
    with found(workplace, *numbers, **asked) as calls:
        return [row for batch in calls.batches() for row in batch.to_pylist()]


def ids(workplace: Workplace, *numbers: str, **asked: Any) -> list[str]:
    return [row["callid"] for row in rows(workplace, *numbers, **asked)]


def told(workplace: Workplace, *numbers: str, **asked: Any) -> list[NumberSummary]:
    with found(workplace, *numbers, **asked) as calls:
        return calls.summaries()


def built(workplace: Workplace, *calls: dict[str, str], name: str = "a.csv") -> Workplace:
    deliver(workplace, name, calls)
    build_all(workplace)
    return workplace
