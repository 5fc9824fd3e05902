"""The verdicts on a day's repeated keys, between its intake and its building.

To find them reads every delivered record of the day. The intake needs them for the files' accounts
and the building for the calls, most often in another process, minutes later.
"""

import hashlib
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc

import sql

MOST = 1_000_000
"""Of more they are found anew: a day that was delivered twice as a whole is rare, and large."""

_KEY = b"delivered"


@dataclass(frozen=True)
class KeptVerdicts:
    """A file a day in a folder, good for the very files of `delivered` that it was made from.

    Whatever is missing, cut off or of other files is not there, and is found anew.
    """

    folder: Path

    def read(self, day: date, delivered: Iterable[str]) -> pa.Table | None:
        """The verdicts on a day, or None."""
        try:
            with pa.OSFile(str(self._path(day))) as source, ipc.open_file(source) as file:
                if (file.schema.metadata or {}).get(_KEY) == _mark(delivered):
                    return file.read_all().replace_schema_metadata()
        except (OSError, pa.ArrowException):
            pass
        return None

    def write(self, day: date, delivered: Iterable[str], verdicts: pa.Table) -> None:
        """Keeps the verdicts on a day, unless there are too many or the disk has no room."""
        staged = self.folder / f".{uuid.uuid4().hex}"
        try:
            self.drop(day)
            if verdicts.num_rows > MOST:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            for left in self.folder.glob(".*"):  # by a process that died; who writes is alone
                left.unlink(missing_ok=True)
            schema = verdicts.schema.with_metadata({_KEY: _mark(delivered)})
            with staged.open("wb") as handle:
                with ipc.new_file(handle, schema) as file:
                    file.write_table(verdicts.cast(schema))
                handle.flush()
                os.fsync(handle.fileno())  # what a crash loses must not look like what was there
            os.replace(staged, self._path(day))
        except OSError:
            with suppress(OSError):
                staged.unlink()

    def drop(self, day: date) -> None:
        """Removes what is kept of a day, once it is built."""
        self._path(day).unlink(missing_ok=True)

    def _path(self, day: date) -> Path:
        return self.folder / f"{day}.arrow"


def _mark(delivered: Iterable[str]) -> bytes:
    """Stands for files of `delivered`, whose names never come back, and for the rule."""
    names = sorted(Path(file).name for file in delivered)
    texts = [sql.text(f"delivered/{name}") for name in ("repeated", "verdicts")]
    return hashlib.sha256("\n".join([*names, *texts]).encode()).hexdigest().encode()
