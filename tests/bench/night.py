"""Measures a whole night against the floor: `python -m tests.bench.night --rows 10_000_000`.

The floor is what the machine needs to turn the same file from CSV into typed Parquet with DuckDB.
The night is `cdr-reports run` as a user types it: intake with every value judged, duplicates,
`cdrs`, the four tables, all checks, Python's start included. Both in processes of their own, one
after the other, on the same files; seconds, processor seconds and peak memory of the process.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

DAY = date(2026, 3, 6)

FLOOR = """
import duckdb, sys
connection = duckdb.connect(config={"threads": sys.argv[3], "memory_limit": "2GB"})
connection.execute("SET enable_progress_bar = false")
connection.execute(
    f"COPY (SELECT * FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[2]}' "
    "(FORMAT parquet, COMPRESSION zstd)"
)
"""

WATCHER = """
import json, resource, subprocess, sys, time
started = time.monotonic()
status = subprocess.run(sys.argv[2:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as told:
    json.dump(
        [time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], told
    )
sys.exit(status)
"""


@dataclass(frozen=True)
class Measured:
    """One process: wall seconds, processor seconds, peak resident memory in MB."""

    seconds: float
    cpu: float
    peak_mb: float


def measure(command: Sequence[str], environment: dict[str, str]) -> Measured:
    """Runs a command to its end. Raises when it fails."""
    # By a small process between: what a process has used as its most begins with its parent's.
    with tempfile.NamedTemporaryFile("r") as told:
        watched = [sys.executable, "-c", WATCHER, told.name, *command]
        status = subprocess.run(watched, env=environment, check=False).returncode
        if status:
            raise SystemExit(f"{' '.join(command)} ended with status {status}")
        return Measured(*json.load(told))


def bench(rows: int, gzip: bool, folder: Path, threads: int) -> dict[str, Measured]:
    """The floor and the night over one made-up day."""
    home = folder / "home"
    landing = home / "landing" / "connexcs"
    generator = [
        sys.executable, "-m", "resources.generator", "--folder", str(landing), "--days", "1",
        "--first-day", str(DAY), "--rows", str(rows), "--home", str(home),
        *(["--gzip"] if gzip else []),
    ]  # fmt: skip
    subprocess.run(generator, check=True, stdout=subprocess.DEVNULL)
    (file,) = landing.iterdir()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")},
        "CDR_REPORTS_HOME": str(home),
        "CDR_REPORTS_SETTLE_SECONDS": "0",
        "CDR_REPORTS_THREADS": str(threads),
    }
    floor = [sys.executable, "-c", FLOOR, str(file), str(folder / "floor.parquet"), str(threads)]
    command = str(Path(sys.executable).with_name("cdr-reports"))
    return {
        "floor": measure(floor, environment),
        "night": measure([command, "run"], environment),
    }


def main() -> None:
    """Prints a table of both, for a plain and a compressed file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary one)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    given = parser.parse_args()
    print(  # noqa: T201
        f"{given.rows:,} CDRs of one day; {given.threads} threads, {platform.machine()}, Python "
        f"{platform.python_version()}, DuckDB {version('duckdb')}, Delta {version('deltalake')}"
    )
    print(f"{'file':8}{'':8}{'seconds':>9}{'cpu s':>9}{'rows/s':>12}{'peak MB':>9}{'ratio':>7}")  # noqa: T201
    figures = {}
    for name, gzip in ((".csv", False), (".csv.gz", True)):
        folder = Path(tempfile.mkdtemp(prefix="cdr-reports-bench-", dir=given.folder))
        try:
            measured = bench(given.rows, gzip, folder, given.threads)
        finally:
            shutil.rmtree(folder)
        for what, m in measured.items():
            ratio = m.seconds / measured["floor"].seconds
            print(  # noqa: T201
                f"{name:8}{what:8}{m.seconds:9.1f}{m.cpu:9.1f}{given.rows / m.seconds:12,.0f}"
                f"{m.peak_mb:9,.0f}{ratio:7.2f}",
                flush=True,
            )
            figures[f"{name} {what}"] = vars(m) | {"ratio": ratio}
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
