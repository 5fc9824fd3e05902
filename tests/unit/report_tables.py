"""Stored tables made by hand for the tests of the reports, small enough to reckon in the head.

day  customer  provider  attempts  connected  duration  charge            cost
06   101       7         10        4          600 s     8 GBP (10 USD)    6 USD
06   102       9          5        1           60 s     1 USD             1.5 USD
07   101       none       2        0            0 s     0 GBP             0
08   103       7          3        3           90 s     none              none
all                      20        8          750 s     11 USD            7.5 USD
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from resources.reporting.interfaces import DayNotices, HeldNames, Reporting
from resources.reporting.period import Period

DAYS = Period(date(2026, 3, 6), date(2026, 3, 8))
GENERATED = datetime(2026, 3, 9, 6, 30, tzinfo=UTC)
NAMES = HeldNames(
    customers={"101": "<b>Nimbus</b>", "102": "=cmd()|calc", "104": 'Doe, "JD" & Sons'},
    providers={"7": "Tierone", "9": "Budget Routes"},
)

TEXTS = (
    "customer_id provider_id customer_destination provider_destination customer_currency "
    "provider_currency tech_prefix direction sip_code release_reason country carrier"
).split()
COUNTS = (
    "attempts calls connected short_calls ner_attempts pdd_attempts dtmf_calls dtmf_digits "
    "stale_rate_attempts"
).split()
TIMES = "duration customer_duration provider_duration pdd_sum".split()
OWN = "customer_charge provider_charge".split()
CONVERTED = (
    "customer_charge_usd customer_charge_gbp provider_charge_usd provider_charge_gbp"
).split()
HOURLY = (
    "customer_id provider_id customer_destination provider_destination customer_currency "
    "provider_currency"
).split()


def row(
    day: int,
    customer: str,
    provider: str | None,
    attempts: int,
    connected: int,
    duration: str,
    **rest: Any,
) -> dict[str, Any]:
    """A stored row of March 2026; what is not said is 0, or blank for a text."""
    found: dict[str, Any] = dict.fromkeys(TEXTS)
    found |= dict.fromkeys(COUNTS, 0) | dict.fromkeys([*TIMES, *OWN, *CONVERTED], Decimal(0))
    found |= {"call_date": date(2026, 3, day), "hour": datetime(2026, 3, day, 22, tzinfo=UTC)}
    found |= {"customer_id": customer, "provider_id": provider}
    found |= {"attempts": attempts, "calls": attempts, "connected": connected}
    found |= dict.fromkeys(TIMES[:3], Decimal(duration))
    return found | {k: Decimal(v) if isinstance(v, str) and k not in TEXTS else v
                    for k, v in rest.items()}  # fmt: skip


ROWS = [
    row(6, "101", "7", 10, 4, "600", calls=9, short_calls=1, ner_attempts=8,
        customer_destination="UK Mobile", provider_destination="UK Mob",
        customer_currency="GBP", provider_currency="USD", sip_code="200",
        customer_charge="8", customer_charge_usd="10", customer_charge_gbp="8",
        provider_charge="6", provider_charge_usd="6", provider_charge_gbp="4.8",
        pdd_sum="20000", pdd_attempts=8, dtmf_calls=1, dtmf_digits=5),
    row(6, "102", "9", 5, 1, "60", ner_attempts=2,
        customer_destination="+44 Mobile", provider_destination="UK Mob",
        customer_currency="USD", provider_currency="USD", sip_code="200",
        customer_charge="1", customer_charge_usd="1", customer_charge_gbp="0.8",
        provider_charge="1.5", provider_charge_usd="1.5", provider_charge_gbp="1.2"),
    row(7, "101", None, 2, 0, "0", customer_currency="GBP", sip_code="503",
        customer_destination="UK Mobile"),
    row(8, "103", "7", 3, 3, "90", ner_attempts=3, stale_rate_attempts=2,
        **dict.fromkeys([*OWN, *CONVERTED])),
]  # fmt: skip


class FolderTables:
    """Tables as Parquet files in hive folders; remembers which tables were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def files(self, table: str, first: date, last: date) -> list[str]:
        self.asked.append(table)
        found = sorted((self.folder / table).glob("call_date=*/*.parquet"))
        return [str(path) for path in found if str(first) <= path.parent.name[10:] <= str(last)]

    def add(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Writes rows as the files of a table, a file to a day."""
        for day in sorted({row["call_date"] for row in rows}):
            folder = self.folder / table / f"call_date={day}"
            folder.mkdir(parents=True)
            today = [row for row in rows if row["call_date"] == day]
            pq.write_table(pa.Table.from_pylist(today, schema(table)), folder / "part.parquet")


def schema(table: str) -> pa.Schema:
    """The columns of a stored table; `call_date` is in the folder's name."""
    hourly = [("hour", pa.timestamp("us", tz="UTC"))] if table != "breakout_daily" else []
    texts = HOURLY if table == "dtmf_hourly" else TEXTS
    return pa.schema(
        [
            *hourly,
            *((name, pa.string()) for name in texts),
            *((name, pa.int64()) for name in COUNTS),
            *((name, pa.decimal128(38, 3)) for name in TIMES),
            *((name, pa.decimal128(38, 8)) for name in OWN),
            *((name, pa.decimal128(38, 12)) for name in CONVERTED),
        ]
    )


def reporting(folder: Path, rows: Sequence[dict[str, Any]] = ROWS, **parts: Any) -> Reporting:
    """Reporting over the rows by day and by hour."""
    tables = FolderTables(folder)
    for table in ("breakout_daily", "dtmf_hourly", "breakout_hourly"):
        tables.add(table, rows)
    return Reporting(tables=tables, names=NAMES, **parts)


def some_notices(first: date, last: date) -> DayNotices:
    """A day of each kind."""
    return DayNotices([date(2026, 3, 5), date(2026, 3, 7)], [date(2026, 3, 8)], [date(2026, 3, 6)])
