"""Figures of a report: sums, ratios, totals, order, filters. Expectations reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.reporting.arithmetic import Formula
from resources.reporting.breakout import BREAKOUT
from resources.reporting.figures import Table, make_table, request_for
from resources.reporting.interfaces import HeldNames, Reporting
from resources.reporting.period import Period
from resources.reporting.request import Asked
from tests.unit.report_tables import DAYS, ROWS, FolderTables, reporting, row


@pytest.fixture
def stored(tmp_path: Path) -> Reporting:
    return reporting(tmp_path)


def table(of: Reporting, *, people: bool = False, period: Period = DAYS, **asked: Any) -> Table:
    request = request_for(of, BREAKOUT, Asked(**asked), period, people=people)
    return make_table(of, request, people=people)


def dicts(of: Table) -> list[dict[str, Any]]:
    return [
        dict(zip((c.name for c in of.shown_columns), values, strict=False)) for values in of.rows
    ]


@pytest.mark.parametrize(("top", "days"), [(None, [6, 7]), (1, [6])])
def test_days_stand_in_their_order_though_one_has_a_loss(
    tmp_path: Path, top: int | None, days: list[int]
) -> None:
    of = reporting(tmp_path, [
        row(6, "101", "7", 1, 1, "60", customer_charge_usd="2", provider_charge_usd="1"),
        row(7, "101", "7", 1, 1, "60", customer_charge_usd="1", provider_charge_usd="2"),
    ])  # fmt: skip
    got = table(of, people=True, group_by="date,customer_id", columns="profit_usd", top=top)
    assert [row["date"].day for row in dicts(got)] == days
    by_customer = table(of, people=True, group_by="customer_id,date", columns="profit_usd")
    assert [row["date"].day for row in dicts(by_customer)] == [7, 6]  # what was lost comes first


def test_without_profit_nothing_is_ordered_by_it(stored: Reporting) -> None:
    """By charge: 102 has lost money, 101 has paid most."""
    got = table(stored, people=True, group_by="customer_id", columns="attempts")
    assert [row["customer_id"] for row in dicts(got)][:2] == ["101", "102"]


def test_the_top_rows_are_the_same_for_people_and_machines(stored: Reporting) -> None:
    asked: dict[str, Any] = {"group_by": "customer_id", "columns": "profit_usd", "top": 1}
    people, machines = (dicts(table(stored, people=each, **asked)) for each in (True, False))
    assert people == machines
    worst = dicts(table(stored, group_by="customer_id", columns="attempts", sort="profit_usd"))[0]
    assert people[0]["customer_id"] == worst["customer_id"]


def test_totals_of_everything(stored: Reporting) -> None:
    (got,) = dicts(table(stored, group_by=""))
    assert got == {
        "attempts": 20,
        "calls": 19,
        "connected": 8,
        "short_calls": 1,
        "duration": 750,
        "customer_duration": 750,
        "provider_duration": 750,
        "customer_charge_usd": 11,
        "customer_charge_gbp": Decimal("8.8"),
        "provider_charge_usd": Decimal("7.5"),
        "provider_charge_gbp": 6,
        "profit_usd": Decimal("3.5"),
        "profit_gbp": Decimal("2.8"),
        "profit_percent": Decimal("31.818181818182"),
        "asr": Decimal("0.4"),
        "call_asr": Decimal("0.421052631579"),
        "ner": Decimal("0.65"),
        "acd": Decimal("93.75"),
        "pdd": 2500,
        "sdp": Decimal("12.5"),
        "dtmf_calls": 1,
        "dtmf_digits": 5,
        "dtmf_percent": Decimal("12.5"),
        "cost_per_call_usd": Decimal("0.9375"),
        "cost_per_dtmf_call_usd": Decimal("7.5"),
        "cost_per_dtmf_digit_usd": Decimal("1.5"),
    }


def test_ratios_are_made_after_the_last_grouping(stored: Reporting) -> None:
    got = table(stored, group_by="provider", columns="acd")
    assert dicts(got) == [
        {"provider": None, "acd": None},
        {"provider": "Budget Routes", "acd": 60},
        {"provider": "Tierone", "acd": Decimal("98.571428571429")},
    ]
    assert got.totals[1] == Decimal("93.75")


def test_no_charges_is_not_a_charge_of_nothing(stored: Reporting) -> None:
    got = dicts(table(stored, group_by="customer_id", columns="customer_charge_usd,profit_usd"))
    assert got[2] == {"customer_id": "103", "customer_charge_usd": None, "profit_usd": None}


def test_an_id_without_a_name_shows_as_the_id(stored: Reporting) -> None:
    got = dicts(table(stored, group_by="customer,customer_id", columns="attempts"))
    assert [(r["customer"], r["customer_id"]) for r in got] == [
        ("103", "103"),
        ("<b>Nimbus</b>", "101"),
        ("=cmd()|calc", "102"),
    ]


def test_filters(stored: Reporting) -> None:
    got = table(stored, group_by="", columns="attempts", customers=["<b>Nimbus</b>", "103"])
    assert got.rows[0][0] == 15
    got = table(stored, group_by="", columns="attempts", customers=["101"], providers=["7"])
    assert got.rows[0][0] == 10


def test_the_period_cuts(stored: Reporting) -> None:
    day = Period(date(2026, 3, 7), date(2026, 3, 8))
    got = dicts(table(stored, period=day, group_by="date", columns="attempts"))
    assert got == [
        {"date": date(2026, 3, 7), "attempts": 2},
        {"date": date(2026, 3, 8), "attempts": 3},
    ]


def test_original_charges_total_in_one_currency_only(stored: Reporting) -> None:
    asked: dict[str, Any] = {
        "group_by": "customer_id,customer_currency",
        "columns": "customer_charge",
    }
    mixed = table(stored, **asked)
    assert mixed.totals[:3] == (None, None, None)
    one = table(stored, **asked, customers=["101"])
    assert one.totals[:3] == (None, "GBP", 8)
    assert dicts(one)[0]["customer_charge"] == 8


def test_a_blank_currency_without_money_does_not_count_as_one(stored: Reporting) -> None:
    got = table(stored, group_by="provider_id,provider_currency", columns="provider_charge")
    assert got.totals[:3] == (None, "USD", Decimal("7.5"))


def test_people_see_losses_first_and_machines_the_dimensions(stored: Reporting) -> None:
    asked: dict[str, Any] = {"group_by": "customer_id", "columns": "profit_usd"}
    assert [r["customer_id"] for r in dicts(table(stored, **asked))] == ["101", "102", "103"]
    people = table(stored, people=True, **asked)
    assert [r["customer_id"] for r in dicts(people)] == ["102", "101", "103"]
    assert [people.is_loss(values) for values in people.rows] == [True, False, False]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("-profit_usd", ["101", "102", "103"]),
        ("profit_usd", ["102", "101", "103"]),
        ("-customer_id", ["103", "102", "101"]),
        ("-duration,customer_id", ["101", "103", "102"]),
        ("profit_percent", ["102", "101", "103"]),
    ],
)
def test_sort(stored: Reporting, sort: str, order: list[str]) -> None:
    got = table(stored, group_by="customer_id", columns="attempts", sort=sort)
    assert [r["customer_id"] for r in dicts(got)] == order


def test_top_keeps_the_totals(stored: Reporting) -> None:
    got = table(stored, group_by="customer_id", columns="attempts", sort="-attempts", top=1)
    assert dicts(got) == [{"customer_id": "101", "attempts": 12}]
    assert got.row_count == 3
    assert got.totals[1] == 20


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ({"group_by": "date,sip_code"}, "breakout_daily"),
        ({"group_by": "hour,provider"}, "dtmf_hourly"),
        ({"group_by": "hour", "customers": ["101"]}, "dtmf_hourly"),
        ({"group_by": "hour,sip_code"}, "breakout_hourly"),
    ],
)
def test_which_table_serves(stored: Reporting, asked: dict[str, Any], served: str) -> None:
    got = table(stored, **asked)
    assert isinstance(stored.tables, FolderTables)
    assert stored.tables.asked == [served]
    assert got.totals[got.position("attempts")] == (12 if "customers" in asked else 20)


def test_hours_are_of_the_reporting_time_zone(tmp_path: Path) -> None:
    rome = reporting(tmp_path, timezone="Europe/Rome")
    got = dicts(table(rome, group_by="hour", columns="attempts"))
    assert got[0] == {"hour": "2026-03-06 23:00:00", "attempts": 15}


def test_no_data_at_all(stored: Reporting) -> None:
    never = Period(date(2030, 1, 1), date(2030, 1, 2))
    assert table(stored, period=never).rows == []
    (got,) = dicts(table(stored, period=never, group_by=""))
    assert got["attempts"] == 0
    assert got["customer_charge_usd"] is None
    assert got["asr"] is None


def test_stale_rates_are_counted(stored: Reporting) -> None:
    assert table(stored).stale_rate_attempts == 2


def test_names_never_become_sql(stored: Reporting) -> None:
    evil = "x'); DROP TABLE t; --"
    named = replace(stored, names=HeldNames(customers={"101": evil}))
    got = dicts(table(named, group_by="customer", columns="attempts", customers=[evil]))
    assert got == [{"customer": evil, "attempts": 12}]


def test_a_ratio_is_not_made_with_floats() -> None:
    third = Formula("a", over="b")
    wide = Decimal("12345678901234567890123.12345678")
    assert third.value({"a": wide, "b": 3}) == Decimal("4115226300411522630041.041152260000")
    assert third.value({"a": wide, "b": 0}) is None


DIMENSIONS = [d.name for d in BREAKOUT.dimensions if d.name != "hour"]
ADDITIVE = [m.name for m in BREAKOUT.measures if m.formula.additive and not m.per_currency]


@st.composite
def stored_rows(draw: st.DrawFn) -> dict[str, Any]:
    small = st.integers(0, 10**6)
    money = st.decimals(0, 10**9, places=8, allow_nan=False)
    found = row(
        draw(st.integers(6, 8)),
        draw(st.sampled_from(["101", "102", "103"])),
        draw(st.sampled_from(["7", "9", None])),
        draw(small),
        draw(small),
        str(draw(st.decimals(0, 10**7, places=3))),
        customer_currency=draw(st.sampled_from(["USD", "GBP", None])),
        sip_code=draw(st.sampled_from(["200", "486", None])),
        dtmf_digits=draw(small),
    )
    charge, cost = draw(money), draw(money)
    return found | {"customer_charge_usd": charge, "provider_charge_usd": cost}


@given(
    rows=st.lists(stored_rows(), min_size=1, max_size=25),
    group=st.lists(st.sampled_from(DIMENSIONS), max_size=5, unique=True),
)
@settings(max_examples=25)
def test_any_grouping_adds_up_to_the_totals(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], group: list[str]
) -> None:
    of = reporting(tmp_path_factory.mktemp("rows"), rows)
    asked: dict[str, Any] = {"columns": ",".join([*ADDITIVE, "asr"])}
    whole = dicts(table(of, group_by="", **asked))[0]
    parts = table(of, group_by=",".join(group), **asked)
    for name in ADDITIVE:
        at = parts.position(name)
        assert sum(values[at] for values in parts.rows) == whole[name]  # type: ignore[misc]
        assert (parts.totals or parts.rows[0])[at] == whole[name]
    assert (parts.totals or parts.rows[0])[parts.position("asr")] == whole["asr"]
    keys = [values[: len(group)] for values in parts.rows]
    assert len(set(keys)) == len(keys)


def test_the_hand_made_rows_are_what_their_table_says() -> None:
    assert sum(r["attempts"] for r in ROWS) == 20
