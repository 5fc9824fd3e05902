"""How a request becomes an answer: who asks, may they, does the form come from us, what went wrong.

A page declares its path and who may see it; nothing is served that does not. What pages say is in
their own modules.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from explorer.access import Role, Visitor
from explorer.guard import WrongHost
from explorer.limits import TooMany, TooSlow
from resources.calls import CallsError
from resources.ledger.delivery import UnknownDelivery
from resources.ledger.file import UnknownFile
from resources.ledger.schedules import UnknownSchedule
from resources.reference.accounts import AccountsError
from resources.reporting.errors import ReportError

if TYPE_CHECKING:
    from explorer.explorer import Explorer
    from explorer.sessions import Session

_log = logging.getLogger(__name__)

MOST_FORM_BYTES = 1_000_000
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"


class NotFound(Exception):
    """There is no such thing; the text says what."""


class Forbidden(Exception):
    """The visitor may not."""


@dataclass(frozen=True)
class Call:
    """One request of a visitor, as the pages see it. `form` is what was posted."""

    explorer: Explorer
    request: Request
    session: Session
    known: Visitor | None
    form: dict[str, list[str]]

    @property
    def visitor(self) -> Visitor:
        """Who asks, on a page that nobody unknown sees."""
        if self.known is None:
            raise Forbidden("log in first")
        return self.known

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The query string."""
        return parse_qsl(self.request.url.query, keep_blank_values=True)

    def one(self, name: str, default: str = "") -> str:
        """The first value of a parameter."""
        return next((value for key, value in self.pairs if key == name), default)

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def field(self, name: str) -> str:
        """The value of a form's field."""
        return (self.form.get(name) or [""])[0]


Endpoint = Callable[[Call], Response]


@dataclass(frozen=True)
class Page:
    """A path, what answers there, and who may ask; `roles` None means anybody at all.

    `alike` is what is the same whoever asks: nobody looks who it is, and it needs no ledger.
    """

    path: str
    endpoint: Endpoint
    roles: frozenset[Role] | None
    methods: tuple[str, ...] = ("GET",)
    api: bool = False
    alike: bool = False


def route(explorer: Explorer, page: Page) -> Route:
    """The page as a route of Starlette."""

    async def answer(request: Request) -> Response:
        try:
            form = await _form(request) if request.method == "POST" else {}
        except ClientDisconnect:
            return Response(status_code=400)
        if page.alike:  # here, as all threads may be waiting for the ledger
            return _answer(explorer, page, request, form)
        return await run_in_threadpool(_answer, explorer, page, request, form)

    made: Callable[[Request], Awaitable[Response]] = answer
    found = Route(page.path, made, methods=list(page.methods))
    found.page = page  # type: ignore[attr-defined]
    return found


def _answer(
    explorer: Explorer, page: Page, request: Request, form: dict[str, list[str]] | None
) -> Response:
    session, fresh = explorer.guard.session(request)
    call = Call(explorer, request, session, None, form or {})
    try:
        if not page.alike:
            call = replace(call, known=explorer.guard.who(request, session))
        response = _allowed(call, page, form)
    except WrongHost as error:
        return PlainTextResponse(f"{error}\n", status_code=421)
    except Exception as error:
        response = _failed(call, page, error)
    if fresh and not page.alike:
        explorer.guard.remember(response, request, session)
    return response


def _allowed(call: Call, page: Page, form: dict[str, list[str]] | None) -> Response:
    """The page's answer, once it is sure that it may be given."""
    if page.roles is not None:
        if call.known is None:
            return _ask_who(call, page)
        if call.known.role not in page.roles:
            raise Forbidden("this is not for you: ask who runs the program")
    if call.request.method == "POST":
        if form is None:
            return problem(call, page.api, 413, "the form is too large")
        token = call.field(CSRF_FIELD) or call.request.headers.get(CSRF_HEADER, "")
        if not call.explorer.guard.sessions.is_token(call.session, token):
            raise Forbidden("the form is too old: go back, load the page again, and send it again")
    return page.endpoint(call)


def _ask_who(call: Call, page: Page) -> Response:
    if page.api or call.request.method != "GET":
        return problem(call, page.api, 401, "log in first")
    target = call.request.url.path
    if call.request.url.query:
        target += f"?{call.request.url.query}"
    return RedirectResponse(f"/login?next={quote(target, safe='')}", status_code=303)


def _failed(call: Call, page: Page, error: Exception) -> Response:
    """What is said of an error: the reader's in its own words, ours without any detail."""
    match error:
        case TooSlow():
            return problem(call, page.api, 400, str(error), limit="time")
        case TooMany():
            response = problem(call, page.api, 429, str(error), limit="busy")
            response.headers["Retry-After"] = "5"
            return response
        case Forbidden():
            return problem(call, page.api, 403, str(error))
        case NotFound() | UnknownSchedule() | UnknownDelivery() | UnknownFile():
            return problem(call, page.api, 404, str(error))
        case ReportError() | CallsError():
            words = str(error).replace("--", "").replace("group-by", "group")
            return problem(call, page.api, 400, words, field=getattr(error, "field", None))
        case OperationalError() | InterfaceError() | NoConnection():
            _log.error("the ledger cannot be reached: %s", getattr(error, "orig", None) or error)
            words = "the ledger cannot be reached (the program's log says why): try again soon"
            # As to somebody unknown: what stands around a page may be in the ledger too.
            return problem(replace(call, known=None), page.api, 503, words)
        case AccountsError():
            _log.error("%s", error)
            inside = call.known is not None and call.known.role is not Role.CUSTOMER
            return problem(call, page.api, 500, str(error) if inside else "something is broken")
        case _:
            _log.error("%s failed", call.request.url.path, exc_info=error)
            return problem(call, page.api, 500, "something is broken; the program's log says what")


def problem(
    call: Call, api: bool, status: int, words: str, field: str | None = None,
    limit: str | None = None,
) -> Response:  # fmt: skip
    """An error as JSON for programs, as a page for people."""
    if api:
        plain = {"error": words, "field": field, "limit": limit}
        return JSONResponse(plain, status_code=status)
    context: dict[str, Any] = {"status": status, "words": words}
    return call.explorer.page(call, "error", "error.html", "Error", context, status)


async def _form(request: Request) -> dict[str, list[str]] | None:
    """The posted fields; None when there is too much of them."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_FORM_BYTES:
            return None
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True,
                          max_num_fields=1000)  # fmt: skip
    except ValueError:
        return None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
