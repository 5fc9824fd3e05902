"""Several delivered files in one file of the lake: putting them together, taking one out again.

Rows keep their order, that of the files and of their lines; `file_id` tells whose they are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resources.engine import Engine, named
from resources.lake import Lake
from resources.parts import Part


def together(engine: Engine, files: Sequence[str], out: Path) -> int:
    """Writes the rows of Parquet files, one file after the other, into one; how many they are."""
    return without(engine, files, "FALSE", {}, out)


def only(engine: Engine, files: Sequence[str], file_ids: Sequence[int], out: Path) -> int:
    """The same, but for the rows of other deliveries than these."""
    wanted = {"wanted": list(file_ids)}
    return without(engine, files, "NOT list_contains($wanted, file_id)", wanted, out)


def without(
    engine: Engine, files: Sequence[str], condition: str, params: Mapping[str, Any], out: Path
) -> int:
    """The same, but for the rows that meet a condition of ours over `rows`."""
    with engine.connect({"rows": list(files)}) as connection:
        text = f"SELECT * FROM rows WHERE ({condition}) IS NOT TRUE"
        return engine.copy(connection, text, named(text, params), out, keep_order=True)


def take_out(engine: Engine, lake: Lake, table: str, file_id: int) -> None:
    """Takes a delivered file's rows out of a table; nothing happens when they are not there."""
    parts = [part for part in lake.parts(table) if part.may_hold(file_id)]
    own = [part for part in parts if part.first_file == part.last_file]
    shared = [part for part in parts if part not in own]
    rewritten = rewrite(engine, lake, table, shared, "file_id = $file_id", {"file_id": file_id})
    lake.swap(table, [*own, *rewritten], list(rewritten.values()))


def rewrite(
    engine: Engine,
    lake: Lake,
    table: str,
    parts: Sequence[Part],
    condition: str,
    params: Mapping[str, Any],
) -> dict[Part, Path]:
    """The parts that hold rows which meet a condition, each with a staged file of its others."""
    found = {}
    for part in parts:
        staged = lake.staging(table)
        if without(engine, lake.fetch([part.uri]), condition, params, staged) == part.rows:
            staged.unlink()
        else:
            found[part] = staged
    return found
