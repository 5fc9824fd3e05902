"""The reference data as the relations that SQL joins: a row for every key there can be."""

import os
import shutil
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc

import sql
from resources.additions import mark_of
from resources.engine import Engine, named
from resources.reference.accounts import read_dids
from resources.reference.names import UNNAMED_COUNTRIES, country_names
from resources.reference.plan import (
    COLUMNS,
    LONGEST_PREFIX,
    NPA,
    PREFIXES,
    RELEASE_CAUSES,
    NumberPlan,
    ReferenceData,
    read_npanxx,
)

WIDTHS = (5, 7, LONGEST_PREFIX)
"""Digits by which prefixes are looked up; the longest prefix has as many as the last."""


def lookups(engine: Engine, data: ReferenceData, home: Path) -> dict[str, pa.Table]:
    """`area_codes`, `exchanges`, `known_prefixes`, `prefixes_5|7|9`, `release_causes`, `dids`.

    `sql/reference/` and `sql/cdrs/cdrs.sql` say what their columns are. To make them takes a
    second: they stay in the folder `lookups` of the home until the reference files, or the SQL, are
    others. Raises ReferenceDataError and AccountsError.
    """
    mark = plan_mark(data)
    if mark not in _in_use:
        folder = home / "lookups" / mark
        found = _kept(folder)
        if found is None:
            found = _made(engine, data)
            _keep(found, folder)
        _in_use.clear()
        _in_use[mark] = found
    return {**_in_use[mark], "dids": own_numbers(data, home)}


def plan_mark(data: ReferenceData) -> str:
    """Stands for all that these relations are made of, but for the users' own numbers."""
    files, models = data.contents(), map(sql.text, sql.names("reference"))
    # The other names of countries are in the files; to parse these takes longer than all else here.
    return mark_of(*models, *files, str(UNNAMED_COUNTRIES))


_NAMES = {
    "area_codes", "exchanges", "known_prefixes", "release_causes",
    *(f"prefixes_{width}" for width in WIDTHS),
}  # fmt: skip

_in_use: dict[str, dict[str, pa.Table]] = {}
"""The tables that this process has asked for last."""


def _kept(folder: Path) -> dict[str, pa.Table] | None:
    """The tables of a folder, mapped into memory; None when they are not there, or not whole."""
    files = {name: folder / f"{name}.arrow" for name in _NAMES}
    try:
        return {n: ipc.open_file(pa.memory_map(str(f))).read_all() for n, f in files.items()}
    except (OSError, pa.ArrowException):
        return None


def _keep(tables: dict[str, pa.Table], folder: Path) -> None:
    """Writes the tables to a folder, whole or not at all, in place of what is beside it."""
    parent = folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    staged = parent / f".{uuid.uuid4().hex}"
    try:
        staged.mkdir()
        for name, table in tables.items():
            with (staged / f"{name}.arrow").open("wb") as handle:
                with ipc.new_file(handle, table.schema) as writer:
                    writer.write_table(table)
                handle.flush()
                os.fsync(handle.fileno())  # what a crash loses must not look like what was there
        for old in set(parent.iterdir()) - {staged}:
            shutil.rmtree(old, ignore_errors=True)
        staged.rename(folder)
    except OSError:  # another process does the same, or there is no room: they are made again
        shutil.rmtree(staged, ignore_errors=True)


def _made(engine: Engine, data: ReferenceData) -> dict[str, pa.Table]:
    """The tables out of the reference files."""
    files = {
        "npa": _table(data, NPA),
        "npanxx": read_npanxx(data.npanxx),
        "prefixes": _table(data, PREFIXES),
        "release_causes": _table(data, RELEASE_CAUSES),
    }
    with engine.connect() as connection:
        for name, table in files.items():
            connection.register("file", table)
            connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM file")

        def rows(text: str, **params: int) -> pa.Table:
            return connection.execute(text, named(text, params)).to_arrow_table()

        names = country_names(data)
        connection.register("countries", pa.table({"country": [*names], "name": [*names.values()]}))
        found = {"area_codes": rows(sql.text("reference/area_codes"))}
        connection.register("area_codes", found["area_codes"])
        found["exchanges"] = rows(sql.text("reference/exchanges"))
        known = rows(sql.text("reference/known_prefixes"))
        connection.register("known_prefixes", known)
        found["known_prefixes"] = known.drop_columns(["prefix"])
        connection.execute(
            "CREATE TEMP TABLE stems AS SELECT 0 AS block, '' AS stem, NULL::VARCHAR AS prefix"
        )
        before = 0
        for width in WIDTHS:
            level = rows(sql.text("reference/prefixes_by_width"), added=width - before, width=width)
            connection.register("level", level)
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE stems AS "
                "SELECT block, digits AS stem, prefix FROM level WHERE block IS NOT NULL"
            )
            found[f"prefixes_{width}"] = level.drop_columns(["digits", "prefix"])
            before = width
        found["release_causes"] = rows("SELECT sip, kpi_class FROM release_causes")
    return found


def _table(data: ReferenceData, name: str) -> pa.Table:
    """A CSV file in force; what is blank is NULL."""
    rows = data.rows(name)
    return pa.table(
        {
            column: pa.array([row[column] or None for row in rows], pa.string())
            for column in COLUMNS[name]
        }
    )


def own_numbers(data: ReferenceData, home: Path) -> pa.Table:
    """`dids`: the digits of the numbers in the home's `dids.csv`, each once, as callers have them.

    Raises AccountsError.
    """
    # Area codes tell all about a number's digits; reading the whole plan takes seconds.
    plan = NumberPlan(data.load_area_codes(), {}, {})
    return pa.table({"digits": pa.array(read_dids(home, plan), pa.string())})
