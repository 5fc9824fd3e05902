"""Puts the parts together by the settings: what commands and assets work with.

Nothing is opened before it is asked for, so importing and assembling touch nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import Engine as SqlEngine

from pipelines.settings import Settings
from resources.bucket import Copies, bucket_of
from resources.calls import CallStore
from resources.days import DayBuilder, DayRules
from resources.engine import Engine, ModelEngine
from resources.intake.kept import KeptVerdicts
from resources.intake.scan import IntakeRules
from resources.intake.take import Intake
from resources.lake import Lake
from resources.landing import Landing
from resources.ledger import Alerts, Days, Deliveries, Files, Schedules, Users, open_ledger
from resources.ledger.writer import OneWriter
from resources.reference.rates import Rates, load_rates, table_in_force
from resources.upkeep.cold import ColdCalls, ColdRules
from resources.upkeep.upkeep import Upkeep, UpkeepRules


@dataclass(frozen=True)
class Workplace:
    """The lake, the ledger, the landing folder and the engine of one home."""

    settings: Settings
    tell: Callable[[str], None] = lambda step: None
    """Hears of each step that is done: `cdrs 2026-03-06`."""

    def today(self) -> date:
        """The running day in the reporting time zone."""
        return datetime.now(self.settings.zone).date()

    @cached_property
    def lake(self) -> Lake:
        """The tables."""
        settings = self.settings
        bucket = bucket_of(settings.lake, "CDR_REPORTS_LAKE")
        if bucket is None:
            return Lake(settings.home / "lake")
        copies = settings.home / "lake-copies"
        limit = int(settings.lake_copies_gb * 1e9)
        return Lake(copies, copies=Copies(bucket, copies, limit))

    @property
    def kept(self) -> KeptVerdicts:
        """The verdicts on days whose accounts are settled and that are not built yet."""
        return KeptVerdicts(self.settings.home / "verdicts")

    @cached_property
    def call_store(self) -> CallStore:
        """The copy of the days' calls in which single ones can be read."""
        return CallStore(self.settings.home / "calls")

    @cached_property
    def engine(self) -> Engine:
        """DuckDB with the limits of the settings."""
        settings = self.settings
        return Engine(settings.memory_limit, settings.threads, settings.home / "spill")

    @cached_property
    def model_engine(self) -> ModelEngine:
        """What runs the models of intake, days and tables: the same, or Spark."""
        settings = self.settings
        if settings.engine == "duckdb":
            return self.engine
        from resources import spark

        try:
            from resources.spark.engine import SparkEngine
        except ImportError as error:
            raise spark.missing(error) from None

        return SparkEngine(
            settings.spark_master,
            settings.spark_conf,
            settings.memory_limit,
            settings.home / "spill",
        )

    @cached_property
    def _ledger(self) -> SqlEngine:
        return open_ledger(self.settings.ledger)

    @cached_property
    def files(self) -> Files:
        """Delivered files in the ledger."""
        return Files(self._ledger)

    @cached_property
    def days(self) -> Days:
        """Days in the ledger."""
        return Days(self._ledger)

    @cached_property
    def schedules(self) -> Schedules:
        """Schedules of reports in the ledger."""
        return Schedules(self._ledger)

    @cached_property
    def deliveries(self) -> Deliveries:
        """Their deliveries in the ledger."""
        return Deliveries(self._ledger)

    @cached_property
    def alerts(self) -> Alerts:
        """Troubles that the operators were told of, in the ledger."""
        return Alerts(self._ledger)

    @cached_property
    def users(self) -> Users:
        """Users of the explorer, in the ledger."""
        return Users(self._ledger)

    @cached_property
    def landing(self) -> Landing:
        """Where files are delivered."""
        return Landing(self.settings.landing_url, named=bool(self.settings.landing))

    @property
    def rates(self) -> Rates:
        """The European Central Bank's exchange rates that are in force now."""
        return load_rates(table_in_force(self.settings.home))

    @cached_property
    def intake(self) -> Intake:
        """Takes new files in."""
        settings = self.settings
        rules = IntakeRules(
            settings.timezone,
            settings.first_day,
            settings.longest_call_hours * 3600,
            settings.settle_seconds,
            frozenset(self.rates.currencies(settings.first_day)),
            dict(settings.source_timezones),
        )
        return Intake(
            self.model_engine,
            self.engine,
            self.lake,
            self.files,
            self.days,
            self.landing,
            rules,
            self._writer,
            self.kept,
        )

    @cached_property
    def builder(self) -> DayBuilder:
        """Builds days."""
        settings = self.settings
        rules = DayRules(
            settings.timezone,
            settings.short_call_seconds,
            settings.longest_call_hours * 3600,
            frozenset(self.rates.currencies(settings.first_day)),
        )
        return DayBuilder(
            self.model_engine,
            self.engine,
            self.lake,
            self.days,
            rules,
            self.rates,
            settings.home,
            self.files,
            self._writer,
            self.call_store,
            self.kept,
        )

    @cached_property
    def cold(self) -> ColdCalls:
        """Moves old calls out of the lake and brings them back."""
        settings = self.settings
        rules = ColdRules(
            settings.calls_days, settings.cold_url, settings.cold_place, settings.timezone
        )
        return ColdCalls(
            self.engine, self.lake, self.days, self.files, self.intake, self.builder, rules
        )

    @cached_property
    def upkeep(self) -> Upkeep:
        """Keeps the lake and the home small."""
        settings = self.settings
        rules = UpkeepRules(
            settings.versions_days, settings.delivery_files_days, settings.data_docs_days
        )
        return Upkeep(self.cold, self.deliveries, settings.home, rules)

    @cached_property
    def _writer(self) -> OneWriter:
        return OneWriter(self.settings.home / "intake.lock", self._ledger)
