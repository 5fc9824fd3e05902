"""Puts small files of `delivered` and `quarantine` together, so that a day opens few of them."""

from collections.abc import Collection, Iterable, Sequence

from resources.engine import Engine
from resources.intake.merged import together
from resources.lake import Lake
from resources.parts import Part

SMALL = 32_000_000
"""A file of fewer bytes is put together with its neighbours, ..."""

LARGE = 256_000_000
"""... up to files of so many bytes."""


def groups(parts: Iterable[Part], small: int = SMALL, large: int = LARGE) -> list[tuple[Part, ...]]:
    """Which files to put together: small ones that begin with the same day, in their order.

    Only of the same day, so that a day does not come to read the calls of many others.
    """
    found: list[list[Part]] = []
    wanted = [part for part in parts if part.size < small]
    # Those without a call date (quarantine) come first, all together.
    for part in sorted(wanted, key=lambda p: (str(p.first_day or ""), p.first_file, p.path)):
        last = found[-1] if found else []
        size = sum(each.size for each in last) + part.size
        if last and last[0].first_day == part.first_day and size <= large:
            last.append(part)
        else:
            found.append([part])
    return [tuple(group) for group in found if len(group) > 1]


def compact(engine: Engine, lake: Lake, table: str, group: Sequence[Part]) -> int:
    """Puts one group together in one commit; of how many files it was made.

    The lake's writers must be kept out. Raises ValueError when rows would be lost, before the
    commit.
    """
    lake.fetch([part.uri for part in group])
    alike = _alike(engine, group)
    if len(alike) < 2:
        return 0
    staged = lake.staging(table)
    try:
        rows = together(engine, [part.uri for part in alike], staged)
        wanted = sum(part.rows for part in alike)
        if rows != wanted:
            raise ValueError(
                f"{table}: {len(alike)} files of {wanted:,} rows gave {rows:,}; they stay as they "
                "are"
            )
        lake.swap(table, alike, [staged])
    finally:
        staged.unlink(missing_ok=True)
    return len(alike)


def _alike(engine: Engine, group: Sequence[Part]) -> list[Part]:
    """Those with the columns of the newest one: an older program may have written others."""
    columns: dict[str, list[tuple[str, str]]] = {}
    with engine.connect() as connection:
        rows: Collection[tuple[str, str, str]] = connection.execute(
            "SELECT file_name, name, coalesce(duckdb_type, '') FROM parquet_schema($files)",
            {"files": [part.uri for part in group]},
        ).fetchall()
    for file, name, kind in rows:
        columns.setdefault(file, []).append((name, kind))
    newest = columns[group[-1].uri]
    return [part for part in group if columns[part.uri] == newest]
