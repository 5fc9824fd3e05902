"""Smaller copies of a period's stored sums, so that a changed pivot is answered at once.

A cube is made of exactly some files of a stored table, whose names never come back, so a day that
is published anew is never answered from before. One by day also serves questions about fewer of its
days, and together with the files of the days it lacks about some more. Cubes are made beside the
answers, and stay in the home for the next start; which of them serves a question is decided here
alone. They hold nothing that the lake does not: whoever removes them loses some seconds.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from queue import Empty, Queue

import duckdb

from explorer.cube_files import Cube, Stored, Wanted, note_shelf, open_cube, shelf_of
from resources.held import TABLES
from resources.locks import exclusive, is_free

_log = logging.getLogger(__name__)

LEAST_ROWS = 200_000
"""Of fewer stored rows none is made: they are read quickly enough."""

LEAST_SHRINK = 2
"""A cube has at most a stored row in so many."""

MOST_APART = 8
"""So many days that a cube lacks are read beside it at most, until a whole one is made."""

MOST_BYTES = 1_000_000_000
"""So much disk all cubes take together; those not asked for longest go first."""

STILL_OPENED = 60.0
"""Seconds for which a file stays that an answer may be about to open."""

_KEPT, _LOCK = "kept", "lock"
Connect = Callable[[], duckdb.DuckDBPyConnection]
Key = tuple[str, ...]
Days = tuple[tuple[date, date], ...]


@dataclass
class _Shelf:
    """The cubes of one table's files."""

    folder: Path
    cubes: list[Cube] = field(default_factory=list)
    asked: set[Wanted] = field(default_factory=set)
    ready: bool = False
    useless: bool = False


class Cubes:
    """Finds the smallest cube for a question, and has one made for the next where there is none.

    `connect` opens an engine for the making, which one thread of low priority does. `folder` is
    where cubes stay; while another process has it, they are made beside and go with this one.
    """

    def __init__(self, connect: Connect, folder: Path) -> None:
        self._connect, self._parent = connect, folder
        self._folder: Path | None = None
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._shelves: OrderedDict[Key, _Shelf] = OrderedDict()
        self._wanted: Queue[tuple[Key, Wanted]] = Queue()
        self._maker: threading.Thread | None = None
        self._closed = threading.Event()

    def narrowed(
        self, table: str, files: list[str], columns: frozenset[str], dated: bool, days: Days
    ) -> list[str]:
        """The files to read instead of a table's `files` of these days, for these columns."""
        if table not in TABLES or not files:
            return files
        key = (table, *files)
        with self._lock:
            shelf = self._shelf(key)
            fitting = [c for c in shelf.cubes if c.serves(columns, dated)]
            wanted = Wanted(columns, dated)
            if not shelf.useless and wanted not in shelf.asked and not (fitting and shelf.ready):
                shelf.asked.add(wanted)
                self._wanted.put((key, wanted))
                self._work()
            if fitting:
                return [min(fitting, key=lambda c: c.rows).path]
            return self._of_other_days(key, columns, days) or files

    def _of_other_days(self, key: Key, columns: frozenset[str], days: Days) -> list[str]:
        """A cube by day with the files of the days that it lacks, if there is one of use.

        What it holds besides is only of days that are not asked about.
        """
        wanted = set(key)
        found = []
        for other, shelf in self._shelves.items():
            fitting = [c for c in shelf.cubes if c.serves(columns, True)]
            lacking = sorted(wanted - set(other))
            if not fitting or other[0] != key[0] or len(lacking) > min(MOST_APART, len(key) // 3):
                continue
            if not any(_is_within(file, days) for file in set(other) - wanted):
                smallest = min(fitting, key=lambda c: c.rows)
                found.append((len(lacking), smallest.rows, [*lacking, smallest.path]))
        return min(found)[-1] if found else []

    def close(self) -> None:
        """Lets go of the folder; cubes that only this process has are thrown away."""
        self._closed.set()
        if self._maker is not None:
            self._maker.join(timeout=30)
        with self._lock:
            self._shelves.clear()
            if self._folder is not None and self._folder.name != _KEPT:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._stack.close()
            self._folder = None

    def _shelf(self, key: Key) -> _Shelf:
        folder = self._folder or self._begin()
        shelf = self._shelves.get(key)
        if shelf is None:
            name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]
            shelf = _Shelf(folder / name)
            shelf.folder.mkdir(exist_ok=True)
            self._shelves[key] = shelf
            self._forget()
        self._shelves.move_to_end(key)
        return shelf

    def _begin(self) -> Path:
        """Takes the folder with what is in it, or one of this process's own."""
        self._parent.mkdir(parents=True, exist_ok=True)
        for old in self._parent.glob("beside-*"):  # of processes that are gone
            if (old / _LOCK).exists() and is_free(old / _LOCK):
                shutil.rmtree(old, ignore_errors=True)
        self._folder = self._parent / _KEPT
        try:
            self._stack.enter_context(exclusive(self._folder / _LOCK, waiting=_not_waited_for))
        except BlockingIOError:
            self._folder = Path(tempfile.mkdtemp(prefix="beside-", dir=self._parent))
            self._stack.enter_context(exclusive(self._folder / _LOCK))
        self._take_up(self._folder)
        return self._folder

    def _take_up(self, folder: Path) -> None:
        """Finds the cubes that were made before; removes what is left of the making of others."""
        found = [path for path in folder.iterdir() if path.is_dir()]
        for path in sorted(found, key=lambda p: p.stat().st_mtime):
            about = shelf_of(path)
            key = tuple(map(str, about.get("key", ())))  # type: ignore[call-overload]
            for left in path.glob("*.tmp"):
                left.unlink()
            cubes = [cube for file in sorted(path.glob("*.parquet")) if (cube := open_cube(file))]
            if not key or not cubes or not all(map(os.path.exists, key[1:])):
                shutil.rmtree(path, ignore_errors=True)
                continue
            self._shelves[key] = _Shelf(path, cubes, ready=bool(about.get("ready")))

    def _forget(self) -> None:
        """Lets go of the shelves that were not asked for longest; their readers keep the files."""
        held = sum(c.bytes for shelf in self._shelves.values() for c in shelf.cubes)
        while len(self._shelves) > 1 and (held > MOST_BYTES or len(self._shelves) > 16):
            _, gone = self._shelves.popitem(last=False)
            held -= sum(c.bytes for c in gone.cubes)
            timer = threading.Timer(STILL_OPENED, self._remove, (gone.folder,))
            timer.daemon = True
            timer.start()

    def _remove(self, folder: Path) -> None:
        """Removes the files of a shelf that was let go of, unless it was asked for again."""
        with self._lock:
            if all(shelf.folder != folder for shelf in self._shelves.values()):
                shutil.rmtree(folder, ignore_errors=True)

    def _work(self) -> None:
        if self._maker is None or not self._maker.is_alive():
            self._maker = threading.Thread(target=self._make_all, name="cubes", daemon=True)
            self._maker.start()

    def _make_all(self) -> None:
        # Answers go first: this thread yields to them.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        while not self._closed.is_set():
            try:
                key, wanted = self._wanted.get(timeout=1)
            except Empty:
                continue
            try:
                self._make(key, wanted)
            except (duckdb.Error, OSError):
                # Without a cube the answer is slower and the same.
                _log.warning("a cube of %s was not made", key[0], exc_info=True)
            finally:
                self._wanted.task_done()

    def _make(self, key: Key, wanted: Wanted) -> None:
        shelf = self._shelves.get(key)
        if shelf is None:
            return
        connection = self._connect()
        try:
            connection.execute("SET threads = 1; SET enable_progress_bar = false")
            stored = Stored(connection, key[1:])
            if stored.rows < LEAST_ROWS:
                shelf.useless = True
                return
            if not shelf.ready:
                note_shelf(shelf.folder, key, ready=False)
                for each in [*stored.wide(), *stored.narrow()]:
                    self._add(shelf, stored, each)
                shelf.ready = not self._closed.is_set()
                note_shelf(shelf.folder, key, ready=shelf.ready)
            if not any(c.serves(wanted.columns, wanted.dated) for c in shelf.cubes):
                self._add(shelf, stored, wanted)
        finally:
            connection.close()

    def _add(self, shelf: _Shelf, stored: Stored, wanted: Wanted) -> None:
        """Makes a cube out of the smallest there is, if it is of use and not there yet."""
        if self._closed.is_set() or any(c.by == wanted for c in shelf.cubes):
            return
        serving = [c for c in shelf.cubes if c.serves(wanted.columns, wanted.dated)]
        if serving:
            stored = stored.of(min(serving, key=lambda c: c.rows))
        taken = {Path(c.path).name for c in shelf.cubes}
        name = next(n for i in count() if (n := f"{i}.parquet") not in taken)
        cube = stored.write(wanted, shelf.folder / name, LEAST_SHRINK)
        if cube is not None:
            with self._lock:
                shelf.cubes.append(cube)


def _not_waited_for(holder: str) -> None:
    raise BlockingIOError(holder)


def _is_within(file: str, days: Iterable[tuple[date, date]]) -> bool:
    """Whether a file in a folder `call_date=YYYY-MM-DD` is of one of the days."""
    try:
        day = date.fromisoformat(Path(file).parent.name.rpartition("=")[2])
    except ValueError:
        return True  # nobody knows
    return any(first <= day <= last for first, last in days)
