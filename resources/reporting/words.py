"""How a value reads to a person: thousands separators, units, signs, dates in words.

For formats made for reading only; files for machines print values as they are (`files`). A half is
rounded away from zero, as spreadsheets round what they show, so that PDF and XLSX agree. A minus
sign is U+2212, which lines up with digits; the terminal turns it back into a hyphen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from resources.listing import some
from resources.reporting.arithmetic import Value
from resources.reporting.model import Column, Dimension, Kind, Measure
from resources.reporting.period import Period

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
_LEAST = Decimal("0.00005")
"""Less money than this would be 0 at four places, too, and is shown by its first digit."""

_NUMERIC = frozenset(Kind) - {Kind.TEXT, Kind.DATE, Kind.HOUR, Kind.CLOCK, Kind.TIME, Kind.FLAG}

_BREAKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def is_number(column: Column) -> bool:
    """Whether the column's values are figures, to be aligned right."""
    return column.kind in _NUMERIC


def show(column: Column, value: Value, *, minutes: bool = False, fine: bool = False) -> str:
    """The value as a person reads it, without its unit, which stands in the column's head.

    With `fine` an amount of money has the places of a small one, whatever it is.
    """
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return printable(column.said.get(value, value) if isinstance(column, Dimension) else value)
    if isinstance(value, date):
        return value.isoformat()
    if column.kind in (Kind.CHANGE, Kind.POINTS):
        return _signed(Decimal(value), 1, "")
    return _number(column.kind, Decimal(value), minutes, fine)


def fine(columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> frozenset[int]:
    """Places of the columns in which a small amount needs more decimals, so that all have them."""
    money = [n for n, column in enumerate(columns) if column.kind is Kind.MONEY]
    return frozenset(n for row in rows for n in money if _is_small(row[n]))


def printable(text: str) -> str:
    """The text on one line and in its own direction: breaks become blanks, controls U+FFFD.

    Right-to-left scripts stay as they are; what would turn the text around it does not.
    """
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _BREAKS.sub(" ", text))


def unit(column: Column, *, minutes: bool = False) -> str:
    """The unit of a column's figures, blank where it has none or its title says it."""
    match column.kind:
        case Kind.SECONDS:
            return "min" if minutes else "s"
        case Kind.MILLISECONDS:
            return "ms"
        case Kind.FRACTION | Kind.PERCENT | Kind.CHANGE:
            return "%"
        case Kind.POINTS:
            return "pp"
        case _:
            return ""


def heading(column: Column, *, minutes: bool = False) -> str:
    """Title and, where the title does not say it, the unit."""
    short = unit(column, minutes=minutes)
    if not short or (short == "%" and column.title.endswith("Percent")):
        return column.title
    return f"{column.title} ({short})"


def change(measure: Measure, now: Value, before: Value, *, minutes: bool = False) -> str:
    """What has become of a figure: percent of amounts, points of percentages; a dash if unknown.

    An amount that was 0 or negative has no meaningful percentage: the difference is given.
    """
    if not isinstance(now, int | Decimal) or not isinstance(before, int | Decimal):
        return MISSING
    new, old = Decimal(now), Decimal(before)
    if measure.kind in (Kind.FRACTION, Kind.PERCENT):
        scale = 100 if measure.kind is Kind.FRACTION else 1
        return _signed((new - old) * scale, 1, " pp")
    if old > 0 and new >= 0:
        return _signed((new / old - 1) * 100, 1, " %")
    difference = _number(measure.kind, abs(new - old), minutes, fine=False)
    return ("+" if new > old else MINUS if new < old else "±") + difference


def days(dates: Iterable[date]) -> str:
    """Days in words, runs of days joined: `2026-03-01 to 2026-03-04, 2026-03-09`."""
    runs: list[tuple[date, date]] = []
    for day in sorted(set(dates)):
        if runs and (day - runs[-1][1]).days == 1:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    said = [
        f"{a}" if a == b else f"{a} to {b}" if (b - a).days > 1 else f"{a}, {b}" for a, b in runs
    ]
    return some(said, 6)


def period(of: Period) -> str:
    """The period in words: `9 March 2026`, or with a dash from `1` to `30 June 2026`."""
    a, b = of.first, of.last
    end = f"{b.day} {b:%B} {b.year}"
    if a == b:
        return end
    if (a.year, a.month) == (b.year, b.month):
        return f"{a.day}{MISSING}{end}"
    year = "" if a.year == b.year else f" {a.year}"
    return f"{a.day} {a:%B}{year} {MISSING} {end}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listing(words: Sequence[str]) -> str:
    """The words with commas; of very many the first ones only."""
    return some(words, 8)


def is_negative(value: Value) -> bool:
    """Whether this is a figure below zero."""
    return isinstance(value, int | Decimal) and value < 0


def is_loss(column: Column, value: Value) -> bool:
    """Whether this is money below zero, or a share of it; a falling score is no loss."""
    return column.kind in (Kind.MONEY, Kind.PERCENT) and is_negative(value)


def _is_small(value: Value) -> bool:
    """Whether this is an amount that two places would make 0, or twice as much as it is."""
    return isinstance(value, int | Decimal) and 0 < abs(Decimal(value)) <= Decimal("0.005")


def _number(kind: Kind, value: Decimal, in_minutes: bool, fine: bool) -> str:
    places = 0
    match kind:
        case Kind.SECONDS if in_minutes:
            value, places = value / 60, 2
        case Kind.SECONDS:
            places = 1
        case Kind.MONEY | Kind.UNIT_COST:
            # A small loss must not read as 0.00.
            places = 4 if kind is Kind.UNIT_COST or fine or _is_small(value) else 2
            if 0 < abs(value) < _LEAST:
                places = -value.adjusted()
        case Kind.FRACTION:
            value, places = value * 100, 1
        case Kind.SCORE:
            places = 2
        case Kind.PERCENT | Kind.ESTIMATE:
            places = 1
        case _:
            places = 0
    return _plain(value, places)


def _plain(value: Decimal, places: int) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{abs(rounded):,f}" if rounded >= 0 else f"{MINUS}{abs(rounded):,f}"


def _signed(value: Decimal, places: int, suffix: str) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else "±"
    return f"{sign}{abs(rounded):,f}{suffix}"
