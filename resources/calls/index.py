"""The index of a day's numbers: writing it, and finding where a number's calls stand.

`call_numbers` holds, per day, the rows of `cdrs` by number, see `sql/cdrs/call_numbers.sql`. Its
file's name begins with that of the file of `cdrs` that it tells of, so an index that is older than
its day is never used: such a day is scanned, which is slower and finds the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq

import sql
from resources.calls.question import CallQuestion
from resources.engine import Engine, quoted

CALL_NUMBERS = "call_numbers"
MODEL = "cdrs/call_numbers"

SPARSE_ROWS = 2_000
"""A day with more candidates is read whole: to read so many of them singly costs as much."""

_KEY_DIGITS = 18
_LAYOUT = "COMPRESSION uncompressed, PARQUET_VERSION V2"
"""Sorted numbers pack well by their differences alone, and are then read three times as fast."""

_SCAN = """
SELECT c.file_index, c.file_row_number AS call_row
FROM read_parquet($file, file_row_number = true) AS c
WHERE c.cli_digits IN (SELECT unnest($clis::VARCHAR[]))
    OR c.dest_digits IN (SELECT unnest($destinations::VARCHAR[]))"""


@dataclass(frozen=True)
class Candidates:
    """Where calls may stand in one file of `cdrs`: in which rows, or None for too many to name."""

    day: date
    file: str
    count: int
    rows: Sequence[int] | None


def write_index(engine: Engine, cdrs: str, out: Path) -> int:
    """Writes the index of a file of `cdrs`; how many rows it has."""
    with engine.connect() as connection:
        connection.execute(
            "CREATE TEMP VIEW cdrs AS "
            f"SELECT * FROM read_parquet({quoted(cdrs)}, file_row_number = true)"
        )
        return engine.copy(connection, sql.text(MODEL), {}, out, keep_order=True, layout=_LAYOUT)


def index_name(cdrs: str, suffix: str) -> str:
    """What the index of this file of `cdrs` is called; `suffix` makes it one of its own."""
    return f"{Path(cdrs).stem}-{suffix}"


def indexed(cdrs: Iterable[str], indexes: Iterable[str]) -> dict[str, str | None]:
    """Each file of `cdrs` with the index that was made from it, or None."""
    found = {Path(index).stem.rpartition("-")[0]: index for index in indexes}
    return {file: found.get(Path(file).stem) for file in cdrs}


def unindexed(cdrs: Sequence[str], indexes: Sequence[str]) -> list[str]:
    """How a day's index falls short of its file of `cdrs`, in words; told by counts alone."""
    differences = []
    for file, index in indexed(cdrs, indexes).items():
        wanted = _values(file, ("cli_digits", "dest_digits"))
        if index is None:
            differences.append(f"{Path(file).name} has no index")
        elif (found := _values(index, ("key",))) != wanted:
            differences.append(f"{found:,} numbers of calls instead of {wanted:,}")
    return differences


def _values(file: str, columns: Sequence[str]) -> int:
    """How many values there are in some columns of a file, by what its footer says."""
    metadata = pq.read_metadata(file)
    groups = [metadata.row_group(g) for g in range(metadata.num_row_groups)]
    return sum(
        group.num_rows - group.column(metadata.schema.names.index(name)).statistics.null_count
        for group in groups
        for name in columns
    )


def day_of(file: str) -> date:
    """The day of a file in a hive folder `call_date=YYYY-MM-DD`."""
    return date.fromisoformat(file.rsplit("/", 2)[-2].rpartition("=")[2])


def keys(question: CallQuestion) -> list[int]:
    """The keys of `call_numbers` under which all calls of the question stand, and few others."""
    return sorted(
        {-1 - int(digits[-_KEY_DIGITS:]) for digits in question.clis}
        | {int(digits[-_KEY_DIGITS:]) for digits in question.destinations}
    )


def candidates(
    connection: duckdb.DuckDBPyConnection,
    question: CallQuestion,
    files: Mapping[str, str | None],
) -> list[Candidates]:
    """Where the question's calls may stand, newest day first; files without any are left out.

    `files` are those of `cdrs`, each in a hive folder `call_date=…`, with its index or None.
    """
    found: dict[str, _Rows] = {}
    indexes = {index: file for file, index in files.items() if index is not None}
    if indexes:
        by_number = list(indexes.values())
        listed = ", ".join(map(str, keys(question)))
        text = (
            "SELECT n.file_index, n.call_row FROM read_parquet($files) AS n "
            f"WHERE n.key IN ({listed})"
        )
        for numbers, rows in _batches(connection, text, {"files": list(indexes)}):
            order = np.argsort(numbers, kind="stable")
            each, starts = np.unique(numbers[order], return_index=True)
            split = np.split(rows[order], starts[1:])
            for number, part in zip(each.tolist(), split, strict=True):
                found.setdefault(by_number[number], _Rows()).add(part)
    sides = {"clis": list(question.clis), "destinations": list(question.destinations)}
    for file in (file for file, index in files.items() if index is None):
        for _, rows in _batches(connection, _SCAN, {"file": file, **sides}):
            found.setdefault(file, _Rows()).add(rows)
    return sorted(
        (
            Candidates(day_of(file), file, rows.count, rows.sparse())
            for file, rows in found.items()
            if rows.count
        ),
        key=lambda one: one.day,
        reverse=True,
    )


@dataclass
class _Rows:
    """Rows of a file as they are found; not kept once they are too many."""

    count: int = 0
    parts: list["np.ndarray[Any, Any]"] = field(default_factory=list)

    def add(self, rows: "np.ndarray[Any, Any]") -> None:
        self.count += len(rows)
        self.parts = [] if self.count > SPARSE_ROWS else [*self.parts, rows]

    def sparse(self) -> list[int] | None:
        # A number that called itself stands in a row twice.
        return np.unique(np.concatenate(self.parts)).tolist() if self.parts else None


def _batches(
    connection: duckdb.DuckDBPyConnection, text: str, parameters: dict[str, Any]
) -> Iterator[tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]]:
    """File (by its place among them) and row of each candidate, a batch at a time, however many
    there are.
    """
    for batch in connection.execute(text, parameters).to_arrow_reader(500_000):
        yield batch.column(0).to_numpy(), batch.column(1).to_numpy()
