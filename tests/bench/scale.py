"""Measures how a night's cost grows: `python -m tests.bench.scale rows backfill late`.

- `rows`: nights of one day of a tenth, once and five times `--rows` (1 M, 10 M and 50 M with
  `--rows 10_000_000`); processor seconds per million rows, which should stay alike.
- `backfill`: 30 days of a hundredth of `--rows` each, built one run a day and then again in one
  run; the second over the first.
- `late`: a day of a tenth of `--rows`, then a file of 1,000 new calls of it, then one of which 10
  are corrections; from the moment at which the program is ready to work (Python has started and
  has loaded the pipeline) to the last table published.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from tests.bench.measure import Measured, measure
from tests.bench.night import DAY, machine

DAYS = 30
LATE = 1_000
CORRECTED = 10

BUILD = """
import sys
from datetime import date, timedelta
from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.days import DAY_TABLES
workplace = Workplace(load_settings(settle_seconds=0))
first, last = map(date.fromisoformat, sys.argv[1:3])
for offset in range((last - first).days + 1):
    for table in DAY_TABLES:
        workplace.builder.build(table, first + timedelta(offset))
"""

INTAKE = """
from pipelines.assembly import Workplace
from pipelines.settings import load_settings
Workplace(load_settings(settle_seconds=0)).intake.run()
"""

RESTATE = """
import json, os, sys, time
from pathlib import Path
from pipelines.assembly import Workplace
from pipelines.cli.main import seldom_look_for_garbage
from pipelines.cli.run import run_night
from pipelines.settings import load_settings
import pipelines.definitions, pipelines.instance, pipelines.sensors
import great_expectations
seldom_look_for_garbage()
workplace = Workplace(load_settings(settle_seconds=0))
started, before = time.monotonic(), time.process_time()
troubles = run_night(workplace)
told = [time.monotonic() - started, time.process_time() - before]
Path(sys.argv[1]).write_text(json.dumps(told))
sys.exit("; ".join(troubles) or None)
"""


def generate(home: Path, rows: int, days: int = 1) -> Path:
    """Makes days of CDRs up in a new home; its landing folder."""
    landing = home / "landing" / "connexcs"
    command = [
        sys.executable, "-m", "resources.generator", "--folder", str(landing), "--days", str(days),
        "--first-day", str(DAY), "--rows", str(rows), "--home", str(home),
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return landing


def environment(home: Path) -> dict[str, str]:
    """That of a process that works in a home."""
    others = {k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")}
    return {**others, "CDR_REPORTS_HOME": str(home), "CDR_REPORTS_SETTLE_SECONDS": "0"}


def say(what: str, m: Measured, rows: int) -> None:
    """One line of the result."""
    print(  # noqa: T201
        f"{what:34}{m.seconds:9.1f} s {m.cpu:9.1f} CPU s {m.cpu / rows * 1e6:8.2f} CPU s per "
        f"million {m.peak_mb:7,.0f} MB",
        flush=True,
    )


def rows(folder: Path, size: int) -> None:
    """Nights of several sizes."""
    command = [str(Path(sys.executable).with_name("cdr-reports")), "run"]
    costs = []
    for count in (size // 10, size, size * 5):
        home = folder / str(count)
        generate(home, count)
        m = measure(command, environment(home))
        say(f"night of {count:,}", m, count)
        costs.append(m.cpu / count)
        shutil.rmtree(home)
    print(f"cost per row, largest over smallest: {costs[-1] / costs[0]:.2f}")  # noqa: T201


def backfill(folder: Path, size: int) -> None:
    """Thirty days, one by one and at once."""
    home, each = folder / "backfill", size // 100
    generate(home, each, DAYS)
    given = environment(home)
    measure([sys.executable, "-c", INTAKE], given)
    dates = [str(DAY + timedelta(n)) for n in range(DAYS)]
    apart = [measure([sys.executable, "-c", BUILD, day, day], given) for day in dates]
    # What a process costs before it has built anything.
    before = str(DAY - timedelta(1))
    start = measure([sys.executable, "-c", BUILD, str(DAY), before], given)
    single = sum(m.cpu - start.cpu for m in apart)
    at_once = measure([sys.executable, "-c", BUILD, dates[0], dates[-1]], given)
    say(f"{DAYS} days of {each:,} at once", at_once, each * DAYS)
    ratio = (at_once.cpu - start.cpu) / single
    print(  # noqa: T201
        f"one by one {single:.1f} CPU s, start of Python left out; at once over that: {ratio:.2f}"
    )


def late(folder: Path, size: int) -> None:
    """A day, then small files of it."""
    home, count = folder / "late", size // 10
    landing = generate(home, count)
    told = folder / "told.json"
    command = [sys.executable, "-W", "ignore", "-c", RESTATE, str(told)]
    measure(command, environment(home))
    (file,) = landing.iterdir()
    for corrected in (0, CORRECTED):
        write_late(file, landing / f"late{corrected}.csv", corrected)
        m = measure(command, environment(home))
        seconds, cpu = told.read_text().strip("[]").split(", ")
        say(f"{LATE:,} late, {corrected} corrected, on {count:,}", m, count)
        print(f"of it when ready: {float(seconds):.1f} s, {float(cpu):.1f} CPU s")  # noqa: T201


def write_late(file: Path, out: Path, corrected: int) -> None:
    """The first calls of a file under new ids, some under their own with another duration."""
    with file.open(newline="") as source, out.open("w", newline="") as target:
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames or [])
        writer.writeheader()
        for number, row in zip(range(LATE), reader, strict=False):
            if number < corrected:
                row["duration"] = str(float(row["duration"]) + 1)
            else:
                row["callid"] = f"{out.stem}-{row['callid']}"
            writer.writerow(row)


WORKS: dict[str, Callable[[Path, int], None]] = {"rows": rows, "backfill": backfill, "late": late}


def main() -> None:
    """Prints the figures as they come."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("what", nargs="*", choices=[*WORKS, []], help="default: all")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary one)")
    given = parser.parse_args()
    print(machine(os.cpu_count() or 1))  # noqa: T201
    for what in given.what or WORKS:
        folder = Path(tempfile.mkdtemp(prefix="cdr-reports-scale-", dir=given.folder))
        started = time.monotonic()
        try:
            WORKS[what](folder, given.rows)
        finally:
            shutil.rmtree(folder)
        print(f"({what}: {time.monotonic() - started:,.0f} s in all)")  # noqa: T201


if __name__ == "__main__":
    main()
