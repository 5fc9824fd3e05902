"""One upkeep: old calls leave, small files are put together, old versions and leftovers go.

Safe beside a night, reports that are being read and another upkeep: each step that changes a table
holds the lock of the lake's writers, and what is removed no reader can be at.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from resources.days import DAY_TABLES
from resources.expectations.docs import remove_docs
from resources.ledger import Deliveries
from resources.ledger.cold import ColdDay
from resources.ledger.delivery import Delivery
from resources.locks import exclusive
from resources.upkeep.cold import DELIVERED, QUARANTINE, ColdCalls, NotCounted, told
from resources.upkeep.compaction import compact, groups
from resources.upkeep.leftovers import old_deliveries, remove_folder
from resources.upkeep.versions import LetGo, let_go

HELD_SECONDS = 5.0
"""For about so long files are put together before an intake gets its turn: to shut it out looks at
all files of the lake, which takes longer than one group of small files.
"""

LAKE_TABLES = (DELIVERED, QUARANTINE, *DAY_TABLES)


@dataclass(frozen=True)
class UpkeepRules:
    """What of the settings decides: so many days of versions stay, of sent reports' files, and of
    the checks' pages (0: all).
    """

    versions: int
    delivery_files: int
    data_docs: int


@dataclass
class Done:
    """What an upkeep has done. `stayed` says why days that should have left did not."""

    left: list[ColdDay] = field(default_factory=list)
    stayed: list[str] = field(default_factory=list)
    merged: int = 0
    versions: int = 0
    files: int = 0
    size: int = 0
    folders: int = 0
    pages: int = 0

    def lines(self) -> list[str]:
        """What was done, for people."""
        said = [
            f"{cold.day}: {told(cold.counts)}: "
            + ("dropped" if cold.drops else f"now in {cold.store}")
            for cold in self.left
        ]
        said.append(
            f"{self.merged} small files put together; {self.versions} old versions and "
            f"{self.files} files ({self.size / 1e6:,.1f} MB) of the lake let go; files of "
            f"{self.folders} old deliveries and {self.pages} old pages of checks removed"
        )
        return said


@dataclass(frozen=True)
class Upkeep:
    """Keeps the lake and the home small."""

    cold: ColdCalls
    deliveries: Deliveries
    home: Path
    rules: UpkeepRules

    def run(self, today: date, now: datetime, say: Callable[[str], None]) -> Done:
        """All of it; what was done. Another upkeep of this home is waited for."""
        with exclusive(
            self.home / "upkeep.lock", lambda holder: say(f"waiting for {holder} to end its upkeep")
        ):
            return self._run(today, now, say)

    def _run(self, today: date, now: datetime, say: Callable[[str], None]) -> Done:
        done = Done()
        lake = self.cold.lake
        versions = {table: lake.version(table) for table in LAKE_TABLES}
        self._calls(done, today, now, say)
        self._compact(done, say)
        for table in LAKE_TABLES:
            if lake.version(table) != versions[table]:
                lake.checkpoint(table)
        sent = self.deliveries.find()
        for table in LAKE_TABLES:
            gone = self._versions(table, sent, now)
            done.versions += gone.versions
            done.files += len(gone.files)
            done.size += gone.size
        for _, folder in old_deliveries(sent, self.rules.delivery_files, now):
            done.folders += remove_folder(self.home, folder)
        if self.rules.data_docs:
            oldest = today - timedelta(days=self.rules.data_docs)
            done.pages = remove_docs(self.home / "data-docs", oldest)
        return done

    def _calls(self, done: Done, today: date, now: datetime, say: Callable[[str], None]) -> None:
        self.cold.resume(say)
        for day in self.cold.due(today, now):
            try:
                if (left := self.cold.move(day, now, say)) is not None:
                    done.left.append(left)
            except NotCounted as error:
                done.stayed.append(str(error))
                say(str(error))

    def _compact(self, done: Done, say: Callable[[str], None]) -> None:
        lake = self.cold.lake
        with self.cold.intake.writing(say):
            for table in LAKE_TABLES:
                lake.keep_versions(table)
        for table in (DELIVERED, QUARANTINE):
            left = groups(lake.parts(table))
            while left:
                with self.cold.intake.writing(say):
                    end = time.monotonic() + HELD_SECONDS
                    # Another process may have been at them since they were listed.
                    there = set(lake.parts(table))
                    while left:
                        group = left.pop(0)
                        if there.issuperset(group):
                            done.merged += compact(self.cold.engine, lake, table, group)
                            say(f"{table}: {len(group)} small files put together")
                        if time.monotonic() > end:
                            break

    def _versions(self, table: str, sent: list[Delivery], now: datetime) -> LetGo:
        since = now - timedelta(days=self.rules.versions)
        needed = {
            each.sources[table]
            for each in sent
            if table in each.sources and (each.settled_at or each.queued_at) >= since
        }
        lake = self.cold.lake
        with lake.told():
            gone = let_go(lake.where(table), self.rules.versions, needed, now)
        for path in gone.files:  # of a lake in a bucket there may be copies on this disk
            (lake.root / table / path).unlink(missing_ok=True)
        return gone
