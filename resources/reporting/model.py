"""What a report is made of: dimensions, measures, charts and the declaration that joins them.

Types only, and the arithmetic of one measure. The entries themselves are in `catalogue` and
`breakout`; nothing here knows a table's name or how a value is printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import Enum

Number = int | Decimal
Value = str | date | int | Decimal | None
Sums = Mapping[str, Number | None]

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Wide enough for a 38 digit sum times 100, so that only a final division ever rounds."""

DECIMALS = Decimal("1e-12")
"""Ratios are given to 12 decimals."""


class Kind(Enum):
    """What a value is, which decides how it is stored and how a person reads it."""

    TEXT = "text"
    DATE = "date"
    HOUR = "hour"
    COUNT = "count"
    SECONDS = "seconds"
    MONEY = "money"
    UNIT_COST = "unit cost"
    FRACTION = "fraction"
    PERCENT = "percent"
    MILLISECONDS = "milliseconds"


class Stored(Enum):
    """How a column of a stored table becomes a value of a dimension."""

    PLAIN = "plain"
    LOCAL_HOUR = "local hour"
    CUSTOMER_NAME = "customer name"
    PROVIDER_NAME = "provider name"


@dataclass(frozen=True)
class Dimension:
    """Something rows can be grouped by: `column` is where the stored table keeps it."""

    name: str
    title: str
    column: str
    kind: Kind = Kind.TEXT
    stored: Stored = Stored.PLAIN


@dataclass(frozen=True)
class Formula:
    """A measure from additive sums: `factor x (plus - minus) / over`, each part optional.

    Null when a sum in it is null or `over` is 0.
    """

    plus: str
    minus: str | None = None
    over: str | None = None
    factor: int = 1

    @property
    def sums(self) -> tuple[str, ...]:
        """The additive columns that are read."""
        return tuple(name for name in (self.plus, self.minus, self.over) if name is not None)

    def value(self, sums: Sums) -> Number | None:
        """The measure of one group; exact, except a division, which is rounded to 12 decimals."""
        top = sums[self.plus]
        if top is None:
            return None
        if self.minus is not None:
            less = sums[self.minus]
            if less is None:
                return None
            top = EXACT.subtract(Decimal(top), Decimal(less))
        if self.over is None:
            return top
        under = sums[self.over]
        if not under:
            return None
        scaled = EXACT.multiply(Decimal(top), Decimal(self.factor))
        return EXACT.quantize(EXACT.divide(scaled, Decimal(under)), DECIMALS)


@dataclass(frozen=True)
class Measure:
    """A figure of a group. `definition` says to a reader what it is, in one sentence.

    `currency` is a currency's code, or the name of the dimension that holds it: then the measure
    has a meaning only where that dimension is in the group-by, and `instead` stands in for it
    elsewhere. `beside` is a measure shown to people in the same cell.
    """

    name: str
    title: str
    kind: Kind
    formula: Formula
    definition: str
    currency: str = ""
    instead: str | None = None
    beside: str | None = None

    @property
    def per_currency(self) -> bool:
        """Whether it is in its rows' own currency, and so cannot be added up across currencies."""
        return bool(self.currency) and not self.currency.isupper()


Column = Dimension | Measure


@dataclass(frozen=True)
class Source:
    """A stored table and the dimension columns it holds."""

    table: str
    columns: frozenset[str]


@dataclass(frozen=True)
class DayChart:
    """Measures by day: `lines` in one panel, `bars` (which may be negative) in one below."""

    title: str
    lines: tuple[str, ...]
    bars: str


@dataclass(frozen=True)
class MemberChart:
    """One bar per member of a dimension, a panel per measure; the largest by `weight`."""

    title: str
    dimension: str
    measures: tuple[str, ...]
    weight: str


@dataclass(frozen=True)
class Report:
    """The declaration of a report; names refer to its own dimensions and measures.

    `sources` are tried in order: the first that holds all asked columns serves. `group_columns`
    are the measures people see when they choose a group-by and no columns, `machine_columns` what
    files for machines then hold. `loss` is the measure whose negative values are losses, `weight`
    the one that says how big a row is.
    """

    name: str
    title: str
    purpose: str
    sources: tuple[Source, ...]
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    group: tuple[str, ...]
    columns: tuple[str, ...]
    machine_columns: tuple[str, ...]
    headline: tuple[str, ...]
    loss: str
    weight: str
    charts: tuple[DayChart | MemberChart, ...]
    notes: tuple[str, ...] = ()
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Column] = {d.name: d for d in self.dimensions}
        by_name |= {m.name: m for m in self.measures}
        object.__setattr__(self, "_by_name", by_name)

    @property
    def names(self) -> tuple[str, ...]:
        """All names of dimensions and measures."""
        return tuple(self._by_name)

    def column(self, name: str) -> Column:
        """The dimension or measure of that name; KeyError when there is none."""
        return self._by_name[name]

    def dimension(self, name: str) -> Dimension:
        """The dimension of that name; KeyError when there is none."""
        found = self._by_name[name]
        if not isinstance(found, Dimension):
            raise KeyError(name)
        return found

    def measure(self, name: str) -> Measure:
        """The measure of that name; KeyError when there is none."""
        found = self._by_name[name]
        if not isinstance(found, Measure):
            raise KeyError(name)
        return found
