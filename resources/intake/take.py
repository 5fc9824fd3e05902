"""Takes new files in: scan, read, judge, append to the lake, settle in the ledger.

Whatever dies in between, the next intake ends in the same state: rows are appended under the
file's hash as transaction, and a file that was on its way is healed first. What the values of a
row mean is SQL (`sql/sources`, `sql/delivered`).
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from resources.engine import Engine, Model, ModelEngine, UnfitValue
from resources.intake.apart import WHAT_TO_DO, ends, refused_that_are_gone, taken_as, why_apart
from resources.intake.damage import mend, mend_logs
from resources.intake.judge import Content, Judge
from resources.intake.kept import KeptVerdicts
from resources.intake.merged import only, take_out
from resources.intake.records import UnreachableFile, UnreadableFile
from resources.intake.scan import Delivery, IntakeRules, Scan, batches
from resources.intake.verdicts import on_two_dates, settle_days
from resources.lake import Lake
from resources.landing import LandedFile, Landing
from resources.ledger import Days, FileRecord, Files, FileStatus
from resources.ledger.cold import refuse_cold
from resources.ledger.files import merge_reasons, of_other_zone
from resources.ledger.writer import OneWriter
from resources.listing import some
from resources.sources import SOURCES
from resources.staged import discard, staged_files


@dataclass(frozen=True)
class Judged:
    """A file whose records are judged and `staged`, maybe with those of other files, on its way
    into the lake; `seconds` of work.
    """

    delivery: Delivery
    file_id: int
    content: Content
    staged: Path
    seconds: float

    @property
    def transaction(self) -> str:
        """What stands for its content in the lake's log: it is taken once."""
        return taken_as(self.delivery.calls.source, self.content.sha256)


@dataclass(frozen=True)
class Outcome:
    """What became of one file in an intake; `seconds` of work.

    Of the quarantined records so many are `late`: the calls of their days have left the lake.
    """

    file: LandedFile
    status: FileStatus
    reason: str | None
    records: int
    quarantined: int
    seconds: float
    late: int = 0


LATE = "day_in_cold_storage"
"""The reason why a record is refused whose day must not change any more."""


_ODD = (ValueError, ArithmeticError, LookupError, TypeError, duckdb.DataError, UnfitValue)
"""What values that nobody has thought of make of a program: not a disk, a store or a ledger that is
away, with which no file could be taken.
"""


class WrongHome(Exception):
    """What the home and the settings hold does not belong together; nothing was done."""


@dataclass(frozen=True)
class Intake:
    """Takes files of `landing` into `lake` and `ledger`.

    `engine` judges records, `local` puts small files together.
    """

    engine: ModelEngine
    local: Engine
    lake: Lake
    files: Files
    days: Days
    landing: Landing
    rules: IntakeRules
    lock: OneWriter
    kept: KeptVerdicts

    @property
    def scan(self) -> Scan:
        """Finds the files to take."""
        return Scan(self.landing, self.files, self.rules)

    @property
    def judge(self) -> Judge:
        """Judges the records of files."""
        return Judge(self.engine, self.landing, self.rules, self.days.cold)

    @contextmanager
    def writing(self, say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
        """Alone with the lake's intake; heals first what a process that died has left."""
        zone = self.rules.timezone
        if why := of_other_zone(self.files.same_fact("timezone", zone), zone):
            raise WrongHome(why)
        with self.lock.alone(lambda holder: say(f"waiting for {holder} to finish its intake")):
            mend_logs(self.lake, say)
            if why := why_apart(self.lake, self.files, self.days, zone):
                raise WrongHome(why)
            older = mend(self.lake, self.days, say)
            self.lake.clear_staging()
            self._heal()
            self._withdraw_again(older)
            self._write_refused_anew(say)
            yield

    def run(self, say: Callable[[str], None] = lambda text: None) -> list[Outcome]:
        """Takes in all new files, in the order of their names, and settles their days' accounts."""
        with self.writing(say):
            outcomes = []
            for batch in batches(self.scan.new(say)):
                for delivery in batch:
                    file = delivery.calls
                    say(f"taking {file.source}/{file.name} ({file.size / 1e6:,.1f} MB)")
                outcomes += self._each_for_itself(batch)
            for late in (outcome for outcome in outcomes if outcome.late):
                say(
                    f"warning: {late.late:,} records of {late.file.name} are of days whose calls "
                    "have left the lake; they are in quarantine, and the sums are as they were. "
                    "`cdr-reports cold` lists the days; one that is restored takes them"
                )
            touched = settle_days(self.engine, self.lake, self.files, self.days, self.kept)
            for warning in on_two_dates(self.engine, self.lake, touched):
                say(warning)
            return outcomes

    def _each_for_itself(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """Takes files in; what nobody has foreseen in one keeps no other from being taken."""
        try:
            return self.take(batch)
        except _ODD as error:
            self._heal()
            if len(batch) > 1:
                return [one for delivery in batch for one in self._each_for_itself([delivery])]
            (delivery,) = batch
            file = delivery.calls
            why = f"it cannot be taken ({type(error).__name__}: {error}); the next intake tries it"
            file_id = self.files.begin(file.source, file.name, delivery.token, file.size)
            self.files.fail(file_id, why, passing=True)
            return [Outcome(file, FileStatus.FAILED, why, 0, 0, 0)]

    def take(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """Takes files in, in one commit; one that cannot be taken is marked failed, and nothing of
        it stays.
        """
        outcomes: dict[LandedFile, Outcome] = {}
        judged: list[Judged] = []
        for group in _alike(batch):
            judged += self._judged(group, outcomes)
        new: dict[str, Judged] = {}
        copies: list[tuple[Judged, str]] = []
        for one in judged:
            known = self.files.with_content(one.delivery.calls.source, one.content.sha256)
            if known is not None:
                copies.append((one, known.name))
            elif one.transaction in new:
                copies.append((one, new[one.transaction].delivery.calls.name))
            else:
                new[one.transaction] = one
                self.files.stage(one.file_id, one.content.sha256, one.content.header)
        self._append(judged, list(new.values()))
        settled = self._settle({one.file_id: one.delivery.calls.name for one in new.values()})
        for one, of in copies:  # not before what they are copies of is in the lake
            self.files.is_copy(one.file_id, of, one.content.sha256)
            outcomes[one.delivery.calls] = Outcome(
                one.delivery.calls, FileStatus.COPY, f"same content as {of}", 0, 0, one.seconds
            )
        for one in new.values():
            records, reasons, quarantined = settled[one.file_id]
            outcomes[one.delivery.calls] = Outcome(
                one.delivery.calls, FileStatus.TAKEN, None, records, quarantined, one.seconds,
                reasons.get(LATE, 0),
            )  # fmt: skip
        return [outcomes[delivery.calls] for delivery in batch]

    def _judged(
        self, group: Sequence[Delivery], outcomes: dict[LandedFile, Outcome]
    ) -> list[Judged]:
        """Judges files in one pass, or each on its own where one of them cannot be read; adds the
        outcomes of those that cannot.
        """
        begun = {
            self.files.begin(d.calls.source, d.calls.name, d.token, d.calls.size): d for d in group
        }
        started = time.monotonic()
        try:
            return self._staged(begun)
        except UnreadableFile as error:
            if len(group) > 1:
                return [one for delivery in group for one in self._judged([delivery], outcomes)]
            ((file_id, delivery),) = begun.items()
            self.files.fail(file_id, str(error), passing=isinstance(error, UnreachableFile))
            outcomes[delivery.calls] = Outcome(
                delivery.calls, FileStatus.FAILED, str(error), 0, 0, time.monotonic() - started
            )
            return []

    def _staged(self, begun: Mapping[int, Delivery]) -> list[Judged]:
        """Judges the records of files, by number, and stages them. Raises UnreadableFile when one
        cannot be read.
        """
        started = time.monotonic()
        staged = self.lake.staging("delivered")
        try:
            contents = self.judge.stage(begun, staged)
            for delivery in begun.values():
                if self.scan.delivery(delivery.calls, again=True).token != delivery.token:
                    raise UnreachableFile("it changed while it was read; the next intake tries it")
        except UnreadableFile:
            discard(staged)
            raise
        seconds = (time.monotonic() - started) / len(begun)
        return [
            Judged(delivery, file_id, contents[file_id], staged, seconds)
            for file_id, delivery in begun.items()
        ]

    def _append(self, judged: Sequence[Judged], wanted: Sequence[Judged]) -> None:
        """The rows of the wanted ones among judged files into the lake, in one file of it."""
        stagings = {one.staged: None for one in judged}
        if wanted:
            self._refuse_unknown(wanted)
            staged = wanted[0].staged
            if len(stagings) > 1 or len(wanted) < len(judged):
                staged = self.lake.staging("delivered")
                parts = [file for each in stagings for file in staged_files(each)]
                only(self.local, parts, [one.file_id for one in wanted], staged)
            self.lake.append("delivered", staged, [one.transaction for one in wanted])
        for each in stagings:
            discard(each)

    def _refuse_unknown(self, wanted: Sequence[Judged]) -> None:
        """Content that is new to the ledger alone: taken as new it would be lost."""
        there = self.lake.committed("delivered", [one.transaction for one in wanted])
        if not there:
            return
        for one in wanted:  # else the next intake would take them for healed
            self.files.forget(one.file_id)
        names = [one.delivery.calls.name for one in wanted if one.transaction in there]
        raise WrongHome(
            f"the lake has taken in what the ledger does not know ({some(names)}): {WHAT_TO_DO}"
        )

    def withdraw(self, file: FileRecord) -> None:
        """Takes a file's rows out again; its days become stale. The landed file stays.

        Raises DayIsCold when some of them are not in the lake.
        """
        with self.writing():
            account = self.files.account(str(file.id))
            refuse_cold(self.days, account.days)
            self.files.begin_withdrawal(file.id)
            self._heal()
            settle_days(self.engine, self.lake, self.files, self.days, self.kept)

    def _heal(self) -> None:
        """Ends what a process that died has begun; does nothing when none has."""
        self.days.cold.forget_moving()
        begun = self.files.in_status(FileStatus.TAKING)
        as_taken = {
            file.id: taken_as(file.source, file.sha256) for file in begun if file.sha256 is not None
        }
        there = self.lake.committed("delivered", as_taken.values()) if as_taken else set()
        first: dict[str, FileRecord] = {}  # of those with the same content
        for file in begun:
            if as_taken.get(file.id) in there:
                first.setdefault(as_taken[file.id], file)
            else:
                self.files.forget(file.id)
        self._settle({file.id: file.name for file in first.values()})
        for file in begun:
            of = first.get(as_taken.get(file.id, ""))
            if of is not None and of is not file:
                self.files.is_copy(file.id, of.name, as_taken[file.id].rpartition(":")[2])
        for file in self.files.in_status(FileStatus.WITHDRAWING):
            for table in ("delivered", "quarantine"):
                take_out(self.local, self.lake, table, file.id)
            self.files.end_withdrawal(file.id)

    def _withdraw_again(self, older: bool) -> None:
        """Takes out what a lake that was put back from an `older` copy has of withdrawn files."""
        withdrawn = [file.id for file in self.files.in_status(FileStatus.WITHDRAWN)]
        if not withdrawn:
            return
        for table in ("delivered", "quarantine"):
            there = ends(self.lake.parts(table))
            for file_id in withdrawn:
                if older or file_id in there:
                    take_out(self.local, self.lake, table, file_id)
                    there = ends(self.lake.parts(table))

    def _settle(self, names: Mapping[int, str]) -> dict[int, tuple[int, dict[str, int], int]]:
        """Writes the quarantine and the accounts of files, by number, whose rows are in the lake.

        Of each file, how many records it brought, for what reasons they were refused, and how many.
        """
        accounts: dict[int, list[dict[str, Any]]] = {file_id: [] for file_id in names}
        if paths := self.lake.of_files("delivered", names):
            inputs = {"delivered": paths, "files": _as_table(names)}
            for row in self.engine.rows(Model("delivered/file_account"), inputs).to_pylist():
                accounts[row["file_id"]].append(row)
            refused = [i for i, rows in accounts.items() if any(r["reasons"] for r in rows)]
            now = datetime.now(UTC)
            self._quarantine(paths, {file_id: names[file_id] for file_id in refused}, now)
        settled = {}
        for file_id, account in accounts.items():
            refusals = [(row["reasons"], row["records"]) for row in account if row["reasons"]]
            quarantined = sum(count for _, count in refusals)
            per_day = {row["call_date"]: row["records"] for row in account if not row["reasons"]}
            records = quarantined + sum(per_day.values())
            reasons = merge_reasons(refusals)
            self.files.take(file_id, records, reasons, quarantined, per_day)
            settled[file_id] = (records, reasons, quarantined)
        return settled

    def _write_refused_anew(self, say: Callable[[str], None]) -> None:
        """Refused records that a lost quarantine lacks; they are in `delivered`, too."""
        written = []
        for file in refused_that_are_gone(self.lake, self.files, self.days):
            paths = self.lake.of_files("delivered", [file.id])
            if all(map(os.path.exists, paths)):  # else it was told that they are not there, either
                self._quarantine(paths, {file.id: file.name}, file.taken_at)
                written.append(file.name)
        if written:
            say(
                "warning: quarantine in the lake is not there or older than the ledger knows it: "
                f"the refused records of {some(written)} are written anew"
            )

    def _quarantine(
        self, delivered: list[str], names: Mapping[int, str], taken_at: datetime
    ) -> None:
        """Writes the refused records of files, by number, that are not there yet."""
        noted = {f"quarantine:{file_id}": file_id for file_id in names}
        there = self.lake.committed("quarantine", noted) if noted else set()
        new = {each: file_id for each, file_id in noted.items() if each not in there}
        if not new:
            return
        staged = self.lake.staging("quarantine")
        files = _as_table({file_id: names[file_id] for file_id in new.values()})
        inputs = {"delivered": delivered, "files": files}
        model = Model("delivered/quarantine")
        self.engine.run(model, inputs, {"taken_at": taken_at}, staged, keep_order=True)
        self.lake.append("quarantine", staged, list(new))


def _alike(batch: Sequence[Delivery]) -> Iterator[list[Delivery]]:
    """Files that follow each other and can be judged in one pass."""

    def kind(delivery: Delivery) -> tuple[str, str]:
        source = delivery.calls.source
        return source, delivery.calls.name if SOURCES[source].companions else ""

    for _, group in groupby(batch, kind):
        yield list(group)


def _as_table(names: Mapping[int, str]) -> pa.Table:
    return pa.table(
        {
            "file_id": pa.array(list(names), pa.int64()),
            "file": pa.array(list(names.values()), pa.string()),
        }
    )
