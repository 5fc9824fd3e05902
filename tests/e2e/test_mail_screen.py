"""The mail's page in a real browser, as wide as a preview pane and as a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest

from resources.reporting.message import compose
from tests.e2e.browser import chromium
from tests.unit.report_tables import row
from tests.unit.test_report_pages import document

NAMES = {
    "usual": "Lanternfish Communications",
    "long": "Donaudampfschifffahrts" * 15,
    "address": "reseller_of_lanternfish-communications@long-domain.example.com",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_name_pushes_figures_out_of_sight(tmp_path: Path, name: str) -> None:
    rows = [
        row(6, name, "Harmattan Carrier Services", 1234, 567, "123456.7",
            customer_destination="Philippines Mobile Globe", customer_currency="USD",
            provider_destination="Philippines Cellular Globe", provider_currency="USD",
            customer_charge="1234.56", customer_charge_usd="1234.56", dtmf_calls=300,
            provider_charge="2345.67", provider_charge_usd="2345.67")
    ]  # fmt: skip
    of = document(tmp_path, rows)
    message = compose(of, "r@example.com", ["a@example.com"], "<breakout.1@example.com>")
    page_part = message.get_body(("html",))
    assert page_part is not None
    path = tmp_path / "mail.html"
    path.write_text(page_part.get_content(), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 600, "height": 900})
        page.goto(path.as_uri())
        for width in (600, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.get_by_text("1,234.56").last.is_visible()
