"""Asterisk's Master.csv: local times, dispositions, peers, and records without a unique id."""

import hashlib
from datetime import date

import duckdb
import pytest

import sql
from resources.sources import SOURCES
from resources.zones import ahead_of_utc

SOURCE = SOURCES["asterisk"]
COLUMNS = (*SOURCE.columns, *SOURCE.optional)
ANSWERED: dict[str, str | None] = {
    "accountcode": "101", "src": "442079460013", "dst": "12122260001", "dcontext": "out",
    "clid": '"Desk" <442079460013>', "channel": "PJSIP/desk-00000001",
    "dstchannel": "PJSIP/carrier-a-000012ab", "lastapp": "Dial", "lastdata": "PJSIP/1@carrier-a",
    "start": "2026-07-06 14:00:00", "answer": "2026-07-06 14:00:05",
    "end": "2026-07-06 14:01:05", "duration": "65", "billsec": "60", "disposition": "ANSWERED",
    "amaflags": "DOCUMENTATION", "uniqueid": "1783256400.17", "userfield": "note",
    "uniqueid_or_userfield": None,
}  # fmt: skip


def mapped_file(
    *records: tuple[str, dict[str, str | None]], timezone: str = "Europe/London"
) -> list[dict[str, object]]:
    """The canonical rows of a file of records, each its text and what differs from ANSWERED."""
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{name}" VARCHAR' for name in COLUMNS)
        connection.execute(
            f"CREATE TABLE raw ({columns}, file_id BIGINT, line BIGINT, raw VARCHAR, "
            "refused VARCHAR)"
        )
        marks = ", ".join("?" * (len(COLUMNS) + 4))
        for line, (text, values) in enumerate(records, 7):
            record = ANSWERED | values
            connection.execute(
                f"INSERT INTO raw VALUES ({marks})",
                [*(record[name] for name in COLUMNS), 4, line, text, None],
            )
        days = ahead_of_utc(timezone, date(2025, 12, 1), date(2026, 12, 1), local=True)
        connection.register("source_days", days)
        found = connection.execute(f"SELECT * FROM ({sql.text('sources/asterisk')}) ORDER BY line")
        rows: list[dict[str, object]] = found.to_arrow_table().to_pylist()
    assert len(rows) == len(records)
    return rows


def mapped(
    timezone: str = "Europe/London", text: str = "text", **values: str | None
) -> dict[str, object]:
    """The canonical row of one record."""
    return mapped_file((text, values), timezone=timezone)[0]


def test_columns_are_the_canonical_ones() -> None:
    row = mapped()
    canonical = [*SOURCES["connexcs"].columns, *SOURCES["connexcs"].optional]
    assert sorted(row) == sorted([*canonical, "file_id", "line", "raw", "refused"])
    assert {name: value for name, value in row.items() if value is not None} == {
        "dt": "2026-07-06 13:00:00.000", "callid": "1783256400.17", "dest_cli": "442079460013",
        "dest_number": "12122260001", "duration": "60", "source_cli": "442079460013",
        "source_dest_number": "12122260001", "customer_id": "101", "provider_id": "carrier-a",
        "release_reason": "ANSWERED", "ring_duration": "5.000", "sip_code": "200",
        "sip_reason": "OK", "ingress_id": "PJSIP/desk-00000001", "meta": "note",
        "branch_idx": "0",
        "file_id": 4, "line": 7, "raw": "text",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("start", "timezone", "utc"),
    [
        ("2026-01-06 14:00:00", "Europe/London", "2026-01-06 14:00:00.000"),
        (" 2026-01-06 14:00:00 ", "America/New_York", "2026-01-06 19:00:00.000"),
        ("2026-01-06 14:00:00\t", "America/New_York", "2026-01-06 19:00:00.000"),
        ("2026-01-06 14:00:00.25", "America/New_York", "2026-01-06 19:00:00.250"),
        ("2026-01-06 23:30:00", "UTC", "2026-01-06 23:30:00.000"),
        ("2026-01-01 01:00:00", "Asia/Kolkata", "2025-12-31 19:30:00.000"),
        ("2026-10-25 01:30:00", "Europe/London", "2026-10-25 01:30:00.000"),  # second turn
        ("2026-02-30 14:00:00", "UTC", "2026-02-30 14:00:00"),
        ("2026-02-03", "UTC", "2026-02-03"),
        ("soon", "UTC", "soon"),
        ("infinity", "UTC", "infinity"),
        ("", "UTC", ""),
        (None, "UTC", None),
    ],
)
def test_local_times(start: str | None, timezone: str, utc: str | None) -> None:
    assert mapped(timezone, start=start)["dt"] == utc


@pytest.mark.parametrize(
    ("disposition", "code", "duration"),
    [
        ("ANSWERED", "200", "60"),
        ("BUSY", "486", "0"),
        ("NO ANSWER", "480", "0"),
        ("FAILED", "503", "0"),
        ("CONGESTION", "503", "0"),
        ("SOMETHING", None, "60"),
    ],
)
def test_dispositions(disposition: str, code: str | None, duration: str) -> None:
    row = mapped(disposition=disposition)
    assert (row["sip_code"], row["duration"], row["release_reason"]) == (
        code, duration, disposition,
    )  # fmt: skip


@pytest.mark.parametrize(("duration", "billsec"), [("999999999999999", "-1"), ("-1", "9" * 15)])
def test_a_ring_time_out_of_all_range_is_none(duration: str, billsec: str) -> None:
    """The record goes on to the judge, and the file with it."""
    row = mapped(duration=duration, billsec=billsec)
    assert (row["duration"], row["ring_duration"]) == (billsec, None)


def test_a_duration_that_is_none_is_passed_on() -> None:
    assert mapped(billsec="long", disposition="BUSY")["duration"] == "long"
    assert mapped(billsec="long", disposition="BUSY")["ring_duration"] is None


@pytest.mark.parametrize(
    ("channel", "provider"),
    [
        ("SIP/carrier-000012ab", "carrier"),
        ("PJSIP/big-carrier-east-000012AB", "big-carrier-east"),
        ("IAX2/peer-1234", "peer"),
        ("Local/1@out-00000001;1", None),
        ("DAHDI/1-1", None),
        ("", None),
        (None, None),
    ],
)
def test_the_provider_is_the_peer(channel: str | None, provider: str | None) -> None:
    assert mapped(dstchannel=channel)["provider_id"] == provider


@pytest.mark.parametrize("unique", ["", " ", None])
def test_without_a_unique_id_the_text_is_the_identity(unique: str | None) -> None:
    """However its line ends, and whatever blank lines come before the next record."""
    wanted = hashlib.md5(b'"101","1"\n').hexdigest()
    for end in ("", "\n", "\r\n", "\n\r\n \t\n"):
        assert mapped(uniqueid=unique, text=f'"101","1"{end}')["callid"] == wanted


def test_each_party_that_a_call_was_dialled_to_is_a_branch() -> None:
    """Asterisk writes a record for each, with the unique id of the caller's channel."""
    failed: dict[str, str | None] = {"dstchannel": "SIP/a-01", "disposition": "CONGESTION"}
    other: dict[str, str | None] = {"uniqueid": "1783256400.99"}
    rows = mapped_file(
        ("first", failed), ("another call", other), ("second", {"dstchannel": "SIP/b-02"}),
        ("first\r\n", failed), ("third", {"dstchannel": "SIP/c-03"}),
    )  # fmt: skip
    assert [(r["callid"], r["branch_idx"], r["provider_id"]) for r in rows] == [
        ("1783256400.17", "0", "a"), ("1783256400.99", "0", "carrier-a"),
        ("1783256400.17", "1", "b"), ("1783256400.17", "0", "a"), ("1783256400.17", "2", "c"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "callid", "meta"),
    [
        ("1783256400.17", "1783256400.17", None),
        ("pbx-1-1783256400.17", "pbx-1-1783256400.17", None),
        ("ticket 17", hashlib.md5(b"text\n").hexdigest(), "ticket 17"),
        (None, hashlib.md5(b"text\n").hexdigest(), None),
    ],
)
def test_one_field_more_is_a_unique_id_or_a_user_field(
    field: str | None, callid: str, meta: str | None
) -> None:
    """With loguserfield alone calls of the same user field must not become one call."""
    row = mapped(uniqueid=None, userfield=None, uniqueid_or_userfield=field)
    assert (row["callid"], row["meta"], row["branch_idx"]) == (callid, meta, "0")
