"""From sums to figures: the rows of a report, its totals, its order.

Ratios are made here, from sums, after the last grouping; the totals are made from the sums of all
rows. No files, no words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from resources.reporting.interfaces import Reporting
from resources.reporting.model import (
    EXACT,
    Column,
    Dimension,
    Kind,
    Measure,
    Number,
    Report,
    Value,
)
from resources.reporting.period import Period
from resources.reporting.query import Row, accounts_in_data, read_sums
from resources.reporting.request import Asked, Request, SortKey, resolve, resolve_accounts
from resources.reporting.words import is_negative

ALWAYS = ("attempts", "stale_rate_attempts")
"""Sums that every report reads, to say how much it covers and how sound its rates are."""


@dataclass(frozen=True)
class Table:
    """The figures of a request.

    `columns` begins with the `shown` columns that were asked for; those after them serve the order
    and the marking of losses. A row holds one value per column, as do the `totals` (None where a
    column has no total). `rows` may be cut by `--top`; `row_count` is how many there were, and the
    totals are over all of them.
    """

    request: Request
    columns: tuple[Column, ...]
    shown: int
    rows: list[tuple[Value, ...]]
    totals: tuple[Value, ...]
    row_count: int
    stale_rate_attempts: int

    @property
    def shown_columns(self) -> tuple[Column, ...]:
        """The columns that were asked for."""
        return self.columns[: self.shown]

    def position(self, name: str) -> int:
        """Where the column of that name is in a row."""
        return [column.name for column in self.columns].index(name)

    def is_loss(self, row: Sequence[Value]) -> bool:
        """Whether money was lost on the row."""
        return is_negative(row[self.position(self.request.report.loss)])


def request_for(
    reporting: Reporting, report: Report, asked: Asked, period: Period, *, people: bool
) -> Request:
    """The request that was meant, its accounts looked up. Raises ReportError for unknown names."""
    request = resolve(report, asked, period, people=people)
    known = partial(accounts_in_data, reporting, report, period)
    return replace(
        request,
        customers=resolve_accounts(
            "customer",
            asked.customers,
            reporting.names.customers,
            partial(known, "customer_id"),
        ),
        providers=resolve_accounts(
            "provider",
            asked.providers,
            reporting.names.providers,
            partial(known, "provider_id"),
        ),
    )


def make_table(reporting: Reporting, request: Request, *, people: bool) -> Table:
    """The figures of the request. Without a chosen order people see losses first, machines the
    order of the dimensions.
    """
    report = request.report
    helpers = [report.measure(report.loss), report.measure(report.weight)]
    wanted = (*request.columns, *request.group, *(key.column for key in request.sort), *helpers)
    beside = (report.measure(c.beside) for c in wanted if isinstance(c, Measure) and c.beside)
    columns = tuple(dict.fromkeys((*wanted, *beside)))
    names = _sums(column for column in columns if isinstance(column, Measure))
    found = read_sums(
        reporting,
        report,
        request.period,
        request.group,
        names,
        customers=request.customers,
        providers=request.providers,
    )
    width, counts = len(request.group), _counts(report)
    if not found and not request.group:
        found = [tuple(0 if name in counts else None for name in names)]
    place = {d.name: n for n, d in enumerate(request.group)}
    rows = [
        _values(columns, place, row, dict(zip(names, row[width:], strict=True))) for row in found
    ]
    total = _add(found, width, names, counts)
    totals = _totals(columns, place, found, total, names)
    row_count = len(rows)
    rows = _ordered(rows, columns, request.sort or _default_order(report, people))
    stale = total["stale_rate_attempts"]
    return Table(
        request,
        columns,
        len(request.columns),
        rows if request.top is None else rows[: request.top],
        totals,
        row_count,
        int(stale or 0),
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
    names = _sums(measures)
    found = read_sums(
        reporting,
        request.report,
        period,
        group,
        names,
        customers=request.customers,
        providers=request.providers,
    )
    columns: tuple[Column, ...] = (*group, *measures)
    place = {d.name: n for n, d in enumerate(group)}
    return [
        _values(columns, place, row, dict(zip(names, row[len(group) :], strict=True)))
        for row in found
    ]


def _sums(measures: Iterable[Measure]) -> tuple[str, ...]:
    needed = [name for measure in measures for name in measure.formula.sums]
    return tuple(dict.fromkeys((*needed, *ALWAYS)))


def _counts(report: Report) -> set[str]:
    plain = {m.formula.plus for m in report.measures if m.kind is Kind.COUNT}
    return plain | set(ALWAYS)


def _values(
    columns: Sequence[Column], place: dict[str, int], row: Row, sums: dict[str, Number | None]
) -> tuple[Value, ...]:
    return tuple(
        column.formula.value(sums) if isinstance(column, Measure) else row[place[column.name]]
        for column in columns
    )


def _add(
    found: Sequence[Row], width: int, names: Sequence[str], counts: set[str]
) -> dict[str, Number | None]:
    totals: dict[str, Number | None] = {}
    for n, name in enumerate(names, start=width):
        total: Number | None = 0 if name in counts else None
        for row in found:
            value = row[n]
            if value is None:
                continue
            if total is None:
                total = value
            elif isinstance(value, Decimal):
                total = EXACT.add(Decimal(total), value)
            else:
                total += value
        totals[name] = total
    return totals


def _totals(
    columns: Sequence[Column],
    place: dict[str, int],
    found: Sequence[Row],
    total: dict[str, Number | None],
    names: Sequence[str],
) -> tuple[Value, ...]:
    values: list[Value] = []
    for column in columns:
        if isinstance(column, Dimension):
            values.append(_sole_currency(column.name, columns, place, found, names))
        elif column.per_currency and len(_currencies(column, place, found, names)) > 1:
            values.append(None)
        else:
            values.append(column.formula.value(total))
    return tuple(values)


def _currencies(
    measure: Measure, place: dict[str, int], found: Sequence[Row], names: Sequence[str]
) -> set[str | None]:
    """Currencies in which the measure has an amount; a blank one counts when money is in it."""
    key, amount = place[measure.currency], len(place) + names.index(measure.formula.plus)
    return {row[key] for row in found if row[key] is not None or row[amount]}


def _sole_currency(
    dimension: str,
    columns: Sequence[Column],
    place: dict[str, int],
    found: Sequence[Row],
    names: Sequence[str],
) -> str | None:
    """The currency that the totals are in, for the column that holds currencies."""
    for column in columns:
        if isinstance(column, Measure) and column.currency == dimension:
            currencies = _currencies(column, place, found, names)
            return next(iter(currencies)) if len(currencies) == 1 else None
    return None


def _default_order(report: Report, people: bool) -> tuple[SortKey, ...]:
    return (SortKey(report.measure(report.loss)),) if people else ()


def _ordered(
    rows: list[tuple[Value, ...]], columns: Sequence[Column], keys: Sequence[SortKey]
) -> list[tuple[Value, ...]]:
    """Sorted by the keys; missing values last, but blank dimensions first when ascending.

    The rows come in order of the dimensions, which stays the order among equals.
    """
    rows = list(rows)
    for key in reversed(keys):
        n = columns.index(key.column)
        present = [row for row in rows if row[n] is not None]
        absent = [row for row in rows if row[n] is None]
        present.sort(key=lambda row: row[n], reverse=key.descending)  # type: ignore[arg-type, return-value]
        first = isinstance(key.column, Dimension) and not key.descending
        rows = [*absent, *present] if first else [*present, *absent]
    return rows
