"""Dagster's SQLite files while runs are made in this process: fewer waits, nothing made twice.

Dagster opens a connection for each of a run's hundreds of events and closes it again. Each commit
then waits for the disk, and each closing, being that of the last connection, moves the whole log
into the file: seconds a night. Here one connection more stays open to each file, and a commit is
written without waiting. Whatever dies, the files stay whole; when the machine itself loses power
the last events can be missing, which the ledger does not rely on.

For each connection Dagster makes an engine of its own, too, which writes the same few SQL texts
anew: another second. Here a file has one engine, as its storages on PostgreSQL have.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import Engine, event


@contextmanager
def unhurried(folder: Path) -> Iterator[None]:
    """Holds for the SQLite files below the folder, as long as the context is open."""
    root = str(folder.resolve())
    with ExitStack() as stack:
        held: dict[str, sqlite3.Connection] = {}

        def connected(connection: Any, _: Any) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            path = connection.execute("PRAGMA database_list").fetchone()[2]
            if not path.startswith(f"{root}/"):
                return
            connection.execute("PRAGMA synchronous = NORMAL")
            if path not in held:
                one = sqlite3.connect(path, check_same_thread=False)
                held[path] = stack.enter_context(closing(one))
            # It has a part in the file's log from the first reading on that finds one.
            held[path].execute("PRAGMA schema_version").fetchone()

        for module in (sqlite_event_log, sqlite_run_storage):
            storage: Any = module
            stack.callback(setattr, storage, "create_engine", storage.create_engine)
            storage.create_engine = _once(storage.create_engine)
        event.listen(Engine, "connect", connected)
        stack.callback(event.remove, Engine, "connect", connected)
        yield


def _once(create: Callable[..., Engine]) -> Callable[..., Engine]:
    """The same engine for the same arguments. That it is disposed of does not end it: without a
    pool it holds nothing.
    """
    made: dict[str, Engine] = {}

    def create_engine(*args: Any, **options: Any) -> Engine:
        key = repr((args, options))
        if key not in made:
            made[key] = create(*args, **options)
        return made[key]

    return create_engine
