"""A report of many rows in bounded memory; `make bench-reports` measures a million of them."""

from pathlib import Path

import duckdb
import pytest

from resources.reporting.interfaces import Reporting
from resources.reporting.query import MOST_MEMORY, MOST_THREADS, connect
from tests.bench.large_report import bench
from tests.unit.report_tables import FolderTables


@pytest.mark.parametrize("fmt", ["csv", "parquet"])
def test_rows_are_written_as_they_are_read(fmt: str) -> None:
    """Held as objects, these rows alone would take 400 MB."""
    assert bench(100_000, [fmt])[fmt].peak_mb < 400


@pytest.mark.parametrize(
    ("limit", "threads", "used"),
    [
        ("1GB", 8, (MOST_MEMORY, MOST_THREADS)),
        ("200MB", 1, ("200MB", 1)),
        ("0.2 GiB", 2, ("0.2GiB", 2)),
    ],
)
def test_an_answer_takes_its_share_of_the_engines_memory(
    tmp_path: Path, limit: str, threads: int, used: tuple[str, int]
) -> None:
    of = Reporting(tables=FolderTables(tmp_path), memory_limit=limit, threads=threads)
    ask = "SELECT current_setting('memory_limit'), current_setting('threads')"
    with duckdb.connect(config={"memory_limit": used[0], "threads": used[1]}) as same:
        assert connect(of).execute(ask).fetchall() == same.execute(ask).fetchall()
