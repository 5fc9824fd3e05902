"""A file that is written is brought to the disk meanwhile, and a disk that fails is told of."""

import os
from pathlib import Path
from threading import Event

import pytest

from resources.staged import onto_disk


def test_it_is_flushed_before_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed, sync = Event(), os.fsync

    def tell(handle: int) -> None:
        sync(handle)
        flushed.set()

    monkeypatch.setattr("os.fsync", tell)
    staged = tmp_path / "one.parquet"
    with onto_disk(staged):
        staged.write_bytes(b"half")
        assert flushed.wait(30)


def test_what_the_disk_says_reaches_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Event()

    def fail(_: int) -> None:
        asked.set()
        raise OSError("the disk is broken")

    monkeypatch.setattr("os.fsync", fail)
    staged = tmp_path / "one.parquet"
    staged.touch()
    with pytest.raises(OSError, match="the disk is broken"), onto_disk(staged):
        assert asked.wait(30)


def test_a_file_that_never_comes_is_for_the_writer_to_tell(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file"), onto_disk(tmp_path / "none.parquet"):
        raise ValueError("no file")
