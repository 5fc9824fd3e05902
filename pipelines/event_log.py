"""Dagster's SQLite files while runs are made in this process: fewer waits for the disk.

Dagster opens a connection for each of a run's hundreds of events and closes it again. Each commit
then waits for the disk, and each closing, being that of the last connection, moves the whole log
into the file: seconds a night. Here one connection more stays open to each file, and a commit is
written without waiting. Whatever dies, the files stay whole; when the machine itself loses power
the last events can be missing, which the ledger does not rely on.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

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

        event.listen(Engine, "connect", connected)
        stack.callback(event.remove, Engine, "connect", connected)
        yield
