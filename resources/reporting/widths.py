"""How wide the columns of a printed table are, and which paper and type size they fit.

Widths are counted in characters of what is printed. Giving them to the page beforehand also saves
the layout engine from measuring each cell twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TEXT_MOST = 26
"""Longer texts wrap."""

_GAP = 2.0
_PAPERS = (("A4", 271.0), ("A3", 394.0), ("A2", 568.0))
_LARGEST, _SMALLEST = 8.5, 6.2
_MM_PER_CHARACTER = 0.185
"""Mean width of a character, in mm for each point of type size."""


@dataclass(frozen=True)
class Layout:
    """`shares` of the width in percent, `paper` and type size `points` for print; `ems` is the
    width that the table wants, in units of its type size.
    """

    shares: tuple[float, ...]
    paper: str
    points: float
    ems: float


def layout(heads: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> Layout:
    """The layout of a table: its heads (title, whether a figure) and its printed rows."""
    # Heads are bold, and no word of theirs may break.
    widest = [max((len(word) * 1.12 for word in title.split()), default=1.0) for title, _ in heads]
    for row in rows:
        for n, text in enumerate(row):
            widest[n] = max(widest[n], float(len(text)))
    needed = [
        # Figures must not wrap; digits are somewhat wider than letters.
        (width * 1.04 if figure else min(width, TEXT_MOST)) + _GAP
        for width, (_, figure) in zip(widest, heads, strict=True)
    ]
    total = sum(needed)
    paper, points = _PAPERS[-1][0], _SMALLEST
    for name, width in _PAPERS:
        fitting = width / (total * _MM_PER_CHARACTER)
        if fitting >= _SMALLEST:
            paper, points = name, min(_LARGEST, fitting)
            break
    shares = tuple(round(100 * width / total, 2) for width in needed)
    return Layout(shares, paper, round(points, 2), round(total * 0.53, 1))
