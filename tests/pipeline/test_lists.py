"""What lists show by number can be typed as it stands there; what makes no sense is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from pipelines.assembly import Workplace
from resources.ledger.delivery import NewDelivery, Reason
from resources.ledger.schema import deliveries, files
from resources.schedules.model import Schedule
from tests.pipeline.home import make_home
from tests.pipeline.reporting import command


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A home that has taken and sent many: its newest file and delivery have the number 12345."""
    workplace = make_home(tmp_path_factory.mktemp("late"))
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    workplace.files.begin("connexcs", "cdr.csv", "1-1", 1)
    nightly = Schedule("nightly", "UTC", email=("a@example.com",))
    number = workplace.schedules.add(nightly.name, nightly.text(), noon)
    day, reason = date(2026, 3, 8), Reason.SCHEDULED
    owed = NewDelivery(number, "", "daily", day, day, 1, reason, "<1@example.com>", noon)
    workplace.deliveries.queue([owed], noon)
    with workplace.files.engine.begin() as connection:
        for table in (files, deliveries):
            connection.execute(update(table).values(id=12345))
    return workplace


@pytest.mark.parametrize(
    ("listed", "shown"),
    [
        ("files", "files show"),
        ("deliveries list", "deliveries show"),
        ("schedules show nightly", "deliveries show"),
    ],
)
def test_a_number_is_listed_as_it_is_typed(late: Workplace, listed: str, shown: str) -> None:
    assert "12345" in command(late, *listed.split()).output
    assert command(late, *shown.split(), "12345").exit_code == 0


@pytest.mark.parametrize("wrong", ["deliveries list --last 0", "ui --port 99999"])
def test_a_number_that_makes_no_sense_is_refused(late: Workplace, wrong: str) -> None:
    got = command(late, *wrong.split())
    assert (got.exit_code, "is not in the range" in got.output) == (2, True)
