"""Databases of several processes over one home spill at once, and none disturbs another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa

from resources.engine import Engine

ROOT = Path(__file__).resolve().parents[2]

SORTING = """
import sys
from pathlib import Path
from resources.engine import Engine
engine = Engine("60MB", 1, Path(sys.argv[1]))
rows = "SELECT hash(range) AS h, md5(range::VARCHAR) AS text FROM range(600000)"
with engine.session() as session:
    for _ in range(3):
        session.keep("sorted", f"SELECT h, text FROM ({rows}) ORDER BY text", {})
        found = session.rows("SELECT max(h) AS h, count(DISTINCT text) AS n FROM sorted", {})
        assert found.to_pylist()[0]["n"] == 600000, found
        session.connection.execute("DROP TABLE sorted")
        print(len(list(Path(sys.argv[1]).glob("*/*.tmp"))) > 0)
"""

DYING = SORTING.replace(
    "session.connection", "import os; os.kill(os.getpid(), 9); session.connection"
)


def started(folder: Path, text: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", text, str(folder)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_three_that_spill_at_once_are_right(tmp_path: Path) -> None:
    processes = [started(tmp_path, SORTING) for _ in range(3)]
    for process in processes:
        said, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        assert "True" in said, "nothing was spilled"
    assert not list(tmp_path.glob("*/"))


def test_what_a_process_that_died_has_left_goes_when_the_next_one_begins(tmp_path: Path) -> None:
    died = started(tmp_path, DYING)
    died.communicate(timeout=120)
    assert died.returncode == -9
    left = list(tmp_path.glob("*/*.tmp"))
    assert left
    mine = Engine("60MB", 1, tmp_path)
    with mine.session({"one": pa.table({"n": [1]})}) as session:
        assert session.rows("SELECT n FROM one", {}).to_pylist() == [{"n": 1}]
    assert not any(file.exists() for file in left)
    assert len(list(tmp_path.glob("*.lock"))) == 1
