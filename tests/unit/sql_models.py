"""The SQL models for unit tests: rows in, rows out, over the reference data in memory.

Records as text go through `sources/connexcs`, `delivered/delivered` and `cdrs/cdrs`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

import sql
from resources.engine import Engine, Model, named
from resources.reference.lookups import lookups
from resources.reference.plan import ReferenceData
from resources.sources import SOURCES
from resources.zones import ahead_of_utc

COLUMNS = (*SOURCES["connexcs"].columns, *SOURCES["connexcs"].optional)
DAY = date(2026, 3, 6)

GOOD = {
    "dt": "2026-03-06 12:00:00", "lrn_number": "", "callid": "a", "dest_cli": "442079460013",
    "dest_number": "447802712292", "duration": "60", "tech_prefix": "", "customer_id": "101",
    "customer_charge": "0.5", "customer_duration": "60", "customer_card_dest_name": "UK Mobile",
    "customer_card_currency": "GBP", "provider_id": "7", "provider_charge": "0.25",
    "provider_duration": "60", "pdd_out": "900", "provider_card_dest_name": "GB Mobile",
    "provider_card_currency": "USD", "release_reason": "", "sip_code": "200", "dtmf": "",
    "branch_idx": "0",
}  # fmt: skip
"""A record that nothing is wrong with."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Models:
    """The SQL models over one connection that holds the reference data."""

    connection: duckdb.DuckDBPyConnection

    def delivered(self, rows: list[dict[str, str]], **parameters: Any) -> list[Row]:
        """What the intake makes of records; columns not given are blank."""
        self._deliver(rows, **parameters)
        return self._rows("SELECT * FROM delivered ORDER BY line")

    def cdrs(self, rows: list[dict[str, str]], dids: tuple[str, ...] = ()) -> list[Row]:
        """The attempts of 2026-03-06 out of records, in the order of the records."""
        self._deliver(rows)
        self.connection.register("dids", pa.table({"digits": pa.array(dids, pa.string())}))
        for name in ("repeated", "verdicts"):
            text = sql.text(f"delivered/{name}")
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS {text}", named(text, {"day": DAY})
            )
        text = sql.text("cdrs/cdrs")
        return self._rows(f"SELECT * FROM ({text}) ORDER BY line", {"day": DAY, "after": 0})

    def _deliver(
        self, rows: list[dict[str, str]], timezone: str = "UTC", **parameters: object
    ) -> None:
        raw = pa.table(
            {
                **{
                    name: pa.array([r.get(name) or None for r in rows], pa.string())
                    for name in COLUMNS
                },
                "file_id": pa.array([1] * len(rows), pa.int64()),
                "line": pa.array(range(2, len(rows) + 2), pa.int64()),
                "raw": pa.array(["text"] * len(rows), pa.string()),
                "refused": pa.nulls(len(rows), pa.string()),
            }
        )
        currencies = pa.table({"currency": ["EUR", "GBP", "USD"]})
        self.connection.register("raw", raw)
        self.connection.register("currencies", currencies)
        frozen = pa.table({"call_date": pa.array([date(2020, 2, 2)], pa.date32())})
        self.connection.register("frozen_days", frozen)
        days = ahead_of_utc(timezone, date(2019, 12, 28), date(2026, 3, 11))
        self.connection.register("zone_days", days)
        model = Model("delivered/delivered", {"mapped": Model("sources/connexcs")})
        values: dict[str, object] = {
            "source": "connexcs",
            "taken_at": "2026-03-07 00:00:00",
            "first_day": date(2020, 1, 1),
            "longest_call": 86400,
        }
        text = model.text()
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE delivered AS {text}", named(text, values | parameters)
        )

    def _rows(self, text: str, parameters: dict[str, object] | None = None) -> list[Row]:
        rows: list[Row] = self.connection.execute(text, parameters).to_arrow_table().to_pylist()
        return rows


@contextmanager
def open_models(home: Path) -> Iterator[Models]:
    """The models over the shipped reference data."""
    engine = Engine("1GB", 2, home / "spill")
    with engine.connect(lookups(engine, ReferenceData(), home)) as connection:
        yield Models(connection)
