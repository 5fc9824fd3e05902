"""The one query that all reports share: additive sums of a stored table, grouped and filtered.

Identifiers come from the catalogue's declarations only; whatever else gets into the SQL goes
through `literal`. Only sums are read: ratios are `figures`' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from resources.reporting.arithmetic import BEFORE, Number
from resources.reporting.errors import ReportError
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Dimension, Filter, Kind, Part, Report, Source
from resources.reporting.period import Period
from resources.sizes import bytes_of
from resources.spill import spill_folders

Row = tuple[Any, ...]

MOST_MEMORY, MOST_THREADS = "260MB", 2
"""Limits of one answer, whatever the engine's are: 5 million rows were grouped and ordered in them.

A report is made beside other work and holds several answers. More threads need more memory.
"""

_BATCH = 2048
_DAY_FOLDER = "call_date="
_HIVE = ", hive_partitioning = true, hive_types = {'call_date': DATE}"
# No name or path can hold them: NUL, where the engine's parser ends, and what stands for bytes of a
# command line that are no text.
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_REPLACED = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Question:
    """Which sums of which rows, grouped by what.

    `sums` whose names begin with `BEFORE` are of the period `before`. `outside` asks for the rows
    that the report leaves out, instead of its own; `everything` for both. `currency` is what sums
    with a `rate_of` are converted to.
    """

    report: Report
    period: Period
    group: tuple[Dimension, ...]
    sums: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    before: Period | None = None
    outside: bool = False
    everything: bool = False
    currency: str = ""


class Answer:
    """The rows of a question, held by the engine in bounded memory until this goes away.

    A row has the group's dimensions, then the question's sums. Ids and destinations are text,
    `date` a date, `hour` local text `YYYY-MM-DD HH:00:00` (one row per instant: the hour that a
    clock change repeats gives two). Sums are int or Decimal, or None where no row has a value.
    """

    def __init__(self, reporting: Reporting, question: Question) -> None:
        self._question = question
        self.place = {name: f"s{n}" for n, name in enumerate(question.sums)}
        text = _grouped(reporting, question)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.shown = [
            _shown(dimension, f"k{n}", reporting) for n, dimension in enumerate(question.group)
        ]
        """The dimensions as they are shown, as expressions over `k0`, `k1`, …"""
        if text is not None:
            self._connection = connect(reporting)
            self._connection.execute(f"CREATE TABLE g AS\n{text}")

    def count(self, where: str = "true") -> int:
        """How many rows there are where the condition over `place` holds."""
        rows = self.ask(f"SELECT count(*) FROM g WHERE {where}")
        return int(rows[0][0]) if rows else 0

    def totals(self) -> dict[str, Number | None]:
        """The sums over all rows; None where no row has a value."""
        columns = ", ".join(f"sum({column})" for column in self.place.values())
        rows = self.ask(f"SELECT {columns} FROM g") if columns else []
        return dict(zip(self.place, rows[0] if rows else (None,) * len(self.place), strict=True))

    def values(self, dimension: int, amount: str) -> set[str | None]:
        """The dimension's values; the blank one only where the sum `amount` is not 0."""
        column = self.place[amount]
        name = f"k{dimension}"
        where = f"{name} IS NOT NULL OR {column} <> 0"
        return {row[0] for row in self.ask(f"SELECT DISTINCT {name} FROM g WHERE {where}")}

    def rows(
        self, order: Sequence[str] = (), where: str = "true", limit: int | None = None
    ) -> Iterator[Row]:
        """The rows in an order of expressions over `place` and `key`, then of the dimensions."""
        if self._connection is None:
            return
        keys = [f"k{n} NULLS FIRST" for n in range(len(self._question.group))]
        by = ", ".join([*order, *keys])
        text = (
            f"SELECT {', '.join([*self.shown, *self.place.values()])}\nFROM g WHERE {where}"
            + (f"\nORDER BY {by}" if by else "")
            + (f"\nLIMIT {int(limit)}" if limit is not None else "")
        )
        with self._connection.cursor() as cursor:
            cursor.execute(text)
            while rows := cursor.fetchmany(_BATCH):
                yield from rows

    def ask(self, text: str) -> list[Row]:
        """The rows of a statement over `g`: dimensions `k0`, `k1`, …, sums as in `place`;
        none where there are no files.
        """
        if self._connection is None:
            return []
        with self._connection.cursor() as cursor:
            return cursor.execute(text).fetchall()


def key(group: Sequence[Dimension], name: str) -> str:
    """The expression of a dimension of the group, for an order."""
    return f"k{[dimension.name for dimension in group].index(name)}"


def literal(value: str | int | date | Decimal) -> str:
    """The value as SQL. A quote in a text is doubled, which is all that DuckDB knows of escapes."""
    match value:
        case str():
            return "'" + _UNREADABLE.sub(_REPLACED, value).replace("'", "''") + "'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case Decimal():
            # With an exponent it would be a float.
            return f"{value:f}"
        case _:
            return str(value)


def choose_source(report: Report, columns: Iterable[str], sums: Iterable[str]) -> Source:
    """The first of the report's tables that holds all these stored columns and sums."""
    wanted, added = set(columns), set(sums)
    for source in report.sources:
        if wanted <= source.columns and not added & source.lacks:
            return source
    lacking = next((s for s in report.sources if wanted <= s.columns), None)
    if lacking is None:
        raise ReportError(f"no table of report {report.name!r} holds {', '.join(sorted(wanted))}")
    measures = [
        m.name
        for m in report.measures
        if added >= set(m.formula.sums) and lacking.lacks & set(m.formula.sums)
    ]
    apart = {d.name for d in report.dimensions if d.column in wanted - report.sources[-1].columns}
    raise ReportError(
        f"{', '.join(measures)} cannot be had by {', '.join(sorted(apart))}: "
        "leave one or the other out"
    )


def source_of(question: Question) -> Source:
    """The table that a question is answered from."""
    parts = [part.column for part in _parts(question)]
    return choose_source(question.report, _columns(question), parts)


def _columns(question: Question) -> list[str]:
    """The columns of dimensions that a question is about, the day first."""
    filters = [filter_.dimension for filter_ in question.filters]
    return ["call_date", *(d.column for d in (*question.group, *filters))]


def _parts(question: Question) -> list[Part]:
    """The sums that a question is about, those of the period before like the others."""
    return [question.report.part(name.removeprefix(BEFORE)) for name in question.sums]


def accounts_in_data(reporting: Reporting, report: Report, period: Period, name: str) -> set[str]:
    """Ids of the dimension `name` (such as `customer_id`) that occur in the period."""
    question = Question(report, period, (report.dimension(name),), (), everything=True)
    return {str(row[0]) for row in Answer(reporting, question).rows() if row[0] is not None}


def connect(reporting: Reporting) -> duckdb.DuckDBPyConnection:
    """An engine of its own for an answer, within the limits of both."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": min(reporting.memory_limit, MOST_MEMORY, key=bytes_of),
        "threads": min(reporting.threads, MOST_THREADS),
    }
    if reporting.spill:
        config["temp_directory"] = str(spill_folders(Path(reporting.spill)).another())
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET preserve_insertion_order = false; SET enable_progress_bar = false")
    watched: duckdb.DuckDBPyConnection = reporting.opened(connection)
    return watched


def _grouped(reporting: Reporting, question: Question) -> str | None:
    """The SELECT of the grouped sums, or None where there are no files."""
    report, periods = question.report, {"": question.period}
    if question.before is not None:
        periods[BEFORE] = question.before
    used, plain = _columns(question), _parts(question)
    source = source_of(question)
    of_period = {
        prefix: reporting.tables.files(source.table, period.first, period.last)
        for prefix, period in periods.items()
    }
    files = list(dict.fromkeys(file for held in of_period.values() for file in held))
    if not files:
        return None
    dated = len(periods) > 1 or "call_date" in used[1:] or any(p.rate_of for p in plain)
    apart = {*used[1:], *(p.where for p in plain), *(o.column for o in report.only)}
    apart |= {p.rate_of for p in plain} | {report.outside.column if report.outside else ""}
    files = reporting.summed(source.table, files, frozenset(apart - {"", "call_date"}), dated,
                             tuple((p.first, p.last) for p in periods.values()))  # fmt: skip
    joins: dict[str, str] = {}
    named = not reporting.by_id
    keys = [f"{_key(d, joins, reporting, named)} AS k{n}" for n, d in enumerate(question.group)]
    sums = []
    for n, name in enumerate(question.sums):
        prefix = BEFORE if name.startswith(BEFORE) else ""
        part = report.part(name.removeprefix(BEFORE))
        within = _within(periods[prefix]) if len(periods) > 1 else ""
        sums.append(f"{_sum(part, within, some=bool(of_period[prefix]))} AS s{n}")
        if part.rate_of:
            joins[part.rate_of] = _rates(reporting, question, part.rate_of, periods.values())
    wheres = ["(" + " OR ".join(map(_within, periods.values())) + ")"]
    wheres += [_one_of(f"t.{only.column}", only.values) for only in report.only]
    if report.outside is not None and not question.everything:
        sign = "=" if question.outside else "<>"
        wheres.append(f"t.{report.outside.column} {sign} {literal(report.outside.value)}")
    wheres += [_reads_as(filter_, joins, reporting) for filter_ in question.filters]
    by = ", ".join(f"k{n}" for n in range(len(question.group)))
    return (
        f"SELECT {', '.join([*keys, *sums]) or 'count(*) AS n'}\n"
        f"FROM {rows_of(files)} AS t\n"
        + "".join(joins.values())
        + f"WHERE {' AND '.join(wheres)}\n"
        + (f"GROUP BY {by}" if by else "HAVING count(*) > 0")
    )


def rows_of(files: Sequence[str]) -> str:
    """The rows of files, of which some may tell the day by their folder and others by a column."""
    by_folder = [file for file in files if f"/{_DAY_FOLDER}" in file]
    others = [file for file in files if file not in set(by_folder)]
    parts = [
        f"read_parquet([{', '.join(map(literal, each))}]{hive})"
        for each, hive in ((by_folder, _HIVE), (others, ""))
        if each
    ]
    if len(parts) == 1:
        return parts[0]
    return f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {part}' for part in parts)})"


def _within(period: Period) -> str:
    return f"t.call_date BETWEEN {literal(period.first)} AND {literal(period.last)}"


def _one_of(expression: str, values: Iterable[str]) -> str:
    listed = ", ".join(map(literal, values))
    return f"{expression} IN ({listed})" if listed else f"{expression} IS NOT NULL"


def _reads_as(filter_: Filter, joins: dict[str, str], reporting: Reporting) -> str:
    dimension = filter_.dimension
    readings = [_shown(dimension, _key(dimension, joins, reporting), reporting)]
    if dimension.names:
        readings.append(f"t.{dimension.column}")
    # Where no blank is asked for, NULL is none of the values; and a plain column lets the engine
    # leave out what of a file cannot hold them.
    blank = "" in filter_.values or not filter_.values
    text = "COALESCE(CAST({} AS VARCHAR), '')" if blank else "CAST({} AS VARCHAR)"
    tests = (_one_of(text.format(reading), filter_.values) for reading in readings)
    return f"({' OR '.join(tests)})"


def _sum(part: Part, within: str, *, some: bool) -> str:
    """The sum over a group's rows, those `within` a period if one is given.

    A group that has no rows in a period of which there are `some` has 0 there: its traffic came or
    went. Of a period without any nothing is known.
    """
    amount = f"t.{part.column}"
    if part.rate_of:
        # No charge is no money in any currency, also where no currency is named.
        amount = f"CASE WHEN {amount} = 0 THEN 0 ELSE {amount} * {part.rate_of}_rates.rate END"
    conditions = [_one_of(f"t.{part.where}", part.values)] if part.where else []
    conditions += [within] if within else []
    if not conditions:
        return f"sum({amount})"
    summed = f"sum({amount}) FILTER (WHERE {' AND '.join(conditions)})"
    if part.where:
        summed = f"COALESCE({summed}, 0)"
    if not within:
        return summed
    nothing = "0" if some else "NULL"
    return f"CASE WHEN count(*) FILTER (WHERE {within}) = 0 THEN {nothing} ELSE {summed} END"


def _key(
    dimension: Dimension, joins: dict[str, str], reporting: Reporting, named: bool = True
) -> str:
    """What to group by, or to compare with a filter's values."""
    column = f"t.{dimension.column}"
    if dimension.kind is Kind.CLOCK:
        return f"strftime({column} AT TIME ZONE {literal(reporting.timezone)}, '%H:00')"
    if not (dimension.names and named):
        return column
    listed = getattr(reporting.names, dimension.names)
    values = ", ".join(f"({literal(i)}, {literal(n)})" for i, n in listed.items() if n.strip())
    if not values:
        return column
    alias = f"{dimension.column}_names"
    joins[alias] = f"LEFT JOIN (VALUES {values}) AS {alias} (id, title) ON {alias}.id = {column}\n"
    return f"COALESCE({alias}.title, {column})"


def _shown(dimension: Dimension, expression: str, reporting: Reporting) -> str:
    if dimension.kind is Kind.HOUR:
        zone = literal(reporting.timezone)
        return f"strftime({expression} AT TIME ZONE {zone}, '%Y-%m-%d %H:00:00')"
    return expression


def _rates(
    reporting: Reporting, question: Question, currency: str, periods: Iterable[Period]
) -> str:
    days = [day for period in periods for day in period]
    quotes = reporting.quotes(days, question.currency)
    if missing := sorted({*days} - {quote.day for quote in quotes}):
        raise ReportError(
            f"there is no exchange rate into {question.currency} on {missing[0]}: "
            "choose another --currency or other days"
        )
    values = ", ".join(
        f"({literal(q.day)}, {literal(q.currency)}, {literal(str(q.rate))}::DECIMAL(19, 13))"
        for q in quotes
    )
    alias = f"{currency}_rates"
    return (
        f"LEFT JOIN (VALUES {values}) AS {alias} (day, currency, rate) "
        f"ON {alias}.day = t.call_date AND {alias}.currency = t.{currency}\n"
    )
