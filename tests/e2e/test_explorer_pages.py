"""The explorer's pages in a real browser: what people see, drag, type, send to each other."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from explorer.guard import hashed
from pipelines.assembly import Workplace
from tests.e2e.browser import Visit, chromium, exploring, visiting
from tests.e2e.test_commands import cdr_reports
from tests.pipeline.home import GOLDEN, build_all, golden_files, land, make_home

DAYS = "from=2026-03-06&to=2026-03-09"
WIDE = 2400
"""Pixels in which a pivot has all of its columns on the screen, whatever the font."""
PASSWORD = "correct horse battery"
PROVIDERS = ("Tierone", "Albion Telecom", "EuroCarrier", "Budget Routes")
# Names of figures and words that tell of the other side.
TELLING = (*PROVIDERS, "provider", "Provider", "profit", "Profit", "Cost per", "cost_per")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden days, built, in which nobody logs in."""
    workplace = make_home(tmp_path_factory.mktemp("home"))
    land(workplace, *golden_files())
    for name in ("customers.csv", "providers.csv"):
        shutil.copy(GOLDEN / name, workplace.settings.home / name)
    build_all(workplace)
    (workplace.settings.home / "dids.csv").write_text("number\n442079460013\n")  # DID as CLI's
    return workplace.settings.home


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(browser: Browser, home: Path) -> Iterator[str]:
    with exploring(home) as served:
        yield served


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """A page that complained of nothing and asked no other host."""
    with visiting(browser, address) as opened:
        yield opened
        assert opened.elsewhere() == []
        assert opened.troubles == []


def command_line(home: Path, *options: str, report: str = "breakout") -> list[dict[str, str]]:
    """What the command line says of the golden days."""
    asked = ("--from", "2026-03-06", "--to", "2026-03-09", "--format", "csv")
    done = cdr_reports(home, "report", report, *asked, *options)
    rows = csv.DictReader(io.StringIO(done.stdout))
    # An apostrophe keeps spreadsheets from taking a name for a formula; a page needs none.
    return [{name: value.removeprefix("'") for name, value in row.items()} for row in rows]


def golden(name: str) -> list[dict[str, str]]:
    """An expected report of the golden data."""
    with (GOLDEN / "expected" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def named(side: str) -> dict[str, str]:
    """The names of the accounts; a call that was never routed has a dash for its provider."""
    with (GOLDEN / f"{side}.csv").open(newline="") as file:
        return {"": "–"} | {row["id"]: row["name"] for row in csv.DictReader(file)}


def words(row: dict[str, str]) -> dict[str, str]:
    """Attempts, ASR and profit as the grid must show these exact figures."""
    asr, profit = row["asr"], Decimal(row["profit_usd"])
    places = "0.01" if profit == 0 or abs(profit) >= Decimal("0.005") else f"1e{profit.adjusted()}"
    return {
        "Attempts": f"{int(row['attempts']):,}",
        "ASR (%)": f"{Decimal(asr) * 100:.1f}%" if asr else "–",
        "Profit (USD)": f"{profit.quantize(Decimal(places)):,f}",
    }


def under(head: str, row: dict[str, str]) -> dict[str, str]:
    return {f"{head}|{title}": text for title, text in words(row).items()}


def test_every_page_opens(visit: Visit) -> None:
    """Each page that the menu names, in one go."""
    page = visit.open("/")
    links = page.locator("nav a").evaluate_all("all => all.map((a) => a.getAttribute('href'))")
    assert len(links) >= 11
    for link in links:
        visit.open(link)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("nav a[aria-current]")).to_have_attribute("href", link)
    visit.open("/files/2")
    expect(page.get_by_role("row", name="missing_call_id").first).to_be_visible()


def test_report_as_it_comes_is_the_command_line_s(visit: Visit, home: Path) -> None:
    """Tech Prefix, whose rows are few: every cell, and the totals over them."""
    visit.open(f"/reports/tech-prefix?{DAYS}&columns=attempts,connected")
    rows = command_line(home, "--columns", "attempts,connected", report="tech-prefix")
    total = command_line(home, "--group-by", "", "--columns", "attempts,connected")[0]
    shown = [list(cells.values()) for cells in visit.grid().values()]
    assert shown[0] == ["Totals", f"{int(total['attempts']):,}", total["connected"]]
    said = [[r["tech_prefix"] or "–", f"{int(r['attempts']):,}", r["connected"]] for r in rows]
    # People get the largest first, a file for machines by name.
    assert sorted(shown[1:]) == sorted(said)
    headline = visit.page.locator("[data-figure=attempts] .value")
    assert headline.text_content() == f"{int(total['attempts']):,}"


def test_days_and_accounts_go_along_to_other_reports(visit: Visit) -> None:
    page = visit.open("/reports/dtmf?from=2026-03-07&to=2026-03-08&customers=101&group=customer")
    page.get_by_role("link", name="Tech Prefix").click()
    expect(page.locator("#period")).to_have_text("7–8 March 2026")
    expect(page).to_have_url(re.compile("/reports/tech-prefix[?]from=2026-03-07&to=2026-03-08&cus"))
    expect(page.locator("#accounts")).to_contain_text("Customers: 101")
    page.get_by_role("link", name="Per Number").click()
    expect(page.locator("#from")).to_have_value("2026-03-07")
    expect(page.locator("#to")).to_have_value("2026-03-08")
    page.get_by_role("link", name="Breakout").click()
    expect(page.locator("#period")).to_have_text("7–8 March 2026")


def test_days_that_were_refused_can_be_mended(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:  # the refusal is an error in the browser's eyes
        page = visit.open("/?from=2026-03-09&to=2026-03-06")
        expect(page.locator("#trouble")).to_contain_text("swap the two days")
        expect(page.locator("#from")).to_have_value("2026-03-09")
        expect(page.locator("#to")).to_have_value("2026-03-06")
        page = visit.open("/?last=yesterday&group=custmer")
        expect(page.locator("#trouble")).to_contain_text("did you mean 'customer'?")
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        expect(page.locator("#from")).to_have_value(yesterday.isoformat())


def test_filter(visit: Visit, home: Path) -> None:
    page = visit.open(f"/?{DAYS}&group=provider&columns=attempts,asr,profit_usd")
    page.locator("[data-chip=country] > button").click()
    page.get_by_role("button", name="Filter…").click()
    page.get_by_label("United Kingdom", exact=True).check()
    visit.after(lambda: page.get_by_role("button", name="Apply").click())
    assert "filter=country=United+Kingdom" in page.url
    shown = [list(cells.values()) for cells in visit.grid().values()][1:]
    options = ("--group-by", "provider", "--columns", "attempts,asr,profit_usd")
    rows = command_line(home, *options, "--filter", "country=United Kingdom")
    assert sorted(shown) == sorted([r["provider"] or "–", *words(r).values()] for r in rows)
    # Back takes the filter away again, in the page as in the address.
    visit.after(page.go_back)
    assert len(visit.grid()) > 1
    expect(page.locator("#filters")).to_be_hidden()


def test_pivot_by_dragging(visit: Visit, home: Path, browser: Browser) -> None:
    """Each figure of a pivot and of its totals is the command line's; a link shows a colleague."""
    visit.page.set_viewport_size({"width": WIDE, "height": 1000})
    page = visit.open(f"/?{DAYS}&group=customer&columns=attempts,asr,profit_usd")
    chip = page.locator("[data-chip=provider] > button")
    visit.after(lambda: chip.drag_to(page.locator(".zone.split")))
    columns = ("--columns", "attempts,asr,profit_usd")
    expected: dict[str, dict[str, str]] = {}
    # Totals as the golden data has them, the cells as the command line says.
    expected["TOTAL"] = under("All", golden("breakout_by_nothing")[0])
    for row in golden("breakout_by_provider_id"):
        expected["TOTAL"] |= under(named("providers")[row["provider_id"]], row)
    for row in golden("breakout_by_customer_id"):
        expected[named("customers")[row["customer_id"]]] = under("All", row)
    for row in command_line(home, "--group-by", "customer,provider", *columns):
        expected[row["customer"]] |= under(row["provider"] or "–", row)
    shown = visit.grid()
    assert shown.keys() == expected.keys()
    for name, cells in expected.items():
        own = {head: text for head, text in shown[name].items() if head in cells}
        assert own == cells, name
        assert {text for head, text in shown[name].items() if head not in cells} <= {"–", ""}

    with visiting(browser, visit.address, WIDE) as colleague:
        colleague.open(page.url.removeprefix(visit.address))
        assert colleague.grid() == shown


def _cut(page: Page, selector: str) -> list[str]:
    """The texts that are wider than the room they have."""
    texts: list[str] = page.locator(selector).evaluate_all(
        "all => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"
    )
    return texts


def test_heads_of_column_groups_are_whole(visit: Visit) -> None:
    page = visit.open(f"/?{DAYS}&group=customer&split=date&columns=attempts")
    heads = page.locator("regular-table thead tr").first
    expect(heads).to_contain_text("2026-03-09")
    assert _cut(page, "regular-table thead th") == []


def test_figures_of_the_whole_can_be_read(visit: Visit) -> None:
    """Each as wide as its value, its title whole; the profit among many; the currency of money."""
    page = visit.page
    page.set_viewport_size({"width": 1300, "height": 900})
    visit.open(f"/?{DAYS}&group=provider")
    titles = page.locator("#headline .title").all_text_contents()
    assert (len(titles), titles[-1]) == (8, "Profit (USD)")
    assert _cut(page, "#headline .title, #headline .value") == []
    visit.open(f"/?{DAYS}&group=provider&currency=GBP")
    assert page.locator("#headline .title").all_text_contents()[-1] == "Profit (GBP)"
    visit.open(f"/reports/dtmf?{DAYS}")
    assert _cut(page, "#headline .title, #headline .value") == []
    # All of customer 102 is in pounds.
    visit.open(f"/?{DAYS}&customers=102&group=provider,customer_currency&columns=customer_charge")
    figure = page.locator("[data-figure=customer_charge]")
    expect(figure.locator(".title")).to_have_text("Customer Charge (GBP)")
    expect(figure.locator(".value")).to_have_text("30.20")
    assert next(iter(visit.grid().values()))["Customer Currency"] == "GBP"


def test_a_comparison_says_with_what(visit: Visit) -> None:
    """The home begins with the 6th."""
    query = "from=2026-03-07&to=2026-03-09&group=provider&columns=attempts"
    page = visit.open(f"/?{query}&compare=previous")
    above = page.locator("#compared:above(#stage)")
    expect(above).to_have_text("Change against 4–6 March 2026, of which 2 days without data.")
    visit.open(f"/?{query}")
    expect(page.locator("#compared")).to_be_hidden()


def test_chart_adds_nothing_up(visit: Visit) -> None:
    """Bars that would stand on each other are there for what can be added up only."""
    page = visit.open(f"/?{DAYS}&group=date&split=provider&columns=attempts,asr&view=bars")
    expect(page.locator("perspective-viewer-d3fc-ybar")).to_be_visible()
    page.get_by_label("Figure", exact=True).select_option("asr")
    expect(page.get_by_role("button", name="Bars")).to_be_disabled()
    visit.after(lambda: page.get_by_role("button", name="Lines").click())
    expect(page.locator("perspective-viewer-d3fc-yline")).to_be_visible()


def test_numbers_in_any_spelling(visit: Visit, home: Path) -> None:
    page = visit.open(f"/per-number?{DAYS}")
    page.get_by_label("Numbers").fill("+1 (212) 226-0001, 1 212 226 0001")
    visit.after(lambda: page.get_by_role("button", name="Search").click())
    options = ("--number", "12122260001", "--as", "either")
    calls = command_line(home, *options, report="per-number")
    expect(page.locator("#count")).to_contain_text(f"{len(calls)} calls")
    first = next(iter(visit.grid().values()))
    assert first["Customer"] == calls[0]["customer"]
    expect(page.locator("#summary tbody tr")).to_have_count(1)
    expect(page.locator("#summary tbody td").first).to_have_text("12122260001")


def test_schedule_of_what_is_shown(visit: Visit) -> None:
    """From the report to the form, past a mistake, to the mail as it would be."""
    page = visit.open(f"/?{DAYS}&group=provider&columns=attempts,asr&customers=101")
    page.get_by_role("link", name="Schedule this").click()
    assert page.get_by_label("Group").input_value() == "provider"
    assert page.get_by_label("Columns").input_value().replace(" ", "") == "attempts,asr"
    page.get_by_label("Name").fill("By provider")
    page.get_by_label("Email").fill("not an address")
    page.get_by_role("button", name="Add the schedule").click()
    expect(page.locator("#errors-email")).to_be_visible()
    expect(page.get_by_label("Email")).to_be_focused()
    page.get_by_label("Email").fill("desk@example.com")
    page.get_by_role("button", name="Add the schedule").click()
    expect(page.locator("h1")).to_contain_text("By provider")
    page.get_by_role("link", name="Preview the mail").click()
    expect(page.locator("dl")).to_contain_text("desk@example.com")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Breakout")
    page.goto(f"{visit.address}/schedules")
    expect(page.get_by_role("link", name="By provider")).to_be_visible()
    visit.troubles.clear()  # the form that was refused is an answer of 422, which is said here


def test_by_keyboard_alone(visit: Visit) -> None:
    """A dimension goes from the pool to the columns, and a file is in reach, without a mouse."""
    page = visit.open(f"/?{DAYS}&group=customer&columns=attempts")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('[data-chip=provider]') !== null"):
            break
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "Move to the columns"
    visit.after(lambda: page.keyboard.press("Enter"))
    assert "split=provider" in page.url
    # The focus is still on the chip, now among the columns.
    assert page.evaluate("document.activeElement.closest('.zone.split') !== null")
    page.locator("#download > button").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "CSV, all rows"
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert text.splitlines()[0].split(",")[:3] == ["customer", "provider", "attempts"]
    page.keyboard.press("Escape")
    expect(page.locator("#download .pane")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_serious_barrier(browser: Browser, address: str, width: int) -> None:
    """axe-core finds nothing serious on any kind of page, and no page is wider than a phone."""
    axe = Axe()
    paths = (
        f"/?{DAYS}", f"/?{DAYS}&group=customer&split=provider&columns=attempts,asr",
        f"/?{DAYS}&group=date&columns=attempts&view=bars", f"/per-number?{DAYS}&number=12122260001",
        "/schedules", "/schedules/new", "/deliveries", "/files", "/files/2", "/health", "/nothing",
    )  # fmt: skip
    found = []
    with visiting(browser, address, width) as visit:
        for path in paths:
            page = visit.open(path)
            for fault in axe.run(page).response["violations"]:
                if fault["impact"] in ("serious", "critical"):
                    where = [node["target"] for node in fault["nodes"]][:3]
                    found.append((path, fault["id"], where))
            assert _overflow(page) <= 0, path
    assert found == []


def _overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    by: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return by


@pytest.fixture(scope="module")
def guarded(
    browser: Browser, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same days, to which people log in: an operator, and the customer 101."""
    folder = shutil.copytree(home, tmp_path_factory.mktemp("guarded") / "home")
    users = _workplace(folder).users
    now = datetime.now(UTC)
    users.add("ann", "operator", (), hashed(PASSWORD), now)
    users.add("skycore", "customer", ("101",), hashed(PASSWORD), now)
    with exploring(folder) as served:
        yield served


def _workplace(folder: Path) -> Workplace:
    return make_home(folder)


def log_in(visit: Visit, name: str) -> None:
    page = visit.page
    page.goto(f"{visit.address}/reports/dtmf?{DAYS}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    # Where the page that was asked for is, as it was asked for.
    page.locator("body[data-ready]").wait_for()
    assert page.url == f"{visit.address}/reports/dtmf?{DAYS}"


def test_customer_finds_no_provider(browser: Browser, guarded: str) -> None:
    """In no page, no answer, no file; and other customers' calls neither."""
    with visiting(browser, guarded) as visit:
        said = visit.overheard()
        log_in(visit, "skycore")
        page = visit.page
        for link in page.locator("nav a").evaluate_all("all => all.map((a) => a.href)"):
            visit.open(link.removeprefix(visit.address) + f"?{DAYS}")
            assert not _told(page.content()), link
        visit.open(f"/?{DAYS}&group=customer&split=date&columns=attempts,asr")
        assert visit.grid().keys() == {"TOTAL", "SkyCore"}
        visit.open(f"/?{DAYS}&view=charts")
        visit.open(f"/per-number?{DAYS}&number=12122260001")
        visit.open(f"/?{DAYS}")
        for kind in ("csv", "json", "pdf"):
            page.locator("#download > button").click()
            with page.expect_download() as download:
                page.locator(f"#download [data-format={kind}]").click()
            file = Path(download.value.path())
            text = _pdf(file) if kind == "pdf" else file.read_text(encoding="utf-8-sig")
            assert "SkyCore" in text
            assert not _told(text), kind
            page.keyboard.press("Escape")
        assert len(said) > 30
        for url, body in said:
            assert not _told(body.decode("utf-8", "replace")), url
        # By the address it is refused, in the words for a name that there is not.
        visit.troubles.clear()
        visit.open(f"/?{DAYS}&group=provider&columns=attempts")
        expect(page.locator("#trouble")).to_contain_text("unknown dimension 'provider'")
        assert visit.elsewhere() == []


def _told(text: str) -> list[str]:
    return [word for word in TELLING if word in text]


def _pdf(file: Path) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(file).pages)


def test_logging_out_ends_it(browser: Browser, guarded: str) -> None:
    with visiting(browser, guarded) as visit:
        log_in(visit, "ann")
        expect(visit.page.locator(".who")).to_contain_text("operator")
        visit.page.get_by_role("button", name="Log out").click()
        expect(visit.page.get_by_label("Password")).to_be_visible()
        visit.page.goto(f"{guarded}/files")
        expect(visit.page.get_by_label("Password")).to_be_visible()
