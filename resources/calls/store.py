"""A copy of each day's calls in which single ones can be read: writing it, and reading rows.

A row of a Parquet file costs the reading of its whole row group. Here a day lies in blocks of
`BLOCK_ROWS` rows, each packed as a whole, so that a row costs some kilobytes. A day's file is
derived from its file of `cdrs`, bears its name and is good for that one only: a day whose file is
missing or of an older one is read from `cdrs`, which is slower and gives the same. The files are
of this machine, on a disk that can be mapped into memory, and are no part of the lake.

A file is Arrow IPC, a record batch of one row for each section, a row group of `cdrs`:

- `layout`: what its blocks hold, as JSON, see `_Column`;
- `blocks`, `sizes`: the blocks, LZ4, and how large each is unpacked. A block holds for one column
  after the other what all its rows have there, then the texts;

and a last one that tells of all:

- `starts`: the first row of each section, and after the last;
- `dictionaries`: for each column that has one its values.
"""

import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from resources.calls.index import day_of

BLOCK_ROWS = 128
"""Larger ones cost more to read and pack hardly better (118 instead of 120 MB a million calls)."""

SECTION_ROWS = 122_880
"""Rows that share dictionaries, at most: those of a row group as the engine writes it."""

FORMAT = 1
"""Changes with all that a reader relies on, `BLOCK_ROWS` too: files of others are then missing."""

_FEW = 8
"""Of fewer rows each is looked up, which is then quicker than all at once."""

_OF_DICTIONARIES = {"RLE_DICTIONARY", "PLAIN_DICTIONARY", "PLAIN", "RLE", "BIT_PACKED"}
_CODEC = pa.Codec("lz4_raw")
_SCHEMA = pa.schema(
    [
        ("layout", pa.string()),
        ("blocks", pa.list_(pa.binary())),
        ("sizes", pa.list_(pa.int32())),
        ("starts", pa.list_(pa.int64())),
        ("dictionaries", pa.list_(pa.list_(pa.string()))),
    ]
)
_COLUMNS = b"cdrs"
_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Column:
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


@dataclass(frozen=True)
class CallStore:
    """The files of all days, in a folder of this machine."""

    folder: Path

    def path(self, cdrs: str) -> Path:
        """Where the copy of a file of `cdrs` is, or would be."""
        return self.folder / f"{day_of(cdrs)}-{Path(cdrs).stem}-{FORMAT}.arrow"

    def write(self, cdrs: str) -> None:
        """Writes the copy of a file of `cdrs`. It is whole or not there, whatever dies."""
        staging = self.folder / "_staging"
        staging.mkdir(parents=True, exist_ok=True)
        for left in staging.iterdir():  # by a process that died
            if time.time() - left.stat().st_mtime > 86400:
                left.unlink(missing_ok=True)
        staged = staging / uuid.uuid4().hex
        try:
            _write(cdrs, staged)
            staged.replace(self.path(cdrs))
        finally:
            staged.unlink(missing_ok=True)

    def keep(self, day: date, cdrs: Sequence[str]) -> None:
        """Removes the copies of a day but those of these files of `cdrs`.

        Who is reading one reads it to the end.
        """
        wanted = {self.path(file) for file in cdrs}
        for path in set(self.folder.glob(f"{day}-*.arrow")) - wanted:
            path.unlink(missing_ok=True)

    def days(self) -> set[date]:
        """The days of which there are copies."""
        return {
            date.fromisoformat(path.name[:10]) for path in self.folder.glob("????-??-??-*.arrow")
        }

    def missing(self, cdrs: Sequence[str]) -> list[str]:
        """How the copies fall short of these files of `cdrs`, in words; told by counts alone."""
        differences = []
        for file in cdrs:
            day, rows = self.open(file), pq.read_metadata(file).num_rows
            if day is None:
                differences.append(f"{Path(file).name} has no copy by row")
            elif day.row_count != rows:
                differences.append(f"{day.row_count:,} rows by row instead of {rows:,}")
        return differences

    def open(self, cdrs: str) -> "StoredDay | None":
        """The copy of a file of `cdrs`, or None when there is none that can be read."""
        try:
            return StoredDay(self.path(cdrs))
        except (OSError, pa.ArrowException):
            return None


class StoredDay:
    """The copy of one file of `cdrs`, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Raises OSError or ArrowException when the file is not there or not whole."""
        self._file = ipc.open_file(pa.memory_map(str(path)))
        self.schema = ipc.read_schema(pa.py_buffer(self._file.schema.metadata[_COLUMNS]))
        """Names and types of the columns, as in the file of `cdrs`."""
        last = self._file.get_batch(self._file.num_record_batches - 1)
        self._starts = last["starts"].values.to_numpy()
        self._dictionaries = list(last["dictionaries"].values)

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return int(self._starts[-1])

    def pick(self, rows: Sequence[int], picked: "_Picked") -> None:
        """Adds rows by their number in the file of `cdrs`, ascending, each once."""
        wanted = np.asarray(rows, np.int64)
        first = picked.count
        ends = np.searchsorted(wanted, self._starts).tolist()
        for section, (start, end) in enumerate(pairwise(ends)):
            if start < end:
                self._pick(section, wanted[start:end] - self._starts[section], picked)
        for index, dictionary in enumerate(self._dictionaries):
            if (values := dictionary.values) is not None:
                codes = picked.numbers[index, first : picked.count]
                if len(codes) < _FEW:
                    found = [values[code].as_py() if code >= 0 else None for code in codes.tolist()]
                else:
                    known = values.take(pa.array(codes, mask=codes < 0))
                    found = known.to_numpy(zero_copy_only=False).tolist()
                picked.texts[index] += found

    def _pick(self, section: int, rows: _Array, picked: "_Picked") -> None:
        """Adds what the blocks have of some rows of a section."""
        batch = self._file.get_batch(section)
        layout = _layout(batch["layout"][0].as_py())
        packed, sizes = batch["blocks"].values, batch["sizes"].values
        blocks, block = np.unique(rows // BLOCK_ROWS, return_inverse=True)
        within = rows % BLOCK_ROWS
        unpacked = [
            _CODEC.decompress(packed[number].as_buffer(), sizes[number].as_py(), asbytes=True)
            for number in blocks.tolist()
        ]
        width = sum(column.width for column in layout) * BLOCK_ROWS
        fixed = np.stack([np.frombuffer(one, np.uint8, width) for one in unpacked])
        places = slice(picked.count, picked.count + len(rows))
        picked.count += len(rows)
        texts_at = np.full(len(blocks), width, np.int64)
        first = 0
        for index, column in enumerate(layout):
            end = first + BLOCK_ROWS * (column.width - column.nulls)
            numbers = fixed[:, first:end].view(column.dtype)
            picked.numbers[index, places] = found = numbers[block, within]
            if column.nulls:
                valid = fixed[:, end : end + BLOCK_ROWS].view(bool)
                picked.valid[index, places] = valid[block, within]
            elif column.kind != "number":
                picked.valid[index, places] = found >= 0
            if column.kind == "text":
                before = np.where(within > 0, numbers[block, within - 1], 0)
                base = texts_at[block]
                where = (block, base + _unsigned(before), base + _unsigned(found))
                picked.texts[index] += [
                    unpacked[b][s:e] for b, s, e in zip(*(w.tolist() for w in where), strict=True)
                ]
                texts_at += _unsigned(numbers[:, -1])
            first += BLOCK_ROWS * column.width


def take(parts: Sequence[tuple[StoredDay, Sequence[int]]]) -> pa.Table:
    """Rows of days that have the same columns, one day after the other.

    Of each day the rows by their number in its file of `cdrs`, ascending, each once.
    """
    schema = parts[0][0].schema
    picked = _Picked(len(schema), sum(len(rows) for _, rows in parts))
    for day, rows in parts:
        day.pick(rows, picked)
    columns = []
    for index, type_ in enumerate(schema.types):
        valid = picked.valid[index]
        if pa.types.is_string(type_):
            nulls = None if valid.all() else ~valid
            columns.append(pa.array(picked.texts[index], type_, mask=nulls))
        else:
            columns.append(_typed(picked.numbers[index], valid, type_))
    return pa.table(columns, schema=schema)


class _Picked:
    """What the blocks have of picked rows: a whole number a column and row, and the texts."""

    def __init__(self, columns: int, rows: int) -> None:
        self.numbers = np.empty((columns, rows), np.int64)
        self.valid = np.ones((columns, rows), np.bool_)
        self.texts: list[list[str | bytes | None]] = [[] for _ in range(columns)]
        self.count = 0


@lru_cache(maxsize=64)
def _layout(text: str) -> tuple[_Column, ...]:
    return tuple(_Column(**column) for column in json.loads(text))


def _write(cdrs: str, out: Path) -> None:
    metadata = pq.read_metadata(cdrs)
    schema = metadata.schema.to_arrow_schema().remove_metadata()
    coded = [
        field.name
        for index, field in enumerate(schema)
        if pa.types.is_string(field.type) and _has_dictionaries(metadata, index)
    ]
    with pq.ParquetFile(cdrs, read_dictionary=coded) as file, out.open("wb") as handle:
        described = _SCHEMA.with_metadata({_COLUMNS: schema.serialize().to_pybytes()})
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
) -> tuple[list[_Column], _Array, _Texts]:
    """The rows of a batch of `cdrs` as what makes up a section: its layout, the fixed part of each
    block, the texts. Adds to the dictionaries what is new in it.
    """
    count = -(-batch.num_rows // BLOCK_ROWS)
    layout: list[_Column] = []
    fixed: list[_Array] = []
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
        layout.append(_Column(name, kind, numbers.dtype.str, nulls))
        fixed.append(numbers.view(np.uint8))
        if nulls:
            valid = values.is_valid().to_numpy(zero_copy_only=False)
            fixed.append(_in_blocks(valid, count).view(np.uint8))
    return layout, np.hstack(fixed), texts


def _packed(layout: Sequence[_Column], rows: _Array, texts: _Texts) -> pa.RecordBatch:
    """A section of what makes it up."""
    blocks, sizes = [], []
    for number in range(len(rows)):
        parts = [data[at[number] : at[number + 1]] for data, at in texts]
        block = b"".join([rows[number], *parts])
        blocks.append(_CODEC.compress(block, asbytes=True))
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


def _ends(values: pa.Array, blocks: int) -> tuple[_Array, tuple[memoryview, list[int]]]:
    """Where each text ends among those of its block; all texts, and where each block's begin."""
    _, offsets, data = values.buffers()
    at = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    starts = np.append(at[:-1:BLOCK_ROWS], at[-1])
    ends = at[1:] - np.repeat(starts[:-1], BLOCK_ROWS)[: len(values)]
    if values.null_count:
        ends = np.where(values.is_valid().to_numpy(zero_copy_only=False), ends, -1 - ends)
    return ends, (memoryview(data or b""), starts.tolist())


def _whole_numbers(values: pa.Array) -> _Array:
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


def _typed(numbers: _Array, valid: _Array, type_: pa.DataType) -> pa.Array:
    """What `_whole_numbers` was made from."""
    if type_.bit_width == 128:
        low = numbers.astype(np.int64)
        data = np.stack([low, low >> 63], axis=1)
    else:
        data = numbers.astype(f"i{type_.bit_width // 8}")
    bits = None if valid.all() else pa.array(valid).buffers()[1]
    return pa.Array.from_buffers(type_, len(numbers), [bits, pa.py_buffer(data)])


def _unsigned(ends: _Array) -> _Array:
    """Where texts end, those that are NULL like the others."""
    return np.where(ends < 0, -1 - ends, ends)


def _narrow(numbers: _Array) -> _Array:
    """The same in as few bytes as all of them need."""
    low, high = int(numbers.min()), int(numbers.max())
    for size in (np.int8, np.int16, np.int32):
        if np.iinfo(size).min <= low and high <= np.iinfo(size).max:
            return numbers.astype(size)
    return numbers.astype(np.int64)


def _in_blocks(numbers: _Array, blocks: int) -> _Array:
    """A block a row; the last one filled up with its last value."""
    missing = blocks * BLOCK_ROWS - len(numbers)
    return np.pad(numbers, (0, missing), mode="edge").reshape(blocks, BLOCK_ROWS)
