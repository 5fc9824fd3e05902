"""Databases of several processes over one home spill at once, and none disturbs another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from resources.engine import Engine

ROOT = Path(__file__).resolve().parents[2]

SORTING = """
import os, sys
from pathlib import Path
from resources.engine import Engine
rows = "SELECT hash(range) AS h, md5(range::VARCHAR) AS text FROM range(1000000)"
with Engine("60MB", 1, Path(sys.argv[1])).session() as session:
    for n in range(3):
        session.keep(f"sorted{n}", f"SELECT h, text FROM ({rows}) ORDER BY text", {})
        spilled = session.rows("SELECT path FROM duckdb_temporary_files()", {})
        assert spilled.num_rows, "nothing was spilled"
        if len(sys.argv) > 2:
            os.kill(os.getpid(), 9)
        found = session.rows(f"SELECT count(DISTINCT text) AS n FROM sorted{n}", {})
        assert found.to_pylist() == [{"n": 1000000}], found
"""


def started(folder: Path, *how: str) -> subprocess.Popen[str]:
    """A process that sorts more than it may keep in memory; it kills itself when asked to."""
    return subprocess.Popen(
        [sys.executable, "-c", SORTING, str(folder), *how], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_three_that_spill_at_once_are_right(tmp_path: Path) -> None:
    processes = [started(tmp_path) for _ in range(3)]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert not list(tmp_path.glob("*/"))


def test_what_a_process_that_died_has_left_goes_when_the_next_one_begins(tmp_path: Path) -> None:
    died = started(tmp_path, "dying")
    said, _ = died.communicate(timeout=300)
    assert died.returncode == -9, said
    left = list(tmp_path.glob("*/*.tmp"))
    assert left
    mine = Engine("60MB", 1, tmp_path)
    with mine.session({"one": pa.table({"n": [1]})}) as session:
        assert session.rows("SELECT n FROM one", {}).to_pylist() == [{"n": 1}]
    assert not any(file.exists() for file in left)
    assert len(list(tmp_path.glob("*.lock"))) == 1
