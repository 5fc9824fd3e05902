"""A table's log on this disk: flushed as it is written, and rid of what a power cut left of it.

delta-rs flushes nothing. So whoever commits does, before the ledger or anybody else is told of it;
what a power cut leaves of a commit that nobody was told of is a file of no bytes, which counts as a
version in which nothing happened.
"""

from collections.abc import Iterable
from pathlib import Path

from resources.durable import flush, flush_names

LOG = "_delta_log"
_LAST_CHECKPOINT = "_last_checkpoint"


def commit_file(version: int) -> str:
    """Where a table has the commit of a version, below its folder."""
    return f"{LOG}/{version:020}.json"


def flush_commits(table: Path, versions: Iterable[int]) -> None:
    """Brings these commits of the table in a folder to the disk. Raises OSError."""
    for version in versions:
        flush(table / commit_file(version))
    flush_names(table / LOG)


def flush_table(table: Path) -> None:
    """The same for a table that was just made: its first commit, and the names of its folders."""
    flush_commits(table, [0])
    flush_names(table)
    flush_names(table.parent)


def flush_checkpoint(table: Path, version: int) -> None:
    """Brings the checkpoint of a version to the disk. Raises OSError."""
    flush(table / LOG / f"{version:020}.checkpoint.parquet")
    flush(table / LOG / _LAST_CHECKPOINT)
    flush_names(table / LOG)


def mend_log(table: Path) -> list[Path]:
    """Removes what keeps a table from being opened: a first commit or a checkpoint of no bytes;
    what was removed. Only while nobody commits.

    Without its first commit, which nothing follows, the table was never there; without the
    checkpoint its log is read from the one before.
    """
    if not (table / LOG).is_dir():
        return []
    commits = sorted((table / LOG).glob("[0-9]*.json"))
    torn = commits if len(commits) == 1 and _is_empty(commits[0]) else []
    checkpoints = [c for c in (table / LOG).glob("*.checkpoint.parquet") if _is_empty(c)]
    if checkpoints:
        # First: what it leads to must be there.
        (table / LOG / _LAST_CHECKPOINT).unlink(missing_ok=True)
    for path in (*checkpoints, *torn):
        path.unlink()
    if torn or checkpoints:
        flush_names(table / LOG)
    return [*checkpoints, *torn]


def _is_empty(path: Path) -> bool:
    return not path.stat().st_size
