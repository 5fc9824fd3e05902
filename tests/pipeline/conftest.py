"""Fixtures with a real lake and ledger."""

import pytest

from pipelines.assembly import Workplace
from tests.pipeline.home import GOLDEN, golden_files, land, make_home


@pytest.fixture(scope="session")
def golden_home(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A home with the golden files landed, for tests that only read what is built of it."""
    workplace = make_home(tmp_path_factory.mktemp("golden"))
    land(workplace, *golden_files())
    for name in ("customers.csv", "providers.csv"):
        (workplace.settings.home / name).write_bytes((GOLDEN / name).read_bytes())
    return workplace


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """An empty home."""
    return make_home(tmp_path_factory.mktemp("home"))
