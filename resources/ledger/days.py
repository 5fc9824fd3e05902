"""The ledger's account of days: which are stale, what each table's day was built from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, delete, func, insert, select, update

from resources.ledger.cold import FROZEN, ColdDays
from resources.ledger.schema import cold_days, day_builds, days


@dataclass(frozen=True)
class StaleDay:
    """A day with a newer delivery than some table was built from."""

    day: date
    version: int
    failed: bool
    """Its checks have failed at this very version: building again changes nothing."""


@dataclass(frozen=True)
class Build:
    """One day of one table as it was last built."""

    table: str
    day: date
    version: int
    lake_version: int
    rows: int
    made_of: str | None
    """See `resources.additions.MadeOf`."""


@dataclass(frozen=True)
class Days:
    """Days in the ledger."""

    engine: Engine

    @property
    def cold(self) -> ColdDays:
        """Those whose calls have left the lake."""
        return ColdDays(self.engine)

    def version(self, day: date) -> int:
        """Goes up with every delivery for the day; 0 when there never was one."""
        with self.engine.connect() as connection:
            row = connection.execute(select(days.c.version).where(days.c.call_date == day)).first()
            return int(row.version) if row else 0

    def known(self) -> dict[date, int]:
        """All days that calls were ever delivered for, and their versions."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(days).order_by(days.c.call_date))
            return {row.call_date: row.version for row in rows}

    def builds(self, table: str) -> dict[date, Build]:
        """What each day of a table was built from."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(day_builds).where(day_builds.c.table_name == table))
            return {row.call_date: _build(row) for row in rows}

    def lake_versions(self) -> dict[str, int]:
        """The newest version of each table of the lake that a day was published in."""
        newest = func.max(day_builds.c.lake_version).label("newest")
        wanted = select(day_builds.c.table_name, newest).group_by(day_builds.c.table_name)
        with self.engine.connect() as connection:
            return {row.table_name: row.newest for row in connection.execute(wanted)}

    def build(self, table: str, day: date) -> Build | None:
        """What one day of a table was built from; None when it never was."""
        the_day = (day_builds.c.table_name == table) & (day_builds.c.call_date == day)
        with self.engine.connect() as connection:
            row = connection.execute(select(day_builds).where(the_day)).first()
            return _build(row) if row else None

    def stale(self, tables: Sequence[str]) -> list[StaleDay]:
        """Days that one of the tables does not yet hold at the newest version, oldest first.

        Not those whose calls have left the lake: they cannot be built.
        """
        frozen = select(cold_days.c.call_date).where(cold_days.c.state.in_(FROZEN))
        wanted = select(days).where(_is_behind(tables), days.c.call_date.not_in(frozen))
        with self.engine.connect() as connection:
            rows = connection.execute(wanted.order_by(days.c.call_date))
            return [
                StaleDay(row.call_date, row.version, row.failed_version == row.version)
                for row in rows
            ]

    def current(self, tables: Sequence[str]) -> set[date]:
        """The days that each of the tables holds at the newest version, and that did not fail their
        checks at it.
        """
        not_failed = days.c.failed_version.is_distinct_from(days.c.version)
        wanted = select(days.c.call_date).where(~_is_behind(tables), not_failed)
        with self.engine.connect() as connection:
            return set(connection.execute(wanted).scalars())

    def built(
        self,
        table: str,
        day: date,
        version: int,
        lake_version: int,
        rows: int,
        made_of: str | None = None,
    ) -> None:
        """Notes that a day of a table was published, made from this version of the day."""
        with self.engine.begin() as connection:
            connection.execute(
                delete(day_builds).where(
                    day_builds.c.table_name == table, day_builds.c.call_date == day
                )
            )
            connection.execute(
                insert(day_builds).values(
                    table_name=table,
                    call_date=day,
                    version=version,
                    lake_version=lake_version,
                    rows=rows,
                    built_at=datetime.now(UTC),
                    made_of=made_of,
                )
            )

    def not_built(self, table: str, day: date) -> None:
        """Notes that a day of a table is to be built again."""
        with self.engine.begin() as connection:
            connection.execute(
                delete(day_builds).where(
                    day_builds.c.table_name == table, day_builds.c.call_date == day
                )
            )

    def judged(self, day: date, version: int, failure: str | None) -> None:
        """Notes whether the day's checks failed at a version, and what they said."""
        with self.engine.begin() as connection:
            connection.execute(
                update(days)
                .where(days.c.call_date == day)
                .values(failed_version=version if failure else None, failure=failure)
            )

    def failures(self) -> dict[date, str]:
        """The days whose newest version did not pass its checks, and why."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(days).where(days.c.failed_version == days.c.version))
            return {row.call_date: row.failure or "" for row in rows}


def _is_behind(tables: Sequence[str]) -> ColumnElement[bool]:
    """Whether one of the tables does not hold a day at its newest version.

    For the database to say: a ledger has a row per table and day of all years, with long texts.
    """
    holding = (
        select(func.count())
        .where(
            day_builds.c.table_name.in_(tables),
            day_builds.c.call_date == days.c.call_date,
            day_builds.c.version >= days.c.version,
        )
        .scalar_subquery()
    )
    return holding < len(set(tables))


def _build(row: Row[Any]) -> Build:
    return Build(
        row.table_name, row.call_date, row.version, row.lake_version, row.rows, row.made_of
    )
