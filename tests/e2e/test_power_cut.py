"""The power goes: what was told to be done is there, and running again goes on from it.

The home is on a file system of its own in a file. That file is what a disk holds: what the system
still had in memory is not in it. So a copy of it is what is left when the machine stops then.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from resources.days import DAY_TABLES
from tests.pipeline.deliveries import Call, call, csv_text
from tests.pipeline.home import build_all, contents, make_home

NEEDS_DISK = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mkfs.ext4"),
    reason="NOT TESTED: a power cut; it needs root and mkfs.ext4 (e2fsprogs)",
)


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """The folder in which the file system of an image is."""
    folder = image.with_suffix("")
    folder.mkdir()
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def deliver(landing: Path, name: str, *calls: Call) -> None:
    """Lands a file on another disk, which the power cut spares."""
    (landing / "connexcs").mkdir(parents=True, exist_ok=True)
    (landing / "connexcs" / name).write_text(csv_text(calls))


def told(home: Workplace) -> tuple[Any, ...]:
    """What a home tells of its files, its days and their calls."""
    files = [(a.file.name, a.file.status, a.accepted) for a in home.files.accounts()]
    return files, {table: home.days.builds(table) for table in DAY_TABLES}, contents(home)


@NEEDS_DISK
def test_what_was_told_is_there_after_a_power_cut(tmp_path: Path) -> None:
    disk, cut, landing = tmp_path / "disk.img", tmp_path / "cut.img", tmp_path / "landing"
    subprocess.run(["truncate", "-s", "200M", str(disk)], check=True)
    subprocess.run(["mkfs.ext4", "-q", str(disk)], check=True)
    with mounted(disk) as folder:
        home = make_home(folder, landing=str(landing))
        deliver(landing, "1.csv", *(call(callid) for callid in "abc"))
        build_all(home)
        shutil.copyfile(disk, cut)
        before = told(home)
        home.days.engine.dispose()
    with mounted(cut) as folder:
        home = make_home(folder, landing=str(landing))
        assert told(home) == before
        deliver(landing, "2.csv", call("late"))
        (cdrs, *_) = build_all(home)
        assert (cdrs.table, cdrs.rows, cdrs.published) == ("cdrs", 4, True)
        home.days.engine.dispose()
