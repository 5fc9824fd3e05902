"""Dagster's SQLite files do not wait for the disk with each event; others do as before."""

from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy import NullPool, create_engine

from pipelines.event_log import unhurried


def write(path: Path) -> int:
    """A row by a connection of its own, as Dagster writes; what the connection waits for."""
    storage: Any = sqlite_event_log
    engine = storage.create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (n)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        connection.commit()
        waits: int = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    engine.dispose()
    return waits


def rows(path: Path) -> int:
    with create_engine(f"sqlite:///{path}", poolclass=NullPool).connect() as connection:
        found: int = connection.exec_driver_sql("SELECT count(*) FROM t").scalar_one()
        return found


def test_the_log_of_a_file_is_not_moved_with_each_closing(tmp_path: Path) -> None:
    folder = tmp_path / "dagster"
    folder.mkdir()
    mine, other = folder / "run.db", tmp_path / "ledger.db"
    with unhurried(folder):
        for _ in range(3):
            assert write(mine) == 1
            assert write(other) == 2
        assert mine.with_name("run.db-wal").exists()
        assert not other.with_name("ledger.db-wal").exists()
    assert not mine.with_name("run.db-wal").exists()
    assert rows(mine) == rows(other) == 3
    assert write(mine) == 2
