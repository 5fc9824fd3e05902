"""The models of the night keep to SQL that Spark runs as well, and mean the same by.

`pytest tests/unit/test_sql_portable.py` says of each place that does not: file, line, what it is
and what to write instead.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import sql
from resources.spark.dialect import NotPortable, problems, spark_sql

SQL = Path(sql.__file__).parent

LOCAL = {
    "reference/": "small, the same for all days: DuckDB makes them once a run, and hands them over",
    "generator/": "made-up calls for the demo and the benches, on one machine",
    "calls/": "questions for single numbers read single rows, on the machine that asks",
    "cdrs/call_numbers": "rows of one file by their place in it; a day of several files is scanned",
    "reports/": "sums of sums, on the machine that shows them",
}
"""Models that DuckDB alone runs, and why; where calls are many, the night's do the work."""

MODELS = sorted(str(path.relative_to(SQL).with_suffix("")) for path in SQL.glob("*/*.sql"))
NIGHT = [name for name in MODELS if not name.startswith(tuple(LOCAL))]


@pytest.mark.parametrize("name", NIGHT)
def test_spark_runs_it_too(name: str) -> None:
    assert [f"sql/{name}.sql, {problem}" for problem in problems(sql.text(name))] == []


@pytest.mark.parametrize("name", MODELS)
def test_comments_of_columns_name_no_parameters(name: str) -> None:
    """They stand in the web interface, where nobody sees the SQL."""
    assert [said for said in sql.columns(name).values() if "$" in said] == []


def test_every_exception_is_a_model() -> None:
    assert [key for key in LOCAL if not any(name.startswith(key) for name in MODELS)] == []
    assert {"delivered/delivered", "cdrs/cdrs", "tables/breakout_daily"} <= set(NIGHT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT a\nFROM t\nQUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1", "ROW_NUMBER"),
        ("SELECT\n    a,\n    COUNT(*)\nFROM t\nGROUP BY ALL", "GROUP BY ALL"),
        ("SELECT a\nFROM t\nWHERE REGEXP_MATCHES(a, '\\bx')", "pattern"),
        ("SELECT a\nFROM t\nWHERE REGEXP_FULL_MATCH(a, b)", "by a column"),
        ("SELECT REGEXP_REPLACE(a, 'x', '') AS b\nFROM t", "'g'"),
        ("SELECT\n    ARG_MAX(a, b) AS c\nFROM t", "ARG_MAX"),
        ("SELECT\n    a,\n    LIST(b) AS c\nFROM t\nGROUP BY a", "LIST"),
        ("SELECT a / b AS c\nFROM t", "DIV"),
        ("SELECT QUANTILE_CONT(a, 0.95) AS c\nFROM t", "_CONT"),
        ("SELECT CAST(a AS DOUBLE) AS c\nFROM t", "DOUBLE"),
        ("SELECT a\nFROM t\nWHERE a NOT IN (SELECT u.a FROM u)", "LEFT JOIN"),
        ("SELECT NOT (a IN (SELECT u.a FROM u)) AS b\nFROM t", "LEFT JOIN"),
        ("SELECT * EXCLUDE (a)\nFROM t", "EXCLUDE"),
        ("SELECT a\nFROM read_parquet('x')", "read_parquet"),
        ("SELECT STRFTIME(a, '%A') AS b\nFROM t", "the format"),
        ("SELECT a,\nFROM WHERE", "plain SQL"),
    ],
)
def test_what_is_not_portable_is_said(text: str, told: str) -> None:
    found = problems(text)
    assert any(told in str(problem) for problem in found), found
    assert all(problem.instead for problem in found)
    with pytest.raises(NotPortable):
        spark_sql(text, {})


def test_the_line_is_the_files() -> None:
    text = "-- a comment\n-- of two lines\nSELECT\n    a,\n    LIST(b) AS c\nFROM t\nGROUP BY a"
    assert [(problem.line, problem.what) for problem in problems(text)] == [(5, "LIST")]


def test_parameters_are_put_in_as_what_they_are() -> None:
    text = "SELECT $a AS a, $b AS b, $c AS c, $d AS d, $e AS e"
    found = spark_sql(
        text,
        {
            "a": 6,
            "b": "it's \\d",
            "c": date(2026, 3, 6),
            "d": False,
            "e": datetime(2026, 3, 6, 12, tzinfo=UTC),
            "unused": object(),
        },
    )
    assert found == (
        "SELECT 6 AS a, 'it\\'s \\\\d' AS b, CAST('2026-03-06' AS DATE) AS c, FALSE AS d, "
        "CAST('2026-03-06 12:00:00.000000+00:00' AS TIMESTAMP) AS e"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "STRFTIME(a, '%Y-%m-%d %H:%M:%S.%g')",
            "DATE_FORMAT(a, 'yyyy-MM-dd HH:mm:ss.SSS')",
        ),
        ("REGEXP_FULL_MATCH(a, '\\s*x')", "a RLIKE '(?d)^(?:[\\t\\n\\f\\r ]*x)\\z'"),
        ("EPOCH_US(a) // 900000000", "UNIX_MICROS(a) DIV 900000000"),
        (
            "TIMEZONE($zone, TIMEZONE('UTC', a))",
            "CAST(FROM_UTC_TIMESTAMP(TO_UTC_TIMESTAMP(CAST(a AS TIMESTAMP), 'UTC'), 'Europe/Rome')"
            " AS TIMESTAMP_NTZ)",
        ),
        ("ANY_VALUE(a)", "ANY_VALUE(a) IGNORE NULLS"),
        ("LOWER(a)", "LOWER(TRANSLATE(a, '\u0130\u03a3', 'i\u03c3'))"),
        ("UPPER(a)", "CASE WHEN LENGTH(UPPER(a)) = LENGTH(a) THEN UPPER(a) ELSE a END"),
    ],
)
def test_what_is_called_otherwise(text: str, wanted: str) -> None:
    found = spark_sql(f"SELECT {text} AS x FROM t", {"zone": "Europe/Rome"})
    assert found.replace("\\\\", "\\") == f"SELECT {wanted} AS x FROM t"


def test_a_parameter_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="parameters: day"):
        spark_sql("SELECT $day AS day", {})
