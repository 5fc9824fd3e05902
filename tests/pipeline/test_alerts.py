"""Operators hear of each trouble once, in one mail for all that is new, and of none too few."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from sqlite3 import SQLITE_LIMIT_VARIABLE_NUMBER as _VARIABLES
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy import event

from pipelines.alerts import operator_alerts
from pipelines.assembly import Workplace
from pipelines.cli.deliveries import run_groups
from pipelines.cli.run import execute, run_night
from pipelines.definitions import build_defs
from pipelines.partitions import range_tags
from pipelines.sending import open_office
from resources.alerts import of_days
from resources.ledger.cold import ColdState
from resources.schedules.model import Schedule
from resources.schedules.planning import agenda, run_now
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import make_home
from tests.pipeline.post import PostOffice, free_port, serving

WHO = "noc@example.com"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as found:
        yield found


def home(folder: Path, port: int, **settings: object) -> Workplace:
    """A home whose troubles count from now on, and which has expected nothing yet."""
    workplace = make_home(
        folder / "home", smtp_host="127.0.0.1", smtp_port=port, alert_email=WHO,
        expected_by=time(0), ui_url="https://ui.example.com", **settings,
    )  # fmt: skip
    workplace.files.same_fact("alerts since", datetime.now(UTC).isoformat())
    return workplace


def tick(workplace: Workplace, instance: dg.DagsterInstance) -> str:
    context = dg.build_sensor_context(instance=instance, resources={"workplace": workplace})
    return str(operator_alerts.evaluate_tick(context).skip_message)


def fail_a_run(workplace: Workplace, instance: dg.DagsterInstance, first: str = "no day") -> str:
    job = build_defs(workplace.settings, lambda: workplace).resolve_job_def("deliver_reports")
    config = {"schedule": 1, "first": first, "last": "2026-03-06", "revision": 1}
    result = job.execute_in_process(
        run_config={"ops": {"send_reports": {"config": config}}}, instance=instance,
        tags={"days": "2026-03-06"}, raise_on_error=False,
    )  # fmt: skip
    assert not result.success
    return result.run_id


def fail_a_check(instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("cdrs"),
            check_name="key_repeated",
            passed=False,
            severity=dg.AssetCheckSeverity.ERROR,
            description="2026-03-06 3 keys, expected 0",
        )
    )


def trouble_of_each_kind(workplace: Workplace, instance: dg.DagsterInstance) -> list[str]:
    """Makes one, and gives the words by which it must be told."""
    run = fail_a_run(workplace, instance)
    fail_a_check(instance)
    deliver(workplace, "bad.csv", []).write_text("dt,callid\n")
    dirty = [call("", dt=""), call(dt=f"{YESTERDAY - timedelta(days=1)} 12:00:00")]
    deliver(workplace, "dirty.csv", dirty)
    workplace.intake.run()
    return [
        "run of deliver_reports failed, 2026-03-06", "Invalid isoformat string: 'no day'",
        f"https://ui.example.com/runs/{run}", "check key_repeated of cdrs failed (error)",
        "3 keys, expected 0", "connexcs/bad.csv could not be taken", "required columns",
        "Mend it in place or deliver it anew",
        "50.0 % of file connexcs/dirty.csv", f"no calls of {YESTERDAY}",
    ]  # fmt: skip


def test_each_trouble_once_and_all_in_one_mail(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    post = PostOffice()
    with serving(post) as port:
        workplace = home(tmp_path, port)
        assert tick(workplace, instance) == "nothing to tell"
        words = trouble_of_each_kind(workplace, instance)
        assert tick(workplace, instance) == f"told {WHO} of 5 troubles"
        assert tick(workplace, instance) == "nothing to tell"
        fail_a_check(instance)
        assert tick(workplace, instance) == "nothing to tell"  # the same run, the same check
        fail_a_run(workplace, instance)
        assert tick(workplace, instance) == "nothing to tell"  # the same words, the same day
        fail_a_run(workplace, instance, "no day either")
        assert tick(workplace, instance) == f"told {WHO} of 1 troubles"
    first, second = (message for _, message, _ in post.got)
    body = first.get_body(("plain",))
    assert body is not None
    told = body.get_content()
    assert [w for w in words if w not in told] == []
    assert first["Subject"] == (
        "cdr-reports: run of deliver_reports failed, 2026-03-06 (and 4 more)"
    )
    assert second["Message-ID"] != first["Message-ID"]


def test_a_failed_run_is_told_with_the_days_of_a_command_or_a_back_fill(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    post, first, last = PostOffice(), date(2026, 3, 6), date(2026, 3, 8)
    with serving(post) as port:
        workplace = home(tmp_path, port)
        workplace.days.cold.begin(last, ColdState.GONE, "", {})
        defs = build_defs(workplace.settings, lambda: workplace)
        for days in ((first, last), (last, last)):
            assert execute(defs, "build_days", instance, range_tags(*days))
        assert tick(workplace, instance) == f"told {WHO} of 2 troubles"
    body = post.got[0][1].get_body(("plain",))
    assert body is not None
    told = body.get_content().splitlines()
    assert "run of build_days failed, 2026-03-06 to 2026-03-08" in told
    assert "run of build_days failed, 2026-03-08" in told


def test_a_run_that_never_began_is_told_with_why_and_that_it_is_tried_again(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    """Its process was not killed, and `__ASSET_JOB` is no word of ours."""
    post = PostOffice()
    with serving(post) as port:
        workplace = home(tmp_path, port)
        defs = build_defs(workplace.settings, lambda: workplace)
        chosen = frozenset({dg.AssetKey("cdrs"), dg.AssetKey("call_numbers")})
        run = instance.create_run_for_job(
            defs.resolve_implicit_global_asset_job_def(),
            asset_selection=chosen,
            tags={"dagster/partition": "2026-03-06", "dagster/will_retry": "true"},
            status=dg.DagsterRunStatus.STARTING,
        )
        away = SerializableErrorInfo("Could not reach user code server\n\nStack Trace", [], None)
        data = EngineEventData(error=away)
        instance.report_engine_event("Caught an unrecoverable error", run, data)
        instance.report_run_failed(run)
        assert tick(workplace, instance) == f"told {WHO} of 1 troubles"
    body = post.got[0][1].get_body(("plain",))
    assert body is not None
    assert [line for line in body.get_content().splitlines() if not line.startswith("-")] == [
        "run of call_numbers, cdrs failed, 2026-03-06",
        "Caught an unrecoverable error: Could not reach user code server",
        "It is started again by itself.",
        f"https://ui.example.com/runs/{run.run_id}",
    ]


@pytest.mark.parametrize("fault", ["mail 421 busy", "550 *", "drop", "data 554 no"])
def test_none_is_lost_when_the_mail_server_is_ill(
    tmp_path: Path, instance: dg.DagsterInstance, fault: str
) -> None:
    post, port = PostOffice(fault), free_port()
    workplace = home(tmp_path, port)
    fail_a_check(instance)
    assert "1 troubles could not be told and will be" in tick(workplace, instance)  # it is down
    with serving(post, port):
        assert "could not be told and will be" in tick(workplace, instance)
        assert tick(workplace, instance) == f"told {WHO} of 1 troubles"
    assert post.mails() == {WHO: 1}


def test_nobody_is_to_be_told(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    workplace = make_home(tmp_path / "home")
    fail_a_check(instance)
    assert "CDR_REPORTS_ALERT_EMAIL is not set" in tick(workplace, instance)


def test_more_troubles_than_a_statement_takes(tmp_path: Path) -> None:
    """As of a fan-out to thousands that failed for a week."""
    workplace = make_home(tmp_path)
    engine = workplace.alerts.engine
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.setlimit(_VARIABLES, 2000))
    keys = [f"delivery {n}" for n in range(2500)]
    now = datetime.now(UTC)
    workplace.alerts.tell(keys[::2], now)
    assert workplace.alerts.told(keys) == set(keys[::2])


def test_what_was_wrong_before_is_no_news(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    fail_a_check(instance)
    post = PostOffice()
    with serving(post) as port:
        assert tick(home(tmp_path, port), instance) == "nothing to tell"
    assert post.got == []


def test_the_first_night_tells_of_its_own_troubles(tmp_path: Path) -> None:
    post = PostOffice()
    with serving(post) as port:
        mail: dict[str, object] = {"smtp_host": "127.0.0.1", "smtp_port": port}
        workplace = make_home(tmp_path / "home", **mail, alert_email=WHO, expected_by=time(0))
        deliver(workplace, "bad.csv", []).write_text("dt,callid\n")
        deliver(workplace, "odd.csv", [call(dt=f"{YESTERDAY} 12:00:00", branch_idx="100")])
        assert len(run_night(workplace)) == 1
        assert len(run_night(workplace)) == 0
    ((_, message, _),) = post.got
    body = message.get_body(("plain",))
    assert body is not None
    told = body.get_content()
    assert "file connexcs/bad.csv could not be taken" in told
    assert "check branch_unusually_high of cdrs failed (warning)" in told


def test_a_day_that_fails_at_every_run_is_told_once_a_day(tmp_path: Path) -> None:
    post = PostOffice()
    with serving(post) as port:
        mail: dict[str, object] = {"smtp_host": "127.0.0.1", "smtp_port": port}
        folder = tmp_path / "home"
        deliver(make_home(folder), "long.csv", [call(dt="2026-03-06 12:00:00", duration="7200")])
        make_home(folder).intake.run()
        for _ in range(2):  # calls of two hours are too long now
            workplace = make_home(folder, **mail, alert_email=WHO, longest_call_hours=1)
            assert len(run_night(workplace)) == 1
    ((_, message, _),) = post.got
    body = message.get_body(("plain",))
    assert body is not None
    told = body.get_content()
    assert "check duration_out_of_range of cdrs failed (error)" in told
    assert "The day is not published: it keeps what it held before." in told


def test_a_report_that_failed(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    post = PostOffice("data 554 5.7.1 no")
    with serving(post) as port:
        workplace = home(tmp_path, port)
        schedule = Schedule("nightly", "UTC", email=("a@example.com",), formats=("csv",))
        workplace.schedules.add("nightly", schedule.text(), datetime.now(UTC))
        office = open_office(workplace)
        run_now(office, office.schedules.named("nightly"))
        assert run_groups(workplace, instance, agenda(office).ready) == []
        # The run has failed too; of both there is one trouble.
        assert tick(workplace, instance) == f"told {WHO} of 1 troubles"
    body = post.got[0][1].get_body(("plain",))
    assert body is not None
    assert "report nightly, " in body.get_content()
    assert "554 5.7.1 no" in body.get_content()


@pytest.mark.parametrize(
    ("now", "known", "told"),
    [
        ("2026-03-09T07:59", [6], False),
        ("2026-03-09T08:00", [6], True),
        ("2026-03-09T08:00", [6, 8], False),
        ("2026-03-09T08:00", [], False),  # a new home
        ("2026-03-09T08:00", [9], False),
    ],
)
def test_a_day_that_should_have_come(now: str, known: list[int], told: bool) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo("America/New_York"))
    days = [date(2026, 3, day) for day in known]
    assert bool(of_days(days, instant, ZoneInfo("America/New_York"), time(8))) is told
