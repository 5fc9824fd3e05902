"""Tables that a process has opened, kept for its next question: to open one costs some 7 ms.

For who only looks up days and their files. Whoever commits opens the table anew, so that what it
has read and what it commits on are one version.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from deltalake import DeltaTable

from resources.delta_log import LOG

T = TypeVar("T")


class Snapshots:
    """The tables of one lake on this disk, brought up to date as they are asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[DeltaTable, object]] = {}

    def ask(
        self, folder: Path, open_: Callable[[], DeltaTable | None], look: Callable[[DeltaTable], T]
    ) -> T | None:
        """What `look` finds in the table as of now; None where there is none.

        `open_` opens it the first time. What is found must not be the table.
        """
        with self._lock:
            table, last = self._held.pop(str(folder), (None, None))
            # A home that was put back from a copy has other commits under the same numbers.
            if table is not None and last is not None and last == _commit(folder, table):
                table.update_incremental()
            else:
                table = open_()
            if table is None:
                return None
            self._held[str(folder)] = table, _commit(folder, table)
            return look(table)


def _commit(folder: Path, table: DeltaTable) -> object:
    """Which commit the table is at: the identity of its file, None when it is gone."""
    try:
        found = os.stat(folder / LOG / f"{table.version():020}.json")
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
