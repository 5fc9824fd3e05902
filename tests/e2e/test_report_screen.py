"""An HTML report in a real browser: what is on the screen, and what stays when one scrolls."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from resources.reporting.pages import html
from tests.e2e.browser import chromium
from tests.unit.report_tables import row
from tests.unit.test_report_pages import document


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Breakout with all its columns, in names and figures of a usual length."""
    folder = tmp_path_factory.mktemp("report")
    rows = [
        row(6, f"Lanternfish Communications {n}", f"Harmattan Carrier Services {n}", 1234, 567,
            "123456.7", customer_destination="Philippines Mobile Globe", customer_currency="USD",
            provider_destination="Philippines Cellular Globe", provider_currency="USD",
            customer_charge="1234.56", customer_charge_usd="1234.56", dtmf_calls=300,
            provider_charge="2345.67", provider_charge_usd="2345.67")
        for n in range(9)
    ]  # fmt: skip
    made = folder / "breakout.html"
    made.write_text(html(document(folder, rows)), encoding="utf-8")
    return made


def hidden(page: Page) -> int:
    """How much of the table is to be reached by scrolling only, in pixels."""
    return int(
        page.evaluate(
            "(t => t.scrollWidth - t.clientWidth)(document.querySelector('.table .scroll'))"
        )
    )


def test_all_columns_are_on_a_usual_screen_and_names_stay_on_a_small_one(path: Path) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.goto(path.as_uri())
        assert hidden(page) == 0
        page.set_viewport_size({"width": 420, "height": 900})
        assert hidden(page) > 100
        page.evaluate("document.querySelector('.table .scroll').scrollLeft = 100")
        for first in ("th:first-child", "tr.losing td:first-child", "tr.totals td:first-child"):
            box = page.locator(f".table {first}").first.bounding_box()
            assert box is not None
            assert box["x"] == page.locator(".table").bounding_box()["x"]  # type: ignore[index]
