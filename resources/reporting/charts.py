"""Charts of a report as SVG, or PNG for mail: Altair describes them, vl-convert draws them.

Both are imported when the first chart is drawn; no browser and no network. This is the one place
where figures become floats: they only decide where ink goes.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.heat import heat_map
from resources.reporting.model import DayChart, HeatChart, Measure, MemberChart, TileChart
from resources.reporting.plots import Points
from resources.reporting.svg import FIRST, FONT, INK, LOSS, QUIET, RULE, SECOND, Drawing
from resources.reporting.tiles import tile_map

if TYPE_CHECKING:
    import altair

THIRD = "#7a8794"
WIDTH, HEIGHT = 430, 190
_DAY_LABELS = 8


@dataclass(frozen=True)
class Picture:
    """A drawn chart: `svg` is a whole SVG document, `alt` says in words what it shows.

    `share` is how much of the width for charts it takes, in percent; a `wide` one stands alone.
    """

    title: str
    caption: str
    alt: str
    svg: str
    share: int
    wide: bool


def draw(points: Points) -> Picture:
    """The chart as SVG."""
    match points.chart:
        case HeatChart():
            drawing = _heat(points.chart, points)
        case TileChart():
            drawing = _tiles(points.chart, points)
        case _:
            drawing = _by_altair(points)
    room = (2 if drawing.width > 1.3 * WIDTH else 1) * WIDTH
    share = min(100, 100 * drawing.width // room + 1)
    return Picture(
        points.chart.title, _caption(points), drawing.alt, drawing.svg, share, room > WIDTH
    )


def _heat(chart: HeatChart, points: Points) -> Drawing:
    (measure,) = points.measures
    cells = [
        (str(a), str(b), points.amount(measure, v), points.show(measure, v))
        for a, b, v in points.rows
    ]
    down = list(dict.fromkeys(cell[0] for cell in cells))
    across = {cell[1] for cell in cells}
    # What is on both sides stands in the same order on both, so that the diagonal is one.
    both = [name for name in down if name in across]
    return heat_map(
        chart.title,
        points.heading(measure),
        points.axes,
        down,
        both + sorted(across.difference(both)),
        cells,
    )


def _tiles(chart: TileChart, points: Points) -> Drawing:
    (measure,) = points.measures
    states = [
        (
            "no State" if a == words.MISSING else str(a),
            points.amount(measure, v) or 0,
            points.show(measure, v),
        )
        for a, v in points.rows
    ]
    return tile_map(chart.title, points.heading(measure), states)


def _by_altair(points: Points) -> Drawing:
    import vl_convert

    svg = vl_convert.vegalite_to_svg(_spec(points))
    width = re.search(r'width="(\d+)', svg)
    return Drawing(svg, _alt(points), int(width[1]) if width else WIDTH)


def draw_png(picture: Picture, dots: int = 2) -> bytes:
    """The picture as PNG, for readers that show no SVG; so many dots for each unit of it."""
    import vl_convert

    return vl_convert.svg_to_png(picture.svg, scale=dots)


def warm_up() -> None:
    """Starts the drawing engine beside what comes next, as it takes its time and its own core."""
    threading.Thread(target=_first_drawing, daemon=True).start()


def _first_drawing() -> None:
    import vl_convert

    vl_convert.vegalite_to_svg({"data": {"values": []}, "mark": "bar"})


def is_worth_drawing(points: Points) -> bool:
    """Whether there is anything to see."""
    return any(value is not None for row in points.rows for value in row[1:])


def _spec(points: Points) -> dict[str, Any]:
    chart = points.chart
    drawn = _by_day(chart, points) if isinstance(chart, DayChart) else _by_member(points)
    spec: dict[str, Any] = (
        drawn.configure(
            font=FONT,
            background="transparent",
            padding=2,
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=QUIET,
            titleColor=QUIET,
            labelFontSize=9,
            titleFontSize=9,
            titleFontWeight="normal",
            gridColor=RULE,
            gridWidth=0.6,
            domainColor=RULE,
            tickColor=RULE,
        )
        .configure_legend(
            orient="top",
            direction="horizontal",
            title=None,
            labelColor=INK,
            labelFontSize=9,
            symbolType="stroke" if _is_long(points) else "square",
            symbolStrokeWidth=2,
            symbolSize=140,
            offset=4,
        )
        .to_dict(validate=False)
    )
    return spec


def _by_day(chart: DayChart, points: Points) -> altair.VConcatChart:
    import altair as alt

    days = [str(row[0]) for row in points.rows]
    axis = alt.Axis(
        labelExpr="timeFormat(toDate(datum.value), '%-d %b')",
        values=days[:: -(-len(days) // _DAY_LABELS)],
        labelAngle=0,
        grid=False,
        title=None,
        ticks=False,
        labelPadding=6,
    )
    hidden = alt.Axis(labels=False, ticks=False, grid=False, title=None)
    above = hidden if chart.bars else axis

    def day(shown: alt.Axis) -> alt.X:
        return alt.X("day:O", axis=shown, scale=alt.Scale(domain=days, paddingInner=0.25))

    def amount(title: str) -> alt.Y:
        axis = alt.Axis(
            format="~s",
            tickCount=4,
            domain=False,
            ticks=False,
            title=title,
            # Else "0k", and "5m", which reads as millions, for thousandths.
            labelExpr="abs(datum.value) < 1 ? format(datum.value, '.3~g') : datum.label",
        )
        return alt.Y("amount:Q", axis=axis)

    names = [_short(m) for m in points.measures]
    drawn = names[: len(chart.lines)]
    lines = _long(points, range(len(chart.lines)))
    colours = alt.Color(
        "what:N", scale=alt.Scale(domain=drawn, range=[FIRST, SECOND, THIRD][: len(drawn)])
    )
    first = points.measures[0]
    unit = first.currency or words.unit(first, minutes=points.minutes)
    upper: alt.Chart | alt.LayerChart
    data = alt.InlineData(values=lines)
    if not _is_long(points):
        upper = (
            alt.Chart(data)
            .mark_bar(cornerRadiusEnd=1)
            .encode(
                x=day(above),
                xOffset=alt.XOffset("what:N", sort=drawn),
                y=amount(unit),
                color=colours,
            )
        )
    else:
        dashes = alt.StrokeDash(
            "what:N", scale=alt.Scale(domain=drawn, range=[[1, 0], [5, 2], [2, 2]][: len(drawn)])
        )
        upper = (
            alt.Chart(data)
            .mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=12, filled=True))
            .encode(
                x=day(above),
                y=amount(unit),
                color=colours,
                strokeDash=dashes,
            )
        )
    # A single day's bars would be as wide as the page.
    width = min(WIDTH - 60, 110 * len(days))
    if not chart.bars:
        return alt.vconcat(upper.properties(width=width, height=HEIGHT))
    sign = alt.condition("datum.amount < 0", alt.value(LOSS), alt.value(INK))
    lower = (
        alt.Chart(alt.InlineData(values=_long(points, [len(chart.lines)])))
        .mark_bar(cornerRadiusEnd=1)
        .encode(x=day(axis), y=amount(f"{names[-1]}, {unit}"), color=sign)
    )
    return alt.vconcat(
        upper.properties(width=width, height=HEIGHT * 0.58),
        lower.properties(width=width, height=HEIGHT * 0.42),
        spacing=8,
    )


def _by_member(points: Points) -> altair.HConcatChart:
    import altair as alt

    order = [str(row[0]) for row in points.rows]
    panels = []
    for n, measure in enumerate(points.measures):
        amounts = [_float(row[n + 1]) for row in points.rows]
        values = [
            {
                "member": str(row[0]),
                "amount": amount,
                "end": max(amount or 0.0, 0.0),
                "said": points.show(measure, row[n + 1]),
                "loss": words.is_loss(measure, row[n + 1]),
            }
            for row, amount in zip(points.rows, amounts, strict=True)
        ]
        y = alt.Y(
            "member:N",
            sort=order,
            title=None,
            axis=alt.Axis(
                labels=n == 0,
                ticks=False,
                domain=False,
                labelLimit=120,
                labelColor=INK,
                labelPadding=6,
            ),
        )
        most, least = (pick([0.0, *(a for a in amounts if a)]) for pick in (max, min))
        room = 0.22 * (most - least) or 1.0
        scale = alt.Scale(domain=[least, most + room])
        base = alt.Chart(alt.InlineData(values=values)).encode(y=y)
        ink = alt.condition("datum.loss", alt.value(LOSS), alt.value((FIRST, SECOND)[n % 2]))
        bars = base.mark_bar(cornerRadiusEnd=1).encode(
            x=alt.X("amount:Q", axis=None, scale=scale), color=ink
        )
        # Right of a bar that goes to the left, too, where nothing lies below it.
        texts = base.mark_text(align="left", dx=4, fontSize=9, color=INK).encode(
            x=alt.X("end:Q", axis=None, scale=scale), text="said:N"
        )
        panels.append(
            alt.layer(bars, texts).properties(
                width=(WIDTH - 140) / len(points.measures),
                height=max(60, min(HEIGHT, 22 * len(order))),
                title=alt.TitleParams(
                    points.heading(measure),
                    fontSize=9,
                    fontWeight="normal",
                    color=QUIET,
                    anchor="start",
                ),
            )
        )
    return alt.hconcat(*panels, spacing=14)


def _long(points: Points, which: Any) -> list[dict[str, Any]]:
    return [
        {
            "day": str(row[0]),
            "what": _short(points.measures[n]),
            "amount": _float(points.amount(points.measures[n], row[n + 1])),
        }
        for row in points.rows
        for n in which
    ]


def _is_long(points: Points) -> bool:
    """Whether there are too many days for bars side by side."""
    return len(points.rows) > 14


def _short(measure: Measure) -> str:
    return measure.title.removesuffix(f" ({measure.currency})")


def _float(value: Value) -> float | None:
    return float(value) if isinstance(value, int | Decimal) else None


def _caption(points: Points) -> str:
    if points.left_out:
        drawn = len({row[0] for row in points.rows})
        return f"The {drawn} largest by {points.weight}; {points.left_out} more are not drawn."
    return ""


def _alt(points: Points) -> str:
    chart = points.chart
    if isinstance(chart, MemberChart):
        said = (
            f"{row[0]}: "
            + ", ".join(
                f"{m.title} {points.show(m, v)} {words.unit(m, minutes=points.minutes)}".strip()
                for m, v in zip(points.measures, row[1:], strict=True)
            )
            for row in points.rows
        )
        return f"{chart.title}. " + "; ".join(said)
    first, last = points.rows[0][0], points.rows[-1][0]
    return f"{chart.title}, {first} to {last}; the days are rows of the report grouped by date."
