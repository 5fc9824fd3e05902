"""The explorer of one home: what its pages share, and the application that serves them."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from explorer.access import LOCAL, Role
from explorer.desk import WARM_EVERY, Desk
from explorer.guard import Guard
from explorer.headers import Headers
from explorer.sessions import Sessions, Tries
from pipelines.assembly import Workplace
from pipelines.sending import read_accounts

if TYPE_CHECKING:
    from explorer.serving import Call
    from resources.schedules.rendering import Rendered

_log = logging.getLogger(__name__)
_HERE = files("explorer")
_MESSAGES = 1_000
_PREVIEWS, _PREVIEW_SECONDS = 4, 120.0


class Previews:
    """The last few mails that somebody looked at, for the files and frames of their pages."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[object, tuple[float, Rendered]] = {}

    def get(self, key: object, make: Callable[[], Rendered]) -> Rendered:
        """The one of the key, made when there is none of late."""
        with self._lock:
            now = time.monotonic()
            self._held = {k: v for k, v in self._held.items() if now - v[0] < _PREVIEW_SECONDS}
            if key not in self._held:
                while len(self._held) >= _PREVIEWS:
                    del self._held[next(iter(self._held))]
                self._held[key] = (now, make())
            return self._held[key][1]


class Explorer:
    """What the pages of one home share."""

    def __init__(self, workplace: Workplace) -> None:
        settings = workplace.settings
        self.desk = Desk(workplace)
        self.workplace = self.desk.workplace
        sessions = Sessions(settings.home, settings.explore_session_hours * 3600)
        self.guard = Guard(settings, self.workplace.users, sessions, Tries(), threading.Lock())
        self.previews = Previews()
        self.changes = threading.Lock()
        """Held by what sends or withdraws: one at a time."""
        self._lock = threading.Lock()
        self._messages: dict[str, str] = {}

    def page(
        self,
        call: Call,
        page: str,
        template: str,
        title: str,
        context: dict[str, Any],
        status: int = 200,
    ) -> Response:
        """A page out of a template, with what every page shows around it."""
        visitor = call.known
        named = None if visitor is LOCAL else visitor
        shared = {
            "page": page,
            "title": title,
            "user": {"name": named.name, "role": str(named.role)} if named else None,
            "nav": self._nav(call, page),
            "csrf": self.guard.sessions.token(call.session),
            "asset": self.asset,
            "message": self._message(call),
            "operator": visitor is not None and visitor.role is Role.OPERATOR,
            "logout": visitor is not None and bool(call.session.user),
        }
        text = self._templates.get_template(template).render({**shared, **context})
        return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})

    def tell(self, call: Call, words: str) -> None:
        """Says something on the session's next page."""
        with self._lock:
            while len(self._messages) > _MESSAGES:
                del self._messages[next(iter(self._messages))]
            self._messages[call.session.id] = words

    def asset(self, name: str) -> str:
        """Where the page finds a built file."""
        return f"/static/{self._manifest.get(name, name)}"

    def accounts_in_data(self, side: str) -> set[str]:
        """Ids that have calls in the newest days."""
        return set(read_accounts(self.workplace).in_data(f"{side.removesuffix('s')}_id"))

    def close(self) -> None:
        """Lets go of what was kept."""
        self.desk.close()

    def _message(self, call: Call) -> str:
        with self._lock:
            return self._messages.pop(call.session.id, "")

    def _nav(self, call: Call, page: str) -> list[dict[str, Any]]:
        if call.known is None:
            return []
        found = [
            (f.name, f.title, f"/reports/{f.name}", "Reports")
            for f in self.desk.reporting(call.known).reports.values()
            if not f.listing
        ]
        found.append(("per-number", "Per Number", "/per-number", "Calls"))
        if call.known.role is not Role.CUSTOMER:
            found += [
                ("schedules", "Schedules", "/schedules", "Work"),
                ("deliveries", "Deliveries", "/deliveries", "Work"),
                ("files", "Files", "/files", "Work"),
                ("health", "Health", "/health", "Work"),
            ]
        path = urlsplit(str(call.request.url)).path
        here = "/reports/breakout" if path == "/" else path
        return [
            {"id": id_, "title": title, "href": href, "section": section,
             "current": here == href or here.startswith(f"{href}/")}
            for id_, title, href, section in found
        ]  # fmt: skip

    @cached_property
    def _templates(self) -> Environment:
        return Environment(
            loader=FileSystemLoader(str(_HERE / "templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @cached_property
    def _manifest(self) -> dict[str, str]:
        path = _HERE / "static" / "manifest.json"
        found: dict[str, str] = (
            json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        )
        return found


async def _warm(explorer: Explorer) -> None:
    """Keeps the newest days ready."""
    while True:
        try:
            await run_in_threadpool(explorer.desk.warm)
        except Exception:  # without it answers are slower and the same
            _log.warning("the newest days were not made ready", exc_info=True)
        await asyncio.sleep(WARM_EVERY)


def application(explorer: Explorer) -> Starlette:
    """The application: every page of the list, and nothing else."""
    from explorer.pages import PAGES
    from explorer.serving import route

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        warming = asyncio.create_task(_warm(explorer))
        yield
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming
        await run_in_threadpool(explorer.close)

    app = Starlette(routes=[route(explorer, page) for page in PAGES], lifespan=lifespan)
    app.add_middleware(Headers, explorer=explorer)
    return app
