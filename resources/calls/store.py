"""A copy of each day's calls in which single ones can be read: writing it, and reading rows.

A row of a Parquet file costs the reading of its whole row group. Here a day lies in blocks of
`BLOCK_ROWS` rows, each packed as a whole, so that a row costs some kilobytes. A day's file is
derived from its file of `cdrs`, bears its name and is good for that one only: a day whose file is
missing or of an older one is read from `cdrs`, which is slower and gives the same. The files are
of this machine, on a disk that can be mapped into memory, and are no part of the lake.
"""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from resources.calls.blocks import BLOCK_ROWS, CODEC, COLUMNS, Array, Column, write_copy
from resources.calls.index import day_of
from resources.durable import flush_names

FORMAT = 1
"""Changes with all that a reader relies on, `BLOCK_ROWS` too: files of others are then missing."""

_FEW = 8
"""Of fewer rows each is looked up, which is then quicker than all at once."""


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
            write_copy(cdrs, staged)
            staged.replace(self.path(cdrs))
            flush_names(self.folder)
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
        self.schema = ipc.read_schema(pa.py_buffer(self._file.schema.metadata[COLUMNS]))
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

    def _pick(self, section: int, rows: Array, picked: "_Picked") -> None:
        """Adds what the blocks have of some rows of a section."""
        batch = self._file.get_batch(section)
        layout = _layout(batch["layout"][0].as_py())
        packed, sizes = batch["blocks"].values, batch["sizes"].values
        blocks, block = np.unique(rows // BLOCK_ROWS, return_inverse=True)
        within = rows % BLOCK_ROWS
        unpacked = [
            CODEC.decompress(packed[number].as_buffer(), sizes[number].as_py(), asbytes=True)
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
def _layout(text: str) -> tuple[Column, ...]:
    return tuple(Column(**column) for column in json.loads(text))


def _typed(numbers: Array, valid: Array, type_: pa.DataType) -> pa.Array:
    """What `_whole_numbers` was made from."""
    if type_.bit_width == 128:
        low = numbers.astype(np.int64)
        data = np.stack([low, low >> 63], axis=1)
    else:
        data = numbers.astype(f"i{type_.bit_width // 8}")
    bits = None if valid.all() else pa.array(valid).buffers()[1]
    return pa.Array.from_buffers(type_, len(numbers), [bits, pa.py_buffer(data)])


def _unsigned(ends: Array) -> Array:
    """Where texts end, those that are NULL like the others."""
    return np.where(ends < 0, -1 - ends, ends)
