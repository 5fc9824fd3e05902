"""What the days of the lake hold, added up: to be told, and to be held against each other."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from resources.calls.index import CALL_NUMBERS, unindexed
from resources.calls.store import CallStore
from resources.engine import Engine, ModelEngine, values
from resources.lake import Lake
from resources.ledger import Days

CDRS = "cdrs"
TABLES = ("breakout_daily", "dtmf_hourly", "usa_calls_daily", "usa_rate_center_daily")
"""The tables of sums, each `sql/tables/<name>.sql`."""


@dataclass(frozen=True)
class Held:
    """Adds up days of the lake: calls with `engine`, sums, which are few, with `local`."""

    engine: ModelEngine
    local: Engine
    lake: Lake
    days: Days
    call_store: CallStore

    def reconcile(self, table: str, day: date) -> list[str]:
        """Where a table's attempts, durations and charges differ from those of `cdrs`; exactly.

        Of a day whose calls have left the lake: from what they were when they left.
        """
        cold = self.days.cold.out_of_the_lake().get(day)
        if table == CALL_NUMBERS and cold is not None:
            return []
        if table == CALL_NUMBERS:
            cdrs, indexes = (self.lake.files(name, day, day) for name in (CDRS, CALL_NUMBERS))
            differences = unindexed(cdrs, indexes) + self.call_store.missing(cdrs)
            return [f"{CALL_NUMBERS} {day}: {difference}" for difference in differences]
        wanted = self._sums_of_cdrs(day) if cold is None else cold.sums
        differences = []
        for side in _sides(table):
            found = self.sums(table, day, side)
            for key in sorted({*wanted, *found}, key=str):
                if wanted.get(key) != found.get(key):
                    label = f"{table} {day}{f' {side}' if side else ''}, currencies {key}"
                    differences.append(f"{label}: {found.get(key)} instead of {wanted.get(key)}")
        return differences

    def _sums_of_cdrs(self, day: date) -> dict[Any, Any]:
        """The same for each table that is held against them, while the day's files are the same."""
        files = tuple(self.lake.files(CDRS, day, day))
        if files not in self._known_sums:
            self._known_sums[files] = self.sums(CDRS, day)
        return self._known_sums[files]

    @cached_property
    def _known_sums(self) -> dict[tuple[str, ...], dict[Any, Any]]:
        return {}

    def sums(self, table: str, day: date, side: str | None = None) -> dict[Any, Any]:
        """Attempts, durations and charges of a table's day, by customer and provider currency."""
        return self.sums_of(self.lake.files(table, day, day), table == CDRS, side)

    def sums_of(
        self, files: list[str], calls: bool = True, side: str | None = None
    ) -> dict[Any, Any]:
        """The same of files: of `calls`, or of sums already."""
        if not files:
            return {}
        count = "COUNT(*)" if calls else "CAST(SUM(attempts) AS BIGINT)"
        where = "WHERE side = $side" if side else ""
        text = f"""
            SELECT customer_currency, provider_currency, {count}, SUM(duration),
                SUM(customer_duration), SUM(provider_duration),
                SUM(customer_charge), SUM(provider_charge)
            FROM sums {where} GROUP BY customer_currency, provider_currency"""
        with self._reader(calls).session({"sums": files}) as session:
            rows = values(session.rows(text, {"side": side}))
        return {(row[0], row[1]): row[2:] for row in rows}

    def totals(
        self, table: str, files: list[str]
    ) -> tuple[int, dict[str, Decimal], dict[str, Decimal]]:
        """Attempts and charges by currency of a day's files."""
        sums = self.sums_of(files, table == CDRS, _sides(table)[0])
        charges: tuple[dict[str, Decimal], dict[str, Decimal]] = ({}, {})
        for key, (*_, customer, provider) in sorted(sums.items(), key=str):
            for found, currency, amount in zip(charges, key, (customer, provider), strict=True):
                if currency and amount:
                    found[currency] = found.get(currency, Decimal(0)) + amount
        return (sum(row[0] for row in sums.values()), *charges)

    def _reader(self, calls: bool) -> ModelEngine:
        """What adds calls up, or sums: sums of sums are little work."""
        return self.engine if calls else self.local


def _sides(table: str) -> tuple[str | None, ...]:
    """Where a table holds each attempt several times, by which values of its column `side`."""
    return ("origin", "destination") if table == "usa_rate_center_daily" else (None,)
