"""Homes with three built days, and an office over them whose clock a test sets."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.assembly import Workplace
from pipelines.sending import open_office
from resources.ledger.delivery import Delivery
from resources.reporting.period import Period
from resources.schedules.definition import define
from resources.schedules.delivery import deliver_all
from resources.schedules.model import Schedule
from resources.schedules.office import Office
from resources.schedules.planning import agenda, plan, revise
from tests.pipeline.deliveries import Call, call, deliver
from tests.pipeline.home import build_all, make_home

DAYS = (date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8))
ACCOUNTS = {
    "customers.csv": "id,name,email\n101,SkyCore,sky@example.com\n"
    '102,Brightline,"bright@example.com, noc@bright.example"\n103,Callblast,\n',
    "providers.csv": "id,name,email\n7,Tierone,\n9,Budget Routes,budget@example.com\n",
}


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def set(self, text: str) -> None:
        """To a time in UTC."""
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def calls(day: date) -> list[Call]:
    """SkyCore over both providers, Brightline over one: 3 attempts, 0.50 GBP each."""
    at = f"{day} 12:00:00"
    return [
        call(f"{day}-1", dt=at, customer_id="101", provider_id="7"),
        call(f"{day}-2", dt=at, customer_id="101", provider_id="9", provider_charge="0.9"),
        call(f"{day}-3", dt=at, customer_id="102", provider_id="9"),
    ]


def make_built(folder: Path, days: tuple[date, ...] = DAYS) -> Workplace:
    """A home whose days are built and whose accounts have names and addresses."""
    workplace = make_home(folder)
    for name, text in ACCOUNTS.items():
        (folder / name).write_text(text)
    for day in days:
        deliver(workplace, f"{day}.csv", calls(day))
    build_all(workplace)
    return workplace


def copied(built: Workplace, folder: Path, **settings: Any) -> Workplace:
    """A copy of a home, to be changed."""
    shutil.copytree(built.settings.home, folder, dirs_exist_ok=True)
    return make_home(folder, **settings)


def office_of(workplace: Workplace, port: int, clock: Clock, **parts: Any) -> Office:
    """An office that mails to a server of this machine."""
    office = open_office(workplace)
    sender = "Reports <reports@example.com>"
    smtp = replace(office.smtp, host="127.0.0.1", port=port, sender=sender)
    return replace(office, smtp=smtp, clock=clock, **parts)


def add(office: Office, **values: Any) -> Schedule:
    """A schedule, daily at seven to one address unless told otherwise; quick to make."""
    period = Period(DAYS[-1], DAYS[-1])
    if not values.get("fan_out"):
        values.setdefault("email", "a@example.com")
    values = {"name": "nightly", "formats": "csv", **values}
    found = define(values, office.read_accounts(), "UTC", period).schedule
    office.schedules.add(found.name, found.text(), office.clock())
    return found


def tick(office: Office) -> list[Delivery]:
    """What a sensor's tick and the runs that it asks for do."""
    assert plan(office) == []
    assert revise(office) == []
    return deliver_all(office, agenda(office).ready)
