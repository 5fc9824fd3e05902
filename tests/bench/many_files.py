"""Measures very many small files: `python -m tests.bench.many_files --files 10_000 --rows 100`.

So many files of made-up calls are landed for as many intakes as are asked for and taken in; then
the last day is built, the lake kept up, the day built again, and the lake kept up as it will be
when the old versions may go. What one file costs is told for each fifth of the files, so that it
shows when it grows with those that were there before. Seconds are told as processor seconds of this
process, which other work on the machine changes little, and as they pass.

    make bench-files FILES=10_000                                 one intake of 10,000 files
    ... --files 720 --rows 40_000 --intakes 720 --days 30         an hourly file, for 30 days
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Spent:
    """Seconds: of the processor, and as they pass."""

    cpu: float = 0.0
    wall: float = 0.0

    @classmethod
    def until_now(cls) -> "Spent":
        """Of this process, since some time."""
        return cls(time.process_time(), time.monotonic())

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.cpu - other.cpu, self.wall - other.wall)

    def __str__(self) -> str:
        return f"{self.cpu:,.1f} cpu s, {self.wall:,.1f} s"


def size_of(lake: Lake, table: str) -> str:
    """Files in force and their size, and how long the table takes to be opened."""
    parts = lake.parts(table)
    started = time.process_time()
    version = lake.version(table)
    opened = time.process_time() - started
    return (
        f"{table}: {len(parts):,} files in force, {sum(p.size for p in parts) / 1e6:,.1f} MB; "
        f"version {version:,}, opened in {opened * 1000:,.0f} ms"
    )


def on_disk(lake: Lake) -> str:
    """All files of the lake, those that only older versions have among them."""
    found = [p for p in lake.root.rglob("*") if p.is_file() and p.parent.name != "_staging"]
    logs = [p for p in found if p.parent.name == "_delta_log"]
    rows = [p for p in found if p.parent.name != "_delta_log"]
    sizes = [sum(p.stat().st_size for p in files) / 1e6 for files in (rows, logs)]
    return (
        f"lake on disk: {len(rows):,} files, {sizes[0]:,.1f} MB; logs of {len(logs):,} files, "
        f"{sizes[1]:,.1f} MB"
    )


def bench(folder: Path, files: int, rows: int, intakes: int, days: int) -> None:
    """Takes in, builds, keeps up, builds again; prints what each has cost."""
    workplace = Workplace(load_settings(home=folder / "home", settle_seconds=0))
    (source,) = generate(folder / "made", FIRST, 1, rows, seed=5)
    _ = workplace.intake  # what is loaded once is no cost of a file
    day_of = [FIRST + timedelta(days=number * days // files) for number in range(files)]
    begun: list[Spent] = []  # what the intakes had cost when a file's turn came
    idle = Spent.until_now()  # what all but the intakes has cost
    for n in range(intakes):
        numbers = range(n * files // intakes, (n + 1) * files // intakes)
        spent = Spent.until_now() - idle
        land(workplace.settings.home / "landing" / "connexcs", source, numbers, day_of)
        idle = Spent.until_now() - spent

        def note(text: str, idle: Spent = idle) -> None:
            if text.startswith("taking "):
                begun.append(Spent.until_now() - idle)

        workplace.intake.run(note)
    spent = Spent.until_now() - idle
    begun.append(spent)
    cuts = [begun[n * files // 5].cpu for n in range(6)]
    by_fifths = ", ".join(f"{5000 * (b - a) / files:,.0f}" for a, b in pairwise(cuts))
    _say(f"taken in: {spent}")
    _say(
        f"  a file: {1000 * spent.cpu / files:,.0f} cpu ms, {1000 * spent.wall / files:,.0f} ms; "
        f"by fifths of the files: {by_fifths} cpu ms"
    )
    _build(workplace, "built")
    _tell(workplace.lake)
    now = datetime.now(UTC)
    _keep_up(workplace, now, "upkeep")
    _tell(workplace.lake)
    _build(workplace, "built again")
    after = workplace.settings.versions_days + 1
    _keep_up(workplace, now + timedelta(days=after), f"upkeep in {after} days")
    _tell(workplace.lake)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _keep_up(workplace: Workplace, now: datetime, what: str) -> None:
    started = Spent.until_now()
    done = workplace.upkeep.run(workplace.today(), now, lambda text: None)
    _say(f"{what}: {Spent.until_now() - started}; {done.lines()[-1]}")


def _tell(lake: Lake) -> None:
    _say(f"  {on_disk(lake)}")
    for table in ("delivered", "quarantine"):
        if lake.parts(table):
            _say(f"  {size_of(lake, table)}")


def _build(workplace: Workplace, what: str) -> None:
    day = max(workplace.days.known())
    reads = len(workplace.lake.delivered(day))
    started = Spent.until_now()
    built = workplace.builder.build_cdrs(day)
    took = Spent.until_now() - started
    _say(f"{what}: one day of {built.rows:,} attempts out of {reads:,} files: {took}")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--intakes", type=int, default=1)
    parser.add_argument("--days", type=int, default=1, help="over so many days")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cdr-reports-bench-"))
    _say(
        f"{given.files:,} files of {given.rows:,} records in {given.intakes:,} intakes, "
        f"over {given.days:,} days"
    )
    try:
        bench(folder, given.files, given.rows, given.intakes, given.days)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
