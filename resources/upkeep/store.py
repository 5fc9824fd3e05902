"""The cold store: a folder or URL with the calls of days that have left the lake.

    <store>/<table>/call_date=YYYY-MM-DD/<table>.parquet

for `cdrs`, `delivered` and `quarantine`. Plain Parquet, in the lake's own partition folders.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import fsspec


class StoreFailed(Exception):
    """The store could not be written or read; the text says what and why."""


@dataclass(frozen=True)
class ColdStore:
    """The store at a folder or URL."""

    url: str

    def path(self, table: str, day: date) -> str:
        """Where a day of a table is."""
        return f"{self.url.rstrip('/')}/{table}/call_date={day}/{table}.parquet"

    def put(self, table: str, day: date, file: Path) -> None:
        """Puts a file there in place of an older one; readers see the one or the other.

        Raises StoreFailed.
        """
        try:
            self._put(table, day, file)
        except OSError as error:
            raise StoreFailed(
                f"{self.path(table, day)} could not be written: {error}; the calls of the day are "
                "still in the lake"
            ) from error

    def _put(self, table: str, day: date, file: Path) -> None:
        system, target = fsspec.core.url_to_fs(self.path(table, day))
        system.makedirs(target.rpartition("/")[0], exist_ok=True)
        if "file" in _protocols(system):
            partial = Path(f"{target}.part")
            try:
                shutil.copyfile(file, partial)
                with partial.open("rb") as handle:  # what leaves must not be lost by a crash
                    os.fsync(handle.fileno())
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        else:
            system.put_file(str(file), target)

    def get(self, table: str, day: date, to: Path) -> bool:
        """Fetches a file; False when there is none."""
        system, target = fsspec.core.url_to_fs(self.path(table, day))
        system.invalidate_cache()
        if not system.exists(target):
            return False
        system.get_file(target, str(to))
        return True

    def remove(self, table: str, day: date) -> None:
        """Removes what an earlier move has left there."""
        system, target = fsspec.core.url_to_fs(self.path(table, day))
        if system.exists(target):
            system.rm_file(target)


def _protocols(system: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)
