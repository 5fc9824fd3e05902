"""Publishes and finds the lake's tables: Delta Lake, day tables partitioned by call date.

It knows files, days and commits; what a table holds is `sql/`, when it is built is `assets/`.
Readers see the state before a commit or after it, never between. In object storage a table's files
are uploaded before the commit that names them; one that no commit names is not there for readers,
and goes with the upkeep.
"""

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction, Transaction

from resources.bucket import Copies
from resources.delta_log import commit_file, flush_checkpoint, flush_commits, flush_table
from resources.durable import flush, flush_names
from resources.parts import Part, parts_of
from resources.snapshots import Snapshots, commit_on_disk
from resources.staged import discard, staged_files, staged_rows, staged_schema, stats_of

DAY = "call_date"
T = TypeVar("T")
Mode = Literal["overwrite", "append"]

NEVER_BY_ITSELF = {"delta.enableExpiredLogCleanup": "false"}
"""Versions go only when the upkeep lets them go; Delta's own clean-up knows of no deliveries."""


class VersionGone(Exception):
    """A table is to be read as it was once, and that was let go."""


class DayMoved(Exception):
    """A day was to be published by what it held before, and has other files by now."""


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
        return replace(self, pinned=dict(versions), _snapshots=Snapshots())

    def where(self, name: str) -> str:
        """The folder or URL of a table."""
        return f"{self.copies.bucket.url}/{name}" if self.copies else str(self.root / name)

    def told(self) -> AbstractContextManager[None]:
        """Within it, a bucket that does not do what it must raises StoreError."""
        return self.copies.bucket.told() if self.copies else nullcontext()

    def table(self, name: str) -> DeltaTable | None:
        """The table as of now (or as pinned), or None while nothing was ever published.

        Raises VersionGone.
        """
        version = self.pinned.get(name)
        if version == -1:
            return None
        try:
            with self.told():
                return DeltaTable(self.where(name), version=version, storage_options=self._options)
        except TableNotFoundError:
            if version is None:
                return None
            raise VersionGone(
                f"the lake does not hold version {version} of {name} any more"
            ) from None

    def version(self, name: str) -> int:
        """The newest version of a table; -1 while there is none."""
        version = self._look(name, lambda table: table.version())
        return -1 if version is None else version

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
            intakes = path.name.lstrip("_").startswith(("delivered-", "quarantine-"))
            if intakes or time.time() - path.stat().st_mtime > 86400:
                discard(path)

    def committed(self, name: str, transactions: Iterable[str]) -> set[str]:
        """Those of the transactions that a table has seen: what they brought is, or was, in it."""
        seen = self._look(
            name,
            lambda table: {t for t in transactions if table.transaction_version(t) is not None},
        )
        return seen or set()

    def append(self, name: str, staged: Path, transactions: Sequence[str]) -> bool:
        """Adds the rows of delivered files in one commit; False when there are none.

        Each transaction stands for a file and must not have been committed before.
        """
        if not staged_rows(staged):
            discard(staged)
            return False
        schema = staged_schema(staged)
        with self._open(name) as there:
            table = there or self._create(name, schema)
            self._write(table, name, [], [staged], transactions)
        return True

    def swap(
        self,
        name: str,
        gone: Sequence[Part],
        staged: Sequence[Path],
        transactions: Sequence[str] = (),
    ) -> None:
        """Puts staged files in the place of others, in one commit; empty ones are left out.

        `transactions` are noted with it, so that it can be seen to have happened.
        """
        with self._open(name) as table:
            if table is not None and (gone or staged):
                self._write(table, name, gone, staged, transactions)

    def parts(self, name: str) -> list[Part]:
        """The files in force of `delivered` or `quarantine`, by the deliveries in them."""
        return self._look(name, lambda table: parts_of(table, self.root / name)) or []

    def keep_versions(self, name: str) -> None:
        """Sees to it that Delta lets no version of a table go by itself, as it does by default."""
        table = self.table(name)
        if table is None or NEVER_BY_ITSELF.items() <= dict(table.metadata().configuration).items():
            return
        with self._committing(name, table):
            table.alter.set_table_properties(NEVER_BY_ITSELF)

    def checkpoint(self, name: str) -> None:
        """Sums a table's log up now, so that what it has ended with can be let go of later."""
        table = self.table(name)
        if table is not None:
            self._checkpoint(name, table)

    def publish(self, name: str, day: date, staged: Path, stem: str | None = None) -> int:
        """Replaces one day of a table by the staged file's rows, in one commit; its version.

        The file is named `stem`, which must be new, where its name has to say something.
        """
        with self._open(name) as table:
            return self._publish(name, day, staged, stem, table, "overwrite")

    def add(
        self,
        name: str,
        day: date,
        staged: Path | None,
        onto: Collection[str],
        stem: str | None = None,
    ) -> int:
        """Adds the staged file's rows, if any, to the day's files of these names, in one commit.

        As `publish` for the rest. Raises DayMoved when the day has other files by now.
        """
        with self._open(name) as table:
            there = () if table is None else table.file_uris(file_pruning_predicate=_of(day))
            if {Path(file).name for file in there} != set(onto):
                raise DayMoved(f"{day} of {name} was published anew meanwhile")
            if staged is None or not staged_rows(staged):
                return -1 if table is None else table.version()
            return self._publish(name, day, staged, stem, table, "append")

    def _publish(
        self,
        name: str,
        day: date,
        staged: Path,
        stem: str | None,
        table: DeltaTable | None,
        mode: Mode,
    ) -> int:
        schema = staged_schema(staged)
        table = table or self._create(
            name, schema.append(pa.field(DAY, pa.date32())), partition_by=[DAY]
        )
        actions: list[AddAction | RemoveAction] = []
        if staged_rows(staged):
            for file in staged_files(staged):
                path = f"{DAY}={day}/{stem or uuid.uuid4().hex}.parquet"
                actions.append(self._place(name, file, path, {DAY: str(day)}))
        discard(staged)
        return self._commit_day(name, table, day, actions, mode)

    def clear(self, name: str, day: date) -> int:
        """Empties one day of a table; the table's version, unchanged when there was nothing."""
        with self._open(name) as table:
            if table is None:
                return -1
            if not table.file_uris(file_pruning_predicate=_of(day)):
                return table.version()
            return self._commit_day(name, table, day, [], "overwrite")

    def files(self, name: str, first: date, last: date) -> list[str]:
        """The Parquet files of a day table for the days from `first` to `last`, inclusive."""
        return self.fetch(self.places(name, first, last))

    def places(self, name: str, first: date, last: date) -> list[str]:
        """Where these files are on this disk, once they are fetched: for who may not need all."""
        filters = [(DAY, ">=", str(first)), (DAY, "<=", str(last))]
        found = self._look(name, lambda table: table.file_uris(file_pruning_predicate=filters))
        # What Delta gives is a URL: it has %20 for a blank in the folder's path.
        day_files = (Path(*Path(uri).parts[-2:]) for uri in found or ())
        return sorted(str(self.root / name / path) for path in day_files)

    def fetch(self, files: list[str]) -> list[str]:
        """The same files, each of them now on this disk."""
        if self.copies is not None:
            self.copies.fetch([str(Path(file).relative_to(self.root)) for file in files])
        return files

    def delivered(self, day: date) -> list[str]:
        """The files of `delivered` that may hold calls of the day, the largest first."""
        found = [
            part
            for part in self.parts("delivered")
            if part.first_day is None
            or part.last_day is None
            or part.first_day <= day <= part.last_day
        ]
        return self.fetch([p.uri for p in sorted(found, key=lambda p: (-p.rows, p.uri))])

    def of_files(self, name: str, file_ids: Collection[int]) -> list[str]:
        """The files of `delivered` or `quarantine` that may hold rows of these delivered files."""
        found = (p.uri for p in self.parts(name) if any(map(p.may_hold, file_ids)))
        return self.fetch(list(found))

    def newest_files(self, name: str) -> list[str]:
        """The newest file of a table, none while it has none; for looking at columns."""
        known = self._look(name, lambda table: pa.table(table.get_add_actions()))
        if known is None:
            return []
        newest = known.sort_by("modification_time")["path"].to_pylist()[-1:]
        return self.fetch([str(self.root / name / path) for path in newest])

    def days(self, name: str) -> list[date]:
        """The days that hold rows in a day table."""
        found = self._look(name, lambda table: table.partitions())
        return sorted({date.fromisoformat(str(row[DAY])) for row in found or ()})

    def _look(self, name: str, look: Callable[[DeltaTable], T]) -> T | None:
        """What is found in the table, None while there is none. It must not be the table."""
        with self._open(name) as table:
            return None if table is None else look(table)

    def _open(self, name: str) -> AbstractContextManager[DeltaTable | None]:
        """The table as of now (or as pinned), to oneself while the context lasts; None while there
        is none.
        """
        return self._snapshots.table(
            name, partial(self.table, name), partial(self._commit_of, name), name in self.pinned
        )

    def _commit_of(self, name: str, table: DeltaTable) -> object:
        """Which commit a table is at, in a bucket also by whose leave; None when it is gone."""
        if self.copies is None:
            return commit_on_disk(self.root / name, table)
        found = self.copies.bucket.identity(f"{name}/{commit_file(table.version())}")
        return found and (found, self._options)

    def _commit_day(
        self,
        name: str,
        table: DeltaTable,
        day: date,
        actions: list[AddAction | RemoveAction],
        mode: Mode,
    ) -> int:
        """Commits files of a day, in the place of those that it has or beside them."""
        how: dict[str, Any] = {"partition_by": [DAY], "commit_properties": _AS_READ}
        if mode == "overwrite":
            how["partition_filters"] = _of(day)
        self._commit(name, table, actions, mode, table.schema(), **how)
        return table.version()

    def _write(
        self,
        table: DeltaTable,
        name: str,
        gone: Sequence[Part],
        staged: Sequence[Path],
        transactions: Sequence[str],
    ) -> None:
        """One commit over the files of a table that is no day table."""
        now = int(time.time() * 1000)
        actions: list[AddAction | RemoveAction] = [
            RemoveAction(
                path=part.path,
                data_change=True,
                deletion_timestamp=now,
                size=part.size,
                partition_values={},
            )
            for part in gone
        ]
        for path in staged:
            if staged_rows(path):
                actions += [
                    self._place(name, file, f"file-{uuid.uuid4().hex}.parquet", {})
                    for file in staged_files(path)
                ]
            discard(path)
        noted = [Transaction(each, 1) for each in transactions]
        once = CommitProperties(app_transactions=noted)
        self._commit(name, table, actions, "append", table.schema(), commit_properties=once)

    def _create(self, name: str, schema: pa.Schema, **layout: Any) -> DeltaTable:
        with self.told():
            made = DeltaTable.create(
                self.where(name),
                schema,
                mode="ignore",
                configuration=NEVER_BY_ITSELF,
                storage_options=self._options,
                **layout,
            )
        if self.copies is None:
            flush_table(self.root / name)
        return made

    def _commit(self, name: str, table: DeltaTable, *commit: Any, **properties: Any) -> None:
        """Commits, and sums the log up now and then, for readers; older versions stay as they are.

        Afterwards `table` is the one that was committed, not the one before.
        """
        with self._committing(name, table):
            table.create_write_transaction(*commit, **properties)
        if table.version() % CHECKPOINT_EVERY == 0:
            self._checkpoint(name, table)

    @contextmanager
    def _committing(self, name: str, table: DeltaTable) -> Iterator[None]:
        """What is committed within it is in `table`, and on the disk, before anybody is told."""
        before = table.version()
        with self.told():
            yield
            table.update_incremental()
        if self.copies is None:
            flush_commits(self.root / name, range(before + 1, table.version() + 1))

    def _checkpoint(self, name: str, table: DeltaTable) -> None:
        with self.told():
            table.create_checkpoint()
        if self.copies is None:
            flush_checkpoint(self.root / name, table.version())

    @property
    def _options(self) -> dict[str, str] | None:
        return self.copies.bucket.options() if self.copies else None

    def _place(self, name: str, file: str, path: str, partition: dict[str, str]) -> AddAction:
        staged, target = Path(file), self.root / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        stats = stats_of(staged, () if partition else ("file_id", DAY))
        flush(staged)  # a commit must not point at bytes that a crash can lose
        if self.copies is not None:
            self.copies.bucket.put(staged, f"{name}/{path}")
        staged.replace(target)
        flush_names(target.parent)
        if partition:
            flush_names(target.parent.parent)
        return AddAction(
            path=path,
            size=target.stat().st_size,
            partition_values=partition,
            modification_time=int(time.time() * 1000),
            data_change=True,
            stats=json.dumps(stats),
        )


def _of(day: date) -> list[tuple[str, str, str]]:
    """Picks the files of a day."""
    return [(DAY, "=", str(day))]


_AS_READ = CommitProperties(max_commit_retries=0)
"""Refused when another machine has committed since the table was read: Delta would put it behind
that commit, and of two who publish a day for the first time both would be in force."""

CHECKPOINT_EVERY = 20
"""Versions: to open a table costs a third of a millisecond for each since the last checkpoint."""
