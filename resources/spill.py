"""Where databases put what does not fit into memory: a folder each, for they must not share one.

DuckDB names its files alike in every database. Two that use one folder, in one process or in two,
overwrite each other's and crash, or worse, read what the other one has written.

    <spill>/<process>.lock     held as long as the process lives
    <spill>/<process>-<n>/     made by DuckDB when it is needed, and removed when it closes
"""

import fcntl
import os
import shutil
import uuid
import weakref
from functools import lru_cache
from itertools import count
from pathlib import Path


class SpillFolders:
    """The folders of this process below one folder."""

    def __init__(self, folder: Path) -> None:
        """Removes what processes that died have left there, which may be as large as a day."""
        folder.mkdir(parents=True, exist_ok=True)
        for lock in folder.glob("*.lock"):
            _remove_if_left(lock)
        self._own = folder / uuid.uuid4().hex
        self._numbers = count(1)
        lock = self._own.with_suffix(".lock")
        handle = os.open(self._own, os.O_CREAT | os.O_RDWR)
        fcntl.flock(handle, fcntl.LOCK_EX)
        self._own.rename(lock)  # held from the moment at which others can see it
        weakref.finalize(self, _let_go, handle, lock)

    def another(self) -> Path:
        """A folder for one more database."""
        return self._own.with_name(f"{self._own.name}-{next(self._numbers)}")


@lru_cache(maxsize=4)
def spill_folders(folder: Path) -> SpillFolders:
    """Those of this process below a folder; to be kept as long as a database uses one of them."""
    return SpillFolders(folder)


def _let_go(handle: int, lock: Path) -> None:
    if not _folders(lock):  # else a database is still open, and the next process removes both
        lock.unlink(missing_ok=True)
    os.close(handle)


def _folders(lock: Path) -> list[Path]:
    return list(lock.parent.glob(f"{lock.stem}-*"))


def _remove_if_left(lock: Path) -> None:
    """Removes the folders of a process that does not hold its lock any more."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:  # it has just ended
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        for folder in _folders(lock):
            shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
    finally:
        os.close(handle)
