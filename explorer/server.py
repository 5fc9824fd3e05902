"""Serves the application until it is told to stop."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections at the address; port 0 is a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host.strip("[]"), port))
        found.listen(128)
    except OSError:
        found.close()
        raise
    return found


def server_of(app: Starlette) -> uvicorn.Server:
    """A server of the application, as it is always run."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        # Who may tell of a proxy is decided by the guard, for the address and the user alike.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        limit_concurrency=1000,
        h11_max_incomplete_event_size=64 * 1024,
        ws="none",
    )
    return uvicorn.Server(config)


def serve(app: Starlette, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until it is interrupted; `ready` hears the address. Raises OSError."""
    at = listening(host, port)
    name = f"[{host.strip('[]')}]" if ":" in host else host
    ready(f"http://{name}:{at.getsockname()[1]}")
    # What was loaded stays; to look through it while rows are made costs a third of an answer.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    with at:
        server_of(app).run(sockets=[at])
