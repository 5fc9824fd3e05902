"""Runs whose process was killed, and runs that end without having built their days."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.alive import bury
from pipelines.assembly import Workplace
from pipelines.definitions import build_defs
from pipelines.instance import environment, open_instance
from pipelines.partitions import range_tags
from pipelines.sensors import stale_days
from resources.days import DAY_TABLES
from tests.pipeline.home import golden_files, land, make_home

ROOT = Path(__file__).resolve().parents[2]
DAYS = [date(2026, 3, 6) + timedelta(days=n) for n in range(4)]

# Dies in the middle of the run, as in a power cut: nothing of Python or Dagster gets to clean up.
KILLED = """
import os, sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from pipelines.assembly import Workplace
from pipelines.definitions import build_defs
from pipelines.instance import open_instance
from pipelines.partitions import range_tags
from pipelines.settings import load_settings
settings = load_settings()
place = Workplace(settings, tell=lambda step: os.kill(os.getpid(), 9))
with open_instance(settings) as instance:
    day = date.fromisoformat(sys.argv[1])
    job = build_defs(settings, lambda: place).resolve_job_def("build_days")
    job.execute_in_process(instance=instance, tags=range_tags(day, day))
"""


@pytest.fixture
def home(tmp_path: Path) -> Workplace:
    """A home with the golden files taken in, and nothing built."""
    workplace = make_home(tmp_path)
    land(workplace, *golden_files())
    workplace.intake.run()
    return workplace


def tick(instance: dg.DagsterInstance, workplace: Workplace) -> dg.SensorExecutionData:
    """What the sensor says now."""
    context = dg.build_sensor_context(instance=instance, resources={"workplace": workplace})
    return stale_days.evaluate_tick(context)


def asked(data: dg.SensorExecutionData) -> list[str | None]:
    return [request.run_key for request in data.run_requests or []]


def test_a_run_whose_process_was_killed_does_not_keep_its_day(home: Workplace) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, str(DAYS[0])],
        cwd=home.settings.home,
        env={**environment(home.settings), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9, done.stderr[-3000:]
    with open_instance(home.settings) as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        assert bury(instance, home.settings.home) == [run.run_id]
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.FAILURE
        # The daemon starts it again: nothing is noted against a retry.
        assert run.tags.get("dagster/will_retry") == "true"
        assert bury(instance, home.settings.home) == []


def test_a_run_that_lives_is_left_alone_and_its_days_too(home: Workplace) -> None:
    seen = []
    with open_instance(home.settings) as instance:

        def look(step: str) -> None:
            seen.append((bury(instance, home.settings.home), asked(tick(instance, home))))

        telling = Workplace(home.settings, tell=look)
        job = build_defs(home.settings, lambda: telling).resolve_job_def("build_days")
        days = range_tags(DAYS[0], DAYS[-1])
        assert job.execute_in_process(instance=instance, tags=days).success
        assert asked(tick(instance, home)) == []
    # Also when its first days are built and its last ones are not.
    assert len(seen) == len(DAY_TABLES) * len(DAYS)
    assert all(step == ([], []) for step in seen)


def test_what_was_asked_for_and_not_built_is_asked_for_again_later(home: Workplace) -> None:
    with open_instance(home.settings) as instance:
        (first,) = tick(instance, home).run_requests or []
        instance.create_run_for_job(
            build_defs(home.settings).resolve_job_def("build_days"),
            tags=dict(first.tags),
            status=dg.DagsterRunStatus.FAILURE,
        )
        said = tick(instance, home)
        assert asked(said) == []
        assert "was not built and will be tried again" in str(said.skip_message)


def test_a_batch_whose_run_was_terminated_is_asked_for_again_under_another_key(
    home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon launches a key once, so under the same one its days would stay stale for ever."""
    with open_instance(home.settings) as instance:
        (first,) = tick(instance, home).run_requests or []
        instance.create_run_for_job(
            build_defs(home.settings).resolve_job_def("build_days"),
            tags=dict(first.tags),
            status=dg.DagsterRunStatus.CANCELED,
        )
        assert "will be tried again" in str(tick(instance, home).skip_message)
        monkeypatch.setattr("pipelines.sensors.attempt", lambda ended, now: len(ended) + 1)
        assert asked(tick(instance, home)) == [f"{first.run_key} attempt 2"]
