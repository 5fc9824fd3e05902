"""How wide the columns of a printed table are, and which paper and type size they fit.

Widths are reckoned in ems, of the widest font that the style sheet names. Giving them to the page
beforehand also saves the layout engine from measuring each cell twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from resources.reporting.svg import text_width

TEXT_MOST = 12.0
"""Wider texts wrap, between words; a number of 15 digits is narrower."""

_PADDING = 2.0
"""Left and right of a cell together, in mm; as in the style sheet."""

_APART = 2.0
"""What a column that stands apart has left of it besides, in mm; as in the style sheet."""

_PAPERS = (("A4", 271.0), ("A3", 394.0), ("A2", 568.0), ("A1", 815.0), ("A0", 1163.0))
"""Widths between the margins, in mm."""

_LARGEST, _SMALLEST = 8.5, 6.0
"""Points; on the largest paper smaller still, if needed: a reader enlarges it, but could not tell
figures that lie over each other.
"""
_BOLD = 1.17
_MM = 25.4 / 72
"""Of a point."""

_WIDTHS = (
    (0.3, "ijlIJ'"), (0.34, " ,.:;/|"), (0.4, "frt-()[]!"), (0.55, "csz?\"*_\N{EN DASH}"),
    (0.61, "aekovxyFLPTY"), (0.64, "0123456789bdghnpquES$"), (0.7, "ABCKRVXZ"),
    (0.79, "DGHNOQU&\N{BLACK DOWN-POINTING TRIANGLE}"), (0.84, "w+=<>#~\N{MINUS SIGN}"),
)  # fmt: skip
"""Of DejaVu Sans, where it is not condensed; what is not here is about as wide as in a chart."""


@dataclass(frozen=True)
class Layout:
    """`shares` of the width in percent, `paper` and type size `points`, for print."""

    shares: tuple[float, ...]
    paper: str
    points: float


def layout(
    heads: Sequence[tuple[str, bool]],
    rows: Iterable[Sequence[str]],
    totals: Sequence[str] = (),
    apart: Collection[int] = (),
) -> Layout:
    """The layout of a table: its heads (title, whether a figure), its printed rows and totals.

    The columns at the places `apart` have more room left of them.
    """
    # Heads are bold, as totals are, and no word of theirs may break.
    least = [max((_ems(word) * _BOLD for word in title.split()), default=1.0) for title, _ in heads]
    widest = [_ems(text) * _BOLD for text in totals] or [0.0] * len(heads)
    for row in rows:
        for n, text in enumerate(row):
            widest[n] = max(widest[n], _ems(text))
    needed = [
        # Figures must not wrap.
        max(head, width if figure else min(width, TEXT_MOST))
        for head, width, (_, figure) in zip(least, widest, heads, strict=True)
    ]
    paddings = [_PADDING + (_APART if n in apart else 0) for n in range(len(needed))]
    total, padding = sum(needed), sum(paddings)
    paper, points = _PAPERS[-1][0], 1.0
    for name, width in _PAPERS:
        fitting = (width - padding) / (total * _MM)
        if fitting >= _SMALLEST or name == paper:
            paper, points = name, max(points, min(_LARGEST, fitting))
            break
    wide = [width + gap / (points * _MM) for width, gap in zip(needed, paddings, strict=True)]
    shares = tuple(round(100 * width / sum(wide), 2) for width in wide)
    return Layout(shares, paper, round(points, 2))


@cache
def _character(char: str) -> float:
    return next((wide for wide, chars in _WIDTHS if char in chars), text_width(char, 1))


def _ems(text: str) -> float:
    return sum(map(_character, text))
