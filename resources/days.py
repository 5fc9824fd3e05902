"""Builds one day: `cdrs` out of what was delivered, and the tables of sums out of `cdrs`.

Each is staged, judged and only then published, so that a day that fails its checks leaves the
old one in place. What the rows hold is SQL (`sql/cdrs`, `sql/tables`); which days, and in what
order, is for `assets` and `pipelines`.
"""

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

import sql
from resources.calls.index import CALL_NUMBERS, index_name, unindexed, write_index
from resources.calls.store import CallStore
from resources.engine import QUICK, Engine, Model, ModelEngine, values
from resources.expectations import HISTORY_DAYS, DayFacts, Verdict, judge, prepare
from resources.intake.verdicts import judged_day, settle_days
from resources.lake import Lake, discard, staged_files
from resources.ledger import Days, Files
from resources.ledger.cold import refuse_cold
from resources.locks import exclusive
from resources.reference.lookups import lookups, own_numbers
from resources.reference.plan import ReferenceData
from resources.reference.rates import Rates

CDRS = "cdrs"
TABLES = ("breakout_daily", "dtmf_hourly", "usa_calls_daily", "usa_rate_center_daily")
"""The tables of sums, each `sql/tables/<name>.sql`."""

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
    lock: Path
    call_store: CallStore

    def build(self, table: str, day: date) -> BuiltDay:
        """Builds one day of one table and publishes it, unless an expectation forbids it.

        Raises DayIsCold, as do all builds of a day whose calls have left the lake.
        """
        if table == CALL_NUMBERS:
            return self.build_call_numbers(day)
        return self.build_cdrs(day) if table == CDRS else self.build_table(table, day)

    def build_cdrs(self, day: date) -> BuiltDay:
        """One row per attempt that counts on the day, judged before it is published."""
        started = time.monotonic()
        prepare()  # the checks' library, while the engine works
        staged = self.lake.staging(CDRS)
        try:
            # Alone with the intake, so that rows, accounts and version are of one moment.
            with exclusive(self.lock):
                refuse_cold(self.days, [day])
                settle_days(self.engine, self.lake, self.files, self.days)
                version = self.days.version(day)
                rows = self._stage_cdrs(day, staged)
                expected = self.files.counting(day)
            if rows is None:
                return self._nothing(CDRS, day, version, started)
            facts = DayFacts(
                day,
                *self._bounds(day),
                expected,
                self.rules.longest_call_seconds,
                self.rules.currencies,
                self._history(day),
            )
            verdicts = tuple(judge(self.engine, staged, facts, self.home / "data-docs"))
            built = BuiltDay(CDRS, day, False, rows, 0, -1, *self._totals(CDRS, staged), verdicts)
            if built.failures:
                self.days.judged(day, version, "; ".join(map(str, built.failures)))
            else:
                built = self._publish(built, version, staged)
        finally:
            discard(staged)
        return replace(built, seconds=time.monotonic() - started)

    def _stage_cdrs(self, day: date, staged: Path) -> int | None:
        """Writes the day's attempts to a file; how many, or None when nothing was delivered."""
        # The accounts were settled under this lock, by the same search for repeated keys.
        repeats = self.files.repeats(day)
        with judged_day(self.engine, self.lake, day, repeats) as session:
            if session is None:
                return None
            for name, relation in self._reference.items():
                session.add(name, relation)
            return session.write(sql.text("cdrs/cdrs"), {"day": day}, staged, layout=QUICK)

    def build_table(self, table: str, day: date) -> BuiltDay:
        """The day's sums by the table's grain, from the `cdrs` that are published."""
        started = time.monotonic()
        source = self.days.builds(CDRS).get(day)
        version = source.version if source else 0
        cdrs = self.lake.files(CDRS, day, day)
        if not cdrs:
            return self._nothing(table, day, version, started)
        staged = self.lake.staging(table)
        try:
            rows = self.engine.run(
                summed(table),
                {CDRS: cdrs, **self._rates_and_hours(day)},
                {"short_call": self.rules.short_call_seconds, "hourly": False},
                staged,
            )
            built = BuiltDay(table, day, False, rows, 0, -1, *self._totals(table, staged))
            built = self._publish(built, version, staged)
        finally:
            discard(staged)
        return replace(built, seconds=time.monotonic() - started)

    def build_call_numbers(self, day: date) -> BuiltDay:
        """The day's index of numbers, and the copy of its calls to which it leads, from the `cdrs`
        that are published.
        """
        started = time.monotonic()
        source = self.days.builds(CDRS).get(day)
        version = source.version if source else 0
        cdrs = self.lake.files(CDRS, day, day)
        if len(cdrs) != 1:  # several, as Spark may write them, are scanned
            self.call_store.keep(day, [])
            return self._nothing(CALL_NUMBERS, day, version, started)
        staged = self.lake.staging(CALL_NUMBERS)
        try:
            self.call_store.write(cdrs[0])
            rows = write_index(self.local, cdrs[0], staged)
            built = BuiltDay(CALL_NUMBERS, day, False, rows, 0, -1)
            built = self._publish(built, version, staged, index_name(cdrs[0], uuid.uuid4().hex[:8]))
            self.call_store.keep(day, self.lake.files(CDRS, day, day))
        finally:
            discard(staged)
        return replace(built, seconds=time.monotonic() - started)

    def _publish(
        self, built: BuiltDay, version: int, staged: Path | None, stem: str | None = None
    ) -> BuiltDay:
        """Publishes a day (`staged` None: an empty one), unless another process has meanwhile
        published a newer one.
        """
        table, day = built.table, built.day
        with exclusive(self.lock):
            # Also what was begun before: sums of calls that are not there would be none.
            refuse_cold(self.days, [day])
            there = self.days.builds(table).get(day)
            if there is not None and there.version > version:
                return replace(built, published=True, lake_version=there.lake_version)
            if staged is None:
                lake_version = self.lake.clear(table, day)
            else:
                lake_version = self.lake.publish(table, day, staged, stem)
            if table == CDRS:
                self.days.judged(day, version, None)
            if version:  # else it is a day that nothing was ever delivered for
                self.days.built(table, day, version, lake_version, built.rows)
        return replace(built, published=True, lake_version=lake_version)

    def breakout_hourly(self, first: date, last: date, folder: Path) -> list[str]:
        """Breakout's sums by hour too, for a question that no table answers; one file a day."""
        return self._summed_by_day(summed("breakout_daily"), first, last, folder, hourly=True)

    def did_as_cli(self, first: date, last: date, folder: Path) -> list[str]:
        """Sums of the calls whose caller's number is in `dids.csv` as it is now; a file a day.

        None when the home has no such file, or no numbers in it. Raises AccountsError.
        """
        dids = own_numbers(ReferenceData.of_home(self.home), self.home)
        if not dids.num_rows:
            return []
        model = summed("did_as_cli", "reports")
        return self._summed_by_day(model, first, last, folder, {"dids": dids})

    def dtmf_delivery(self, first: date, last: date, folder: Path) -> list[str]:
        """The DTMF delivery check and the savings of a period; one file, with the day in it."""
        hourly = self.lake.files("dtmf_hourly", first, last)
        if not hourly:
            return []
        out = folder / "delivery.parquet"
        self.local.run(Model("reports/dtmf_delivery"), {"dtmf_hourly": hourly}, {}, out)
        return [str(out)]

    def _summed_by_day(
        self,
        model: Model,
        first: date,
        last: date,
        folder: Path,
        inputs: Mapping[str, pa.Table] | None = None,
        hourly: bool = False,
    ) -> list[str]:
        """Sums over `cdrs` that no table of the lake holds; one file a day that has calls."""
        files = []
        for day in _days(first, last):
            if cdrs := self.lake.files(CDRS, day, day):
                out = folder / f"call_date={day}" / "sums.parquet"
                self.local.run(
                    model,
                    {CDRS: cdrs, **self._rates_and_hours(day), **(inputs or {})},
                    {"short_call": self.rules.short_call_seconds, "hourly": hourly},
                    out,
                )
                files.append(str(out))
        return files

    def reconcile(self, table: str, day: date) -> list[str]:
        """Where a table's attempts, durations and charges differ from those of `cdrs`; exactly.

        Of a day whose calls have left the lake: from what they were when they left.
        """
        cold = self.days.cold.out_of_the_lake().get(day)
        if table == CALL_NUMBERS and cold is not None:
            return []
        if table == CALL_NUMBERS:
            cdrs, indexes = (self.lake.files(name, day, day) for name in (CDRS, CALL_NUMBERS))
            if len(cdrs) > 1:  # such a day has neither, and needs none: it is scanned
                return []
            differences = unindexed(cdrs, indexes) + self.call_store.missing(cdrs)
            return [f"{CALL_NUMBERS} {day}: {difference}" for difference in differences]
        wanted = self._sums_of_cdrs(day) if cold is None else cold.sums
        sides = ("origin", "destination") if table == "usa_rate_center_daily" else (None,)
        differences = []
        for side in sides:
            found = self.sums(table, day, side)
            for key in sorted({*wanted, *found}, key=str):
                if wanted.get(key) != found.get(key):
                    label = f"{table} {day}{f' {side}' if side else ''}, currencies {key}"
                    differences.append(f"{label}: {found.get(key)} instead of {wanted.get(key)}")
        return differences

    def _sums_of_cdrs(self, day: date) -> dict[Any, Any]:
        """The same for each table that is held against them, while the day's files are the same."""
        files = tuple(self.lake.files(CDRS, day, day))
        if files not in self._known_sums:
            self._known_sums[files] = self.sums(CDRS, day)
        return self._known_sums[files]

    @cached_property
    def _known_sums(self) -> dict[tuple[str, ...], dict[Any, Any]]:
        return {}

    def sums(self, table: str, day: date, side: str | None = None) -> dict[Any, Any]:
        """Attempts, durations and charges of a table's day, by customer and provider currency."""
        return self.sums_of(self.lake.files(table, day, day), table == CDRS, side)

    def sums_of(
        self, files: list[str], calls: bool = True, side: str | None = None
    ) -> dict[Any, Any]:
        """The same of files: of `calls`, or of sums already."""
        if not files:
            return {}
        count = "COUNT(*)" if calls else "CAST(SUM(attempts) AS BIGINT)"
        where = "WHERE side = $side" if side else ""
        text = f"""
            SELECT customer_currency, provider_currency, {count}, SUM(duration),
                SUM(customer_duration), SUM(provider_duration),
                SUM(customer_charge), SUM(provider_charge)
            FROM sums {where} GROUP BY customer_currency, provider_currency"""
        with self._reader(calls).session({"sums": files}) as session:
            rows = values(session.rows(text, {"side": side}))
        return {(row[0], row[1]): row[2:] for row in rows}

    def _nothing(self, table: str, day: date, version: int, started: float) -> BuiltDay:
        """A day without calls: what an earlier build may have left there goes."""
        built = self._publish(BuiltDay(table, day, False, 0, 0, -1), version, None)
        return replace(built, seconds=time.monotonic() - started)

    def _totals(
        self, table: str, staged: Path
    ) -> tuple[int, dict[str, Decimal], dict[str, Decimal]]:
        """Attempts and charges by currency of a staged day."""
        files = staged_files(staged)
        names = pq.read_schema(files[0]).names
        count = "SUM(attempts)" if "attempts" in names else "COUNT(*)"
        if "side" in names:
            count = "SUM(CASE WHEN side = 'origin' THEN attempts ELSE 0 END)"
        half = "WHERE side = 'origin'" if "side" in names else ""
        money = []
        with self._reader(table == CDRS).session({"sums": files}) as session:
            [(attempts,)] = values(session.rows(f"SELECT {count} AS attempts FROM sums", {}))
            for party in ("customer", "provider"):
                text = (
                    f"SELECT {party}_currency, SUM({party}_charge) FROM sums {half} "
                    f"GROUP BY {party}_currency"
                )
                rows = values(session.rows(text, {}))
                money.append({c: amount for c, amount in sorted(rows, key=str) if c and amount})
        return (int(attempts or 0), money[0], money[1])

    def _reader(self, calls: bool) -> ModelEngine:
        """What adds calls up, or sums: sums of sums are little work."""
        return self.engine if calls else self.local

    def _history(self, day: date) -> list[tuple[int, int, Decimal]]:
        files = self.lake.files(
            "breakout_daily", day - timedelta(days=HISTORY_DAYS), day - timedelta(days=1)
        )
        if len(files) < HISTORY_DAYS:
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

    def _rates_and_hours(self, day: date) -> dict[str, pa.Table]:
        return {"rates": self.rates.table([day]), "hours": hours_of(*self._bounds(day), self.zone)}

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.rules.timezone)

    @cached_property
    def _reference(self) -> dict[str, pa.Table]:
        """The number plan and the users' own numbers, as the relations that `cdrs.sql` reads."""
        return lookups(self.local, ReferenceData.of_home(self.home), self.home)


def summed(table: str, layer: str = "tables") -> Model:
    """The model of a table of sums: attempts, summed, converted."""
    attempts = Model("tables/attempts")
    return Model("tables/converted", {"attempts": attempts, "sums": Model(f"{layer}/{table}")})


def hours_of(start: datetime, end: datetime, zone: ZoneInfo) -> pa.Table:
    """Each quarter hour (since 1970) of a day and the instant at which its local hour begins.

    Every zone's offset is a multiple of a quarter hour, so this is exact for all of them.
    """
    quarters, hours = [], []
    for quarter in range(int(start.timestamp()) // 900, int(end.timestamp()) // 900):
        instant = datetime.fromtimestamp(quarter * 900, UTC)
        local = instant.astimezone(zone)
        quarters.append(quarter)
        hours.append(instant - timedelta(minutes=local.minute))
    return pa.table(
        {
            "quarter": pa.array(quarters, pa.int64()),
            "hour": pa.array(hours, pa.timestamp("us", tz="UTC")),
        }
    )


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
