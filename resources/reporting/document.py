"""A report made for reading, as plain data: what HTML, PDF, XLSX and mail all show.

All that is said on a report is decided here, once: headline figures, chart data, which rows are
shown, definitions. Renderers only lay it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from resources.reporting import words
from resources.reporting.figures import Table, figures_of, make_table
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Column, DayChart, Kind, Measure, MemberChart, Value
from resources.reporting.notices import compared_with, notices
from resources.reporting.request import Request

LOSSES_SHOWN = 40
LARGEST_SHOWN = 25
"""Rows of a page made for reading: at most so many losses, and so many of the largest others."""

CHOSEN_SHOWN = 80
"""The same when the reader has chosen the order: the first so many rows."""

MEMBERS_SHOWN = 12
"""Bars of a chart by member."""


@dataclass(frozen=True)
class Figure:
    """A headline figure; `change` is against the period before, a dash when there is none."""

    title: str
    value: str
    change: str
    loss: bool


@dataclass(frozen=True)
class Points:
    """Data of a chart: rows of a day or a member's name followed by the measures' values.

    `left_out` is how many members have no bar.
    """

    chart: DayChart | MemberChart
    measures: tuple[Measure, ...]
    rows: list[tuple[Value, ...]]
    left_out: int = 0


@dataclass(frozen=True)
class Section:
    """Some rows of the table under a title; `of` is how many such rows there are in all."""

    title: str
    rows: list[tuple[Value, ...]]
    of: int


@dataclass(frozen=True)
class Document:
    """Everything a reader is told. `generated` is in the reporting time zone."""

    table: Table
    title: str
    period: str
    filters: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    headline: tuple[Figure, ...]
    compared: str
    charts: tuple[Points, ...]
    sections: tuple[Section, ...]
    definitions: tuple[tuple[str, str], ...]
    generated: datetime
    timezone: str
    minutes: bool

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns shown."""
        return self.table.shown_columns

    @property
    def rows_shown(self) -> int:
        """How many rows of the table a page shows."""
        return sum(len(section.rows) for section in self.sections)

    def is_loss(self, row: Sequence[Value]) -> bool:
        """Whether money was lost on the row."""
        return self.table.is_loss(row)


def make_document(reporting: Reporting, request: Request, generated: datetime) -> Document:
    """Reads all that the request needs and words it."""
    table = make_table(reporting, request, people=True)
    headline, compared = _headline(reporting, request)
    return Document(
        table=table,
        title=request.report.title,
        period=words.period(request.period),
        filters=filters(reporting, request),
        notices=table_notices(reporting, table),
        headline=headline,
        compared=compared,
        charts=tuple(_points(reporting, request, chart) for chart in request.report.charts),
        sections=_sections(table),
        definitions=_definitions(reporting, table),
        generated=generated,
        timezone=reporting.timezone,
        minutes=reporting.minutes,
    )


def table_notices(reporting: Reporting, table: Table) -> tuple[str, ...]:
    """What must be said of the table's days and rates."""
    of = table.request.period
    return notices(reporting.notices(of.first, of.last), of, table.stale_rate_attempts)


def filters(reporting: Reporting, request: Request) -> tuple[tuple[str, str], ...]:
    """What the report is restricted to and how it is grouped, as titles and words."""
    names = reporting.names
    by = ", ".join(d.title for d in request.group) or "nothing (totals only)"
    said = [
        ("Customers", _accounts(request.customers, names.customers)),
        ("Providers", _accounts(request.providers, names.providers)),
        ("Grouped by", by),
    ]
    if request.sort:
        keys = (k.column.title + (", descending" if k.descending else "") for k in request.sort)
        said.append(("Sorted by", "; ".join(keys)))
    if request.top is not None:
        said.append(("Rows", f"the first {request.top:,}"))
    return tuple(said)


def _accounts(ids: Sequence[str], names: Mapping[str, str]) -> str:
    return words.listing([names.get(account) or account for account in ids]) if ids else "all"


def _headline(reporting: Reporting, request: Request) -> tuple[tuple[Figure, ...], str]:
    measures = [request.report.measure(name) for name in request.report.headline]
    nothing: tuple[Value, ...] = (None,) * len(measures)
    before = request.period.before()
    now = figures_of(reporting, request, request.period, measures)
    then = figures_of(reporting, request, before, measures) if before else []
    compared = "There are no figures for the period before."
    if before and then:
        compared = compared_with(reporting.notices(before.first, before.last), before)
    new, old = (now or [nothing])[0], (then or [nothing])[0]
    figures = [_figure(*each) for each in zip(measures, new, old, strict=True)]
    return tuple(figures), compared


def _figure(measure: Measure, now: Value, before: Value) -> Figure:
    talk_time = measure.kind is Kind.SECONDS and measure.formula.over is None
    if talk_time:
        title, value = "Minutes", words.minutes(now)
    else:
        title, value = measure.title, words.show(measure, now)
        if now is not None and (short := words.unit(measure)):
            value = f"{value} {short}"
    return Figure(title, value, words.change(measure, now, before), words.is_negative(now))


def _points(reporting: Reporting, request: Request, chart: DayChart | MemberChart) -> Points:
    report, period = request.report, request.period
    if isinstance(chart, DayChart):
        measures = tuple(report.measure(name) for name in (*chart.lines, chart.bars))
        group = [report.dimension("date")]
        found = {row[0]: row for row in figures_of(reporting, request, period, measures, group)}
        gap: tuple[Value, ...] = (None,) * len(measures)
        return Points(chart, measures, [found.get(day) or (day, *gap) for day in period])
    measures = tuple(report.measure(name) for name in chart.measures)
    weight = report.measure(chart.weight)
    group = [report.dimension(chart.dimension)]
    rows = figures_of(reporting, request, period, (*measures, weight), group)
    # Traffic that belongs to no member (a call that was never routed) has no bar.
    rows = [row for row in rows if row[0] is not None]
    rows.sort(key=lambda row: Decimal(row[-1] or 0), reverse=True)  # type: ignore[arg-type]
    left_out = max(0, len(rows) - MEMBERS_SHOWN)
    return Points(chart, measures, [row[:-1] for row in rows[:MEMBERS_SHOWN]], left_out)


def _sections(table: Table) -> tuple[Section, ...]:
    if table.request.sort or table.request.top is not None:
        rows = table.rows[:CHOSEN_SHOWN]
        return (Section("", rows, len(table.rows)),) if rows else ()
    report = table.request.report
    loss, weight = table.position(report.loss), table.position(report.weight)
    losses = [row for row in table.rows if words.is_negative(row[loss])]
    others = [row for row in table.rows if not words.is_negative(row[loss])]
    order = "by charge in USD"
    group = table.request.group
    if group and group[0].kind in (Kind.DATE, Kind.HOUR):
        # A series is read from its beginning.
        order = f"by {group[0].title.lower()}"
        at = table.position(group[0].name)
        others.sort(key=lambda row: str(row[at]))
    else:
        others.sort(key=lambda row: Decimal(row[weight] or 0), reverse=True)  # type: ignore[arg-type]
    sections = (
        Section("Losses, the largest first", losses[:LOSSES_SHOWN], len(losses)),
        Section(f"Without loss, {order}", others[:LARGEST_SHOWN], len(others)),
    )
    return tuple(section for section in sections if section.of)


def _definitions(reporting: Reporting, table: Table) -> tuple[tuple[str, str], ...]:
    """Title and meaning of each measure on the page, in the catalogue's order, and of the days."""
    report = table.request.report
    used = {c.name for c in table.shown_columns} | set(report.headline)
    used |= {m.beside for m in report.measures if m.beside and m.name in used}
    said = [
        (m.title, m.definition.format(short_call_seconds=reporting.short_call_seconds))
        for m in report.measures
        if m.name in used
    ]
    return (
        *said,
        ("Days", f"A call belongs to the day on which its attempt began, in {reporting.timezone}."),
        ("Ratios", "Made from the sums of a row's calls, never averaged; so are the totals."),
    )
