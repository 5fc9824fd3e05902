"""What the lake lacks of what the ledger and its own logs know: told, and made anew if it can be.

Not found is what is damaged and as long as it was.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from resources.additions import MadeOf
from resources.days import DAY_TABLES
from resources.delta_log import mend_log
from resources.held import TABLES
from resources.lake import DAY, Lake
from resources.ledger import Days
from resources.ledger.days import Build
from resources.listing import some

Say = Callable[[str], None]

_BACKUP = "put it back from a backup"


def mend_logs(lake: Lake, say: Say) -> None:
    """Lets tables be opened again of whose log a power cut has left a file of no bytes."""
    if lake.copies is not None:
        return
    for name in ("delivered", "quarantine", *DAY_TABLES):
        for path in mend_log(lake.root / name):
            say(f"warning: {name}: {path.name} of its log had no bytes, as after a power cut: gone")


def mend(lake: Lake, days: Days, say: Say) -> bool:
    """Lets days be built again that a table has not, or not whole; whether a table is older than
    the ledger knows it.

    Not those whose calls have left the lake, or are not whole in it: only a backup has them.
    """
    lost = {n: _damaged(lake, n, lake.table(n)) for n in ("delivered", "quarantine")}
    older = False
    for name in DAY_TABLES:
        table = lake.table(name)
        older |= _notice_lost(name, table, days, say)
        found = _damaged(lake, name, table)
        frozen = days.cold.frozen() if found else {}
        for file in found:
            day = date.fromisoformat(file.parent.name.removeprefix(f"{DAY}="))
            if day in frozen or set(map(str, lost["delivered"])) & set(lake.delivered(day)):
                say(_told(name, file, _BACKUP))
                continue
            say(_told(name, file, "the day is built anew"))
            days.not_built(name, day)  # first: a day that is not there must not pass for built
            lake.clear(name, day)
    for name, files in lost.items():
        for file in files:
            say(_told(name, file, _BACKUP))
    return older


def _notice_lost(name: str, table: DeltaTable | None, days: Days, say: Say) -> bool:
    """A table, or days of it, that was removed, or put back from an older copy.

    By the table's version; and by the days' files, since builds that came first may have brought it
    to the version that the ledger knows.
    """
    version, there = -1 if table is None else table.version(), _files_by_day(table)
    lost = sorted(
        day
        for day, build in days.builds(name).items()
        if build.lake_version > version or not _is_there(build, there.get(day, set()))
    )
    frozen = days.cold.frozen() if lost else {}
    if again := [day for day in lost if day not in frozen]:
        for day in again:
            days.not_built(name, day)
        say(
            f"warning: {name} in the lake is not there or older than the ledger knows it: "
            f"its days ({some(again)}) are built anew"
        )
    if name in TABLES and (kept := [day for day in lost if day in frozen]):
        say(
            f"warning: {name} in the lake is not there or older than the ledger knows it: its days "
            f"{some(kept)} cannot be built anew, as their calls have left the lake: {_BACKUP}"
        )
    return bool(lost)


def _files_by_day(table: DeltaTable | None) -> dict[date, set[str]]:
    """The names of the files that a table's log has of each day."""
    found: dict[date, set[str]] = {}
    for path in map(Path, table.file_uris() if table is not None else ()):
        day = date.fromisoformat(path.parent.name.removeprefix(f"{DAY}="))
        found.setdefault(day, set()).add(path.name)
    return found


def _is_there(build: Build, files: set[str]) -> bool:
    """Whether a day's files are those that were published; some, where it is not noted which."""
    made = MadeOf.of_text(build.made_of)
    return files == set(made.parts) if made is not None else bool(files) or not build.rows


def _damaged(lake: Lake, name: str, table: DeltaTable | None) -> list[Path]:
    """The files that are not there, or not as long as the table's log has them.

    None of a lake in a bucket: what is lacking here is fetched.
    """
    if table is None or lake.copies is not None:
        return []
    known = pa.table(table.get_add_actions()).select(["path", "size_bytes"]).to_pydict()
    files = zip(known["path"], known["size_bytes"], strict=True)
    return [path for file, size in files if _size(path := lake.root / name / file) != size]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _told(name: str, file: Path, then: str) -> str:
    return f"warning: {name}: {file} is gone or cut short: {then}"
