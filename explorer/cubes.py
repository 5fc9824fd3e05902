"""Smaller copies of a period's stored sums, so that a changed pivot is answered at once.

A cube holds what the files of a stored table hold, added up over the dimensions that are left out.
It is made of exactly these files, whose names never come back, so a day that is published anew is
never answered from before. One by day also serves questions about fewer of its days. Cubes are
Parquet files in a folder of their own, made beside the answers and thrown away with the program;
which of them serves a question is decided here alone.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from queue import Empty, Queue

import duckdb

from resources.locks import exclusive, is_free

_log = logging.getLogger(__name__)

LEAST_ROWS = 200_000
"""Of fewer stored rows none is made: they are read quickly enough."""

LEAST_SHRINK = 2
"""A cube has at most a stored row in so many."""

MOST_ROWS, QUICK_ROWS = 2_000_000, 300_000
"""A cube with more rows is not made; and one of few is made besides for the quickest answers."""

MOST_BYTES = 1_000_000_000
"""So much disk all cubes take together; those not asked for longest go first."""

_FIRST = ("customer_id", "customer_currency", "provider_id", "provider_currency",
          "customer_destination", "provider_destination", "country", "carrier")  # fmt: skip
"""The columns that people pivot by most."""

_DAY, _LOCK = "call_date", "lock"
Connect = Callable[[], duckdb.DuckDBPyConnection]


@dataclass(frozen=True)
class Cube:
    """A file that holds a table's sums by `columns`, and by day if it is `dated`."""

    path: str
    columns: frozenset[str]
    dated: bool
    rows: int
    bytes: int

    def serves(self, columns: frozenset[str], dated: bool) -> bool:
        """Whether it can answer a question that needs these columns."""
        return columns <= self.columns and (self.dated or not dated)


@dataclass
class _Shelf:
    """The cubes of one table's files."""

    folder: tempfile.TemporaryDirectory[str]
    cubes: list[Cube] = field(default_factory=list)
    asked: set[tuple[frozenset[str], bool]] = field(default_factory=set)
    wide: bool = False
    useless: bool = False


class Cubes:
    """Finds the smallest cube for a question, and has one made for the next where there is none.

    `connect` opens an engine for the making, which one thread of low priority does.
    """

    def __init__(self, connect: Connect, parent: Path | None = None) -> None:
        self._connect, self._parent = connect, parent
        self._folder: str | None = None
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._shelves: OrderedDict[tuple[str, ...], _Shelf] = OrderedDict()
        self._wanted: Queue[tuple[tuple[str, ...], frozenset[str], bool]] = Queue()
        self._maker: threading.Thread | None = None
        self._busy = threading.Event()
        self._closed = threading.Event()

    def narrowed(
        self,
        table: str,
        files: list[str],
        columns: frozenset[str],
        dated: bool,
        days: tuple[tuple[date, date], ...],
    ) -> list[str]:
        """The files to read instead of a table's `files` of these days, for these columns."""
        if table not in ("breakout_daily", "dtmf_hourly", "usa_calls_daily",
                         "usa_rate_center_daily"):  # fmt: skip
            return files
        key = (table, *files)
        with self._lock:
            shelf = self._shelves.get(key)
            if shelf is None:
                folder = self._folder or self._begin()
                shelf = _Shelf(tempfile.TemporaryDirectory(prefix="shelf-", dir=folder))
                self._shelves[key] = shelf
                self._forget()
            self._shelves.move_to_end(key)
            fitting = [c for c in shelf.cubes if c.serves(columns, dated)]
            if not fitting and not shelf.useless and (columns, dated) not in shelf.asked:
                shelf.asked.add((columns, dated))
                self._wanted.put((key, columns, dated))
                self._work()
            fitting = fitting or self._of_more_days(key, columns, days)
        return [min(fitting, key=lambda c: c.rows).path] if fitting else files

    def _of_more_days(
        self,
        key: tuple[str, ...],
        columns: frozenset[str],
        days: tuple[tuple[date, date], ...],
    ) -> list[Cube]:
        """Cubes by day that hold all these files, and else only days that are not asked about."""
        found = []
        for other, shelf in self._shelves.items():
            fitting = [c for c in shelf.cubes if c.serves(columns, True)]
            if not fitting or other[0] != key[0] or not set(key) <= set(other):
                continue
            if not any(_is_within(file, days) for file in set(other) - set(key)):
                found += fitting
        return found

    def settle(self, seconds: float = 120.0) -> None:
        """Waits until all cubes that were asked for are made."""
        end = time.monotonic() + seconds
        while (self._wanted.unfinished_tasks or self._busy.is_set()) and time.monotonic() < end:
            time.sleep(0.02)

    def close(self) -> None:
        """Throws all cubes away."""
        self._closed.set()
        maker = self._maker
        if maker is not None:
            maker.join(timeout=30)
        with self._lock:
            for shelf in self._shelves.values():
                shelf.folder.cleanup()
            self._shelves.clear()
            self._stack.close()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _begin(self) -> str:
        """A folder of this process's own; those of processes that are gone are removed."""
        if self._parent is not None:
            self._parent.mkdir(parents=True, exist_ok=True)
            for old in self._parent.glob("cubes-*"):
                if (old / _LOCK).exists() and is_free(old / _LOCK):
                    shutil.rmtree(old, ignore_errors=True)
        self._folder = tempfile.mkdtemp(prefix="cubes-", dir=self._parent)
        self._stack.enter_context(exclusive(Path(self._folder) / _LOCK))
        return self._folder

    def _forget(self) -> None:
        """Lets go of the shelves that were not asked for longest; their readers keep the files."""
        held = sum(c.bytes for shelf in self._shelves.values() for c in shelf.cubes)
        while len(self._shelves) > 1 and (held > MOST_BYTES or len(self._shelves) > 16):
            _, gone = self._shelves.popitem(last=False)
            held -= sum(c.bytes for c in gone.cubes)
            # Not at once: an answer may be about to open its file.
            threading.Timer(60, gone.folder.cleanup).start()

    def _work(self) -> None:
        if self._maker is None or not self._maker.is_alive():
            self._maker = threading.Thread(target=self._make_all, name="cubes", daemon=True)
            self._maker.start()

    def _make_all(self) -> None:
        # Answers go first: this thread yields to them.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        while not self._closed.is_set():
            try:
                key, columns, dated = self._wanted.get(timeout=1)
            except Empty:
                continue
            self._busy.set()
            try:
                self._make(key, columns, dated)
            except duckdb.Error:
                # Without a cube the answer is slower and the same.
                _log.warning("a cube of %s was not made", key[0], exc_info=True)
            finally:
                self._busy.clear()
                self._wanted.task_done()

    def _make(self, key: tuple[str, ...], columns: frozenset[str], dated: bool) -> None:
        shelf = self._shelves.get(key)
        if shelf is None:
            return
        with _Source(self._connect(), key[1:]) as source:
            if source.rows < LEAST_ROWS:
                shelf.useless = True
                return
            wanted = [(tuple(sorted(columns)), dated)]
            if not shelf.wide:
                wanted = [*source.wide(), *wanted]
                shelf.wide = True
            for names, by_day in wanted:
                if any(c.serves(frozenset(names), by_day) for c in shelf.cubes):
                    continue
                path = Path(shelf.folder.name) / f"{len(shelf.cubes)}.parquet"
                rows = source.write(names, by_day, path)
                if rows is not None:
                    size = path.stat().st_size
                    cube = Cube(str(path), frozenset(names), by_day, rows, size)
                    with self._lock:
                        shelf.cubes.append(cube)
                if self._closed.is_set():
                    return


class _Source:
    """The stored rows that cubes are made of."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
        self._connection = connection
        connection.execute("SET threads = 1; SET enable_progress_bar = false")
        listed = ", ".join("'" + f.replace("'", "''") + "'" for f in files)
        self._from = (
            f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{'{_DAY}': DATE}})"
        )
        described = connection.execute(f"DESCRIBE SELECT * FROM {self._from}").fetchall()
        types = {str(name): str(kind) for name, kind, *_ in described}
        self.columns = tuple(n for n, kind in types.items() if kind == "VARCHAR")
        self._sums = {
            n: kind for n, kind in types.items()
            if kind.startswith(("DECIMAL", "BIGINT", "HUGEINT", "INTEGER"))
        }  # fmt: skip
        self._rest = {n: kind for n, kind in types.items()
                      if n not in self.columns and n not in self._sums and n != _DAY}  # fmt: skip
        found = connection.execute(f"SELECT count(*) FROM {self._from}").fetchone()
        self.rows = int(found[0]) if found else 0

    def __enter__(self) -> _Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def wide(self) -> list[tuple[tuple[str, ...], bool]]:
        """The columns of the cubes that serve most questions, by how many rows each will have."""
        named = [n for n in _FIRST if n in self.columns]
        by_use = [*named, *(n for n in self.columns if n not in named)]
        (distinct,) = self._ask(", ".join(f"approx_count_distinct({n})" for n in by_use))
        sizes = dict(zip(by_use, distinct, strict=True))
        by_size = sorted(by_use, key=lambda n: sizes[n])
        questions = [
            *((tuple(by_use[: n + 1]), True) for n in range(len(by_use))),
            *((tuple(by_size[: n + 1]), True) for n in range(len(by_size))),
            *((tuple(by_use[: n + 1]), False) for n in range(len(by_use))),
        ]
        counts = self._ask(
            ", ".join(
                f"approx_count_distinct(hash({', '.join([*names, *([_DAY] if by_day else [])])}))"
                for names, by_day in questions
            )
        )[0]
        of = dict(zip(questions, counts, strict=True))
        n = len(by_use)
        longest = [
            _longest(questions[2 * n :], of, MOST_ROWS),
            _longest(questions[n : 2 * n], of, QUICK_ROWS),
            _longest(questions[:n], of, MOST_ROWS),
        ]
        return [each for each in longest if each is not None]

    def write(self, names: Sequence[str], by_day: bool, path: Path) -> int | None:
        """Writes the sums by these columns; how many rows, or None for too many to be of use."""
        keys = [*names, *([_DAY] if by_day else [])]
        sums = ", ".join(f"sum({n}) AS {n}" for n in self._sums)
        by = f"GROUP BY {', '.join(keys)}" if keys else ""
        execute = self._connection.execute
        execute(
            f"CREATE OR REPLACE TABLE cube AS SELECT {', '.join([*keys, sums])} "
            f"FROM {self._from} {by}"
        )
        found = execute("SELECT count(*) FROM cube").fetchone()
        rows = int(found[0]) if found else 0
        if rows > MOST_ROWS or rows * LEAST_SHRINK > self.rows:
            execute("DROP TABLE cube")
            return None
        # In 18 digits, which are read many times faster than 38, wherever all values fit.
        widest = execute(
            "SELECT " + ", ".join(f"max(abs({n}))::VARCHAR" for n in self._sums) + " FROM cube"
        ).fetchone()
        shown = [
            f"CAST({n} AS {_narrow(kind, text)}) AS {n}"
            for (n, kind), text in zip(self._sums.items(), widest or (), strict=True)
        ]
        day = _DAY if by_day else f"(SELECT min({_DAY}) FROM {self._from}) AS {_DAY}"
        missing = [
            f"NULL::{kind} AS {n}"
            for n, kind in [*((c, "VARCHAR") for c in self.columns), *self._rest.items()]
            if n not in names
        ]
        kept = ", ".join([day, *names, *missing, *shown])
        execute(f"COPY (SELECT {kept} FROM cube) TO '{path}' (FORMAT parquet, COMPRESSION lz4_raw)")
        execute("DROP TABLE cube")
        return rows

    def _ask(self, columns: str) -> list[tuple[int, ...]]:
        return self._connection.execute(f"SELECT {columns} FROM {self._from}").fetchall()


def _is_within(file: str, days: Iterable[tuple[date, date]]) -> bool:
    """Whether a file in a folder `call_date=YYYY-MM-DD` is of one of the days."""
    try:
        day = date.fromisoformat(Path(file).parent.name.rpartition("=")[2])
    except ValueError:
        return True  # nobody knows
    return any(first <= day <= last for first, last in days)


def _longest(
    questions: Iterable[tuple[tuple[str, ...], bool]],
    rows: dict[tuple[tuple[str, ...], bool], int],
    most: int,
) -> tuple[tuple[str, ...], bool] | None:
    """The last of the ever longer questions that does not make too many rows."""
    fitting = [q for q in questions if rows[q] <= most]
    return fitting[-1] if fitting else None


def _narrow(kind: str, widest: str | None) -> str:
    if not kind.startswith("DECIMAL"):
        return "BIGINT"
    scale = int(kind.rstrip(")").rpartition(",")[2])
    whole = len((widest or "0").partition(".")[0])
    return f"DECIMAL({18 if whole + scale <= 18 else 38}, {scale})"
