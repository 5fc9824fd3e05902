"""The ledger's tables, and opening it at the newest schema."""

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files as files_of
from pathlib import Path
from sqlite3 import OperationalError
from time import monotonic, sleep
from weakref import finalize

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()
_PATIENCE = 30  # seconds that SQLite waits for another process
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only INTEGER keys


class Instant(TypeDecorator[datetime]):
    """A moment, in UTC on its way in and out; SQLite by itself forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As UTC, whatever zone the session of the database is in."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


files = Table(
    "files",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False),
    Column("name", Text, nullable=False),  # path below the source's folder
    Column("token", Text, nullable=False),  # size and time of change: what a scan can see
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), index=True),
    Column("status", String(16), nullable=False),
    Column("reason", Text),  # why it failed, or of which file it is a copy
    Column("header", Text),  # its columns, for exporting refused rows
    Column("taken_at", Instant, nullable=False),
    Column("records", BigInteger),
    Column("quarantined", BigInteger),
    Index("files_by_name", "source", "name"),
    Index("files_by_status", "status"),
)

file_days = Table(
    "file_days",
    metadata,
    Column("file_id", ForeignKey("files.id"), primary_key=True),
    Column("call_date", Date, primary_key=True),
    Column("delivered", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("superseded", BigInteger, nullable=False),
)

file_reasons = Table(
    "file_reasons",
    metadata,
    Column("file_id", ForeignKey("files.id"), primary_key=True),
    Column("reason", String(64), primary_key=True),
    Column("records", BigInteger, nullable=False),
)

days = Table(
    "days",
    metadata,
    Column("call_date", Date, primary_key=True),
    Column("version", BigInteger, nullable=False),  # goes up with every delivery for the day
    Column("failed_version", BigInteger),  # the version whose checks failed
    Column("failure", Text),
)

day_builds = Table(
    "day_builds",
    metadata,
    Column("table_name", String(64), primary_key=True),
    Column("call_date", Date, primary_key=True),
    Column("version", BigInteger, nullable=False),  # of the day that it was built from
    Column("lake_version", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("built_at", Instant, nullable=False),
    Column("made_of", Text),  # JSON, see resources/additions.py
)

cold_days = Table(
    "cold_days",
    metadata,
    Column("call_date", Date, primary_key=True),
    Column("state", String(16), nullable=False),  # see resources/ledger/cold.py
    Column("store", Text, nullable=False),  # where its calls went; blank: nowhere, dropped
    Column("counts", Text, nullable=False),  # JSON: what it held
    Column("changed_at", Instant, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("uid", String(32), nullable=False, unique=True),  # part of its mails' Message-IDs
    Column("name", String(100), nullable=False),
    Column("definition", Text, nullable=False),  # JSON, see resources/schedules/model.py
    Column("enabled", Boolean, nullable=False),
    Column("since", Instant, nullable=False),  # what fell due before is not owed
    Column("changed_at", Instant, nullable=False),
    Column("removed_at", Instant),  # kept for the sake of its deliveries
    Index(
        "one_schedule_of_a_name",
        "name",
        unique=True,
        sqlite_where=text("removed_at IS NULL"),
        postgresql_where=text("removed_at IS NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("schedule_id", ForeignKey("schedules.id"), nullable=False),
    Column("account", String(64), nullable=False),  # whose report; blank unless it is a fan-out
    Column("frequency", String(8), nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("revision", Integer, nullable=False),  # 1 is the first
    Column("reason", String(16), nullable=False),
    Column("state", String(8), nullable=False),
    Column("message_id", String(255), nullable=False, unique=True),
    Column("due_at", Instant, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("next_try_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", String(64)),  # the process that is at it, and until when it is believed to be
    Column("lease_until", Instant),
    Column("handed_at", Instant),  # the last time that the mail was begun to be handed over
    Column("settled_at", Instant),
    Column("note", Text),
    Column("definition", Text),  # of the schedule, as the report was made by
    Column("missing", Text),  # JSON: days that were not built when the report was made
    Column("sources", Text),  # JSON: lake versions that the report was made from
    Column("figures", Text),  # JSON: what a later build of its days is compared with
    Column("checked_at", Instant),  # builds up to here are in the figures, or did not change them
    Column("folder", Text),  # of its files, below the home
    UniqueConstraint("schedule_id", "account", "first_day", "last_day", "revision"),
    CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed', 'skipped')", "known_state"),
    # They stay for ever, and the sensor asks about them every half minute.
    Index("deliveries_by_state", "state", "due_at"),
    Index("deliveries_by_schedule", "schedule_id", "last_day"),
    Index("deliveries_by_check", "frequency", "first_day", "state", "checked_at"),
    Index("deliveries_by_settlement", "state", "settled_at"),
)

delivery_recipients = Table(
    "delivery_recipients",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id"), primary_key=True),
    Column("address", String(320), primary_key=True),
    Column("kind", String(3), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("words", Text),  # of the mail server
    Column("at", Instant),
    CheckConstraint("kind IN ('to', 'cc', 'bcc')", "known_kind"),
    CheckConstraint("outcome IN ('pending', 'accepted', 'refused')", "known_outcome"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("key", String(200), primary_key=True),  # what the trouble is about
    Column("told_at", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", String(100), primary_key=True),  # in small letters
    Column("role", String(16), nullable=False),
    Column("customers", Text, nullable=False),  # JSON: ids of whose rows a customer sees
    Column("password", Text),  # its hash; without one only a proxy lets the user in
    Column("epoch", Integer, nullable=False),  # sessions of another one are over
    Column("made_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    CheckConstraint("role IN ('viewer', 'operator', 'customer')", "known_role"),
)


class NewerLedger(Exception):
    """A newer program has migrated the ledger; this one must not touch it."""


def open_ledger(url: str) -> Engine:
    """The ledger at a SQLAlchemy URL, made or migrated to this program's schema.

    Raises NewerLedger when its schema is newer.
    """
    engine = _connected(url)
    try:
        _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def migrate_ledger(url: str) -> tuple[str | None, str]:
    """The same for its own sake: the schema that the ledger had, None for none, and has now.

    Raises NewerLedger when its schema is newer.
    """
    engine = _connected(url)
    try:
        return _migrate(engine)
    finally:
        engine.dispose()


def _connected(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Hashes of passwords are in it: SQLite would make it readable by everybody on the machine.
        # Where it cannot be made, SQLite says so itself.
        with suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660))
    # A server that was restarted has cut the pool's connections: they are tried before use.
    engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_for_many)
        # The last connection that is closed takes what is in the file ending in -wal over into the
        # ledger itself: who copies that one has all of it.
        finalize(engine, engine.pool.dispose)
    return engine


def _sqlite_for_many(connection: object, _record: object) -> None:
    """Readers do not wait for the writer, the writer waits for its turn."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000}")
    # Of many that change a new ledger to WAL at once, SQLite refuses all but one without a wait.
    refused_until = monotonic() + _PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except OperationalError:
            if monotonic() > refused_until:
                raise
            sleep(0.02)
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


# One process migrates, the others wait for it and find it done; one that dies leaves the ledger as
# it was. SQLite makes no transaction around DDL unless it is told to.
_LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(20260306)"}


def _migrate(engine: Engine) -> tuple[str | None, str]:
    """The schema that there was, and the one that there is."""
    newest = _newest_revision()
    with engine.connect() as connection:
        if _revision(connection) == newest:
            return newest, newest
    # Not at the top: it takes long to import, and a ledger is rarely migrated.
    from alembic import command
    from alembic.config import Config

    with engine.begin() as connection:
        connection.exec_driver_sql(_LOCKS[engine.dialect.name])
        there = _revision(connection)
        if there is not None and there > newest:
            raise NewerLedger(
                f"the ledger has the schema {there}, and this program knows those up to {newest}: "
                "upgrade the program, or go back to the backup of before the last upgrade"
            )
        config = Config()
        config.set_main_option("script_location", "resources.ledger:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return there, newest


def _revision(connection: Connection) -> str | None:
    """The schema that the ledger has; None when it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _newest_revision() -> str:
    """`0002` where the newest migration is the module `m0002_schedules`."""
    names = (path.name for path in (files_of("resources.ledger.migrations") / "versions").iterdir())
    numbers = [name[1:5] for name in names if re.fullmatch(r"m\d{4}_\w+\.py", name)]
    return max(numbers)
