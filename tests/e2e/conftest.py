"""Fixtures of what users run: a home with its web server and daemon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.server import Dagster, running
from tests.pipeline.home import golden_files, land, make_home
from tests.support.object_store import s3

__all__ = ["s3"]


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    """Web server and daemon over a home in which the golden files are landed."""
    workplace = make_home(tmp_path_factory.mktemp("served"))
    land(workplace, *golden_files())
    with running(workplace) as served:
        yield served
