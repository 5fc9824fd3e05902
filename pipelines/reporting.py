"""Wires reporting to the home: tables of the lake, names of its files, notices of the ledger."""

import tempfile
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from pipelines.assembly import Workplace
from resources.days import DAY_TABLES
from resources.lake import Lake
from resources.reference.accounts import read_customers, read_providers
from resources.reporting.interfaces import AccountNames, DayNotices, Reporting

HOURLY = "breakout_hourly"


@dataclass(frozen=True)
class LakeTables:
    """Finds tables in the lake; the one that is no table is made for the question."""

    workplace: Workplace
    lake: Lake
    # Each is removed with the last answer that needs it, at the latest when the program ends.
    _made: list["tempfile.TemporaryDirectory[str]"] = field(default_factory=list)

    def files(self, table: str, first: date, last: date) -> list[str]:
        """Parquet files of a table for a range of days."""
        if table != HOURLY:
            return self.lake.files(table, first, last)
        folder = tempfile.TemporaryDirectory(prefix="cdr-reports-")
        self._made.append(folder)
        builder = replace(self.workplace.builder, lake=self.lake)
        return builder.breakout_hourly(first, last, Path(folder.name))


def open_reporting(workplace: Workplace, lake: Lake | None = None) -> Reporting:
    """Everything that reports are made from; `lake` is one whose tables are pinned."""
    settings = workplace.settings
    return Reporting(
        tables=LakeTables(workplace, lake or workplace.lake),
        names=AccountNames(read_customers(settings.home), read_providers(settings.home)),
        notices=lambda first, last: day_notices(workplace, first, last),
        timezone=settings.timezone,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        short_call_seconds=settings.short_call_seconds,
    )


def day_notices(workplace: Workplace, first: date, last: date) -> DayNotices:
    """Days of a period that hold nothing, are behind their deliveries, or failed their checks."""
    ledger = workplace.days
    held = set(workplace.lake.days("breakout_daily"))
    failed = ledger.failures()
    stale = {day.day for day in ledger.stale(DAY_TABLES)}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return DayNotices(
        no_data=[day for day in days if day not in held],
        stale=[day for day in days if day in stale and day not in failed],
        failed=[day for day in days if day in failed],
    )
