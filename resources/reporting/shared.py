"""One small file in place of a period's many, for a run that asks the same for many accounts.

A report for each of 5,000 customers reads the days of a month as often. What differs between them
is whose rows they want, so the sums by just what is asked for are added up once, in the order of
the accounts: each then reads its own few rows. The figures are the same, for sums of sums are.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from resources.held import TABLES
from resources.reporting.query import literal, rows_of

OFTEN = 10
"""A question that was asked so often before is going to be asked again: adding up costs what some
ten answers do."""

_DAY = "call_date"
_ACCOUNTS = ("customer_id", "provider_id")
_SUMS = ("DECIMAL", "BIGINT", "INTEGER")
_LAYOUT = "FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 4096"

_log = logging.getLogger(__name__)


class Shared:
    """The sums that a run's reports share; `connect` opens an engine to make them.

    Their files go with this, at the latest when the program ends.
    """

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._connect = connect
        self._asked: Counter[tuple[object, ...]] = Counter()
        self._made: dict[tuple[object, ...], list[str]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def narrowed(
        self,
        table: str,
        files: list[str],
        columns: frozenset[str],
        dated: bool,
        days: tuple[tuple[date, date], ...],
    ) -> list[str]:
        """The files to read instead of a table's `files` of these days, for these columns."""
        if table not in TABLES or not columns.intersection(_ACCOUNTS):
            return files
        # The names of a table's files never come back: a day built anew is another question.
        key = (table, columns, dated, *files)
        self._asked[key] += 1
        if key not in self._made and self._asked[key] > OFTEN:
            self._made[key] = self._make(files, columns, dated)
        return self._made.get(key, files)

    def _make(self, files: list[str], columns: frozenset[str], dated: bool) -> list[str]:
        """The file of the sums; the stored ones where it cannot be made."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="cdr-reports-")
        path = str(Path(self._folder.name) / f"{len(self._made)}.parquet")
        try:
            with self._connect() as connection:
                _write(connection, files, columns, dated, path)
        except (duckdb.Error, OSError):  # without it each answer takes longer, and is the same
            _log.warning("sums for many accounts were not made", exc_info=True)
            return files
        return [path]


def _write(
    connection: duckdb.DuckDBPyConnection,
    files: list[str],
    columns: frozenset[str],
    dated: bool,
    path: str,
) -> None:
    stored = rows_of(files)
    described = connection.execute(f"DESCRIBE SELECT * FROM {stored}").fetchall()
    keys = [name for name in _ACCOUNTS if name in columns]
    keys += sorted(columns.difference(keys))
    sums = [
        f"CAST(sum({name}) AS {kind}) AS {name}"
        for name, kind, *_ in described
        if kind.startswith(_SUMS) and name not in columns
    ]
    day = _DAY if dated else f"min({_DAY}) AS {_DAY}"
    by = ", ".join([*keys, *[_DAY] * dated])
    connection.execute(
        f"COPY (SELECT {', '.join([*keys, day, *sums])} FROM {stored}\n"
        f"GROUP BY {by} ORDER BY {by}) TO {literal(path)} ({_LAYOUT})"
    )
