"""Measures questions for numbers against a plain scan: `python -m tests.bench.per_number`.

One day is made up and built as a night builds it. The other days are that day with other numbers
called, written by the engine and published as a night publishes them, each with its index and its
copy by row:

- each caller calls every day; one of them makes two calls of a hundred;
- a number that is called is called again on every fourth day, the others are new.

Each question is asked in a process of its own, through `find_calls` as the program asks it: the
files listed, the calls found, all their details read, the summary made. `cold` is the first time,
its imports left out and the files put out of the system's cache; `warm` the best of five more. The
scan is one DuckDB query for the same calls over the same files, warm, without a summary. Beside the
wall, what the processors did, which other work on the machine changes less.

    make bench-per-number ROWS=1_000_000 DAYS=60 FOLDER=/somewhere/large

is the large one: half an hour, 13 GB. A folder that is given is kept, and taken as it is when it
holds as many days already.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.csv as pc

from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.calls import Side, ask, find_calls
from resources.engine import QUICK
from resources.held import CDRS
from resources.reference.plan import ReferenceData

LAST = date(2026, 3, 6)
BUSY = "442079460000"
"""The caller of two calls of a hundred."""

OTHER_NUMBERS = """
SELECT * EXCLUDE (called, busy) REPLACE (
    dt - to_days($back) AS dt, called AS dest_number, called AS dest_digits,
    CASE WHEN busy THEN $caller ELSE cli_digits END AS cli_digits,
    CASE WHEN busy THEN $caller ELSE dest_cli END AS dest_cli,
    callid || '-' || $back AS callid)
FROM (
    SELECT * EXCLUDE (call_date), hash(callid) % 100 < 2 AS busy, CASE
        WHEN hash(dest_digits || ' ' || $back) % 4 = 0 OR length(dest_digits) < 9 THEN dest_digits
        ELSE left(dest_digits, -5) || CAST(90000 + hash(callid, $back) % 10000 AS VARCHAR)
    END AS called
    FROM cdrs
) AS d"""


def make_days(home: Path, days: int, rows: int) -> Workplace:
    """A home with so many days of calls, the newest of them `LAST`."""
    workplace = Workplace(load_settings(home=home, settle_seconds=0))
    if len(workplace.lake.days(CDRS)) == days:
        return workplace
    generator = [
        sys.executable, "-m", "resources.generator", "--folder",
        str(home / "landing" / "connexcs"), "--days", "1", "--first-day", str(LAST),
        "--rows", str(rows), "--home", str(home),
    ]  # fmt: skip
    subprocess.run(generator, check=True, stdout=subprocess.DEVNULL)
    workplace.intake.run()
    workplace.builder.build_cdrs(LAST)
    model = workplace.lake.files(CDRS, LAST, LAST)
    for back in range(days - 1, -1, -1):
        day = LAST - timedelta(days=back)
        staged = workplace.lake.staging(CDRS)
        with workplace.engine.connect({"cdrs": model}) as connection:
            workplace.engine.copy(
                connection, OTHER_NUMBERS, {"back": back, "caller": BUSY}, staged, layout=QUICK
            )
        workplace.lake.publish(CDRS, day, staged)
        workplace.builder.build_call_numbers(day)
    return workplace


def numbers_called(workplace: Workplace, count: int) -> list[str]:
    """Numbers that are called on about every fourth day."""
    with workplace.engine.connect({"cdrs": workplace.lake.files(CDRS, LAST, LAST)}) as connection:
        found = connection.execute(
            "SELECT DISTINCT dest_digits FROM cdrs WHERE left(right(dest_digits, 5), 1) <> '9' "
            "AND length(dest_digits) BETWEEN 9 AND 15 ORDER BY dest_digits"
        ).fetchall()
    return random.Random(1).sample([row[0] for row in found], count)  # noqa: S311 (a sample)


def a_caller(workplace: Workplace) -> str:
    """The caller in the middle, by calls a day."""
    with workplace.engine.connect({"cdrs": workplace.lake.files(CDRS, LAST, LAST)}) as connection:
        found = connection.execute(
            "SELECT cli_digits FROM cdrs WHERE length(cli_digits) BETWEEN 9 AND 15 "
            "GROUP BY cli_digits ORDER BY count(*), cli_digits"
        ).fetchall()
    return str(found[len(found) // 2][0])


@dataclass(frozen=True)
class Took:
    """One answer: the calls that were read, wall seconds, processor seconds of all threads."""

    calls: int
    seconds: float
    cpu: float


def timed(work: Callable[[], int]) -> Took:
    """Does the work, which says how many calls it has read."""
    started, before = time.perf_counter(), time.process_time()
    calls = work()
    return Took(calls, time.perf_counter() - started, time.process_time() - before)


def answer(workplace: Workplace, numbers: list[str], side: Side, days: int) -> int:
    """Asks as the program asks, reads all calls and the summary; how many calls there were."""
    areas = ReferenceData.of_home(workplace.settings.home).load_area_codes()
    question = ask(numbers, side, LAST - timedelta(days=days - 1), LAST, areas)
    with find_calls(
        workplace.engine, workplace.lake, workplace.call_store, "UTC", question
    ) as found:
        read: int = sum(batch.num_rows for batch in found.batches())
        told = found.summaries()
    assert len(told) == len(question.numbers)
    return read


def scan(workplace: Workplace, numbers: list[str], side: Side, days: int) -> int:
    """The same calls by one query over all files."""
    column = "cli_digits" if side is Side.CLI else "dest_digits"
    wanted = ", ".join(f"'{number}'" for number in numbers)
    files = workplace.lake.files(CDRS, LAST - timedelta(days=days - 1), LAST)
    with workplace.engine.connect({"cdrs": files}) as connection:
        rows = connection.execute(
            f"SELECT * FROM cdrs WHERE {column} IN ({wanted}) ORDER BY dt DESC, callid, branch_idx"
        ).to_arrow_table()
    count: int = rows.num_rows
    return count


def forget(home: Path) -> None:
    """Puts the files of days out of the system's cache."""
    for path in [*home.rglob("*.parquet"), *home.rglob("*.arrow")]:
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(home: Path, numbers: list[str], side: Side, days: int) -> dict[str, Any]:
    """One question: cold, warm (the best of five), and as a scan (the better of two)."""
    workplace = Workplace(load_settings(home=home))
    answer(workplace, ["442079469999"], side, 1)  # imports, and what they cost, are over
    forget(home)
    took = {
        "cold": timed(lambda: answer(workplace, numbers, side, days)),
        "warm": best(5, lambda: answer(workplace, numbers, side, days)),
        "scan": best(2, lambda: scan(workplace, numbers, side, days)),
    }
    assert len({one.calls for one in took.values()}) == 1, f"not the same calls: {took}"
    return {name: vars(one) for name, one in took.items()}


def best(times: int, work: Callable[[], int]) -> Took:
    """Least wall and least processor seconds, for other work on the machine adds to both."""
    took = [timed(work) for _ in range(times)]
    return Took(took[0].calls, min(t.seconds for t in took), min(t.cpu for t in took))


def export(home: Path, days: int) -> dict[str, float]:
    """Writes all calls of the busy caller to a CSV file; seconds and peak memory in MB."""
    workplace = Workplace(load_settings(home=home))
    started = time.perf_counter()
    areas = ReferenceData.of_home(home).load_area_codes()
    question = ask([BUSY], Side.CLI, LAST - timedelta(days=days - 1), LAST, areas)
    rows = 0
    with (
        find_calls(
            workplace.engine, workplace.lake, workplace.call_store, "UTC", question
        ) as found,
        pc.CSVWriter(os.devnull, found.schema()) as out,
    ):
        for batch in found.batches():
            out.write_batch(batch)
            rows += batch.num_rows
    took = time.perf_counter() - started
    return {"calls": rows, "seconds": took, "peak_mb": peak_memory()}


def peak_memory() -> float:
    """Peak resident MB of this process; `getrusage` would tell of its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def in_a_process(task: str, *arguments: Any) -> dict[str, Any]:
    """Runs `measure` or `export` in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.per_number", "--task", task]
    given = json.dumps([str(a) if isinstance(a, Path) else a for a in arguments])
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "measure": lambda home, numbers, side, days: measure(Path(home), numbers, Side(side), days),
    "export": lambda home, days: export(Path(home), days),
}


def main() -> None:
    """Prints a line a question, and one for the export."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=200_000, help="calls a day")
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where to work, and what to keep")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        print(json.dumps(TASKS[given.task](*json.load(sys.stdin))))  # noqa: T201
        return
    home = given.folder or Path(tempfile.mkdtemp(prefix="cdr-reports-bench-"))
    try:
        workplace = make_days(home, given.days, given.rows)
        sizes = {
            table: sum(p.stat().st_size for p in (workplace.lake.root / table).rglob("*.parquet"))
            for table in (CDRS, "call_numbers")
        }
        copies = sum(p.stat().st_size for p in workplace.call_store.folder.glob("*.arrow"))
        print(  # noqa: T201
            f"{given.days} days of {given.rows:,} calls; cdrs {sizes[CDRS] / 1e6:,.0f} MB, their "
            f"index {sizes['call_numbers'] / 1e6:,.0f} MB, copy by row {copies / 1e6:,.0f} MB; "
            "milliseconds, and of the processors\n"
            f"{'question':24}{'calls':>8}{'cold':>8}{'warm':>8}{'scan':>8}"
            f"{'warm cpu':>10}{'scan cpu':>10}{'ratio':>8}"
        )
        called = numbers_called(workplace, 1000)
        questions = [
            ("1 number, called", called[:1], Side.DESTINATION),
            ("1 number, calling", [a_caller(workplace)], Side.CLI),
            ("1,000 numbers, called", called, Side.DESTINATION),
        ]
        for name, numbers, side in questions:
            took = in_a_process("measure", home, numbers, side, given.days)
            cold, warm, plain = (took[what] for what in ("cold", "warm", "scan"))
            print(  # noqa: T201
                f"{name:24}{cold['calls']:8,}{cold['seconds'] * 1e3:8,.0f}"
                f"{warm['seconds'] * 1e3:8,.0f}{plain['seconds'] * 1e3:8,.0f}"
                f"{warm['cpu'] * 1e3:10,.0f}{plain['cpu'] * 1e3:10,.0f}"
                f"{plain['cpu'] / warm['cpu']:8.1f}",
                flush=True,
            )
        whole = in_a_process("export", home, given.days)
        print(  # noqa: T201
            f"all {whole['calls']:,.0f} calls of one caller to CSV: {whole['seconds']:.1f} s, "
            f"peak {whole['peak_mb']:,.0f} MB"
        )
    finally:
        if given.folder is None:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
