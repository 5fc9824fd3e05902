"""The SQL models against the contract: numbers and jurisdiction, and the verdict on each record.

Rows in, rows out: records as text go through `sources/connexcs`, `delivered/delivered` and
`cdrs/cdrs`. The oracle for numbers is `resources.reference.numbers`, plain Python.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
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
                **{name: pa.array([r.get(name, "") for r in rows], pa.string()) for name in COLUMNS},
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
    ["", "", "1", "1", "+", "+1", "00", "001", "0", "000", "0000", "+00", " +", "(+", "011", "-+", "++"]
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
    st.sampled_from([*sorted(WITHHELD), "Not Available", "Anony-mous", "un\u212anown", "PRİVATE", "bob"]),
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
CALLS = st.lists(st.tuples(NASTY, NASTY, st.one_of(st.just(""), NASTY)), min_size=40, max_size=300)


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


@settings(max_examples=15, deadline=None)
@given(calls=CALLS)
def test_numbers_are_judged_as_by_the_oracle(models: Models, calls: list[tuple[str, str, str]]) -> None:
    judge_all(models, calls)


def test_every_area_code_is_judged_as_by_the_oracle(models: Models) -> None:
    """All 1,000 of them, both as 1NPANXXXXXX and in ten digits, against a place and abroad."""
    draw = random.Random(7)
    calls = []
    for npa in range(1000):
        number = f"{npa:03d}{draw.choice(EXCHANGES)}{draw.randrange(10**4):04d}"
        calls += [
            (f"1{number}", "12122260001", ""),
            (number, "12122260001", ""),
            ("12122260001", f"1{number}", ""),
            ("12122260001", number, ""),
            ("12122260001", "447802712292", f"1{number}"),
            (f"+{number}", "447802712292", number),
        ]
    judge_all(models, calls)


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
    found = {r["callid"]: (r["jurisdiction_state"], r["jurisdiction_lata"], r["reason_lata"]) for r in rows}
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
    found = {r["callid"]: (r["term_state"], r["jurisdiction_state"], r["dest_digits"]) for r in rows}
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
