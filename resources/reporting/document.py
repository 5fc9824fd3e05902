"""A report made for reading, as plain data: what HTML, PDF, XLSX and mail all show.

All that is said on a report is decided here, once: headline figures, chart data, which rows are
shown, definitions. Renderers only lay it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from resources.reporting import words
from resources.reporting.arithmetic import Before, Change, Value
from resources.reporting.charts import Picture, draw, is_worth_drawing
from resources.reporting.figures import (
    Held,
    Table,
    counted_sums,
    figures_of,
    left_out,
    make_table,
    reads_calls,
)
from resources.reporting.interfaces import DayNotices, Reporting
from resources.reporting.model import Chart, Column, Filter, HeatChart, Measure, Panel, Report
from resources.reporting.notices import compared_with, holds_none, notices
from resources.reporting.plots import Points, points
from resources.reporting.request import Request, SortKey

LOSSES_SHOWN = 40
LARGEST_SHOWN = 25
"""Rows of a page made for reading: at most so many losses, and so many of the largest others."""

CHOSEN_SHOWN = 80
"""The same when the reader has chosen the order, or nothing can be lost: the first so many rows."""

MAILED = 3
"""Figures beside a row's name in a mail."""


@dataclass(frozen=True)
class Figure:
    """A headline figure; `change` is against the period before, a dash when there is none."""

    title: str
    value: str
    change: str
    loss: bool


@dataclass(frozen=True)
class Section:
    """Some rows of a table under a title; `of` is how many such rows there are in all."""

    title: str
    rows: list[tuple[Value, ...]]
    of: int


@dataclass(frozen=True)
class Grid:
    """A table on the page: the rows shown of it, or the words that stand in their place.

    `below` puts a panel after the charts; `mailed` are the measures that a mail's narrow table
    shows.
    """

    title: str
    table: Table
    sections: tuple[Section, ...]
    empty: str = ""
    below: bool = False
    mailed: tuple[Measure, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns shown."""
        return self.table.shown_columns

    @property
    def rows_shown(self) -> int:
        """How many rows of the table the page shows."""
        return sum(len(section.rows) for section in self.sections)


@dataclass(frozen=True)
class Document:
    """Everything a reader is told. `generated` is in the reporting time zone.

    `name` is the report's. The table that was asked for is `figures`; `panels` stand above it.
    """

    name: str
    title: str
    first: str
    last: str
    period: str
    filters: tuple[tuple[str, str], ...]
    notices: tuple[str, ...]
    headline: tuple[Figure, ...]
    compared: str
    charts: tuple[Points, ...]
    panels: tuple[Grid, ...]
    figures: Grid
    definitions: tuple[tuple[str, str], ...]
    generated: datetime
    timezone: str
    minutes: bool

    @property
    def table(self) -> Table:
        """The table that was asked for."""
        return self.figures.table

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns."""
        return self.figures.columns

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """The charts that show anything, drawn once for all formats."""
        return tuple(draw(points) for points in self.charts if is_worth_drawing(points))


def make_document(reporting: Reporting, request: Request, generated: datetime) -> Document:
    """Reads all that the request needs and words it."""
    report = request.report
    table = make_table(reporting, request, people=True)
    headline, compared = _headline(reporting, request)
    panels = tuple(
        _panel(reporting, request, panel)
        for panel in report.panels
        if _can_be_had(report, panel, request.filters)
    )
    shown = [c for grid in panels for c in grid.columns] + list(table.shown_columns)
    return Document(
        name=report.name,
        title=report.title,
        first=str(request.period.first),
        last=str(request.period.last),
        period=words.period(request.period),
        filters=filters(reporting, request),
        notices=request_notices(reporting, request, table, report.charts),
        headline=headline,
        compared=compared,
        charts=tuple(points(reporting, request, chart) for chart in report.charts),
        panels=panels,
        figures=Grid("Figures", table, _sections(request, table), mailed=_mailed(request, table)),
        definitions=_definitions(reporting, request, shown),
        generated=generated,
        timezone=reporting.timezone,
        minutes=reporting.minutes,
    )


def request_notices(
    reporting: Reporting, request: Request, table: Table, charts: Sequence[Chart] = ()
) -> tuple[str, ...]:
    """What must be said of the request's days and rates, and of what it leaves out.

    `charts` are those that are shown with it.
    """
    of, report = request.period, request.report
    shaded = [chart for chart in charts if isinstance(chart, HeatChart)]
    groups = [(report.dimension(c.down), report.dimension(c.across)) for c in shaded]
    of_calls = reads_calls(request, *groups)
    found = reporting.notices(of.first, of.last)
    said = notices(found, of, table.stale_rate_attempts, of_calls)
    if of_calls and (before := request.before) is not None:
        earlier = reporting.notices(before.first, before.last)
        said += notices(DayNotices(cold=earlier.cold, gone=earlier.gone), before, 0, of_calls)
    outside = request.report.outside
    if outside is None or not (count := left_out(reporting, request)):
        return said
    return (*said, outside.words.format(count=f"{count:,}"))


def filters(reporting: Reporting, request: Request) -> tuple[tuple[str, str], ...]:
    """What the report is restricted to and how it is grouped, as titles and words."""
    names = reporting.names
    by = ", ".join(d.title for d in request.group) or "nothing (totals only)"
    said = []
    # Who a report is not to know of is not among its dimensions.
    if "customer_id" in request.report.names:
        said.append(("Customers", _accounts(request.customers, names.customers)))
    if "provider_id" in request.report.names:
        said.append(("Providers", _accounts(request.providers, names.providers)))
    said += [(f.dimension.title, _values(reporting, request, f)) for f in request.filters]
    said.append(("Grouped by", by))
    if request.before is not None:
        said.append(("Compared with", words.period(request.before)))
    if request.sort:
        keys = (k.column.title + (", descending" if k.descending else "") for k in request.sort)
        said.append(("Sorted by", "; ".join(keys)))
    if request.top is not None:
        said.append(("Rows", f"the first {request.top:,}"))
    return tuple((title, words.printable(text)) for title, text in said)


def _values(reporting: Reporting, request: Request, filter_: Filter) -> str:
    """What a filter keeps. Of accounts only those that the report is about: it may be for one of
    them, who is not to know of the others.
    """
    names, values = reporting.names, filter_.values
    for column, ids, named in (
        ("customer_id", request.customers, names.customers),
        ("provider_id", request.providers, names.providers),
    ):
        if ids and filter_.dimension.column == column:
            own = {*ids, *(named.get(account) for account in ids)}
            values = tuple(value for value in values if value in own)
    return words.listing([value or "blank" for value in values]) if values else "none of these"


def _accounts(ids: Sequence[str], names: Mapping[str, str]) -> str:
    return words.listing([names.get(account) or account for account in ids]) if ids else "all"


def _headline(reporting: Reporting, request: Request) -> tuple[tuple[Figure, ...], str]:
    measures = [request.report.measure(name) for name in request.report.headline]
    unknown: tuple[Value, ...] = (None,) * len(measures)
    before = request.before or request.period.before()
    now = figures_of(reporting, request, request.period, measures)
    then = figures_of(reporting, request, before, measures) if before else []
    compared = "There are no figures for the period before."
    if holds_none(reporting.notices(request.period.first, request.period.last), request.period):
        # What nothing is known of has neither grown nor shrunk.
        then, compared = [], "There are no figures to compare."
    elif before and then:
        compared = compared_with(reporting.notices(before.first, before.last), before)
    # Without rows the same is said as in the totals: no attempts, and nothing known of the rest.
    counted = counted_sums(request.report)
    sums = (name for measure in measures for name in measure.formula.sums)
    nothing = {name: 0 if name in counted else None for name in sums}
    none = tuple(measure.formula.value(nothing) for measure in measures)
    new, old = (now or [none])[0], (then or [unknown])[0]
    figures = [
        _figure(*each, minutes=reporting.minutes) for each in zip(measures, new, old, strict=True)
    ]
    return tuple(figures), compared


def _figure(measure: Measure, now: Value, before: Value, *, minutes: bool) -> Figure:
    value = words.show(measure, now, minutes=minutes)
    if now is not None and (short := words.unit(measure, minutes=minutes)):
        value = f"{value} {short}"
    change = words.change(measure, now, before, minutes=minutes)
    return Figure(measure.title, value, change, words.is_negative(now))


def _can_be_had(report: Report, panel: Panel, filters: Iterable[Filter]) -> bool:
    by = [*map(report.dimension, panel.group), *(f.dimension for f in filters)]
    return all(report.can_be_had(name, by) for name in panel.columns)


def _panel(reporting: Reporting, request: Request, panel: Panel) -> Grid:
    """A table of its own, whatever columns, order and comparison were asked for."""
    report = request.report
    name = panel.sort.removeprefix("-")
    group = tuple(report.dimension(each) for each in panel.group)
    columns: list[Column] = [*group, *(report.measure(each) for each in panel.columns)]
    if panel.flagged:
        columns.append(report.measure(panel.flagged))
    sort = (SortKey(report.column(name), descending=panel.sort.startswith("-")),)
    asked = replace(request, group=group, columns=tuple(columns), sort=sort, top=None, before=None)
    table = make_table(reporting, asked, people=True)
    rows = list(table.each())
    if panel.flagged:
        at = table.position(panel.flagged)
        rows = [row for row in rows if row[at] is True]
        table = replace(table, shown=table.shown - 1)
    if panel.where:
        at = table.position(panel.where)
        rows = [row for row in rows if row[at] is not None]
    table = replace(table, totals=(), row_count=len(rows), lines=Held(rows))
    sections = (Section("", rows[: panel.rows], len(rows)),) if rows else ()
    mailed = tuple(report.measure(each) for each in panel.columns[:MAILED])
    return Grid(panel.title, table, sections, panel.empty, panel.below, mailed)


def _sections(request: Request, table: Table) -> tuple[Section, ...]:
    losses_first = [key.column.name for key in table.sort] == [table.loss]
    if request.sort or request.top is not None or not losses_first:
        rows = list(table.each(limit=CHOSEN_SHOWN))
        return (Section("", rows, table.rows_left),) if rows else ()
    weight = request.report.measure(request.report.weight)
    largest = (SortKey(weight, descending=True),)
    losing = table.lines.losses()
    losses = list(table.each(losing=True, limit=LOSSES_SHOWN))
    others = list(table.each(losing=False, limit=LARGEST_SHOWN, sort=largest))
    sections = (
        Section("Losses, the largest first", losses, losing),
        Section("Without loss, by charge", others, table.row_count - losing),
    )
    return tuple(section for section in sections if section.of)


def _mailed(request: Request, table: Table) -> tuple[Measure, ...]:
    """The few figures that fit a mail: how much, what is left of it."""
    report = request.report
    found = [report.measure(report.weight)]
    if report.loss:
        found.append(report.measure(report.loss))
        found += [
            c for c in table.shown_columns if isinstance(c, Measure) and c.name == "profit_percent"
        ]
        return tuple(found)
    found += [c for c in table.shown_columns if isinstance(c, Measure) and c not in found]
    return tuple(found[:MAILED])


_COMPARED = {Before: "… Before", Change: "… Change"}
"""What all figures of a comparison mean is said once, behind what is compared."""


def _defined(measure: Measure) -> str:
    return _COMPARED.get(type(measure.formula), measure.title)


def _definitions(
    reporting: Reporting, request: Request, shown: Sequence[Column]
) -> tuple[tuple[str, str], ...]:
    """Title and meaning of each measure on the page, in the catalogue's order, and of the days."""
    report = request.report
    used = {c.name for c in shown} | set(report.headline)
    used |= {m.beside for m in report.measures if m.beside and m.name in used}
    said = [
        (_defined(m), m.definition.format(short_call_seconds=reporting.short_call_seconds))
        for m in report.measures
        if m.name in used
    ]
    return (
        *sorted(dict(said).items(), key=lambda pair: pair[0] in _COMPARED.values()),
        *(("", note) for note in report.notes),
        ("Days", f"A call belongs to the day on which its attempt began, in {reporting.timezone}."),
        ("Ratios", "Made from the sums of a row's calls, never averaged; so are the totals."),
    )
