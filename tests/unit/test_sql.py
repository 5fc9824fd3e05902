"""The SQL models against the contract: numbers and jurisdiction, and the verdict on each record.

Rows in, rows out: records as text go through `sources/connexcs`, `delivered/delivered` and
`cdrs/cdrs`. The oracle for numbers is `resources.reference.numbers`, plain Python.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import sql
from resources.engine import Engine, Model, named
from resources.reference.lookups import lookups
from resources.reference.numbers import WITHHELD, Kind, Number, classify, jurisdiction, terminating
from resources.reference.plan import ReferenceData
from resources.sources import SOURCES

PLAN = ReferenceData().load_plan()
COLUMNS = (*SOURCES["connexcs"].columns, *SOURCES["connexcs"].optional)
DAY = date(2026, 3, 6)

GOOD = {
    "dt": "2026-03-06 12:00:00", "lrn_number": "", "callid": "a", "dest_cli": "442079460013",
    "dest_number": "447802712292", "duration": "60", "tech_prefix": "", "customer_id": "101",
    "customer_charge": "0.5", "customer_duration": "60", "customer_card_dest_name": "UK Mobile",
    "customer_card_currency": "GBP", "provider_id": "7", "provider_charge": "0.25",
    "provider_duration": "60", "pdd_out": "900", "provider_card_dest_name": "GB Mobile",
    "provider_card_currency": "USD", "release_reason": "", "sip_code": "200", "dtmf": "",
    "branch_idx": "0",
}  # fmt: skip
"""A record that nothing is wrong with."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Models:
    """The SQL models over one connection that holds the reference data."""

    connection: duckdb.DuckDBPyConnection

    def delivered(self, rows: list[dict[str, str]], **parameters: object) -> list[Row]:
        """What the intake makes of records; columns not given are blank."""
        self._deliver(rows, **parameters)
        return self._rows("SELECT * FROM delivered ORDER BY line")

    def cdrs(self, rows: list[dict[str, str]], dids: tuple[str, ...] = ()) -> list[Row]:
        """The attempts of 2026-03-06 out of records, in the order of the records."""
        self._deliver(rows)
        self.connection.register("dids", pa.table({"digits": pa.array(dids, pa.string())}))
        for name in ("repeated", "verdicts"):
            text = sql.text(f"delivered/{name}")
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {name} AS {text}", named(text, {"day": DAY})
            )
        text = sql.text("cdrs/cdrs")
        return self._rows(f"SELECT * FROM ({text}) ORDER BY line", {"day": DAY})

    def _deliver(self, rows: list[dict[str, str]], **parameters: object) -> None:
        raw = pa.table(
            {
                **{
                    name: pa.array([r.get(name) or None for r in rows], pa.string())
                    for name in COLUMNS
                },
                "line": pa.array(range(2, len(rows) + 2), pa.int64()),
                "raw": pa.array(["text"] * len(rows), pa.string()),
                "refused": pa.nulls(len(rows), pa.string()),
            }
        )
        currencies = pa.table({"currency": ["EUR", "GBP", "USD"]})
        self.connection.register("raw", raw)
        self.connection.register("currencies", currencies)
        model = Model("delivered/delivered", {"mapped": Model("sources/connexcs")})
        values: dict[str, object] = {
            "source": "connexcs",
            "file_id": 1,
            "timezone": "UTC",
            "taken_at": "2026-03-07 00:00:00",
            "first_day": date(2020, 1, 1),
            "longest_call": 86400,
        }
        text = model.text()
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE delivered AS {text}", named(text, values | parameters)
        )

    def _rows(self, text: str, parameters: dict[str, object] | None = None) -> list[Row]:
        rows: list[Row] = self.connection.execute(text, parameters).to_arrow_table().to_pylist()
        return rows


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Models]:
    home = tmp_path_factory.mktemp("home")
    engine = Engine("1GB", 2, home / "spill")
    relations = lookups(engine, ReferenceData(), home)
    with engine.connect(relations) as connection:
        yield Models(connection)


# Numbers: the SQL agrees with the oracle.

NPAS = (
    "212", "213", "312", "787", "202", "671",  # US places, territories among them
    "416", "514", "876", "242", "809",  # Canada, the Caribbean
    "800", "888", "900", "500", "533", "600", "700", "710", "622",  # without a place
    "999", "211", "911", "555", "012", "112", "370",  # unassigned, N11, no area code
)  # fmt: skip
EXCHANGES = ("226", "206", "555", "911", "026", "126", "200", "999", "711")
BODIES = st.one_of(
    st.builds(
        "{}{}{:04d}".format,
        st.sampled_from(NPAS),
        st.sampled_from(EXCHANGES),
        st.integers(0, 9999),
    ),
    st.sampled_from(
        ["447802712292", "442079460013", "919150381142", "2250701007687", "33612345678", "8800"]
    ),
    st.text("0123456789", max_size=17),
)
PREFIXES = st.sampled_from(
    [
        "",
        "",
        "1",
        "1",
        "+",
        "+1",
        "00",
        "001",
        "0",
        "000",
        "0000",
        "+00",
        " +",
        "(+",
        "011",
        "-+",
        "++",
    ]
)
PUNCTUATED = st.builds(
    lambda prefix, body, marks: (
        prefix + "".join(mark + digit for mark, digit in zip(marks, body, strict=False))
        + body[len(marks):]
    ),
    PREFIXES,
    BODIES,
    st.lists(st.sampled_from(["", "", "", "", " ", "+", "-", "(", ")", "."]), max_size=12),
)  # fmt: skip
WORDS = st.builds(
    lambda prefix, word, upper: prefix + (word.upper() if upper else word),
    st.sampled_from(["", " ", "00", "+", "0", "1"]),
    st.sampled_from([*sorted(WITHHELD), "Not Available", "Anony-mous", "un\u212anown", "bob"]),
    st.booleans(),
)
NASTY = st.one_of(
    PUNCTUATED,
    PUNCTUATED,
    PUNCTUATED,
    WORDS,
    st.text("0123456789+-(). aA\t\n\r\xa0٣１²'%_\\", max_size=14),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
CALLS = st.lists(
    # The intake has trimmed the number called, which must not be blank.
    st.tuples(NASTY, NASTY.map(lambda text: text.strip(" \t\r\n")), st.one_of(st.just(""), NASTY)),
    min_size=40,
    max_size=300,
)


def place_of(number: Number) -> tuple[str | None, ...]:
    """What the tables keep of a US place: state, LATA, NPA-NXX, rate centre."""
    if number.kind is not Kind.US:
        return (None, None, None, None)
    return (number.state, number.lata, f"{number.npa}{number.nxx}", number.rate_center)


def assert_judged_as_the_oracle(row: Row, cli: str, destination: str, lrn: str) -> None:
    caller = classify(cli, True, PLAN)
    called = classify(destination, False, PLAN)
    reached = terminating(lrn, destination, PLAN)
    found = {
        "cli_digits": row["cli_digits"],
        "dest_digits": row["dest_digits"],
        "country": (row["country"], row["carrier"]),
        "origin": tuple(row[f"orig_{k}"] for k in ("state", "lata", "prefix", "rate_center")),
        "terminating": tuple(row[f"term_{k}"] for k in ("state", "lata", "prefix", "rate_center")),
        "by state": (row["jurisdiction_state"], row["reason_state"]),
        "by lata": (row["jurisdiction_lata"], row["reason_lata"]),
        "network": row["network"],
    }
    wanted = {
        "cli_digits": caller.digits or None,
        "dest_digits": called.digits or None,
        "country": (called.country, called.carrier),
        "origin": place_of(caller),
        "terminating": place_of(reached),
        "by state": jurisdiction(caller, reached),
        "by lata": jurisdiction(caller, reached, "lata"),
        "network": "international" if reached.kind is Kind.FOREIGN else "offnet",
    }
    assert found == wanted, (cli, destination, lrn)


def judge_all(models: Models, calls: list[tuple[str, str, str]]) -> None:
    rows = [
        GOOD | {"callid": str(n), "dest_cli": cli, "dest_number": destination, "lrn_number": lrn}
        for n, (cli, destination, lrn) in enumerate(calls)
    ]
    by_call = {row["callid"]: row for row in models.cdrs(rows)}
    for n, (cli, destination, lrn) in enumerate(calls):
        if str(n) not in by_call:
            assert not destination.strip(), "only a call without a number called is no attempt"
            continue
        assert_judged_as_the_oracle(by_call[str(n)], cli, destination, lrn)


# No shrinking: the message names the one call that differs.
@settings(max_examples=15, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(calls=CALLS)
def test_numbers_are_judged_as_by_the_oracle(
    models: Models, calls: list[tuple[str, str, str]]
) -> None:
    judge_all(models, calls)


def test_every_area_code_is_judged_as_by_the_oracle(models: Models) -> None:
    """All 1,000 of them, both as 1NPANXXXXXX and in ten digits, against a place and abroad."""
    calls = []
    for npa in range(1000):
        number = f"{npa:03d}{EXCHANGES[npa % len(EXCHANGES)]}{npa:04d}"
        calls += [
            (f"1{number}", "12122260001", ""),
            (number, "12122260001", ""),
            ("12122260001", f"1{number}", ""),
            ("12122260001", number, ""),
            ("12122260001", "447802712292", f"1{number}"),
            (f"+{number}", "447802712292", number),
        ]
    judge_all(models, calls)


def test_the_longest_prefix_is_found_wherever_the_number_ends(models: Models) -> None:
    """Numbers that end before the longest prefix does, at it, and after it."""
    longest = [prefix for prefix in PLAN.prefixes if len(prefix) in (8, 9)]
    numbers = {p[:n] + more for p in longest for n in (7, 8, 9) for more in ("", "0", "55")}
    judge_all(models, [("", number, "") for number in sorted(numbers)])


def test_without_a_rate_card_the_prefix_names_the_destination(models: Models) -> None:
    """Country code 1 belongs to many countries: there the area code tells, unless a prefix does."""
    names = {
        "12122260001": "United States",
        "14162000011": "CA",
        "18762120001": "Jamaica",
        "16582012345": "Jamaica Mobile - Flow",
        "13404230001": "U.S. Virgin Islands Mobile - Vitelcom Cellular",
        "18002000001": "North America Toll-Free",
        "19002000001": "North America Non-Geographic",
        "442079460013": "United Kingdom",
    }
    blank = {"customer_card_dest_name": "", "provider_card_dest_name": ""}
    rows = models.cdrs([GOOD | blank | {"callid": n, "dest_number": n} for n in names])
    assert {row["callid"]: row["customer_destination"] for row in rows} == names
    assert all(row["provider_destination"] == row["customer_destination"] for row in rows)


# Jurisdiction: each cell of the contract's table (§3), written out.

US_A, US_A2, US_B = "12122260001", "13152140002", "12132000005"  # New York twice, California
INDETERMINATE_CALLERS = {
    "foreign": ("442079460013", "cli_foreign"),
    "Canada": ("14162000011", "cli_foreign"),
    "Caribbean": ("18762016275", "cli_foreign"),
    "toll-free": ("18005550012", "cli_non_geographic"),
    "non-geographic": ("15335550012", "cli_non_geographic"),
    "blank": ("", "cli_missing"),
    "withheld": ("anonymous", "cli_withheld"),
    "invalid": ("1001", "cli_invalid"),
    "unassigned": ("19992220015", "cli_invalid"),
}
CALLERS = {"place A": (US_A, None), "place A too": (US_A2, None), "place B": (US_B, None)} | (
    INDETERMINATE_CALLERS
)
NOWHERE = {
    "toll-free": ("18005550012", "destination_non_geographic"),
    "900": ("19005550012", "destination_non_geographic"),
    "5XX": ("15335550012", "destination_non_geographic"),
    "unassigned": ("19992220015", "destination_unassigned"),
    "invalid": ("12110000000", "destination_invalid"),
}
ABROAD = {"foreign": "447802000014", "Canada": "14162000011", "Jamaica": "18762016275"}


def test_each_cell_of_the_jurisdiction_table(models: Models) -> None:
    wanted: dict[str, tuple[str, str | None]] = {}
    rows = []

    def cell(name: str, cli: str, destination: str, result: str, reason: str | None) -> None:
        wanted[name] = (result, reason)
        rows.append(GOOD | {"callid": name, "dest_cli": cli, "dest_number": destination})

    for caller, (cli, reason) in CALLERS.items():
        if reason:
            cell(f"{caller} to a place", cli, US_A, "indeterminate", reason)
        else:
            same = caller != "place B"
            cell(f"{caller} to a place", cli, US_A, "intrastate" if same else "interstate", None)
        for name, (number, why) in NOWHERE.items():
            cell(f"{caller} to {name}", cli, number, "indeterminate", why)
        for name, number in ABROAD.items():
            cell(f"{caller} to {name}", cli, number, "international", None)
    found = {
        row["callid"]: (row["jurisdiction_state"], row["reason_state"]) for row in models.cdrs(rows)
    }
    assert found == wanted


def test_the_lata_decides_apart_from_the_state(models: Models) -> None:
    """NY to upstate NY: one state, two LATAs; an unknown LATA leaves the state's result alone."""
    unknown = "12034710000"  # Connecticut, an exchange without a LATA
    rows = models.cdrs(
        [
            GOOD | {"callid": "upstate", "dest_cli": US_A, "dest_number": US_A2},
            GOOD | {"callid": "home", "dest_cli": US_A, "dest_number": "12122260002"},
            GOOD | {"callid": "unknown", "dest_cli": unknown, "dest_number": US_A},
            GOOD | {"callid": "unknown there", "dest_cli": US_A, "dest_number": unknown},
        ]
    )
    found = {
        r["callid"]: (r["jurisdiction_state"], r["jurisdiction_lata"], r["reason_lata"])
        for r in rows
    }
    assert found == {
        "upstate": ("intrastate", "interlata", None),
        "home": ("intrastate", "intralata", None),
        "unknown": ("interstate", "indeterminate", "lata_unknown"),
        "unknown there": ("interstate", "indeterminate", "lata_unknown"),
    }
    assert all(r["reason_state"] is None for r in rows)


def test_the_ported_number_decides_where_a_call_ends(models: Models) -> None:
    """Only the North American shape of an LRN counts; the number dialled stays what is reported."""
    rows = models.cdrs(
        [
            GOOD | {"callid": lrn, "dest_cli": US_B, "dest_number": US_A, "lrn_number": lrn}
            for lrn in ("12132000000", "+1 213 200 0000", "2132000000", "447802000014", "x")
        ]
    )
    found = {
        r["callid"]: (r["term_state"], r["jurisdiction_state"], r["dest_digits"]) for r in rows
    }
    here, ported = ("NY", "interstate", US_A), ("CA", "intrastate", US_A)
    assert found == {
        "12132000000": ported, "+1 213 200 0000": ported, "2132000000": here,
        "447802000014": here, "x": here,
    }  # fmt: skip


def test_onnet_is_between_own_numbers_wherever_they_are(models: Models) -> None:
    own = ("442079460013", US_A)
    rows = models.cdrs(
        [
            GOOD | {"callid": "own", "dest_cli": "+44 20 7946 0013", "dest_number": US_A},
            GOOD | {"callid": "own abroad", "dest_cli": US_A, "dest_number": "442079460013"},
            GOOD | {"callid": "from outside", "dest_cli": US_B, "dest_number": US_A},
            GOOD | {"callid": "abroad", "dest_cli": US_A, "dest_number": "447802000014"},
        ],
        dids=own,
    )
    assert {r["callid"]: r["network"] for r in rows} == {
        "own": "onnet", "own abroad": "onnet", "from outside": "offnet", "abroad": "international",
    }  # fmt: skip


# The verdict on each record: contract §1, reason by reason. Intake is at 2026-03-07 00:00:00 UTC.

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
    ({"dt": "2026-03-06T12:00:00"}, OK),
    ({"dt": "2026-03-06 12:00:00Z"}, OK),
    ({"dt": "2026-03-06 12:00:00.5"}, OK),
    ({"dt": " 2026-03-06 12:00:00 "}, OK),
    ({"dt": "2026-03-08 00:00:00"}, OK),  # exactly 24 hours after intake
    ({"dt": "2026-03-08 00:00:00.001"}, "call_time_in_future"),
    ({"dt": "9999-12-31 23:59:59"}, "call_time_in_future"),
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
        "source": "connexcs", "file_id": 1, "timezone": "UTC", "first_day": DAY,
        "taken_at": "2026-03-07 00:00:00", "longest_call": 86400,
    }  # fmt: skip
    row = models.connection.execute(f"SELECT reasons FROM ({model})", values).fetchone()
    assert row == ("wrong_column_count",)


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


# Repeated keys.


def verdicts(models: Models, rows: list[dict[str, str]]) -> list[str | None]:
    """Of each record: duplicate, superseded, or None when it counts."""
    models.cdrs(rows)
    found = {r["line"]: r["verdict"] for r in models._rows("SELECT * FROM verdicts")}
    return [found.get(line) for line in range(2, len(rows) + 2)]


DETAILS = sorted({*COLUMNS} - {"callid", "branch_idx", "dt"})


def test_a_difference_in_any_column_is_other_content(models: Models) -> None:
    """Nothing that a source delivers is left out when two records are compared."""
    other = dict.fromkeys(DETAILS, "1") | {
        "customer_card_currency": "EUR", "provider_card_currency": "EUR",
        "dt": "2026-03-06 13:00:00",
    }  # fmt: skip
    rows = []
    for name in [*DETAILS, "dt"]:
        rows += [GOOD | {"callid": name}, GOOD | {"callid": name, name: other[name]}]
    found = verdicts(models, rows)
    same = [name for n, name in enumerate([*DETAILS, "dt"]) if found[2 * n] != "superseded"]
    assert same == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([{}, {}], [None, "duplicate"]),
        ([{}, {}, {}], [None, "duplicate", "duplicate"]),
        ([{}, {"duration": "61"}], ["superseded", None]),
        # A, B, A: the last one counts, the first one is not its duplicate but superseded.
        ([{}, {"duration": "61"}, {}], ["superseded", "superseded", None]),
        ([{}, {"duration": "61"}, {"duration": "61"}], ["superseded", None, "duplicate"]),
        ([{}, {}, {"duration": "61"}], ["superseded", "duplicate", None]),
        # The same content in other spelling.
        ([{}, {"duration": "60.000", "customer_charge": "0.50"}], [None, "duplicate"]),
        ([{}, {"customer_charge": " +.5", "dt": "2026-03-06T12:00:00.000Z"}], [None, "duplicate"]),
        ([{"branch_idx": ""}, {"branch_idx": "0"}], [None, "duplicate"]),
        ([{"callid": " a "}, {"callid": "a"}], [None, "duplicate"]),
        ([{"customer_charge": ""}, {"customer_charge": "0"}], [None, "duplicate"]),
        # Other keys.
        ([{}, {"branch_idx": "1"}], [None, None]),
        ([{}, {"callid": "A"}], [None, None]),
        # A refused record neither duplicates nor supersedes.
        ([{}, {"duration": "x"}, {}], [None, None, "duplicate"]),
    ],
)
def test_repeated_keys(
    models: Models, changes: list[dict[str, str]], found: list[str | None]
) -> None:
    assert verdicts(models, [GOOD | change for change in changes]) == found
