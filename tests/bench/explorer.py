"""Measures the explorer over HTTP: `python -m tests.bench.explorer --days 90 --rows 50_000`.

A made-up lake with so many stored Breakout rows a day, served by `cdr-reports explore` in a process
of its own, and asked as the page asks: about days that no server has seen before, and then, of a
server just started over days that are ready, one pivot after another, each for the first time. For
each question its time until the whole answer is there, and the server's processor seconds.
"""

import argparse
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from resources.lake import Lake

# 80 customers with 60 destinations each of 400, over 3 of 15 providers each, ending in 6 ways; a
# day has the first `rows` of them in an order of its own.
ROWS = """
COPY (
    WITH ways AS (
        SELECT
            c, d, p, o,
            (hash(c * 61 + d) % 400)::INTEGER AS destination,
            (hash(c * 61 + d * 7 + p) % 15)::INTEGER AS provider,
            hash(c * 1000003 + d * 1009 + p * 31 + o + {day} * 7919) AS h
        FROM range(80) AS a (c), range(60) AS b (d), range(3) AS e (p), range(6) AS f (o)
    ),
    picked AS (SELECT *, h % 1000 AS x FROM ways ORDER BY h LIMIT {rows})
    SELECT
        NULL::TIMESTAMPTZ AS hour,
        (100 + c)::VARCHAR AS customer_id,
        CASE WHEN o = 5 THEN NULL ELSE (1 + provider)::VARCHAR END AS provider_id,
        'Destination ' || destination || ' Mobile' AS customer_destination,
        'Dest ' || destination || ' Mob' AS provider_destination,
        ['USD', 'GBP', 'EUR'][1 + c % 3] AS customer_currency,
        CASE WHEN o = 5 THEN NULL ELSE ['USD', 'EUR'][1 + provider % 2] END AS provider_currency,
        ['', '11', '22', '9999'][1 + c % 4] AS tech_prefix,
        'out' AS direction,
        ['200', '486', '480', '503', '404', '487'][1 + o] AS sip_code,
        ['Normal', 'Busy', 'No answer', 'Failure', 'Unknown', 'Cancel'][1 + o] AS release_reason,
        ['GB', 'US', 'FR', 'DE', 'IN', 'CN', 'ES', 'IT'][1 + destination % 8] AS country,
        ['O2', 'Vodafone', 'Three', 'EE', NULL][1 + destination % 5] AS carrier,
        20::BIGINT AS attempts, 19::BIGINT AS calls, (x % 20)::BIGINT AS connected,
        1::BIGINT AS short_calls, 15::BIGINT AS ner_attempts,
        (x * 7 + 0.125)::DECIMAL(38, 3) AS duration,
        (x * 7 + 6)::DECIMAL(38, 3) AS customer_duration,
        (x * 7 + 1)::DECIMAL(38, 3) AS provider_duration,
        (x / 900)::DECIMAL(38, 8) AS customer_charge, (x / 990)::DECIMAL(38, 8) AS provider_charge,
        90000::DECIMAL(38, 3) AS pdd_sum, 18::BIGINT AS pdd_attempts,
        2::BIGINT AS dtmf_calls, 9::BIGINT AS dtmf_digits,
        (x / 800)::DECIMAL(38, 21) AS customer_charge_usd,
        (x / 1100)::DECIMAL(38, 21) AS customer_charge_gbp,
        (x / 890)::DECIMAL(38, 21) AS provider_charge_usd,
        (x / 1200)::DECIMAL(38, 21) AS provider_charge_gbp,
        0::BIGINT AS stale_rate_attempts
    FROM picked
) TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
"""

FIRST = "report=breakout"
PIVOTS = {
    "first rows": "",
    "by customer": "group=customer&columns=attempts,asr,acd,profit_usd",
    "provider x date": "group=provider&split=date&columns=profit_usd,asr&levels=1",
    "customer, provider": "group=customer,provider&levels=1",
    "country, carrier x provider": "group=country,carrier&split=provider&columns=attempts&levels=1",
    "destination x date": "group=customer_destination&split=date&columns=attempts&limit=100",
    "sip code x customer": "group=sip_code&split=customer&columns=attempts,asr",
    "one customer by date": "group=date&filter=customer_id=117",
    "totals": "group=",
    "default, by attempts": "sort=-attempts",
}


MODULE = "tests.bench.explorer"


@dataclass(frozen=True)
class Asked:
    """One question: wall seconds, the server's processor seconds, bytes."""

    seconds: float
    cpu: float
    size: int


def make_up(home: Path, days: int, rows: int) -> None:
    """Publishes the made-up days, up to yesterday."""
    lake, last = Lake(home / "lake"), datetime.now(UTC).date() - timedelta(days=1)
    with duckdb.connect(config={"threads": "2", "memory_limit": "1GB"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for n in range(days):
            staged = lake.staging("breakout_daily")
            connection.execute(ROWS.format(day=n, rows=rows, path=staged))
            lake.publish("breakout_daily", last - timedelta(days=days - 1 - n), staged)


def serve(home: Path) -> None:
    """The measured process: what `cdr-reports explore` runs, in no hurry on a busy machine."""
    from explorer.explorer import Explorer, application
    from explorer.server import serve as serve_app
    from pipelines.assembly import Workplace
    from pipelines.settings import load_settings

    explorer = Explorer(Workplace(load_settings(home=home)))
    explorer.desk.seconds = 600
    serve_app(application(explorer), "127.0.0.1", 0, lambda at: print(at, flush=True))  # noqa: T201


@contextmanager
def served(home: Path) -> Iterator[tuple[int, int]]:
    """The explorer over the home in a process of its own: its port and process."""
    command = [sys.executable, "-m", MODULE, "--serve", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().split()[0].rpartition(":")[2])
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=60)


def processor_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(port: int, pid: int, query: str) -> Asked:
    """Asks and reads the whole answer. Raises when it is refused."""
    before, started = processor_seconds(pid), time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", f"/api/rows?{query}")
    response = connection.getresponse()
    body = response.read()
    seconds = time.monotonic() - started
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{query}: {response.status} {body[:500]!r}")
    return Asked(seconds, processor_seconds(pid) - before, len(body))


def settle(pid: int, quiet: float = 3.0) -> float:
    """Waits until the server does nothing any more; the processor seconds until then."""
    started = last = processor_seconds(pid)
    since = time.monotonic()
    while time.monotonic() - since < quiet:
        time.sleep(0.5)
        now = processor_seconds(pid)
        if now - last > 0.02:
            last, since = now, time.monotonic()
    return last - started


def main() -> None:
    """Prints a line a question."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, help="kept, and used again")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory(prefix="cdr-reports-bench-") as temporary:
        home = arguments.folder or Path(temporary)
        if not (home / "lake" / "breakout_daily").exists():
            make_up(home, arguments.days, arguments.rows)
        held = Lake(home / "lake").days("breakout_daily")
        period = f"from={held[0]}&to={held[-1]}"
        shutil.rmtree(home / "cubes", ignore_errors=True)
        with served(home) as (port, pid):
            ask(port, pid, f"{FIRST}&from={held[-1]}&to={held[-1]}")
            tell("days never seen before: first rows", ask(port, pid, f"{FIRST}&{period}"))
            for name, query in list(PIVOTS.items())[1:4]:
                tell(f"at once: {name}", ask(port, pid, f"{FIRST}&{period}&{query}"))
            made = settle(pid)
            print(f"{'made ready beside that':40} {made:30.2f} s cpu")  # noqa: T201
        with served(home) as (port, pid):
            ask(port, pid, f"{FIRST}&from={held[-1]}&to={held[-1]}")
            for name, query in PIVOTS.items():
                tell(name, ask(port, pid, f"{FIRST}&{period}&{query}"))
            status = Path(f"/proc/{pid}/status").read_text()
            peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
            print(f"peak memory of the server: {int(peak.split()[1]) / 1000:,.0f} MB")  # noqa: T201


def tell(name: str, asked: Asked) -> None:
    """A line."""
    wall, size = f"{asked.seconds * 1000:8.0f} ms", f"{asked.size / 1000:8.0f} kB"
    print(f"{name:40} {wall} {asked.cpu:8.2f} s cpu {size}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
