"""The lock files of runs while two processes are at them."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import TextIO

import dagster as dg
import pytest

from pipelines import alive
from resources.locks import exclusive, is_free


def test_a_run_that_begins_is_never_seen_without_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process looks just before the lock is had."""
    lock, seen = fcntl.flock, []
    path = tmp_path / "dagster" / "alive" / "run"

    def looked_at_before(handle: int, how: int) -> None:
        seen.append(path.exists())
        lock(handle, how)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", looked_at_before)
        alive.show_alive(tmp_path, "run")
    assert seen == [False]
    assert not is_free(path)


def test_files_that_another_process_has_removed_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dagster" / "alive"
    folder.mkdir(parents=True)
    for name in ("one", "two", "three"):
        (folder / name).touch()
        os.utime(folder / name, (0, 0))

    def while_another_buries(path: Path) -> bool:
        free = is_free(path)
        for each in folder.iterdir():
            each.unlink()
        return free

    monkeypatch.setattr(alive, "is_free", while_another_buries)
    with dg.DagsterInstance.ephemeral() as instance:
        assert alive.bury(instance, tmp_path) == []
    assert list(folder.iterdir()) == []


def test_locks_can_be_looked_at_on_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes them locks of bytes, which are refused to who has not opened the file for it."""
    lock = fcntl.flock

    def on_nfs(handle: int | TextIO, how: int) -> None:
        opened = fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE
        needed = os.O_WRONLY if how & fcntl.LOCK_EX else os.O_RDONLY
        if opened not in (needed, os.O_RDWR):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", on_nfs)
    path = tmp_path / "lock"
    with exclusive(path):
        assert not is_free(path)
    assert is_free(path)
    alive.show_alive(tmp_path, "run")
    assert not is_free(tmp_path / "dagster" / "alive" / "run")
