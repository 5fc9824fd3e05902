"""FreeSWITCH's mod_cdr_csv: local times, and SIP statuses made of hangup causes."""

from datetime import date

import duckdb
import pytest

import sql
from resources.sources import SOURCES
from resources.zones import ahead_of_utc

SOURCE = SOURCES["freeswitch"]
ANSWERED = {
    "caller_id_name": "Desk", "caller_id_number": "442079460013",
    "destination_number": "12122260001", "context": "default",
    "start_stamp": "2026-07-06 14:00:00", "answer_stamp": "2026-07-06 14:00:05",
    "end_stamp": "2026-07-06 14:01:05", "duration": "65", "billsec": "60",
    "hangup_cause": "NORMAL_CLEARING", "uuid": "u-1", "bleg_uuid": "u-2", "accountcode": "101",
    "read_codec": "PCMU", "write_codec": "PCMU",
}  # fmt: skip
UNANSWERED = {"answer_stamp": "", "billsec": "0"}


def mapped(timezone: str = "Europe/London", **values: str | None) -> dict[str, object]:
    """The canonical row of one record."""
    record = ANSWERED | values
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} VARCHAR" for name in SOURCE.columns)
        connection.execute(
            f"CREATE TABLE raw ({columns}, file_id BIGINT, line BIGINT, raw VARCHAR, "
            "refused VARCHAR)"
        )
        marks = ", ".join("?" * (len(SOURCE.columns) + 4))
        connection.execute(
            f"INSERT INTO raw VALUES ({marks})",
            [*(record[name] for name in SOURCE.columns), 4, 7, "text", None],
        )
        days = ahead_of_utc(timezone, date(2025, 12, 1), date(2026, 12, 1), local=True)
        connection.register("source_days", days)
        found = connection.execute(sql.text("sources/freeswitch"))
        rows: list[dict[str, object]] = found.to_arrow_table().to_pylist()
    assert len(rows) == 1
    return rows[0]


def test_columns_are_the_canonical_ones() -> None:
    row = mapped()
    canonical = [*SOURCES["connexcs"].columns, *SOURCES["connexcs"].optional]
    assert sorted(row) == sorted([*canonical, "file_id", "line", "raw", "refused"])
    assert {name: value for name, value in row.items() if value is not None} == {
        "dt": "2026-07-06 13:00:00.000", "callid": "u-1", "dest_cli": "442079460013",
        "dest_number": "12122260001", "duration": "60", "source_cli": "442079460013",
        "source_dest_number": "12122260001", "customer_id": "101",
        "release_reason": "NORMAL_CLEARING", "ring_duration": "5.000", "sip_code": "200",
        "sip_reason": "OK", "callid_b": "u-2", "file_id": 4, "line": 7, "raw": "text",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("start", "utc"),
    [
        ("2026-01-06 14:00:00", "2026-01-06 14:00:00.000"),
        ("2026-07-06 00:30:00", "2026-07-05 23:30:00.000"),
        (" 2026-07-06 00:30:00 ", "2026-07-05 23:30:00.000"),
        ("2026-07-06 00:30:00\r\n", "2026-07-05 23:30:00.000"),
        ("2026-13-06 14:00:00", "2026-13-06 14:00:00"),
        ("", ""),
        (None, None),
    ],
)
def test_local_times(start: str | None, utc: str | None) -> None:
    assert mapped(start_stamp=start)["dt"] == utc


@pytest.mark.parametrize(
    ("cause", "code", "reason"),
    [
        ("UNALLOCATED_NUMBER", "404", "Not Found"),
        ("USER_BUSY", "486", "Busy Here"),
        ("NO_ANSWER", "480", "Temporarily Unavailable"),
        ("CALL_REJECTED", "403", "Forbidden"),
        ("ORIGINATOR_CANCEL", "487", "Request Terminated"),
        ("NORMAL_CLEARING", "487", "Request Terminated"),
        ("NORMAL_TEMPORARY_FAILURE", "503", "Service Unavailable"),
        ("user_busy", "486", "Busy Here"),
        ("A_NEW_CAUSE", "500", "Server Internal Error"),
        ("", None, None),
        (None, None, None),
    ],
)
def test_hangup_causes(cause: str | None, code: str | None, reason: str | None) -> None:
    row = mapped(hangup_cause=cause, **UNANSWERED)
    assert (row["sip_code"], row["sip_reason"], row["duration"]) == (code, reason, "0")
    assert row["release_reason"] == cause


def test_an_answered_call_is_200_whatever_ended_it() -> None:
    assert mapped(hangup_cause="RECOVERY_ON_TIMER_EXPIRE")["sip_code"] == "200"


def test_each_cause_and_each_phrase_stands_once() -> None:
    body = sql.text("sources/freeswitch")
    words = [line.split("'")[1] for line in body.splitlines() if line.strip().startswith("('")]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(("duration", "billsec"), [("999999999999999", "-1"), ("-1", "9" * 15)])
def test_a_ring_time_out_of_all_range_is_none(duration: str, billsec: str) -> None:
    """The record goes on to the judge, and the file with it."""
    row = mapped(duration=duration, billsec=billsec)
    assert (row["duration"], row["ring_duration"]) == (billsec, None)


def test_a_duration_that_is_none_is_passed_on() -> None:
    assert mapped(billsec="long")["duration"] == "long"
