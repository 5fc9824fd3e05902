"""The models of the tables of sums, and the hours that they count by."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

import sql
from resources.engine import Model, Written


def summed(table: str, layer: str = "tables") -> Model:
    """The model of a table of sums: attempts, summed, converted."""
    attempts = Model("tables/attempts")
    return Model("tables/converted", {"attempts": attempts, "sums": Model(f"{layer}/{table}")})


def added(table: str, columns: pa.Schema) -> Model:
    """The model of a table of sums with those of `before`, which has these columns, added up."""
    raw = [columns.field(name) for name in columns.names if name in sql.columns(f"tables/{table}")]
    sums = [f for f in raw if pa.types.is_integer(f.type) or pa.types.is_decimal(f.type)]
    keys = [f.name for f in raw if f not in sums]
    grain, each = ", ".join(keys), ", ".join(f"b.{f.name}" for f in raw)
    same = " AND ".join(f"b.{key} IS NOT DISTINCT FROM a.{key}" for key in keys)
    added_up = ", ".join(f"CAST(SUM({f.name}) AS {_type_of(f)}) AS {f.name}" for f in sums)
    # Of most keys nothing comes, and their rows stay as they are.
    models = {
        "attempts": Model("tables/attempts"),
        "added": Model(f"tables/{table}"),
        "sums": Written(
            f"SELECT {each} FROM before AS b ANTI JOIN added AS a ON {same} UNION ALL "
            f"SELECT {grain}, {added_up} FROM ("
            f"SELECT {each} FROM added AS b UNION ALL "
            f"SELECT {each} FROM before AS b SEMI JOIN added AS a ON {same}"
            f") AS both_sums GROUP BY {grain}"
        ),
    }
    return Model("tables/converted", models)


def _type_of(column: pa.Field) -> str:
    """The SQL type of a sum."""
    if pa.types.is_decimal(column.type):
        return f"DECIMAL({column.type.precision}, {column.type.scale})"
    return "BIGINT"


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
