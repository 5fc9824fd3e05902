"""The daemon and the web server over a new home: from a delivered file to mails, and no
secret in what they keep and tell.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from resources.ledger.delivery import State
from resources.schedules.model import Audience, Schedule
from tests.e2e.leaks import in_answers, in_files
from tests.e2e.server import Dagster, wait_for
from tests.pipeline.deliveries import deliver
from tests.pipeline.offices import calls
from tests.pipeline.post import PostOffice


def test_from_delivered_file_to_mail(dagster: Dagster, post: PostOffice) -> None:
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
    leaks = in_answers(dagster)
    dagster.stop()
    assert {**leaks, **in_files(workplace.settings.home)} == {}
    # What was searched is all there is.
    for part in ("logs/ui.log", "dagster/history/runs.db", "dagster/storage", "data-docs",
                 "out/deliveries"):  # fmt: skip
        assert (workplace.settings.home / part).exists(), part


def sent(dagster: Dagster) -> list[str]:
    """The keys of the runs that have sent."""
    return [r.tags["dagster/run_key"] for r in dagster.runs(pipelineName="deliver_reports")]
