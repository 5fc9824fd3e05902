"""Rows as an Arrow stream for the page, with all that it must know of them in the schema.

Figures other than counts are floats here, each the nearest to a figure that was reckoned exactly:
for showing, never for adding up.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.files import day_or_time, plain
from resources.reporting.model import Column, Kind, Measure
from resources.reporting.pivot import Pivot

TYPE = "application/vnd.apache.arrow.stream"
KEY = "cdr-reports"
_BATCH = 10_000


def described(column: Column, *, minutes: bool) -> dict[str, Any]:
    """What a page must know of a column."""
    measure = column if isinstance(column, Measure) else None
    return {
        "name": column.name,
        "title": column.title,
        "heading": words.heading(column, minutes=minutes),
        "kind": column.kind.value,
        "unit": words.unit(column, minutes=minutes),
        "definition": column.definition,
        "currency": measure.currency if measure else "",
        "per_currency": measure is not None and measure.per_currency,
        "additive": measure is not None and measure.formula.additive,
        "instead": measure.instead if measure else None,
        "beside": measure.beside if measure else None,
        "dimension": measure is None,
    }


def pivot_stream(pivot: Pivot, meta: Mapping[str, Any]) -> bytes:
    """The rows of a pivot."""
    rows = pivot.rows
    fields = [
        pa.field("_depth", pa.int8()), pa.field("_split", pa.int8()), pa.field("_loss", pa.bool_()),
        *(pa.field(c.name, _type(c)) for c in pivot.columns),
    ]  # fmt: skip
    arrays = [
        pa.array([row.depth for row in rows], pa.int8()),
        pa.array([row.split for row in rows], pa.int8()),
        pa.array([row.loss for row in rows], pa.bool_()),
        *_arrays(pivot.columns, [row.values for row in rows]),
    ]
    schema = pa.schema(fields, metadata={KEY: json.dumps(meta, ensure_ascii=False)})
    return _written(schema, [pa.record_batch(arrays, schema=schema)])


def table_stream(
    columns: Sequence[Column], rows: Iterable[Sequence[Value]], meta: Mapping[str, Any]
) -> bytes:
    """Plain rows, such as calls."""
    schema = pa.schema(
        [pa.field(c.name, _type(c)) for c in columns],
        metadata={KEY: json.dumps(meta, ensure_ascii=False)},
    )
    arrays = _arrays(columns, list(rows))
    return _written(schema, [pa.record_batch(arrays, schema=schema)] if columns else [])


def exact(value: Value) -> str | None:
    """A figure as text, exactly."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return plain(value) if isinstance(value, int | Decimal) else day_or_time(value)


def _written(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> bytes:
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, schema) as writer:
        for batch in _cut(batches):
            writer.write_batch(batch)
    return stream.getvalue()


def _cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH):
            yield batch.slice(start, _BATCH)


def _type(column: Column) -> pa.DataType:
    match column.kind:
        case Kind.TEXT | Kind.HOUR | Kind.CLOCK | Kind.TIME:
            return pa.string()
        case Kind.FLAG:
            return pa.bool_()
        case Kind.DATE:
            return pa.date32()
        case Kind.COUNT:
            return pa.int64()
        case _:
            return pa.float64()


def _arrays(columns: Sequence[Column], rows: Sequence[Sequence[Value]]) -> list[pa.Array]:
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    pairs = zip(columns, values, strict=True)
    return [pa.array(_values(column, each), _type(column)) for column, each in pairs]


def _values(column: Column, values: Iterable[Value]) -> Iterable[Any]:
    """A column's values as Arrow takes them."""
    if column.kind is Kind.COUNT:
        return (None if v is None else int(v) for v in values)  # type: ignore[arg-type]
    if pa.types.is_floating(_type(column)):
        return (None if v is None else float(v) for v in values)  # type: ignore[arg-type]
    return (day_or_time(v) if isinstance(v, datetime) else v for v in values)
