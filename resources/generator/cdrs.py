"""Writes made-up CDR files: SQL draws the calls, this puts them into files and spoils some.

What a call looks like is `sql/generator/cdrs.sql` over the tables of `tables`.
"""

import csv
import gzip as gz
import os
import queue
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

import sql
from resources.generator import tables, world
from resources.reference.plan import ReferenceData

CHUNK_ROWS = 250_000
"""Rows that one thread makes at a time."""


def generate(
    folder: Path,
    first_day: date,
    days: int,
    rows_per_day: int,
    seed: int,
    gzip: bool = False,
    dirty_share: float = 0.0,
    reference: ReferenceData | None = None,
    threads: int | None = None,
    memory_limit: str = "512MB",
) -> list[Path]:
    """Write `cdr_YYYYMMDD.csv[.gz]`, one file a day, and return their paths.

    Together they hold `days` x `rows_per_day` records, fewer on Saturdays and Sundays; the same
    seed gives the same files (with the same release of DuckDB). `dirty_share` (0 to 1) of the
    records is added once more as duplicates and broken rows, at the end of each file. A file
    appears under its name only when it is whole. Memory does not grow with the rows.
    """
    if days < 1 or rows_per_day < 1:
        raise ValueError(f"{days} days of {rows_per_day} rows: both must be 1 or more")
    if not 0 <= dirty_share <= 1:
        raise ValueError(f"dirty_share is {dirty_share}; it must be from 0 to 1")
    folder.mkdir(parents=True, exist_ok=True)
    counts = tables.rows_by_day(first_day, days, rows_per_day)
    paths = []
    lookups = tables.build((reference or ReferenceData()).load_plan())
    with (
        tempfile.TemporaryDirectory(prefix="cdr-generator-") as spill,
        _workers(lookups, spill, threads or os.cpu_count() or 1, memory_limit) as workers,
    ):
        for offset, count in enumerate(counts):
            day = first_day + timedelta(days=offset)
            path = folder / f"cdr_{day:%Y%m%d}.csv{'.gz' if gzip else ''}"
            part = folder / f"{path.name}.part"
            plain = Path(spill) / "rows.csv" if gzip else part
            _write_day(workers, plain, day, count, seed, dirty_share)
            if gzip:
                _compress(plain, part)
            part.replace(path)
            paths.append(path)
    return paths


def write_accounts(home: Path, reference: ReferenceData | None = None) -> None:
    """Write the same world's `customers.csv`, `providers.csv` and `dids.csv` into the home."""
    home.mkdir(parents=True, exist_ok=True)
    files: dict[str, list[tuple[object, ...]]] = {
        "customers.csv": [("id", "name"), *((c.number, c.name) for c in world.CUSTOMERS)],
        "providers.csv": [("id", "name"), *((p.number, p.name) for p in world.PROVIDERS)],
        "dids.csv": [
            ("number",),
            *(
                (number,)
                for number in tables.own_numbers((reference or ReferenceData()).load_plan())
            ),
        ],
    }
    for name, rows in files.items():
        part = home / f"{name}.part"
        with part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        part.replace(home / name)


@dataclass
class _Workers:
    """DuckDB instances of one thread each. They write a file's chunks side by side.

    With one thread the rows come in the order of the hash joins' left side, so that a file is the
    same each time; several threads in one instance would mix them, and a sort costs more.
    """

    connections: queue.SimpleQueue[duckdb.DuckDBPyConnection]
    count: int

    def run(
        self, day: date, count: int, seed: int, rows: Sequence[int], target: Path | None
    ) -> list[tuple[object, ...]]:
        """Make the calls of these row numbers: into a file without header, or else as tuples."""
        params: dict[str, object] = {
            "seed": (seed * 100_003 + day.toordinal()) % 2**31,
            "day": day,
            "dozens": (count + 11) // 12,
        }
        text = sql.text("generator/cdrs")
        connection = self.connections.get()
        try:
            connection.register("incoming", pa.table({"row_number": pa.array(rows, pa.int64())}))
            connection.execute("CREATE OR REPLACE TABLE numbers AS SELECT * FROM incoming")
            connection.unregister("incoming")
            if target is None:
                return connection.execute(text, params).fetchall()
            place = str(target).replace("'", "''")
            connection.execute(
                f"COPY ({text}) TO '{place}' (FORMAT csv, HEADER false, NULLSTR '')", params
            )
            return []
        finally:
            self.connections.put(connection)

    def columns(self) -> list[str]:
        """The columns of a file, in order: the contract's, with `branch_idx` and `direction`."""
        connection = self.connections.get()
        try:
            connection.execute("CREATE OR REPLACE TABLE numbers (row_number BIGINT)")
            found = connection.execute(
                sql.text("generator/cdrs"), {"seed": 0, "day": date.min, "dozens": 1}
            )
            return [column[0] for column in found.description]
        finally:
            self.connections.put(connection)


@contextmanager
def _workers(
    lookups: dict[str, pa.Table], spill: str, threads: int, memory_limit: str
) -> Iterator[_Workers]:
    connections: queue.SimpleQueue[duckdb.DuckDBPyConnection] = queue.SimpleQueue()
    opened = []
    try:
        for number in range(threads):
            connection = duckdb.connect(
                config={
                    "threads": "1",
                    "memory_limit": memory_limit,
                    "temp_directory": f"{spill}/{number}",
                }
            )
            opened.append(connection)
            # The joins as written: rows stream past small tables.
            connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
            for name, table in lookups.items():
                connection.register("incoming", table)
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
                connection.unregister("incoming")
            connections.put(connection)
        yield _Workers(connections, threads)
    finally:
        for connection in opened:
            connection.close()


def _write_day(
    workers: _Workers, path: Path, day: date, count: int, seed: int, dirty_share: float
) -> None:
    chunks = [
        (range(first, min(first + CHUNK_ROWS, count)), path.with_name(f"{path.name}.{number}"))
        for number, first in enumerate(range(0, count, CHUNK_ROWS))
    ]
    columns = workers.columns()
    with path.open("wb") as file, ThreadPoolExecutor(workers.count) as pool:
        file.write((",".join(columns) + "\n").encode())
        # Few chunks at a time, so that the disk holds the file once and a little.
        for wave in range(0, len(chunks), workers.count):
            running = [
                (pool.submit(workers.run, day, count, seed, rows, chunk), chunk)
                for rows, chunk in chunks[wave : wave + workers.count]
            ]
            for done, chunk in running:
                done.result()
                with chunk.open("rb") as made:
                    shutil.copyfileobj(made, file, 1 << 20)
                chunk.unlink()
    spoilt = round(count * dirty_share)
    if not spoilt:
        return
    dice = random.Random(f"{seed} {day}")  # noqa: S311 - made-up data
    chosen = sorted(dice.sample(range(count), spoilt))
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for values in workers.run(day, count, seed, chosen, None):
            texts = ["" if value is None else str(value) for value in values]
            writer.writerow(_spoil(dict(zip(columns, texts, strict=True)), dice))


def _spoil(row: dict[str, str], dice: random.Random) -> list[str]:
    """Half of the rows stay as they are, delivered twice; the others break in one way each."""
    if dice.random() < 0.5:
        return list(row.values())
    row["callid"] = f"x{row['callid']}"
    change, cut = dice.choice(_FAULTS)
    change(row)
    values = list(row.values())
    return values[:cut] if cut else values


def _set(**changes: str) -> Callable[[dict[str, str]], None]:
    return lambda row: row.update(changes)


_FAULTS: list[tuple[Callable[[dict[str, str]], None], int]] = [
    (_set(duration="n/a"), 0),
    (_set(duration="-4.000"), 0),
    (_set(customer_id=""), 0),
    (_set(dest_number=""), 0),
    (_set(callid=" "), 0),
    (_set(dt="0000-00-00 00:00:00"), 0),
    (_set(customer_charge="1,50"), 0),
    (_set(customer_charge="0.10", customer_card_currency="XXX"), 0),
    (_set(), -3),
]
"""(What happens to the row, fields cut off its end)."""


def _compress(source: Path, target: Path) -> None:
    """Gzip without a time in it, so that the same rows give the same bytes."""
    with (
        source.open("rb") as plain,
        target.open("wb") as file,
        gz.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=4, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed, 1 << 20)
    source.unlink()
