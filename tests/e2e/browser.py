"""A Chromium over the explorer's pages: Debian's, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from tests.e2e.test_commands import COMMAND

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def executable() -> str:
    """The Chromium of this machine. Without one the tests are skipped; in CI they fail."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        words = (
            "NO CHROMIUM HERE: the explorer's pages are NOT TESTED."
            " `make setup-dev` installs it where apt can (Debian: apt-get install chromium)."
        )
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a new, empty profile that is removed afterwards."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def exploring(home: Path) -> Iterator[str]:
    """`cdr-reports explore` of a home, on a free port; gives its address."""
    own = {"CDR_REPORTS_HOME": str(home), "CDR_REPORTS_SETTLE_SECONDS": "0"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CDR_REPORTS_")}
    with (home / "explore.log").open("w") as log:
        process = subprocess.Popen(
            [str(COMMAND), "explore", "--port", "0"], cwd=home, env={**inherited, **own},
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://[\d.]+:\d+", said)
        assert address, said + (home / "explore.log").read_text()
        yield address[0]
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


@dataclass
class Visit:
    """A page in a profile of its own, what it complained of and what it asked for."""

    address: str
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Opens a page and waits until its figures are there, if it has any."""
        self.page.goto(self.address + path)
        if self.page.locator("[data-report], #calls").count():
            self.page.locator("body[data-ready]").wait_for()
        return self.page

    def after(self, action: Callable[[], Any]) -> None:
        """Does something that asks the server, and waits until the answer is on the screen."""
        count = self.page.locator("body").get_attribute("data-ready")
        action()
        self.page.locator(f'body:not([data-ready="{count}"])').wait_for()

    def elsewhere(self) -> list[str]:
        """The requests that would have left the host."""
        own = urlsplit(self.address).netloc
        return [
            url for url in self.requested
            if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own
        ]  # fmt: skip

    def overheard(self) -> list[tuple[str, bytes]]:
        """From now on what the server says to this profile: address and body, but for scripts."""
        said: list[tuple[str, bytes]] = []

        def pass_on(route: Route) -> None:
            answer = route.fetch(max_redirects=0)
            said.append((route.request.url, answer.body()))
            route.fulfill(response=answer)

        self.context.route(lambda url: "/static/" not in url, pass_on)
        return said

    def grid(self) -> dict[str, dict[str, str]]:
        """What the grid shows: name of the row → path of the column → words."""
        read: dict[str, dict[str, str]] = dict(
            json.loads(self.page.locator("regular-table").evaluate(_READ_GRID))
        )
        return read


# Rows of a tree are known by the name of their group, those of a table by their number.
_READ_GRID = """
table => JSON.stringify([...table.querySelectorAll("tbody tr")].map((row, number) => {
  const cells = [...row.querySelectorAll("td")];
  const path = (table.getMeta(cells[0]).row_header ?? []).filter((part) => part);
  const column = (cell) => table.getMeta(cell).column_header.join("|");
  const named = cells.map((cell) => [column(cell), cell.textContent]);
  return [String(path.at(-1) ?? number), Object.fromEntries(named)];
}))"""


@contextmanager
def visiting(browser: Browser, address: str, width: int = 1600) -> Iterator[Visit]:
    """A new profile with one page; what the browser complains about is kept."""
    context = browser.new_context(
        viewport={"width": width, "height": 1000}, locale="en-US", accept_downloads=True
    )
    context.set_default_timeout(90_000)
    visit = Visit(address, context, context.new_page())
    context.on("request", lambda request: visit.requested.append(request.url))
    visit.page.on("pageerror", lambda error: visit.troubles.append(str(error)))
    visit.page.on(
        "console",
        # Perspective's templates hold empty style attributes, which the policy rightly stops.
        lambda said: (
            visit.troubles.append(said.text)
            if said.type == "error" and "Applying inline style" not in said.text
            else None
        ),
    )
    try:
        yield visit
    finally:
        context.close()
