"""Lets go of old versions of a table: their log, and the files that no version left can read.

Kept are the versions of the last so many days and those that something was made from. Delta's own
clean-up and vacuum do not do it: the first goes by the age of files of the log and can drop the
version that was in force when the days begin; the second forgets after a week which files it may
delete (and leaves for ever what a process that died has left), or, when full, deletes also what
versions of yesterday need. So one rule for both: the log is cut at a checkpoint, and a file goes
when nothing in the log that is left speaks of it.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import fsspec
import pyarrow.parquet as pq

from resources.delta_log import LOG

IN_FLIGHT = timedelta(days=1)
"""A file that is younger may be on its way into the table."""

AT_ONCE = 100
"""So many files of the log are read side by side."""

_COMMIT = re.compile(r"^(\d{20})\.json$")
_CHECKPOINT = re.compile(r"^(\d{20})\.checkpoint\.parquet$")
_OF_A_VERSION = re.compile(r"^(\d{20})\.")


@dataclass(frozen=True)
class LetGo:
    """What was let go of a table: how many versions of its log, files of rows (by their paths below
    its folder), and the size of those in bytes.
    """

    versions: int = 0
    files: tuple[str, ...] = ()
    size: int = 0


def oldest_needed(
    commits: Mapping[int, datetime], since: datetime, needed: Collection[int]
) -> int | None:
    """The oldest version that must stay: needed, or in force at `since` or later."""
    if not commits:
        return None
    before = [version for version, at in commits.items() if at <= since]
    return min([max(before, default=min(commits)), *(v for v in needed if v in commits)])


def is_whole(begin: int | None, commits: Collection[int]) -> bool:
    """Whether the log tells all that has happened since a checkpoint, or since ever without one."""
    first = 0 if begin is None else begin + 1
    return bool(commits) and set(range(first, max(commits) + 1)) <= set(commits)


def let_go(root: str, days: int, needed: Collection[int], now: datetime) -> LetGo:
    """Lets the old versions of the table in a folder or at a URL go; nothing when there is none."""
    system, folder = fsspec.core.url_to_fs(root)
    log = f"{folder}/{LOG}"
    system.invalidate_cache()
    if not system.exists(log):
        return LetGo()
    listed = {PurePosixPath(p).name: i for p, i in system.find(log, detail=True).items()}
    commits = {
        int(found[1]): changed(info)
        for name, info in listed.items()
        if (found := _COMMIT.match(name))
    }
    oldest = oldest_needed(commits, now - timedelta(days=days), needed)
    checkpoints = [int(found[1]) for name in listed if (found := _CHECKPOINT.match(name))]
    begin = max((c for c in checkpoints if oldest is not None and c <= oldest), default=None)
    if not is_whole(begin, commits):
        return LetGo()  # somebody else has cut this log, in a way that is not ours to read
    known = _spoken_of(system, log, begin, commits)
    gone = sorted(
        name
        for name in listed
        if begin is not None and (found := _OF_A_VERSION.match(name)) and int(found[1]) < begin
    )
    for name in gone:  # the oldest first, so that what an upkeep that dies leaves has no gaps
        system.rm_file(f"{log}/{name}")
    files, size = [], 0
    for path, info in system.find(folder, detail=True).items():
        name = str(PurePosixPath(path).relative_to(PurePosixPath(folder)))
        if name.startswith("_") or not name.endswith(".parquet") or name in known:
            continue
        if changed(info) < now - IN_FLIGHT:
            system.rm_file(path)
            files.append(name)
            size += int(info["size"])
    return LetGo(sum(bool(_COMMIT.match(name)) for name in gone), tuple(files), size)


def changed(info: Mapping[str, Any]) -> datetime:
    """When a listed file was last changed, by a disk's or an object store's listing."""
    at = info.get("mtime", info.get("LastModified"))
    if isinstance(at, datetime):
        return at
    if at is None:
        raise ValueError(f"{info.get('name')}: the store does not tell when it was changed")
    return datetime.fromtimestamp(float(at), UTC)


def _spoken_of(system: Any, log: str, begin: int | None, commits: Iterable[int]) -> set[str]:
    """The files that any version from a checkpoint on has, or any at all without one."""
    found: set[str] = set()
    if begin is not None:
        with system.open(f"{log}/{begin:020}.checkpoint.parquet", "rb") as handle:
            added = pq.read_table(handle, columns=["add"])["add"].to_pylist()
        found |= {row["path"] for row in added if row and row["path"]}
    wanted = [f"{log}/{v:020}.json" for v in sorted(commits) if begin is None or v >= begin]
    for at in range(0, len(wanted), AT_ONCE):  # in object storage each takes its time
        for text in system.cat(wanted[at : at + AT_ONCE]).values():
            for line in text.splitlines():
                action = json.loads(line)
                if "add" in action:
                    found.add(action["add"]["path"])
    return found | {unquote(path) for path in found}
