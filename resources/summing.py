"""The models of the tables of sums, and the hours that they count by."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from resources.engine import Model


def summed(table: str, layer: str = "tables") -> Model:
    """The model of a table of sums: attempts, summed, converted."""
    attempts = Model("tables/attempts")
    return Model("tables/converted", {"attempts": attempts, "sums": Model(f"{layer}/{table}")})


def hours_of(start: datetime, end: datetime, zone: ZoneInfo) -> pa.Table:
    """Each quarter hour (since 1970) of a day and the instant at which its local hour begins.

    Every zone's offset is a multiple of a quarter hour, so this is exact for all of them.
    """
    quarters, hours = [], []
    for quarter in range(int(start.timestamp()) // 900, int(end.timestamp()) // 900):
        instant = datetime.fromtimestamp(quarter * 900, UTC)
        local = instant.astimezone(zone)
        quarters.append(quarter)
        hours.append(instant - timedelta(minutes=local.minute))
    return pa.table(
        {
            "quarter": pa.array(quarters, pa.int64()),
            "hour": pa.array(hours, pa.timestamp("us", tz="UTC")),
        }
    )
