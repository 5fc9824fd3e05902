"""From sums to figures: the rows of a report, its totals, its order.

Ratios are made here, from sums, after the last grouping; the totals are made from the sums of all
rows. Rows are made as they are read, so that a million of them need no room. No files, no words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Protocol

from resources.reporting.arithmetic import BEFORE, Number, Value
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Column, Dimension, Kind, Measure, Report
from resources.reporting.period import Period
from resources.reporting.query import Answer, Question, Row, accounts_in_data, key, source_of
from resources.reporting.request import (
    Asked,
    Request,
    SortKey,
    narrowed,
    resolve,
    resolve_accounts,
)
from resources.reporting.words import is_negative

ALWAYS = ("attempts", "stale_rate_attempts")
"""Sums that every report reads, to say how much it covers and how sound its rates are."""


class Lines(Protocol):
    """Where the rows of a table come from; each call reads them anew."""

    def rows(
        self, sort: Sequence[SortKey], limit: int | None, losing: bool | None
    ) -> Iterator[tuple[Value, ...]]:
        """The rows in an order, at most `limit`; only those with a loss, or only those without."""
        ...

    def losses(self) -> int:
        """How many rows have a loss."""
        ...


@dataclass(frozen=True)
class Table:
    """The figures of a report, whatever they were made from.

    `columns` begins with the `shown` columns that were asked for; those after them serve the order
    and the marking of losses. A row holds one value per column, as do the `totals` (None where a
    column has no total; empty where totals would mean nothing). `top` cuts the rows, of
    which there were `row_count`; the totals are over all of them.
    """

    columns: tuple[Column, ...]
    shown: int
    group: tuple[Dimension, ...]
    totals: tuple[Value, ...]
    row_count: int
    lines: Lines
    sort: tuple[SortKey, ...] = ()
    top: int | None = None
    loss: str | None = None
    stale_rate_attempts: int = 0

    @property
    def shown_columns(self) -> tuple[Column, ...]:
        """The columns that were asked for."""
        return self.columns[: self.shown]

    def each(
        self,
        *,
        sort: Sequence[SortKey] | None = None,
        limit: int | None = None,
        losing: bool | None = None,
    ) -> Iterator[tuple[Value, ...]]:
        """The rows, one by one, in the table's order or in another."""
        given = [n for n in (limit, self.top) if n is not None]
        order = self.sort if sort is None else sort
        return self.lines.rows(order, min(given) if given else None, losing)

    @cached_property
    def rows(self) -> list[tuple[Value, ...]]:
        """All rows at once: only for what is known to be small."""
        return list(self.each())

    @property
    def rows_left(self) -> int:
        """How many rows `top` has left."""
        return self.row_count if self.top is None else min(self.top, self.row_count)

    @property
    def totals_label(self) -> int | None:
        """Which column says that the totals are the totals: the first dimension without one."""
        shown = zip(self.shown_columns, self.totals, strict=False)
        free = (n for n, (c, v) in enumerate(shown) if isinstance(c, Dimension) and v is None)
        return next(free, None)

    def position(self, name: str) -> int:
        """Where the column of that name is in a row."""
        return [column.name for column in self.columns].index(name)

    def is_loss(self, row: Sequence[Value]) -> bool:
        """Whether money was lost on the row."""
        return self.loss is not None and is_negative(row[self.position(self.loss)])


@dataclass(frozen=True)
class _Grouped:
    """Lines made from the sums of an answer."""

    answer: Answer
    columns: tuple[Column, ...]
    group: tuple[Dimension, ...]
    loss: Measure | None
    nothing: tuple[Value, ...] | None = None

    def rows(
        self, sort: Sequence[SortKey], limit: int | None, losing: bool | None
    ) -> Iterator[tuple[Value, ...]]:
        if self.nothing is not None:
            yield self.nothing
            return
        order = [self._by(sort_key) for sort_key in sort]
        place = {dimension.name: n for n, dimension in enumerate(self.group)}
        width, names = len(self.group), tuple(self.answer.place)
        for row in self.answer.rows(order, self._where(losing), limit):
            yield values_of(self.columns, place, row, dict(zip(names, row[width:], strict=True)))

    def losses(self) -> int:
        return self.answer.count(self._where(losing=True)) if self.loss else 0

    def _where(self, losing: bool | None) -> str:
        if losing is None or self.loss is None:
            return "true" if not losing else "false"
        sign = "" if losing else "NOT "
        return f"{sign}COALESCE({self.loss.formula.sql(self.answer.place)} < 0, false)"

    def _by(self, sort_key: SortKey) -> str:
        column, way = sort_key.column, "DESC" if sort_key.descending else "ASC"
        if isinstance(column, Measure):
            return f"{column.formula.sql(self.answer.place)} {way} NULLS LAST"
        # Blank dimensions come first, as they do without an order.
        nulls = "LAST" if sort_key.descending else "FIRST"
        return f"{key(self.group, column.name)} {way} NULLS {nulls}"


@dataclass(frozen=True)
class Held:
    """Lines that are few enough to be held, in their own order whatever is asked for."""

    held: Sequence[tuple[Value, ...]]

    def rows(
        self, sort: Sequence[SortKey], limit: int | None, losing: bool | None
    ) -> Iterator[tuple[Value, ...]]:
        """The first `limit` of them; none when only losses are wanted."""
        return iter(() if losing else self.held[:limit])

    def losses(self) -> int:
        """None has a loss."""
        return 0


def request_for(
    reporting: Reporting, report: Report, asked: Asked, period: Period, *, people: bool
) -> Request:
    """The request that was meant, its accounts looked up. Raises ReportError for unknown names."""
    request = resolve(report, asked, period, people=people, currencies=reporting.currencies)
    forced = find_accounts(reporting, report, period, report.customers, report.providers)
    chosen = find_accounts(reporting, report, period, asked.customers, asked.providers)
    return replace(
        request,
        customers=narrowed("customer", forced[0], chosen[0]),
        providers=narrowed("provider", forced[1], chosen[1]),
    )


def find_accounts(
    reporting: Reporting,
    report: Report,
    period: Period,
    customers: Iterable[str],
    providers: Iterable[str],
    *,
    known_only: bool = True,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of customers and providers named by id or name. Raises ReportError for unknown ones.

    Ids without a name are those that the report holds in the period; unless `known_only`, any word
    that is no name is taken for an id.
    """
    names = reporting.names
    found = []
    for what, asked, named in (
        ("customer", customers, names.customers),
        ("provider", providers, names.providers),
    ):
        in_data = partial(accounts_in_data, reporting, report, period, f"{what}_id")
        found.append(resolve_accounts(what, asked, named, in_data, known_only=known_only))
    return found[0], found[1]


def make_table(reporting: Reporting, request: Request, *, people: bool) -> Table:
    """The figures of the request. Without a chosen order people see losses first, machines the
    order of the dimensions; but for the top so many, which are the same for both.
    """
    report, group = request.report, request.group
    loss = report.measure(report.loss) if report.loss else None
    helpers = [m for m in (loss, report.measure(report.weight)) if m is not None]
    by_default = people or request.top is not None
    sort = request.sort or (default_order(report, group, request.columns) if by_default else ())
    wanted = (*request.columns, *group, *(k.column for k in sort), *helpers)
    beside = (report.measure(c.beside) for c in wanted if isinstance(c, Measure) and c.beside)
    columns = tuple(dict.fromkeys((*wanted, *beside)))
    measures = [column for column in columns if isinstance(column, Measure)]
    answer = Answer(reporting, question(request, measures, group))
    row_count = answer.count()
    # Of rows that know nothing of a period, as it holds no data, all together know nothing either.
    counts = set() if row_count else counted_sums(report)
    total = {n: v or 0 if n in counts else v for n, v in answer.totals().items()}
    place = {d.name: n for n, d in enumerate(group)}
    nothing = None
    if not row_count and not group:
        nothing, row_count = values_of(columns, {}, (), total), 1
    return Table(
        columns,
        len(request.columns),
        group,
        totals_of(columns, place, answer, total) if group else (),  # else the row is the totals
        row_count,
        _Grouped(answer, columns, group, loss, nothing),
        sort,
        request.top,
        report.loss,
        int(total["stale_rate_attempts"] or 0),
    )


def figures_of(
    reporting: Reporting,
    request: Request,
    period: Period,
    measures: Sequence[Measure],
    group: Sequence[Dimension] = (),
) -> list[tuple[Value, ...]]:
    """Measures of another period or grouping, under the request's filters: dimensions first.

    No row where there is no data.
    """
    asked = question(request, measures, group)
    answer = Answer(reporting, replace(asked, period=period, before=None))
    columns: tuple[Column, ...] = (*group, *measures)
    return list(_Grouped(answer, columns, tuple(group), None).rows((), None, None))


def left_out(reporting: Reporting, request: Request) -> int | None:
    """Attempts that the report leaves out; None where it leaves none out by its nature."""
    outside = request.report.outside
    if outside is None or any(c.name in outside.measures for c in request.columns):
        return None
    asked = replace(question(request, (), ()), outside=True, everything=False, before=None)
    return int(Answer(reporting, asked).totals()["attempts"] or 0)


def reads_calls(request: Request, *also: Sequence[Dimension]) -> bool:
    """Whether the request's figures, or its own by these groups too, are made of single calls."""
    measures = [column for column in request.columns if isinstance(column, Measure)]
    asked = [question(request, measures, request.group)]
    asked += [question(request, (), group) for group in also]
    return any(source_of(each).of_calls for each in asked)


def question(request: Request, measures: Iterable[Measure], group: Sequence[Dimension]) -> Question:
    """What to read for these measures of the request."""
    outside = request.report.outside
    chosen = {column.name for column in request.columns}
    return Question(
        request.report,
        request.period,
        tuple(group),
        tuple(dict.fromkeys((*(n for m in measures for n in m.formula.sums), *ALWAYS))),
        request.restrictions,
        request.before,
        everything=outside is None or bool(chosen & outside.measures),
        currency=request.currency,
    )


def counted_sums(report: Report) -> set[str]:
    """Sums that are 0 where there is no row at all; of a period compared with nothing is known."""
    sums = {m.formula.sums[0] for m in report.measures if m.kind is Kind.COUNT}
    return {name for name in sums if not name.startswith(BEFORE)} | set(ALWAYS)


def values_of(
    columns: Sequence[Column], place: dict[str, int], row: Row, sums: dict[str, Number | None]
) -> tuple[Value, ...]:
    """The figures of a group, by its sums; `place` says where its dimensions are in the row."""
    return tuple(
        column.formula.value(sums) if isinstance(column, Measure) else row[place[column.name]]
        for column in columns
    )


def totals_of(
    columns: Sequence[Column],
    place: dict[str, int],
    answer: Answer,
    total: dict[str, Number | None],
) -> tuple[Value, ...]:
    """The figures of all rows together; None where they would mean nothing."""
    values: list[Value] = []
    for column in columns:
        if isinstance(column, Dimension):
            values.append(_sole_currency(column.name, columns, place, answer))
        elif column.kind in (Kind.FLAG, Kind.SCORE):
            # They judge one member against the others; all together are not judged.
            values.append(None)
        elif column.per_currency and len(_currencies(column, place, answer)) > 1:
            values.append(None)
        else:
            values.append(column.formula.value(total))
    return tuple(values)


def _currencies(measure: Measure, place: dict[str, int], answer: Answer) -> set[str | None]:
    """Currencies in which the measure has an amount; a blank one counts when money is in it."""
    sums = (name for name in measure.formula.sums if name.removeprefix(BEFORE) in answer.place)
    return {code for name in sums for code in answer.values(place[measure.currency], name)}


def _sole_currency(
    dimension: str, columns: Sequence[Column], place: dict[str, int], answer: Answer
) -> str | None:
    """The currency that the totals are in, for the column that holds currencies."""
    for column in columns:
        if isinstance(column, Measure) and column.currency == dimension:
            currencies = _currencies(column, place, answer)
            return next(iter(currencies)) if len(currencies) == 1 else None
    return None


def default_order(
    report: Report, group: Sequence[Dimension], shown: Iterable[Column]
) -> tuple[SortKey, ...]:
    """A series from its beginning; else losses first, where they are shown; else the largest."""
    if group and group[0].kind in (Kind.DATE, Kind.HOUR, Kind.CLOCK):
        return ()
    if report.loss and any(column.name in (report.loss, "profit_percent") for column in shown):
        return (SortKey(report.measure(report.loss)),)
    return (SortKey(report.measure(report.weight), descending=True),)
