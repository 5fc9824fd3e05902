"""Dagster's SQLite files while runs are made in this process: fewer waits, nothing made twice.

Dagster opens a connection for each of a run's hundreds of events and closes it again, and makes an
engine for each connection, which writes the same few SQL texts anew. Each commit then waits for the
disk, and each closing, being that of the last connection, moves the whole log into the file. It
reads the scripts of its hundred migrations for each file, too, to name the last of them. Together
that is seconds a night. Here a file has one engine that keeps its connections, as Dagster's
storages on PostgreSQL have, and a commit is written without waiting. Whatever dies, the files stay
whole; when the machine itself loses power the last events can be missing, which the ledger does not
rely on.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from sqlalchemy import Engine, QueuePool, event


@contextmanager
def unhurried(folder: Path) -> Iterator[None]:
    """Holds for the SQLite files below the folder, as long as the context is open."""
    root = f"sqlite:///{folder.absolute()}/"
    with ExitStack() as stack:
        for module in (sqlite_event_log, sqlite_run_storage):
            _replace(module, "create_engine", lambda create: _once(create, root, stack), stack)
        _replace(ScriptDirectory, "from_config", _read_once, stack)
        yield


def _replace(owner: Any, name: str, by: Callable[[Any], Any], stack: ExitStack) -> None:
    """Puts what is made of a thing in its place, until the stack ends."""
    stack.callback(setattr, owner, name, vars(owner)[name])
    setattr(owner, name, by(getattr(owner, name)))


def _once(create: Callable[..., Engine], root: str, stack: ExitStack) -> Callable[..., Engine]:
    """The same engine for the same file, until the stack ends: that it is disposed of after each
    use does not end it.
    """
    made: dict[str, Engine] = {}

    def create_engine(url: str, **options: Any) -> Engine:
        if not url.startswith(root):
            return create(url, **options)
        if url not in made:
            engine: Any = create(url, **{**options, "poolclass": QueuePool})
            event.listen(engine, "connect", _without_waiting)
            stack.callback(engine.dispose)
            engine.dispose = lambda close=True: None
            made[url] = engine
        return made[url]

    return create_engine


def _without_waiting(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")


def _read_once(from_config: Callable[[Any], ScriptDirectory]) -> Callable[[Any], ScriptDirectory]:
    """The same migrations for the same folder of scripts."""
    read: dict[str, ScriptDirectory] = {}

    def of_config(config: Any) -> ScriptDirectory:
        folder = str(config.get_main_option("script_location"))
        if folder not in read:
            read[folder] = from_config(config)
        return read[folder]

    return of_config
