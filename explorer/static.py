"""The built files of the pages: scripts, styles, fonts."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.responses import Response

from explorer.serving import Call, NotFound, Page

TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "map": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "woff2": "font/woff2",
}
_HASHED = re.compile(r"-[A-Z0-9]{8,}\.")
_LONG, _ASKED = "public, max-age=31536000, immutable", "no-cache"


@cache
def _built() -> dict[str, Traversable]:
    return {each.name: each for each in (files("explorer") / "static").iterdir() if each.is_file()}


@cache
def _read(name: str) -> tuple[bytes, str]:
    content = _built()[name].read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def built(call: Call) -> Response:
    """A built file; one whose name tells its content is kept by browsers for good."""
    name = call.path("name")
    kind = TYPES.get(name.rpartition(".")[2])
    if kind is None or name not in _built():
        raise NotFound(f"no file {name!r}")
    content, tag = _read(name)
    headers = {"ETag": tag, "Cache-Control": _LONG if _HASHED.search(name) else _ASKED}
    if tag in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)


PAGES = (Page("/static/{name}", built, None, alike=True),)
