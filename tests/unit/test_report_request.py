"""From typed words to a request: defaults, refusals, accounts."""

from __future__ import annotations

from typing import Any

import pytest

from resources.reporting.adapt import without
from resources.reporting.breakout import BREAKOUT
from resources.reporting.errors import ReportError, unknown
from resources.reporting.model import Measure
from resources.reporting.reports import REPORTS
from resources.reporting.request import (
    Asked,
    Request,
    find_report,
    quoted,
    resolve,
    resolve_accounts,
    split,
)
from tests.unit.report_tables import DAYS, NAMES


def ask(*, people: bool = False, **asked: Any) -> Request:
    return resolve(BREAKOUT, Asked(**asked), DAYS, people=people)


def names(request: Request) -> list[str]:
    return [column.name for column in request.columns]


def test_the_default_columns_have_the_titles_of_the_contract() -> None:
    assert [column.title for column in ask(people=True).columns] == [
        "Customer",
        "Customer Charge",
        "Customer Currency",
        "Customer Card Destination Name",
        "Provider",
        "Provider Charge",
        "Provider Currency",
        "Provider Card Destination Name",
        "ASR",
        "ACD",
        "DTMF",
        "Duration",
        "Attempts",
        "Connected",
        "Profit (USD)",
        "Profit Percent",
    ]


@pytest.mark.parametrize("people", [True, False])
def test_dtmf_tells_who_drops_digits_unless_it_is_asked_for_hours(people: bool) -> None:
    def columns(**asked: Any) -> list[str]:
        return names(resolve(REPORTS["dtmf"].members[""], Asked(**asked), DAYS, people=people))

    check = {"dtmf_delivery", "z", "flag"}
    assert {"dtmf_percent", *check} <= set(columns())
    if people:
        assert columns(group_by="provider") == columns()
    assert not check & set(columns(group_by="provider,hour"))


def test_machines_get_all_measures_of_a_chosen_group() -> None:
    got = names(ask(group_by="customer_id"))
    assert got[0] == "customer_id"
    assert "customer_charge" not in got
    assert "provider_charge" not in got
    assert {"customer_charge_usd", "profit_gbp", "ner", "cost_per_dtmf_digit_usd"} <= set(got)
    got = names(ask(group_by="customer_currency"))
    assert "customer_charge" in got
    assert "provider_charge" not in got


def test_people_get_converted_charges_where_currencies_mix() -> None:
    got = names(ask(group_by="date,provider_currency", people=True))
    assert got[:4] == ["date", "provider_currency", "customer_charge_usd", "provider_charge"]


def test_an_empty_group_is_the_totals() -> None:
    assert ask(group_by="").group == ()


def test_dimensions_among_the_columns_are_the_group() -> None:
    got = ask(columns="attempts, customer,asr,attempts")
    assert [d.name for d in got.group] == ["customer"]
    assert names(got) == ["attempts", "customer", "asr"]


def test_dimensions_of_the_group_are_always_shown() -> None:
    assert names(ask(group_by="date,customer", columns="asr,date")) == ["customer", "asr", "date"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"group_by": "custmer"}, "unknown dimension 'custmer': did you mean 'customer'"),
        ({"group_by": "Customer-Destination"}, "did you mean 'customer_destination'"),
        ({"group_by": "asr"}, "'asr' is a measure"),
        ({"columns": "proft_usd"}, "unknown column 'proft_usd': did you mean 'profit_usd'"),
        ({"columns": ","}, "--columns is empty"),
        ({"group_by": "date", "columns": "customer"}, "'customer' is not in the group-by"),
        ({"group_by": "date", "columns": "customer_charge"}, "'customer_charge_usd'"),
        ({"group_by": "date", "sort": "provider_charge"}, "'provider_currency'"),
        ({"group_by": "date", "sort": "-customer"}, "'customer' is not in the group-by"),
        ({"sort": "-atempts"}, "did you mean 'attempts'"),
        ({"top": 0}, "at least 1"),
        ({"group_by": "date; DROP TABLE x"}, "unknown dimension"),
    ],
)
@pytest.mark.parametrize("people", [True, False])
def test_refusals(asked: dict[str, Any], said: str, people: bool) -> None:
    with pytest.raises(ReportError, match=said):
        ask(people=people, **asked)


def test_an_unknown_report() -> None:
    with pytest.raises(ReportError, match="did you mean 'breakout'"):
        find_report("brekout", REPORTS)
    with pytest.raises(ReportError, match="choose from breakout"):
        find_report("zzz", REPORTS)


def test_sort() -> None:
    keys = ask(sort="-profit_usd,customer").sort
    assert [(key.column.name, key.descending) for key in keys] == [
        ("profit_usd", True),
        ("customer", False),
    ]


def test_lists_are_quoted_like_csv() -> None:
    assert split('a, "b,c" ,a,,') == ["a", "b,c"]
    assert split(" ") == []


def accounts(*asked: str) -> tuple[str, ...]:
    return resolve_accounts("customer", asked, NAMES.customers, lambda: ["103"])


def test_accounts_by_id_and_by_name() -> None:
    assert accounts("101,<B>NIMBUS</B>", "104") == ("101", "104")
    assert accounts('Doe, "JD" & Sons') == ("104",)
    assert accounts('101,"Doe, ""JD"" & Sons"') == ("101", "104")
    assert accounts("103") == ("103",)
    assert accounts() == ()


def test_a_shared_name_means_all_its_accounts() -> None:
    assert resolve_accounts("provider", ["x"], {"1": "X", "2": "X "}, list) == ("1", "2")


def test_a_name_that_is_written_just_so_means_no_other() -> None:
    names = {"1": "Acme", "2": "ACME", "3": "Acme"}
    assert resolve_accounts("customer", ["ACME"], names, list) == ("2",)
    assert resolve_accounts("customer", ["Acme"], names, list) == ("1", "3")
    assert resolve_accounts("customer", ["acme"], names, list) == ("1", "2", "3")


@pytest.mark.parametrize("known_only", [True, False])
def test_an_id_means_its_account_also_when_another_is_called_so(known_only: bool) -> None:
    """Which customers.csv need not name: it has calls."""

    def found(*asked: str) -> tuple[str, ...]:
        names = {"102": "101", "5": "Acme", "6": '"7"'}
        return resolve_accounts(
            "customer", asked, names, lambda: ["101", "ACME", "7"], known_only=known_only
        )

    assert found("101", "ACME") == ("101", "ACME")
    assert found("102", "acme") == ("102", "5")
    assert found(quoted("7")) == ("7",)


def test_an_unknown_account_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        ReportError, match="unknown customer 'Nimbus': did you mean '<b>Nimbus</b>'"
    ):
        accounts("Nimbus")
    with pytest.raises(ReportError, match="unknown customer '999'"):
        accounts("999")


def test_the_declaration_names_only_what_it_has() -> None:
    held = [*BREAKOUT.group, *BREAKOUT.columns, *BREAKOUT.machine_columns, *BREAKOUT.headline]
    assert set(held) <= set(BREAKOUT.names)
    assert len(set(BREAKOUT.names)) == len(BREAKOUT.dimensions) + len(BREAKOUT.measures)
    for measure in BREAKOUT.measures:
        assert measure.definition.endswith(".")
        for other in (measure.instead, measure.beside):
            assert other is None or isinstance(BREAKOUT.column(other), Measure)
        assert not measure.per_currency or measure.currency in BREAKOUT.names


def test_what_is_forbidden_leaves_no_trace() -> None:
    """A report without the other side of the trade: nothing in the declaration names it."""
    left = without(BREAKOUT, lambda name: "provider" in name or "profit" in name or "cost" in name)
    told = repr((left.dimensions, left.measures, left.columns, left.charts, left.panels))
    assert "provider" not in told
    assert "profit" not in told
    assert left.loss is None
    assert left.weight == "customer_charge_usd"
    with pytest.raises(ReportError, match="unknown column 'provider_charge_usd'"):
        resolve(left, Asked(columns="provider_charge_usd"), DAYS, people=True)


def test_bytes_that_are_no_text_can_be_printed() -> None:
    for code in (0xDCFF, 0xD800):
        (found,) = split(chr(code))
        assert set(found) == {"\N{REPLACEMENT CHARACTER}"}


def test_a_choice_of_names_has_no_effect_on_the_terminal() -> None:
    """Customers' names come from a file; some let their customers choose them."""
    told = str(unknown("customer", "1", ["Doe, Sons & Co", "\x1b[31mred"]))
    assert told == "unknown customer '1': choose from Doe, Sons & Co, '\\x1b[31mred'"
