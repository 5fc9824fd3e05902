"""Where answers are made: the home's reporting as a visitor sees it, kept ready between questions.

Everything of a report is decided by `resources.reporting`; here are what requests share, and the
limits that one request may take.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from explorer.access import Visitor, own_customers, seen
from explorer.cubes import Cubes
from explorer.limits import (
    AT_ONCE,
    DOWNLOAD_SECONDS,
    DOWNLOADS_AT_ONCE,
    SECONDS,
    TooMany,
    Turns,
    Watch,
    WatchedEngine,
    watched,
    within,
)
from explorer.view import View, WrongView
from pipelines.assembly import Workplace
from pipelines.reporting import HomeCurrencies, LakeTables, open_reporting
from resources.engine import Engine
from resources.reporting.breakout import BREAKOUT
from resources.reporting.catalogue import BREAKOUT_DAILY
from resources.reporting.errors import ReportError
from resources.reporting.figures import request_for
from resources.reporting.interfaces import MADE_OF, Reporting
from resources.reporting.model import Report
from resources.reporting.query import connect
from resources.reporting.reports import ReportsInForce, declarations, reports_in_force
from resources.reporting.request import Request, find_report, resolve
from resources.reporting.request import split as split_words

WARM_DAYS, WARM_EVERY = 92, 60.0
"""Of so many days cubes are ready before somebody asks; looked after every so many seconds."""

MOST_MADE = 8
"""So many of the tables that are made for questions are kept at most."""


@dataclass(frozen=True)
class ServedWorkplace(Workplace):
    """A home's workplace whose engine stops when an answer's time is over."""

    @cached_property
    def engine(self) -> Engine:
        """DuckDB with the limits of the settings, watched."""
        settings = self.settings
        return WatchedEngine(settings.memory_limit, settings.threads, settings.home / "spill")


@dataclass(frozen=True)
class KeptTables:
    """The lake's tables; those made for a question are kept for the next, the newest few.

    `held` keeps what this request reads from being thrown away meanwhile.
    """

    shared: LakeTables
    lock: threading.Lock
    held: list[Any] = field(default_factory=list)

    def files(self, table: str, first: date, last: date) -> list[str]:
        """Parquet files of a table for a range of days."""
        if table not in MADE_OF:
            return self.shared.files(table, first, last)
        if not self.lock.acquire(timeout=SECONDS):
            raise TooMany("another answer is making what this one needs: try again soon")
        try:
            found = self.shared.files(table, first, last)
            made = self.shared.made
            self.held.extend(entry for entry in made.values() if entry[1] is found)
            while len(made) > MOST_MADE:
                del made[next(iter(made))]
        finally:
            self.lock.release()
        return found


class Desk:
    """Makes answers for visitors over one home."""

    def __init__(self, workplace: Workplace, *, seconds: float = SECONDS) -> None:
        self.workplace = ServedWorkplace(workplace.settings, workplace.tell)
        self.seconds = seconds
        self.turns = Turns(AT_ONCE)
        self.downloads = Turns(DOWNLOADS_AT_ONCE)
        self._lock = threading.Lock()
        self._tables = LakeTables(self.workplace, self.workplace.lake)
        self._currencies = HomeCurrencies(self.workplace)
        self._declared: tuple[object, ReportsInForce] = ((), ReportsInForce({}, {}))
        folder = self.workplace.settings.home / "cubes"
        self.cubes = Cubes(lambda: connect(self._plain), folder)

    @cached_property
    def _plain(self) -> Reporting:
        return open_reporting(self.workplace)

    def reporting(self, visitor: Visitor) -> Reporting:
        """What the visitor's reports are made from."""
        found = replace(
            open_reporting(self.workplace, reports=self._reports()),
            tables=KeptTables(self._tables, self._lock),
            currencies=self._currencies,
            opened=watched,
            summed=self.cubes.narrowed,
        )
        return seen(visitor, found)

    def _reports(self) -> ReportsInForce:
        """All reports; those of the home are read again when one of their files has changed."""
        home = self.workplace.settings.home
        state = [(p, s.st_mtime_ns, s.st_size) for p in declarations(home) for s in [p.stat()]]
        if self._declared[0] != state:
            self._declared = (state, reports_in_force(home))
        return self._declared[1]

    def warm(self) -> None:
        """Has cubes made of the newest days, if there are none yet; reads what answers name."""
        _ = self._plain.names.countries
        last = self.today()
        first = last - timedelta(days=WARM_DAYS)
        files = self._tables.files(BREAKOUT_DAILY.table, first, last)
        if files:
            columns = frozenset(BREAKOUT.dimension(name).column for name in BREAKOUT.group)
            self.cubes.narrowed(BREAKOUT_DAILY.table, files, columns, True, ((first, last),))

    def now(self) -> datetime:
        """In the reporting time zone."""
        return datetime.now(self.workplace.settings.zone)

    def today(self) -> date:
        """The running day."""
        return self.workplace.today()

    @contextmanager
    def turn(self, visitor: Visitor) -> Iterator[None]:
        """A place and a time limit for making an answer. Raises TooMany, TooSlow."""
        with self.turns.taken(visitor.guest), within(self.seconds):
            yield

    @contextmanager
    def download(self, visitor: Visitor) -> Iterator[Watch]:
        """The same for making a file."""
        with self.downloads.taken(visitor.guest), within(DOWNLOAD_SECONDS) as watch:
            yield watch

    def close(self) -> None:
        """Lets go of what was kept."""
        self.cubes.close()
        self._tables.made.clear()


def report_of(reporting: Reporting, view: View) -> Report:
    """The report that is asked for. Raises WrongView."""
    family = reporting.reports.get(view.report)
    if family and not family.option and view.choice not in (None, *family.members):
        raise WrongView(
            f"{family.title} comes in one kind only: leave out the choice {view.choice!r}", "choice"
        )
    try:
        return find_report(view.report, reporting.reports, view.choice)
    except ReportError as error:
        raise WrongView(str(error), "choice" if family else "report") from None


@dataclass(frozen=True)
class Question:
    """A view that can be answered: its request, whose last `splits` dimensions are columns."""

    report: Report
    request: Request
    splits: int


def question_of(
    visitor: Visitor, reporting: Reporting, view: View, today: date, *, people: bool
) -> Question:
    """The request that a view of sums means. Raises ReportError."""
    report = report_of(reporting, view)
    if report.listing:
        raise WrongView(f"{report.title} lists calls: ask for them by number", "report")
    period = view.period(today)
    asked = view.asked
    own = own_customers(visitor, reporting, asked.customers, asked.providers)
    asked = replace(asked, customers=own)
    if view.split:
        # What a report is grouped by of itself stays so beside the columns of a pivot.
        rows = split_words(asked.group_by or "")
        if asked.group_by is None:
            bare = replace(asked, columns=None, sort=None)
            plain = resolve(report, bare, period, people=people, currencies=reporting.currencies)
            rows = [d.name for d in plain.group if d.name not in view.split]
        if both := [name for name in view.split if name in rows]:
            raise WrongView(
                f"{both[0]!r} is in the rows and in the columns: keep it in one of them", "split"
            )
        asked = replace(asked, group_by=",".join([*rows, *view.split]))
    request = request_for(reporting, report, asked, period, people=people)
    return Question(report, request, len(view.split))
