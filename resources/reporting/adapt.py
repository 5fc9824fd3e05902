"""A report's declaration with other money, with the period before beside each figure, or with less.

Declarations in, declarations out: what is derived here is a dimension or measure like any other to
the query and the renderers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from resources.reporting.arithmetic import Before, Change, Formula
from resources.reporting.errors import unknown
from resources.reporting.model import (
    Chart,
    Column,
    DayChart,
    HeatChart,
    Kind,
    Measure,
    MemberChart,
    Part,
    Report,
    TileChart,
)

PREVIOUS, CHANGE = "_previous", "_change"
"""What follows a measure's name where two periods are compared."""

_STORED = {f"{side}_charge_usd": f"{side}_currency" for side in ("customer", "provider")}
"""Sums that can be had in any currency, and where their original currency is stored."""


def in_currency(report: Report, code: str, known: Collection[str]) -> Report:
    """The report with its US dollars in another currency. Refuses one that has no rates."""
    wanted = code.strip().upper()
    if wanted == "USD":
        return report
    if wanted not in known:
        raise unknown("currency", code, sorted(known))
    low = wanted.lower()
    swapped = _swapped(report, wanted)
    new = {name: measure.name for name, measure in swapped.items()}
    others = {m.name for m in report.measures if m.currency in ("GBP", "USD")} - set(swapped)
    parts = [
        Part(name.replace("_usd", f"_{low}"), name.removesuffix("_usd"), rate_of=currency)
        for name, currency in _STORED.items()
    ]
    measures = {m.name: m for m in report.measures if m.name not in swapped} | {
        measure.name: measure for measure in swapped.values()
    }
    return replace(
        report,
        measures=tuple(
            replace(m, instead=new.get(m.instead, m.instead)) if m.instead else m
            for m in measures.values()
        ),
        parts=(*report.parts, *(parts if wanted != "GBP" else ())),
        columns=_renamed(report.columns, new),
        machine_columns=tuple(
            name for name in _renamed(report.machine_columns, new) if name not in others
        ),
        headline=_renamed(report.headline, new),
        compared=_renamed(report.compared, new),
        weight=new.get(report.weight, report.weight),
        loss=new.get(report.loss, report.loss) if report.loss else None,
        charts=tuple(_chart(chart, new) for chart in report.charts),
        preset=replace(report.preset, sort=tuple(_key(key, new) for key in report.preset.sort)),
        panels=tuple(
            replace(panel, columns=_renamed(panel.columns, new), sort=_key(panel.sort, new))
            for panel in report.panels
        ),
    )


def names_in(report: Report, code: str) -> dict[str, str]:
    """What the report's figures in US dollars are called in another currency."""
    if code == "USD":
        return {}
    return {name: measure.name for name, measure in _swapped(report, code).items()}


def compared(report: Report) -> Report:
    """The report with, for each measure, its value in the other period and the change."""
    return replace(
        report,
        measures=tuple(m for measure in report.measures for m in (measure, *_pair(measure))),
    )


def without(report: Report, is_forbidden: Callable[[str], bool]) -> Report:
    """The report without some dimensions and measures, and without all that shows them.

    What is left knows nothing of them: no column, chart or panel, no order, no mark of a loss.
    """
    gone = {name for name in report.names if is_forbidden(name)}

    def kept(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in gone)

    headline = kept(report.headline)
    counts = [m.name for m in report.measures if m.kind is Kind.COUNT and m.name not in gone]
    return replace(
        report,
        dimensions=tuple(d for d in report.dimensions if d.name not in gone),
        measures=tuple(
            replace(m, beside=None) if m.beside in gone else m
            for m in report.measures
            if m.name not in gone
        ),
        group=kept(report.group),
        columns=kept(report.columns),
        machine_columns=kept(report.machine_columns),
        headline=headline,
        compared=kept(report.compared),
        weight=next(iter(kept((report.weight, *headline, *counts))), ""),
        loss=None if report.loss in gone else report.loss,
        preset=replace(
            report.preset,
            sort=tuple(key for key in report.preset.sort if key.removeprefix("-") not in gone),
        ),
        charts=tuple(chart for each in report.charts for chart in _without(report, each, gone)),
        panels=tuple(
            p
            for p in report.panels
            if not gone & {*p.group, *p.columns, p.sort.removeprefix("-"), p.flagged, p.where}
        ),
    )


def with_changes(report: Report, columns: Iterable[Column]) -> tuple[Column, ...]:
    """The columns, each measure followed by its value before and its change."""
    found: list[Column] = []
    for column in columns:
        found.append(column)
        if isinstance(column, Measure) and not isinstance(column.formula, Before | Change):
            found += [report.column(column.name + PREVIOUS), report.column(column.name + CHANGE)]
    return tuple(dict.fromkeys(found))


def _swapped(report: Report, code: str) -> dict[str, Measure]:
    return {
        m.name: _in(m, code)
        for m in report.measures
        if isinstance(m.formula, Formula) and set(m.formula.sums) & set(_STORED)
    }


def _in(measure: Measure, code: str) -> Measure:
    low, formula = f"_{code.lower()}", measure.formula
    assert isinstance(formula, Formula)  # noqa: S101 - chosen by the caller for it
    return replace(
        measure,
        name=measure.name.replace("_usd", low),
        title=measure.title.replace("(USD)", f"({code})"),
        definition=measure.definition.replace("USD", code),
        currency=code if measure.currency == "USD" else measure.currency,
        formula=replace(
            formula,
            plus=formula.plus.replace("_usd", low),
            minus=formula.minus.replace("_usd", low) if formula.minus else None,
            over=formula.over.replace("_usd", low) if formula.over else None,
        ),
    )


def _pair(measure: Measure) -> tuple[Measure, Measure]:
    points = {Kind.FRACTION: 100, Kind.PERCENT: 1}.get(measure.kind)
    before = replace(
        measure,
        name=measure.name + PREVIOUS,
        title=f"{measure.title} Before",
        formula=Before(measure.formula),
        definition="The same over the period compared with.",
        beside=None,
    )
    change = replace(
        before,
        name=measure.name + CHANGE,
        title=f"{measure.title} Change",
        kind=Kind.CHANGE if points is None else Kind.POINTS,
        formula=Change(measure.formula, points),
        definition="From the period compared with to this one, in percent; of a ratio the "
        "difference in percentage points. Missing where the figure was 0 or negative before.",
    )
    return before, change


def _renamed(names: Iterable[str], new: dict[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(new.get(name, name) for name in names))


def _key(sort: str, new: dict[str, str]) -> str:
    name = sort.removeprefix("-")
    return sort.replace(name, new.get(name, name))


def _of_chart(chart: Chart) -> set[str]:
    """The names that a chart shows or is ordered by."""
    match chart:
        case DayChart():
            return {*chart.lines, chart.bars}
        case MemberChart():
            return {chart.dimension, *chart.measures, chart.weight}
        case HeatChart():
            return {chart.down, chart.across, chart.measure, chart.weight}
        case TileChart():
            return {chart.dimension, chart.measure}


def _without(report: Report, chart: Chart, gone: set[str]) -> tuple[Chart, ...]:
    """The chart if it shows nothing that is gone; of one by day the lines that are left."""
    if not gone & _of_chart(chart):
        return (chart,)
    if not isinstance(chart, DayChart):
        return ()
    lines = tuple(name for name in chart.lines if name not in gone)
    bars = "" if chart.bars in gone else chart.bars
    if not lines:
        return ()
    # The title told what is gone, too.
    titles = [report.measure(name).title for name in (*lines, bars) if name]
    return (DayChart(f"{', '.join(titles)} by day", lines, bars),)


def _chart(chart: Chart, new: dict[str, str]) -> Chart:
    match chart:
        case DayChart():
            return replace(
                chart, lines=_renamed(chart.lines, new), bars=new.get(chart.bars, chart.bars)
            )
        case MemberChart():
            weight = new.get(chart.weight, chart.weight)
            return replace(chart, measures=_renamed(chart.measures, new), weight=weight)
        case HeatChart():
            measure, weight = (new.get(name, name) for name in (chart.measure, chart.weight))
            return replace(chart, measure=measure, weight=weight)
        case _:
            return replace(chart, measure=new.get(chart.measure, chart.measure))
