"""What holds in tests/unit alone: no socket, no process; and what several of them start from.

Python's audit events tell of both before they happen, whoever asks for them; a hook cannot be taken
off again, so it looks whether a unit test is running.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sql_models import Models

_REFUSED = {
    "socket.connect": "opens a connection",
    "socket.bind": "opens a port",
    "socket.getaddrinfo": "looks up a host",
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.exec": "becomes another process",
    "os.fork": "forks",
    "os.posix_spawn": "starts a process",
}
_running: list[str] = []


class TooMuchForAUnitTest(BaseException):
    """Not an Exception, so that code under test which survives a lost network cannot swallow it."""


def _refuse(event: str, args: tuple[object, ...]) -> None:
    if _running and event in _REFUSED:
        raise TooMuchForAUnitTest(
            f"{_running[-1]} {_REFUSED[event]} ({event}{args!r}): "
            "move it to tests/pipeline or tests/e2e"
        )


sys.addaudithook(_refuse)


@pytest.fixture(autouse=True)
def nothing_but_python(request: pytest.FixtureRequest) -> Iterator[None]:
    """Arms the hook for the length of one unit test."""
    _running.append(request.node.nodeid)
    yield
    _running.pop()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    """The SQL models, for rows in and rows out."""
    from tests.unit.sql_models import open_models

    with open_models(tmp_path_factory.mktemp("home")) as opened:
        yield opened
