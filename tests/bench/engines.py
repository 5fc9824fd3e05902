"""Measures a night on DuckDB and on Spark: `python -m tests.bench.engines --rows 1_000_000`.

`cdr-reports run` as a user types it, over the golden files and over one made-up day, once with each
engine, each in a process of its own: seconds, processor seconds (Spark's Java with them) and the
most memory that its processes hold together. Before any time counts, the files' accounts, what was
delivered and all tables of both must be the same, row by row, decimals to the last digit.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from pathlib import Path

from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.held import CDRS, TABLES
from tests.bench.measure import Measured, measure
from tests.bench.night import DAY, DIRTY
from tests.pipeline.home import GOLDEN

COMPARED = ("delivered", "quarantine", CDRS, *TABLES)
EVER = (date(2000, 1, 1), date(2100, 1, 1))


def night(home: Path, engine: str, memory: str, master: str) -> Measured:
    """One night in a home whose files have landed."""
    settings = {
        "CDR_REPORTS_SPARK_MASTER": master,
        "CDR_REPORTS_HOME": str(home),
        "CDR_REPORTS_SETTLE_SECONDS": "0",
        "CDR_REPORTS_ENGINE": engine,
        "CDR_REPORTS_MEMORY_LIMIT": memory,
    }
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")}
    command = str(Path(sys.executable).with_name("cdr-reports"))
    return measure([command, "run"], {**inherited, **settings}, several=True)


def accounts(home: Workplace) -> list[tuple[object, ...]]:
    """What became of the records of each file."""
    return [
        (a.file.name, a.file.records, a.accepted, a.duplicates, a.superseded, a.file.quarantined)
        for a in home.files.accounts()
    ]


def files_of(home: Workplace, table: str) -> list[str]:
    """All files of a table of the lake."""
    if table not in ("delivered", "quarantine"):
        return home.lake.files(table, *EVER)
    found = home.lake.table(table)
    return found.file_uris() if found else []


SAME = """
    SELECT COUNT(*), SUM(CAST(HASH(r) AS HUGEINT)), BIT_XOR(HASH(r))
    FROM (SELECT COLUMNS(c -> c != 'taken_at') FROM rows) AS r"""
"""What only the same rows, in whatever order, have in common; to compare them singly takes longer
than the night. When a file was taken in is no figure."""


def differences(one: Path, other: Path) -> list[str]:
    """What two homes have not in common: accounts, and tables whose types or rows differ."""
    homes = [Workplace(load_settings(home=home)) for home in (one, other)]
    found = ["accounts"] if accounts(homes[0]) != accounts(homes[1]) else []
    for table in COMPARED:
        prints = []
        for home in homes:
            files = files_of(home, table)
            if not files:
                raise SystemExit(f"{table} is empty in a home")
            with home.engine.connect({"rows": files}) as connection:
                types = connection.execute("DESCRIBE rows").fetchall()
                prints.append((types, connection.execute(SAME).fetchall()))
        if prints[0] != prints[1]:
            found.append(table)
    return found


def both(
    folder: Path, cdrs: Iterable[Path], named: Path, memory: str, master: str
) -> dict[str, Measured]:
    """A night with each engine over the same files; SystemExit when what they make differs."""
    homes = {engine: folder / engine for engine in ("duckdb", "spark")}
    files = list(cdrs)
    measured = {}
    for engine, home in homes.items():
        landing = home / "landing" / "connexcs"
        landing.mkdir(parents=True)
        for file in files:
            shutil.copy(file, landing)
        for file in named.glob("*.csv"):
            shutil.copy(file, home)
        measured[engine] = night(home, engine, memory, master)
        print(f"{engine} is done", file=sys.stderr, flush=True)  # noqa: T201
    found = differences(*homes.values())
    if found:
        raise SystemExit(f"the engines differ in {', '.join(found)}")
    print(f"{len(files)} files: the same accounts, {', '.join(COMPARED)}")  # noqa: T201
    return measured


def main() -> None:
    """Prints a table of both engines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory", default="2GB", help="of either engine")
    parser.add_argument(
        "--master", default="local[*]", help="Spark's; what works elsewhere is not counted"
    )
    given = parser.parse_args()
    print(  # noqa: T201
        f"{given.rows:,} CDRs of one day; {os.cpu_count()} cores, {platform.machine()}, DuckDB "
        f"{version('duckdb')}, PySpark {version('pyspark')} ({given.master}), {given.memory}"
    )
    with tempfile.TemporaryDirectory(prefix="cdr-reports-bench-") as name:
        folder = Path(name)
        golden = (GOLDEN / "landing" / "connexcs").iterdir()
        both(folder / "golden", golden, GOLDEN, given.memory, given.master)
        generator = [
            sys.executable, "-m", "resources.generator", "--folder", str(folder / "made"),
            "--days", "1", "--first-day", str(DAY), "--rows", str(given.rows),
            "--dirty", str(DIRTY), "--home", str(folder / "accounts"),
        ]  # fmt: skip
        subprocess.run(generator, check=True, stdout=subprocess.DEVNULL)
        made = (folder / "made").iterdir()
        accounts = folder / "accounts"
        measured = both(folder / "night", made, accounts, given.memory, given.master)
    print(f"{'engine':8}{'seconds':>9}{'cpu s':>9}{'rows/cpu s':>12}{'peak MB':>9}")  # noqa: T201
    for engine, m in measured.items():
        print(  # noqa: T201
            f"{engine:8}{m.seconds:9.1f}{m.cpu:9.1f}{given.rows / m.cpu:12,.0f}{m.peak_mb:9,.0f}"
        )


if __name__ == "__main__":
    main()
