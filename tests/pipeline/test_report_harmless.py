"""Names that are formulas, markup, quotes or line breaks, harmless in each format and in mail."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader
from rich.console import Console

from resources.reporting.breakout import BREAKOUT
from resources.reporting.charts import draw
from resources.reporting.document import Document, make_document
from resources.reporting.figures import make_table, request_for
from resources.reporting.interfaces import HeldNames, Reporting
from resources.reporting.message import compose
from resources.reporting.output import Sums, for_people, render
from resources.reporting.pages import html
from resources.reporting.request import Asked, Request
from resources.reporting.terminal import print_table
from tests.unit.report_tables import DAYS, GENERATED, reporting, row
from tests.unit.test_report_pages import Page

HEBREW = "\u05e9\u05dc\u05d5\u05dd"
EVIL = {
    "formula": '=HYPERLINK("http://x","y")',
    "plus": "+1+cmd|' /C calc'!A0",
    "at": "@SUM(1)",
    "markup": "<script>alert(1)</script>&amp;<img src=http://x/y.png>",
    "svg": "</text></svg><script/>",
    "css": '"><style>*{display:none}</style>',
    "template": "{{ 7*7 }}{% raw %}${x}",
    "rich": "[red]x[/red][link=http://x]y[/link]",
    "quotes": "a'b\"c\\d`e",
    "lines": "a\r\nBcc: x@y.z\r\n\r\nTotals: 1,000,000\u2028b",
    "tab": "a\tb",
    "turned": "\u202e000,1 DSU\u2066",
    "hebrew": HEBREW,
    "escape": "\x1b[2Jx\x07\x9b31m",
    "half": "\ufffe\uffffx",
}
CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def of(tmp_path: Path) -> Reporting:
    rows = [
        row(6, key, key, 2, 1, "60", customer_destination=name, provider_destination=name,
            tech_prefix=name, customer_charge_usd="1", provider_charge_usd="2",
            customer_currency="USD", provider_currency="USD")
        for key, name in EVIL.items()
    ]  # fmt: skip
    return replace(reporting(tmp_path, rows), names=HeldNames(customers=EVIL, providers=EVIL))


def request(of: Reporting, *, people: bool) -> Request:
    asked = Asked(
        group_by="customer,provider,customer_destination,tech_prefix",
        columns="attempts,profit_usd",
        customers=list(EVIL),
        filters=[f"provider={','.join(EVIL)}"],
    )
    return request_for(of, BREAKOUT, asked, DAYS, people=people)


def made(of: Reporting, fmt: str) -> bytes:
    stream = io.BytesIO()
    render(Sums(of, request(of, people=for_people(fmt))), fmt, GENERATED, stream)
    return stream.getvalue()


def document(of: Reporting) -> Document:
    return make_document(of, request(of, people=True), GENERATED)


def test_csv_quotes_and_neutralises(of: Reporting) -> None:
    rows = list(csv.reader(io.StringIO(made(of, "csv").decode(), newline="")))
    assert len(rows) == 1 + len(EVIL)
    shown = {cells[0] for cells in rows[1:]}
    assert shown == {f"'{name}" if name[0] in "=+@" else name for name in EVIL.values()}
    assert all(len(cells) == 6 for cells in rows)


def test_json_and_parquet_hold_names_as_they_are(of: Reporting) -> None:
    assert {line["customer"] for line in json.loads(made(of, "json"))} == set(EVIL.values())
    table = pq.read_table(io.BytesIO(made(of, "parquet")))
    assert set(table.column("tech_prefix").to_pylist()) == set(EVIL.values())


def test_xlsx_has_no_formula_and_no_link(of: Reporting) -> None:
    with zipfile.ZipFile(io.BytesIO(made(of, "xlsx"))) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    for name, part in parts.items():
        if name.endswith((".xml", ".rels")):
            root = ET.fromstring(part)  # noqa: S314 - our own; and it must be XML at all
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert not tags & {"f", "hyperlink", "hyperlinks", "ddeLink"}, name
    assert not [name for name in parts if "external" in name.lower()]
    text = parts["xl/worksheets/sheet1.xml"].decode()
    assert "'=HYPERLINK" in text
    assert HEBREW in text


def test_a_page_runs_and_fetches_nothing(of: Reporting) -> None:
    text = html(document(of))
    page = Page(text)
    assert not page.tags & {"script", "iframe", "object", "form", "link"}
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    assert text.count("<style") == 1
    assert not CONTROLS.search(text)
    for name in ("formula", "markup", "template", "rich", "quotes", "hebrew"):
        assert EVIL[name] in page.text
    # Turned around, the amount would read as another.
    assert "\N{REPLACEMENT CHARACTER}000,1 DSU\N{REPLACEMENT CHARACTER}" in page.text
    assert "a Bcc: x@y.z Totals: 1,000,000 b" in page.text


def test_charts_are_pictures_and_nothing_else(of: Reporting) -> None:
    for points in document(of).charts:
        svg = draw(points).svg
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}  # noqa: S314
        assert not tags & {"script", "image", "foreignObject", "a"}
        assert not CONTROLS.search(svg)


def test_pdf_shows_names_and_links_nowhere(of: Reporting) -> None:
    pages = PdfReader(io.BytesIO(made(of, "pdf"))).pages
    text = " ".join(page.extract_text() for page in pages)
    assert "=HYPERLINK" in text
    assert "<script>" in text
    for page in pages:
        for note in page.get("/Annots") or []:
            assert "/URI" not in note.get_object().get("/A", {})


@pytest.mark.parametrize("width", [60, 300])
def test_the_terminal_is_not_commanded(of: Reporting, width: int) -> None:
    sink = io.StringIO()
    console = Console(file=sink, width=width, force_terminal=True, color_system=None)
    table = make_table(of, request(of, people=True), people=True)
    print_table("Breakout", [], table, console, minutes=False)
    text = sink.getvalue()
    assert not CONTROLS.search(text)
    body = [line for line in text.splitlines() if line.rstrip().endswith("-1.00")]
    assert len(body) == len(EVIL), "a line a row"
    assert width < 300 or "[red]x[/red][link=http://x]y[/link]" in text


def test_a_mail_has_no_other_head_and_no_other_lines(of: Reporting) -> None:
    message = compose(document(of), "r@example.com", ["a@example.com"], "<breakout.1@example.com>")
    assert message["Bcc"] is None
    plain: Any = message.get_body(("plain",))
    lines = plain.get_content().splitlines()
    assert not [line for line in lines if line.strip().startswith(("Bcc:", "Totals: 1"))]
    assert not CONTROLS.search(plain.get_content())
    rich: Any = message.get_body(("html",))
    page = Page(rich.get_content())
    assert not page.tags & {"script", "iframe", "object", "form", "link"}
    assert all(address.startswith("cid:") for address in page.addresses)
    assert not CONTROLS.search(rich.get_content())
