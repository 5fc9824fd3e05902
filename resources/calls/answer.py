"""The calls of numbers, newest first, and what they sum up to: read from the lake as asked.

Few calls are read once and kept; many are read day by day, so that memory does not grow with
them. What is asked is `question`, where calls stand is `index`, what is made of them is SQL.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import duckdb
import numpy as np
import pyarrow as pa

import sql
from resources.calls.index import CALL_NUMBERS, SPARSE_ROWS, Candidates, candidates, indexed
from resources.calls.question import CallQuestion
from resources.calls.store import CallStore, StoredDay, take
from resources.calls.summary import NumberSummary, summaries
from resources.engine import Engine, Model, named, quoted
from resources.lake import Lake

CDRS = "cdrs"
CALLS = Model("calls/calls")
SUMMARIES = Model("calls/summaries", {"calls": CALLS})

KEPT_ROWS = 20_000
"""So many calls are held in memory at once, some ten megabytes; more are read in parts."""

BATCH_ROWS = 10_000
_NEWEST_FIRST = "ORDER BY dt DESC, callid, branch_idx, source"


@dataclass(frozen=True)
class FoundCalls:
    """The answer to a question, read when it is asked for. Usable while `find_calls` is open."""

    question: CallQuestion
    timezone: str
    _connection: duckdb.DuckDBPyConnection = field(repr=False)
    _candidates: Sequence[Candidates] = field(repr=False)
    _pattern: str | None = field(repr=False)
    _days: Mapping[str, StoredDay | None] = field(repr=False)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every matching attempt once, newest first (`dt` descending, then `callid`, branch).

        `sql/calls/calls.sql` says what the columns are. `asked_cli` and `asked_destination` name
        the numbers that were asked for on either side; one of them at least is there.
        """
        if self._few is not None:
            yield from self._few.to_batches(max_chunksize=BATCH_ROWS)
            return
        for part in _parts(self._candidates):
            yield from self._read(CALLS, part, _NEWEST_FIRST)

    def schema(self) -> pa.Schema:
        """The columns of the batches, also when there is none."""
        if self._few is not None:
            return self._few.schema
        return self._read(CALLS, self._candidates[:1], "LIMIT 0").schema

    def attempts(self) -> int:
        """How many attempts the batches hold; one that two numbers share is one."""
        if self._few is not None:
            return int(self._few.num_rows)
        counted = Model("calls/count", {"calls": CALLS})
        return int(self._read(counted, self._candidates).read_all()["attempts"][0].as_py())

    def summaries(self) -> list[NumberSummary]:
        """What each number's calls sum up to, in the order in which they were asked for."""
        if self._few is not None and not self._few.num_rows:
            return summaries(self.question.numbers, [])
        if self._few is not None:
            cursor = self._cursor()
            cursor.register("calls", self._few)
            text = sql.text(SUMMARIES.name)
            groups = cursor.execute(text, {"timezone": self.timezone}).to_arrow_table()
        else:
            groups = self._read(SUMMARIES, self._candidates).read_all()
        return summaries(self.question.numbers, groups.to_pylist())

    @cached_property
    def _few(self) -> pa.Table | None:
        """All calls, when they are few enough to be kept."""
        if sum(one.count for one in self._candidates) > KEPT_ROWS:
            return None
        if self._candidates:
            return self._read(CALLS, self._candidates, _NEWEST_FIRST).read_all()
        if self._pattern is None:  # nothing was ever built, so nothing says what types they have
            return pa.table({name: pa.nulls(0) for name in sql.columns(CALLS.name)})
        none = Candidates(self.question.first, self._pattern, 0, ())
        return self._read(CALLS, [none]).read_all()

    def _read(
        self, model: Model, files: Sequence[Candidates], then: str = ""
    ) -> pa.RecordBatchReader:
        """The model's rows out of the candidates of some files."""
        cursor = self._cursor()
        stored, others = _stored(self._days, files)
        parts = [_of_file(one) for one in others]
        if stored:
            cursor.register("stored", _rows_of(stored))
            parts.append("SELECT * FROM stored")
        picked = "\nUNION ALL BY NAME\n".join(parts)
        text = f"WITH picked AS NOT MATERIALIZED (\n{picked}\n)\nSELECT * FROM (\n"
        text += f"{model.text()}\n) {then}"
        parameters = {
            "customers": list(self.question.customers),
            "providers": list(self.question.providers),
            "timezone": self.timezone,
        }
        return cursor.execute(text, named(text, parameters)).to_arrow_reader(BATCH_ROWS)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own over the same memory, so that two readers can be open."""
        cursor = self._connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.register("asked_clis", _asked(self.question.clis))
        cursor.register("asked_destinations", _asked(self.question.destinations))
        return cursor


@contextmanager
def find_calls(
    engine: Engine, lake: Lake, store: CallStore, timezone: str, question: CallQuestion
) -> Iterator[FoundCalls]:
    """Finds the calls that a question is about.

    Args:
        engine: reads the files; its memory limit holds here too.
        lake: where `cdrs` and their index are.
        store: where single calls can be read; days that it does not have are read from `cdrs`.
        timezone: the reporting time zone (IANA name), whose hours the summaries count.
        question: what `ask` made of what was typed.
    """
    days = (question.first, question.last)
    cdrs = lake.places(CDRS, *days)
    files = indexed(cdrs, lake.files(CALL_NUMBERS, *days))
    lake.fetch([file for file, index in files.items() if index is None])
    with engine.connect() as connection:
        found = candidates(connection, question, files)
        opened = {one.file: store.open(one.file) for one in found if one.rows}
        lake.fetch([one.file for one in _stored(opened, found)[1]])
        # Without calls one file says what columns they would have had.
        any_file = [] if found else lake.fetch(cdrs[:1]) or lake.newest_files(CDRS)
        pattern = next(iter(any_file), None)
        yield FoundCalls(question, timezone, connection, found, pattern, opened)


def _parts(found: Sequence[Candidates]) -> Iterator[list[Candidates]]:
    """Whole days, newest first, as many at a time as can be kept; a day is never split."""
    part: list[Candidates] = []
    for _, of_day in groupby(found, key=lambda one: one.day):
        day = list(of_day)
        if part and sum(one.count for one in [*part, *day]) > KEPT_ROWS:
            yield part
            part = []
        part += day
    if part:
        yield part


_Stored = list[tuple[Candidates, StoredDay]]


def _stored(
    days: Mapping[str, StoredDay | None], files: Sequence[Candidates]
) -> tuple[_Stored, list[Candidates]]:
    """The candidates whose rows are named and in a stored day, and the others."""
    stored: _Stored = []
    others = []
    for one in files:
        day = days.get(one.file)
        if day is None or one.rows is None or one.rows[-1] >= day.row_count:
            others.append(one)
        else:
            stored.append((one, day))
    return stored, others


def _rows_of(stored: _Stored) -> pa.RecordBatchReader:
    """Their rows, day by day as they are read, so that they are never all in memory."""
    schema = stored[0][1].schema.append(pa.field("call_date", pa.date32()))

    def batches() -> Iterator[pa.RecordBatch]:
        for part in _together(stored):
            rows = take([(day, one.rows or ()) for one, day in part])
            days = np.repeat([one.day for one, _ in part], [len(one.rows or ()) for one, _ in part])
            whole = rows.append_column("call_date", pa.array(days, pa.date32()))
            if whole.schema != schema:
                whole = whole.select(schema.names).cast(schema)
            yield from whole.to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())


def _together(stored: _Stored) -> Iterator[_Stored]:
    """Days that are read in one go: of the same columns, and not too many rows."""
    part: _Stored = []
    rows = 0
    for one, day in stored:
        if part and (rows > SPARSE_ROWS or day.schema != part[0][1].schema):
            yield part
            part, rows = [], 0
        part.append((one, day))
        rows += len(one.rows or ())
    yield part


def _of_file(one: Candidates) -> str:
    """SELECT of a file's candidates; on its own, its rows name the row groups to read."""
    source = (
        f"SELECT * FROM read_parquet({quoted(one.file)}, hive_partitioning = true, "
        "hive_types = {'call_date': DATE}, file_row_number = true)"
    )
    if one.rows is None:
        return source
    if not one.rows:
        return f"{source} WHERE FALSE"
    return f"{source} WHERE file_row_number IN ({', '.join(map(str, one.rows))})"


def _asked(numbers: Mapping[str, str]) -> pa.Table:
    return pa.table(
        {
            "digits": pa.array(list(numbers), pa.string()),
            "number": pa.array(list(numbers.values()), pa.string()),
        }
    )
