"""Builds one day: `cdrs` out of what was delivered, and the tables of sums out of `cdrs`.

Each is staged, judged and only then published, so that a day that fails its checks leaves the
old one in place. What the rows hold is SQL (`sql/cdrs`, `sql/tables`); which days, and in what
order, is for `assets` and `pipelines`.
"""

import time
import uuid
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

import sql
from resources.additions import MadeOf, last_file_in, mark_of, names, not_summed
from resources.calls.index import CALL_NUMBERS, index_name, indexed, write_index
from resources.calls.store import CallStore
from resources.engine import QUICK, Engine, ModelEngine, largest_first, values
from resources.expectations import HISTORY_DAYS, DayFacts, Verdict, judge, prepare
from resources.held import CDRS, TABLES, Held
from resources.intake.kept import KeptVerdicts
from resources.intake.verdicts import judged_day, settle_days
from resources.lake import DayMoved, Lake
from resources.ledger import Days, Files
from resources.ledger.cold import refuse_cold
from resources.ledger.writer import OneWriter
from resources.reference.accounts import DIDS
from resources.reference.lookups import lookups, plan_mark
from resources.reference.plan import ReferenceData
from resources.reference.rates import Rates
from resources.staged import discard, staged_files
from resources.summing import hours_of, summed

DAY_TABLES = (CDRS, *TABLES, CALL_NUMBERS)


@dataclass(frozen=True)
class DayRules:
    """What of the settings decides about a day."""

    timezone: str
    short_call_seconds: int
    longest_call_seconds: int
    currencies: frozenset[str]


@dataclass(frozen=True)
class BuiltDay:
    """One day of one table as it was built. Charges are sums in their own currency."""

    table: str
    day: date
    published: bool
    rows: int
    seconds: float
    lake_version: int
    attempts: int = 0
    customer_charges: dict[str, Decimal] = field(default_factory=dict)
    provider_charges: dict[str, Decimal] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()

    @property
    def failures(self) -> list[Verdict]:
        """Expectations of severity error that the day does not meet."""
        return [v for v in self.verdicts if not v.passed and v.severity == "error"]


@dataclass(frozen=True)
class DayBuilder:
    """Builds days of the lake. `home` holds the users' own reference data and the Data Docs.

    `engine` runs the models of the day, `local` what is small, or of one file, or a report's.
    """

    engine: ModelEngine
    local: Engine
    lake: Lake
    days: Days
    rules: DayRules
    rates: Rates
    home: Path
    files: Files
    lock: OneWriter
    call_store: CallStore
    kept: KeptVerdicts

    def build(self, table: str, day: date) -> BuiltDay:
        """Builds one day of one table and publishes it, unless an expectation forbids it.

        Raises DayIsCold, as do all builds of a day whose calls have left the lake.
        """
        if table == CALL_NUMBERS:
            return self.build_call_numbers(day)
        return self.build_cdrs(day) if table == CDRS else self.build_table(table, day)

    def build_cdrs(self, day: date, anew: bool = False) -> BuiltDay:
        """One row per attempt that counts on the day, judged before it is published.

        Where later files bring only new calls, these are added to the day, unless `anew`.
        """
        started = time.monotonic()
        prepare()  # the checks' library, while the engine works
        staged = self.lake.staging(CDRS)
        try:
            # Alone with the intake, so that rows, accounts and version are of one moment.
            with self.lock.alone():
                refuse_cold(self.days, [day])
                settle_days(self.engine, self.lake, self.files, self.days, self.kept)
                version = self.days.version(day)
                counting = self.files.counting(day)
                made = MadeOf(self._mark, (), (), max(counting, default=0), len(counting))
                there = [] if anew else self.lake.files(CDRS, day, day)
                before, had = self._made_before(CDRS, day, version)
                after = last_file_in(before, had, made.mark, there, counting)
                kept = there if after else []
                rows = self._stage_cdrs(day, after, staged)
            if rows is None:
                return self._nothing(CDRS, day, version, started)
            facts = DayFacts(
                day,
                *self._bounds(day),
                sum(counting.values()),
                self.rules.longest_call_seconds,
                self.rules.currencies,
                self._history(day),
            )
            files = [*kept, *staged_files(staged)]
            verdicts = tuple(judge(self.engine, files, facts, self.home / "data-docs"))
            rows += had if after else 0
            built = BuiltDay(
                CDRS, day, False, rows, 0, -1, *self.held.totals(CDRS, files), verdicts
            )
            if built.failures:
                self.days.judged(day, version, "; ".join(map(str, built.failures)))
            else:
                onto = names(kept) if after else None
                built = self._publish(built, version, staged, made=made, onto=onto)
                self.kept.drop(day)
        except DayMoved:
            return self.build_cdrs(day, anew=True)
        finally:
            discard(staged)
        return replace(built, seconds=time.monotonic() - started)

    def _stage_cdrs(self, day: date, after: int, staged: Path) -> int | None:
        """Writes the day's calls out of files later than `after` to a file; how many, or None
        when nothing was delivered.
        """
        # The accounts were settled under this lock, by the same search for repeated keys.
        repeats = self.files.repeats(day)
        with judged_day(self.engine, self.lake, day, self.kept, repeats) as session:
            if session is None:
                return None
            for name, relation in self._reference.items():
                session.add(name, relation, again=True)
            params = {"day": day, "after": after}
            return session.write(sql.text("cdrs/cdrs"), params, staged, layout=QUICK)

    def build_table(self, table: str, day: date, anew: bool = False) -> BuiltDay:
        """The day's sums by the table's grain, from the `cdrs` that are published.

        Those of calls that were added to the day become one more file of it, unless `anew`: who
        reads them adds them up.
        """
        started = time.monotonic()
        source = self.days.build(CDRS, day)
        version = source.version if source else 0
        cdrs = self.lake.files(CDRS, day, day)
        if not cdrs:
            return self._nothing(table, day, version, started)
        relations = self.rates_and_hours(day)
        params = {"short_call": self.rules.short_call_seconds, "hourly": False}
        rates = relations["rates"].to_pylist()
        mark = mark_of(summed(table).text(), self.rules.timezone, str((params, rates)))
        made = MadeOf(mark, (), names(cdrs))
        there = [] if anew else self.lake.files(table, day, day)
        before, rows = self._made_before(table, day, version)
        lacking = not_summed(before, mark, there, cdrs)
        kept, rows = ([], 0) if lacking is None else (there, rows)
        staged = None if lacking == [] else self.lake.staging(table)
        try:
            if staged:
                calls = {CDRS: largest_first(lacking or cdrs), **relations}
                rows += self.engine.run(summed(table), calls, params, staged)
            files = [*kept, *(staged_files(staged) if staged else [])]
            built = BuiltDay(table, day, False, rows, 0, -1, *self.held.totals(table, files))
            onto = None if lacking is None else names(kept)
            built = self._publish(built, version, staged, made=made, onto=onto)
        except DayMoved:
            return self.build_table(table, day, anew=True)
        finally:
            if staged:
                discard(staged)
        return replace(built, seconds=time.monotonic() - started)

    def build_call_numbers(self, day: date) -> BuiltDay:
        """The index of numbers over each of the day's files of `cdrs`, and the copy of its calls to
        which it leads; where they are not there yet, or when the day is built again.
        """
        started = time.monotonic()
        source = self.days.build(CDRS, day)
        version = source.version if source else 0
        cdrs = self.lake.files(CDRS, day, day)
        if not cdrs:
            self.call_store.keep(day, [])
            return self._nothing(CALL_NUMBERS, day, version, started)
        build = self.days.build(CALL_NUMBERS, day)
        again = build is not None and build.version == version
        begun = {file: self._copying.pop(file) for file in cdrs if file in self._copying}
        copies = begun | self._copy([file for file in cdrs if file not in begun], again)
        try:
            built = self._add_indexes(day, version, cdrs, again, list(copies.values()))
        except DayMoved:
            return self.build_call_numbers(day)
        self.call_store.keep(day, self.lake.files(CDRS, day, day))
        return replace(built, seconds=time.monotonic() - started)

    def begin_copy(self, day: date) -> None:
        """Begins to copy a day's calls by row, beside what comes before `build_call_numbers`."""
        self._copying.update(self._copy(self.lake.files(CDRS, day, day)))

    def _copy(self, cdrs: list[str], again: bool = False) -> dict[str, Future[None]]:
        """Begins to copy those files of `cdrs` that have no copy, or all of them `again`."""
        return {
            file: self._beside.submit(self.call_store.write, file)
            for file in cdrs
            if again or self.call_store.missing([file])
        }

    @cached_property
    def _copying(self) -> dict[str, Future[None]]:
        """Copies that were begun, and not asked for yet."""
        return {}

    @cached_property
    def _beside(self) -> ThreadPoolExecutor:
        """Writes the copies: that leaves a processor idle, which the next tables can have."""
        return ThreadPoolExecutor(1, thread_name_prefix="copy")

    def _add_indexes(
        self, day: date, version: int, cdrs: list[str], again: bool, copies: list[Future[None]]
    ) -> BuiltDay:
        """Publishes the indexes that files of `cdrs` lack; all when one is of any other file.

        None before the copies are there: a day without them is not built.
        """
        there = self.lake.files(CALL_NUMBERS, day, day)
        known = indexed(cdrs, there)
        if again or set(there) - set(known.values()):
            there, known = [], dict.fromkeys(cdrs)
        rows = sum(pq.read_metadata(index).num_rows for index in there)
        built = BuiltDay(CALL_NUMBERS, day, False, rows, 0, -1)
        onto = names(there) or None
        lacking = [file for file, index in known.items() if index is None]
        for file in lacking:
            staged = self.lake.staging(CALL_NUMBERS)
            try:
                rows += write_index(self.local, file, staged)
                for copy in copies:
                    copy.result()
                stem = index_name(file, uuid.uuid4().hex[:8])
                built = replace(built, rows=rows)
                built = self._publish(built, version, staged, stem, onto=onto)
            finally:
                discard(staged)
            onto = (*(onto or ()), f"{stem}.parquet")
        for copy in copies:
            copy.result()
        return built if lacking else self._publish(built, version, None, onto=onto)

    @cached_property
    def held(self) -> Held:
        """What the days hold, added up."""
        return Held(self.engine, self.local, self.lake, self.days, self.call_store)

    def _publish(
        self,
        built: BuiltDay,
        version: int,
        staged: Path | None,
        stem: str | None = None,
        made: MadeOf | None = None,
        onto: Collection[str] | None = None,
    ) -> BuiltDay:
        """Publishes a day (`staged` None: an empty one), unless another process has meanwhile
        published a newer one.

        With `onto` what is staged, if anything, is added to files of these names. Raises DayMoved
        when the day has others by now, or other calls than its sums are `made` of.
        """
        table, day = built.table, built.day
        with self.lock.alone():
            # Also what was begun before: sums of calls that are not there would be none.
            refuse_cold(self.days, [day])
            there = self.days.build(table, day)
            if there is not None and there.version > version:
                return replace(built, published=True, lake_version=there.lake_version)
            if made and table != CDRS and made.cdrs != names(self.lake.places(CDRS, day, day)):
                raise DayMoved(f"{day} of {CDRS} was published anew meanwhile")  # as by a back-fill
            if onto is not None:
                lake_version = self.lake.add(table, day, staged, onto, stem)
            elif staged is not None:
                lake_version = self.lake.publish(table, day, staged, stem)
            else:
                lake_version = self.lake.clear(table, day)
            if table == CDRS:
                self.days.judged(day, version, None)
            if version:  # else it is a day that nothing was ever delivered for
                parts = names(self.lake.files(table, day, day))
                kept = None if made is None else replace(made, parts=parts).text()
                self.days.built(table, day, version, lake_version, built.rows, kept)
        return replace(built, published=True, lake_version=lake_version)

    def _made_before(self, table: str, day: date, version: int) -> tuple[MadeOf | None, int]:
        """What a day of a table was made of before this version of it, and how many rows it has.

        Nothing where it is of this version: who builds it again wants it anew.
        """
        build = self.days.build(table, day)
        if build is None or build.version == version:
            return None, 0
        return MadeOf.of_text(build.made_of), build.rows

    def _nothing(self, table: str, day: date, version: int, started: float) -> BuiltDay:
        """A day without calls: what an earlier build may have left there goes."""
        built = self._publish(BuiltDay(table, day, False, 0, 0, -1), version, None)
        return replace(built, seconds=time.monotonic() - started)

    def _history(self, day: date) -> list[tuple[int, int, Decimal]]:
        files = self.lake.files(
            "breakout_daily", day - timedelta(days=HISTORY_DAYS), day - timedelta(days=1)
        )
        if len({Path(file).parent for file in files}) < HISTORY_DAYS:
            return []
        text = (
            "SELECT CAST(SUM(attempts) AS BIGINT), CAST(SUM(connected) AS BIGINT), "
            "SUM(duration) FROM past GROUP BY call_date ORDER BY call_date"
        )
        with self.local.session({"past": files}) as session:
            return [(row[0], row[1], row[2]) for row in values(session.rows(text, {}))]

    def _bounds(self, day: date) -> tuple[datetime, datetime]:
        zone = ZoneInfo(self.rules.timezone)
        start, end = (
            datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC)
            for d in (day, day + timedelta(days=1))
        )
        return start, end

    def rates_and_hours(self, day: date) -> dict[str, pa.Table]:
        """What the sums of a day need besides its calls."""
        return {"rates": self.rates.table([day]), "hours": hours_of(*self._bounds(day), self.zone)}

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.rules.timezone)

    @cached_property
    def _mark(self) -> str:
        """Stands for what decides about a row of `cdrs` besides what was delivered."""
        dids = self.home / DIDS
        return mark_of(
            *map(sql.text, ("cdrs/cdrs", "delivered/verdicts")),
            plan_mark(ReferenceData.of_home(self.home)),
            dids.read_bytes() if dids.is_file() else b"",
        )

    @cached_property
    def _reference(self) -> dict[str, pa.Table]:
        """The number plan and the users' own numbers, as the relations that `cdrs.sql` reads."""
        return lookups(self.local, ReferenceData.of_home(self.home), self.home)
