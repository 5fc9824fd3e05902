"""Measures a night beside what people would use instead: `python -m tests.bench.night`.

The same made-up CDRs of one day, 2 in 1,000 of them spoilt or delivered twice, through

- ours: `cdr-reports run` as a user types it, Python's start included, over a new home that has the
  number plan laid out already, as the peers have;
- the same less what only Per Number reads and no other side makes: index and copy by row;
- the floor: the same file from CSV into Parquet by DuckDB, nothing judged, nothing summed; of a
  compressed file also the decompression alone;
- PostgreSQL, durable and unlogged, pandas, polars: the same work, see `tests.bench.peers`.

Each in processes of its own, one after the other, in turns; the middle of several runs is shown. No
time counts before all answers are the same, to the last place.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.generator.cdrs import write_accounts
from resources.reference.lookups import lookups
from resources.reference.plan import ReferenceData
from tests.bench import answer
from tests.bench.measure import Measured, measure, median
from tests.bench.peers import postgres
from tests.bench.picture import Line, markdown, svg

DAY = date(2026, 3, 6)
DIRTY = 0.002

FLOOR = """
import duckdb, sys
connection = duckdb.connect(config={"threads": sys.argv[3], "memory_limit": "2GB"})
connection.execute("SET enable_progress_bar = false")
connection.execute(
    f"COPY (SELECT * FROM read_csv('{sys.argv[1]}', ignore_errors = true)) "
    f"TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd)"
)
"""


@dataclass(frozen=True)
class Work:
    """The files of a bench: a plain one and the same compressed; the lookups of the peers, and in
    `laid` ours.
    """

    folder: Path
    plain: Path
    packed: Path
    threads: int

    def new(self, name: str) -> Path:
        """A folder of that name with the lookups in it and nothing else."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "lookups", folder)
        return folder


def prepare(folder: Path, rows: int, threads: int) -> Work:
    """Makes the files up."""
    landing = folder / "plain"
    generator = [
        sys.executable, "-m", "resources.generator", "--folder", str(landing), "--days", "1",
        "--first-day", str(DAY), "--rows", str(rows), "--dirty", str(DIRTY),
    ]  # fmt: skip
    subprocess.run(generator, check=True, stdout=subprocess.DEVNULL)
    (plain,) = landing.iterdir()
    packed = folder / "packed" / f"{plain.name}.gz"
    packed.parent.mkdir()
    with packed.open("wb") as out:
        subprocess.run(["gzip", "-4", "-c", str(plain)], check=True, stdout=out)
    (folder / "lookups").mkdir()
    write_lookups(folder / "lookups")
    laid = folder / "laid"
    lookups(Workplace(load_settings(home=laid)).engine, ReferenceData(), laid)
    return Work(folder, plain, packed, threads)


def write_lookups(folder: Path) -> None:
    """Writes the number plan as the peers read it: `areas`, `exchanges` and so on, `.csv`."""
    reference = ReferenceData()

    def write(name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])

    with reference.npa.open() as file:
        areas = [(r["npa"], r["country"], r["region"]) for r in csv.DictReader(file)]
    write("areas", ("npa", "country", "region"), areas)
    columns = ("npanxx", "lata", "rate_center")
    exchanges = pq.read_table(reference.npanxx, columns=list(columns)).to_pylist()
    write("exchanges", columns, [[row[c] for c in columns] for row in exchanges])
    with reference.release_causes.open() as file:
        causes = [(r["sip"], r["kpi_class"]) for r in csv.DictReader(file)]
    write("release_causes", ("sip", "kpi_class"), causes)
    settings = load_settings(home=folder)
    currencies = Workplace(settings).rates.currencies(settings.first_day)
    write("currencies", ("currency",), [(c,) for c in sorted(currencies)])


RUN = [str(Path(sys.executable).with_name("cdr-reports")), "run"]
TABLES_ONLY = [sys.executable, "-m", "tests.bench.tables_night", str(DAY)]


def night(work: Work, file: Path, out: Path, command: Sequence[str] = RUN) -> Measured:
    """`cdr-reports run` over a new home."""
    home = work.folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(work.folder / "laid" / "lookups", home / "lookups")
    write_accounts(home)
    landing = home / "landing" / "connexcs"
    landing.mkdir(parents=True)
    os.link(file, landing / file.name)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")},
        "CDR_REPORTS_HOME": str(home),
        "CDR_REPORTS_SETTLE_SECONDS": "0",
        "CDR_REPORTS_THREADS": str(work.threads),
    }
    measured = measure(command, environment)
    answer.ours(home, DAY, out)
    return measured


def floor(work: Work, file: Path) -> Measured:
    """CSV to Parquet."""
    parquet = work.folder / "floor.parquet"
    return measure([sys.executable, "-c", FLOOR, str(file), str(parquet), str(work.threads)])


def peer(work: Work, module: str, out: Path, *options: str) -> Measured:
    """One of `tests.bench.peers`."""
    folder = work.new(module)
    if module == "postgres":
        postgres.make_cluster(folder)
    command = [sys.executable, "-m", f"tests.bench.peers.{module}", str(folder), str(work.plain),
               str(out), *options]  # fmt: skip
    threads = {"POLARS_MAX_THREADS": str(work.threads), **os.environ}
    return measure(command, threads, several=module == "postgres")


SIDES: dict[str, Callable[[Work, Path], Measured]] = {
    "ours": lambda work, out: night(work, work.plain, out),
    "ours, no Per Number": lambda work, out: night(work, work.plain, out, TABLES_ONLY),
    "floor": lambda work, out: floor(work, work.plain),
    "PostgreSQL, durable": lambda work, out: peer(work, "postgres", out, "durable"),
    "PostgreSQL, unlogged": lambda work, out: peer(work, "postgres", out, "unlogged"),
    "pandas": lambda work, out: peer(work, "pandas_", out),
    "polars": lambda work, out: peer(work, "polars_", out),
    "ours, .gz": lambda work, out: night(work, work.packed, out),
    "floor, .gz": lambda work, out: floor(work, work.packed),
    "gzip -d alone": lambda work, out: measure(["gzip", "-t", str(work.packed)]),
}
"""What is measured, in the order of the table. The first is what the others are held against."""


def compare(work: Work, sides: Sequence[str], runs: int) -> list[Line]:
    """Runs all sides in turns. Raises SystemExit when an answer is not the same."""
    measured: dict[str, list[Measured]] = {side: [] for side in sides}
    wanted: answer.Answer | None = None
    for turn in range(runs):
        for side in sides:
            out = work.folder / "answer.json"
            out.unlink(missing_ok=True)
            took = SIDES[side](work, out)
            measured[side].append(took)
            print(  # noqa: T201
                f"run {turn + 1}: {side:22} {took.seconds:8.1f} s {took.cpu:8.1f} cpu s "
                f"{took.peak_mb:8,.0f} MB",
                file=sys.stderr, flush=True,
            )  # fmt: skip
            if not out.exists():
                continue
            found = answer.read(out)
            wanted = wanted or found
            if different := answer.differences(wanted, found):
                listed = "\n  ".join(different[:10])
                raise SystemExit(f"{side} has another answer than {sides[0]}:\n  {listed}")
    middles = {side: median(runs_) for side, runs_ in measured.items()}
    return [Line(side, middle, middles[sides[0]]) for side, middle in middles.items()]


def machine(threads: int) -> str:
    """The machine and the versions."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [li.split(":")[1].strip() for li in cpuinfo.open() if li.startswith("model name")]
        model = names[0] if names else model
    packages = ("duckdb", "deltalake", "pandas", "polars")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{threads} threads, {os.cpu_count()} processors ({model}); Python "
        f"{platform.python_version()}, {versions}, PostgreSQL {postgres.VERSION}"
    )


def main() -> None:
    """Prints a table; says on standard error how far it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="the middle of so many is shown")
    parser.add_argument(
        "--sides", default=";".join(SIDES), help="which, with semicolons between (default: all)"
    )
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary one)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--svg", type=Path, help="draw the figures there")
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args()
    sides = given.sides.split(";")
    if unknown := sorted({*sides} - SIDES.keys()):
        raise SystemExit(f"no such side: {', '.join(unknown)}; there are {'; '.join(SIDES)}")
    folder = Path(tempfile.mkdtemp(prefix="cdr-reports-bench-", dir=given.folder))
    try:
        lines = compare(prepare(folder, given.rows, given.threads), sides, given.runs)
    finally:
        shutil.rmtree(folder)
    title = f"{given.rows:,} CDRs of one day"
    print(f"{title}; middle of {given.runs}; {machine(given.threads)}\n")  # noqa: T201
    print(markdown(lines, given.rows))  # noqa: T201
    if given.svg:
        given.svg.write_text(svg(lines, title, machine(given.threads)))
    if given.json:
        figures = {li.side: vars(li.measured) for li in lines}
        given.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
