"""The verdict on each record: contract §1, reason by reason.

Intake is at 2026-03-07 00:00:00 UTC.
"""

from decimal import Decimal

import pyarrow as pa
import pytest

import sql
from resources.engine import Model
from tests.unit.sql_models import DAY, GOOD, Models

OK = None
VERDICTS: list[tuple[dict[str, str], str | None]] = [
    ({"callid": ""}, "missing_call_id"),
    ({"callid": "  "}, "missing_call_id"),
    ({"callid": "\t"}, "missing_call_id"),
    ({"dt": ""}, "invalid_call_time"),
    ({"dt": " "}, "invalid_call_time"),
    ({"dt": "yesterday"}, "invalid_call_time"),
    ({"dt": "2026-03-06"}, "invalid_call_time"),
    ({"dt": "2026-02-30 12:00:00"}, "invalid_call_time"),
    ({"dt": "2026-03-05 24:00:00"}, "invalid_call_time"),
    ({"dt": "2026-03-05 23:59:60"}, "invalid_call_time"),
    ({"dt": "2026-03-06 12:60:00"}, "invalid_call_time"),
    ({"dt": "2026-13-06 12:00:00"}, "invalid_call_time"),
    ({"dt": "06/03/2026 12:00:00"}, "invalid_call_time"),
    ({"dt": "2026-03-06 12:00:00+01:00"}, "invalid_call_time"),
    ({"dt": "2026-03-06 12:00:00 Europe/Rome"}, "invalid_call_time"),
    ({"dt": "1970-01-01 00:00:00"}, "invalid_call_time"),  # before the first day of the reports
    ({"dt": "2019-12-31 23:59:59.999"}, "invalid_call_time"),
    ({"dt": "2020-01-01 00:00:00"}, OK),
    ({"dt": "2020-02-01 23:59:59"}, OK),
    ({"dt": "2020-02-02 00:00:00"}, "day_in_cold_storage"),  # see sql_models.py
    ({"dt": "2026-03-06T12:00:00"}, OK),
    ({"dt": "2026-03-06 12:00:00Z"}, OK),
    ({"dt": "2026-03-06 12:00:00.5"}, OK),
    ({"dt": " 2026-03-06 12:00:00 "}, OK),
    ({"dt": "\t2026-03-06 12:00:00\t"}, OK),
    ({"dt": "2026-03-06 12:00:00.5\r\n"}, OK),
    ({"dt": "2026-02-30 12:00:00\t"}, "invalid_call_time"),
    ({"dt": "2026-03-08 00:00:00"}, OK),  # exactly 24 hours after intake
    ({"dt": "2026-03-08 00:00:00.001"}, "call_time_in_future"),
    ({"dt": "9999-12-31 23:59:59"}, "call_time_in_future"),
    ({"dt": "0000-01-01 00:00:00"}, "invalid_call_time"),
    ({"duration": ""}, "invalid_duration"),
    ({"duration": "1e3"}, "invalid_duration"),
    ({"duration": "NaN"}, "invalid_duration"),
    ({"duration": "1:30"}, "invalid_duration"),
    ({"duration": "1_000"}, "invalid_duration"),
    ({"duration": "-0.001"}, "negative_duration"),
    ({"duration": "-0"}, OK),
    ({"duration": " 12.345 "}, OK),
    ({"duration": "86400"}, OK),  # exactly 24 hours
    ({"duration": "86400.001"}, "duration_too_long"),
    # More than three decimals: judged as delivered, before they are rounded.
    ({"duration": "60.0004"}, OK),
    ({"duration": "86400.0001"}, "duration_too_long"),
    ({"duration": "-0.0004"}, "negative_duration"),
    ({"duration": "-0.0000"}, OK),
    ({"duration": "123456789012345678901234567890"}, "duration_too_long"),
    ({"duration": "-123456789012345678901234567890"}, "negative_duration"),
    ({"duration": "12345678901234567.1.2"}, "invalid_duration"),
    ({"customer_duration": "-0.0001"}, "negative_duration"),
    ({"provider_duration": " -.0001"}, "negative_duration"),
    ({"provider_duration": "-"}, "invalid_duration"),
    ({"provider_duration": "- "}, "invalid_duration"),
    ({"duration": "+\t"}, "invalid_duration"),
    ({"customer_duration": "x"}, "invalid_duration"),
    ({"provider_duration": "-1"}, "negative_duration"),
    ({"customer_id": ""}, "missing_customer"),
    ({"customer_id": " \t "}, "missing_customer"),
    ({"provider_id": ""}, OK),  # never routed
    ({"dest_number": ""}, "missing_destination"),
    ({"dest_number": "   "}, "missing_destination"),
    ({"dest_number": "anything"}, OK),
    ({"dest_cli": ""}, OK),
    ({"customer_charge": ""}, OK),
    ({"customer_charge": " "}, OK),
    ({"customer_charge": "-0"}, OK),
    ({"customer_charge": " 1.5 "}, OK),
    ({"customer_charge": "+1.5"}, OK),
    ({"customer_charge": ".5"}, OK),
    ({"customer_charge": "5."}, OK),
    ({"customer_charge": "0.12345678"}, OK),
    ({"customer_charge": "0.123456780"}, OK),  # nine places, the same amount
    ({"customer_charge": "9999999999.99999999"}, OK),
    ({"customer_charge": "0.123456789"}, "invalid_charge"),  # would have to be rounded
    ({"customer_charge": "1e5"}, "invalid_charge"),
    ({"customer_charge": "1_000"}, "invalid_charge"),
    ({"customer_charge": "1,5"}, "invalid_charge"),
    ({"customer_charge": "NaN"}, "invalid_charge"),
    ({"customer_charge": "Infinity"}, "invalid_charge"),
    ({"customer_charge": "."}, "invalid_charge"),
    ({"customer_charge": "- "}, "invalid_charge"),
    ({"provider_charge": "+\n"}, "invalid_charge"),
    ({"provider_charge": " 5"}, OK),
    ({"provider_charge": ".5"}, OK),
    ({"customer_charge": "0x10"}, "invalid_charge"),
    ({"customer_charge": "١"}, "invalid_charge"),
    ({"provider_charge": "12 USD"}, "invalid_charge"),
    ({"provider_charge": "-0.00000001"}, "negative_charge"),
    ({"customer_card_currency": ""}, "missing_currency"),
    ({"customer_card_currency": " "}, "missing_currency"),
    ({"customer_card_currency": "", "customer_charge": "0"}, OK),
    ({"customer_card_currency": "", "customer_charge": ""}, OK),
    ({"provider_card_currency": "", "provider_charge": "0.00000001"}, "missing_currency"),
    ({"customer_card_currency": " GBP "}, OK),
    ({"customer_card_currency": "XXX"}, "unknown_currency"),
    ({"customer_card_currency": "XXX", "customer_charge": "0"}, "unknown_currency"),
    ({"customer_card_currency": "gbp"}, "unknown_currency"),
    ({"provider_card_currency": "BTC", "provider_charge": ""}, "unknown_currency"),
    ({"branch_idx": ""}, OK),
    ({"branch_idx": " "}, OK),
    ({"branch_idx": " 2 "}, OK),
    ({"branch_idx": "x"}, "invalid_branch"),
    ({"branch_idx": "-1"}, "invalid_branch"),
    ({"branch_idx": "1.6"}, "invalid_branch"),
    ({"branch_idx": "1e2"}, "invalid_branch"),
    # Several at once.
    ({"callid": "", "duration": "-1"}, "missing_call_id,negative_duration"),
    (
        {"duration": "x", "customer_duration": "-1", "customer_card_currency": ""},
        "invalid_duration,negative_duration,missing_currency",
    ),
    (
        {"customer_charge": "-1", "customer_card_currency": "", "provider_charge": "?"},
        "invalid_charge,negative_charge,missing_currency",
    ),
    (
        {
            "callid": "", "dt": "", "duration": "", "customer_duration": "-1", "customer_id": "",
            "dest_number": "", "customer_charge": "?", "customer_card_currency": "XXX",
            "provider_charge": "-1", "provider_card_currency": "", "branch_idx": "?",
        },
        "missing_call_id,invalid_branch,invalid_call_time,invalid_duration,negative_duration,"
        "missing_customer,missing_destination,invalid_charge,negative_charge,missing_currency,"
        "unknown_currency",
    ),
]  # fmt: skip


def test_each_reason_for_refusing_a_record(models: Models) -> None:
    found = models.delivered([GOOD | changes for changes, _ in VERDICTS])
    wrong = [
        (changes, row["reasons"], wanted)
        for row, (changes, wanted) in zip(found, VERDICTS, strict=True)
        if row["reasons"] != wanted
    ]
    assert wrong == [], "(record's changes, found, wanted)"


def test_refused_records_keep_their_text_and_good_ones_do_not(models: Models) -> None:
    good, bad = models.delivered([GOOD, GOOD | {"callid": ""}])
    assert (good["raw"], bad["raw"]) == (None, "text")


def test_a_refused_line_has_no_other_reason(models: Models) -> None:
    """A wrong number of fields is judged by nothing else, whatever the fields hold."""
    models._deliver([GOOD | {"callid": ""}])
    raw = models.connection.sql("SELECT * REPLACE ('wrong_column_count' AS refused) FROM raw")
    models.connection.register("raw", raw.to_arrow_table())
    model = Model("delivered/delivered", {"mapped": Model("sources/connexcs")}).text()
    values = {
        "source": "connexcs", "first_day": DAY,
        "taken_at": "2026-03-07 00:00:00", "longest_call": 86400,
    }  # fmt: skip
    row = models.connection.execute(f"SELECT reasons FROM ({model})", values).fetchone()
    assert row == ("wrong_column_count",)


def test_blank_is_nothing_and_padding_no_part_of_a_value(models: Models) -> None:
    """Digits are counted, SIP codes judged, destinations named, rows grouped: none by spaces
    around them.
    """
    columns = (
        "dtmf", "sip_code", "customer_card_dest_name", "provider_card_dest_name", "tech_prefix",
        "direction", "release_reason",
    )  # fmt: skip
    (blank,) = models.delivered([GOOD | dict.fromkeys(columns, " \t ")])
    assert {blank[column] for column in columns} == {None}
    keys = (*columns, "callid", "customer_id", "provider_id", "dest_number")
    for padded in (" 12# ", "\t12#", "12#\t", "12#\n", "12#\r\n"):
        (found,) = models.delivered([GOOD | dict.fromkeys(keys, padded)])
        assert {found[column] for column in keys} == {"12#"}, repr(padded)


def test_values_are_exact(models: Models) -> None:
    row = models.delivered(
        [
            GOOD
            | {
                "customer_charge": "9999999999.99999999", "provider_charge": "",
                "duration": "12.345", "customer_id": " 101 ", "provider_id": "",
                "branch_idx": " 2 ", "dt": "2026-03-06T23:59:59.999Z",
            }
        ]
    )[0]  # fmt: skip
    assert str(row["customer_charge"]) == "9999999999.99999999"
    assert row["provider_charge"] == 0  # blank counts as 0
    assert (row["branch_idx"], str(row["duration"])) == (2, "12.345")
    assert (row["customer_id"], row["provider_id"]) == ("101", None)
    assert row["dt"].isoformat() == "2026-03-06T23:59:59.999000+00:00"


def test_a_sign_alone_is_no_delay_and_no_rate(models: Models) -> None:
    """A dash for what is not known is not 0, which would count for the mean."""
    columns = ("pdd_in", "pdd_out", "ring_duration", "customer_card_rate", "provider_card_rate")
    values = ("- ", "+\t", "-", " -1 ", "+1", "\t1", ".5")
    rows = models.delivered([GOOD | dict.fromkeys(columns, value) for value in values])
    for column in columns:
        found = [row[column] for row in rows]
        assert found == [None, None, None, -1, 1, 1, Decimal("0.5")], column


@pytest.mark.parametrize(
    ("zone", "utc", "day"),
    [
        ("UTC", "2026-03-06 23:59:59.999", "2026-03-06"),
        ("Europe/London", "2025-03-29 23:59:59", "2025-03-29"),  # winter time: UTC
        ("Europe/London", "2025-03-30 22:59:59", "2025-03-30"),  # the clock went forward at 01:00
        ("Europe/London", "2025-03-30 23:00:00", "2025-03-31"),
        ("Europe/London", "2025-10-26 23:59:59", "2025-10-26"),  # and back at 01:00 UTC
        ("America/New_York", "2025-03-09 04:59:59", "2025-03-08"),  # UTC-5
        ("America/New_York", "2025-03-10 03:59:59", "2025-03-09"),  # UTC-4
        ("America/New_York", "2025-11-02 04:00:00", "2025-11-02"),
        ("America/New_York", "2025-11-03 04:59:59", "2025-11-02"),
        ("Asia/Kolkata", "2025-03-06 18:29:59", "2025-03-06"),  # UTC+5:30
        ("Asia/Kolkata", "2025-03-06 18:30:00", "2025-03-07"),
    ],
)
def test_the_day_is_the_reporting_zones(models: Models, zone: str, utc: str, day: str) -> None:
    row = models.delivered([GOOD | {"dt": utc}], timezone=zone)[0]
    assert (str(row["call_date"]), row["reasons"]) == (day, None)
    assert f"{row['dt']:%Y-%m-%d %H:%M:%S}" == utc[:19]


def test_every_column_says_what_it_holds(models: Models) -> None:
    """The web interface shows the comments of the SQL."""
    (row,) = models.delivered([GOOD])
    assert row.keys() == sql.columns("delivered/delivered").keys()
    models.delivered([GOOD | {"callid": ""}])
    models.connection.register("files", pa.table({"file_id": [1], "file": ["1.csv"]}))
    (refused,) = models._rows(sql.text("delivered/quarantine"), {"taken_at": DAY})
    assert refused.keys() == sql.columns("delivered/quarantine").keys()
