"""Measures very many small files: `python -m tests.bench.many_files --files 10_000 --rows 100`.

So many files of made-up calls are landed for as many intakes as are asked for and taken in; then
the last day is built, the lake kept up, and the day built again. What one file costs is told for
each fifth of the files, so that it shows when it grows with those that were there before.
Processor seconds of this process, which other work on the machine changes little.

    make bench-files FILES=10_000                                 one intake of 10,000 files
    ... --files 720 --rows 40_000 --intakes 720 --days 30         an hourly file, for 30 days
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from pipelines.assembly import Workplace
from pipelines.settings import load_settings
from resources.generator.cdrs import generate
from resources.lake import Lake

FIRST = date(2026, 3, 6)


def land(folder: Path, source: Path, numbers: range, days: Sequence[date]) -> None:
    """The files of these numbers: the same calls under other ids, each on its day."""
    folder.mkdir(parents=True, exist_ok=True)
    head, *body = source.read_text(encoding="utf-8").splitlines(keepends=True)
    for number in numbers:
        with (folder / f"cdr_{number:06}.csv").open("w", encoding="utf-8") as out:
            out.write(head)
            for line in body:
                time_of_call, lrn, callid, rest = line.split(",", 3)
                moved = f"{days[number]}{time_of_call[10:]}"
                out.write(f"{moved},{lrn},{callid}-{number},{rest}")


def size_of(lake: Lake, table: str) -> str:
    """Files in force and their size, commits and length of the log."""
    parts = lake.parts(table)
    log = list((lake.root / table / "_delta_log").glob("*"))
    started = time.process_time()
    version = lake.version(table)
    opened = time.process_time() - started
    return (
        f"{table}: {len(parts):,} files, {sum(p.size for p in parts) / 1e6:,.1f} MB; version "
        f"{version:,}, log of {len(log):,} files, {sum(p.stat().st_size for p in log) / 1e6:,.1f} "
        f"MB; opened in {opened * 1000:,.0f} ms"
    )


def bench(folder: Path, files: int, rows: int, intakes: int, days: int) -> None:
    """Takes in, builds, keeps up, builds again; prints what each has cost."""
    workplace = Workplace(load_settings(home=folder / "home", settle_seconds=0))
    (source,) = generate(folder / "made", FIRST, 1, rows, seed=5)
    _ = workplace.intake  # what is loaded once is no cost of a file
    day_of = [FIRST + timedelta(days=number * days // files) for number in range(files)]
    begun: list[float] = []  # processor seconds of the intakes when a file's turn came
    spent = 0.0
    for n in range(intakes):
        numbers = range(n * files // intakes, (n + 1) * files // intakes)
        land(workplace.settings.home / "landing" / "connexcs", source, numbers, day_of)
        started = time.process_time() - spent

        def note(text: str, started: float = started) -> None:
            if text.startswith("taking "):
                begun.append(time.process_time() - started)

        workplace.intake.run(note)
        spent = time.process_time() - started
    begun.append(spent)
    cuts = [begun[n * files // 5] for n in range(6)]
    said = ", ".join(f"{5000 * (b - a) / files:,.0f}" for a, b in pairwise(cuts))
    print(f"taken in: {spent:,.1f} cpu s; ms a file by fifths of the files: {said}")  # noqa: T201
    _tell(workplace.lake)
    _build(workplace, "built")
    started = time.process_time()
    done = workplace.upkeep.run(workplace.today(), datetime.now(UTC), lambda text: None)
    print(f"upkeep: {time.process_time() - started:,.1f} cpu s; {done.lines()[-1]}")  # noqa: T201
    _tell(workplace.lake)
    _build(workplace, "built again")


def _tell(lake: Lake) -> None:
    for table in ("delivered", "quarantine"):
        if lake.parts(table):
            print(f"  {size_of(lake, table)}")  # noqa: T201


def _build(workplace: Workplace, what: str) -> None:
    day = max(workplace.days.known())
    reads = len(workplace.lake.delivered(day))
    started = time.process_time()
    built = workplace.builder.build_cdrs(day)
    took = time.process_time() - started
    print(  # noqa: T201
        f"{what}: one day of {built.rows:,} attempts out of {reads:,} files: {took:,.1f} cpu s"
    )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--intakes", type=int, default=1)
    parser.add_argument("--days", type=int, default=1, help="over so many days")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cdr-reports-bench-"))
    print(  # noqa: T201
        f"{given.files:,} files of {given.rows:,} records in {given.intakes:,} intakes"
    )
    try:
        bench(folder, given.files, given.rows, given.intakes, given.days)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
