"""Runs the models of the night on Spark: the same SQL, the same rows, Parquet files in and out.

Small relations are Arrow tables and go to every executor; a stream is written to a Parquet file
first. Files and folders must be where the executors see them: on one machine, or on storage that
all of them share.
"""

import errno
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyspark  # noqa: F401  # now, not beside a library that does better without it

from resources.engine import LAYOUT, EngineError, ModelEngine, Session, named, tell_their_day
from resources.spark.cluster import FULL, check, connect, plainly
from resources.spark.dialect import spark_sql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


FEW_ROWS = 1000


@dataclass(frozen=True)
class SparkEngine(ModelEngine):
    """Spark at a master, as Spark writes it; `conf` are Spark's own settings.

    `memory` is the heap in this process, such as `4 GB`; `scratch` a folder that executors see.
    """

    master: str
    conf: Mapping[str, str]
    memory: str
    scratch: Path

    def check(self) -> None:
        """Looks whether Spark can be had, without beginning anything."""
        check(self.master)

    @contextmanager
    def session(self, inputs: Mapping[str, Any] | None = None) -> Iterator[Session]:
        """A session of its own in the process's connection to Spark."""
        conf = dict(self.conf)
        if self.master.startswith("local"):
            conf = {"spark.local.dir": str(self.scratch), **conf}
        opened = _Opened(connect(self.master, conf, self.memory), self.scratch)
        try:
            for name, relation in (inputs or {}).items():
                opened.add(name, relation)
            yield opened
        finally:
            opened.close()


@dataclass
class _Opened:
    """Relations by name, as Spark's frames."""

    spark: "SparkSession"
    scratch: Path
    frames: dict[str, "DataFrame"] = field(default_factory=dict)
    kept: list["DataFrame"] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def add(self, name: str, relation: Any, again: bool = False) -> None:
        if isinstance(relation, list):
            if not relation:
                raise ValueError(f"input {name} has no files")
            frame = self._read(relation)
        elif isinstance(relation, pa.RecordBatchReader):
            frame = self._read([str(self._spooled(relation))])
        else:
            from pyspark.sql.functions import broadcast

            with plainly(f"handing {name} to Spark"):
                frame = broadcast(self._small(relation))
        self._name(name, frame)

    def keep(self, name: str, text: str, params: Mapping[str, Any]) -> None:
        frame = self._frame(text, params).persist()
        self.kept.append(frame)
        self._name(name, frame)

    def rows(self, text: str, params: Mapping[str, Any]) -> pa.Table:
        frame = self._frame(text, params)
        with plainly("a model on Spark"):
            return frame.toArrow()

    def write(
        self,
        text: str,
        params: Mapping[str, Any],
        out: Path,
        keep_order: bool = False,
        layout: str = LAYOUT,
    ) -> int:
        """A file where Spark writes one, else a folder of files; neither keeps an order."""
        frame = self._frame(text, params).hint("rebalance")
        folder = out.with_name(f"_{out.name}")
        try:
            with plainly(f"writing {out.name} on Spark"):
                frame.write.mode("overwrite").parquet(str(folder))
            files = sorted(folder.glob("part-*.parquet"))
            if not files:
                raise FileNotFoundError(
                    f"Spark wrote nothing to {folder} that is seen here: home and executors must "
                    "share their storage"
                )
            counts = [pq.read_metadata(file).num_rows for file in files]
            filled = [file for file, rows in zip(files, counts, strict=True) if rows] or files[:1]
            if len(filled) == 1:
                filled[0].replace(out)
            else:
                out.mkdir()
                for file in filled:
                    file.replace(out / file.name)
            return sum(counts)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        for file in self.files:
            file.unlink(missing_ok=True)
        with suppress(EngineError), plainly("Spark"):  # one that died has said so before
            for name in self.frames:
                self.spark.catalog.dropTempView(name)
            for frame in self.kept:
                frame.unpersist()

    def _name(self, name: str, frame: "DataFrame") -> None:
        frame.createOrReplaceTempView(name)
        self.frames[name] = frame

    def _read(self, files: list[str]) -> "DataFrame":
        """Files as a frame, in the columns of the first; told here, which spares Spark a job."""
        from pyspark.sql.pandas.types import from_arrow_schema

        first = Path(files[0])
        schema = pq.read_schema(first)
        reader = self.spark.read
        if tell_their_day(files):  # of a table: the day is in the path alone
            reader = reader.option("basePath", str(first.parent.parent))
            schema = schema.append(pa.field(first.parent.name.partition("=")[0], pa.date32()))
        with plainly(f"reading {first.name}"):
            return reader.schema(from_arrow_schema(schema)).parquet(*files)

    def _small(self, table: pa.Table) -> "DataFrame":
        """What fits in memory: a few rows in the query itself, more of them by a file."""
        if not table.num_rows:
            return self._empty(table.schema)
        if table.num_rows <= FEW_ROWS:
            return self.spark.createDataFrame(table)
        return self._read([str(self._spooled(table.to_reader()))])

    def _empty(self, schema: pa.Schema) -> "DataFrame":
        """A relation without rows. `createDataFrame` makes none of an Arrow table over Spark
        Connect, and of an empty list only with a Python on each executor, where none is needed.
        """
        from pyspark.sql.pandas.types import from_arrow_schema

        columns = ", ".join(
            f"CAST(NULL AS {column.dataType.simpleString()}) AS `{column.name}`"
            for column in from_arrow_schema(schema)
        )
        return self.spark.sql(f"SELECT {columns} LIMIT 0")

    def _spooled(self, stream: pa.RecordBatchReader) -> Path:
        """A stream as a file; what its source raises comes through."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        path = self.scratch / f"{uuid.uuid4().hex}.parquet"
        self.files.append(path)
        # A little compression: Spark reads it once or twice.
        try:
            with pq.ParquetWriter(path, stream.schema, compression="lz4") as writer:
                for batch in stream:
                    writer.write_batch(batch)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise EngineError(f"{FULL}, in {self.scratch}") from error
        return path

    def _frame(self, text: str, params: Mapping[str, Any]) -> "DataFrame":
        """The rows of a SELECT, in the types that DuckDB would give them."""
        translated = spark_sql(text, params)
        columns = self._columns(text, params)
        numbered = ", ".join(f"c{n}" for n in range(len(columns)))
        cast = ", ".join(
            f"CAST(c{n} AS {_TYPES.get(kind, kind)}) AS `{name}`"
            for n, (name, kind) in enumerate(columns)
        )
        # In one text: a call for each column would cost more than the work on a small file.
        with plainly("a model on Spark"):
            return self.spark.sql(f"SELECT {cast} FROM ({translated}) AS made ({numbered})")

    def _columns(self, text: str, params: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Names and types as DuckDB would have them: told by it over empty relations."""
        from pyspark.sql.pandas.types import to_arrow_schema

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name, frame in self.frames.items():
                connection.register(name, to_arrow_schema(frame.schema).empty_table())
            told = connection.execute(f"DESCRIBE {text}", named(text, params)).fetchall()
        return [(row[0], row[1]) for row in told]


# Types of DuckDB's that Spark calls otherwise.
_TYPES = {
    "VARCHAR": "STRING",
    "INTEGER": "INT",
    "HUGEINT": "DECIMAL(38,0)",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    '"NULL"': "INT",  # as DuckDB writes it
}
