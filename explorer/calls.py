"""Calls of numbers for a visitor: the Per Number report without what a customer must not see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from explorer.access import Role, Visitor, own_customers
from explorer.arrow import described
from explorer.desk import report_of
from explorer.view import View, WrongView
from resources.calls import FoundCalls, NumberSummary, Side
from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.breakout import BREAKOUT
from resources.reporting.document import Document
from resources.reporting.figures import Table, find_accounts
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Column
from resources.reporting.per_number import (
    CallList,
    NumberRequest,
    number_columns,
    number_notices,
    summary_grid,
)
from resources.reporting.request import narrowed
from resources.schedules.audience import is_forbidden

MOST_NUMBERS = 2_000
"""So many numbers can be asked for at once."""


@dataclass(frozen=True)
class _OwnCalls:
    """Found calls whose summaries tell nothing of providers."""

    found: FoundCalls

    def __getattr__(self, name: str) -> Any:
        return getattr(self.found, name)

    def summaries(self) -> list[NumberSummary]:
        return [replace(each, provider_charges={}) for each in self.found.summaries()]


@dataclass(frozen=True)
class CallView:
    """The calls that a view asks for, while they can be read."""

    visitor: Visitor
    calls: CallList

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is told of a call."""
        return self.calls.request.columns

    @property
    def title(self) -> str:
        """Title, period and time zone."""
        return self.calls.title

    @property
    def minutes(self) -> bool:
        """Whether people read durations in minutes."""
        return self.calls.minutes

    def tables(self, *, people: bool) -> list[tuple[str, Table]]:
        """The calls; for people the summaries before them."""
        found = self.calls.tables(people=people)
        return [(title, self._seen(table)) for title, table in found]

    def notices(self, table: Table) -> tuple[str, ...]:
        """What must be said of its days."""
        return self.calls.notices(table)

    def remarks(self, table: Table) -> tuple[str, ...]:
        """There are none."""
        return ()

    def document(self, generated: Any) -> Document:
        """The same made for reading."""
        document = self.calls.document(generated)
        panels = tuple(
            replace(grid, table=self._seen(grid.table), sections=tuple(
                replace(s, rows=[self._cut(grid.table, row) for row in s.rows])
                for s in grid.sections
            ))
            for grid in document.panels
        )  # fmt: skip
        return replace(document, panels=panels)

    def shown(self, view: View, limit: int) -> tuple[list[tuple[Value, ...]], dict[str, Any]]:
        """The newest calls, and what a page must know of them."""
        of, reporting = self.calls, self.calls.reporting
        *_, (_, table) = self.calls.tables(people=True)
        rows = list(table.each(limit=limit))
        period, minutes = of.request.period, reporting.minutes
        summaries = of.found.summaries()
        grid = summary_grid(reporting, summaries).table
        kept = self._seen(grid)
        told = [
            [words.show(c, v, minutes=minutes) for c, v in zip(kept.columns, row, strict=True)]
            for row in kept.rows
        ]
        meta = {
            "report": view.report,
            "title": of.request.report.title,
            "period": {
                "first": period.first.isoformat(),
                "last": period.last.isoformat(),
                "words": words.period(period),
            },
            "timezone": reporting.timezone,
            "columns": [described(c, minutes=minutes) for c in self.columns],
            "row_count": table.rows_left,
            "rows": len(rows),
            "rows_left_out": max(0, table.rows_left - len(rows)),
            "row_limit": limit,
            "notices": list(number_notices(reporting, of.request)),
            "minutes": minutes,
            "numbers": [each.number for each in summaries],
            "summary": {
                "columns": [described(c, minutes=minutes) for c in kept.columns],
                "rows": told,
            },
            "query": view.query(report=True),
        }
        return rows, meta

    def _hidden(self, column: Column) -> bool:
        return is_forbidden(self.visitor.audience, column.name)

    def _seen(self, table: Table) -> Table:
        """The table without the columns that the visitor must not see."""
        if not any(map(self._hidden, table.columns)):
            return table
        columns = tuple(c for c in table.columns if not self._hidden(c))
        lines = _Cut(table, [n for n, c in enumerate(table.columns) if not self._hidden(c)])
        return replace(table, columns=columns, shown=len(columns), lines=lines)

    def _cut(self, table: Table, row: Sequence[Value]) -> tuple[Value, ...]:
        pairs = zip(table.columns, row, strict=True)
        return tuple(value for column, value in pairs if not self._hidden(column))


@dataclass(frozen=True)
class _Cut:
    """Lines with some of their columns."""

    table: Table
    kept: Sequence[int]

    def rows(
        self, sort: Sequence[Any], limit: int | None, losing: bool | None
    ) -> Iterator[tuple[Value, ...]]:
        for row in self.table.lines.rows(sort, limit, losing):
            yield tuple(row[n] for n in self.kept)

    def losses(self) -> int:
        return 0


@contextmanager
def calls_of(
    visitor: Visitor, reporting: Reporting, view: View, today: date, *, people: bool
) -> Iterator[CallView]:
    """The calls that a view asks for. Raises ReportError, CallsError."""
    report = report_of(reporting, view)
    if not report.listing or reporting.numbers is None:
        raise WrongView(f"{report.title} is made of sums: it has no calls to list", "report")
    if not view.numbers:
        raise WrongView("which number? Write at least one", "number")
    if len(view.numbers) > MOST_NUMBERS:
        raise WrongView(
            f"{len(view.numbers):,} numbers are too many: at most {MOST_NUMBERS:,}", "number"
        )
    try:
        side = Side(view.side)
    except ValueError:
        sides = ", ".join(each.value for each in Side)
        raise WrongView(f"unknown side {view.side!r}: choose from {sides}", "as") from None
    asked = view.asked
    period = view.period(today)
    asked_for = own_customers(visitor, reporting, asked.customers, asked.providers)
    # Who has calls is told by the sums; which calls these are is not looked at yet.
    accounts = partial(find_accounts, reporting, BREAKOUT, period, known_only=False)
    forced, _ = accounts(report.customers, ())
    customers, providers = accounts(asked_for, asked.providers)
    customers = narrowed("customer", forced, customers)
    question = reporting.numbers.ask(
        view.numbers, side, period.first, period.last, customers=customers, providers=providers
    )
    columns = number_columns(
        report, asked.columns, people=people, single=len(question.numbers) == 1
    )
    request = NumberRequest(report, period, side, columns, asked.top, customers, providers)
    with reporting.numbers.find(question) as found:
        calls: Any = found if visitor.role is not Role.CUSTOMER else _OwnCalls(found)
        yield CallView(visitor, CallList(reporting, request, calls))
