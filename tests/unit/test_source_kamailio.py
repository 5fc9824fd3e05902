"""Kamailio's acc files: exact times, failed branches, and what ended a call."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import sql
from resources.sources import SOURCES
from resources.zones import ahead_of_utc

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "kamailio"
ACC = SOURCES["kamailio"].companions[0]
TRANSACTIONS = (*ACC.columns, *ACC.optional)
Row = dict[str, str]
Mapped = dict[str, Any]


def days_of(timezone: str) -> pa.Table:
    return ahead_of_utc(timezone, date(2025, 12, 1), date(2026, 12, 1), local=True)


def call(callid: str, **values: str) -> Row:
    """A record of acc_cdrs.csv; Julian day 2461105.5 is 2026-03-06 00:00 UTC."""
    return {
        "id": "1", "start_time": "2461105.5", "end_time": "2461105.5", "duration": "0.0",
        "caller": "17185550136", "callee": "12245550181", "customer": "acme", "vendor": "v3",
        "callid": callid, **values,
    }  # fmt: skip


def reply(callid: str, code: str, tag: str, time: str = "2461105.5", row: str = "1") -> Row:
    """A record of acc.csv or missed_calls.csv."""
    given = {
        "id": row, "method": "INVITE", "to_tag": tag, "callid": callid, "sip_code": code,
        "sip_reason": f"reason {code}", "time": time, "src_ip": "192.0.2.1",
        "dst_ouser": "0012245550181",
    }  # fmt: skip
    return {name: given.get(name, "") for name in TRANSACTIONS}


RECORD = ", file_id BIGINT, line BIGINT, raw VARCHAR, refused VARCHAR"


def mapped(
    calls: list[Row],
    acc: list[Row] = [],  # noqa: B006
    missed: list[Row] = [],  # noqa: B006
    timezone: str = "UTC",
) -> list[Mapped]:
    """The canonical rows, in the order of call id and branch."""
    with duckdb.connect() as connection:
        for name, columns, rows in (
            ("raw", tuple(call("")), calls),
            ("acc", TRANSACTIONS, acc),
            ("missed_calls", TRANSACTIONS, missed),
        ):
            extra = RECORD if name == "raw" else ""
            texts = ", ".join(f'"{column}" VARCHAR' for column in columns)
            connection.execute(f"CREATE TABLE {name} ({texts}{extra})")
            for number, row in enumerate(rows, 2):
                values: list[object] = [row[column] for column in columns]
                values += [4, number, f"text {number}", None] if extra else []
                marks = ", ".join("?" * len(values))
                connection.execute(f"INSERT INTO {name} VALUES ({marks})", values)
        text = f"SELECT * FROM ({sql.text('sources/kamailio')}) ORDER BY callid, branch_idx"
        connection.register("source_days", days_of(timezone))
        found: list[Mapped] = connection.execute(text).to_arrow_table().to_pylist()
        return found


def attempts(rows: list[Mapped]) -> list[tuple[str, str, str | None, str]]:
    return [(r["branch_idx"], r["sip_code"], r["provider_id"], r["duration"]) for r in rows]


def test_columns_are_the_canonical_ones() -> None:
    canonical = [*SOURCES["connexcs"].columns, *SOURCES["connexcs"].optional]
    row = mapped([call("a")])[0]
    assert sorted(row) == sorted([*canonical, "file_id", "line", "raw", "refused"])
    assert (row["file_id"], row["line"], row["raw"], row["refused"]) == (4, 2, "text 2", None)
    assert (row["customer_id"], row["dest_cli"], row["dest_number"], row["customer_charge"]) == (
        "acme", "17185550136", "12245550181", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("julian", "utc"),
    [
        ("2461105.5", "2026-03-06 00:00:00.000"),
        ("2461105.0", "2026-03-05 12:00:00.000"),
        ("2440587.5", "1970-01-01 00:00:00.000"),
        ("2461367.5121469907", "2026-11-23 00:17:29.500"),
        ("2461105.5000000058", "2026-03-06 00:00:00.001"),  # 0.501 ms
        ("2461105.5000000057", "2026-03-06 00:00:00.000"),  # 0.492 ms
        ("2461106.4999999999", "2026-03-07 00:00:00.000"),
        # No such time: passed on as it stands.
        ("", ""),
        ("yesterday", "yesterday"),
        ("99999999999", "99999999999"),
        ("999999999999", "999999999999"),  # more milliseconds than a whole number of SQL holds
        ("-999999999999.5", "-999999999999.5"),
        ("-1", "-1"),
        ("2026-03-06 00:00:00", "2026-03-06 00:00:00.000"),
    ],
)
def test_julian_days(julian: str, utc: str) -> None:
    assert mapped([call("a", start_time=julian)])[0]["dt"] == utc


def test_answered_at_once() -> None:
    rows = mapped([call("a", duration="12.345")], [reply("a", "200", "1u")])
    assert attempts(rows) == [("0", "200", "v3", "12.345")]
    assert (rows[0]["source_ip"], rows[0]["source_dest_number"]) == ("192.0.2.1", "0012245550181")


def test_answered_after_two_failed_branches() -> None:
    missed = [
        reply("a", "480", "2u", "2461105.50002", "8"),
        reply("a", "503", "1u", "2461105.50001", "9"),
    ]
    rows = mapped(
        [call("a", duration="5", start_time="2461105.50003")], [reply("a", "200", "3u")], missed
    )
    assert attempts(rows) == [
        ("0", "503", None, "0"),
        ("1", "480", None, "0"),
        ("2", "200", "v3", "5"),
    ]
    assert [row["dt"][-6:] for row in rows] == ["00.864", "01.728", "02.592"]
    assert {row["line"] for row in rows} == {2}


def test_failed_for_good_is_the_last_missed_call_itself() -> None:
    rows = mapped([call("a")], [reply("a", "486", "1u")], [reply("a", "486", "1u")])
    assert attempts(rows) == [("0", "486", "v3", "0.0")]


def test_failed_over_and_then_busy_without_a_missed_call_of_its_own() -> None:
    rows = mapped([call("a")], [reply("a", "486", "2u")], [reply("a", "503", "1u")])
    assert attempts(rows) == [("0", "503", None, "0"), ("1", "486", "v3", "0.0")]


def test_a_reply_of_kamailio_itself_is_no_attempt() -> None:
    rows = mapped([call("a")], [reply("a", "500", "")], [reply("a", "503", "1u")])
    assert attempts(rows) == [("0", "503", "v3", "0.0")]


def test_without_companions() -> None:
    rows = mapped([call("a"), call("b", duration="3")])
    assert [(row["sip_code"], row["sip_reason"]) for row in rows] == [(None, None), ("200", "OK")]


def test_challenges_and_re_invites_do_not_count() -> None:
    acc = [
        reply("a", "407", "", "2461105.50001", "1"),
        reply("a", "200", "1u", "2461105.50002", "2"),
        reply("a", "488", "1u", "2461105.50003", "3"),
        reply("b", "407", "", "2461105.50001", "4"),
        reply("b", "404", "1u", "2461105.50002", "5"),
    ]
    rows = mapped([call("a", duration="3"), call("b")], acc)
    assert [row["sip_code"] for row in rows] == ["200", "404"]


def test_a_record_without_call_id_stays_one_row() -> None:
    rows = mapped([call(""), call("")], [reply("", "486", "")], [reply("", "503", "")])
    assert [(row["line"], row["sip_code"]) for row in rows] == [(2, None), (3, None)]


def test_the_sample() -> None:
    with duckdb.connect() as connection:
        for name, extra in (("acc", ""), ("missed_calls", ""), ("raw", EXTRA)):
            path = SAMPLE / f"{'acc_cdrs' if name == 'raw' else name}.csv"
            connection.execute(
                f"CREATE TABLE {name} AS SELECT *{extra} FROM "
                f"read_csv('{path}', header = true, all_varchar = true)"
            )
        connection.register("source_days", days_of("UTC"))
        counts = connection.execute(
            f"""
            SELECT COUNT(*), COUNT_IF(branch_idx = '0'), COUNT_IF(talk > 0),
                COUNT_IF(talk > 0 AND branch_idx <> '0'), COUNT(DISTINCT callid || branch_idx),
                COUNT_IF(sip_code = '503'), COUNT_IF(provider_id IS NULL)
            FROM (SELECT *, CAST(duration AS DECIMAL(18, 3)) AS talk
                FROM ({sql.text("sources/kamailio")}))
            """
        ).fetchone()
    # 249 calls failed over: 139 were then answered and 110 busy; 161 ended with their 503.
    assert counts == (3249, 3000, 1566, 139, 3249, 410, 249)


EXTRA = """, 4 AS file_id, row_number() OVER () + 1 AS line, '' AS raw,
    CAST(NULL AS VARCHAR) AS refused"""


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        ("acc_cdrs.csv", True), ("acc_cdrs-7.CSV", True), ("acc_cdrs-7.csv.gz", True),
        ("ACC_CDRS-7.csv", False),  # its companions would not be found
        ("acc.csv", False), ("missed_calls.csv", False),
    ],
)  # fmt: skip
def test_which_files_hold_calls(name: str, is_it: bool) -> None:
    assert SOURCES["kamailio"].holds_calls(name) is is_it


def test_dates_of_mysql_and_postgresql_are_local() -> None:
    """Of the branches that failed, too; Rome is an hour before UTC in winter, two in summer."""
    missed = [reply("a", "503", "x", "2026-03-06 00:30:00", "1")]
    acc = [reply("a", "200", "y", "2026-03-06 00:30:01", "1")]
    rows = mapped(
        [call("a", start_time="2026-03-06 00:30:00", duration="5.250"),
         call("b", start_time="2026-07-06 00:30:00.123"), call("c")],
        acc, missed, "Europe/Rome",
    )  # fmt: skip
    assert [(r["callid"], r["branch_idx"], r["dt"], r["duration"]) for r in rows] == [
        ("a", "0", "2026-03-05 23:30:00.000", "0"),
        ("a", "1", "2026-03-05 23:30:00.000", "5.250"),
        ("b", "0", "2026-07-05 22:30:00.123", "0.0"),
        ("c", "0", "2026-03-06 00:00:00.000", "0.0"),
    ]  # fmt: skip


@pytest.mark.parametrize("nothing", ["\\N", "NULL"])
def test_nothing_is_not_a_customer_of_that_name(nothing: str) -> None:
    (row,) = mapped([call(nothing, customer=nothing, vendor=nothing, callee=nothing)])
    assert {row[name] for name in ("callid", "customer_id", "provider_id", "dest_number")} == {None}
