"""Runs SQL models: model, inputs and parameters in, Parquet files or rows out. That is all.

DuckDB in this process, with a memory limit and a spill folder, so that memory does not grow with
the data. What the models say is in `sql/`; where results go is `resources.lake`. What the night
asks of an engine is `ModelEngine`, so that `resources.spark` can be another.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

import sql
from resources.spill import spill_folders
from resources.staged import onto_disk

# Level 1 takes a tenth off the writing, and the files do not grow: most of what there is to gain is
# in Parquet's own encodings. A dictionary of more than some thousand texts costs more to make than
# all else of the column, a third of the whole writing, and takes a twelfth off the file.
LAYOUT = "COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 3000"

# Half as large again, written in five sixths of the time and read in half of it: for what is read
# often.
QUICK = "COMPRESSION lz4_raw, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 3000"

MUCH = 64_000_000
"""Bytes of files that are read at once."""


@dataclass(frozen=True)
class Model:
    """A SQL model `layer/table` with the models that it reads as named relations."""

    name: str
    inputs: Mapping[str, "Model"] = field(default_factory=dict)

    def text(self) -> str:
        """One SELECT: the model, with those that it reads as common table expressions.

        Not materialised, as one that is read twice would be, with all of its columns.
        """
        if not self.inputs:
            return sql.text(self.name)
        parts = ",\n".join(
            f"{name} AS NOT MATERIALIZED (\n{m.text()}\n)" for name, m in self.inputs.items()
        )
        return f"WITH {parts}\nSELECT * FROM (\n{sql.text(self.name)}\n)"


class EngineError(Exception):
    """An engine cannot be had or cannot run a model; the text says why, and what to do."""


class UnfitValue(EngineError):
    """A model met a value that it has no result for, such as a number out of range; DuckDB raises
    its own DataError.
    """


class NotEnoughMemory(EngineError):
    """A model needs more than the limit, also with what goes to disk."""


class Session(Protocol):
    """Relations by name, and SQL over them.

    A relation is a list of Parquet files (an empty one is refused: say what it would hold with an
    empty Arrow table), an Arrow table, or an Arrow stream. The SQL is one SELECT, as in `sql/`.
    """

    def add(self, name: str, relation: Any, again: bool = False) -> None:
        """Gives a relation a name; a stream can be read once, or `again`.

        So should be what many rows are joined with: of what it holds itself the engine knows which
        keys there are, and takes a row by its place.
        """

    def keep(self, name: str, text: str, params: Mapping[str, Any]) -> None:
        """Makes the rows of a SELECT a relation, worked out once."""

    def rows(self, text: str, params: Mapping[str, Any]) -> pa.Table:
        """The rows of a SELECT, for results that are small."""

    def write(
        self,
        text: str,
        params: Mapping[str, Any],
        out: Path,
        keep_order: bool = False,
        layout: str = LAYOUT,
    ) -> int:
        """Writes the rows of a SELECT as Parquet to `out`, and returns how many they are.

        `out` is a file, or a folder of files where the engine writes several at once.
        """


class ModelEngine(ABC):
    """What runs the models of the night."""

    def check(self) -> None:  # noqa: B027
        """Raises EngineError when it is plain that no model can be run; DuckDB always can."""

    @abstractmethod
    def session(self, inputs: Mapping[str, Any] | None = None) -> AbstractContextManager[Session]:
        """A session with these relations; what it kept is gone when it ends."""

    def run(
        self,
        model: Model,
        inputs: Mapping[str, Any],
        params: Mapping[str, Any],
        out: Path,
        keep_order: bool = False,
    ) -> int:
        """Writes the model's rows as Parquet to `out` and returns how many they are.

        The rows stand in the order of the input when `keep_order` is asked for.
        """
        with self.session(inputs) as session:
            return session.write(model.text(), params, out, keep_order)

    def rows(
        self, model: Model, inputs: Mapping[str, Any], params: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """The model's rows as an Arrow table, for results that are small."""
        with self.session(inputs) as session:
            return session.rows(model.text(), params or {})


@dataclass(frozen=True)
class Engine(ModelEngine):
    """DuckDB with limits. `spill` is a folder for what does not fit into `memory_limit`."""

    memory_limit: str
    threads: int
    spill: Path

    @contextmanager
    def connect(
        self, inputs: Mapping[str, Any] | None = None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with each input as a relation of its name.

        An input is a list of Parquet files (an empty one is refused: say what it would hold with
        an empty Arrow table), an Arrow table, or an Arrow stream that can be read once.

        It is one of several to a database that this process keeps open: to open one costs 25 ms,
        more than most questions do. They share its limits; what is made is temporary, and so seen
        by the one that made it alone. After much work it is opened anew, for else it would keep the
        memory.
        """
        inputs = inputs or {}
        files = [file for value in inputs.values() if isinstance(value, list) for file in value]
        done_with = sum(os.path.getsize(file) for file in files if os.path.isfile(file)) > MUCH
        try:
            with _kept(self).cursor() as connection, _signalled(connection):
                connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
                for name, value in inputs.items():
                    _relation(connection, name, value)
                yield connection
        except (duckdb.FatalException, duckdb.InternalException):
            done_with = True  # it answers nothing any more
            raise
        except duckdb.OutOfMemoryException as error:
            done_with = True
            raise NotEnoughMemory(
                f"{str(error).splitlines()[0]}: raise CDR_REPORTS_MEMORY_LIMIT, lower "
                f"CDR_REPORTS_THREADS, or make room at {self.spill}, and run again"
            ) from None
        finally:
            if done_with:
                _kept.cache_clear()

    @contextmanager
    def session(self, inputs: Mapping[str, Any] | None = None) -> Iterator[Session]:
        """A connection as the night's models use it."""
        with self.connect(inputs) as connection:
            yield _Connected(self, connection)

    @staticmethod
    def copy(
        connection: duckdb.DuckDBPyConnection,
        text: str,
        params: Mapping[str, Any],
        out: Path,
        keep_order: bool = False,
        layout: str = LAYOUT,
    ) -> int:
        """The same over an open connection, for any SELECT; `layout` is how the file is packed."""
        out.parent.mkdir(parents=True, exist_ok=True)
        # The order is kept unless it is said otherwise; to ask for it explicitly takes a gigabyte.
        order = "" if keep_order else ", PRESERVE_ORDER false"
        with onto_disk(out):
            copied = connection.execute(
                f"COPY (\n{text}\n) TO {quoted(out)} (FORMAT parquet, {layout}{order})",
                named(text, params),
            ).fetchone()
        return int(copied[0]) if copied else 0


@contextmanager
def _signalled(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Raises what a signal's handler has raised: DuckDB makes it an error like any other.

    And lets its threads stop: who closes the connection would wait for them to do all their work.
    """
    try:
        yield
    except RuntimeError as error:
        stopped = error.__cause__
        if not isinstance(stopped, BaseException) or isinstance(stopped, Exception):
            raise
        connection.interrupt()
        raise stopped from None


@dataclass(frozen=True)
class _Connected:
    """A session over a connection to DuckDB."""

    engine: Engine
    connection: duckdb.DuckDBPyConnection

    def add(self, name: str, relation: Any, again: bool = False) -> None:
        if not again:
            _relation(self.connection, name, relation)
            return
        self.connection.register(f"{name}_once", relation)
        self.connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_once")
        self.connection.unregister(f"{name}_once")

    def keep(self, name: str, text: str, params: Mapping[str, Any]) -> None:
        self.connection.execute(f"CREATE TEMP TABLE {name} AS {text}", named(text, params))

    def rows(self, text: str, params: Mapping[str, Any]) -> pa.Table:
        return self.connection.execute(text, named(text, params)).to_arrow_table()

    def write(
        self,
        text: str,
        params: Mapping[str, Any],
        out: Path,
        keep_order: bool = False,
        layout: str = LAYOUT,
    ) -> int:
        return self.engine.copy(self.connection, text, params, out, keep_order, layout)


def tell_their_day(files: list[str]) -> bool:
    """Whether files are read with the day that their folders are named after: not when some of a
    day are only staged.
    """
    return all("=" in Path(file).parent.name for file in files)


def _relation(connection: duckdb.DuckDBPyConnection, name: str, value: Any) -> None:
    if isinstance(value, list):
        if not value:
            raise ValueError(f"input {name} has no files")
        files, days = ", ".join(map(quoted, value)), str(tell_their_day(value)).lower()
        connection.execute(
            f"CREATE TEMP VIEW {name} AS "
            f"SELECT * FROM read_parquet([{files}], hive_partitioning = {days})"
        )
    else:
        connection.register(name, value)


def largest_first(files: Iterable[str]) -> list[str]:
    """Files in the order in which they should be read together with others.

    DuckDB reckons that all have as many rows as the first, and by that it chooses how to join: with
    a late file of 1,000 calls in front a day of a million took five times as long.
    """
    return sorted(files, key=lambda file: (-_size(file), file))


def _size(file: str) -> int:
    try:
        return os.path.getsize(file)
    except OSError:  # who reads it says so
        return 0


def values(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of a small table as tuples, for results whose columns have no names."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


@lru_cache(maxsize=2)
def _kept(engine: Engine) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": engine.memory_limit,
        "threads": str(engine.threads),
        "temp_directory": str(spill_folders(engine.spill).another()),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "enable_external_file_cache": "false",  # the system keeps what was read of files
    }
    return duckdb.connect(config=config)


def named(text: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the parameters that the SQL text uses (DuckDB refuses the others)."""
    used = set(re.findall(r"\$(\w+)", text))
    missing = used - params.keys()
    if missing:
        raise ValueError(f"the SQL needs parameters: {', '.join(sorted(missing))}")
    return {name: params[name] for name in used}


def quoted(path: Path | str) -> str:
    """A path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
