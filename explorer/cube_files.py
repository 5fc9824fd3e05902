"""The files of cubes: what they hold, making one out of stored sums, finding those of before.

A cube holds what some files of a stored table hold, added up over the dimensions that are left out.
What it is of stands in its file's metadata, so a file is all that there is to keep.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from resources.reporting.query import literal, rows_of

FORMAT = 1
"""Changes with all that a reader relies on: files of others are not read."""

DAY = "call_date"
MOST_ROWS, QUICK_ROWS = 2_000_000, 300_000
"""A cube with more rows is not made; and one of few is made besides for the quickest answers."""

SAMPLE = 6
"""Stored days by which the number of a cube's rows is estimated."""

_FIRST = ("customer_id", "customer_currency", "provider_id", "provider_currency",
          "customer_destination", "provider_destination", "country", "carrier")  # fmt: skip
"""The columns that people pivot by most."""

_META = b"cdr-reports.cube"
_LAYOUT = "FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 30720"
"""Small row groups, so that a small cube, too, is read by all threads."""


@dataclass(frozen=True)
class Wanted:
    """What a cube holds sums by: `columns`, and the day if it is `dated`."""

    columns: frozenset[str]
    dated: bool


@dataclass(frozen=True)
class Cube:
    """A file that holds a table's sums by what was wanted."""

    path: str
    by: Wanted
    rows: int
    bytes: int

    def serves(self, columns: frozenset[str], dated: bool) -> bool:
        """Whether it can answer a question that needs these columns."""
        return columns <= self.by.columns and (self.by.dated or not dated)


def open_cube(path: Path) -> Cube | None:
    """The cube of a file; None when it is none, or of another format."""
    try:
        found = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return None
    meta = json.loads((found.metadata or {}).get(_META, b"{}"))
    if meta.get("format") != FORMAT:
        return None
    by = Wanted(frozenset(meta["columns"]), meta["dated"])
    return Cube(str(path), by, found.num_rows, path.stat().st_size)


class Stored:
    """The stored rows that cubes are made of, or a cube that smaller ones are made of."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
        self._connection, self._files = connection, files
        self._from = rows_of(files)
        described = connection.execute(f"DESCRIBE SELECT * FROM {self._from}").fetchall()
        types = {str(name): str(kind) for name, kind, *_ in described}
        self.columns = tuple(n for n, kind in types.items() if kind == "VARCHAR")
        self._sums = {
            n: kind for n, kind in types.items()
            if kind.startswith(("DECIMAL", "BIGINT", "HUGEINT", "INTEGER"))
        }  # fmt: skip
        self._rest = {n: kind for n, kind in types.items()
                      if n not in self.columns and n not in self._sums and n != DAY}  # fmt: skip
        found = connection.execute(f"SELECT count(*) FROM {self._from}").fetchone()
        self.rows = int(found[0]) if found else 0

    def of(self, cube: Cube) -> Stored:
        """The rows of a cube as what others are made of."""
        return Stored(self._connection, [cube.path])

    def wide(self) -> list[Wanted]:
        """What the cubes that serve most questions are by: as many of the columns as fit."""
        named = [n for n in _FIRST if n in self.columns]
        by_use = [*named, *(n for n in self.columns if n not in named)]
        step = -(-len(self._files) // SAMPLE)
        picked = self._files[::step]
        sample = rows_of(picked)
        (distinct,) = self._ask(", ".join(f"approx_count_distinct({n})" for n in by_use), sample)
        by_size = [n for _, n in sorted(zip(distinct, by_use, strict=True))]
        days = len(self._files) / len(picked)
        chosen = [
            self._longest(by_use, True, MOST_ROWS, sample, days),
            # Other days have other groups, but most come again.
            self._longest(by_use, False, MOST_ROWS, sample, min(days, 3)),
            self._longest(by_size, True, QUICK_ROWS, sample, days),
        ]
        return [each for each in chosen if each is not None]

    def narrow(self) -> list[Wanted]:
        """What small cubes are by: the day and one column, with the currency of its side."""
        found = []
        for name in (n for n in _FIRST if n in self.columns and not n.endswith("_currency")):
            currency = f"{name.partition('_')[0]}_currency"
            found.append(Wanted(frozenset({name, currency} & set(self.columns)), True))
        return list(dict.fromkeys(found))

    def write(self, wanted: Wanted, path: Path, shrink: int) -> Cube | None:
        """Writes the sums; None when there are too many rows to be of use.

        That is when there are more than `MOST_ROWS`, or more than a stored row in `shrink`.
        """
        names = sorted(wanted.columns)
        execute = self._connection.execute
        with self._summed(names, wanted.dated) as rows:
            if rows > MOST_ROWS or rows * shrink > self.rows:
                return None
            # In 18 digits, which are read many times faster than 38, wherever all values fit.
            widest = execute(
                "SELECT " + ", ".join(f"max(abs({n}))::VARCHAR" for n in self._sums) + " FROM cube"
            ).fetchone()
            shown = [
                f"CAST({n} AS {_narrow(kind, text)}) AS {n}"
                for (n, kind), text in zip(self._sums.items(), widest or (), strict=True)
            ]
            day = DAY if wanted.dated else f"(SELECT min({DAY}) FROM {self._from}) AS {DAY}"
            missing = [
                f"NULL::{kind} AS {n}"
                for n, kind in [*((c, "VARCHAR") for c in self.columns), *self._rest.items()]
                if n not in names
            ]
            kept = ", ".join([day, *names, *missing, *shown])
            about = json.dumps({"format": FORMAT, "columns": names, "dated": wanted.dated})
            meta = f"KV_METADATA {{'{_META.decode()}': {literal(about)}}}"
            staged = path.with_suffix(".tmp")
            execute(f"COPY (SELECT {kept} FROM cube) TO {literal(str(staged))} ({_LAYOUT}, {meta})")
            staged.replace(path)
        return open_cube(path)

    @contextmanager
    def _summed(self, names: Sequence[str], dated: bool) -> Iterator[int]:
        """The sums as the table `cube`; how many rows it has."""
        keys = [*names, *([DAY] if dated else [])]
        sums = ", ".join(f"sum({n}) AS {n}" for n in self._sums)
        by = f"GROUP BY {', '.join(keys)}" if keys else ""
        # A file is of one day: grouped by itself it needs less memory, and no spilling.
        parts = [rows_of([file]) for file in self._files] if dated else [self._from]
        execute = self._connection.execute
        for n, part in enumerate(parts):
            into = "INSERT INTO cube" if n else "CREATE OR REPLACE TEMP TABLE cube AS"
            execute(f"{into} SELECT {', '.join([*keys, sums])} FROM {part} {by}")
        try:
            yield _one(execute("SELECT count(*) FROM cube").fetchone())
        finally:
            execute("DROP TABLE cube")

    def _longest(
        self, names: Sequence[str], dated: bool, most: int, sample: str, times: float
    ) -> Wanted | None:
        """The longest beginning of the names by which there are not too many rows."""
        beginnings = [names[: n + 1] for n in range(len(names))]
        (counts,) = self._ask(
            ", ".join(
                f"approx_count_distinct(hash({', '.join([*each, *([DAY] if dated else [])])}))"
                for each in beginnings
            ),
            sample,
        )
        pairs = zip(beginnings, counts, strict=True)
        fitting = [each for each, count in pairs if count * times <= most]
        return Wanted(frozenset(fitting[-1]), dated) if fitting else None

    def _ask(self, columns: str, sample: str) -> list[tuple[int, ...]]:
        return self._connection.execute(f"SELECT {columns} FROM {sample}").fetchall()


def shelf_of(folder: Path) -> Mapping[str, object]:
    """What `note_shelf` wrote; empty when it is not there or of another format."""
    try:
        found = json.loads((folder / _SHELF).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if found.get("format") == FORMAT else {}


def note_shelf(folder: Path, key: Iterable[str], *, ready: bool) -> None:
    """Writes which table and files the cubes of a folder are of, and whether all are there."""
    staged = folder / f"{_SHELF}.tmp"
    about = {"format": FORMAT, "key": list(key), "ready": ready}
    staged.write_text(json.dumps(about), encoding="utf-8")
    staged.replace(folder / _SHELF)


_SHELF = "shelf.json"


def _one(row: tuple[int, ...] | None) -> int:
    return int(row[0]) if row else 0


def _narrow(kind: str, widest: str | None) -> str:
    if not kind.startswith("DECIMAL"):
        return "BIGINT"
    scale = int(kind.rstrip(")").rpartition(",")[2])
    whole = len((widest or "0").partition(".")[0])
    return f"DECIMAL({18 if whole + scale <= 18 else 38}, {scale})"
