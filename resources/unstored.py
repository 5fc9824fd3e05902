"""Sums that no table of the lake holds, made for a question: each a list of Parquet files.

`folder` is where these files go, and `builder` says of which lake, by which rules and rates.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from resources.days import DayBuilder
from resources.engine import Model, largest_first
from resources.held import CDRS
from resources.reference.accounts import DIDS
from resources.reference.lookups import own_numbers
from resources.reference.plan import ReferenceData
from resources.reporting.errors import ReportError
from resources.summing import summed


def breakout_hourly(builder: DayBuilder, first: date, last: date, folder: Path) -> list[str]:
    """Breakout's sums by hour too, for a question that no table answers; one file a day."""
    return _summed_by_day(builder, summed("breakout_daily"), first, last, folder, hourly=True)


def did_as_cli(builder: DayBuilder, first: date, last: date, folder: Path) -> list[str]:
    """Sums of the calls whose caller's number is in `dids.csv` as it is now; a file a day.

    Raises ReportError when there are no numbers in it, or no such file, and AccountsError.
    """
    dids = own_numbers(ReferenceData.of_home(builder.home), builder.home)
    if not dids.num_rows:
        raise ReportError(
            f"{DIDS} of the home has no numbers yet: list your own there in a column named number, "
            "one to a line, with country code"
        )
    model = summed("did_as_cli", "reports")
    return _summed_by_day(builder, model, first, last, folder, {"dids": dids})


def dtmf_delivery(builder: DayBuilder, first: date, last: date, folder: Path) -> list[str]:
    """The DTMF delivery check and the savings of a period; one file, with the day in it."""
    hourly = builder.lake.files("dtmf_hourly", first, last)
    if not hourly:
        return []
    out = folder / "delivery.parquet"
    builder.local.run(Model("reports/dtmf_delivery"), {"dtmf_hourly": hourly}, {}, out)
    return [str(out)]


def _summed_by_day(
    builder: DayBuilder,
    model: Model,
    first: date,
    last: date,
    folder: Path,
    inputs: Mapping[str, pa.Table] | None = None,
    hourly: bool = False,
) -> list[str]:
    """Sums over `cdrs` that no table of the lake holds; one file a day that has calls."""
    files = []
    for day in _days(first, last):
        if cdrs := builder.lake.files(CDRS, day, day):
            out = folder / f"call_date={day}" / "sums.parquet"
            builder.local.run(
                model,
                {CDRS: largest_first(cdrs), **builder.rates_and_hours(day), **(inputs or {})},
                {"short_call": builder.rules.short_call_seconds, "hourly": hourly},
                out,
            )
            files.append(str(out))
    return files


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
