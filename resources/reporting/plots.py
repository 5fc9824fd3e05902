"""The data of a report's charts: read under the report's filters, cut to what can be drawn.

Plain values; how they are drawn is in `charts`, `heat` and `tiles`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.figures import figures_of
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Chart, DayChart, HeatChart, Measure, MemberChart, TileChart
from resources.reporting.request import Request

MEMBERS_SHOWN = 12
"""Bars of a chart by member."""


@dataclass(frozen=True)
class Points:
    """Data of a chart: rows of the dimensions' values followed by the measures'.

    `left_out` is how many members are not drawn; `axes` are the titles of two dimensions.
    """

    chart: Chart
    measures: tuple[Measure, ...]
    rows: list[tuple[Value, ...]]
    left_out: int = 0
    axes: tuple[str, str] = ("", "")


def points(reporting: Reporting, request: Request, chart: Chart) -> Points:
    """The data of one chart, its names as they can be printed."""
    read = _points(reporting, request, chart)
    rows = [tuple(words.printable(v) if isinstance(v, str) else v for v in r) for r in read.rows]
    return replace(read, rows=rows)


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
            return Points(chart, (measure,), [row for row in rows if row[0] is not None])


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
    # Traffic that belongs to no member (a call that was never routed) has no bar.
    rows = [row for row in rows if row[0] is not None]
    rows.sort(key=lambda row: _size(row[-1]), reverse=True)
    left_out = max(0, len(rows) - MEMBERS_SHOWN)
    return Points(chart, measures, [row[:-1] for row in rows[:MEMBERS_SHOWN]], left_out)


def _by_two(reporting: Reporting, request: Request, chart: HeatChart) -> Points:
    report = request.report
    measure, weight = report.measure(chart.measure), report.measure(chart.weight)
    down, across = report.dimension(chart.down), report.dimension(chart.across)
    sizes = figures_of(reporting, request, request.period, [weight], [down])
    sizes = [row for row in sizes if row[0] is not None]
    sizes.sort(key=lambda row: _size(row[1]), reverse=True)
    order = {row[0]: n for n, row in enumerate(sizes[: chart.rows])}
    rows = figures_of(reporting, request, request.period, [measure], [down, across])
    rows = [row for row in rows if row[0] in order and row[1] is not None]
    rows.sort(key=lambda row: (order[row[0]], str(row[1])))
    left_out = max(0, len(sizes) - chart.rows)
    return Points(chart, (measure,), rows, left_out, (down.title, across.title))


def _size(value: Value) -> Decimal:
    return Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)
