"""The sensor and the job over a real instance: one run a delivery, and a tick twice is one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assembly import Workplace
from pipelines.definitions import build_defs
from pipelines.deliveries import report_schedules
from resources.ledger.delivery import State
from resources.schedules.model import Incomplete, OnChange, Schedule
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all, make_home
from tests.pipeline.offices import make_built
from tests.pipeline.post import PostOffice, serving

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@dataclass
class Daemon:
    """What the daemon does with a sensor: evaluates it, and launches each run key once."""

    workplace: Workplace
    instance: dg.DagsterInstance

    def __post_init__(self) -> None:
        self.keys: set[str] = set()

    def tick(self) -> list[dg.RunRequest] | str:
        """New run requests, or why there are none."""
        context = dg.build_sensor_context(
            instance=self.instance, resources={"workplace": self.workplace}
        )
        found = report_schedules.evaluate_tick(context)
        if found.skip_message:
            return found.skip_message
        new = [r for r in found.run_requests or [] if r.run_key not in self.keys]
        self.keys |= {str(r.run_key) for r in new}
        return new

    def launch(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        job = build_defs(self.workplace.settings, lambda: self.workplace).resolve_job_def(
            "deliver_reports"
        )
        return job.execute_in_process(
            run_config=request.run_config, tags=request.tags, instance=self.instance,
            raise_on_error=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"), (YESTERDAY,))


@pytest.fixture
def post() -> PostOffice:
    return PostOffice()


@pytest.fixture
def daemon(built: Workplace, tmp_path: Path, post: PostOffice) -> Iterator[Daemon]:
    home = shutil.copytree(built.settings.home, tmp_path / "home")
    with serving(post) as port, dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield Daemon(make_home(home, smtp_host="127.0.0.1", smtp_port=port), instance)


def add(workplace: Workplace, name: str = "nightly", **values: Any) -> None:
    """A schedule whose report of yesterday has fallen due at midnight."""
    values = {"email": ("a@example.com",), "formats": ("csv",), "time": time(0), **values}
    made = datetime.now(UTC) - timedelta(days=1)
    workplace.schedules.add(name, Schedule(name, "UTC", **values).text(), made)


def only(found: list[dg.RunRequest] | str) -> dg.RunRequest:
    assert isinstance(found, list)
    (request,) = found
    return request


def test_nothing_is_due(daemon: Daemon) -> None:
    assert daemon.tick() == "no report is due"


def test_one_run_a_delivery(daemon: Daemon, post: PostOffice) -> None:
    add(daemon.workplace)
    add(daemon.workplace, "other", email=("b@example.com",))
    requests = daemon.tick()
    assert isinstance(requests, list)
    assert [r.run_key for r in requests] == [
        f"schedule {n} {YESTERDAY} r1 attempt 1" for n in (1, 2)
    ]
    assert daemon.tick() == []  # asked for again, with the same keys
    result = daemon.launch(requests[0])
    assert result.success
    again = daemon.launch(requests[0])  # a run that is started twice
    assert again.success
    assert daemon.tick() == []
    assert daemon.launch(requests[1]).success
    assert daemon.tick() == "no report is due"
    assert post.mails() == {"a@example.com": 1, "b@example.com": 1}
    (shown,) = [
        e.step_output_data.metadata for e in result.all_events
        if e.event_type_value == "STEP_OUTPUT" and e.step_output_data.metadata
    ]  # fmt: skip
    folder = Path(str(shown["delivery 1: files"].value))
    assert (folder / f"breakout_{YESTERDAY}.csv").exists()
    assert shown["sent"].value == 1


def test_it_says_what_it_waits_for(daemon: Daemon) -> None:
    add(daemon.workplace, frequency="weekly", incomplete=Incomplete.SKIP)
    store = daemon.workplace.schedules
    record = store.named("nightly")
    week_ago = datetime.now(UTC) - timedelta(days=8)
    store.change(record.id, "nightly", record.definition, week_ago, since=week_ago)
    said = daemon.tick()
    assert isinstance(said, str)
    assert "nightly, " in said
    assert "waits for " in said
    assert "at the longest" in said


def test_a_refusal_fails_the_run_and_a_delay_does_not(daemon: Daemon, post: PostOffice) -> None:
    post.faults += ["data 554 5.7.1 no", "mail 421 busy"]
    add(daemon.workplace)
    add(daemon.workplace, "other", email=("b@example.com",))
    requests = daemon.tick()
    assert isinstance(requests, list)
    refused, delayed = (daemon.launch(request) for request in requests)
    assert not refused.success
    (failure,) = [e for e in refused.all_events if e.is_step_failure]
    assert "554 5.7.1 no" in str(failure.step_failure_data.user_failure_data)
    assert delayed.success
    (waiting,) = daemon.instance.get_runs(dg.RunsFilter(tags={"not_sent_yet": "1 of 1"}))
    assert waiting.run_id == delayed.run_id
    said = daemon.tick()
    assert isinstance(said, str)
    assert "other" in said
    assert "tried again at" in said
    assert "421 busy" in said
    states = [d.state for d in daemon.workplace.deliveries.find()]
    assert states == [State.FAILED, State.QUEUED]


def test_a_run_that_is_under_way_is_not_asked_for_twice(daemon: Daemon) -> None:
    add(daemon.workplace)
    requests = daemon.tick()
    assert isinstance(requests, list)
    job = build_defs(daemon.workplace.settings).resolve_job_def("deliver_reports")
    daemon.instance.create_run_for_job(
        job, run_config=requests[0].run_config, tags=requests[0].tags,
        status=dg.DagsterRunStatus.STARTED,
    )  # fmt: skip
    assert daemon.tick() == f"nightly, {YESTERDAY}: being sent"


def test_a_broken_ledger_is_said(daemon: Daemon) -> None:
    home = daemon.workplace.settings.home
    for path in home.glob("ledger.sqlite*"):
        path.unlink()
    (home / "ledger.sqlite").mkdir()
    said = daemon.tick()
    assert isinstance(said, str)
    assert "what is due could not be read" in said


def test_a_revision_is_a_run_of_its_own(daemon: Daemon, post: PostOffice) -> None:
    add(daemon.workplace, on_change=OnChange.RESEND)
    request = only(daemon.tick())
    daemon.launch(request)
    deliver(daemon.workplace, "late.csv", [call("x", dt=f"{YESTERDAY} 10:00:00")])
    daemon.workplace.intake.run()
    assert daemon.tick() == "no report is due"  # the day is not built yet
    build_all(daemon.workplace)
    request = only(daemon.tick())
    assert request.run_key == f"schedule 1 {YESTERDAY} r2 attempt 1"
    daemon.launch(request)
    assert [str(m["Subject"])[:18] for _, m, _ in post.got][1] == "Breakout (revised)"


def test_a_report_whose_run_was_terminated_is_sent_later(
    daemon: Daemon, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(daemon.workplace)
    request = only(daemon.tick())
    job = build_defs(daemon.workplace.settings).resolve_job_def("deliver_reports")
    daemon.instance.create_run_for_job(
        job, run_config=request.run_config, tags=request.tags, status=dg.DagsterRunStatus.CANCELED
    )
    said = daemon.tick()
    assert isinstance(said, str)
    assert "terminated, and will be tried again" in said
    monkeypatch.setattr("pipelines.deliveries.attempt", lambda ended, now: 1)
    again = only(daemon.tick())
    assert again.run_key == f"{request.run_key} again 2"
    assert daemon.launch(again).success
    assert post.mails() == {"a@example.com": 1}


def test_a_report_whose_day_is_built_anew_meanwhile_goes_as_soon_as_it_is(
    daemon: Daemon, post: PostOffice
) -> None:
    """A late file came in between the tick and its run, which then had nothing to send."""
    add(daemon.workplace)
    request = only(daemon.tick())
    deliver(daemon.workplace, "late.csv", [call("x", dt=f"{YESTERDAY} 10:00:00")])
    daemon.workplace.intake.run()
    assert daemon.launch(request).success
    assert post.got == []
    assert "nightly, " in str(said := daemon.tick())
    assert "waits for " in str(said)
    build_all(daemon.workplace)
    again = only(daemon.tick())
    assert again.run_key == f"{request.run_key} again 2"
    assert daemon.launch(again).success
    assert post.mails() == {"a@example.com": 1}
