"""Reports made for reading: what a page says, and that it can do no harm."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from resources.reporting import words
from resources.reporting.breakout import BREAKOUT
from resources.reporting.document import LOSSES_SHOWN, Document, make_document, request_notices
from resources.reporting.figures import make_table, request_for
from resources.reporting.interfaces import DayNotices
from resources.reporting.message import body
from resources.reporting.pages import html
from resources.reporting.period import Period
from resources.reporting.request import Asked
from resources.reporting.terminal import print_table
from tests.unit.report_tables import DAYS, GENERATED, ROWS, reporting, row, some_notices

BEFORE = [
    {**ROWS[0], "call_date": date(2026, 3, 4), "attempts": 8, "customer_charge_usd": Decimal(5)}
]


def document(folder: Path, rows: list[dict[str, Any]] | None = None, **asked: Any) -> Document:
    of = reporting(folder, ROWS if rows is None else rows, notices=some_notices)
    request = request_for(of, BREAKOUT, Asked(**asked), DAYS, people=True)
    return make_document(of, request, GENERATED)


class Page(HTMLParser):
    """The tags, addresses and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    @property
    def text(self) -> str:
        return " ".join(word for word in self.words if word)


def test_a_page_says_it_all(tmp_path: Path) -> None:
    text = Page(html(document(tmp_path))).text
    for said in (
        "6–8 March 2026 (UTC)",
        "Customers all",
        "1 of 3 days holds no data: 2026-03-07.",
        "1 of 3 days is stale: 2026-03-08.",
        "1 of 3 days failed its checks: 2026-03-06.",
        "exchange rates older than 7 days for 2 attempts.",
        "Profit (USD) 3.50",
        "There are no figures for the period before.",
        "Charge, cost and profit by day",
        "ASR and ACD by provider",
        "Losses, the largest first 1 row",
        "▼ −0.50 ▼ −50.0",
        "Totals",
        "Answer-seizure ratio: connected divided by attempts.",
        "made 2026-03-09 06:30 UTC",
    ):
        assert said in text


def test_a_page_fetches_nothing_and_runs_nothing(tmp_path: Path) -> None:
    page = Page(html(document(tmp_path)))
    assert "<b>Nimbus</b>" in page.text
    assert "b" in page.tags  # the filters' titles; the name's own tag is text
    assert not page.tags & {"script", "link", "iframe", "object", "form"}
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)


def test_the_change_is_against_the_period_before(tmp_path: Path) -> None:
    made = document(tmp_path, [*BEFORE, *ROWS])
    figures = {figure.title: figure for figure in made.headline}
    assert figures["Attempts"].change == "+150.0 %"
    assert figures["Customer Charge (USD)"].change == "+120.0 %"
    assert figures["Profit (USD)"].change == "+4.50"  # from -1 to 3.50: no percentage
    assert figures["ASR"].change == "−10.0 pp"
    assert made.compared == "Change against 3–5 March 2026, of which 1 day without data."


def test_what_a_comparison_means_is_said_once(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"group_by": "", "columns": "attempts,asr", "compare": "previous"}
    made = document(tmp_path, [*BEFORE, *ROWS], **asked)
    titles = [title for title, _ in made.definitions]
    assert titles[-4:] == ["… Before", "… Change", "Days", "Ratios"]
    assert titles.count("ASR") == 1
    assert not [title for title in titles if title.endswith(("ASR Before", "ASR Change"))]


def test_a_page_shows_the_first_rows_and_says_how_many_there_are(tmp_path: Path) -> None:
    many = [
        row(6, f"9{n:03}", "7", 1, 1, "60", customer_charge_usd="1", provider_charge_usd="2")
        for n in range(LOSSES_SHOWN + 5)
    ]
    made = document(tmp_path, many, group_by="customer_id")
    text = Page(html(made)).text
    assert f"{LOSSES_SHOWN + 5} rows, the first {LOSSES_SHOWN} shown" in text
    assert f"{LOSSES_SHOWN} of {LOSSES_SHOWN + 5} rows shown" in text


def test_nothing_to_report(tmp_path: Path) -> None:
    made = document(tmp_path, [], providers=["7"])
    assert "There are no rows" in Page(html(made)).text
    tiles = {figure.title: figure.value for figure in made.headline}
    totals = dict(zip((c.title for c in made.columns), made.table.totals, strict=False))
    assert (tiles["Attempts"], totals["Attempts"]) == ("0", 0)
    assert (tiles["Duration"], totals["Duration"]) == ("–", None)
    assert (tiles["ASR"], totals["ASR"]) == ("–", None)


def test_of_a_period_without_data_nothing_is_said_to_have_fallen(tmp_path: Path) -> None:
    """The 9th holds no data; the row of the day before says of it that nothing is known."""
    of = reporting(tmp_path, notices=lambda *_: DayNotices([date(2026, 3, 9)]))
    day = Period(date(2026, 3, 9), date(2026, 3, 9))
    for compare, rows in (("previous", 1), ("none", 0)):
        asked = Asked(group_by="provider", columns="provider,attempts", compare=compare)
        made = make_document(of, request_for(of, BREAKOUT, asked, day, people=True), GENERATED)
        assert {figure.change for figure in made.headline} == {"–"}
        assert made.compared == "There are no figures to compare."
        assert made.table.row_count == rows
        if rows:
            assert made.table.rows[0][:4] == ("Tierone", None, 3, None)
            assert made.table.totals[:4] == (None, None, 3, None)


def test_totals_are_called_so_wherever_there_is_room(tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "group_by": "customer,provider",
        "columns": "attempts,customer,provider",
    }
    assert printed(tmp_path / "1", 80, **asked).splitlines()[-1].split() == ["20", "Totals"]
    assert "20 Totals" in Page(html(document(tmp_path / "2", **asked))).text


def test_a_text_stands_apart_from_a_figure_that_it_is_no_currency_of(tmp_path: Path) -> None:
    columns = "customer,customer_charge,customer_currency,attempts,provider"
    group = "customer,customer_currency,provider"
    page = html(document(tmp_path, group_by=group, columns=columns))
    assert re.findall(r'<th scope="col" class="(.*?)">', page) == ["t", "n", "t", "n", "t far"]
    assert page.count('<td class="t far">') == 5  # four rows and the totals


def test_losses_come_first_only_where_they_are_seen(tmp_path: Path) -> None:
    by_day = document(tmp_path / "1", group_by="date,provider", columns="date,provider,asr")
    (section,) = by_day.figures.sections
    assert (section.title, section.of) == ("", 4)
    assert [row[:2] for row in section.rows] == [
        (date(2026, 3, 6), "Budget Routes"), (date(2026, 3, 6), "Tierone"),
        (date(2026, 3, 7), None), (date(2026, 3, 8), "Tierone"),
    ]  # fmt: skip
    assert 'class="losing"' not in html(by_day)
    by_charge = document(tmp_path / "2", group_by="customer", columns="attempts")
    assert [row[1] for row in by_charge.figures.sections[0].rows] == [12, 5, 3]
    seen = document(tmp_path / "3", group_by="provider", columns="profit_percent")
    assert seen.figures.sections[0].title == "Losses, the largest first"


def test_tiles_have_the_unit_of_the_table(tmp_path: Path) -> None:
    tiles = {figure.title: figure.value for figure in document(tmp_path / "1").headline}
    assert (tiles["Duration"], tiles["ACD"]) == ("750.0 s", "93.8 s")
    of = reporting(tmp_path / "2", [*BEFORE, *ROWS], minutes=True)
    request = request_for(of, BREAKOUT, Asked(), DAYS, people=True)
    figures = {figure.title: figure for figure in make_document(of, request, GENERATED).headline}
    assert (figures["Duration"].value, figures["Duration"].change) == ("12.50 min", "+25.0 %")
    assert figures["ACD"].value == "1.56 min"


def printed(folder: Path, width: int, rows: list[dict[str, Any]] = ROWS, **asked: Any) -> str:
    of = reporting(folder, rows, notices=some_notices)
    request = request_for(of, BREAKOUT, Asked(**asked), DAYS, people=True)
    sink = io.StringIO()
    console = Console(file=sink, width=width, force_terminal=True, color_system=None)
    table = make_table(of, request, people=True)
    print_table("Breakout", request_notices(of, request, table), table, console, minutes=False)
    return sink.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_terminal_table_fits_the_window(tmp_path: Path, width: int) -> None:
    lines = printed(tmp_path, width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert any(line.startswith("Totals") for line in lines)
    assert any("No room for" in line for line in lines) == (width < 190)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_terminal_cuts_names_but_no_day_and_no_number(tmp_path: Path, width: int) -> None:
    long = row(6, "4" * 15, "7", 1, 1, "60", customer_destination="Somewhere very far away indeed")
    asked = {"group_by": "date,customer,customer_destination", "columns": "attempts,connected"}
    text = printed(tmp_path, width, [long], **asked)
    assert "2026-03-06" in text
    assert "4" * 15 in text
    assert ("…" in text) == (width < 80)


def test_the_terminal_prints_the_totals_of_everything_once(tmp_path: Path) -> None:
    lines = printed(tmp_path, 200, group_by="", columns="attempts,connected").splitlines()
    assert [line.split() for line in lines if "20" in line.split()] == [["20", "8"]]


def test_the_terminal_prints_names_as_they_are(tmp_path: Path) -> None:
    evil = row(6, "\x1b[2J[red]x", "7", 1, 1, "60")
    text = printed(tmp_path, 80, [evil], group_by="customer", columns="attempts,asr")
    assert "\x1b[2J" not in text
    assert "[2J[red]x" in text
    assert "100.0" in text


def test_numbers_for_people() -> None:
    profit, asr, acd = (BREAKOUT.measure(name) for name in ("profit_usd", "asr", "acd"))
    assert words.show(profit, Decimal("-1234567.891")) == "−1,234,567.89"
    assert words.show(profit, Decimal("-0.0042")) == "−0.0042"
    assert words.show(profit, Decimal("-0.005")) == "−0.0050"  # half a cent is no 0.00 either
    assert words.show(profit, Decimal("0.0051")) == "0.01"
    assert words.show(profit, Decimal("-0.00003333")) == "−0.00003"  # a second at 0.002 a minute
    assert words.show(profit, Decimal("0.00005")) == "0.0001"
    assert words.show(BREAKOUT.measure("cost_per_dtmf_digit_usd"), Decimal("1e-12")) == f"0.{1:012}"
    assert words.show(profit, None) == "–"
    assert words.show(profit, 0) == "0.00"
    assert words.show(asr, Decimal("0.39951")) == "40.0"
    assert words.show(asr, Decimal("0.0625")) == "6.3"  # a half as a sheet shows it
    assert words.show(acd, Decimal("12.25")) == "12.3"
    assert words.show(profit, Decimal("-0.125")) == "−0.13"
    assert words.change(asr, Decimal("0.0625"), Decimal(0)) == "+6.3 pp"
    assert words.show(acd, Decimal(90), minutes=True) == "1.50"
    assert words.heading(acd, minutes=True) == "ACD (min)"


def test_a_column_of_money_has_the_places_of_its_smallest_amount(tmp_path: Path) -> None:
    rows = [
        row(6, "101", "7", 1, 1, "60", customer_charge_usd="12.5", provider_charge_usd="11"),
        row(6, "102", "7", 1, 1, "60", customer_charge_usd="0.0048", provider_charge_usd="7"),
    ]
    asked = {"group_by": "customer_id", "columns": "customer_charge_usd,provider_charge_usd",
             "sort": "customer_id"}  # fmt: skip
    found = Page(html(document(tmp_path / "1", rows, **asked))).text
    assert "101 12.5000 11.00 102 0.0048 7.00 Totals 12.5048 18.00" in found
    lines = [" ".join(line.split()) for line in
             printed(tmp_path / "2", 80, rows, **asked).splitlines()]  # fmt: skip
    assert [line for line in lines if line[:3] in ("101", "102", "Tot")] == [
        "101 12.5000 11.00", "102 0.0048 7.00", "Totals 12.5048 18.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "now", "before", "said"),
    [
        ("attempts", 110, 100, "+10.0 %"),
        ("attempts", 100, 100, "±0.0 %"),
        ("attempts", 5, 0, "+5"),
        ("attempts", 5, None, "–"),
        ("profit_usd", Decimal(-5), Decimal(10), "−15.00"),
        ("profit_percent", Decimal(20), Decimal("25.5"), "−5.5 pp"),
        ("asr", Decimal("0.45"), Decimal("0.4"), "+5.0 pp"),
    ],
)
def test_change(name: str, now: Any, before: Any, said: str) -> None:
    assert words.change(BREAKOUT.measure(name), now, before) == said


def test_one_day_that_failed(tmp_path: Path) -> None:
    of = reporting(tmp_path, notices=some_notices)
    day = Period(date(2026, 3, 6), date(2026, 3, 6))
    request = request_for(of, BREAKOUT, Asked(), day, people=True)
    made = make_document(replace(of, minutes=True), request, GENERATED)
    assert made.notices[0].startswith("2026-03-06 failed its checks.")
    assert "Duration (min)" in html(made)


def test_a_mail_names_a_provider_that_is_called_as_the_customer_is(tmp_path: Path) -> None:
    """Left out is the provider's name of a destination only, where it is the customer's."""
    rows = [
        row(6, "Twin", "Twin", 2, 1, "60", customer_destination="X", provider_destination="X"),
        row(7, "Twin", None, 3, 0, "0", customer_destination="Twin"),
    ]
    made = document(tmp_path, rows)
    plain: Any = body(made, "r@example.com", ["a@example.com"], "<1@example.com>", "").get_body(
        ("plain",)
    )
    text = plain.get_content()
    assert "Attempts                                5\n" in text  # no dash for no change
    assert "Twin · X · Twin: " in text
    assert "Twin · Twin · – · –: " in text
