"""Customers whose ids and names look alike: each is shown and sent its own calls, no other's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from explorer.explorer import Explorer
from pipelines.assembly import Workplace
from pipelines.cli.main import Program, cli
from resources.reporting.request import quoted
from resources.schedules.model import from_text
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.explorers import PASSWORD, Browser, add_user, serving
from tests.pipeline.home import build_all, make_home
from tests.pipeline.offices import DAYS, Clock, add, office_of, tick
from tests.pipeline.post import PostOffice
from tests.pipeline.post import serving as mailing

NAMES = {
    "7": "007", "007": "", "7.0": "7", "101": "102", "102": "101", "103": "Acme", "ACME": "",
    "a,b": "", "a": "", "b": "", "a b": "", '"a"': "", "None": "", "–": "", "Total": "", "%": "",
    "caf\u00e9": "Cafe", "cafe\u0301": "Cafe", "stra\u00dfe": "", "strasse": "",
}  # fmt: skip
"""By id. The first customer has one call, the second two, and so on."""

DAY = str(DAYS[-1])
NUMBER = "447802712292"


def calls_of(customer: str) -> list[str]:
    place = list(NAMES).index(customer)
    return [f"{place}-{n}" for n in range(place + 1)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    home = tmp_path_factory.mktemp("lookalikes")
    workplace = make_home(home)
    with (home / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "name", "email"])
        lines.writerows((c, name, f"{n}@example.com") for n, (c, name) in enumerate(NAMES.items()))
    deliver(
        workplace,
        "day.csv",
        [
            call(callid, dt=f"{DAY} 12:00:00", customer_id=customer, dest_number=NUMBER)
            for customer in NAMES
            for callid in calls_of(customer)
        ],
    )
    build_all(workplace)
    for place, customer in enumerate(NAMES):
        add_user(workplace, f"user {place}", "customer", customer)
    add_user(workplace, "vera", "viewer")
    return workplace


@pytest.fixture(scope="module")
def served(built: Workplace) -> Iterator[tuple[Explorer, int]]:
    with serving(built) as found:
        yield found


def logged_in(served: tuple[Explorer, int], name: str) -> Browser:
    browser = Browser(served[1])
    assert browser.log_in(name, PASSWORD).status == 303
    return browser


def told(browser: Browser, *asked: tuple[str, str]) -> tuple[list[tuple[str, int]], list[str]]:
    """The customers with their attempts, and the calls, that an answer holds."""
    period = [("from", DAY), ("to", DAY), *asked]
    by_customer = [("report", "breakout"), ("group", "customer_id"), ("columns", "attempts")]
    rows = browser.get("/download/json", [*by_customer, *period]).json
    listed = [("report", "per-number"), ("number", NUMBER), ("columns", "callid")]
    calls = browser.get("/download/csv", [*listed, *period]).text.split()[1:]
    return [(row["customer_id"], row["attempts"]) for row in rows], sorted(calls)


@pytest.mark.parametrize("customer", NAMES)
def test_the_explorer_shows_each_its_own(served: tuple[Explorer, int], customer: str) -> None:
    own = [(customer, len(calls_of(customer)))], sorted(calls_of(customer))
    user = logged_in(served, f"user {list(NAMES).index(customer)}")
    assert told(user) == own
    assert told(user, ("customers", quoted(customer))) == own
    if NAMES[customer]:
        # By its name, which may be another's id.
        assert told(user, ("customers", NAMES[customer])) == own
        assert told(user, ("customers", NAMES[customer].upper())) == own
    assert told(logged_in(served, "vera"), ("customers", quoted(customer))) == own


def test_a_fan_out_sends_each_its_own(built: Workplace) -> None:
    clock, post = Clock(datetime(2026, 3, 8, 12, tzinfo=UTC)), PostOffice()
    with mailing(post) as port:
        office = office_of(built, port, clock)
        columns = "customer_id,customer,attempts"
        add(
            office, audience="customer", fan_out=True, group="customer_id,customer", columns=columns
        )
        clock.set("2026-03-09T07:00")
        tick(office)
    sent = {}
    for (to,), message, _ in post.got:
        (attached,) = message.iter_attachments()
        content = attached.get_payload(decode=True)
        assert isinstance(content, bytes)
        sent[to] = list(csv.reader(io.StringIO(content.decode())))[1:]
    assert sent == {
        f"{n}@example.com": [[customer, name or customer, str(n + 1)]]
        for n, (customer, name) in enumerate(NAMES.items())
    }


def cdr_reports(workplace: Workplace, *arguments: str, told: str = "") -> str:
    program = Program()
    program.workplace, program.settings = workplace, workplace.settings
    found = CliRunner().invoke(cli, arguments, input=told, obj=program)
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.parametrize("customer", ["ACME", "7", "007", "101", "a,b"])
def test_a_user_is_bound_to_who_is_meant(built: Workplace, customer: str) -> None:
    """Not to who is called so."""
    name = f"{customer}'s"
    asked = ("users", "add", name, "--role", "customer", "--no-password", "--customers")
    cdr_reports(built, *asked, quoted(customer))
    assert built.users.get(name).customers == (customer,)
    built.users.remove(name)


def test_a_customer_of_nobody_is_refused(built: Workplace) -> None:
    program = Program()
    program.workplace, program.settings = built, built.settings
    asked = ["users", "add", "nobody", "--role", "customer", "--no-password", "--customers", " , "]
    got = CliRunner().invoke(cli, asked, obj=program)
    assert (got.exit_code, "--customers is blank" in got.output) == (2, True)
    assert "nobody" not in [user.name for user in built.users.all()]


def test_a_schedule_is_of_the_same_customers_there_and_back(built: Workplace) -> None:
    ids = ",".join(map(quoted, NAMES))
    asked = ("schedules", "add", "--name", "all", "--email", "a@example.com", "--customers", ids)
    cdr_reports(built, *asked)
    found = from_text(built.schedules.named("all").definition)
    assert found.customers == tuple(NAMES)
    text = cdr_reports(built, "schedules", "export")
    assert "unchanged: all" in cdr_reports(built, "schedules", "import", "-", told=text)
