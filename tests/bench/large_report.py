"""Measures a report of very many rows: `python -m tests.bench.large_report --rows 1_000_000`.

A made-up `breakout_daily` whose groups are all distinct, written in each format by a process of its
own: seconds, processor seconds and peak resident memory, Python's start included.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from os import environ
from pathlib import Path

import duckdb

from tests.bench.measure import Measured, measure

DAY = date(2026, 3, 6)
FORMATS = ("csv", "parquet", "xlsx", "json")
MODULE = "tests.bench.large_report"
MOST_MB = 500
"""What no format may take, whatever the rows."""

ROWS = """
COPY (
    SELECT
        'customer ' || (i % 997) AS customer_id,
        'provider ' || (i % 89) AS provider_id,
        'Destination of a usual length ' || i AS customer_destination,
        'Destination as the provider has it ' || i AS provider_destination,
        CASE i % 3 WHEN 0 THEN 'USD' WHEN 1 THEN 'GBP' ELSE 'EUR' END AS customer_currency,
        'USD' AS provider_currency,
        '' AS tech_prefix, 'in' AS direction, '200' AS sip_code, '' AS release_reason,
        'GB' AS country, 'O2' AS carrier,
        20::BIGINT AS attempts, 19::BIGINT AS calls, (i % 20)::BIGINT AS connected,
        1::BIGINT AS short_calls, 15::BIGINT AS ner_attempts, 18::BIGINT AS pdd_attempts,
        2::BIGINT AS dtmf_calls, 9::BIGINT AS dtmf_digits, 0::BIGINT AS stale_rate_attempts,
        (i % 10007 + 0.125)::DECIMAL(38, 3) AS duration,
        (i % 10007 + 6)::DECIMAL(38, 3) AS customer_duration,
        (i % 10007 + 1)::DECIMAL(38, 3) AS provider_duration,
        90000::DECIMAL(38, 3) AS pdd_sum,
        (i % 1009 / 1000)::DECIMAL(38, 8) AS customer_charge,
        (i % 1013 / 1000)::DECIMAL(38, 8) AS provider_charge,
        (i % 1009 / 1000)::DECIMAL(38, 12) AS customer_charge_usd,
        (i % 1009 / 1300)::DECIMAL(38, 12) AS customer_charge_gbp,
        (i % 1013 / 1000)::DECIMAL(38, 12) AS provider_charge_usd,
        (i % 1013 / 1300)::DECIMAL(38, 12) AS provider_charge_gbp
    FROM range($rows) AS r (i)
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


class OneDay:
    """The made-up day as the only one that there is."""

    def __init__(self, path: str) -> None:
        self.path = path

    def files(self, table: str, first: date, last: date) -> list[str]:
        """The day's file, whatever is asked."""
        return [self.path] if table == "breakout_daily" and first <= DAY <= last else []


def make_up(folder: Path, rows: int) -> Path:
    """Writes the day; its path."""
    path = folder / f"call_date={DAY}" / "part.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(ROWS.format(path=path).replace("$rows", str(rows)))
    return path


def write(path: str, fmt: str, out: str) -> None:
    """The measured process: Breakout with its defaults, as the command makes it."""
    from resources.reporting.breakout import BREAKOUT
    from resources.reporting.figures import request_for
    from resources.reporting.interfaces import Reporting
    from resources.reporting.output import Sums, for_people, new_file, render
    from resources.reporting.period import Period
    from resources.reporting.request import Asked

    with tempfile.TemporaryDirectory() as spill:
        of = Reporting(tables=OneDay(path), spill=spill)
        days, now = Period(DAY, DAY), datetime(2026, 3, 7, tzinfo=UTC)
        request = request_for(of, BREAKOUT, Asked(), days, people=for_people(fmt))
        with new_file(Path(out)) as stream:
            render(Sums(of, request), fmt, now, stream)


def bench(rows: int, formats: Sequence[str] = FORMATS) -> dict[str, Measured]:
    """Each format in a process of its own."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="cdr-reports-bench-") as name:
        path = make_up(Path(name), rows)
        for fmt in formats:
            arguments = ["--write", str(path), fmt, f"{name}/report.{fmt}"]
            found[fmt] = measure(
                [sys.executable, "-m", "tests.bench.large_report", *arguments], {**environ}
            )
    return found


def main() -> None:
    """Prints a line a format; ends with 1 when one takes too much memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--write", nargs=3, metavar=("PATH", "FORMAT", "OUT"))
    arguments = parser.parse_args()
    if arguments.write:
        write(*arguments.write)
        return
    found = bench(arguments.rows)
    for fmt, each in found.items():
        print(  # noqa: T201
            f"{fmt:8} {each.seconds:7.1f} s {each.cpu:7.1f} s cpu {each.peak_mb:7.0f} MB"
        )
    sys.exit(any(each.peak_mb > MOST_MB for each in found.values()))


if __name__ == "__main__":
    main()
