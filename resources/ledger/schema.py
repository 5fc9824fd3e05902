"""The ledger's tables, and opening it at the newest schema."""

import re
from importlib.resources import files as files_of
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only INTEGER keys

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
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("records", BigInteger),
    Column("quarantined", BigInteger),
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
    Column("built_at", DateTime(timezone=True), nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)


def open_ledger(url: str) -> Engine:
    """The ledger at a SQLAlchemy URL, made or migrated to this program's schema."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_for_many)
    _migrate(engine)
    return engine


def _sqlite_for_many(connection: object, _record: object) -> None:
    """Readers do not wait for the writer, the writer waits for its turn."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _migrate(engine: Engine) -> None:
    if _revision(engine) == _newest_revision():
        return
    # Not at the top: it takes long to import, and a ledger is rarely migrated.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "resources.ledger:migrations")
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    """The schema that the ledger has; None when it has none yet."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def _newest_revision() -> str:
    """`0002` where the newest migration is the module `m0002_schedules`."""
    names = (path.name for path in (files_of("resources.ledger.migrations") / "versions").iterdir())
    numbers = [name[1:5] for name in names if re.fullmatch(r"m\d{4}_\w+\.py", name)]
    return max(numbers)
