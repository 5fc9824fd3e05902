"""Filters that no call of the period matches: what a mistyped value looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resources.reporting.errors import nearest
from resources.reporting.figures import Table, figures_of
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Dimension
from resources.reporting.request import Request


def unmatched(reporting: Reporting, request: Request, table: Table) -> tuple[str, ...]:
    """Of a report that holds nothing, the values of its filters that stand nowhere in its period,
    whatever the other filters are. With what was meant; a sentence for each value.
    """
    if not request.filters or not _is_empty(request, table):
        return ()
    said = []
    for filter_ in request.filters:
        known = _values(reporting, request, filter_.dimension)
        said += [
            f"No call has {filter_.dimension.name} {value!r}: {_instead(value, known)}"
            for value in filter_.values
            if known and value not in known
        ]
    return tuple(said)


def _instead(value: str, known: Sequence[str]) -> str:
    close = nearest(value, known)
    if close is not None:
        return f"did you mean {close!r}?"
    some = ", ".join(repr(one) for one in known[:10])
    return f"there are {some}{', …' if len(known) > 10 else ''}."


def _is_empty(request: Request, table: Table) -> bool:
    if request.group:
        return not table.row_count
    return not any(any(row) for row in table.each(limit=1))


def _values(reporting: Reporting, request: Request, dimension: Dimension) -> list[str]:
    """What can be asked for: as it is shown, and by id."""
    whole = replace(request, filters=(), before=None)
    weight = request.report.measure(request.report.weight)
    found: dict[str, None] = {}
    for by_id in (False, True):
        rows = figures_of(
            replace(reporting, by_id=by_id), whole, request.period, (weight,), (dimension,)
        )
        found |= dict.fromkeys("" if value is None else str(value) for value, _ in rows)
    return list(found)
