"""A pivot: rows grouped one way, columns another, with subtotals, each reckoned from sums.

No figure is made from figures: a subtotal's ratio comes from the sums of its rows, as every row's
does. What is asked and how sums are read is `request` and `query`; here they are only arranged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from resources.reporting.arithmetic import Number, Value
from resources.reporting.figures import (
    counted_sums,
    default_order,
    question,
    totals_of,
)
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Column, Dimension, Measure
from resources.reporting.query import Answer, Row
from resources.reporting.request import Request, SortKey
from resources.reporting.words import is_negative

MOST_SPLITS = 200
"""So many columns beside each other at most, the largest by the report's weight."""

MOST_CELLS = 50_000
"""So many rows are made at most, splits counted: where they are many, fewer rows are given."""


@dataclass(frozen=True)
class PivotRow:
    """Figures where `depth` of the row groups' dimensions hold, and `split` of the columns'.

    `values` are in the order of the pivot's columns; dimensions that do not hold are None, but for
    a currency that all money in the row is in.
    """

    depth: int
    split: int
    values: tuple[Value, ...]
    loss: bool


@dataclass(frozen=True)
class Pivot:
    """The rows of a window, parents before children, and what stands beside them.

    `columns` begin with the dimensions of `group` and of `split`. `row_count` counts all rows of
    full depth, their splits not counted; `limit` is how many of them were given at most.
    """

    group: tuple[Dimension, ...]
    split: tuple[Dimension, ...]
    columns: tuple[Column, ...]
    sort: tuple[SortKey, ...]
    rows: tuple[PivotRow, ...]
    totals: tuple[Value, ...]
    row_count: int
    shown: int
    limit: int
    splits_left_out: int
    losses: int
    stale_rate_attempts: int


def make_pivot(
    reporting: Reporting,
    request: Request,
    splits: int = 0,
    *,
    levels: bool = False,
    limit: int,
    offset: int = 0,
) -> Pivot:
    """The request as a pivot: the last `splits` dimensions of its group are columns.

    With `levels` each subtotal is a row, too. `limit` and `offset` count rows of full depth.
    """
    report, whole = request.report, request.group
    width = len(whole) - splits
    group, across = whole[:width], whole[width:]
    loss = report.measure(report.loss) if report.loss else None
    weight = report.measure(report.weight)
    sort = request.sort or default_order(report, group, request.columns)
    sort = tuple(k for k in sort if isinstance(k.column, Measure) or k.column in group)
    asked = [c for c in request.columns if isinstance(c, Measure)]
    beside = [report.measure(c.beside) for c in asked if c.beside]
    columns: tuple[Column, ...] = (*whole, *dict.fromkeys([*asked, *beside]))
    ordering = [k.column for k in sort if isinstance(k.column, Measure)]
    measures = dict.fromkeys([*columns[len(whole) :], *ordering, weight, *([loss] if loss else [])])
    answer = Answer(reporting, question(request, [m for m in measures if isinstance(m, Measure)],
                                        whole))  # fmt: skip
    counts = set() if answer.count() else counted_sums(report)
    total = {n: v or 0 if n in counts else v for n, v in answer.totals().items()}
    made = _Levels(answer, columns, whole, width, sort, loss)
    combinations = made.combinations(weight, splits)
    limit = max(1, min(limit, MOST_CELLS // (min(combinations, MOST_SPLITS) + 1)))
    if request.top is not None:
        limit = max(0, min(limit, request.top - offset))
    row_count, losses = made.window(limit, offset, levels)
    place = {d.name: n for n, d in enumerate(whole)}
    totals = totals_of(columns, place, answer, total)
    rows: list[PivotRow] = []
    if levels or not width:
        is_loss = loss is not None and is_negative(loss.formula.value(total))
        rows.append(PivotRow(0, 0, totals, is_loss))
    rows += made.rows(levels, splits)
    if request.top is not None:
        row_count = min(row_count, request.top)
    return Pivot(
        group,
        across,
        columns,
        sort,
        tuple(rows),
        totals,
        row_count if width else 1,
        made.shown if width else 1,
        limit,
        max(0, combinations - MOST_SPLITS),
        losses,
        int(total["stale_rate_attempts"] or 0),
    )


class _Levels:
    """The grouped sums of an answer, summed further to each level: tables `d1`, `d2`, … of it."""

    def __init__(
        self,
        answer: Answer,
        columns: tuple[Column, ...],
        whole: tuple[Dimension, ...],
        width: int,
        sort: tuple[SortKey, ...],
        loss: Measure | None,
    ) -> None:
        self.answer, self.columns, self.whole, self.width = answer, columns, whole, width
        self.sort, self.loss = sort, loss
        self.shown = 0
        self._index = {dimension.name: n for n, dimension in enumerate(whole)}
        self._own = [c for c in columns if isinstance(c, Measure) and c.per_currency]
        self._across = list(range(width, len(whole)))
        sums = (name for c in columns if isinstance(c, Measure) for name in c.formula.sums)
        self._shown = tuple(dict.fromkeys(sums))

    def combinations(self, weight: Measure, splits: int) -> int:
        """Chooses the columns, table `c` in the order of the keys; how many there were."""
        if not splits:
            return 0
        keys = ", ".join(f"k{n}" for n in self._across)
        sums = ", ".join(self._sums())
        self.answer.ask(f"CREATE TABLE a AS SELECT {keys}, {sums} FROM g GROUP BY {keys}")
        order = f"{weight.formula.sql(self.answer.place)} DESC NULLS LAST, {_first(self._across)}"
        self.answer.ask(
            f"CREATE TABLE c AS SELECT *, row_number() OVER (ORDER BY {_first(self._across)}) AS n "
            f"FROM (SELECT {keys} FROM a ORDER BY {order} LIMIT {MOST_SPLITS})"
        )
        return _one(self.answer.ask("SELECT count(*) FROM a"))

    def window(self, limit: int, offset: int, levels: bool) -> tuple[int, int]:
        """Chooses the rows, table `p`; how many rows of full depth there are, how many losses."""
        if not self.width:
            return 1, 0
        parents = range(1, self.width) if levels else range(0)
        for depth in parents:
            self.answer.ask(
                f"CREATE TABLE d{depth} AS SELECT *, row_number() OVER (ORDER BY "
                f"{self._order(depth)}) AS r FROM ({self._level(range(depth))})"
            )
        # A view where g has such rows already, for only some of them will be read.
        kind = "TABLE" if self._across else "VIEW"
        self.answer.ask(f"CREATE {kind} d{self.width} AS {self._level(range(self.width))}")
        joins = "".join(
            f" JOIN d{n} ON {_same(range(n), f'd{n}', f'd{self.width}')}" for n in parents
        )
        path = "".join(f", d{n}.r AS r{n}" for n in parents)
        by = ", ".join([*(f"r{n}" for n in parents), self._order(self.width)])
        self.answer.ask(
            f"CREATE TABLE p AS WITH o AS (SELECT d{self.width}.*{path} FROM d{self.width}{joins}) "
            f"SELECT *, row_number() OVER (ORDER BY {by}) AS r{self.width} "
            f"FROM (FROM o ORDER BY {by} LIMIT {int(limit)} OFFSET {int(offset)})"
        )
        self.shown = _one(self.answer.ask("SELECT count(*) FROM p"))
        lost = self._lost(self.answer.place)
        found = self.answer.ask(f"SELECT count(*), count(*) FILTER ({lost}) FROM d{self.width}")
        return (int(found[0][0]), int(found[0][1])) if found else (0, 0)

    def rows(self, levels: bool, splits: int) -> list[PivotRow]:
        """The rows of the window, parents before children, each with its splits behind it."""
        found: list[tuple[tuple[int, ...], int, PivotRow]] = []
        for depth in range(0 if levels else self.width, self.width + 1):
            if depth and (levels or not splits):
                found += self._plain(depth, levels)
            if splits:
                found += self._split(depth, levels)
        found.sort(key=itemgetter(0, 1))
        return [row for *_, row in found]

    def _plain(self, depth: int, levels: bool) -> Iterable[tuple[tuple[int, ...], int, PivotRow]]:
        path = self._path(depth, levels)
        if depth == self.width:
            alias, source = "q", "p AS q"
        else:
            prefixes = self._prefixes(depth, levels)
            alias = "d"
            source = f"d{depth} AS d JOIN {prefixes} AS q ON {_same(range(depth), 'd', 'q')}"
        text = (
            f"SELECT {', '.join(path) or '0'}, {self._texts(range(depth), alias)}, "
            f"{self._read(alias)} FROM {source}"
        )
        make = self._maker(depth, 0, range(depth))
        for row in self.answer.ask(text):
            yield row[: len(path)], 0, make(row[len(path) :])

    def _split(self, depth: int, levels: bool) -> Iterable[tuple[tuple[int, ...], int, PivotRow]]:
        held = [*range(depth), *self._across]
        path = self._path(depth, levels)
        inside = (
            f"JOIN {self._prefixes(depth, levels)} AS q ON {_same(range(depth), 'd', 'q')}"
            if depth
            else ""
        )
        text = (
            f"SELECT {', '.join([*path, 'c.n'])}, {self._texts(held, 'd')}, {self._read('d')} "
            f"FROM ({self._level(held)}) AS d "
            f"JOIN c ON {_same(self._across, 'd', 'c')} {inside}"
        )
        make, at = self._maker(depth, len(self._across), held), len(path)
        for row in self.answer.ask(text):
            yield row[:at], row[at], make(row[at + 1 :])

    def _path(self, depth: int, levels: bool) -> list[str]:
        """Where the row stands: its ancestors' places, then its own."""
        if not depth:
            return []
        return [f"q.r{n}" for n in (range(1, depth + 1) if levels else [self.width])]

    def _prefixes(self, depth: int, levels: bool) -> str:
        """The members of a level that have rows in the window."""
        path = [f"r{n}" for n in (range(1, depth + 1) if levels else [self.width])]
        return f"(SELECT DISTINCT {', '.join([_keys(range(depth)), *path])} FROM p)"

    def _maker(self, depth: int, split: int, held: Sequence[int]) -> Callable[[Row], PivotRow]:
        """Makes rows of what `_texts` and `_read` read; `held` are the dimensions that hold."""
        names = self._shown
        first, last = len(held), len(held) + len(names)
        place = {at: n for n, at in enumerate(held)}
        keys = [place.get(n) for n in range(len(self.whole))]
        figures = [c.formula.value for c in self.columns if isinstance(c, Measure)]
        # Of money in its own currency: where its currencies are told, its dimension, its column.
        own = [
            (last + 2 * n, self._index[measure.currency], self.columns.index(measure))
            for n, measure in enumerate(self._own)
            if self._index[measure.currency] not in place
        ]

        def make(row: Row) -> PivotRow:
            sums: dict[str, Number | None] = dict(zip(names, row[first:last], strict=True))
            values: list[Value] = [None if key is None else row[key] for key in keys]
            values += [value(sums) for value in figures]
            for at, dimension, column in own:
                if row[at] > 1:
                    values[column] = None
                elif row[at] == 1:
                    values[dimension] = row[at + 1] or None
            return PivotRow(depth, split, tuple(values), row[-1])

        return make

    def _level(self, held: Sequence[int]) -> str:
        """The rows of a level: its keys, its sums, and of money in its own currency how many
        currencies it is in, and which.
        """
        alone = len(held) == len(self.whole)  # g has a row for each already
        parts = [_keys(held), *self._sums(alone=alone)]
        for n, measure in enumerate(self._own):
            code = f"k{self._index[measure.currency]}"
            money = " OR ".join(f"{self.answer.place[s]} <> 0" for s in measure.formula.sums)
            there = f"CASE WHEN {code} IS NOT NULL OR {money} THEN COALESCE({code}, '') END"
            if alone:
                parts += [
                    f"CASE WHEN {there} IS NULL THEN 0 ELSE 1 END AS m{n}",
                    f"{there} AS c{n}",
                ]
            else:
                parts += [f"count(DISTINCT {there}) AS m{n}", f"min({there}) AS c{n}"]
        by = "" if alone else f"GROUP BY {_keys(held)}"
        return f"SELECT {', '.join(filter(None, parts))} FROM g {by}"

    def _sums(self, *, alone: bool = False) -> Iterable[str]:
        places = self.answer.place.values()
        return places if alone else [f"sum({place}) AS {place}" for place in places]

    def _read(self, alias: str) -> str:
        """The sums of the figures, what is known of currencies, and whether it is a loss."""
        place = {name: f"{alias}.{at}" for name, at in self.answer.place.items()}
        money = [f"{alias}.{each}{n}" for n in range(len(self._own)) for each in "mc"]
        return ", ".join([*(place[name] for name in self._shown), *money, self._lost(place)])

    def _lost(self, place: Mapping[str, str]) -> str:
        return f"COALESCE({self.loss.formula.sql(place)} < 0, false)" if self.loss else "false"

    def _texts(self, held: Iterable[int], alias: str) -> str:
        shown = (self.answer.shown[n].replace(f"k{n}", f"{alias}.k{n}") for n in held)
        return ", ".join(shown)

    def _order(self, depth: int) -> str:
        """The order of a level's members; keys that do not hold on it are left out."""
        order = []
        for key in self.sort:
            way = "DESC" if key.descending else "ASC"
            if isinstance(key.column, Measure):
                order.append(f"{key.column.formula.sql(self.answer.place)} {way} NULLS LAST")
            elif (at := self._index[key.column.name]) < depth:
                order.append(f"k{at} {way} NULLS {'LAST' if key.descending else 'FIRST'}")
        return ", ".join([*order, _first(range(depth))])


def _keys(held: Iterable[int], prefix: str = "") -> str:
    return ", ".join(f"{prefix}k{n}" for n in held)


def _first(held: Iterable[int]) -> str:
    """An order by the keys, blank ones first."""
    return ", ".join(f"k{n} NULLS FIRST" for n in held)


def _same(held: Iterable[int], one: str, other: str) -> str:
    return " AND ".join(f"{one}.k{n} IS NOT DISTINCT FROM {other}.k{n}" for n in held)


def _one(rows: Sequence[Row]) -> int:
    return int(rows[0][0]) if rows else 0
