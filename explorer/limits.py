"""Limits of an answer: how long it may take, and how many are made at once.

The engine's work is interrupted from outside; what is at it is found by the context it runs in.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import duckdb

from resources.engine import Engine

SECONDS = 30.0
"""An answer on a page takes at most so long."""

DOWNLOAD_SECONDS = 600.0
"""A file takes at most so long."""

AT_ONCE, DOWNLOADS_AT_ONCE = 4, 3
"""So many answers are made at once; others wait for `WAIT_SECONDS`, then are asked to come back.

Files are counted by themselves: whoever reads one slowly keeps nobody from the pages.
"""

WAIT_SECONDS = 10.0

GUEST_WAITING = 8
"""So many more questions of one guest wait; further ones are asked to come back at once."""


class TooSlow(Exception):
    """The answer took longer than it may."""


class TooMany(Exception):
    """Too many answers are being made."""


class Watch:
    """Interrupts the engine's connections of one answer when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.over = seconds, False
        self._lock = threading.Lock()
        self._connections: list[Any] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def start(self) -> None:
        """Time begins to run."""
        self._timer.start()

    def stop(self) -> None:
        """The answer is there; nothing is interrupted any more."""
        self._timer.cancel()
        with self._lock:
            self._connections.clear()

    def add(self, connection: Any) -> None:
        """A connection, or a cursor, that is at work for the answer."""
        with self._lock:
            self._connections.append(connection)
        self.check()

    def check(self) -> None:
        """Raises TooSlow when the time is over."""
        if self.over:
            raise TooSlow(self.words)

    @property
    def words(self) -> str:
        """What is said then."""
        return (
            f"the answer takes longer than {self.seconds:,.0f} s and was stopped: "
            "ask for fewer days, fewer dimensions, or a filter"
        )

    def _end(self) -> None:
        self.over = True
        with self._lock:
            for connection in self._connections:
                with suppress(duckdb.ConnectionException):  # it is closed, and at nothing
                    connection.interrupt()


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


class Watched:
    """A connection of the engine whose cursors are interrupted, too."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, watch: Watch) -> None:
        self._connection, self._watch = connection, watch
        watch.add(connection)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor that the watch knows of."""
        cursor = self._connection.cursor()
        self._watch.add(cursor)
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def watched(connection: duckdb.DuckDBPyConnection) -> Any:
    """The connection, known to the watch of the answer that is being made, if any."""
    watch = _current.get()
    return connection if watch is None else Watched(connection, watch)


@contextmanager
def within(seconds: float) -> Iterator[Watch]:
    """What is done inside may take so long. Raises TooSlow."""
    watch = Watch(seconds)
    token = _current.set(watch)
    watch.start()
    try:
        yield watch
    except duckdb.InterruptException:
        raise TooSlow(watch.words) from None
    finally:
        watch.stop()
        _current.reset(token)


@dataclass(frozen=True)
class WatchedEngine(Engine):
    """An engine whose connections the watch knows of."""

    @contextmanager
    def connect(
        self, inputs: Mapping[str, Any] | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """As the engine's own."""
        with super().connect(inputs) as connection:
            yield watched(connection)


class Turns:
    """Lets so many in at once, of one guest half of them: one alone keeps nobody else waiting."""

    def __init__(self, places: int) -> None:
        self._places, self._of_a_guest = places, (places + 1) // 2
        self._changed = threading.Condition()
        self._inside: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def taken(self, guest: str = "") -> Iterator[None]:
        """A place, waited for; `guest` is blank for who belongs to the house. Raises TooMany."""

        def free() -> bool:
            if guest and self._inside[guest] >= self._of_a_guest:
                return False
            return self._inside.total() < self._places

        with self._changed:
            # Each that waits has a thread of the server, of which there are 40.
            if guest and self._waiting[guest] >= GUEST_WAITING:
                raise TooMany(_TOO_MANY)
            self._waiting[guest] += 1
            found = self._changed.wait_for(free, WAIT_SECONDS)
            self._waiting[guest] -= 1
            if not found:
                raise TooMany(_TOO_MANY)
            self._inside[guest] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[guest] -= 1
                self._changed.notify_all()


_TOO_MANY = "too many answers are being made: try again in some seconds"
