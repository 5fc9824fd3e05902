"""A heat map: rows by columns, each cell's shade its value, its figure in it where there is room.

Plain values in, SVG out. A cell without a value stays white, which 0 is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resources.reporting import svg

WIDTH, HEIGHT = 640, 480
"""Room for all cells together, if they are many."""

BESIDE, LOW = 560, 264
"""A map no wider stands beside another chart: then it is no higher than its like, to be read."""

WIDEST, NARROWEST = 34, 9
TALLEST, LOWEST = 20, 8.5
LABEL = 130
"""Room for the name of a row; half of it for that of a column, which may stand upright."""

SMALLEST = 6
"""Smaller than this, names of columns stand upright instead."""

LEAST_WIDTH = 260
"""Of the part right of the rows' names, so that the legend has room."""

Cell = tuple[str, str, svg.Number | None, str]
"""Row, column, value (None: missing), and how it reads."""

_Values = Mapping[tuple[int, int], svg.Member]


def heat_map(
    title: str,
    measure: str,
    axes: tuple[str, str],
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Cell],
) -> svg.Drawing:
    """The map, in the order of `rows` and `columns`; a cell of another row or column is left out.

    `axes` says what rows and columns are, `measure` heads the legend.
    """
    down = {name: place for place, name in enumerate(rows)}
    across = {name: place for place, name in enumerate(columns)}
    values = {
        (down[row], across[column]): (value, words)
        for row, column, value, words in cells
        if value is not None and row in down and column in across
    }
    scale = svg.scale(values.values())
    wide = _between(WIDTH / max(1, len(columns)), NARROWEST, WIDEST)
    room = LOW if LABEL + wide * len(columns) <= BESIDE else HEIGHT
    high = _between(room / max(1, len(rows)), LOWEST, TALLEST)
    names = [svg.fitted(name, _size(high), LABEL) for name in rows]
    left = 6 + max(svg.text_width(axes[0], 9), *(svg.text_width(t, _size(high)) for t in names), 0)
    heading, top = _heading(axes[1], columns, left, wide)
    width, bottom = max(wide * len(columns), LEAST_WIDTH), top + high * len(rows)
    parts = [svg.text(left - 6, top - 7, axes[0], fill=svg.QUIET, anchor="end"), *heading]
    for place, name in enumerate(names):
        y = top + (place + 0.5) * high
        parts.append(svg.text(left - 6, y, name, size=_size(high), anchor="end"))
    parts.append(svg.rect(left, top, wide * len(columns), high * len(rows), "#ffffff", svg.RULE))
    parts += _cells(values, scale, (left, top), (wide, high))
    missing = "" if len(values) == len(rows) * len(columns) else "none"
    drawn, tall = svg.legend(left, bottom + 8, width, measure, scale, missing)
    alt = _alt(title, measure, axes, rows, columns, values)
    return svg.document(left + width, bottom + 10 + tall, title, alt, [*parts, *drawn])


def _between(value: float, least: float, most: float) -> float:
    return max(least, min(most, value))


def _size(room: float) -> float:
    return min(9, room - 1.5)


def _heading(
    axis: str, columns: Sequence[str], left: float, wide: float
) -> tuple[list[str], float]:
    """What the columns are and their names, and where the cells below them begin."""
    longest = max((svg.text_width(name, 1) for name in columns), default=1)
    upright = (wide - 3) / longest < SMALLEST
    size = _size(wide) if upright else min(9, (wide - 3) / longest)
    names = [svg.fitted(name, size, LABEL / 2 if upright else wide) for name in columns]
    tall = max((svg.text_width(name, size) for name in names), default=0) if upright else size
    top = 14 + tall + 5
    parts = [svg.text(left, 6, axis, fill=svg.QUIET)]
    for place, name in enumerate(names):
        x = left + (place + 0.5) * wide
        if upright:
            parts.append(svg.text(x, top - 4, name, size=size, upright=True))
        else:
            parts.append(svg.text(x, top - 4 - size / 2, name, size=size, anchor="middle"))
    return parts, top


def _cells(
    values: _Values, scale: svg.Scale, corner: tuple[float, float], cell: tuple[float, float]
) -> list[str]:
    """One path a shade, as thousands of squares would be a heavy page; and the figures."""
    (left, top), (wide, high) = corner, cell
    gap = 1 if high > 12 else 0.5
    longest = max((svg.text_width(words, 8) for _, words in values.values()), default=0)
    told = longest <= wide - 2 and high >= 11
    paths: dict[int, list[str]] = {}
    figures = []
    for (row, column), (value, words) in sorted(values.items()):
        x, y = left + column * wide, top + row * high
        paths.setdefault(scale.place(value), []).append(
            f"M{svg.n(x + gap / 2)} {svg.n(y + gap / 2)}"
            f"h{svg.n(wide - gap)}v{svg.n(high - gap)}h-{svg.n(wide - gap)}z"
        )
        if told:
            ink = scale.step(value).ink
            figures.append(
                svg.text(x + wide / 2, y + high / 2, words, size=8, fill=ink, anchor="middle")
            )
    shaded = (
        f'<path d="{"".join(squares)}" fill="{scale.steps[place].shade}"/>'
        for place, squares in sorted(paths.items())
    )
    return [*shaded, *figures]


def _alt(
    title: str,
    measure: str,
    axes: tuple[str, str],
    rows: Sequence[str],
    columns: Sequence[str],
    values: _Values,
) -> str:
    said = f"{title}. {measure} by {axes[0]} ({len(rows)}) and {axes[1]} ({len(columns)})"
    if not values:
        return f"{said}: nothing."

    def one(place: tuple[int, int]) -> str:
        return f"{values[place][1]} at {rows[place[0]]}, {columns[place[1]]}"

    ordered = sorted(values, key=lambda place: (values[place][0], place))
    without = len(rows) * len(columns) - len(values)
    none = f"; none in {without} of {len(rows) * len(columns)} cells" if without else ""
    return f"{said}: highest {one(ordered[-1])}; lowest {one(ordered[0])}{none}."
