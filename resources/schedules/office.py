"""What sending reports works with: the ledger's stores, the lake, a mail server, a clock.

Put together by `pipelines`; opened when it is first needed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError

from resources.lake import Lake
from resources.ledger import Days, Deliveries, Schedules
from resources.ledger.delivery import Delivery
from resources.locks import is_free
from resources.lost import lost_days
from resources.mailer import SmtpSettings
from resources.reporting.interfaces import Reporting
from resources.reporting.period import Period
from resources.reporting.query import connect
from resources.reporting.reports import ReportsInForce, reports_in_force
from resources.reporting.shared import Shared
from resources.schedules import rendering
from resources.schedules.definition import Accounts
from resources.schedules.model import Schedule

LEASE = timedelta(minutes=30)
"""For so long a process that is at a delivery is believed to live, when its lock cannot tell."""

_PATIENCE = 120.0
"""Seconds for which a database that is away is waited for, with a mail's fate to be noted."""

T = TypeVar("T")


@dataclass(frozen=True)
class Rules:
    """What of the settings decides about deliveries."""

    timezone: str
    grace: timedelta
    catch_up: int
    mail_bytes: int

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class Office:
    """Where deliveries are planned and sent.

    `open_reporting` makes reports out of a lake, `read_accounts` knows customers and providers.
    `why_apart` says why lake and ledger are not of one time; blank when they are.
    """

    schedules: Schedules
    deliveries: Deliveries
    days: Days
    lake: Lake
    home: Path
    smtp: SmtpSettings
    rules: Rules
    open_reporting: Callable[[Lake], Reporting]
    read_accounts: Callable[[], Accounts]
    why_apart: Callable[[], str]
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def today(self) -> date:
        """The running day in the reporting time zone."""
        return self.clock().astimezone(self.rules.zone).date()

    def versions(self, schedule: Schedule) -> dict[str, int]:
        """The newest versions of the tables that a schedule's report may read."""
        return {
            table: self.lake.version(table) for table in rendering.tables(self.reports, schedule)
        }

    def reporting(self, versions: Mapping[str, int]) -> Reporting:
        """Reports out of the tables as they were at these versions.

        For the same versions the same again: of a run's many reports each finds open, read and
        added up what they share.
        """
        key = tuple(sorted(versions.items()))
        if key not in self._reporting:
            found = self.open_reporting(self.lake.at(versions))
            self._reporting.clear()
            shared = Shared(lambda: connect(found))
            self._reporting[key] = replace(found, summed=shared.narrowed)
        return self._reporting[key]

    @cached_property
    def _reporting(self) -> dict[tuple[tuple[str, int], ...], Reporting]:
        return {}

    def folder(self, schedule: Schedule, delivery: Delivery) -> Path:
        """Where a delivery's files are kept."""
        period = f"{delivery.first_day}_{delivery.last_day}"
        if delivery.first_day == delivery.last_day:
            period = str(delivery.first_day)
        name = f"{slug(schedule.name)}-{delivery.schedule_id}"
        folder = self.home / "out" / "deliveries" / name / f"{period}-r{delivery.revision}"
        return folder / _of_its_own(delivery.account) if delivery.account else folder

    def missing(self, schedule: Schedule) -> Callable[[Period], tuple[date, ...]]:
        """Tells the days of a period that are not built from the newest delivery, have failed, or
        are not in the lake as they were built.
        """
        tables = tuple(dict.fromkeys(("cdrs", *rendering.tables(self.reports, schedule))))
        current = self.days.current(tables)
        lost: set[date] | None = None  # looked for once it matters, as that opens the tables

        def is_there(day: date) -> bool:
            nonlocal lost
            if day not in current:
                return False
            if lost is None:
                lost = lost_days(self.lake, self.days, tables)
            return day not in lost

        return lambda period: tuple(day for day in period if not is_there(day))

    @cached_property
    def reports(self) -> ReportsInForce:
        """All reports that can be scheduled, the home's own among them."""
        return reports_in_force(self.home)

    @cached_property
    def owner(self) -> str:
        """This process's name in the ledger; its lock file is held until the process ends."""
        token = uuid.uuid4().hex
        folder = self._alive
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if time.time() - path.stat().st_mtime > 86400 and is_free(path):
                path.unlink(missing_ok=True)
        handle = os.open(folder / token, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(handle, fcntl.LOCK_EX)
        return token

    def is_dead(self, owner: str) -> bool:
        """Whether a process of this home that was at a delivery is certainly gone."""
        path = self._alive / owner
        return path.exists() and is_free(path)

    @property
    def _alive(self) -> Path:
        return self.home / "out" / "deliveries" / ".alive"


def slug(text: str) -> str:
    """A text as part of a path: letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "x"


def _of_its_own(account: str) -> str:
    """The folder of an account, in which no other finds its mail: ids may differ in case only."""
    readable = slug(account)
    return readable if readable == account else f"{readable}-{_mark(account)}"


def _mark(account: str) -> str:
    return hashlib.sha256(account.encode()).hexdigest()[:12]


def message_id(uid: str, account: str, period: Period, revision: int, sender: str) -> str:
    """The same for the same delivery, whoever asks; of characters that every server takes."""
    domain = re.sub(r"[^A-Za-z0-9.-]", "", sender.rpartition("@")[2]) or "localhost"
    whose = f".{_mark(account)}" if account else ""
    days = f"{period.first:%Y%m%d}-{period.last:%Y%m%d}"
    return f"<{uid}{whose}.{days}.r{revision}@{domain}>"


def patiently(work: Callable[[], T]) -> T:
    """Does it, again and again while the database cannot be reached, for two minutes."""
    waited, pause = 0.0, 0.5
    while True:
        try:
            return work()
        except DBAPIError as error:
            gone = error.connection_invalidated or type(error).__name__ in (
                "OperationalError",
                "InterfaceError",
            )
            if not gone or waited >= _PATIENCE:
                raise
            time.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 10)
