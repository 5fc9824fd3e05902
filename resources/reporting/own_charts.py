"""How the charts of a report of one's own are written, and which of them can be drawn.

    by day: [attempts, connected]                lines or bars, one panel
    by provider: [asr, acd]                      a bar a member, a panel a figure
    by provider and hour_of_day: dtmf_percent    shades
    map by terminating_state: total              shades on a map of the States

Declarations in, charts out; drawing is in `charts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from resources.reporting.errors import ReportError, unknown
from resources.reporting.model import (
    Chart,
    DayChart,
    Dimension,
    HeatChart,
    Kind,
    Measure,
    MemberChart,
    Report,
    TileChart,
)

FORMS = (
    "by day: FIGURES",
    "by DIMENSION: FIGURES",
    "by DIMENSION and DIMENSION: FIGURE",
    "map by DIMENSION: FIGURE",
)
"""What may be written."""

MOST_FIGURES = 3
"""Figures of one chart: more cannot be told apart."""

_STATES = ("orig_state", "term_state", "state")
_HOW = re.compile(r"(?P<map>map )?by (?P<one>[a-z_]+)(?: and (?P<two>[a-z_]+))?")


def chart_named(report: Report, title: str) -> Chart:
    """The report's own chart of that title."""
    charts = {chart.title: chart for chart in report.charts}
    if title not in charts:
        raise unknown("chart", title, charts)
    return charts[title]


def chart(report: Report, how: str, names: Sequence[str]) -> Chart:
    """The chart that `how: names` asks for. Raises ReportError when there is no such chart."""
    found = _HOW.fullmatch(" ".join(how.split()))
    if found is None:
        raise ReportError(f"{how!r} is no chart: write {'; or '.join(FORMS)}")
    measures = [_figure(report, name) for name in names]
    if not 1 <= len(measures) <= MOST_FIGURES:
        raise ReportError(f"a chart shows 1 to {MOST_FIGURES} figures, not {len(measures)}")
    one, two = found["one"], found["two"]
    what = _listed(measures)
    if found["map"]:
        return _map(report, one, two, measures)
    if two:
        down, across = _members(report, one), _members(report, two, hours=True)
        if down == across:
            raise ReportError(f"a chart by two dimensions needs two, not {one!r} twice")
        return HeatChart(
            f"{what} by {down.title} and {across.title}",
            down.name,
            across.name,
            _only(measures).name,
            report.weight,
        )
    if one in ("day", "date"):
        if len({(measure.kind, measure.currency) for measure in measures}) > 1:
            raise ReportError(
                f"{what} have different units and cannot share a chart by day: write one for each"
            )
        return DayChart(f"{what} by day", tuple(measure.name for measure in measures))
    dimension = _members(report, one)
    return MemberChart(
        f"{what} by {dimension.title}",
        dimension.name,
        tuple(measure.name for measure in measures),
        report.weight,
    )


def _figure(report: Report, name: str) -> Measure:
    figures = {measure.name: measure for measure in report.measures}
    if name not in figures:
        raise unknown("figure", name, figures)
    measure = figures[name]
    if measure.per_currency:
        raise ReportError(
            f"{name!r} is in each rate card's own currency: ask for {measure.instead!r}"
        )
    if measure.kind is Kind.FLAG:
        raise ReportError(f"{name!r} is yes or no and cannot be drawn")
    return measure


def _members(report: Report, name: str, *, hours: bool = False) -> Dimension:
    """A dimension that has members to be drawn; days and hours are series."""
    known = {d.name: d for d in report.dimensions if d.kind is Kind.TEXT}
    known |= {d.name: d for d in report.dimensions if hours and d.kind is Kind.CLOCK}
    if name in known:
        return known[name]
    if name in report.names and isinstance(report.column(name), Dimension):
        raise ReportError(
            f"a chart cannot have a bar for each {name!r}: write 'by day', or "
            "'by provider and hour_of_day'"
        )
    raise unknown("dimension", name, known)


def _map(report: Report, name: str, two: str | None, measures: Sequence[Measure]) -> TileChart:
    states = {d.name: d for d in report.dimensions if d.column in _STATES}
    if not states:
        raise ReportError("only reports that know States can be drawn as a map")
    if two or name not in states:
        raise unknown("dimension of States", f"{name} and {two}" if two else name, states)
    measure = _only(measures)
    return TileChart(f"{measure.title} by {states[name].title}", name, measure.name)


def _only(measures: Sequence[Measure]) -> Measure:
    if len(measures) > 1:
        raise ReportError(f"shades show one figure, not {len(measures)}")
    return measures[0]


def _listed(measures: Sequence[Measure]) -> str:
    titles = [measure.title.removesuffix(f" ({measure.currency})") for measure in measures]
    return " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1] if titles else ""]))
