"""One writer of the lake at a time: a lock in its home, and one in the ledger where that can be.

The first keeps off each other the processes of one home. Homes that should not, but do work on one
lake, and machines whose folder does not keep locks between them, know of each other only there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from resources.locks import exclusive

_NUMBER = 20260307

# It is idle for as long as a day takes. A machine that lost its power is noticed in two minutes.
_PATIENT = """
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = 0;
    SET LOCAL tcp_keepalives_idle = 60;
    SET LOCAL tcp_keepalives_interval = 20;
    SET LOCAL tcp_keepalives_count = 3
"""


@dataclass(frozen=True)
class OneWriter:
    """The right to change the lake and what the ledger says of it; let go of when one dies."""

    path: Path
    engine: Engine

    @contextmanager
    def alone(self, waiting: Callable[[str], None] = lambda holder: None) -> Iterator[None]:
        """Holds it; waits for its holder, and tells `waiting` who that is."""
        with exclusive(self.path, waiting), self._in_ledger(waiting):
            yield

    @contextmanager
    def _in_ledger(self, waiting: Callable[[str], None]) -> Iterator[None]:
        if self.engine.dialect.name != "postgresql":
            yield
            return
        # By a transaction, not by a session: a pool between here and the server keeps only those.
        connection = self.engine.connect()
        try:
            connection.exec_driver_sql(_PATIENT)
            if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({_NUMBER})")):
                waiting("another home")
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_NUMBER})"))
            yield
        finally:
            with suppress(DBAPIError):  # a server that was away meanwhile has let go by itself
                connection.close()
