"""What reporting asks of the world: files, names of accounts, which days are sound.

Protocols and plain values only. How they are met (Delta, the ledger, CSV files of names) is the
business of whoever wires the program together; nothing here opens anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from resources.calls import CallQuestion, FoundCalls, Side
    from resources.reporting.model import Family

MADE_OF = {
    "breakout_hourly": "cdrs",
    "did_as_cli": "cdrs",
    "dtmf_delivery": "dtmf_hourly",
}
"""What is no stored table but made for a question: the table that it is made of."""


class Tables(Protocol):
    """Finds the Parquet files of a stored table."""

    def files(self, table: str, first: date, last: date) -> list[str]:
        """Paths of the files that hold `table` from `first` to `last`, both included.

        Each path has a hive folder `call_date=YYYY-MM-DD`, or the files that column; days without
        data have no file.
        """
        ...


class Names(Protocol):
    """What ids are called: id -> name. An id without a name shows as the id."""

    @property
    def customers(self) -> Mapping[str, str]:
        """Names of customers by id."""
        ...

    @property
    def providers(self) -> Mapping[str, str]:
        """Names of providers by id."""
        ...

    @property
    def countries(self) -> Mapping[str, str]:
        """Names of countries by their ISO 3166 code."""
        ...

    @property
    def latas(self) -> Mapping[str, str]:
        """Names of LATAs by number."""
        ...


@dataclass(frozen=True)
class HeldNames:
    """Names held in memory."""

    customers: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)
    latas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DayNotices:
    """Days of a period whose figures a reader should not take at face value.

    The calls of `cold` days are in cold storage, those of `gone` ones were dropped: only what is
    made of single calls lacks them.
    """

    no_data: list[date] = field(default_factory=list)
    stale: list[date] = field(default_factory=list)
    failed: list[date] = field(default_factory=list)
    cold: list[date] = field(default_factory=list)
    gone: list[date] = field(default_factory=list)


def unwatched(connection: Any) -> Any:
    """The connection; nobody watches it."""
    return connection


def as_stored(
    table: str,
    files: list[str],
    columns: frozenset[str],
    dated: bool,
    days: tuple[tuple[date, date], ...],
) -> list[str]:
    """The files as they are stored."""
    return files


def no_notices(first: date, last: date) -> DayNotices:
    """Nothing to say about any day."""
    return DayNotices()


@dataclass(frozen=True)
class Quote:
    """What one unit of `currency` is worth on a day in the currency asked for."""

    day: date
    currency: str
    rate: Decimal


class Quotes(Protocol):
    """Exchange rates into any currency."""

    def __call__(self, days: Iterable[date], into: str) -> list[Quote]:
        """The rates of all currencies on the days; those of a day without any are missing."""
        ...


def no_quotes(days: Iterable[date], into: str) -> list[Quote]:
    """No exchange rates but those that the tables were built with."""
    return []


class Numbers(Protocol):
    """Finds calls by their numbers."""

    def ask(
        self,
        numbers: Iterable[str],
        side: Side,
        first: date,
        last: date,
        *,
        customers: Sequence[str],
        providers: Sequence[str],
    ) -> CallQuestion:
        """The question that was meant; raises CallsError."""
        ...

    def find(self, question: CallQuestion) -> AbstractContextManager[FoundCalls]:
        """The calls, usable while the context is open."""
        ...


@dataclass(frozen=True)
class Reporting:
    """Everything a report is made from.

    `timezone` is the reporting time zone (IANA name) that days and hours are of; `memory_limit`
    is DuckDB's (`"1GB"`) and `spill` its folder for what does not fit; `minutes` shows durations to
    people in minutes instead of seconds; `by_id` shows ids in place of names, which filters go on
    knowing. `quotes` gives exchange rates into `currencies`;
    `numbers` finds the calls of the one report that lists them, `reports` are all there are.
    `opened` gets each connection of the engine and gives the one to use, so that whoever waits can
    interrupt it. `summed` may give smaller files for a table's: the same sums, added up over all
    dimension columns but `columns`, and over days unless `dated`; the files are those of the ranges
    of days that follow, and smaller ones may hold other days besides.
    """

    tables: Tables
    names: Names = field(default_factory=HeldNames)
    notices: Callable[[date, date], DayNotices] = no_notices
    quotes: Quotes = no_quotes
    currencies: Collection[str] = frozenset({"USD", "GBP"})
    timezone: str = "UTC"
    memory_limit: str = "1GB"
    threads: int = 2
    spill: str = ""
    short_call_seconds: int = 6
    minutes: bool = False
    by_id: bool = False
    numbers: Numbers | None = None
    reports: Mapping[str, Family] = field(default_factory=dict)
    opened: Callable[[Any], Any] = unwatched
    summed: Callable[
        [str, list[str], frozenset[str], bool, tuple[tuple[date, date], ...]], list[str]
    ] = as_stored
