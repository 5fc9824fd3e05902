"""`--compare` and `--currency`: two periods side by side, other money. Reckoned by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from resources.reporting.adapt import in_currency, without
from resources.reporting.breakout import BREAKOUT
from resources.reporting.document import filters, make_document
from resources.reporting.errors import ReportError
from resources.reporting.figures import Table, make_table, request_for
from resources.reporting.interfaces import Quote, Reporting
from resources.reporting.model import Column, Preset
from resources.reporting.reports import REPORTS
from resources.reporting.request import Asked
from tests.unit.report_tables import DAYS, GENERATED, ROWS, reporting, row

BEFORE = [
    row(4, "101", "7", 8, 2, "100", customer_charge_usd="5", provider_charge_usd="6"),
    row(4, "104", "9", 4, 0, "0"),
]
FIGURES = "attempts,profit_usd,asr"


def quotes(days: Iterable[date], into: str) -> list[Quote]:
    """Half a EUR for a USD, five quarters for a GBP, every day."""
    rates = {"USD": Decimal("0.5"), "GBP": Decimal("1.25"), "EUR": Decimal(1)}
    return [Quote(day, code, rate) for day in days for code, rate in rates.items()]


def table(of: Reporting, *, people: bool = False, **asked: Any) -> Table:
    return make_table(
        of, request_for(of, BREAKOUT, Asked(**asked), DAYS, people=people), people=people
    )


def dicts(of: Table) -> list[dict[str, Any]]:
    return [
        dict(zip((c.name for c in of.shown_columns), values, strict=False)) for values in of.rows
    ]


def in_euros(folder: Path) -> Reporting:
    return reporting(folder, quotes=quotes, currencies=frozenset({"USD", "GBP", "EUR"}))


def test_each_figure_stands_beside_that_of_the_period_before(tmp_path: Path) -> None:
    of = reporting(tmp_path, [*ROWS, *BEFORE])
    got = table(of, compare="previous", group_by="customer_id", columns=FIGURES)
    assert [column.name for column in got.shown_columns] == [
        "customer_id",
        *("attempts", "attempts_previous", "attempts_change"),
        *("profit_usd", "profit_usd_previous", "profit_usd_change"),
        *("asr", "asr_previous", "asr_change"),
    ]
    third, quarter, fifth = Decimal("0.333333333333"), Decimal("0.25"), Decimal("0.2")
    assert [row[: got.shown] for row in got.rows] == [
        # From a loss to a gain is no percentage; ASR rises by 8.33 points.
        ("101", 12, 8, 50, 4, -1, None, third, quarter, Decimal("8.3333333333")),
        # New customers had nothing before, of which no percentage can be taken.
        ("102", 5, 0, None, Decimal("-0.5"), 0, None, fifth, None, None),
        ("103", 3, 0, None, None, 0, None, 1, None, None),
        # One who went away has nothing now.
        ("104", 0, 4, -100, 0, 0, None, None, 0, None),
    ]
    assert got.totals[1:] == (
        *(20, 12, Decimal("66.666666666667")),
        *(Decimal("3.5"), -1, None),
        *(Decimal("0.4"), Decimal("0.166666666667"), Decimal("23.3333333333")),
        *got.totals[got.shown :],
    )


def test_a_period_without_any_data_is_not_one_without_calls(tmp_path: Path) -> None:
    got = dicts(table(reporting(tmp_path), compare="previous", group_by="", columns="attempts"))
    assert got == [{"attempts": 20, "attempts_previous": None, "attempts_change": None}]


def test_a_year_ago(tmp_path: Path) -> None:
    ago = {**ROWS[0], "call_date": date(2025, 3, 8), "attempts": 40}
    late = {**ROWS[0], "call_date": date(2025, 3, 9), "attempts": 1000}
    of = reporting(tmp_path, [*ROWS, ago, late])
    got = dicts(table(of, compare="year", group_by="", columns="attempts"))
    assert got == [{"attempts": 20, "attempts_previous": 40, "attempts_change": -50}]


def test_order_and_filters_go_for_both_periods(tmp_path: Path) -> None:
    of = reporting(tmp_path, [*ROWS, *BEFORE])
    asked: dict[str, Any] = {"compare": "previous", "group_by": "customer_id"}
    got = table(of, columns="attempts", sort="-attempts_previous", filters=["provider=7"], **asked)
    assert [row[:3] for row in got.rows] == [("101", 10, 8), ("103", 3, 0)]
    got = table(of, columns="attempts", sort="attempts_change", top=1, **asked)
    assert [row[0] for row in got.rows] == ["104"]


@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize("name", [n for n, f in REPORTS.items() if not f.listing])
def test_defaults_can_be_compared(tmp_path: Path, name: str, people: bool) -> None:
    for report in REPORTS[name].members.values():
        asked = Asked(compare="previous")
        request = request_for(reporting(tmp_path / report.name), report, asked, DAYS, people=people)
        grouped = {d.name for d in request.group}
        assert not {n for n in grouped if n.endswith("_currency")}
        assert {c.name for c in request.columns if c in report.dimensions} <= grouped
        assert [c for c in request.columns if c.name.endswith("_change")]


def test_a_page_says_what_it_is_compared_with(tmp_path: Path) -> None:
    of = reporting(tmp_path, [*ROWS, *BEFORE])
    request = request_for(of, BREAKOUT, Asked(compare="previous"), DAYS, people=True)
    assert ("Compared with", "3–5 March 2026") in filters(of, request)
    assert make_document(of, request, GENERATED).headline[4].change == "+66.7 %"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"compare": "yera"}, "unknown comparison 'yera': did you mean 'year'"),
        ({"compare": "previous", "group_by": "date"}, "leave 'date' out"),
        ({"compare": "previous", "group_by": "provider,hour"}, "leave 'hour' out"),
        ({"currency": "EURO"}, "unknown currency 'EURO': did you mean 'EUR'"),
        ({"currency": "EUR", "columns": "profit_usd"}, "unknown column 'profit_usd'"),
    ],
)
def test_refusals(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ReportError, match=said):
        table(in_euros(tmp_path), **asked)


def test_charges_in_another_currency(tmp_path: Path) -> None:
    columns = "customer_charge_eur,provider_charge_eur,profit_eur,profit_percent,cost_per_call_eur"
    got = table(in_euros(tmp_path), currency="eur", group_by="customer_id", columns=columns)
    assert [row[: got.shown] for row in got.rows] == [
        # 8 GBP and 6 USD; the attempt without a provider adds nothing.
        ("101", 10, 3, 7, 70, Decimal("0.75")),
        ("102", Decimal("0.5"), Decimal("0.75"), Decimal("-0.25"), -50, Decimal("0.75")),
        ("103", None, None, None, None, None),
    ]
    assert got.totals[1:6] == (
        *(Decimal("10.5"), Decimal("3.75"), Decimal("6.75")),
        *(Decimal("64.285714285714"), Decimal("0.46875")),
    )


def test_another_currency_and_another_period(tmp_path: Path) -> None:
    of = in_euros(tmp_path)
    asked: dict[str, Any] = {"currency": "EUR", "compare": "previous", "group_by": ""}
    rows = dicts(table(of, columns="customer_charge_eur", **asked))
    assert rows[0]["customer_charge_eur"] == Decimal("10.5")


def test_pounds_are_those_of_the_tables(tmp_path: Path) -> None:
    got = dicts(table(in_euros(tmp_path), currency="GBP", group_by="", columns="profit_gbp"))
    assert got == [{"profit_gbp": Decimal("2.8")}]


def test_a_day_without_a_rate_is_refused(tmp_path: Path) -> None:
    of = reporting(tmp_path, currencies=frozenset({"USD", "EUR"}))
    with pytest.raises(ReportError, match="no exchange rate into EUR on 2026-03-06"):
        table(of, currency="EUR", group_by="")


def test_nothing_of_a_report_stays_in_dollars() -> None:
    for family in (f for f in REPORTS.values() if not f.listing):
        for report in family.members.values():
            swapped = {m.name for m in report.measures} & {
                f"{what}_usd" for what in ("customer_charge", "provider_charge", "profit")
            }
            made = in_currency(report, "EUR", {"EUR"})
            assert not swapped & set(made.names)
            named = [*made.columns, *made.machine_columns, *made.headline, *made.compared]
            named += [made.weight, *([made.loss] if made.loss else [])]
            columns: list[Column] = [made.column(name) for name in named]
            assert all("USD" not in c.title or c.name.startswith("saving") for c in columns)


def test_a_report_without_a_figure_is_not_ordered_by_it() -> None:
    report = replace(BREAKOUT, preset=Preset(sort=("-profit_usd", "customer"), top=3))
    left = without(report, lambda name: "profit" in name)
    assert left.preset == Preset(sort=("customer",), top=3)
