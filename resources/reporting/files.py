"""Renderers for machines: CSV, JSON and Parquet, which hold the rows only.

Names are machine names, numbers are exact, missing values are empty or null. Nothing is worded or
rounded for people here.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import IO, TYPE_CHECKING

from resources.reporting.arithmetic import Value
from resources.reporting.figures import Table
from resources.reporting.model import Column, Kind, Measure

if TYPE_CHECKING:
    import pyarrow

_BATCH, _GROUP = 2_048, 8
"""Rows that are Python objects at once, and how many such batches make a Parquet row group."""

_RISKY = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")


def neutral(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


def plain(number: int | Decimal) -> str:
    """A number exactly, without exponent and without needless zeros."""
    if isinstance(number, int):
        return str(number)
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def write_csv(table: Table, stream: IO[str]) -> None:
    """UTF-8 CSV after RFC 4180 with a header; the stream must not translate line ends."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(column.name for column in table.shown_columns)
    shown = table.shown
    writer.writerows([_csv_cell(value) for value in row[:shown]] for row in table.each())


def write_json(table: Table, stream: IO[str]) -> None:
    """A JSON list of objects, a row to a line; decimals are numbers, printed exactly."""
    keys = [json.dumps(column.name) for column in table.shown_columns]
    stream.write("[")
    for n, row in enumerate(table.each()):
        cells = (f"{key}: {_json_cell(v)}" for key, v in zip(keys, row, strict=False))
        stream.write(("," if n else "") + "\n{" + ", ".join(cells) + "}")
    stream.write("\n]\n")


def write_parquet(table: Table, stream: IO[bytes]) -> None:
    """A Parquet file: counts are int64, other figures decimals, dates dates, hours local text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(c.name, _arrow_type(c)) for c in table.shown_columns])
    rows = table.each()

    def batches() -> Iterator[pyarrow.RecordBatch]:
        while batch := list(islice(rows, _BATCH)):
            arrays = [
                pa.array([row[n] for row in batch], type=field.type)
                for n, field in enumerate(schema)
            ]
            yield pa.record_batch(arrays, schema=schema)

    made = batches()
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        while group := list(islice(made, _GROUP)):
            writer.write_table(pa.Table.from_batches(group, schema=schema))


def _arrow_type(column: Column) -> pyarrow.DataType:
    import pyarrow as pa

    match column.kind:
        case Kind.TEXT | Kind.HOUR | Kind.CLOCK:
            return pa.string()
        case Kind.TIME:
            return pa.timestamp("us", tz="UTC")
        case Kind.FLAG:
            return pa.bool_()
        case Kind.DATE:
            return pa.date32()
        case Kind.COUNT:
            return pa.int64()
        case Kind.SECONDS if isinstance(column, Measure) and column.formula.additive:
            return pa.decimal128(38, 3)
        case Kind.MONEY if isinstance(column, Measure) and column.per_currency:
            return pa.decimal128(38, 8)
        case Kind.MONEY if isinstance(column, Measure) and column.formula.additive:
            # A charge of 8 places times a rate of 13: cutting it would lose what CSV has.
            return pa.decimal128(38, 21)
        case Kind.ESTIMATE:
            # Calls times a share of 18 places, as CSV has them.
            return pa.decimal128(38, 18)
        case _:
            return pa.decimal128(38, 12)


def _csv_cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, bool):
        return str(value).lower()
    return day_or_time(value) if isinstance(value, date) else plain(value)


def day_or_time(value: date) -> str:
    """`YYYY-MM-DD`, or an instant as the contract writes it: UTC `YYYY-MM-DD HH:MM:SS.fff`."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    return value.isoformat()


def _json_cell(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    return f'"{day_or_time(value)}"' if isinstance(value, date) else plain(value)
