"""The data of a report's charts: read under the report's filters, cut to what can be drawn.

Plain values; how they are drawn is in `charts`, `heat` and `tiles`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.figures import figures_of
from resources.reporting.interfaces import Reporting
from resources.reporting.model import (
    Chart,
    DayChart,
    Dimension,
    HeatChart,
    Kind,
    Measure,
    MemberChart,
    TileChart,
)
from resources.reporting.request import Request

MEMBERS_SHOWN = 12
"""Bars of a chart by member."""


@dataclass(frozen=True)
class Points:
    """Data of a chart: rows of the dimensions' values followed by the measures'.

    Members read as in a table. `left_out` is how many are not drawn, the smallest by what `weight`
    names; `axes` are the titles of two dimensions. With `minutes` durations
    are drawn in minutes; the rows hold seconds.
    """

    chart: Chart
    measures: tuple[Measure, ...]
    rows: list[tuple[Value, ...]]
    left_out: int = 0
    weight: str = ""
    axes: tuple[str, str] = ("", "")
    minutes: bool = False

    def amount(self, measure: Measure, value: Value) -> int | Decimal | None:
        """The figure in the unit that people read; None where there is none."""
        if not isinstance(value, int | Decimal):
            return None
        if measure.kind is Kind.FRACTION:
            return Decimal(value) * 100
        return Decimal(value) / 60 if self.minutes and measure.kind is Kind.SECONDS else value

    def show(self, measure: Measure, value: Value) -> str:
        """The figure as a person reads it."""
        return words.show(measure, value, minutes=self.minutes)

    def heading(self, measure: Measure) -> str:
        """The figure's title and unit."""
        return words.heading(measure, minutes=self.minutes)


def points(reporting: Reporting, request: Request, chart: Chart) -> Points:
    """The data of one chart, its names as they can be printed."""
    read = _points(reporting, request, chart)
    rows = [tuple(words.printable(v) if isinstance(v, str) else v for v in r) for r in read.rows]
    return replace(read, rows=rows, minutes=reporting.minutes)


def _points(reporting: Reporting, request: Request, chart: Chart) -> Points:
    match chart:
        case DayChart():
            return _by_day(reporting, request, chart)
        case MemberChart():
            return _by_member(reporting, request, chart)
        case HeatChart():
            return _by_two(reporting, request, chart)
        case TileChart():
            measure = request.report.measure(chart.measure)
            group = [request.report.dimension(chart.dimension)]
            rows = figures_of(reporting, request, request.period, [measure], group)
            return Points(chart, (measure,), _drawn(group, rows))


def _by_day(reporting: Reporting, request: Request, chart: DayChart) -> Points:
    report, period = request.report, request.period
    measures = tuple(report.measure(name) for name in (*chart.lines, chart.bars) if name)
    group = [report.dimension("date")]
    found = {row[0]: row for row in figures_of(reporting, request, period, measures, group)}
    gap: tuple[Value, ...] = (None,) * len(measures)
    return Points(chart, measures, [found.get(day) or (day, *gap) for day in period])


def _by_member(reporting: Reporting, request: Request, chart: MemberChart) -> Points:
    report = request.report
    measures = tuple(report.measure(name) for name in chart.measures)
    weight = report.measure(chart.weight)
    group = [report.dimension(chart.dimension)]
    rows = figures_of(reporting, request, request.period, (*measures, weight), group)
    rows.sort(key=lambda row: _size(row[-1]), reverse=True)
    drawn = _drawn(group, [row[:-1] for row in rows])
    left_out = max(0, len(drawn) - MEMBERS_SHOWN)
    return Points(chart, measures, drawn[:MEMBERS_SHOWN], left_out, weight.title)


def _by_two(reporting: Reporting, request: Request, chart: HeatChart) -> Points:
    report = request.report
    measure, weight = report.measure(chart.measure), report.measure(chart.weight)
    down, across = report.dimension(chart.down), report.dimension(chart.across)
    sizes = figures_of(reporting, request, request.period, [weight], [down])
    rows = figures_of(reporting, request, request.period, [measure], [down, across])
    rows = _drawn([down, across], rows)
    drawn = {row[0] for row in rows}
    sizes = [row for row in _drawn([down], sizes) if row[0] in drawn]
    sizes.sort(key=lambda row: _size(row[1]), reverse=True)
    order = {row[0]: n for n, row in enumerate(sizes[: chart.rows])}
    rows = [row for row in rows if row[0] in order]
    rows.sort(key=lambda row: (order[row[0]], str(row[1])))
    left_out = max(0, len(sizes) - chart.rows)
    axes = (down.title, across.title)
    return Points(chart, (measure,), rows, left_out, weight.title, axes)


def _drawn(
    group: Sequence[Dimension], rows: Sequence[tuple[Value, ...]]
) -> list[tuple[Value, ...]]:
    """The rows with their members as a table shows them.

    The traffic of none (calls that were never routed, or had no prefix dialled in front) is drawn
    like any other, unless there is no figure of it.
    """
    width = len(group)
    return [
        (*(words.show(d, v) for d, v in zip(group, row, strict=False)), *row[width:])
        for row in rows
        if None not in row[:width] or any(value is not None for value in row[width:])
    ]


def _size(value: Value) -> Decimal:
    return Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)
