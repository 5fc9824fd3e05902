"""Wires reporting to the home: tables of the lake, names of its files, notices of the ledger."""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from pipelines.assembly import Workplace
from resources.calls import CallQuestion, FoundCalls, Side, ask, find_calls
from resources.days import DayBuilder
from resources.held import CDRS, TABLES
from resources.lake import Lake
from resources.ledger.files import of_other_zone
from resources.lost import lost_to_reports
from resources.reference.accounts import DIDS, read_customers, read_providers
from resources.reference.names import country_names, lata_names
from resources.reference.plan import ReferenceData
from resources.reference.rates import Rates, table_in_force
from resources.reporting.errors import ReportError
from resources.reporting.interfaces import MADE_OF, DayNotices, Quote, Reporting
from resources.reporting.reports import ReportsInForce, reports_in_force
from resources.state import state_of
from resources.unstored import breakout_hourly, did_as_cli, dtmf_delivery

Maker = Callable[[DayBuilder, date, date, Path], list[str]]

_MAKERS: dict[str, Maker] = {
    "breakout_hourly": breakout_hourly,
    "did_as_cli": did_as_cli,
    "dtmf_delivery": dtmf_delivery,
}


@dataclass(frozen=True)
class LakeTables:
    """Finds tables in the lake; those that are no tables are made for the question, once."""

    workplace: Workplace
    lake: Lake
    # By what they were made of, so that no day that is published anew, and no other own numbers or
    # exchange rates, are answered from before.
    # Each is removed with the last answer that needs it, at the latest when the program ends.
    made: dict[tuple[str, ...], tuple["tempfile.TemporaryDirectory[str]", list[str]]] = field(
        default_factory=dict
    )

    def files(self, table: str, first: date, last: date) -> list[str]:
        """Parquet files of a table for a range of days."""
        lake = self.lake
        if table not in MADE_OF:
            return lake.files(table, first, last)
        make = _MAKERS[table]
        home = self.workplace.settings.home
        by = (f"{path} {state_of(path)}" for path in (home / DIDS, table_in_force(home)))
        key = (table, str(first), *by, *lake.files(MADE_OF[table], first, last))
        if key not in self.made:
            folder = tempfile.TemporaryDirectory(prefix="cdr-reports-")
            builder = replace(self.workplace.builder, lake=lake, rates=self.workplace.rates)
            found = make(builder, first, last, Path(folder.name))
            self.made[key] = (folder, found)
        return self.made[key][1]


@dataclass(frozen=True)
class LakeNumbers:
    """Finds the calls of numbers in the lake."""

    workplace: Workplace
    lake: Lake

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
        """The question that was meant, by the number plan in force."""
        plan = ReferenceData.of_home(self.workplace.settings.home).load_area_codes()
        return ask(numbers, side, first, last, plan, customers=customers, providers=providers)

    def find(self, question: CallQuestion) -> AbstractContextManager[FoundCalls]:
        """The calls, read while the context is open."""
        workplace = self.workplace
        store, timezone = workplace.call_store, workplace.settings.timezone
        return find_calls(workplace.engine, self.lake, store, timezone, question)


@dataclass(frozen=True)
class HomeNames:
    """Names by the home's files and the reference data in force, each read when it is needed."""

    home: Path

    @cached_property
    def customers(self) -> dict[str, str]:
        """Names of customers by id."""
        return read_customers(self.home)

    @cached_property
    def providers(self) -> dict[str, str]:
        """Names of providers by id."""
        return read_providers(self.home)

    @cached_property
    def countries(self) -> dict[str, str]:
        """Names of countries by their ISO 3166 code."""
        return country_names(ReferenceData.of_home(self.home))

    @cached_property
    def latas(self) -> dict[str, str]:
        """Names of LATAs by number."""
        return lata_names(ReferenceData.of_home(self.home))


@dataclass(frozen=True)
class HomeCurrencies(Collection[str]):
    """The currencies that have exchange rates, which take their time to be read."""

    workplace: Workplace

    @cached_property
    def _codes(self) -> set[str]:
        return self.workplace.rates.currencies(self.workplace.settings.first_day)

    def __contains__(self, code: object) -> bool:
        return code in self._codes

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes)

    def __len__(self) -> int:
        return len(self._codes)


def open_reporting(
    workplace: Workplace, lake: Lake | None = None, reports: ReportsInForce | None = None
) -> Reporting:
    """Everything that reports are made from; `lake` is one whose tables are pinned.

    `reports` are those in force, where they were read already. Raises ReportError when the days are
    those of another time zone.
    """
    settings = workplace.settings
    if why := of_other_zone(workplace.files.fact("timezone"), settings.timezone):
        raise ReportError(why)
    return Reporting(
        tables=LakeTables(workplace, lake or workplace.lake),
        names=HomeNames(settings.home),
        notices=lambda first, last: day_notices(workplace, first, last),
        quotes=lambda days, into: quotes(workplace.rates, days, into),
        currencies=HomeCurrencies(workplace),
        timezone=settings.timezone,
        memory_limit=settings.memory_limit,
        threads=settings.threads,
        spill=str(settings.home / "spill"),
        short_call_seconds=settings.short_call_seconds,
        minutes=settings.duration_unit == "minutes",
        numbers=LakeNumbers(workplace, lake or workplace.lake),
        reports=reports_in_force(settings.home) if reports is None else reports,
    )


def quotes(rates: Rates, days: Iterable[date], into: str) -> list[Quote]:
    """The exchange rates of all currencies into one, by day; none on a day on which that one is
    quoted no more, or not yet.
    """
    return [
        Quote(day, currency, rate)
        for day in dict.fromkeys(days)
        if rates.is_quoted(into, day)
        for currency in sorted({*rates.quotes, "EUR"})
        if (rate := rates.cross(currency, into, day)) is not None
    ]


def day_notices(workplace: Workplace, first: date, last: date) -> DayNotices:
    """Days of a period that hold nothing, are behind their deliveries, or failed their checks."""
    ledger = workplace.days
    held = set(workplace.lake.days("breakout_daily"))
    failed = ledger.failures()
    # An index that is missing makes no figure wrong.
    stale = {day.day for day in ledger.stale((CDRS, *TABLES))}
    stale |= lost_to_reports(workplace.lake, ledger)
    cold = ledger.cold.out_of_the_lake()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return DayNotices(
        no_data=[day for day in days if day not in held],
        stale=[day for day in days if day in stale and day not in failed],
        failed=[day for day in days if day in failed],
        cold=[day for day in days if day in cold and not cold[day].drops],
        gone=[day for day in days if day in cold and cold[day].drops],
    )
