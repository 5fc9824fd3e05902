"""What goes to customers and providers holds their own calls, and nothing of the other side."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from pipelines.assembly import Workplace
from resources.ledger.delivery import State
from resources.schedules.definition import ScheduleError
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all
from tests.pipeline.offices import Clock, add, copied, make_built, office_of, tick
from tests.pipeline.post import PostOffice, serving

EVE = datetime(2026, 3, 8, 12, tzinfo=UTC)
MORNING = "2026-03-09T07:00"
FORMATS = "pdf,html,xlsx,csv"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return make_built(tmp_path_factory.mktemp("built"))


def texts(message: EmailMessage) -> Iterator[tuple[str, str]]:
    """Everything that a curious reader finds: headers, file names, contents, metadata."""
    yield "headers", "\n".join(f"{name}: {value}" for name, value in message.items())
    for part in message.walk():
        name = part.get_filename() or part.get_content_type()
        yield "part headers", str(part.items())
        if part.is_multipart():
            continue
        content: Any = part.get_content()
        if name.endswith(".pdf"):
            reader = PdfReader(io.BytesIO(content))
            yield name, str(reader.metadata) + "\n".join(p.extract_text() for p in reader.pages)
        elif name.endswith(".xlsx"):
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                yield (
                    name,
                    "\n".join(
                        re.sub(r"<[^>]+>", " ", book.read(n).decode()) for n in book.namelist()
                    ),
                )
        elif not name.endswith(".png"):
            yield name, content if isinstance(content, str) else content.decode("utf-8")


def assert_nothing_of(message: EmailMessage, *forbidden: str) -> None:
    found = list(texts(message))
    assert len(found) > 8
    for where, text in found:
        for word in forbidden:
            assert word.lower() not in text.lower(), f"{word} in {where}"


def rows(message: EmailMessage) -> list[dict[str, str]]:
    (content,) = [
        part.get_content() for part in message.iter_attachments()
        if str(part.get_filename()).endswith(".csv")
    ]  # fmt: skip
    text = content if isinstance(content, str) else content.decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_customers_report(built: Workplace, tmp_path: Path) -> None:
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        office = office_of(copied(built, tmp_path), port, clock)
        add(office, name="Losses by provider", audience="customer", customers="101",
            formats=FORMATS)  # fmt: skip
        clock.set(MORNING)
        (sent,) = tick(office)
    assert (sent.state, sent.note) == (State.SENT, None)
    _, message, _ = post.got[0]
    assert_nothing_of(message, "provider", "tierone", "budget", "profit", "cost", "brightline",
                      "losses")  # fmt: skip
    (row,) = rows(message)
    assert (row["customer"], row["attempts"], row["customer_charge"]) == ("SkyCore", "2", "1")


def _figures(message: EmailMessage) -> list[str]:
    """The lines of figures in the mail's text."""
    body = message.get_body(("plain",))
    assert body is not None
    text: str = body.get_content().partition("Figures (")[2]
    return [line.strip() for line in text.splitlines() if "Attempts" in line]


def test_a_charge_stands_once_in_a_mail_with_its_currency(built: Workplace, tmp_path: Path) -> None:
    """101 and 102 are in pounds; 105 is in euros and 106 in dollars."""
    post, clock = PostOffice(), Clock(EVE)
    workplace = copied(built, tmp_path)
    with serving(post) as port:
        others = [
            call(f"other-{customer}", dt="2026-03-08 12:00:00", customer_id=customer,
                 customer_card_currency=currency)
            for customer, currency in (("105", "EUR"), ("106", "USD"))
        ]  # fmt: skip
        deliver(workplace, "others.csv", others)
        build_all(workplace)
        office = office_of(workplace, port, clock)
        group = "customer,customer_currency"
        for name, customers, columns in (
            ("pounds", "101", "customer_charge,attempts"),
            ("both", "101", "customer_charge_usd,customer_charge,attempts"),
            ("dollars", "106", "customer_charge_usd,customer_charge,attempts"),
            ("several", "101,105", "customer_charge,attempts"),
        ):
            add(office, name=name, audience="customer", customers=customers, group=group,
                columns=columns)  # fmt: skip
        clock.set(MORNING)
        tick(office)
    said = [_figures(message) for _, message, _ in post.got]
    assert ["SkyCore: Customer Charge (GBP) 1.00, Attempts 2"] in said
    assert ["106: Customer Charge (USD) 0.50, Attempts 1"] in said
    assert ["SkyCore: Customer Charge 1.00 GBP, Attempts 2",
            "105: Customer Charge 0.50 EUR, Attempts 1"] in said  # fmt: skip
    (both,) = [lines[0] for lines in said if "(USD)" in lines[0] and "(GBP)" in lines[0]]
    assert both.endswith(", Customer Charge (GBP) 1.00, Attempts 2")


def test_figures_are_noted_in_the_unit_that_people_read(built: Workplace, tmp_path: Path) -> None:
    """What a revision says has become of them; three calls of 60 seconds."""
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        office = office_of(copied(built, tmp_path, duration_unit="minutes"), port, clock)
        add(office)
        clock.set(MORNING)
        (sent,) = tick(office)
    assert sent.figures["totals"]["duration"] == ["Duration", "180.000", "3.00 min"]


def test_a_providers_report(built: Workplace, tmp_path: Path) -> None:
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        office = office_of(copied(built, tmp_path), port, clock)
        add(office, audience="provider", providers="9", formats=FORMATS)
        clock.set(MORNING)
        tick(office)
    _, message, _ = post.got[0]
    assert_nothing_of(message, "customer", "skycore", "brightline", "profit", "tierone")
    (row,) = rows(message)
    assert (row["provider"], row["attempts"], row["provider_charge"]) == (
        "Budget Routes", "2", "1.15"
    )  # fmt: skip


def declare(home: Path, name: str, *lines: str) -> None:
    """A report of one's own over Breakout."""
    (home / "reports").mkdir(exist_ok=True)
    text = "\n".join([f"title: {name}", "report: breakout", "group: [customer]", *lines])
    (home / "reports" / f"{name}.yaml").write_text(f"{text}\n", encoding="utf-8")


def test_a_report_of_ones_own_keeps_its_accounts(built: Workplace, tmp_path: Path) -> None:
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        workplace = copied(built, tmp_path)
        declare(workplace.settings.home, "ours", "filters:", "  customers: [SkyCore]")
        office = office_of(workplace, port, clock)
        add(office, report="ours")
        clock.set(MORNING)
        (sent,) = tick(office)
    assert (sent.state, sent.note) == (State.SENT, None)
    _, message, _ = post.got[0]
    assert [row["customer"] for row in rows(message)] == ["SkyCore"]


def test_a_report_of_ones_own_by_a_country_s_name(built: Workplace, tmp_path: Path) -> None:
    """Its figures are noted by ids: who is called otherwise later has no other figures."""
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        workplace = copied(built, tmp_path)
        declare(workplace.settings.home, "uk", "filters:", "  country: United Kingdom")
        office = office_of(workplace, port, clock)
        add(office, report="uk", audience="customer", fan_out=True)
        clock.set(MORNING)
        found = tick(office)
        assert [d.state for d in found] == [State.SENT, State.SENT]
        assert [d.figures["rows"] for d in found] == [1, 1]
        accounts = tmp_path / "customers.csv"
        accounts.write_text(accounts.read_text().replace("SkyCore", "SkyCore Ltd"))
        deliver(workplace, "late.csv", [call("x", dt="2026-03-08 13:00:00", customer_id="103")])
        build_all(workplace)
        clock.forward(hours=2)
        assert tick(office) == []
    assert sorted(row["customer"] for _, mail, _ in post.got for row in rows(mail)) == [
        "Brightline", "SkyCore"
    ]  # fmt: skip


@pytest.mark.parametrize("broken", [None, "group: [customer]\nfilters: {contry: GB}\n"])
def test_a_report_that_is_gone_or_wrong_keeps_no_other_from_going(
    built: Workplace, tmp_path: Path, broken: str | None
) -> None:
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        workplace = copied(built, tmp_path)
        declare(workplace.settings.home, "ours")
        office = office_of(workplace, port, clock)
        add(office, name="own", report="ours")
        add(office, name="house")
        file = workplace.settings.home / "reports" / "ours.yaml"
        file.unlink()
        if broken:
            file.write_text(broken)
        clock.set(MORNING)
        found = {d.schedule_id: d for d in tick(office_of(workplace, port, clock))}
    own, house = (found[office.schedules.named(name).id] for name in ("own", "house"))
    assert house.state is State.SENT
    assert own.state is State.FAILED
    assert "ours" in str(own.note)


@pytest.mark.parametrize("held", ["provider: Tierone", "providers: [Tierone]"])
def test_what_a_report_is_restricted_by_must_be_for_its_reader(
    built: Workplace, tmp_path: Path, held: str
) -> None:
    workplace = copied(built, tmp_path)
    declare(workplace.settings.home, "carrier", "filters:", f"  {held}")
    office = office_of(workplace, 1, Clock(EVE))
    with pytest.raises(ScheduleError, match="restricted by 'provider', which is not for customers"):
        add(office, report="carrier", audience="customer", customers="101")


def test_what_is_left_out_of_a_customers_mail_says_no_folder(
    built: Workplace, tmp_path: Path
) -> None:
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        office = office_of(copied(built, tmp_path, mail_limit_mb=0.05), port, clock)
        add(office, name="Losses by provider", audience="customer", customers="101",
            formats="pdf,html,xlsx")  # fmt: skip
        clock.set(MORNING)
        tick(office)
    _, message, _ = post.got[0]
    body = message.get_body(("plain",))
    assert body is not None
    assert "Not attached" in body.get_content()
    assert_nothing_of(message, "losses", "out/deliveries", "provider")


def test_each_customer_gets_its_own(built: Workplace, tmp_path: Path) -> None:
    post, clock = PostOffice("550 sky@example.com"), Clock(EVE)
    with serving(post) as port:
        office = office_of(copied(built, tmp_path), port, clock)
        add(office, audience="customer", fan_out=True, bcc="archive@example.com")
        clock.set(MORNING)
        found = tick(office)
        assert tick(office) == []
    assert [(d.account, d.state) for d in found] == [("101", State.SENT), ("102", State.SENT)]
    assert "no such user" in str(found[0].note)  # the archive has it
    assert len({d.message_id for d in found}) == 2
    ((archive, sky, _), (to, bright, _)) = post.got
    assert archive == ("archive@example.com",)
    assert [r["customer"] for r in rows(sky)] == ["SkyCore"]
    assert sorted(to) == ["archive@example.com", "bright@example.com", "noc@bright.example"]
    assert [r["customer"] for r in rows(bright)] == ["Brightline"]


def test_who_has_no_address_or_no_calls(built: Workplace, tmp_path: Path) -> None:
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        workplace = copied(built, tmp_path)
        (tmp_path / "customers.csv").write_text(
            "id,name,email\n101,SkyCore,not an address\n102,Brightline,\n104,Quiet,q@example.com\n"
        )
        office = office_of(workplace, port, clock)
        add(office, audience="customer", fan_out=True, customers="101,102,104",
            on_change="resend")  # fmt: skip
        clock.set(MORNING)
        found = {d.account: d for d in tick(office)}
        assert post.got == []
        assert {a: d.state for a, d in found.items()} == {
            "101": State.FAILED, "102": State.FAILED, "104": State.SKIPPED
        }  # fmt: skip
        assert "'not an address' is no e-mail address" in str(found["101"].note)
        assert found["102"].note == "customers.csv has no address for 102"
        assert found["104"].note == "no calls in the period"
        # Its calls come late: now there is a report.
        deliver(workplace, "late.csv", [call("q", dt="2026-03-08 13:00:00", customer_id="104")])
        build_all(workplace)
        clock.forward(hours=2)
        (sent,) = tick(office)
    assert (sent.account, sent.revision, sent.state) == ("104", 2, State.SENT)
    assert post.mails() == {"q@example.com": 1}


def test_what_is_no_address_keeps_no_other_from_the_report(
    built: Workplace, tmp_path: Path
) -> None:
    post, clock = PostOffice(), Clock(EVE)
    workplace = copied(built, tmp_path)
    (tmp_path / "customers.csv").write_text(
        'id,name,email\n101,SkyCore,"sky at example.com, sky@example.com"\n102,Brightline,none\n'
    )
    with serving(post) as port:
        office = office_of(workplace, port, clock)
        add(office, audience="customer", fan_out=True)
        clock.set("2026-03-09T07:00")
        sky, bright = tick(office)
    words = "is no e-mail address: write it as name@example.com"
    assert (sky.state, bright.state) == (State.SENT, State.FAILED)
    assert f"not delivered to sky at example.com: 'sky at example.com' {words}" == sky.note
    assert bright.note == f"customers.csv: 'none' {words}"
    ((to, message, _),) = post.got
    assert (to, message["To"]) == (("sky@example.com",), "sky@example.com")
    outcomes = {r.address: r.outcome for r in office.deliveries.recipients(sky.id)}
    assert outcomes == {"sky at example.com": "refused", "sky@example.com": "accepted"}


def test_nobody_has_an_address(built: Workplace, tmp_path: Path) -> None:
    post, clock = PostOffice(), Clock(EVE)
    with serving(post) as port:
        workplace = copied(built, tmp_path)
        (tmp_path / "customers.csv").write_text("id,name\n101,SkyCore\n")
        office = office_of(workplace, port, clock)
        add(office, audience="customer", fan_out=True)
        clock.set(MORNING)
        assert tick(office) == []
        (skipped,) = office.deliveries.find()
    assert skipped.state is State.SKIPPED
    assert "customers.csv has no address" in str(skipped.note)
