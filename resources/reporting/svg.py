"""What charts share: ink and fonts, shades for values, and SVG elements put together by hand.

No chart lives here, and nothing that knows a report. Values become floats only to find a shade.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from statistics import median

INK, QUIET, RULE = "#1d2733", "#5b6776", "#d9dee4"
FIRST, SECOND, LOSS = "#1f5f8b", "#d08a2e", "#b3261e"
# vl-convert measures text that others draw: a wide font first, so that nothing is cut off where a
# reader has only a narrower one. No quotes: WeasyPrint takes the list as it is.
FONT = "DejaVu Sans, Verdana, Arial, sans-serif"

ZERO = "#eceff2"
SHADES = ("#d3e2ee", "#a5c5dc", "#6f9fc4", "#3b75a3", "#1b4a70")
"""From little to much. Each is darker than the one before it, so that grey paper shows the same."""

SKEWED = 5
"""Where the largest value is over so many times the median, shades go by ratio, not by amount."""

SMALLEST = 10
"""One of so many values, the smallest, does not decide how wide those ratios are."""

SWATCH = 10

Number = int | Decimal
Member = tuple[Number, str]
"""A value and how it reads."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Drawing:
    """A drawn chart: a whole SVG document of `width` units, and what it shows in words."""

    svg: str
    alt: str
    width: int


@dataclass(frozen=True)
class Step:
    """One shade: the ink to write on it with, and the least and greatest of its members' texts."""

    shade: str
    ink: str
    low: str
    high: str

    @property
    def label(self) -> str:
        """What the legend says of it."""
        return self.low if self.low == self.high else f"{self.low}–{self.high}"


@dataclass(frozen=True)
class Scale:
    """Which shade a value has. Only shades that some value has are in `steps`, from low to high."""

    bounds: tuple[float, ...]
    steps: dict[int, Step]

    def place(self, value: Number) -> int:
        """Where the value's shade is in `steps`: 0 for nothing, then upwards."""
        return _place(self.bounds, value)

    def step(self, value: Number) -> Step:
        """The shade of a value that the scale was made for."""
        return self.steps[self.place(value)]


def scale(members: Iterable[Member]) -> Scale:
    """Five shades by equal steps up to the largest value, or by equal ratios if it stands out.

    0 has a shade of its own, and so has all below it.
    """
    found = sorted(members, key=lambda member: member[0])
    positive = [float(value) for value, _ in found if value > 0]
    bounds = _bounds(positive) if positive else ()
    texts: dict[int, list[str]] = {}
    for value, text in found:
        texts.setdefault(_place(bounds, value), []).append(text)
    shades = (ZERO, *SHADES)
    return Scale(
        bounds,
        {n: Step(shades[n], ink_on(shades[n]), t[0], t[-1]) for n, t in texts.items()},
    )


def _bounds(positive: Sequence[float]) -> tuple[float, ...]:
    least, most, count = positive[len(positive) // SMALLEST], positive[-1], len(SHADES)
    if most > SKEWED * median(positive):
        return tuple(least * (most / least) ** (n / count) for n in range(1, count))
    return tuple(most * n / count for n in range(1, count))


def _place(bounds: Sequence[float], value: Number) -> int:
    return 0 if value <= 0 else 1 + sum(float(value) > bound for bound in bounds)


def ink_on(shade: str) -> str:
    """Dark or white, whichever reads better on the colour."""
    return max((INK, "#ffffff"), key=lambda ink: contrast(ink, shade))


def contrast(one: str, other: str) -> float:
    """How well two colours `#rrggbb` are told apart, 1 to 21 (WCAG 2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def clean(text: str) -> str:
    """The text as one line, escaped for XML, without what XML cannot hold."""
    return escape(_NO_XML.sub("", " ".join(text.split())))


def is_shaped(words: str) -> bool:
    """Whether a text cannot be set letter by letter from left to right, as Arabic or Hindi."""
    return not words.isascii() and any(
        unicodedata.bidirectional(char) in ("R", "AL", "AN")
        or unicodedata.category(char) in ("Mn", "Mc", "Cf")
        for char in words
    )


def text_width(text: str, size: float) -> float:
    """About how wide a text is drawn in `FONT`; rather too wide than too narrow."""
    units = 0.0
    for char in text:
        if unicodedata.combining(char):
            continue
        wide = unicodedata.east_asian_width(char) in "WF" or char in "MWmw%@"
        units += 1.0 if wide else 0.36 if char in " .,:;|!'ijl-" else 0.66
    return units * size


def fitted(text: str, size: float, width: float) -> str:
    """The text, or as much of its beginning as fits, and an ellipsis."""
    text = " ".join(text.split())
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def compact(value: Number) -> str:
    """A figure in at most five characters: `934`, `9.3k`, `12M`."""
    amount = abs(float(value))
    if amount < 1 and amount:
        return f"{float(value):.2f}"
    for power, letter in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if amount >= 0.9995 * 10**power or (power == 3 and amount >= 999.5):
            scaled = float(value) / 10**power
            return f"{scaled:.1f}{letter}" if abs(scaled) < 9.95 else f"{scaled:.0f}{letter}"
    return f"{float(value):.0f}"


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 9,
    fill: str = INK,
    anchor: str = "start",
    bold: bool = False,
    upright: bool = False,
) -> str:
    """A text whose middle is at the height `y`; `upright` turns it to read from below."""
    weight = ' font-weight="bold"' if bold else ""
    # No dominant-baseline: WeasyPrint does not know it.
    at = f'x="{n(x)}" y="{n(y + size * 0.36)}"'
    turn = ""
    if upright:
        at = f'x="0" y="{n(size * 0.36)}"'
        turn = f' transform="translate({n(x)} {n(y)}) rotate(-90)"'
    return (
        f'<text {at}{turn} font-size="{n(size)}" fill="{fill}" text-anchor="{anchor}"{weight}>'
        f"{clean(words)}</text>"
    )


def rect(
    x: float, y: float, width: float, height: float, fill: str, stroke: str = "", round_: float = 0
) -> str:
    """A rectangle, outlined within its own bounds if it has a stroke."""
    rounded = f' rx="{n(round_)}"' if round_ else ""
    if stroke:
        x, y, width, height = x + 0.5, y + 0.5, width - 1, height - 1
        rounded += f' stroke="{stroke}"'
    return (
        f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" '
        f'fill="{fill}"{rounded}/>'
    )


def legend(
    x: float, y: float, width: float, heading: str, of: Scale, missing: str
) -> tuple[list[str], float]:
    """The shades, from (x, y) in lines of at most `width`, and how high all of it is.

    `missing` is what a white cell means, said last; blank when there is none.
    """
    entries = [(step.shade, "", step.label) for _, step in sorted(of.steps.items())]
    if missing:
        entries.append(("#ffffff", RULE, missing))
    parts = [text(x, y + 5, fitted(heading, 9, width), fill=QUIET)]
    left, middle = x, y + 19.0
    for shade, stroke, label in entries:
        needed = SWATCH + 4 + text_width(label, 8.5)
        if left > x and left + needed > x + width:
            left, middle = x, middle + 14
        parts.append(rect(left, middle - SWATCH / 2, SWATCH, SWATCH, shade, stroke))
        parts.append(text(left + SWATCH + 4, middle, label, size=8.5))
        left += needed + 10
    return parts, middle + SWATCH / 2 - y


def document(width: float, height: float, title: str, alt: str, parts: Iterable[str]) -> Drawing:
    """The parts as a whole SVG document that says what it is."""
    wide, high = math.ceil(width), math.ceil(height)
    return Drawing(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}" role="img" aria-label="{clean(alt)}" '
        f'font-family="{FONT}">\n<title>{clean(title)}</title>\n' + "\n".join(parts) + "\n</svg>\n",
        alt,
        wide,
    )


def n(number: float) -> str:
    """A coordinate, short."""
    return f"{number:.2f}".rstrip("0").rstrip(".")
