"""Publishes and finds the lake's tables: Delta Lake, day tables partitioned by call date.

It knows files, days and commits; what a table holds is `sql/`, when it is built is `assets/`.
Readers see the state before a commit or after it, never between. In object storage a table's files
are uploaded before the commit that names them; one that no commit names is not there for readers,
and goes with the next vacuum.
"""

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from resources.bucket import Copies
from resources.snapshots import Snapshots

DAY = "call_date"
T = TypeVar("T")


@dataclass(frozen=True)
class Lake:
    """Delta tables in folders below `root`, one a table.

    `pinned` are the versions at which tables are read; the others as of now. With `copies` the
    tables are in their bucket, and below `root` are the copies of files that were asked for.
    """

    root: Path
    pinned: Mapping[str, int] = field(default_factory=dict)
    copies: Copies | None = None
    _snapshots: Snapshots = field(default_factory=Snapshots, repr=False, compare=False)

    def at(self, versions: Mapping[str, int]) -> "Lake":
        """The lake with these tables as they were at a version; -1 is before there was one."""
        return replace(self, pinned=dict(versions))

    def where(self, name: str) -> str:
        """The folder or URL of a table."""
        return f"{self.copies.bucket.url}/{name}" if self.copies else str(self.root / name)

    def table(self, name: str) -> DeltaTable | None:
        """The table as of now (or as pinned), or None while nothing was ever published."""
        version = self.pinned.get(name)
        if version == -1:
            return None
        try:
            with self._told():
                return DeltaTable(self.where(name), version=version, storage_options=self._options)
        except TableNotFoundError:
            return None

    def version(self, name: str) -> int:
        """The newest version of a table; -1 while there is none."""
        table = self.table(name)
        return -1 if table is None else table.version()

    def staging(self, name: str) -> Path:
        """A path for a file that is going to be published in `name`, on the same disk."""
        folder = self.root / "_staging"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}-{uuid.uuid4().hex}.parquet"

    def clear_staging(self) -> None:
        """Removes what an intake that died has left, and days staged over a day ago.

        Only while no other intake runs; a day may be under judgement at any time.
        """
        for path in (self.root / "_staging").glob("*.parquet"):
            intakes = path.name.startswith(("delivered-", "quarantine-"))
            if intakes or time.time() - path.stat().st_mtime > 86400:
                path.unlink(missing_ok=True)

    def append(self, name: str, staged: Path, file_id: int, transaction: str) -> bool:
        """Adds a delivered file's rows once.

        False when there are none, or when `transaction` was committed before.
        """
        table = self.table(name)
        known = table is not None and table.transaction_version(transaction) is not None
        if known or not pq.read_metadata(staged).num_rows:
            staged.unlink()
            return False
        schema = pq.read_schema(staged)
        table = table or self._create(name, schema)
        action = self._place(name, staged, f"file-{file_id}-{uuid.uuid4().hex[:8]}.parquet", {})
        once = CommitProperties(app_transactions=[Transaction(transaction, 1)])
        self._commit(table, [action], "append", schema, commit_properties=once)
        return True

    def remove(self, name: str, file_id: int) -> None:
        """Takes a delivered file's rows out again; nothing happens when they are not there."""
        table = self.table(name)
        if table is None:
            return
        gone: list[AddAction | RemoveAction] = [
            RemoveAction(
                path=row["path"],
                data_change=True,
                deletion_timestamp=int(time.time() * 1000),
                size=row["size_bytes"],
                partition_values={},
            )
            for row in _actions(table)
            if row["min"].get("file_id") == file_id == row["max"].get("file_id")
        ]
        if gone:
            self._commit(table, gone, "append", table.schema())

    def publish(self, name: str, day: date, staged: Path, stem: str | None = None) -> int:
        """Replaces one day of a table by the staged file's rows, in one commit; its version.

        The file is named `stem`, which must be new, where its name has to say something.
        """
        schema = pq.read_schema(staged)
        table = self.table(name) or self._create(
            name, schema.append(pa.field(DAY, pa.date32())), partition_by=[DAY]
        )
        if not pq.read_metadata(staged).num_rows:
            staged.unlink()
            return self._replace(table, day, [])
        path = f"{DAY}={day}/{stem or uuid.uuid4().hex}.parquet"
        return self._replace(table, day, [self._place(name, staged, path, {DAY: str(day)})])

    def clear(self, name: str, day: date) -> int:
        """Empties one day of a table; the table's version, unchanged when there was nothing."""
        table = self.table(name)
        if table is None or not table.file_uris(file_pruning_predicate=[(DAY, "=", str(day))]):
            return self.version(name)
        return self._replace(table, day, [])

    def files(self, name: str, first: date, last: date) -> list[str]:
        """The Parquet files of a day table for the days from `first` to `last`, inclusive."""
        return self.fetch(self.places(name, first, last))

    def places(self, name: str, first: date, last: date) -> list[str]:
        """Where these files are on this disk, once they are fetched: for who may not need all."""
        filters = [(DAY, ">=", str(first)), (DAY, "<=", str(last))]
        found = self._look(name, lambda table: table.file_uris(file_pruning_predicate=filters))
        files = sorted(found or ())
        if self.copies is None:
            return files
        return [str(self.root / name) + file.removeprefix(self.where(name)) for file in files]

    def fetch(self, files: list[str]) -> list[str]:
        """The same files, each of them now on this disk."""
        if self.copies is not None:
            self.copies.fetch([str(Path(file).relative_to(self.root)) for file in files])
        return files

    def delivered(self, day: date) -> list[str]:
        """The files of `delivered` that may hold calls of the day."""
        table = self.table("delivered")
        if table is None:
            return []
        return self._files(
            "delivered",
            (
                row
                for row in _actions(table)
                if row["min"].get(DAY) is None or row["min"][DAY] <= day <= row["max"][DAY]
            ),
        )

    def of_file(self, name: str, file_id: int) -> list[str]:
        """The files of `delivered` or `quarantine` that hold rows of one delivered file."""
        table = self.table(name)
        if table is None:
            return []
        return self._files(
            name,
            (
                row
                for row in _actions(table)
                if row["min"].get("file_id") == file_id == row["max"].get("file_id")
            ),
        )

    def delivered_files(self) -> set[int]:
        """The numbers of the delivered files that have rows in `delivered`."""
        table = self.table("delivered")
        return set() if table is None else {row["min"]["file_id"] for row in _actions(table)}

    def newest_files(self, name: str) -> list[str]:
        """The files of a table's newest commit that are still in force; for looking at columns."""
        table = self.table(name)
        if table is None:
            return []
        actions = sorted(_actions(table), key=lambda row: row["modification_time"])
        return self._files(name, actions[-1:])

    def days(self, name: str) -> list[date]:
        """The days that hold rows in a day table."""
        found = self._look(name, lambda table: table.partitions())
        return sorted({date.fromisoformat(str(row[DAY])) for row in found or ()})

    def _look(self, name: str, look: Callable[[DeltaTable], T]) -> T | None:
        """What is found in the table as of now (or as pinned), None while there is none."""
        if self.copies is None and name not in self.pinned:
            return self._snapshots.ask(self.root / name, partial(self.table, name), look)
        table = self.table(name)
        return None if table is None else look(table)

    def _replace(
        self, table: DeltaTable, day: date, actions: list[AddAction | RemoveAction]
    ) -> int:
        self._commit(
            table,
            actions,
            "overwrite",
            table.schema(),
            partition_by=[DAY],
            partition_filters=[(DAY, "=", str(day))],
        )
        return table.version()

    def _create(self, name: str, schema: pa.Schema, **layout: Any) -> DeltaTable:
        with self._told():
            return DeltaTable.create(
                self.where(name), schema, mode="ignore", storage_options=self._options, **layout
            )

    def _commit(self, table: DeltaTable, *commit: Any, **properties: Any) -> None:
        with self._told():
            table.create_write_transaction(*commit, **properties)
            _shorten(table)

    def _files(self, name: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        return self.fetch(sorted(str(self.root / name / row["path"]) for row in rows))

    def _told(self) -> AbstractContextManager[None]:
        return self.copies.bucket.told() if self.copies else nullcontext()

    @property
    def _options(self) -> dict[str, str] | None:
        return self.copies.bucket.options() if self.copies else None

    def _place(self, name: str, staged: Path, path: str, partition: dict[str, str]) -> AddAction:
        target = self.root / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        stats = _stats(staged, () if partition else ("file_id", DAY))
        with staged.open("rb") as handle:  # a commit must not point at bytes that a crash can lose
            os.fsync(handle.fileno())
        if self.copies is not None:
            self.copies.bucket.put(staged, f"{name}/{path}")
        staged.replace(target)
        return AddAction(
            path=path,
            size=target.stat().st_size,
            partition_values=partition,
            modification_time=int(time.time() * 1000),
            data_change=True,
            stats=json.dumps(stats),
        )


CHECKPOINT_EVERY = 20
"""Versions: to open a table costs a third of a millisecond for each since the last checkpoint."""


def _shorten(table: DeltaTable) -> None:
    """Sums the log up now and then, for readers; older versions stay as they are.

    Afterwards `table` is the one that was committed, not the one before.
    """
    table.update_incremental()
    if table.version() % CHECKPOINT_EVERY == 0:
        table.create_checkpoint()


def _stats(path: Path, columns: Iterable[str]) -> dict[str, object]:
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


def _actions(table: DeltaTable) -> list[dict[str, Any]]:
    """The files in force: path, size, and what is known of their columns (`min`, `max`)."""
    rows: list[dict[str, Any]] = pa.table(table.get_add_actions()).to_pylist()
    for row in rows:
        row["min"] = row.get("min") or {}
        row["max"] = row.get("max") or {}
    return rows
