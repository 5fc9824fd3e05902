"""A tile-grid map of the United States: a square a state, its shade the value, its figure in it.

Plain values in, SVG out. Where a state stands is `usa`.
"""

from __future__ import annotations

from collections.abc import Sequence

from resources.reference.names import STATES
from resources.reporting import svg
from resources.reporting.usa import COLUMNS, PLACES, ROWS

PITCH, TILE = 39, 37
SMALLEST = 7
"""A figure that would have to be smaller is said in short: `1.2M`."""

NAMED = 8
"""So many states are told in the words for those who do not see the map."""

State = tuple[str, svg.Number, str]
"""Postal code, value, and how it reads."""


def tile_map(title: str, measure: str, states: Sequence[State]) -> svg.Drawing:
    """The map of states that have a value; all others are shown pale. `measure` heads the legend.

    A code that is no state's is said below the map.
    """
    values = {code: (value, words) for code, value, words in states if code in PLACES}
    scale = svg.scale(values.values())
    parts = []
    for code, (column, row) in PLACES.items():
        x, y = column * PITCH, row * PITCH
        if code not in values:
            parts.append(svg.rect(x, y, TILE, TILE, "#ffffff", svg.RULE, 3))
            parts.append(_code(x, y + TILE / 2, code, svg.QUIET))
            continue
        value, words = values[code]
        step = scale.step(value)
        parts.append(svg.rect(x, y, TILE, TILE, step.shade, round_=3))
        parts.append(_code(x, y + 13, code, step.ink))
        parts.append(_figure(x, y + 26.5, value, words, step.ink))
    width, below = COLUMNS * PITCH, ROWS * PITCH + 6.0
    missing = "" if len(values) == len(PLACES) else "none"
    drawn, tall = svg.legend(0, below, width, measure, scale, missing)
    parts += drawn
    below += tall + 2
    if elsewhere := [f"{code} {words}" for code, _, words in states if code not in PLACES]:
        said = svg.fitted("Not on the map: " + ", ".join(elsewhere), 8.5, width)
        parts.append(svg.text(0, below + 8, said, size=8.5, fill=svg.QUIET))
        below += 14
    return svg.document(width, below, title, _alt(title, measure, states), parts)


def _code(x: float, y: float, code: str, ink: str) -> str:
    return svg.text(x + TILE / 2, y, code, size=10.5, fill=ink, anchor="middle", bold=True)


def _figure(x: float, y: float, value: svg.Number, words: str, ink: str) -> str:
    size = min(8.5, 8.5 * (TILE - 3) / svg.text_width(words, 8.5)) if words else 8.5
    if size < SMALLEST:
        words, size = svg.compact(value), 8.5
    return svg.text(x + TILE / 2, y, words, size=size, fill=ink, anchor="middle")


def _alt(title: str, measure: str, states: Sequence[State]) -> str:
    ordered = sorted(states, key=lambda state: state[1], reverse=True)
    said = [f"{STATES.get(code, code)} {words}" for code, _, words in ordered[:NAMED]]
    more = f"; {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    without = len(PLACES.keys() - {code for code, *_ in states})
    none = f"; none in {without} of {len(PLACES)} states and territories" if without else ""
    return f"{title}. {measure} by state: {', '.join(said) or 'nothing'}{more}{none}."
