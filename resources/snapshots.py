"""Tables that a process has opened, kept for its next question or commit.

To open one costs some milliseconds, and in a bucket as many requests as there are commits since the
last checkpoint. One that is kept is brought up to date instead, and is then as one opened anew.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deltalake import DeltaTable

from resources.delta_log import commit_file

_MOST = 4
"""Kept of one table: as many as are asked at once, within reason."""


class Snapshots:
    """The tables of one lake, as they were left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, list[tuple[DeltaTable, int | None, object]]] = {}

    @contextmanager
    def table(
        self,
        name: str,
        open_: Callable[[], DeltaTable | None],
        commit: Callable[[DeltaTable], object],
        pinned: bool = False,
    ) -> Iterator[DeltaTable | None]:
        """The table as of now, to oneself while the context lasts; None where there is none.

        `open_` opens it where none is kept. `commit` tells the identity of the commit that a table
        is at, None when it is gone: a home that was put back from a copy has others under the same
        numbers. One that is `pinned` stays at its version.
        """
        table, version, last = self._take(name)
        if table is None or not (pinned or (last is not None and last == commit(table))):
            table, version = open_(), None
        elif not pinned:
            table.update_incremental()
        yield table
        if table is None:
            return
        if not pinned and version != table.version():
            version, last = table.version(), commit(table)
        with self._lock:
            kept = self._kept.setdefault(name, [])
            if len(kept) < _MOST:
                kept.append((table, version, last))

    def _take(self, name: str) -> tuple[DeltaTable | None, int | None, object]:
        with self._lock:
            kept = self._kept.get(name)
            return kept.pop() if kept else (None, None, None)


def commit_on_disk(folder: Path, table: DeltaTable) -> object:
    """The identity of the commit that the table in a folder is at; None when it is gone."""
    try:
        found = os.stat(folder / commit_file(table.version()))
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
