"""What an engine has written and nobody reads yet: a Parquet file, or a folder of several."""

import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pyarrow as pa
import pyarrow.parquet as pq

from resources.durable import flush


def staged_files(staged: Path) -> list[str]:
    """The Parquet files of what an engine has staged: one, or those of a folder."""
    return sorted(map(str, staged.glob("*.parquet"))) if staged.is_dir() else [str(staged)]


@contextmanager
def onto_disk(staged: Path) -> Iterator[None]:
    """Brings a file to the disk while it is written here, not all at once when it is published:
    then nothing else is to be done meanwhile. Raises OSError when the disk fails it.
    """
    written, flushed = Event(), Future[None]()

    def flushing() -> None:
        try:
            while not written.wait(1):
                if staged.exists():
                    flush(staged)
        except Exception as error:  # whatever it is: who has written waits for this
            flushed.set_exception(error)
        else:
            flushed.set_result(None)

    # A daemon: a signal may come so that nothing says to it that all is written.
    Thread(target=flushing, name="onto-disk", daemon=True).start()
    try:
        yield
    finally:
        written.set()
    # A failure is told only once, to whoever flushes next: not again to who publishes.
    flushed.result()


def discard(staged: Path) -> None:
    """Removes what was staged, or what of it was not published."""
    if staged.is_dir():
        shutil.rmtree(staged, ignore_errors=True)
    else:
        staged.unlink(missing_ok=True)


def staged_rows(staged: Path) -> int:
    """How many rows were staged."""
    return sum(pq.read_metadata(part).num_rows for part in staged_files(staged))


def staged_schema(staged: Path) -> pa.Schema:
    """The columns, all of which may be NULL to the table, whatever an engine says of its file."""
    return pa.schema([f.with_nullable(True) for f in pq.read_schema(staged_files(staged)[0])])


def stats_of(path: Path, columns: Iterable[str]) -> dict[str, object]:
    """A file's rows, and the least and greatest values of columns, as Delta's log has them."""
    metadata = pq.read_metadata(path)
    stats: dict[str, object] = {"numRecords": metadata.num_rows}
    lows: dict[str, object] = {}
    highs: dict[str, object] = {}
    names = metadata.schema.to_arrow_schema().names
    for column in columns:
        if column not in names:
            continue
        index = names.index(column)
        groups = [
            metadata.row_group(g).column(index).statistics for g in range(metadata.num_row_groups)
        ]
        known = [g for g in groups if g is not None and g.has_min_max]
        if known:
            low, high = min(g.min for g in known), max(g.max for g in known)
            lows[column], highs[column] = (
                (low, high) if isinstance(low, int) else (str(low), str(high))
            )
    return stats | {"minValues": lows, "maxValues": highs, "nullCount": {}}
