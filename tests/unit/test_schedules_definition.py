"""Every field of a schedule is judged, with words that help; audiences see what is theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.reporting.model import Family
from resources.reporting.own import declare
from resources.reporting.period import Period
from resources.reporting.reports import REPORTS
from resources.schedules.audience import is_forbidden, own_rows
from resources.schedules.definition import Accounts, Defined, ScheduleError, define
from resources.schedules.model import Audience, Frequency, Schedule, from_plain, from_text

OWN = {"customer": "101", "provider": "7"}
"""An account of each audience."""

DAY = Period(date(2026, 3, 8), date(2026, 3, 8))
ACCOUNTS = Accounts(
    customers={"101": "SkyCore", "104": 'Doe, "JD" & Sons'},
    providers={"7": "Tierone"},
    customer_emails={"101": "sky@example.com"},
    in_data=lambda dimension: {"105"} if dimension == "customer_id" else set(),
    ever=lambda dimension: {"105", "106"} if dimension == "customer_id" else set(),
)


def made(**values: Any) -> Defined:
    if not values.get("fan_out"):
        values = {"email": "a@example.com", **values}
    return define({"name": "x", **values}, ACCOUNTS, "Europe/Berlin", DAY)


def test_what_is_not_said_has_a_default() -> None:
    found = made()
    assert found.warnings == ()
    assert found.schedule == Schedule("x", "Europe/Berlin", email=("a@example.com",))
    assert (found.schedule.frequency, found.schedule.report) == (Frequency.DAILY, "breakout")
    assert (found.schedule.formats, found.schedule.time) == (("pdf", "xlsx"), time(7))


def test_a_report_of_ones_own_goes_in_its_own_currency() -> None:
    report, problems = declare(
        "title: In euros\nreport: breakout\ncolumns: profit_eur\ncurrency: EUR\n", "euros", REPORTS
    )
    assert problems == []
    assert report is not None
    own = Family("euros", report.title, report.purpose, {"": report})
    known = replace(ACCOUNTS, reports={**REPORTS, "euros": own}, currencies=("USD", "GBP", "EUR"))
    said = {"name": "x", "email": "a@example.com", "report": "euros"}
    assert define(said, known, "UTC", DAY).schedule.currency == "EUR"
    # What is named wins, and a schedule that is written out again keeps what it has.
    dollars = define({**said, "currency": "USD"}, known, "UTC", DAY).schedule
    assert dollars.currency == "USD"
    assert define(dollars.plain(), known, "UTC", DAY).schedule == dollars


def test_all_fields_there_and_back() -> None:
    found = made(
        email=["a@example.com; b@example.com", "c@example.com"], cc="d@example.com",
        bcc="e@example.com", frequency="Weekly", group="date, customer_currency",
        customers="SkyCore", providers=[7], columns="customer_charge,asr", formats="CSV,pdf",
        currency="gbp", time="7:05", timezone="Asia/Tokyo", on_change="resend", incomplete="skip",
    ).schedule  # fmt: skip
    assert found.email == ("a@example.com", "b@example.com", "c@example.com")
    assert (found.customers, found.providers) == (("101",), ("7",))
    assert (found.group, found.columns) == (("date", "customer_currency"),
                                            ("customer_charge", "asr"))  # fmt: skip
    assert (found.time, found.currency, found.formats) == (time(7, 5), "GBP", ("csv", "pdf"))
    assert from_text(found.text()) == found
    assert from_plain(found.plain()) == found
    assert define(found.plain(), ACCOUNTS, "UTC", DAY).schedule == found


def test_an_empty_group_is_the_totals() -> None:
    assert made(group="").schedule.group == ()
    assert made(group=[]).schedule.group == ()
    assert made(columns="").schedule.columns is None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "every schedule needs one"),
        ("name", "x" * 101, "at most 100"),
        ("name", "x\r\nBcc: e@evil.org", "line break"),
        ("name", "x\u2028y", "line break"),
        ("email", "nobody", "write it as name@example.com"),
        ("email", "a@example.com\nBcc: e@evil.org", "line break"),
        ("cc", "<a@example.com>", "no e-mail address"),
        ("bcc", "a@example.com\r\n", "line break"),
        ("email", "", "name at least one address"),
        ("cc", "a@example.com", "a@example.com is there twice"),
        ("frequency", "hourly", "choose from daily, weekly, monthly"),
        ("report", "brakout", "did you mean 'breakout'?"),
        ("report", "usa-calls --type lata", "did you mean 'usa-calls-lata'?"),
        ("report", "xyz", "usa-calls-network, usa-rate-center, usa-rate-center-origin, usa-rate"),
        ("report", "per-number", "lists the calls of numbers and cannot be scheduled"),
        ("group", "custmer", "did you mean 'customer'?"),
        ("group", "asr", "is a measure and cannot be grouped by"),
        ("columns", "profits", "did you mean 'profit_usd'?"),
        ("formats", "pdf,doc", "choose from pdf, html, xlsx, csv"),
        ("formats", "json", "json"),
        ("formats", "", "name at least one of"),
        ("currency", "EUR", "choose from GBP, USD"),
        ("time", "24:00", "write it as HH:MM"),
        ("time", "7", "write it as HH:MM"),
        ("time", 730, "write it as HH:MM"),
        ("name", True, "True is no text: put it in quotes"),
        ("timezone", "Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("timezone", "new york", "did you mean 'America/New_York'?"),
        ("timezone", "Mars/Phobos", "'Mars/Phobos': write one such as Europe/London or UTC"),
        ("audience", "public", "choose from internal, customer, provider"),
        ("on_change", "shout", "choose from notify, resend, ignore"),
        ("incomplete", "wait", "choose from send, skip"),
        ("fan_out", "yes", "neither true nor false"),
        ("customers", {"id": 1}, "no list of texts"),
        ("colums", "asr", "did you mean 'columns'?"),
    ],
)
def test_a_wrong_value_is_refused_with_words_that_help(field: str, value: Any, words: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        made(**{field: value})
    assert words in str(caught.value)
    assert field in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ScheduleError) as caught:
        made(frequency="hourly", time="25:00", currency="EUR")
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("101", ("101",)),
        ("skycore", ("101",)),
        ('Doe, "JD" & Sons', ("104",)),
        (["SkyCore", 'Doe, "JD" & Sons'], ("101", "104")),
        ("105", ("105",)),  # has no name and has calls
        ("106", ("106",)),  # had some long ago
    ],
)
def test_customers_by_id_and_by_name(asked: Any, expected: tuple[str]) -> None:
    found = made(customers=asked)
    assert (found.schedule.customers, found.warnings) == (expected, ())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("SkyCor", "customers: unknown customer 'SkyCor': did you mean 'SkyCore'?"),
        ("101,999", "customers: unknown customer '999': choose from"),
        ("999", "(a customer without calls yet needs a line in customers.csv)"),
    ],
)
def test_a_customer_that_nothing_knows_is_refused(asked: str, words: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        made(customers=asked)
    assert words in str(caught.value)


def test_who_is_meant_by_an_id_is_not_another_who_is_called_so() -> None:
    """Nor by one that has no name and no recent calls, or holds a comma."""
    names = {"102": "105", "5": "Acme", "6": "a", "a,b": "Bee"}
    known = replace(ACCOUNTS, customers=names, ever=lambda _: {"105", "ACME", *names})
    assert known.ids("customers", ["105", "ACME"]) == (["105", "ACME"], [])
    assert known.ids("customers", ["a,b"]) == (["a,b"], [])
    assert known.ids("customers", ["acme, 102"]) == (["5", "102"], [])


def test_a_name_that_several_have_is_told() -> None:
    known = replace(ACCOUNTS, customers={"1": "Acme", "2": "Acme", "3": "ACME"})
    found = define(
        {"name": "x", "email": "a@example.com", "customers": "Acme", "audience": "customer"},
        known, "UTC", DAY,
    )  # fmt: skip
    assert found.schedule.customers == ("1", "2")
    assert found.warnings == ("customers: 1, 2 are all called 'Acme': all of them are meant",)


def test_while_nothing_is_built_an_id_may_be_right() -> None:
    found = made(providers="Tieron")
    assert found.schedule.providers == ("Tieron",)
    assert found.warnings == (
        "providers: unknown provider 'Tieron': did you mean 'Tierone'? "
        "(nothing is built yet: kept as an id)",
    )


@pytest.mark.parametrize("audience", ["customer", "provider"])
def test_a_report_for_outside_names_whose_it_is(audience: str) -> None:
    own, other = f"{audience}s", "providers" if audience == "customer" else "customers"
    with pytest.raises(ScheduleError, match=f"{own}: a report for a {audience} needs to know"):
        made(audience=audience)
    with pytest.raises(ScheduleError, match=f"{other}: not in a report for"):
        made(audience=audience, customers="101", providers="7")
    assert made(audience=audience, **{own: OWN[audience]}).schedule.audience == audience


@pytest.mark.parametrize(
    ("audience", "field", "names", "refused"),
    [
        ("customer", "columns", "asr,profit_usd", ["profit_usd"]),
        ("customer", "columns", "provider_charge_usd,cost_per_call_gbp,provider_duration",
         ["provider_charge_usd", "cost_per_call_gbp", "provider_duration"]),
        ("customer", "group", "customer,provider,provider_id", ["provider", "provider_id"]),
        ("provider", "columns", "customer_charge_gbp,profit_percent,customer_duration",
         ["customer_charge_gbp", "profit_percent", "customer_duration"]),
        ("provider", "group", "customer,tech_prefix,provider", ["customer", "tech_prefix"]),
    ],
)  # fmt: skip
def test_columns_that_an_audience_must_not_see_are_refused(
    audience: str, field: str, names: str, refused: list[str]
) -> None:
    own = f"{audience}s"
    with pytest.raises(ScheduleError) as caught:
        made(audience=audience, **{own: OWN[audience], field: names})
    lines = str(caught.value).splitlines()
    assert len(lines) == len(refused)
    for line, name in zip(lines, refused, strict=True):
        assert f"{field}: {name!r} is not for {audience}s" in line


def test_fan_out() -> None:
    found = made(audience="customer", fan_out=True, bcc="archive@example.com")
    assert found.warnings == ()
    found = made(audience="customer", fan_out=True, customers="101,104")
    assert found.warnings == ("fan_out: no address in customers.csv for 104",)
    found = made(audience="provider", fan_out=True)
    assert "providers.csv has no column email" in found.warnings[0]
    with pytest.raises(ScheduleError, match="for an audience of customers or providers"):
        made(fan_out=True)
    with pytest.raises(ScheduleError, match="use bcc"):
        made(audience="customer", fan_out=True, email="a@example.com")


def test_every_name_of_the_catalogue_is_judged() -> None:
    names = [n for f in REPORTS.values() for r in f.members.values() for n in r.names]
    hidden = {audience: {n for n in names if is_forbidden(audience, n)} for audience in Audience}
    delivery = {"expected_dtmf_calls", "checked_dtmf_calls", "dtmf_delivery", "z", "flag"}
    assert hidden[Audience.INTERNAL] == set()
    of_a_call = {"pdd_out", "file_id", "line"}
    assert hidden[Audience.CUSTOMER] == delivery | of_a_call | {
        n for n in names if "provider" in n or n.startswith(("profit", "cost_", "saving"))
    }
    assert hidden[Audience.PROVIDER] == delivery | {"tech_prefix"} | {
        n for n in names if "customer" in n or n.startswith(("profit", "saving"))
    }


@pytest.mark.parametrize("name", ["total_provider_charge", "saving", "dtmf_delivery", "z", "flag"])
def test_names_of_reports_to_come(name: str) -> None:
    assert is_forbidden(Audience.CUSTOMER, name)


@given(account=st.text(max_size=5), customers=st.lists(st.sampled_from("123"), max_size=2))
def test_a_report_for_outside_is_never_of_everybody(account: str, customers: list[str]) -> None:
    of = Schedule("x", "UTC", audience=Audience.CUSTOMER, fan_out=True, customers=tuple(customers))
    if account:
        assert own_rows(of, account) == ((account,), ())
    else:
        with pytest.raises(ValueError, match="whose report"):
            own_rows(of, account)
    named = Schedule("x", "UTC", audience=Audience.CUSTOMER, customers=tuple(customers))
    if customers:
        assert own_rows(named) == (tuple(customers), ())
    else:
        with pytest.raises(ValueError, match="names none"):
            own_rows(named)
