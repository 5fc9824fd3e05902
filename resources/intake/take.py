"""Takes new files in: scan, read, judge, append to the lake, settle in the ledger.

Whatever dies in between, the next intake ends in the same state: rows are appended under the
file's hash as transaction, and a file that was on its way is healed first. What the values of a
row mean is SQL (`sql/sources`, `sql/delivered`).
"""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import IO

import pyarrow as pa

from resources.bucket import StoreError
from resources.engine import Model, ModelEngine, Session, values
from resources.intake.records import RecordFile, UnreachableFile, UnreadableFile
from resources.intake.verdicts import on_two_dates, settle_days
from resources.lake import Lake, discard
from resources.landing import LandedFile, Landing
from resources.ledger import Days, FileRecord, Files, FileStatus
from resources.ledger.files import merge_reasons
from resources.locks import exclusive
from resources.sources import SOURCES, Companion, Source


@dataclass(frozen=True)
class IntakeRules:
    """What of the settings judges a row. Times of sources without zone are `zones[source]`."""

    timezone: str
    first_day: date
    longest_call_seconds: int
    settle_seconds: int
    currencies: frozenset[str]
    zones: dict[str, str]


@dataclass(frozen=True)
class Delivery:
    """A file of calls, and by relation the files that lie beside it and tell more of them."""

    calls: LandedFile
    companions: dict[str, LandedFile]

    @property
    def files(self) -> list[LandedFile]:
        """All of them."""
        return [self.calls, *self.companions.values()]

    @property
    def token(self) -> str:
        """Changes when any of the files does."""
        return "+".join(file.token for file in self.files)


@dataclass(frozen=True)
class Outcome:
    """What became of one file in an intake; `seconds` of work."""

    file: LandedFile
    status: FileStatus
    reason: str | None
    records: int
    quarantined: int
    seconds: float


class WrongHome(Exception):
    """What the home and the settings hold does not belong together; nothing was done."""


@dataclass(frozen=True)
class Intake:
    """Takes files of `landing` into `lake` and `ledger`."""

    engine: ModelEngine
    lake: Lake
    files: Files
    days: Days
    landing: Landing
    rules: IntakeRules
    lock: Path

    @contextmanager
    def writing(self, say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
        """Alone with the lake's intake; heals first what a process that died has left."""
        kept = self.files.same_fact("timezone", self.rules.timezone)
        if kept != self.rules.timezone:
            raise WrongHome(
                f"CDR_REPORTS_TIMEZONE is {self.rules.timezone}, but the days in this home are "
                f"those of {kept}; set it back, or take the files in again in a new home"
            )
        with exclusive(self.lock, lambda holder: say(f"waiting for {holder} to finish its intake")):
            self._refuse_other_ledger()
            self.lake.clear_staging()
            self._heal()
            yield

    def _refuse_other_ledger(self) -> None:
        """A ledger from before some deliveries would give their numbers, and days, to others."""
        there = self.lake.delivered_files()
        known = {account.file.id: account.file for account in self.files.accounts()}
        unknown = sorted(there - known.keys())
        gone = [
            file.name
            for file in known.values()
            if file.status is FileStatus.TAKEN and file.records and file.id not in there
        ]
        if unknown or gone:
            what = f"the lake holds deliveries that the ledger does not know ({_some(unknown)})"
            if gone:
                what = f"the ledger knows deliveries that are not in the lake ({_some(gone)})"
            raise WrongHome(
                f"{what}: one of them was put back from an older copy. Put back lake/ and the "
                "ledger from copies of the same time, or take all landed files in in a new home"
            )

    def run(self, say: Callable[[str], None] = lambda text: None) -> list[Outcome]:
        """Takes in all new files, in the order of their names, and settles their days' accounts."""
        with self.writing(say):
            outcomes = []
            for delivery in self._new(say):
                file = delivery.calls
                say(f"taking {file.source}/{file.name} ({file.size / 1e6:,.1f} MB)")
                outcomes.append(self.take(delivery))
            touched = settle_days(self.engine, self.lake, self.files, self.days)
            for warning in on_two_dates(self.engine, self.lake, touched):
                say(warning)
            return outcomes

    def take(self, delivery: Delivery) -> Outcome:
        """Takes one file in; one that cannot be taken is marked failed, and nothing of it stays."""
        started = time.monotonic()
        file = delivery.calls
        file_id = self.files.begin(file.source, file.name, delivery.token, file.size)
        staged = self.lake.staging("delivered")
        try:
            sha256, header = self._stage(delivery, file_id, staged)
            if self._delivery(file, again=True).token != delivery.token:
                raise UnreachableFile("it changed while it was read; the next intake tries it")
        except UnreadableFile as error:
            discard(staged)
            self.files.fail(file_id, str(error), passing=isinstance(error, UnreachableFile))
            return Outcome(file, FileStatus.FAILED, str(error), 0, 0, time.monotonic() - started)
        known = self.files.with_content(file.source, sha256)
        if known is not None:
            discard(staged)
            self.files.is_copy(file_id, known, sha256)
            reason = f"same content as {known.name}"
            return Outcome(file, FileStatus.COPY, reason, 0, 0, time.monotonic() - started)
        self.files.stage(file_id, sha256, header)
        self.lake.append("delivered", staged, file_id, f"{file.source}:{sha256}")
        records, quarantined = self._settle(file_id, file.name)
        return Outcome(
            file, FileStatus.TAKEN, None, records, quarantined, time.monotonic() - started
        )

    def withdraw(self, file: FileRecord) -> None:
        """Takes a file's rows out again; its days become stale. The landed file stays."""
        with self.writing():
            self.files.begin_withdrawal(file.id)
            self._heal()
            settle_days(self.engine, self.lake, self.files, self.days)

    def _new(self, say: Callable[[str], None]) -> Iterator[Delivery]:
        """Files that no scan has seen as they are now, in the order to take them in."""
        seen: dict[str, set[tuple[str, str]]] = {}
        strange: set[str] = set()
        unlike: list[str] = []
        growing: list[str] = []
        zoneless: set[str] = set()
        now = time.time()
        landed = list(self.landing.scan())
        # Within one intake the later file name wins, whatever folder it lies in.
        for file in sorted(landed, key=lambda f: (f.source, f.name.rsplit("/", 1)[-1], f.name)):
            source = SOURCES.get(file.source)
            if source is None:
                strange.add(file.source)
                continue
            name = file.name.rsplit("/", 1)[-1]
            if not source.holds_calls(name):
                if not source.is_companion(name):
                    unlike.append(f"{file.source}/{file.name}")
                continue
            delivery = self._delivery(file)
            known = seen.setdefault(file.source, self.files.seen(file.source))
            if (file.name, delivery.token) in known or _was_more(delivery, known):
                continue
            if now - max(f.changed for f in delivery.files) < self.rules.settle_seconds:
                growing.append(f"{file.source}/{file.name}")
                continue
            if source.local_times and source.name not in self.rules.zones:
                zoneless.add(source.name)
            yield delivery
        if growing:
            say(
                f"left for the next run, as changed within {self.rules.settle_seconds} s: "
                f"{_some(growing)}"
            )
        if unlike:
            say(f"left alone, as their names are not those of CDR files: {_some(unlike)}")
        for name in sorted(zoneless):
            say(
                f"times of {name} are read as UTC: CDR_REPORTS_SOURCE_TIMEZONES names no other zone"
            )
        for name in sorted(strange):
            near = get_close_matches(name, SOURCES, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            say(f"{name}/ is left alone: no such source{hint}; known are {', '.join(SOURCES)}")

    def _delivery(self, file: LandedFile, again: bool = False) -> Delivery:
        """A file of calls with those that lie beside it, as they are now when asked `again`."""
        now = self.landing.again(file) if again else file
        if now is None:
            raise UnreachableFile("the file went away while it was read")
        source = SOURCES[file.source]
        name = file.name.rpartition("/")[2]
        companions = {}
        for companion in source.companions:
            beside = self.landing.beside(now, source.companion_name(name, companion))
            if beside is not None:
                companions[companion.relation] = beside
        return Delivery(now, companions)

    def _open(self, file: LandedFile) -> IO[bytes]:
        try:
            return self.landing.open(file)
        except (OSError, StoreError) as error:
            raise UnreachableFile(
                f"{file.name} cannot be opened: {error}; the next intake tries it"
            ) from None

    def _stage(self, delivery: Delivery, file_id: int, staged: Path) -> tuple[str, str]:
        """Judges every record into the staged file; the content's hash and the file's header."""
        source = SOURCES[delivery.calls.source]
        model = Model("delivered/delivered", {"mapped": Model(f"sources/{source.name}")})
        parameters = {
            "source": source.name,
            "file_id": file_id,
            "timezone": self.rules.timezone,
            "taken_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "first_day": self.rules.first_day,
            "longest_call": self.rules.longest_call_seconds,
            "source_timezone": self.rules.zones.get(source.name, "UTC"),
        }
        currencies = pa.table({"currency": sorted(self.rules.currencies)})
        with self._open(delivery.calls) as handle:
            calls = RecordFile(source, handle)
            with self.engine.session({"currencies": currencies}) as session:
                try:
                    session.add("raw", calls.stream(), again=bool(source.companions))
                    hashes = [
                        self._load_beside(session, delivery, companion)
                        for companion in source.companions
                    ]
                    session.write(model.text(), parameters, staged, keep_order=True)
                except Exception as error:
                    # What the stream raises comes back wrapped in the engine's words.
                    if calls.trouble is not None:
                        raise calls.trouble from None
                    raise error
        sha256 = calls.sha256
        if hashes:
            sha256 = hashlib.sha256("".join([sha256, *hashes]).encode()).hexdigest()
        return sha256, json.dumps(calls.columns if source.header else [])

    def _load_beside(self, session: Session, delivery: Delivery, companion: Companion) -> str:
        """The companion file as a relation, empty when there is none; its hash."""
        form = Source(companion.relation, companion.columns)
        beside = delivery.companions.get(companion.relation)
        if beside is None:
            nothing = pa.table({name: pa.array([], pa.string()) for name in companion.columns})
            session.add(companion.relation, nothing)
            return ""
        with self._open(beside) as handle:
            records = RecordFile(form, handle)
            session.add(companion.relation, records.stream(), again=True)
        refused = f"SELECT line, refused FROM {companion.relation} WHERE refused IS NOT NULL"
        for line, reason in values(session.rows(f"{refused} ORDER BY line LIMIT 1", {})):
            raise UnreadableFile(f"{beside.name} beside it, line {line}: {reason}; mend it")
        return records.sha256

    def _heal(self) -> None:
        """Ends what a process that died has begun; does nothing when none has."""
        for file in self.files.in_status(FileStatus.TAKING):
            if self.lake.of_file("delivered", file.id):
                self._settle(file.id, file.name)
            else:
                self.files.forget(file.id)
        for file in self.files.in_status(FileStatus.WITHDRAWING):
            for table in ("delivered", "quarantine"):
                self.lake.remove(table, file.id)
            self.files.end_withdrawal(file.id)

    def _settle(self, file_id: int, name: str) -> tuple[int, int]:
        """Writes the quarantine and the account of a file whose rows are in the lake."""
        inputs = {"delivered": self.lake.of_file("delivered", file_id)}
        parameters = {"file_id": file_id}
        account = []  # of a file without records
        if inputs["delivered"]:
            model = Model("delivered/file_account")
            account = self.engine.rows(model, inputs, parameters).to_pylist()
        refused = [(row["reasons"], row["records"]) for row in account if row["reasons"]]
        quarantined = sum(count for _, count in refused)
        if refused and not self.lake.of_file("quarantine", file_id):
            staged = self.lake.staging("quarantine")
            self.engine.run(
                Model("delivered/quarantine"),
                inputs,
                {**parameters, "file": name, "taken_at": datetime.now(UTC)},
                staged,
            )
            self.lake.append("quarantine", staged, file_id, f"quarantine:{file_id}")
        per_day = {row["call_date"]: row["records"] for row in account if not row["reasons"]}
        records = quarantined + sum(per_day.values())
        self.files.take(file_id, records, merge_reasons(refused), quarantined, per_day)
        return records, quarantined


def _some(names: Sequence[object]) -> str:
    """The first of many names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(str, names[:5])) + more


def _was_more(delivery: Delivery, known: Collection[tuple[str, str]]) -> bool:
    """Whether these very files were taken when more of them lay beside each other.

    Files beside may be tidied away; taken without them, calls would lose what they told.
    """
    if not SOURCES[delivery.calls.source].companions:
        return False
    parts = set(delivery.token.split("+"))
    return any(
        name == delivery.calls.name and parts < set(token.split("+")) for name, token in known
    )
