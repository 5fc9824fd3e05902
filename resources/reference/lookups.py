"""The reference data as the relations that SQL joins: a row for every key there can be."""

from pathlib import Path

import pyarrow as pa

import sql
from resources.engine import Engine, named
from resources.reference.accounts import read_dids
from resources.reference.plan import (
    LONGEST_PREFIX,
    PREFIXES,
    NumberPlan,
    ReferenceData,
    check_prefixes,
)

WIDTHS = (5, 7, LONGEST_PREFIX)
"""Digits by which prefixes are looked up; the longest prefix has as many as the last."""


def lookups(engine: Engine, data: ReferenceData, home: Path) -> dict[str, pa.Table]:
    """`area_codes`, `exchanges`, `prefixes_5|7|9`, `release_causes`, `dids`.

    `sql/reference/` and `sql/cdrs/cdrs.sql` say what their columns are. Raises ReferenceDataError.
    """
    files = (data.npa, data.npanxx, data.prefixes, data.release_causes)
    plan = tuple((path, *_stamp(path)) for path in files)
    if plan not in _worked_out:
        found = _work_out(engine, data)
        _worked_out.clear()
        _worked_out[plan] = found
    return {**_worked_out[plan], "dids": own_numbers(data, home)}


_worked_out: dict[tuple[tuple[Path, int, int], ...], dict[str, pa.Table]] = {}
"""The relations of the files that were asked for last: to work them out takes two seconds."""


def _stamp(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_mtime_ns, about.st_size


def _work_out(engine: Engine, data: ReferenceData) -> dict[str, pa.Table]:
    if data.is_overridden(PREFIXES):
        check_prefixes(data.prefixes)
    csv = "SELECT * FROM read_csv(?, header = true, all_varchar = true)"
    with engine.connect() as connection:
        for name, path in (
            ("npa", data.npa),
            ("prefixes", data.prefixes),
            ("release_causes", data.release_causes),
        ):
            connection.execute(f"CREATE TEMP TABLE {name} AS {csv}", [str(path)])
        connection.execute(
            "CREATE TEMP TABLE npanxx AS SELECT * FROM read_parquet(?)", [str(data.npanxx)]
        )

        def rows(text: str, **params: int) -> pa.Table:
            return connection.execute(text, named(text, params)).to_arrow_table()

        connection.execute(
            "CREATE TEMP TABLE countries AS SELECT country, MIN(country_name) AS name "
            "FROM prefixes WHERE country IS NOT NULL GROUP BY country"
        )
        found = {"area_codes": rows(sql.text("reference/area_codes"))}
        connection.register("area_codes", found["area_codes"])
        found["exchanges"] = rows(sql.text("reference/exchanges"))
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


def own_numbers(data: ReferenceData, home: Path) -> pa.Table:
    """`dids`: the digits of the numbers in the home's `dids.csv`, each once, as callers have them.

    Raises AccountsError.
    """
    # Area codes tell all about a number's digits; reading the whole plan takes seconds.
    plan = NumberPlan(data.load_area_codes(), {}, {})
    return pa.table({"digits": pa.array(read_dids(home, plan), pa.string())})
