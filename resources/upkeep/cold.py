"""Moves the calls of old days out of the lake, or drops them, and brings them back.

The sums of a day stay. Its calls leave only when they have been counted and are exactly those that
the tables of sums were made from; what was counted is noted in the ledger first. Whatever dies in
between, the next upkeep finds the day's state there and ends it.

A day's refused records have no day of their own. They leave with the first day that goes when they
have been in the lake as long as it has.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from resources.calls.index import CALL_NUMBERS
from resources.days import DAY_TABLES, DayBuilder
from resources.engine import Engine, quoted
from resources.held import CDRS, TABLES
from resources.intake.merged import rewrite, take_out
from resources.intake.take import Intake
from resources.intake.verdicts import ACCOUNTS
from resources.lake import Lake
from resources.ledger import Days, FileAccount, Files, FileStatus
from resources.ledger.cold import ColdDay, ColdState, DayIsCold, day_of_refused, in_words
from resources.parts import Part
from resources.upkeep.store import ColdStore

DELIVERED, QUARANTINE = "delivered", "quarantine"

STAYS = timedelta(days=7)
"""So long a day that was brought back stays, before it leaves again."""

_OF_THE_DAY = (
    "CASE WHEN reasons IS NULL THEN call_date = $day "
    "ELSE file_id IN (SELECT unnest($refused::BIGINT[])) END"
)
_REFUSED = "file_id IN (SELECT unnest($refused::BIGINT[]))"


class NotCounted(Exception):
    """The calls of a day are not those that its sums were made from; they stay where they are."""


@dataclass(frozen=True)
class ColdRules:
    """What of the settings decides: calls leave after so many `days` (0: never), for `store`
    (blank: they are dropped). Those that have left may be in `place`, too.
    """

    days: int
    store: str
    place: str
    timezone: str


@dataclass(frozen=True)
class ColdCalls:
    """The calls of a lake that may leave it, and those that have."""

    engine: Engine
    lake: Lake
    days: Days
    files: Files
    intake: Intake
    builder: DayBuilder
    rules: ColdRules

    def due(self, today: date, now: datetime) -> list[date]:
        """The days whose calls should leave, the oldest first."""
        if not self.rules.days:
            return []
        oldest = today - timedelta(days=self.rules.days)
        return [day for day in self._ready(now) if day < oldest]

    def _ready(self, now: datetime) -> list[date]:
        """The days that are built from their newest delivery, and may leave."""
        there = self.days.cold.all()
        built = {table: self.days.builds(table) for table in (*DAY_TABLES, ACCOUNTS)}
        failed = self.days.failures()
        held = set(self.lake.days(CDRS))
        return [
            day
            for day, version in self.days.known().items()
            if day in held
            and day not in failed
            and may_leave(there.get(day), now)
            and all(day in b and b[day].version == version for b in built.values())
        ]

    def resume(self, say: Callable[[str], None]) -> None:
        """Ends what an upkeep that died has begun; what builds have left that began before goes."""
        copies = self.builder.call_store.days()
        for day, cold in self.days.cold.all().items():
            if day in copies and cold.state in (ColdState.COLD, ColdState.GONE):
                with self.intake.lock.alone():
                    self.builder.call_store.keep(day, self.lake.places(CDRS, day, day))
            if cold.state is ColdState.LEAVING:
                with self.intake.writing(say):
                    # Another process may have ended it, and brought the day back, meanwhile.
                    if self.days.cold.all().get(day) != cold:
                        continue
                    self._leave(day, cold)
                say(f"{day}: what was begun is ended: its calls are {cold.words}")
            elif cold.state is ColdState.RETURNING:
                self.restore(day, say)

    def move(self, day: date, now: datetime, say: Callable[[str], None]) -> ColdDay | None:
        """Counts a day's calls, and moves or drops them. Raises NotCounted, and they stay.

        None when there is a newer delivery since the day was found due: it is stale, and stays.
        The lake's intake and builds wait meanwhile.
        """
        with self.intake.writing(say):
            if day not in self._ready(now):
                return None
            counts = self.count(day)
            say(f"{day}: {told(counts)}, {'to cold storage' if self.rules.store else 'dropped'}")
            self.days.cold.begin(day, ColdState.MOVING, self.rules.store, counts)
            if self.rules.store:
                self._copy(day, ColdStore(self.rules.store), counts)
            self.days.cold.set(day, ColdState.LEAVING)
            cold = self.days.cold.all()[day]
            self._leave(day, cold)
        return cold

    def count(self, day: date) -> dict[str, Any]:
        """What the day holds, when its sums say the same. Raises NotCounted."""
        differences = [each for table in TABLES for each in self.builder.held.reconcile(table, day)]
        if differences:
            raise NotCounted(f"the calls of {day} stay: {'; '.join(differences[:3])}")
        sums = self.builder.held.sums(CDRS, day)
        attempts = sum(row[0] for row in sums.values())
        counting = sum(self.files.counting(day).values())
        if attempts != counting:
            raise NotCounted(
                f"the calls of {day} stay: {attempts:,} attempts, and {counting:,} records by the "
                "files' accounts"
            )
        refused = self._refused_with(day)
        parts = self._parts_of(day, refused)
        rows = {
            DELIVERED: self._rows(parts, _OF_THE_DAY, day, refused),
            QUARANTINE: self._rows(
                _holding(self.lake.parts(QUARANTINE), refused), _REFUSED, day, refused
            ),
            CDRS: attempts,
        }
        return {
            "id": uuid.uuid4().hex,
            "attempts": attempts,
            "customer_charges": _by_currency(sums, 0, 4),
            "provider_charges": _by_currency(sums, 1, 5),
            "rows": rows,
            "sums": [[*key, *map(str, row)] for key, row in sorted(sums.items(), key=str)],
            "refused_of_files": refused,
        }

    def restore(self, day: date, say: Callable[[str], None]) -> ColdDay:
        """Brings a moved day's calls back, as they were. Raises DayIsCold when that cannot be."""
        with self.intake.writing(say):
            # Not before: who held the lock may have brought it back, and others have built it anew.
            cold = self._to_restore(day)
            if cold.state is ColdState.RESTORED:
                say(f"{day}: is in the lake")
                return cold
            if cold.state is ColdState.LEAVING:
                self._leave(day, cold)
            self._bring_back(day, cold)
        self.builder.build_call_numbers(day)
        say(f"{day}: {told(cold.counts)}, back in the lake")
        return self.days.cold.all()[day]

    def _to_restore(self, day: date) -> ColdDay:
        cold = self.days.cold.all().get(day)
        if cold is None:
            raise DayIsCold(
                f"the calls of {day} have never left the lake: there is nothing to bring back. "
                "`cdr-reports cold` lists the days that have"
            )
        if cold.state is not ColdState.RESTORED and cold.drops:
            raise DayIsCold(in_words([cold]))
        return cold

    def _bring_back(self, day: date, cold: ColdDay) -> None:
        with self._fetched(day, self._store_of(cold), cold.counts) as fetched:
            self.days.cold.set(day, ColdState.RETURNING)
            back = f"restore:{cold.counts['id']}"
            for table in (DELIVERED, QUARANTINE):
                if table in fetched and not self.lake.committed(table, [back]):
                    self.lake.swap(table, [], [fetched[table]], [back])
            lake_version = self.lake.publish(CDRS, day, fetched[CDRS])
        # Refused records of files that were withdrawn while those were away.
        withdrawn = {file.id for file in self.files.in_status(FileStatus.WITHDRAWN)}
        for file_id in withdrawn.intersection(cold.counts["refused_of_files"]):
            for table in (DELIVERED, QUARANTINE):
                take_out(self.engine, self.lake, table, file_id)
        if build := self.days.build(CDRS, day):  # of files by other names than were noted
            self.days.built(CDRS, day, build.version, lake_version, build.rows)
        self.days.not_built(CALL_NUMBERS, day)  # should it die before they are made
        self.days.cold.set(day, ColdState.RESTORED)

    def _store_of(self, cold: ColdDay) -> ColdStore:
        """Where a day went; where the others go now, when the home or the store was moved since."""
        noted, now = ColdStore(cold.store), ColdStore(self.rules.place)
        moved = noted != now and not noted.has(CDRS, cold.day) and now.has(CDRS, cold.day)
        return now if moved else noted

    def _leave(self, day: date, cold: ColdDay) -> None:
        """Takes the day's calls out of the lake; again when it was cut short."""
        refused = list(cold.counts["refused_of_files"])
        params = {"day": day, "refused": refused}
        for table, parts, condition in (
            (DELIVERED, self._parts_of(day, refused), _OF_THE_DAY),
            (QUARANTINE, _holding(self.lake.parts(QUARANTINE), refused), _REFUSED),
        ):
            rewritten = rewrite(self.engine, self.lake, table, parts, condition, params)
            self.lake.swap(table, list(rewritten), list(rewritten.values()))
        for table in (CALL_NUMBERS, CDRS):
            self.lake.clear(table, day)
        self.builder.call_store.keep(day, [])
        self.days.cold.set(day, ColdState.GONE if cold.drops else ColdState.COLD)

    def _copy(self, day: date, store: ColdStore, counts: Mapping[str, Any]) -> None:
        """Writes the day into the cold store and reads it back from there."""
        refused = list(counts["refused_of_files"])
        sources = {
            DELIVERED: (self._uris(self._parts_of(day, refused)), _OF_THE_DAY),
            QUARANTINE: (self._uris(_holding(self.lake.parts(QUARANTINE), refused)), _REFUSED),
            CDRS: (self.lake.files(CDRS, day, day), "TRUE"),
        }  # fmt: skip
        params = {"day": day, "refused": refused}
        for table, (files, condition) in sources.items():
            if not counts["rows"][table]:
                store.remove(table, day)
                continue
            staged = self.lake.staging(table)
            try:
                with self.engine.connect() as connection:
                    text = f"SELECT * FROM {_plain(files)} WHERE {condition}"
                    used = {k: v for k, v in params.items() if f"${k}" in condition}
                    self.engine.copy(connection, text, used, staged, keep_order=True)
                store.put(table, day, staged)
            finally:
                staged.unlink(missing_ok=True)
        with self._fetched(day, store, counts):
            pass  # it is there, and whole

    @contextmanager
    def _fetched(
        self, day: date, store: ColdStore, counts: Mapping[str, Any]
    ) -> Iterator[dict[str, Path]]:
        """The day's files out of the cold store, counted. Raises NotCounted."""
        fetched: dict[str, Path] = {}
        try:
            for table, rows in counts["rows"].items():
                if not rows:
                    continue
                path = fetched[table] = self.lake.staging(table)
                if not store.get(table, day, path):
                    raise NotCounted(f"{store.path(table, day)} is not there")
                with self.engine.connect() as connection:
                    found = connection.execute(
                        f"SELECT count(*) FROM {_plain([str(path)])}"
                    ).fetchone()
                if found is None or found[0] != rows:
                    raise NotCounted(
                        f"{store.path(table, day)} holds {found[0] if found else 0:,} rows instead "
                        f"of {rows:,}: nothing was changed"
                    )
            sums = self.builder.held.sums_of([str(fetched[CDRS])])
            if [[*k, *map(str, row)] for k, row in sorted(sums.items(), key=str)] != counts["sums"]:
                raise NotCounted(
                    f"the sums of {store.path(CDRS, day)} are not those of the day: nothing was "
                    "changed"
                )
            yield fetched
        finally:
            for path in fetched.values():
                path.unlink(missing_ok=True)

    def _uris(self, parts: Sequence[Part]) -> list[str]:
        return self.lake.fetch([part.uri for part in parts])

    def _refused_with(self, day: date) -> list[int]:
        """The files whose refused records leave with a day, as they are as old or older."""
        held = self.lake.parts(QUARANTINE)
        return [
            account.file.id
            for account in self.files.accounts()
            if account.file.quarantined
            and account.file.status is FileStatus.TAKEN
            and self._refused_on(account) <= day
            and any(part.may_hold(account.file.id) for part in held)
        ]

    def _refused_on(self, account: FileAccount) -> date:
        return day_of_refused(account.days, account.file.taken_at, self.rules.timezone)

    def _parts_of(self, day: date, refused: Collection[int]) -> list[Part]:
        """The files of `delivered` that may hold the day's calls, or refused records of files."""
        parts = self.lake.parts(DELIVERED)
        of_day = {
            part
            for part in parts
            if part.first_day is None
            or part.last_day is None
            or part.first_day <= day <= part.last_day
        }
        return [p for p in parts if p in of_day or any(p.may_hold(each) for each in refused)]

    def _rows(
        self, parts: Sequence[Part], condition: str, day: date, refused: Collection[int]
    ) -> int:
        if not parts:
            return 0
        params = {"day": day, "refused": list(refused)}
        with self.engine.connect() as connection:
            row = connection.execute(
                f"SELECT count(*) FROM {_plain(self._uris(parts))} WHERE {condition}",
                {k: v for k, v in params.items() if f"${k}" in condition},
            ).fetchone()
        return int(row[0]) if row else 0


def may_leave(cold: ColdDay | None, now: datetime) -> bool:
    """Whether a day that is old enough may leave: it is there, and was not just brought back."""
    if cold is None or cold.state is ColdState.MOVING:
        return True
    return cold.state is ColdState.RESTORED and now - cold.changed_at > STAYS


def told(counts: Mapping[str, Any]) -> str:
    """What a day held, for people: attempts and charges in their currencies."""
    said = [f"{counts['attempts']:,} attempts"]
    for party in ("customer", "provider"):
        charges = counts[f"{party}_charges"]
        money = ", ".join(f"{Decimal(charges[code]):,.2f} {code}" for code in sorted(charges))
        if money:
            said.append(f"{party} charge {money}")
    return ", ".join(said)


def _holding(parts: Sequence[Part], refused: Collection[int]) -> list[Part]:
    return [part for part in parts if any(part.may_hold(each) for each in refused)]


def _by_currency(sums: Mapping[Any, Any], which: int, at: int) -> dict[str, str]:
    found: dict[str, Decimal] = {}
    for key, row in sums.items():
        if key[which] and row[at]:
            found[key[which]] = found.get(key[which], Decimal(0)) + row[at]
    return {code: str(amount) for code, amount in found.items()}


def _plain(files: Sequence[str]) -> str:
    """The files as they are: a folder's `call_date=` is no column of theirs."""
    return f"read_parquet([{', '.join(map(quoted, files))}], hive_partitioning = false)"
