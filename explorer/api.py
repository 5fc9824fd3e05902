"""What scripts of the pages ask: the catalogue, accounts, members, rows, charts, calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse, Response

from explorer import arrow
from explorer.access import EVERYBODY, Role
from explorer.calls import calls_of
from explorer.catalogue import catalogue
from explorer.desk import Question, question_of, report_of
from explorer.limits import SECONDS
from explorer.serving import Call, Forbidden, Page
from explorer.view import View, WrongView, parse, whole
from resources.reporting import words
from resources.reporting.document import request_notices
from resources.reporting.figures import Held, Table
from resources.reporting.interfaces import Reporting
from resources.reporting.notices import compared_with
from resources.reporting.pivot import Pivot, make_pivot
from resources.reporting.plots import points
from resources.reporting.query import Answer
from resources.reporting.query import Question as Sums

ROWS, MOST_ROWS = 1_000, 10_000
"""Rows that a page gets when it does not say, and at most."""

MEMBERS = 200
_OWN = ("levels", "limit", "offset", "dimension", "search")


def view_of(call: Call, own: tuple[str, ...] = ()) -> View:
    """The view of the query string; `own` are parameters of the path itself."""
    return parse([(k, v) for k, v in call.pairs if k not in own])


def number(call: Call, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query string."""
    text = call.one(name)
    return whole(text, name, least, most) if text else default


def get_catalogue(call: Call) -> Response:
    """The reports that the visitor may ask for, and their columns."""
    desk = call.explorer.desk
    return JSONResponse(catalogue(desk, call.visitor, desk.reporting(call.visitor)))


def get_accounts(call: Call) -> Response:
    """Customers or providers, by name and id."""
    side, search = call.one("side", "customers"), call.one("search").strip().casefold()
    limit = number(call, "limit", 50, 1, 1000)
    if side not in ("customers", "providers"):
        raise WrongView(f"side {side!r}: choose customers or providers", "side")
    if side == "providers" and call.visitor.role is Role.CUSTOMER:
        raise Forbidden("this is not for you: ask who runs the program")
    reporting = call.explorer.desk.reporting(call.visitor)
    known = dict(getattr(reporting.names, side))
    if call.visitor.role is not Role.CUSTOMER:
        with call.explorer.desk.turn(call.visitor):
            in_data = call.explorer.accounts_in_data(side)
        known |= {account: known.get(account) or account for account in in_data}
    found = sorted(
        ((known[a] or a, a) for a in known if search in f"{a} {known[a]}".casefold()),
        key=lambda each: (each[0].casefold(), each[1]),
    )
    shown = [{"id": account, "name": name} for name, account in found[:limit]]
    return JSONResponse({"accounts": shown, "more": len(found) > limit})


def get_members(call: Call) -> Response:
    """The values of a dimension in the view's period, under its other filters."""
    view = view_of(call, _OWN)
    name, search = call.one("dimension"), call.one("search").strip().casefold()
    limit = number(call, "limit", MEMBERS, 1, 2_000)
    desk = call.explorer.desk
    reporting = desk.reporting(call.visitor)
    report = report_of(reporting, view)
    if report.listing or name not in [d.name for d in report.dimensions]:
        known = ", ".join(d.name for d in report.dimensions)
        raise WrongView(f"unknown dimension {name!r}: choose from {known}", "dimension")
    others = tuple(f for f in view.asked.filters if f.partition("=")[0].strip() != name)
    asked = replace(view.asked, group_by=name, columns=None, sort=None, top=None, compare="none",
                    filters=others, currency=None)  # fmt: skip
    view = replace(view, asked=asked, split=())
    with desk.turn(call.visitor):
        found = question_of(call.visitor, reporting, view, desk.today(), people=False)
        request = found.request
        question = Sums(found.report, request.period, request.group, (), request.restrictions,
                        everything=True)  # fmt: skip
        answer = Answer(reporting, question)
        texts = ["" if v is None else str(v) for v, *_ in answer.rows()]
    fitting = [text for text in texts if search in text.casefold()]
    shown = {"dimension": name, "members": fitting[:limit], "more": len(fitting) > limit}
    return JSONResponse(shown)


def get_rows(call: Call) -> Response:
    """The rows of a view as an Arrow stream."""
    view = view_of(call, _OWN)
    levels = call.one("levels") not in ("", "0")
    limit = number(call, "limit", ROWS, 1, MOST_ROWS)
    offset = number(call, "offset", 0, 0, 10**9)
    desk = call.explorer.desk
    reporting = desk.reporting(call.visitor)
    with desk.turn(call.visitor):
        found = question_of(call.visitor, reporting, view, desk.today(), people=True)
        pivot = make_pivot(
            reporting, found.request, found.splits, levels=levels, limit=limit, offset=offset
        )
        meta = _meta(reporting, view, found, pivot, offset)
    return Response(arrow.pivot_stream(pivot, meta), media_type=arrow.TYPE)


def _meta(
    reporting: Reporting, view: View, found: Question, pivot: Pivot, offset: int
) -> dict[str, Any]:
    request, period = found.request, found.request.period
    minutes = reporting.minutes
    table = _as_table(pivot)
    before = request.before
    compared = (
        "" if before is None
        else compared_with(reporting.notices(before.first, before.last), before)
    )  # fmt: skip
    columns = [arrow.described(column, minutes=minutes) for column in pivot.columns]
    seconds = str(reporting.short_call_seconds)
    for each in columns:
        each["definition"] = each["definition"].replace("{short_call_seconds}", seconds)
    totals = zip(pivot.columns, pivot.totals, strict=True)
    return {
        "report": view.report,
        "choice": view.choice or "",
        "title": found.report.title,
        "period": {
            "first": period.first.isoformat(),
            "last": period.last.isoformat(),
            "words": words.period(period),
        },
        "timezone": reporting.timezone,
        "currency": request.currency,
        "group": [d.name for d in pivot.group],
        "split": [d.name for d in pivot.split],
        "columns": columns,
        "sort": [f"{'-' if k.descending else ''}{k.column.name}" for k in pivot.sort],
        "row_count": pivot.row_count,
        "rows": pivot.shown,
        "rows_left_out": max(0, pivot.row_count - pivot.shown - offset),
        "row_limit": pivot.limit,
        "splits_left_out": pivot.splits_left_out,
        "time_limit_seconds": SECONDS,
        "totals": {c.name: arrow.exact(v) for c, v in totals},
        "notices": list(request_notices(reporting, request, table)),
        "losses": pivot.losses,
        "minutes": minutes,
        "query": view.query(report=True),
        "compared": compared,
        "weight": request.report.weight,
        "loss": request.report.loss,
    }


def _as_table(pivot: Pivot) -> Table:
    """What notices look at of a table."""
    return Table(pivot.columns, len(pivot.columns), pivot.group, pivot.totals, pivot.row_count,
                 Held(()), stale_rate_attempts=pivot.stale_rate_attempts)  # fmt: skip


def get_charts(call: Call) -> Response:
    """The report's own charts, drawn as for its pages."""
    from resources.reporting.charts import draw, is_worth_drawing

    view = view_of(call)
    desk = call.explorer.desk
    reporting = desk.reporting(call.visitor)
    with desk.turn(call.visitor):
        asked = replace(view.asked, columns=None, sort=None)
        found = question_of(call.visitor, reporting, replace(view, asked=asked, split=()),
                            desk.today(), people=True)  # fmt: skip
        charts = found.request.report.charts  # in the currency that was asked for
        made = [points(reporting, found.request, chart) for chart in charts]
        pictures = [draw(each) for each in made if is_worth_drawing(each)]
    drawn = [
        {"title": p.title, "caption": p.caption, "alt": p.alt, "svg": p.svg, "wide": p.wide}
        for p in pictures
    ]
    return JSONResponse({"charts": drawn})


def get_calls(call: Call) -> Response:
    """The calls of numbers as an Arrow stream, with their summaries."""
    view = view_of(call, _OWN)
    limit = number(call, "limit", ROWS, 1, MOST_ROWS)
    desk, visitor = call.explorer.desk, call.visitor
    reporting = desk.reporting(visitor)
    with (
        desk.turn(visitor),
        calls_of(visitor, reporting, view, desk.today(), people=True) as made,
    ):
        rows, meta = made.shown(view, limit)
        stream = arrow.table_stream(made.columns, rows, meta)
    return Response(stream, media_type=arrow.TYPE)


PAGES = (
    Page("/api/catalogue", get_catalogue, EVERYBODY, api=True),
    Page("/api/accounts", get_accounts, EVERYBODY, api=True),
    Page("/api/members", get_members, EVERYBODY, api=True),
    Page("/api/rows", get_rows, EVERYBODY, api=True),
    Page("/api/charts", get_charts, EVERYBODY, api=True),
    Page("/api/calls", get_calls, EVERYBODY, api=True),
)
