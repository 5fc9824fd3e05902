"""The list of everything that is served, and the pages of the reports themselves."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from explorer import api, delivered, deliveries, downloads, health, preview, schedules, static
from explorer.access import EVERYBODY
from explorer.catalogue import entry
from explorer.guard import COOKIE, MOST_LETTERS
from explorer.serving import Call, NotFound, Page, problem
from explorer.view import parse
from resources.reporting.errors import ReportError, unknown


def _report(call: Call, name: str, template: str) -> Response:
    reporting = call.explorer.desk.reporting(call.visitor)
    asked = call.one("report") or name
    if asked not in reporting.reports:
        raise NotFound(str(unknown("report", asked, reporting.reports)))
    if asked != name:  # as the API and the downloads write it
        others = [(key, value) for key, value in call.pairs if key != "report"]
        path = "/per-number" if reporting.reports[asked].listing else f"/reports/{quote(asked)}"
        query = f"?{urlencode(others)}" if others else ""
        return RedirectResponse(path + query, status_code=303)
    family = reporting.reports[name]
    if family.listing and template == "report.html":
        raise NotFound(f"{family.title} is at /per-number")
    try:
        query = parse(call.pairs, name, strict=False).query()
    except ReportError:
        query = call.request.url.query  # the page asks with it, and shows what is wrong
    context = {
        "report": entry(family, reporting),
        "query": query,
        "reports": [
            {"name": f.name, "title": f.title} for f in reporting.reports.values() if not f.listing
        ],
    }
    return call.explorer.page(call, name, template, family.title, context)


def home(call: Call) -> Response:
    """Breakout."""
    return _report(call, "breakout", "report.html")


def report(call: Call) -> Response:
    """A report of sums."""
    return _report(call, call.path("name"), "report.html")


def per_number(call: Call) -> Response:
    """The calls of numbers."""
    return _report(call, "per-number", "per_number.html")


def log_in_form(call: Call) -> Response:
    """Asks for name and password."""
    if call.known is not None:
        return RedirectResponse(_inside(call.one("next")), status_code=303)
    context = {"next": _inside(call.one("next")), "error": ""}
    return call.explorer.page(call, "login", "login.html", "Log in", context)


def log_in(call: Call) -> Response:
    """Logs in, and goes where the visitor came from."""
    guard, target = call.explorer.guard, _inside(call.field("next"))
    name, password = call.field("name").strip()[:100], call.field("password")[:MOST_LETTERS]
    session, why = guard.log_in(call.request, name, password)
    if session is None:
        context = {"next": target, "error": why}
        status = 429 if why.startswith("too many") else 401
        return call.explorer.page(call, "login", "login.html", "Log in", context, status)
    # A session that existed before the log-in is worth nothing after it.
    guard.sessions.end(call.session)
    response = RedirectResponse(target, status_code=303)
    guard.remember(response, call.request, session)
    return response


def log_out(call: Call) -> Response:
    """Ends the session."""
    call.explorer.guard.sessions.end(call.session)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


def nothing(call: Call) -> Response:
    """What is not here."""
    return problem(call, call.request.url.path.startswith("/api/"), 404, "there is no such page")


def _inside(target: str) -> str:
    """Where to go after the log-in: a path of ours, whatever somebody wrote into the link."""
    safe = target.startswith("/") and not target.startswith(("//", "/\\", "/login", "/logout"))
    return target if safe and target.isprintable() and "\\" not in target else "/"


def healthz(call: Call) -> Response:
    """For machines: whether the newest day is there and sound."""
    found = health.state(call.explorer)
    latest = found.latest.isoformat() if found.latest else None
    plain = {"ok": found.ok, "latest_day": latest}
    return JSONResponse(plain, status_code=200 if found.ok else 503)


PAGES: tuple[Page, ...] = (
    Page("/", home, EVERYBODY),
    Page("/reports/{name}", report, EVERYBODY),
    Page("/per-number", per_number, EVERYBODY),
    *api.PAGES,
    *downloads.PAGES,
    *schedules.PAGES,
    *preview.PAGES,
    *deliveries.PAGES,
    *delivered.PAGES,
    *health.PAGES,
    *static.PAGES,
    Page("/healthz", healthz, None, api=True),
    Page("/login", log_in_form, None),
    Page("/login", log_in, None, ("POST",)),
    Page("/logout", log_out, None, ("POST",)),
    Page("/{path:path}", nothing, None),
)
