"""The one query that all reports share: additive sums of a stored table, grouped and filtered.

Identifiers come from the catalogue's declarations only; days, accounts, names, paths and the time
zone are bound parameters. Only sums are read: ratios are `figures`' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from resources.reporting.errors import ReportError
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Dimension, Report, Source, Stored
from resources.reporting.period import Period

Row = tuple[Any, ...]

_FILTERS = {"customer_id": "customers", "provider_id": "providers"}


def choose_source(report: Report, columns: Iterable[str]) -> Source:
    """The first of the report's tables that holds all these stored columns."""
    wanted = set(columns)
    for source in report.sources:
        if wanted <= source.columns:
            return source
    raise ReportError(f"no table of report {report.name!r} holds {', '.join(sorted(wanted))}")


def read_sums(
    reporting: Reporting,
    report: Report,
    period: Period,
    group: Sequence[Dimension],
    sums: Sequence[str],
    *,
    customers: Sequence[str] = (),
    providers: Sequence[str] = (),
) -> list[Row]:
    """Rows of the group's dimensions followed by `sums`, in order of the dimensions, blanks first.

    Ids and destinations are text, `date` a date, `hour` local text `YYYY-MM-DD HH:00:00` (one row
    per instant: the hour that a clock change repeats gives two). Sums are int or Decimal, or None
    where no row has a value. Without any data there is no row.
    """
    filters = {c: v for c, v in zip(_FILTERS, (customers, providers), strict=True) if v}
    source = choose_source(report, ["call_date", *(d.column for d in group), *filters])
    files = reporting.tables.files(source.table, period.first, period.last)
    if not files:
        return []
    keys, shown = [], []
    joins: dict[str, str] = {}
    parameters: dict[str, Any] = {
        "files": list(files),
        "first": period.first,
        "last": period.last,
    }
    for n, dimension in enumerate(group):
        key, words = _expressions(dimension, parameters, joins, reporting)
        keys.append(f"{key} AS k{n}")
        shown.append(words.format(key=f"k{n}") + f" AS d{n}")
    wheres = ["t.call_date BETWEEN $first AND $last"]
    for column, values in filters.items():
        parameters[column] = list(values)
        wheres.append(f"list_contains(${column}::VARCHAR[], t.{column})")
    totals = [f"sum(t.{name}) AS s{n}" for n, name in enumerate(sums)]
    by = ", ".join(f"k{n}" for n in range(len(group)))
    inner = (
        f"SELECT {', '.join([*keys, *totals])}\n"
        "FROM read_parquet($files, hive_partitioning = true, "
        "hive_types = {'call_date': DATE}) AS t\n"
        + "".join(joins.values())
        + f"WHERE {' AND '.join(wheres)}\n"
        + (f"GROUP BY {by}\n" if group else "HAVING count(*) > 0\n")
    )
    outer = (
        f"SELECT {', '.join([*shown, *(f's{n}' for n in range(len(sums)))])}\nFROM (\n{inner}) AS g"
        + (f"\nORDER BY {', '.join(f'k{n} NULLS FIRST' for n in range(len(group)))}" if by else "")
    )
    return _run(reporting, outer, parameters)


def accounts_in_data(reporting: Reporting, report: Report, period: Period, name: str) -> set[str]:
    """Ids of the dimension `name` (such as `customer_id`) that occur in the period."""
    rows = read_sums(reporting, report, period, [report.dimension(name)], ())
    return {str(row[0]) for row in rows if row[0] is not None}


def _expressions(
    dimension: Dimension,
    parameters: dict[str, Any],
    joins: dict[str, str],
    reporting: Reporting,
) -> tuple[str, str]:
    """What to group by, and what to show of it (a template of the key)."""
    column = f"t.{dimension.column}"
    match dimension.stored:
        case Stored.PLAIN:
            return column, "{key}"
        case Stored.LOCAL_HOUR:
            parameters["timezone"] = reporting.timezone
            return column, "strftime({key} AT TIME ZONE $timezone, '%Y-%m-%d %H:00:00')"
        case Stored.CUSTOMER_NAME:
            return _named("customer", column, reporting.names.customers, parameters, joins), "{key}"
        case Stored.PROVIDER_NAME:
            return _named("provider", column, reporting.names.providers, parameters, joins), "{key}"


def _named(
    side: str,
    column: str,
    names: Mapping[str, str],
    parameters: dict[str, Any],
    joins: dict[str, str],
) -> str:
    parameters[f"{side}_ids"] = list(names)
    parameters[f"{side}_names"] = list(names.values())
    joins[side] = (
        f"LEFT JOIN (SELECT unnest(${side}_ids::VARCHAR[]) AS id, "
        f"unnest(${side}_names::VARCHAR[]) AS title) AS {side}_name "
        f"ON {side}_name.id = {column}\n"
    )
    return f"coalesce(nullif(trim({side}_name.title), ''), {column})"


def _run(reporting: Reporting, sql: str, parameters: dict[str, Any]) -> list[Row]:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": reporting.memory_limit,
        "threads": reporting.threads,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        return connection.execute(sql, parameters).fetchall()
