"""PDF and mail: WeasyPrint loads its libraries through a process, which keeps these out of unit."""

from __future__ import annotations

import io
import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from pypdf import PdfReader
from weasyprint import HTML
from weasyprint.text import fonts
from weasyprint.urls import FatalURLFetchingError

from resources.reporting.breakout import BREAKOUT
from resources.reporting.charts import draw
from resources.reporting.message import compose
from resources.reporting.pages import WHOLE, _style_sheet, fetcher, pdf
from resources.reporting.widths import layout
from tests.unit.report_tables import row
from tests.unit.test_report_pages import Page, document


@pytest.mark.parametrize(
    "group_by", [None, "", "date", ",".join(d.name for d in BREAKOUT.dimensions)]
)
def test_pdf(tmp_path: Path, group_by: str | None) -> None:
    made = document(tmp_path, group_by=group_by)
    pages = PdfReader(io.BytesIO(pdf(made))).pages
    assert f"Page 1 of {len(pages)}" in pages[0].extract_text()
    assert pages[0].mediabox.width > pages[0].mediabox.height
    embedded = {
        str(font.get_object()["/BaseFont"])
        for page in pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert all(re.match(r"/[A-Z]{6}\+", font) for font in embedded), "fonts must be embedded"


def test_fonts_are_looked_for_and_charts_drawn_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fan-out makes thousands of these; and a mail has the charts of its PDF."""
    pdf(document(tmp_path / "first"))
    monkeypatch.setattr(fonts.FontConfiguration, "__init__", Mock(side_effect=AssertionError))
    drawn = Mock(wraps=draw)
    monkeypatch.setattr("resources.reporting.document.draw", drawn)
    made = document(tmp_path / "second")
    pdf(made)
    compose(made, "a@example.com", ["b@example.com"], "<1@example.com>")
    assert 0 < drawn.call_count <= len(made.charts)


@pytest.mark.parametrize(("name", "as_picture"), [("Tierone Ñ", False), ("בזק", True)])
def test_names_from_right_to_left_are_drawn_so(tmp_path: Path, name: str, as_picture: bool) -> None:
    """WeasyPrint would set the letters of a drawing from left to right, whatever they are."""
    rows = [row(6, "101", name, 2, 1, "60", customer_charge_usd="1")]
    (first, *_) = PdfReader(io.BytesIO(pdf(document(tmp_path, rows)))).pages
    assert bool(first.images) == as_picture


@pytest.mark.parametrize("count", [2, 7, WHOLE])
def test_a_small_table_stands_on_one_page(tmp_path: Path, count: int) -> None:
    rows = [row(6, f"10{n:02}", "7", 1, 1, "60") for n in range(count)]
    made = document(tmp_path, rows, group_by="customer_id", columns="customer_id,attempts")
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf(made))).pages]
    (held,) = [text for text in pages if "\nFigures\n" in f"\n{text}\n"]
    assert all(text in held for text in ("Totals", *(each["customer_id"] for each in rows)))
    assert len(pages) <= 2, "the charts stand below the headline figures"


@pytest.mark.parametrize("count", [*range(3, 9), 40, 90])
def test_no_number_and_no_word_of_a_head_is_broken(count: int) -> None:
    heads = [
        ("Number", False), ("Customer Currency", False), ("SIP Code", False), ("CLI", False),
        ("Indeterminate Connected", True), ("Profit Percent", True),
    ]  # fmt: skip
    cells = ["12017527007", "USD", "486", "001201752700777", "123,456,789", "−302.5"]
    names = [(f"Name {n}", False) for n in range(count)]
    rows = [[*cells, *("Harmattan Carrier Services" for _ in names)]]
    laid = layout([*heads, *names], rows)
    tags = "".join(f'<col style="width: {share}%">' for share in laid.shares)
    head = "".join(f"<th>{title}</th>" for title, _ in [*heads, *names])
    body = "".join(f'<td class="t">{cell}</td>' for cell in rows[0])
    page = (
        f"<style>{_style_sheet()} @page {{ size: {laid.paper} landscape }}</style>"
        f'<div class="scroll"><table style="--points: {laid.points}pt">'
        f"<colgroup>{tags}</colgroup><tr>{head}</tr><tr>{body}</tr></table></div>"
    )
    made = HTML(string=page, base_url=None, url_fetcher=fetcher({})).write_pdf()
    said = PdfReader(io.BytesIO(made)).pages[0].extract_text().split()
    wanted = " ".join([*(title for title, _ in heads), *cells]).split()
    assert not set(wanted) - set(said)


def test_pdf_may_fetch_only_what_it_was_given() -> None:
    fetch = fetcher({"report:chart": b"<svg/>"})
    assert fetch("report:chart").read() == b"<svg/>"
    for url in ("file:///etc/passwd", "https://example.com/x.png", "data:text/plain,x"):
        with pytest.raises(FatalURLFetchingError, match="may not fetch"):
            fetch(url)


def test_a_message_has_text_pictures_and_attachments(tmp_path: Path) -> None:
    made = document(tmp_path)
    message = compose(made, "r@example.com", ["a@example.com"], "<breakout.1@example.com>")
    kinds = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert kinds[:4] == ["text/plain", "text/html", "image/png", "image/png"]
    names = [part.get_filename() for part in message.iter_attachments()]
    assert names == [
        "breakout_2026-03-06_2026-03-08.pdf",
        "breakout_2026-03-06_2026-03-08.xlsx",
    ]
    assert message["Message-ID"] == "<breakout.1@example.com>"
    plain, rich = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().startswith("Breakout, 6–8 March 2026 (UTC)")
    assert "<b>Nimbus</b>" in plain.get_content()
    body = rich.get_content()
    assert "<b>Nimbus" not in body
    ids = {str(part["Content-ID"])[1:-1] for part in message.walk() if part["Content-ID"]}
    assert {a.removeprefix("cid:") for a in Page(body).addresses} == ids
    assert not Page(body).tags & {"style", "link", "svg", "script"}


def test_a_pdf_of_nothing(tmp_path: Path) -> None:
    assert pdf(document(tmp_path, [])).startswith(b"%PDF")
