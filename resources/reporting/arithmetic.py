"""How a measure comes from additive sums: exactly, after the last grouping, never from averages.

Each kind of arithmetic gives its value in decimals and an SQL expression for ordering rows; no
names of measures, no tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Protocol

Number = int | Decimal
Value = str | date | int | Decimal | bool | None
Sums = Mapping[str, Number | None]

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Wide enough for a 38 digit sum times 100, so that only a final division ever rounds."""

DECIMALS = Decimal("1e-12")
"""Ratios are given to 12 decimals."""


class Arithmetic(Protocol):
    """How a measure comes from additive sums."""

    @property
    def sums(self) -> tuple[str, ...]:
        """The additive columns that are read."""
        ...

    @property
    def additive(self) -> bool:
        """Whether the values of groups may be added up."""
        ...

    def value(self, sums: Sums) -> Value:
        """The measure of one group."""
        ...

    def sql(self, place: Mapping[str, str]) -> str:
        """An expression with the same order as `value`; `place` says where each sum is."""
        ...


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

    @property
    def additive(self) -> bool:
        """Whether the values of groups may be added up: no ratio may."""
        return self.over is None

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

    def sql(self, place: Mapping[str, str]) -> str:
        """The same value for ordering; a ratio as a float."""
        top = place[self.plus] + (f" - {place[self.minus]}" if self.minus else "")
        if self.over is None:
            return f"({top})"
        return f"(CAST({top} AS DOUBLE) / NULLIF(CAST({place[self.over]} AS DOUBLE), 0))"


@dataclass(frozen=True)
class Score:
    """How many standard deviations `plus` is above `minus`: `(plus - minus) / sqrt(variance)`.

    Null without a variance.
    """

    plus: str
    minus: str
    variance: str

    additive = False

    @property
    def sums(self) -> tuple[str, ...]:
        """The additive columns that are read."""
        return (self.plus, self.minus, self.variance)

    def parts(self, sums: Sums) -> tuple[Decimal, Decimal] | None:
        """How much `plus` is above `minus`, and the variance, so that three thirds are one."""
        found = [sums[name] for name in self.sums]
        if any(each is None for each in found):
            return None
        plus, minus, variance = (EXACT.quantize(Decimal(each or 0), DECIMALS) for each in found)
        return EXACT.subtract(plus, minus), variance

    def value(self, sums: Sums) -> Decimal | None:
        """The score of one group, rounded to 12 decimals."""
        parts = self.parts(sums)
        if parts is None or parts[1] <= 0:
            return None
        above, variance = parts
        return EXACT.quantize(EXACT.divide(above, EXACT.sqrt(variance)), DECIMALS)

    def sql(self, place: Mapping[str, str]) -> str:
        """The same value for ordering, as a float."""
        plus, minus, variance = (f"CAST({place[name]} AS DOUBLE)" for name in self.sums)
        return f"(({plus} - {minus}) / SQRT(NULLIF(GREATEST({variance}, 0), 0)))"


@dataclass(frozen=True)
class Flagged:
    """Whether a score is below `below` where `enough` is `least` or more.

    Where nothing may vary, any lack is beyond all bounds.
    """

    score: Score
    below: int
    enough: str
    least: int

    additive = False

    @property
    def sums(self) -> tuple[str, ...]:
        """The additive columns that are read."""
        return tuple(dict.fromkeys((*self.score.sums, self.enough)))

    def value(self, sums: Sums) -> bool:
        """Whether the group is flagged."""
        parts = self.score.parts(sums)
        enough = EXACT.quantize(Decimal(sums[self.enough] or 0), DECIMALS)
        if parts is None or enough < self.least:
            return False
        score = self.score.value(sums)
        return parts[0] < 0 if score is None else score < self.below

    def sql(self, place: Mapping[str, str]) -> str:
        """The same condition, false where it is unknown."""
        short = f"{place[self.score.plus]} < {place[self.score.minus]}"
        low = f"COALESCE({self.score.sql(place)} < {self.below}, {short})"
        return f"COALESCE({low} AND {place[self.enough]} >= {self.least}, false)"


BEFORE = "before."
"""Stands before the name of a sum that is of the period compared with."""


@dataclass(frozen=True)
class Before:
    """A measure of the period compared with."""

    of: Arithmetic

    @property
    def sums(self) -> tuple[str, ...]:
        """The additive columns that are read, of the other period."""
        return tuple(BEFORE + name for name in self.of.sums)

    @property
    def additive(self) -> bool:
        """As the measure itself."""
        return self.of.additive

    def value(self, sums: Sums) -> Value:
        """The measure of one group in the other period."""
        return self.of.value({name: sums[BEFORE + name] for name in self.of.sums})

    def sql(self, place: Mapping[str, str]) -> str:
        """The measure's own, over the other period's sums."""
        return self.of.sql({name: place[BEFORE + name] for name in self.of.sums})


@dataclass(frozen=True)
class Change:
    """From the period compared with to this one, in percent; of a ratio its difference x `points`.

    Null when either is unknown. An amount that was 0 or negative has no meaningful percentage.
    """

    of: Arithmetic
    points: int | None = None

    additive = False

    @property
    def sums(self) -> tuple[str, ...]:
        """The additive columns that are read, of both periods."""
        return (*self.of.sums, *Before(self.of).sums)

    def value(self, sums: Sums) -> Decimal | None:
        """The change of one group, rounded to 12 decimals."""
        now, before = self.of.value(sums), Before(self.of).value(sums)
        if not isinstance(now, int | Decimal) or not isinstance(before, int | Decimal):
            return None
        difference = EXACT.subtract(Decimal(now), Decimal(before))
        if self.points is not None:
            return EXACT.quantize(EXACT.multiply(difference, Decimal(self.points)), DECIMALS)
        if before <= 0:
            return None
        percent = EXACT.divide(EXACT.multiply(difference, Decimal(100)), Decimal(before))
        return EXACT.quantize(percent, DECIMALS)

    def sql(self, place: Mapping[str, str]) -> str:
        """The same value for ordering, as a float."""
        now, before = self.of.sql(place), Before(self.of).sql(place)
        if self.points is not None:
            return f"({now} - {before})"
        return (
            f"(CASE WHEN {before} > 0 THEN "
            f"CAST({now} - {before} AS DOUBLE) / CAST({before} AS DOUBLE) END)"
        )
