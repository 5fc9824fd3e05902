"""What operators do in the explorer: schedules and their mails, deliveries, files, the health."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from explorer import delivered
from explorer.explorer import Explorer
from pipelines.assembly import Workplace
from resources.schedules.model import from_text
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.explorers import Browser
from tests.pipeline.explorers import serving as exploring
from tests.pipeline.offices import DAYS, copied, make_built
from tests.pipeline.post import PostOffice, serving

FORM = {"name": "nightly", "email": "a@example.com", "formats": "csv", "report": "breakout",
        "group": "customer", "frequency": "daily", "time": "07:00"}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"))


@pytest.fixture
def post() -> PostOffice:
    return PostOffice()


@pytest.fixture
def served(
    built: Workplace, post: PostOffice, tmp_path: Path
) -> Iterator[tuple[Explorer, Browser]]:
    with serving(post) as mail:
        workplace = copied(built, tmp_path / "home", smtp_host="127.0.0.1", smtp_port=mail)
        with exploring(workplace) as (explorer, port):
            yield explorer, Browser(port)


def test_a_schedule_from_what_is_on_the_screen(served: tuple[Explorer, Browser]) -> None:
    _, browser = served
    shown = ("report=usa-calls&choice=lata&group=customer&columns=intralata,interlata&last=30d"
             "&customers=SkyCore&sort=-intralata&view=pivot")  # fmt: skip
    page = browser.get("/schedules/new", shown).text
    for name, value in {"group": "customer", "columns": "intralata, interlata"}.items():
        assert f">{value}</textarea>" in page, name
    assert 'value="SkyCore"' in page
    assert '<option value="usa-calls-lata" selected>' in page
    assert "A schedule does not hold the order." in page


def test_a_report_of_ones_own_is_scheduled_in_its_currency(
    served: tuple[Explorer, Browser],
) -> None:
    explorer, browser = served
    folder = explorer.workplace.settings.home / "reports"
    folder.mkdir()
    (folder / "pounds.yaml").write_text(
        "title: In pounds\nreport: breakout\ncolumns: profit_gbp\ncurrency: GBP\n"
    )
    page = browser.get("/schedules/new", "report=pounds&last=7d").text
    assert 'value="GBP"' in page
    assert 'value="USD"' not in page


def test_what_is_wrong_stands_beside_its_field(served: tuple[Explorer, Browser]) -> None:
    explorer, browser = served
    form = {**FORM, "email": "nonsense", "time": "25:00", "name": "", "group": "custmer"}
    got = browser.post("/schedules/new", form)
    assert got.status == 422
    for field, words in {
        "time": "is no time of day",
        "email": "nonsense",
        "name": "missing",
    }.items():
        errors = got.text.partition(f'id="errors-{field}"')[2].partition("</ul>")[0]
        assert words in errors, field
    wrong = browser.post("/schedules/new", {**FORM, "group": "custmer"})
    errors = html.unescape(wrong.text.partition('id="errors-group"')[2].partition("</ul>")[0])
    assert "did you mean 'customer'?" in errors
    assert 'value="07:00"' in wrong.text  # what was right is kept
    assert explorer.workplace.schedules.all() == []


def test_the_form_tells_of_what_there_is(served: tuple[Explorer, Browser]) -> None:
    _, browser = served
    page = browser.get("/schedules/new").text
    assert "Of pdf, html, xlsx, csv; commas between." in page
    assert "The subject of its mails is the report and its days." in page


def test_the_form_of_a_report_of_several_kinds_is_of_the_first(
    served: tuple[Explorer, Browser],
) -> None:
    _, browser = served
    page = browser.get("/schedules/new", "report=usa-calls").text
    assert '<option value="usa-calls-state" selected>' in page
    browser.post("/schedules/new", FORM)
    browser.post("/schedules/edit/nightly", {**FORM, "report": "usa-rate-center", "group": ""})
    page = browser.get("/schedules/edit/nightly").text
    assert '<option value="usa-rate-center-origin" selected>' in page


def test_what_is_odd_is_said_once(served: tuple[Explorer, Browser]) -> None:
    _, browser = served
    form = {"name": "each", "report": "breakout", "formats": "csv", "group": "customer",
            "frequency": "daily", "time": "07:00", "audience": "customer", "fan_out": "true",
            "customers": "103"}  # fmt: skip
    there = browser.post("/schedules/new", form).headers["location"]
    page = browser.get(there).text
    assert "Added." in page
    assert page.count("no address in customers.csv for 103") == 1


def test_a_schedules_life(served: tuple[Explorer, Browser]) -> None:
    explorer, browser = served
    store = explorer.workplace.schedules
    assert browser.post("/schedules/new", FORM).headers["location"] == "/schedules/show/nightly"
    assert "Added." in browser.get("/schedules/show/nightly").text
    assert "Added." not in browser.get("/schedules/show/nightly").text
    assert browser.post("/schedules/new", FORM).status == 422  # the name is taken
    edited = {**FORM, "name": "a/b ü/edit", "frequency": "weekly", "fan_out": ""}
    assert browser.post("/schedules/edit/nightly", edited).status == 303
    assert str(from_text(store.named("a/b ü/edit").definition).frequency) == "weekly"
    there = "a/b%20%C3%BC/edit"
    assert "weekly" in browser.get(f"/schedules/show/{there}").text
    assert browser.get(f"/schedules/edit/{there}").status == 200
    assert browser.post(f"/schedules/pause/{there}").status == 303
    assert not store.named("a/b ü/edit").enabled
    assert browser.post(f"/schedules/resume/{there}").status == 303
    assert store.named("a/b ü/edit").enabled
    assert browser.post(f"/schedules/remove/{there}").headers["location"] == "/schedules"
    assert store.all() == []
    assert browser.get(f"/schedules/show/{there}").status == 404


def test_a_preview_and_sending(served: tuple[Explorer, Browser], post: PostOffice) -> None:
    _, browser = served
    browser.post("/schedules/new", {**FORM, "name": "weekly", "frequency": "weekly"})
    page = browser.get("/schedules/preview/weekly")
    assert page.status == 200
    assert "a@example.com" in page.text
    mail = browser.get("/schedules/preview-mail/weekly")
    assert "frame-ancestors 'self'" in mail.headers["content-security-policy"]
    assert "sandbox" in mail.headers["content-security-policy"]
    assert "<table" in mail.text
    name = page.text.partition("/preview-file/")[2].partition("/")[0]
    file = browser.get(f"/schedules/preview-file/{name}/weekly")
    assert file.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert file.text.startswith("customer,")
    assert post.got == []

    assert browser.post("/schedules/send/weekly").status == 303
    said = browser.get("/schedules/show/weekly").text
    assert "Delivery 1" in said
    assert "sent" in said
    ((to, message, _),) = post.got
    assert to == ("a@example.com",)
    assert "Breakout" in message["Subject"]
    one = browser.get("/deliveries/1")
    assert "a@example.com" in one.text
    kept = one.text.partition("/deliveries/1/files/")[2].partition('"')[0]
    assert browser.get(f"/deliveries/1/files/{kept}").status == 200
    assert browser.get("/deliveries/1/files/..%2f..%2fexplorer.key").status == 404
    assert "out already" in _said(browser, "/schedules/send/weekly", "/schedules/show/weekly")

    again = browser.post("/deliveries/1/resend")
    assert again.headers["location"] == "/deliveries/2"
    assert len(post.got) == 2
    listed = browser.get("/deliveries", "schedule=weekly&state=sent").text
    assert 'href="/deliveries/2"' in listed
    assert "There are none of these" in browser.get("/deliveries", "schedule=nobody").text


def _said(browser: Browser, path: str, page: str) -> str:
    assert browser.post(path).status == 303
    return browser.get(page).text


def test_files_and_withdrawing_one(
    served: tuple[Explorer, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer, browser = served
    workplace = explorer.workplace
    deliver(workplace, "bad.csv", [call("good"), call("", dest_number="<b>1</b>")])
    workplace.intake.run()
    listed = browser.get("/files").text
    assert "bad.csv" in listed
    assert "bad.csv" in browser.get("/files?name=BAD&status=taken").text
    assert "There are none of these" in browser.get("/files?name=bad&status=failed").text
    monkeypatch.setattr(delivered, "LISTED", 1)
    assert f"The newest 1 of {len(workplace.files.standing())}" in browser.get("/files").text
    account = workplace.files.account("bad.csv")
    there = f"/files/{account.file.id}"
    page = browser.get(there).text
    assert "missing_call_id" in page
    assert "<b>1</b>" not in page
    rows = list(csv.DictReader(io.StringIO(browser.get(f"{there}/quarantine.csv").text)))
    assert [row["quarantine_line"] for row in rows] == [str(3)]
    assert rows[0]["dest_number"] == "<b>1</b>"
    assert browser.post(f"{there}/withdraw").status == 303
    page = browser.get(there).text
    assert "Withdrawn; stale now:" in page
    assert workplace.files.account("bad.csv").file.status == "withdrawn"
    assert browser.post(f"{there}/withdraw").status == 403


def test_refused_records_without_a_header_are_mended_and_delivered_again(
    served: tuple[Explorer, Browser],
) -> None:
    explorer, browser = served
    workplace = explorer.workplace
    folder = workplace.settings.home / "landing" / "asterisk"
    folder.mkdir(parents=True)
    bad = (
        '"acct","2025550101","2025550102","out","","SIP/a","SIP/b","Dial","","some day",'
        '"2026-03-06 12:00:05","2026-03-06 12:01:00","60","55","ANSWERED","3","u-2"'
    )
    (folder / "Master.csv").write_text(f"{bad}\nshort,row\n")
    workplace.intake.run()
    there = f"/files/{workplace.files.account('Master.csv').file.id}"
    page = browser.get(there).text
    for path in ("quarantine.csv", "quarantine.csv.reasons.csv"):
        assert f'href="{there}/{path}"' in page
    got = browser.get(f"{there}/quarantine.csv")
    assert got.text == f"{bad}\nshort,row\n"
    reasons = browser.get(f"{there}/quarantine.csv.reasons.csv").text
    assert list(csv.reader(io.StringIO(reasons))) == [
        ["quarantine_file", "quarantine_line", "quarantine_reasons"],
        ["Master.csv", "1", "invalid_call_time"],
        ["Master.csv", "2", "wrong_column_count"],
    ]  # fmt: skip
    mended = got.text.replace("some day", "2026-03-06 12:00:00")
    (folder / "mended.csv").write_text(mended)
    workplace.intake.run()
    assert workplace.files.account("mended.csv").accepted == 1


def test_a_file_whose_calls_have_left_the_lake_stays(served: tuple[Explorer, Browser]) -> None:
    explorer, browser = served
    workplace = explorer.workplace
    (name,) = [a.file.name for a in workplace.files.accounts() if a.file.name[:10] == str(DAYS[0])]
    workplace.cold.move(DAYS[0], datetime.now(UTC), lambda text: None)
    there = f"/files/{workplace.files.account(name).file.id}"
    refused = browser.post(f"{there}/withdraw")
    assert (refused.status, "cold storage" in refused.text) == (403, True), refused.text
    assert workplace.files.account(name).file.status == "taken"


def test_health(served: tuple[Explorer, Browser]) -> None:
    explorer, browser = served
    late = browser.get("/healthz")
    assert (late.status, late.json["ok"], late.json["latest_day"]) == (503, False, "2026-03-08")
    page = browser.get("/health").text
    assert "needs a look" in page
    assert "2026-03-08" in page
    days = explorer.workplace.days
    known = next(iter(days.known()))
    days.judged(known, days.version(known), "key_repeated: 2 rows")
    assert "key_repeated: 2 rows" in browser.get("/health").text
