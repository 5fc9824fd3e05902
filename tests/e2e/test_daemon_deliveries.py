"""The daemon sends what is due: once, and the day's report only when the day is built."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from resources.ledger.deliveries import State
from resources.schedules.model import Audience, Schedule
from tests.e2e.server import Dagster, running, wait_for
from tests.pipeline.deliveries import deliver
from tests.pipeline.home import make_home
from tests.pipeline.offices import ACCOUNTS, calls
from tests.pipeline.post import PostOffice, serving

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture(scope="module")
def post() -> PostOffice:
    return PostOffice("mail 421 4.3.2 busy")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, post: PostOffice) -> Iterator[Dagster]:
    """A home with a schedule for the house and one that fans out, whose day is delivered only."""
    home = tmp_path_factory.mktemp("served")
    workplace = make_home(home)
    for name, text in ACCOUNTS.items():
        (home / name).write_text(text)
    deliver(workplace, f"{YESTERDAY}.csv", calls(YESTERDAY))
    before = datetime.now(UTC) - timedelta(days=1)
    for schedule in (
        Schedule("house", "UTC", email=("a@example.com",), formats=("csv",), time=time(0)),
        Schedule("customers", "UTC", formats=("csv",), time=time(0), fan_out=True,
                 audience=Audience.CUSTOMER),
    ):  # fmt: skip
        workplace.schedules.add(schedule.name, schedule.text(), before)
    with serving(post) as port:
        (home / ".env").write_text(
            f"CDR_REPORTS_SMTP_HOST=127.0.0.1\nCDR_REPORTS_SMTP_PORT={port}\n"
        )
        with running(workplace) as dagster:
            yield dagster


def runs(dagster: Dagster) -> list[tuple[str, str]]:
    return [
        (r.tags["dagster/run_key"], r.status) for r in dagster.runs(pipelineName="deliver_reports")
    ]


def test_from_delivered_file_to_mail(served: Dagster, post: PostOffice) -> None:
    store = served.workplace.deliveries
    wait_for(lambda: len(store.open()) == 3, served.trouble, 120)
    assert post.got == []
    assert runs(served) == []
    assert served.ended(served.launch("intake_job")).status == "SUCCESS", served.trouble()
    # One of the mails is put off for a minute by the server.
    wait_for(lambda: not store.open() and store.find(), served.trouble, 400)
    assert {d.state for d in store.find()} == {State.SENT}
    wanted = ["a@example.com", "bright@example.com", "noc@bright.example", "sky@example.com"]
    assert post.mails() == dict.fromkeys(wanted, 1)
    keys = [key for key, _ in runs(served)]
    assert len(set(keys)) == len(keys) == 3
    assert {key.rpartition(" attempt ")[0] for key in keys} == {
        f"schedule 1 {YESTERDAY} r1", f"schedule 2 {YESTERDAY} r1"
    }  # fmt: skip
    assert sum(d.attempts for d in store.find()) == 4
    for delivery in store.find():
        assert (Path(served.workplace.settings.home) / str(delivery.folder)).is_dir()
