"""What DuckDB is asked for ends in rows, in one plain error, or when a signal says so."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import FrameType

import pyarrow.parquet as pq
import pytest

from pipelines.assembly import Workplace
from resources.engine import Engine, NotEnoughMemory, largest_first
from tests.pipeline.deliveries import call, deliver

ROOT = Path(__file__).resolve().parents[2]
LONG = "SELECT SUM(HASH(MD5(CAST(range AS VARCHAR)))) AS n FROM range(10000000000)"


class Stop(BaseException):
    """What a handler raises: Dagster's own is no Exception either."""


@pytest.fixture
def stopping() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stop

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("stopping")
def test_a_signal_ends_a_query_as_what_its_handler_raises(tmp_path: Path) -> None:
    """An hour's query; were it an error like any other, a step would be tried again."""
    engine = Engine("512MB", 2, tmp_path)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with pytest.raises(Stop), engine.session() as session:
        session.rows(LONG, {})


def test_too_little_memory_is_told_with_the_setting_to_raise(tmp_path: Path) -> None:
    engine = Engine("60MB", 2, tmp_path)
    told = pytest.raises(NotEnoughMemory, match="CDR_REPORTS_MEMORY_LIMIT")
    with told as caught, engine.session() as session:
        session.rows("SELECT LIST(range) AS n FROM range(100000000)", {})
    assert len(str(caught.value).splitlines()) == 1
    with engine.session() as session:  # the next question is answered
        assert session.rows("SELECT 1 AS n", {}).to_pylist() == [{"n": 1}]


def test_a_process_that_was_stopped_while_it_wrote_ends(tmp_path: Path) -> None:
    """A signal that comes just as an error does leaves a file that nobody says is written."""
    writing = (
        "from pathlib import Path\n"
        "from resources.staged import onto_disk\n"
        f"writing = onto_disk(Path({str(tmp_path / 'x')!r}))\n"
        "writing.__enter__()\n"
    )
    ended = subprocess.run([sys.executable, "-c", writing], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == 0


def test_the_largest_file_of_a_day_is_read_first(home: Workplace) -> None:
    """By the first one DuckDB reckons how many rows all have, and how to join them."""
    for name, calls in (("1.csv", 2), ("2.csv", 50), ("3.csv", 1)):
        deliver(home, name, [call(f"{name}-{n}") for n in range(calls)])
        home.intake.run()
    files = home.lake.delivered(date(2026, 3, 6))
    assert [pq.read_metadata(file).num_rows for file in files] == [50, 2, 1]
    assert largest_first(reversed(files))[0] == files[0]
