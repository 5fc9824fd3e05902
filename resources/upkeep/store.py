"""The cold store: a folder or URL with the calls of days that have left the lake.

    <store>/<table>/call_date=YYYY-MM-DD/<table>.parquet

for `cdrs`, `delivered` and `quarantine`. Plain Parquet, in the lake's own partition folders.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import fsspec

from resources.bucket import Bucket, StoreError, bucket_of
from resources.durable import flush, flush_names

SETTING = "CDR_REPORTS_COLD_STORE"


class StoreFailed(Exception):
    """The store could not be written or read; the text says what and why."""


@dataclass(frozen=True)
class ColdStore:
    """The store at a folder or URL."""

    url: str

    @property
    def _bucket(self) -> Bucket | None:
        return bucket_of(self.url, SETTING)

    def path(self, table: str, day: date) -> str:
        """Where a day of a table is."""
        return f"{self.url.rstrip('/')}/{table}/call_date={day}/{table}.parquet"

    def put(self, table: str, day: date, file: Path) -> None:
        """Puts a file there in place of an older one; readers see the one or the other.

        Raises StoreFailed.
        """
        with self._told(f"{self.path(table, day)} could not be written"):
            self._put(table, day, file)

    def _put(self, table: str, day: date, file: Path) -> None:
        system, target = fsspec.core.url_to_fs(self.path(table, day))
        if not self._bucket:  # else it would make a bucket of a name that was typed wrongly
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
        if "file" in _protocols(system):
            partial = Path(f"{target}.part")
            try:
                shutil.copyfile(file, partial)
                flush(partial)  # what leaves must not be lost by a crash
                partial.replace(target)
                flush_names(partial.parent)
                flush_names(partial.parent.parent)
            finally:
                partial.unlink(missing_ok=True)
        else:
            system.put_file(str(file), target)

    def get(self, table: str, day: date, to: Path) -> bool:
        """Fetches a file; False when there is none. Raises StoreFailed."""
        with self._told(f"{self.path(table, day)} could not be read"):
            if not self.has(table, day):
                return False
            system, target = fsspec.core.url_to_fs(self.path(table, day))
            system.get_file(target, str(to))
            return True

    def has(self, table: str, day: date) -> bool:
        """Whether a day of a table is there. Raises StoreFailed."""
        with self._told(f"{self.path(table, day)} could not be read"):
            system, target = fsspec.core.url_to_fs(self.path(table, day))
            system.invalidate_cache()
            return bool(system.exists(target))

    def remove(self, table: str, day: date) -> None:
        """Removes what an earlier move has left there. Raises StoreFailed."""
        with self._told(f"{self.path(table, day)} could not be removed"):
            system, target = fsspec.core.url_to_fs(self.path(table, day))
            if system.exists(target):
                system.rm_file(target)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Turns what goes wrong into StoreFailed. Nothing has been changed in the lake by then."""
        try:
            with self._bucket.told() if self._bucket else nullcontext():
                yield
        except (OSError, StoreError, ImportError) as error:
            raise StoreFailed(
                f"{what}: {error}; what the lake has of the day it still has"
            ) from error


def _protocols(system: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)
