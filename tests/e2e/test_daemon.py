"""The daemon and the web server over one home: intake, stale days, a back-fill, a late file, mails.

One story in chapters, each of which needs the one before: starting the two takes longer than most
of what they do.
"""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from resources.days import DAY_TABLES
from resources.ledger.deliveries import State
from resources.schedules.model import Audience, Schedule
from tests.e2e.server import ENDED, Dagster, Run, wait_for
from tests.pipeline.deliveries import deliver
from tests.pipeline.home import EVER, GOLDEN, golden_files, land, rows_of
from tests.pipeline.offices import calls
from tests.pipeline.post import PostOffice

DAYS = [date(2026, 3, 6) + timedelta(days=n) for n in range(4)]
FIRST, LAST = DAYS[0].isoformat(), DAYS[-1].isoformat()
LATE_DAY = date(2026, 3, 8)


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


def settled(dagster: Dagster, count: int, seconds: float = 90) -> list[Run]:
    """The sensor's runs as soon as so many have ended, and nothing is left to build."""

    def seek() -> list[Run] | None:
        found = builds(dagster)
        stale = dagster.workplace.days.stale(DAY_TABLES)
        ended = len(found) >= count and all(run.status in ENDED for run in found)
        return found if ended and not stale else None

    return wait_for(seek, dagster.trouble, seconds)


def late_file(path: Path) -> Path:
    """Three more calls of the late day."""
    with gzip.open(GOLDEN / "landing/connexcs/cdr_20260308.csv.gz", "rt", newline="") as handle:
        rows = list(csv.DictReader(handle))
    late = [r for r in rows if r["dt"].startswith(str(LATE_DAY)) and r["sip_code"] == "200"][:3]
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows({**call, "callid": f"late-{n}@sbc1"} for n, call in enumerate(late))
    return path


@pytest.fixture(scope="module")
def taken(dagster: Dagster) -> Run:
    """The first intake, launched from the API."""
    return dagster.ended(dagster.launch("intake_job"))


@pytest.fixture(scope="module")
def built(dagster: Dagster, taken: Run) -> list[Run]:
    """What the sensor has made of it."""
    return settled(dagster, 1)


@pytest.fixture(scope="module")
def filled(dagster: Dagster, built: list[Run]) -> list[Run]:
    """The runs of a back-fill of the golden days."""
    backfill = dagster.backfill(DAY_TABLES, DAYS)

    def seek() -> list[Run] | None:
        runs = dagster.runs(tags=[{"key": "dagster/backfill", "value": backfill}])
        return runs if runs and all(run.status in ENDED for run in runs) else None

    return wait_for(seek, dagster.trouble, 120)


def test_the_intake_job_takes_the_landed_files(dagster: Dagster, taken: Run) -> None:
    assert taken.status == "SUCCESS", dagster.trouble()
    accounts = dagster.workplace.files.accounts()
    assert [a.file.name for a in accounts] == [path.name for path in golden_files()]
    assert dagster.materializations("delivered") == [(None, taken.id)]


def test_the_sensor_builds_the_stale_days_once(dagster: Dagster, built: list[Run]) -> None:
    (run,) = built
    assert run.status == "SUCCESS", dagster.trouble()
    assert run.days == (FIRST, LAST)
    assert run.tags["dagster/run_key"].startswith(f"days {FIRST} {LAST} ")
    assert run.tags["dagster/sensor_name"] == "stale_days"
    for table in DAY_TABLES:
        assert dagster.workplace.lake.days(table) == DAYS
        assert dagster.materializations(table).count((FIRST, run.id)) == 1
    assert days_attempts(dagster) == golden_attempts()


def test_a_back_fill_of_days_is_one_run(dagster: Dagster, filled: list[Run]) -> None:
    (run,) = filled
    assert run.status == "SUCCESS", dagster.trouble()
    assert run.days == (FIRST, LAST)
    for table in DAY_TABLES:
        found = [day for day, of in dagster.materializations(table) if of == run.id]
        assert sorted(map(str, found)) == [str(day) for day in DAYS]
    assert days_attempts(dagster) == golden_attempts()


def test_a_late_file_restates_its_day_and_no_other(
    dagster: Dagster, filled: list[Run], tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = {table: dagster.materializations(table) for table in DAY_TABLES}
    files = {day: dagster.workplace.lake.files("cdrs", day, day) for day in DAYS}
    land(dagster.workplace, late_file(tmp_path_factory.mktemp("late") / "late.csv"))
    assert dagster.ended(dagster.launch("intake_job")).status == "SUCCESS", dagster.trouble()
    runs = settled(dagster, 2)
    assert [run.days for run in runs] == [(FIRST, LAST), (str(LATE_DAY), str(LATE_DAY))]
    for table in DAY_TABLES:
        new = [m for m in dagster.materializations(table) if m not in before[table]]
        assert new == [(str(LATE_DAY), runs[1].id)]
    for day in DAYS:
        same = dagster.workplace.lake.files("cdrs", day, day) == files[day]
        assert same is (day != LATE_DAY)
    wanted = golden_attempts()
    wanted[LATE_DAY] += 3
    assert days_attempts(dagster) == wanted


def test_nothing_was_built_that_nobody_asked_for(dagster: Dagster, built: list[Run]) -> None:
    tables = dagster.workplace.lake.files("breakout_daily", *EVER)
    assert len(tables) == len(DAYS)
    assert len({run.tags["dagster/run_key"] for run in builds(dagster)}) == len(builds(dagster))


def test_from_delivered_file_to_mail(dagster: Dagster, built: list[Run], post: PostOffice) -> None:
    """One schedule for the house and one that fans out: each mail once, when the day is built."""
    workplace, store = dagster.workplace, dagster.workplace.deliveries
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    deliver(workplace, f"{yesterday}.csv", calls(yesterday))
    before = datetime.now(UTC) - timedelta(days=1)
    for schedule in (
        Schedule("house", "UTC", email=("a@example.com",), formats=("csv",), time=time(0)),
        Schedule("customers", "UTC", formats=("csv",), time=time(0), fan_out=True,
                 audience=Audience.CUSTOMER),
    ):  # fmt: skip
        workplace.schedules.add(schedule.name, schedule.text(), before)
    wait_for(lambda: len(store.open()) == 3, dagster.trouble, 120)
    assert post.got == []
    assert sent(dagster) == []
    assert dagster.ended(dagster.launch("intake_job")).status == "SUCCESS", dagster.trouble()
    # One of the mails is put off for a minute by the server.
    wait_for(lambda: not store.open() and store.find(), dagster.trouble, 400)
    assert {d.state for d in store.find()} == {State.SENT}
    wanted = ["a@example.com", "bright@example.com", "noc@bright.example", "sky@example.com"]
    assert post.mails() == dict.fromkeys(wanted, 1)
    keys = sent(dagster)
    assert len(set(keys)) == len(keys) == 3
    assert {key.rpartition(" attempt ")[0] for key in keys} == {
        f"schedule 1 {yesterday} r1", f"schedule 2 {yesterday} r1"
    }  # fmt: skip
    assert sum(d.attempts for d in store.find()) == 4
    for delivery in store.find():
        assert (workplace.settings.home / str(delivery.folder)).is_dir()


def sent(dagster: Dagster) -> list[str]:
    """The keys of the runs that have sent."""
    return [r.tags["dagster/run_key"] for r in dagster.runs(pipelineName="deliver_reports")]
