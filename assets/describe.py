"""How assets tell of themselves in the UI: descriptions and columns out of the SQL, figures."""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

import sql
from resources.days import BuiltDay
from resources.lake import DAY, Lake

OWNERS = ["team:billing"]
KINDS = {"duckdb", "deltalake", "sql"}


def code_version(*models: str) -> str:
    """Changes when any of the SQL models does."""
    text = "\n".join(sql.text(model) for model in models)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def column_schema(files: Sequence[str], *models: str) -> dg.TableSchema:
    """The columns as the newest file has them, with the comments that the SQL models give them."""
    comments: dict[str, str] = {}
    for model in models:
        comments |= sql.columns(model)
    try:
        fields = list(pq.read_schema(files[-1])) if files else []
    except (OSError, pa.ArrowInvalid):  # it is damaged, which is told by who looks for that
        fields = []
    return dg.TableSchema(
        [
            dg.TableColumn(field.name, str(field.type), description=comments.get(field.name))
            for field in fields
        ]
    )


def table_metadata(lake: Lake, table: str, *models: str) -> dict[str, Any]:
    """What the UI shows of a day table as a whole, also when the days just built are empty."""
    schema = column_schema(lake.newest_files(table), *models)
    if not schema.columns:
        return {}
    # The day is the name of the folder, not a column of the files.
    day = dg.TableColumn(DAY, "date32[day]", description="The call date, in the reporting zone")
    columns = [day, *(column for column in schema.columns if column.name != DAY)]
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "table": dg.MetadataValue.path(lake.where(table)),
    }


def money(charges: Mapping[str, Decimal]) -> str:
    """`12.34 EUR, 5.00 USD`; a dash for none."""
    return ", ".join(f"{amount:,.4f} {currency}" for currency, amount in charges.items()) or "–"


def day_metadata(built: BuiltDay) -> dict[str, Any]:
    """What the UI shows of one day of a table."""
    return {
        "dagster/partition_row_count": built.rows,
        "attempts": built.attempts,
        "customer charge": money(built.customer_charges),
        "provider charge": money(built.provider_charges),
        "seconds": round(built.seconds, 2),
        "lake version": built.lake_version,
    }
