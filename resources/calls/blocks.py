"""How a day's calls lie in the copy by row, and writing that.

A file is Arrow IPC, a record batch of one row for each section, a row group of `cdrs`:

- `layout`: what its blocks hold, as JSON, see `Column`;
- `blocks`, `sizes`: the blocks, LZ4, and how large each is unpacked. A block holds for one column
  after the other what all its rows have there, then the texts;

and a last one that tells of all:

- `starts`: the first row of each section, and after the last;
- `dictionaries`: for each column that has one its values.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

BLOCK_ROWS = 128
"""Larger ones cost more to read and pack hardly better (118 instead of 120 MB a million calls)."""

SECTION_ROWS = 122_880
"""Rows that share dictionaries, at most: those of a row group as the engine writes it."""

_OF_DICTIONARIES = {"RLE_DICTIONARY", "PLAIN_DICTIONARY", "PLAIN", "RLE", "BIT_PACKED"}
CODEC = pa.Codec("lz4_raw")
_SCHEMA = pa.schema(
    [
        ("layout", pa.string()),
        ("blocks", pa.list_(pa.binary())),
        ("sizes", pa.list_(pa.int32())),
        ("starts", pa.list_(pa.int64())),
        ("dictionaries", pa.list_(pa.list_(pa.string()))),
    ]
)
COLUMNS = b"cdrs"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Column:
    """How a column of a section is stored.

    `kind` is what a row has in its block: `code`, its place in the dictionary, or -1 when it is
    NULL; `text`, where its text ends among those of the block, or -1 less that when it is NULL;
    `number`, its value as a whole number (of a decimal the unscaled one). `dtype` is NumPy's.
    `nulls`: another byte a row behind them says which numbers are not NULL.
    """

    name: str
    kind: str
    dtype: str
    nulls: bool = False

    @cached_property
    def width(self) -> int:
        """Bytes a row."""
        return int(np.dtype(self.dtype).itemsize) + self.nulls


def write_copy(cdrs: str, out: Path) -> None:
    """Writes the copy of a file of `cdrs`. Raises TypeError for a column without place in it."""
    metadata = pq.read_metadata(cdrs)
    schema = metadata.schema.to_arrow_schema().remove_metadata()
    coded = [
        field.name
        for index, field in enumerate(schema)
        if pa.types.is_string(field.type) and _has_dictionaries(metadata, index)
    ]
    with pq.ParquetFile(cdrs, read_dictionary=coded) as file, out.open("wb") as handle:
        described = _SCHEMA.with_metadata({COLUMNS: schema.serialize().to_pybytes()})
        dictionaries: dict[str, pa.Array] = {}
        starts = [0]
        # The next batch is read, which needs no Python, while one is packed.
        with ipc.new_file(handle, described) as writer, ThreadPoolExecutor(1) as reader:
            batches = _batches(file)
            reading = reader.submit(next, batches, None)
            while (batch := reading.result()) is not None:
                reading = reader.submit(next, batches, None)
                writer.write_batch(_packed(*_section(batch, dictionaries)))
                starts.append(starts[-1] + batch.num_rows)
            writer.write_batch(_last(schema, starts, dictionaries))
        handle.flush()
        os.fsync(handle.fileno())


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    for group in range(file.num_row_groups):
        yield from file.iter_batches(SECTION_ROWS, [group])


def _has_dictionaries(metadata: pq.FileMetaData, column: int) -> bool:
    """Whether the reader can hand over a column's dictionaries as they are."""
    return all(
        "RLE_DICTIONARY" in encodings and encodings <= _OF_DICTIONARIES
        for group in range(metadata.num_row_groups)
        for encodings in [set(metadata.row_group(group).column(column).encodings)]
    )


_Texts = list[tuple[memoryview, list[int]]]
"""Of each column of texts all of them, and where those of each block begin, and the last end."""


def _section(
    batch: pa.RecordBatch, dictionaries: dict[str, pa.Array]
) -> tuple[list[Column], Array, _Texts]:
    """The rows of a batch of `cdrs` as what makes up a section: its layout, the fixed part of each
    block, the texts. Adds to the dictionaries what is new in it.
    """
    count = -(-batch.num_rows // BLOCK_ROWS)
    layout: list[Column] = []
    fixed: list[Array] = []
    texts: _Texts = []
    for name, values in zip(batch.schema.names, batch.columns, strict=True):
        nulls = False
        if pa.types.is_dictionary(values.type):
            kind = "code"
            known = dictionaries.get(name, values.dictionary[:0])
            none = pa.DictionaryArray.from_arrays(pa.array([], values.indices.type), known)
            values = pa.chunked_array([none, values]).unify_dictionaries().chunk(1)
            dictionaries[name] = values.dictionary
            numbers = values.indices.fill_null(-1).to_numpy()
        elif pa.types.is_string(values.type):
            kind = "text"
            numbers, text = _ends(values, count)
            texts.append(text)
        else:
            kind = "number"
            numbers = _whole_numbers(values)
            nulls = values.null_count > 0
        numbers = _in_blocks(_narrow(numbers), count)
        layout.append(Column(name, kind, numbers.dtype.str, nulls))
        fixed.append(numbers.view(np.uint8))
        if nulls:
            valid = values.is_valid().to_numpy(zero_copy_only=False)
            fixed.append(_in_blocks(valid, count).view(np.uint8))
    return layout, np.hstack(fixed), texts


def _packed(layout: Sequence[Column], rows: Array, texts: _Texts) -> pa.RecordBatch:
    """A section of what makes it up."""
    blocks, sizes = [], []
    for number in range(len(rows)):
        parts = [data[at[number] : at[number + 1]] for data, at in texts]
        block = b"".join([rows[number], *parts])
        blocks.append(CODEC.compress(block, asbytes=True))
        sizes.append(len(block))
    return pa.RecordBatch.from_pylist(
        [
            {
                "layout": json.dumps([asdict(column) for column in layout]),
                "blocks": blocks,
                "sizes": sizes,
            }
        ],
        _SCHEMA,
    )


def _last(
    schema: pa.Schema, starts: Sequence[int], dictionaries: Mapping[str, pa.Array]
) -> pa.RecordBatch:
    """What the last batch of a file tells of its sections."""
    none = pa.array([], pa.string())
    each = [dictionaries.get(name, none) for name in schema.names]
    lists = pa.ListArray.from_arrays(
        pa.array(np.cumsum([0, *map(len, each)]), pa.int32()),
        pa.concat_arrays(each),
        mask=pa.array([name not in dictionaries for name in schema.names]),
    )
    return pa.RecordBatch.from_arrays(
        [
            pa.nulls(1, _SCHEMA.field("layout").type),
            pa.nulls(1, _SCHEMA.field("blocks").type),
            pa.nulls(1, _SCHEMA.field("sizes").type),
            pa.array([starts], _SCHEMA.field("starts").type),
            pa.ListArray.from_arrays(pa.array([0, len(lists)], pa.int32()), lists),
        ],
        schema=_SCHEMA,
    )


def _ends(values: pa.Array, blocks: int) -> tuple[Array, tuple[memoryview, list[int]]]:
    """Where each text ends among those of its block; all texts, and where each block's begin."""
    _, offsets, data = values.buffers()
    at = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    starts = np.append(at[:-1:BLOCK_ROWS], at[-1])
    ends = at[1:] - np.repeat(starts[:-1], BLOCK_ROWS)[: len(values)]
    if values.null_count:
        ends = np.where(values.is_valid().to_numpy(zero_copy_only=False), ends, -1 - ends)
    return ends, (memoryview(data or b""), starts.tolist())


def _whole_numbers(values: pa.Array) -> Array:
    """Numbers and instants as 64 bits, 0 for NULL; of a decimal the unscaled number."""
    type_ = values.type
    if pa.types.is_decimal128(type_) and type_.precision <= 18:
        halves = np.frombuffer(values.buffers()[1], np.int64)
        numbers = halves[2 * values.offset : 2 * (values.offset + len(values)) : 2]
    elif pa.types.is_integer(type_) or pa.types.is_temporal(type_):
        whole = pa.int64() if type_.bit_width == 64 else pa.int32()
        numbers = np.frombuffer(values.buffers()[1], whole.to_pandas_dtype())
        numbers = numbers[values.offset : values.offset + len(values)]
    else:
        raise TypeError(f"a column of type {type_} cannot be stored by row")
    if values.null_count:
        numbers = np.where(values.is_valid().to_numpy(zero_copy_only=False), numbers, 0)
    return numbers


def _narrow(numbers: Array) -> Array:
    """The same in as few bytes as all of them need."""
    low, high = int(numbers.min()), int(numbers.max())
    for size in (np.int8, np.int16, np.int32):
        if np.iinfo(size).min <= low and high <= np.iinfo(size).max:
            return numbers.astype(size)
    return numbers.astype(np.int64)


def _in_blocks(numbers: Array, blocks: int) -> Array:
    """A block a row; the last one filled up with its last value."""
    missing = blocks * BLOCK_ROWS - len(numbers)
    return np.pad(numbers, (0, missing), mode="edge").reshape(blocks, BLOCK_ROWS)
