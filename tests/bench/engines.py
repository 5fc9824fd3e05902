"""Measures a night on DuckDB and on Spark: `python -m tests.bench.engines --rows 1_000_000`.

`cdr-reports run` as a user types it, over the same made-up day, once with each engine, each in a
process of its own: seconds, processor seconds (Spark's Java with them) and peak memory of the
largest process. Before any time counts, the tables of both must be the same, row by row, decimals
to the last digit.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path

from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.days import CDRS, TABLES
from tests.bench.night import DAY, Measured, measure

EVER = (date(2000, 1, 1), date(2100, 1, 1))


def night(home: Path, engine: str, memory: str) -> Measured:
    """One night in a home whose files have landed."""
    settings = {
        "CDR_REPORTS_HOME": str(home),
        "CDR_REPORTS_SETTLE_SECONDS": "0",
        "CDR_REPORTS_ENGINE": engine,
        "CDR_REPORTS_MEMORY_LIMIT": memory,
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")}
    command = str(Path(sys.executable).with_name("cdr-reports"))
    return measure([command, "run"], {**inherited, **settings})


def differences(one: Path, other: Path) -> dict[str, int]:
    """Rows of each table that only one of two homes has."""
    homes = [Workplace(load_settings(home=home)) for home in (one, other)]
    found = {}
    for table in (CDRS, *TABLES):
        files = [home.lake.files(table, *EVER) for home in homes]
        if not all(files):
            raise SystemExit(f"{table} is empty in a home")
        with homes[0].engine.connect(dict(zip(("one", "other"), files, strict=True))) as connection:
            only = "SELECT COUNT(*) FROM (SELECT * FROM {} EXCEPT ALL SELECT * FROM {})"
            counts = [
                connection.execute(only.format(*pair)).fetchall()[0][0]
                for pair in (("one", "other"), ("other", "one"))
            ]
        found[table] = sum(counts)
    return found


def main() -> None:
    """Prints a table of both engines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory", default="2GB", help="of either engine")
    given = parser.parse_args()
    print(  # noqa: T201
        f"{given.rows:,} CDRs of one day; {os.cpu_count()} cores, {platform.machine()}, DuckDB "
        f"{version('duckdb')}, PySpark {version('pyspark')}, {given.memory}"
    )
    folder = Path(tempfile.mkdtemp(prefix="cdr-reports-bench-"))
    try:
        homes = {engine: folder / engine for engine in ("duckdb", "spark")}
        generator = [
            sys.executable, "-m", "resources.generator", "--folder", str(folder / "made"),
            "--days", "1", "--first-day", str(DAY), "--rows", str(given.rows),
            "--home", str(folder / "made"),
        ]  # fmt: skip
        subprocess.run(generator, check=True, stdout=subprocess.DEVNULL)
        measured = {}
        for engine, home in homes.items():
            landing = home / "landing" / "connexcs"
            landing.mkdir(parents=True)
            for file in (folder / "made").glob("*.csv*"):
                os.link(file, landing / file.name)
            measured[engine] = night(home, engine, given.memory)
            print(f"{engine} is done", file=sys.stderr, flush=True)  # noqa: T201
        found = differences(*homes.values())
        if any(found.values()):
            raise SystemExit(f"the engines differ, in rows: {found}")
    finally:
        shutil.rmtree(folder)
    print(f"{'engine':8}{'seconds':>9}{'cpu s':>9}{'rows/cpu s':>12}{'peak MB':>9}")  # noqa: T201
    for engine, m in measured.items():
        print(  # noqa: T201
            f"{engine:8}{m.seconds:9.1f}{m.cpu:9.1f}{given.rows / m.cpu:12,.0f}{m.peak_mb:9,.0f}"
        )
    print(f"the same rows in {', '.join(found)}")  # noqa: T201


if __name__ == "__main__":
    main()
