"""What reporting asks of the world: files, names of accounts, which days are sound.

Protocols and plain values only. How they are met (Delta, the ledger, CSV files of names) is the
business of whoever wires the program together; nothing here opens anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol


class Tables(Protocol):
    """Finds the Parquet files of a stored table."""

    def files(self, table: str, first: date, last: date) -> list[str]:
        """Paths of the files that hold `table` from `first` to `last`, both included.

        Each path has a hive folder `call_date=YYYY-MM-DD`; days without data have no file.
        """
        ...


class Names(Protocol):
    """What customers and providers are called: id -> name. An id without a name shows as the id."""

    @property
    def customers(self) -> Mapping[str, str]:
        """Names of customers by id."""
        ...

    @property
    def providers(self) -> Mapping[str, str]:
        """Names of providers by id."""
        ...


@dataclass(frozen=True)
class AccountNames:
    """Names held in memory."""

    customers: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DayNotices:
    """Days of a period whose figures a reader should not take at face value."""

    no_data: list[date] = field(default_factory=list)
    stale: list[date] = field(default_factory=list)
    failed: list[date] = field(default_factory=list)


def no_notices(first: date, last: date) -> DayNotices:
    """Nothing to say about any day."""
    return DayNotices()


@dataclass(frozen=True)
class Reporting:
    """Everything a report is made from.

    `timezone` is the reporting time zone (IANA name) that days and hours are of; `memory_limit`
    is DuckDB's (`"1GB"`); `minutes` shows durations to people in minutes instead of seconds.
    """

    tables: Tables
    names: Names = field(default_factory=AccountNames)
    notices: Callable[[date, date], DayNotices] = no_notices
    timezone: str = "UTC"
    memory_limit: str = "1GB"
    threads: int = 2
    short_call_seconds: int = 6
    minutes: bool = False
