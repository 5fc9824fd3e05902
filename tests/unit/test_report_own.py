"""Reports of a home's own: what a declaration becomes, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resources.reporting import reports
from resources.reporting.document import filters, make_document
from resources.reporting.errors import ReportError
from resources.reporting.figures import Table, make_table, request_for
from resources.reporting.interfaces import Reporting
from resources.reporting.model import (
    DayChart,
    HeatChart,
    MemberChart,
    Report,
    TileChart,
)
from resources.reporting.own import KEYS, declare
from resources.reporting.own_charts import chart
from resources.reporting.reports import REPORTS, reports_in_force
from resources.reporting.request import Asked, find_report
from tests.unit.report_tables import DAYS, GENERATED, ROWS, reporting, row
from tests.unit.test_report_adapt import in_euros

UK = """\
title: UK mobile
purpose: Who carries our UK mobile traffic.
report: breakout
group: [customer_id]
columns: [attempts, profit_eur]
filters:
  customer_destination: [UK Mobile, +44 Mobile]
sort: -profit_eur
top: 1
currency: EUR
charts:
  - by day: [attempts, connected]
  - by provider: profit_eur
  - by provider and hour_of_day: asr
  - ASR and ACD by provider
"""


def own(text: str, name: str = "uk") -> Report:
    report, problems = declare(text, name, REPORTS)
    assert problems == []
    assert report is not None
    return report


def wrong(text: str, name: str = "uk", **known: Any) -> list[tuple[int, str]]:
    report, problems = declare(text, name, REPORTS, **known)
    assert report is None
    return [(problem.line, problem.text) for problem in problems]


def table(of: Reporting, report: Report, *, people: bool = False, **asked: Any) -> Table:
    request = request_for(of, report, Asked(**asked), DAYS, people=people)
    return make_table(of, request, people=people)


def shown(of: Table) -> list[tuple[Any, ...]]:
    return [tuple(column.name for column in of.shown_columns), *(r[: of.shown] for r in of.rows)]


def test_it_does_what_it_declares(tmp_path: Path) -> None:
    got = table(in_euros(tmp_path), own(UK))
    # Of the rows to the UK, 101 earns 7 EUR and 102 loses a quarter; the top one is shown.
    assert shown(got) == [("customer_id", "attempts", "profit_eur"), ("101", 12, 7)]
    assert got.row_count == 2
    assert got.totals[1] == 17


def test_options_win_but_for_its_filters(tmp_path: Path) -> None:
    of, report = in_euros(tmp_path), own(UK)
    got = table(of, report, currency="USD", top=9, sort="attempts")
    assert shown(got)[1:] == [("102", 5, pytest.approx(-0.5)), ("101", 12, 4)]
    got = table(of, report, group_by="provider", top=9)
    assert shown(got)[0] == ("provider", "attempts", "profit_eur")
    assert [r[0] for r in shown(got)[1:]] == ["Tierone", None, "Budget Routes"]
    got = table(of, report, columns="customer,calls", sort="customer", top=9)
    assert shown(got)[0] == ("customer", "calls")
    narrowed = table(of, report, filters=["customer_destination=+44 Mobile", "provider=9"])
    assert shown(narrowed)[1:] == [("102", 5, pytest.approx(-0.25))]
    assert shown(table(of, report, filters=["customer_destination=India"]))[1:] == []


def test_a_page_says_its_title_filters_and_charts(tmp_path: Path) -> None:
    of = in_euros(tmp_path)
    request = request_for(of, own(UK), Asked(), DAYS, people=True)
    assert ("Customer Card Destination Name", "UK Mobile, +44 Mobile") in filters(of, request)
    made = make_document(of, request, GENERATED)
    assert made.title == "UK mobile"
    assert [points.chart.title for points in made.charts] == [
        "Attempts and Connected by day",
        "Profit by Provider",
        "ASR by Provider and Hour of Day",
        "ASR and ACD by provider",
    ]
    assert {f.title: f.value for f in made.headline}["Attempts"] == "17"
    (bars,) = [p for p in made.charts if p.chart.title == "Profit by Provider"]
    assert bars.rows[0] == ("Tierone", 7)


def test_accounts_by_id_or_name_and_no_others(tmp_path: Path) -> None:
    text = """\
title: Two customers
report: breakout
group: customer_id
columns: attempts
filters:
  customers: [<B>nimbus</B>, 102]
"""
    of, report = reporting(tmp_path), own(text)
    assert shown(table(of, report))[1:] == [("101", 12), ("102", 5)]
    assert shown(table(of, report, customers=["102", "103"]))[1:] == [("102", 5)]
    with pytest.raises(ReportError, match="about customer 101, 102 only, not 103"):
        table(of, report, customers=["103"])
    request = request_for(of, report, Asked(), DAYS, people=True)
    assert ("Customers", "<b>Nimbus</b>, =cmd()|calc") in filters(of, request)


def test_values_are_taken_as_they_are_written(tmp_path: Path) -> None:
    rows = [
        row(6, "1", "7", 1, 0, "0", country="NO", tech_prefix="0044", sip_code="486"),
        row(6, "2", "7", 2, 0, "0", country="false", tech_prefix="36", sip_code="4.86e2"),
        row(6, "3", "7", 4, 0, "0", country=None, tech_prefix="1:30", sip_code=None),
        row(6, "4", "7", 8, 0, "0", country="x'); DROP TABLE t; --", tech_prefix="a, b"),
    ]
    of = reporting(tmp_path, rows)

    def counted(condition: str) -> int:
        text = (
            f'title: t\nreport: breakout\ngroup: ""\ncolumns: attempts\nfilters:\n  {condition}\n'
        )
        return int(shown(table(of, own(text)))[1][0])

    assert counted("country: NO") == 1
    assert counted("country: [NO, false]") == 3
    assert counted("tech_prefix: 0044") == 1
    assert counted("tech_prefix: 1:30") == 4
    assert counted("tech_prefix: a, b") == 8
    assert counted("sip_code: 486") == 1
    assert counted("country:") == 4
    assert counted('country: ""') == 4
    assert counted('country: "x\'); DROP TABLE t; --"') == 8


def test_without_group_or_columns_it_is_as_its_base() -> None:
    base = REPORTS["tech-prefix"].members[""]
    made = own("title: t\nreport: tech-prefix\n")
    assert (made.group, made.columns, made.charts) == (base.group, base.columns, base.charts)
    assert own("title: t\nreport: tech-prefix\ngroup: date\n").columns == (
        "date", "asr", "acd", "connected", "attempts"
    )  # fmt: skip
    assert own("title: t\nreport: tech-prefix\ncharts: []\n").charts == ()


def test_members_of_a_family() -> None:
    assert own("title: t\nreport: usa-calls\n").headline[1] == "intrastate"
    assert own("title: t\nreport: usa-calls\ntype: lata\n").headline[1] == "intralata"
    made = own("title: t\nreport: usa-rate-center\nside: destination\ncurrency: EUR\n")
    assert made.only[0].values == ("destination",)


def test_compared(tmp_path: Path) -> None:
    before = row(4, "101", "7", 8, 2, "100")
    text = """\
title: Compared
report: breakout
group: customer_id
columns: attempts
compare: previous
sort: attempts_change
"""
    of = reporting(tmp_path, [*ROWS, before])
    for people in (True, False):
        got = shown(table(of, own(text), people=people))
        assert got[0] == ("customer_id", "attempts", "attempts_previous", "attempts_change")
        assert got[1] == ("101", 12, 8, 50)
    assert shown(table(of, own(text), compare="none"))[0] == ("customer_id", "attempts")


def test_charts() -> None:
    usa = REPORTS["usa-calls"].members["state"]
    assert chart(usa, "by day", ["total", "intrastate"]) == DayChart(
        "Total and Intrastate by day", ("total", "intrastate")
    )
    assert chart(usa, "by customer", ["total"]) == MemberChart(
        "Total by Customer", "customer", ("total",), "total"
    )
    assert chart(usa, "by origin_state  and reason", ["indeterminate"]) == HeatChart(
        "Indeterminate by Originating State and Reason",
        "origin_state",
        "reason",
        "indeterminate",
        "total",
    )
    assert chart(usa, "map by origin_state", ["total"]) == TileChart(
        "Total by Originating State", "origin_state", "total"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", [(1, "the file is empty")]),
        ("just words", [(1, "a report must be lines of the form `name: value`")]),
        ("title: a\n", [(1, "'report' is missing")]),
        ("report: breakout\ntitle:\n", [(2, "'title' is blank")]),
        (
            "title: a\nreport: brekout\n",
            [(2, "unknown report 'brekout': did you mean 'breakout'?")],
        ),
        (
            "title: a\nreport: per-number\n",
            [
                (
                    2,
                    "'per-number' lists the calls of numbers that are asked for: no report can "
                    "stand on it",
                )
            ],
        ),
        (
            "title: a\nreport: usa-calls\ntype: stat\n",
            [(3, "unknown type 'stat': did you mean 'state'?")],
        ),
        ("title: a\nreport: breakout\ntype: lata\n", [(3, "report 'breakout' has no 'type'")]),
        ("title: a\ntitle: b\nreport: breakout\n", [(2, "'title' is there twice")]),
        (
            "report: breakout\ntitle: \u202ea\n",
            [(2, "'title' holds a character that cannot be printed")],
        ),
        ("title: [a]\nreport: breakout\n", [(1, "title takes one value")]),
        (
            "titel: a\n\nreport: breakout\n",
            [(1, "'title' is missing"), (1, "unknown key 'titel': did you mean 'title'?")],
        ),
        (
            "title: a\nreport: breakout\nfilters: [country, GB",
            [(3, "this is no YAML: expected ',' or ']', but got '<stream end>'")],
        ),
        (
            "title: a\nreport: breakout\n\tgroup: x\n",
            [(3, "this is no YAML: found character '\\t' that cannot start any token")],
        ),
        ("title: a\nreport: b\x00\n", [(2, "character U+0000 may not stand in YAML")]),
        ("[" * 1500, [(1, "this is no YAML: it is nested too deeply")]),
        (
            "a: 1\n---\nb: 2\n",
            [(2, "this is no YAML: but found another document, in what begins in line 1")],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_whole(text: str, said: list[tuple[int, str]]) -> None:
    assert wrong(text) == said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("group: custmer", "unknown dimension 'custmer': did you mean 'customer'?"),
        ("group: asr", "'asr' is a figure: put it into columns"),
        ("columns: [date, proft_usd]", "unknown column 'proft_usd': did you mean 'profit_usd'?"),
        ("columns: profit_eur", "unknown column 'profit_eur': did you mean 'profit_usd'?"),
        ("group: date\ncolumns: customer", "column 'customer' is not in the group-by"),
        ("group: date\ncolumns: customer_charge", "add 'customer_currency' to the group-by"),
        ("group: date\nsort: -customer", "column 'customer' is not in the group-by"),
        ("sort: [-atempts]", "unknown column 'atempts': did you mean 'attempts'?"),
        ("top: 0", "top is a number of rows from 1, not '0'"),
        ("top: ten", "top is a number of rows from 1, not 'ten'"),
        ("compare: yaer", "unknown comparison 'yaer': did you mean 'year'?"),
        ("compare: year\ngroup: date", "leave 'date' out"),
        ("currency: Euro", "a code of three letters such as EUR, not 'EURO'"),
        ("currency: ERU", "unknown currency 'ERU': did you mean 'EUR'?"),
        ("currency: EUR\ncolumns: profit_usd", "unknown column 'profit_usd'"),
        ("filters: GB", "filters must be lines of the form `name: value`"),
        ("filters:\n  contry: GB", "unknown dimension 'contry': did you mean 'country'?"),
        ("filters:\n  country: []", "filter 'country' has no value"),
        ("filters:\n  country: [[GB]]", "country takes one value"),
        ("filters:\n  country: {GB: 1}", "country takes one value"),
        ("charts: [ASR by provider]", "unknown chart 'ASR by provider': did you mean"),
        ("charts:\n  - pie: asr", "'pie' is no chart: write by day: FIGURES;"),
        ("charts:\n  - by day: [asr, acd]", "ASR and ACD have different units"),
        ("charts:\n  - by day: []", "a chart shows 1 to 3 figures, not 0"),
        ("charts:\n  - by provider: [asr, acd, ner, pdd]", "1 to 3 figures, not 4"),
        ("charts:\n  - by provider: ars", "unknown figure 'ars': did you mean 'asr'?"),
        ("charts:\n  - by provider: customer_charge", "ask for 'customer_charge_usd'"),
        ("charts:\n  - by hour: asr", "a chart cannot have a bar for each 'hour'"),
        ("charts:\n  - by provder: asr", "unknown dimension 'provder': did you mean 'provider'?"),
        ("charts:\n  - by provider and provider: asr", "needs two, not 'provider' twice"),
        ("charts:\n  - by provider and country: [asr, acd]", "shades show one figure, not 2"),
        ("charts:\n  - map by country: asr", "only reports that know States"),
        ("charts:\n  - {by day: asr, by provider: asr}", "a chart is one line such as"),
    ],
)
def test_what_is_wrong_with_a_line(lines: str, said: str) -> None:
    (problem,) = wrong(f"title: a\nreport: breakout\n{lines}\n", currencies={"USD", "EUR"})
    assert said in problem[1]
    assert problem[0] == 2 + len(lines.splitlines())


def test_what_no_table_holds() -> None:
    text = "title: a\nreport: dtmf\ngroup: hour\ncolumns: dtmf_delivery\n"
    ((line, said),) = wrong(text)
    assert line == 4
    assert "cannot be had by hour" in said


@pytest.mark.parametrize("name", ["breakout", "usa-calls-lata", "UK", "u k", "../x", "", "-x"])
def test_names_that_are_refused(name: str) -> None:
    ((line, said),) = wrong("title: a\nreport: breakout\n", name)
    assert line == 1
    assert "is a report already" in said or "use small letters" in said


scalars = st.text(max_size=8) | st.sampled_from(
    "breakout usa-calls customer asr date lata previous EUR country customers".split()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(scalars, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS), values), st.text(max_size=60))
@example({"report": "breakout", "group": "customer\nprovider"}, "")
@settings(max_examples=200)
def test_whatever_is_written_is_a_report_or_a_list_of_problems(
    said: dict[str, Any], noise: str
) -> None:
    import yaml

    for text in (yaml.safe_dump(said, allow_unicode=True), noise, yaml.safe_dump(said) + noise):
        report, problems = declare(text, "mine", REPORTS)
        assert (report is None) == bool(problems)
        assert all(1 <= p.line <= len(text.splitlines()) + 1 and p.text for p in problems)


def home(folder: Path, **files: str) -> Path:
    (folder / "reports").mkdir()
    for name, text in files.items():
        (folder / "reports" / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_reports_in_force_are_the_programs_and_the_homes(tmp_path: Path) -> None:
    said: list[str] = []
    where = home(
        tmp_path,
        uk__yaml=UK,
        us__yml="title: a\nreport: usa-calls\n",
        notes__txt="no report",
        breakout__yaml="title: Mine\nreport: dtmf\n",
        bad__yaml="title: a\nreport: breakout\ntop: x\n",
    )
    found = reports_in_force(where, said.append)
    assert set(found) == {*REPORTS, "uk", "us"}
    assert found["breakout"] is REPORTS["breakout"]
    assert found["uk"].purpose == "Who carries our UK mobile traffic."
    assert find_report("uk", found).title == "UK mobile"
    assert len(said) == 2
    assert f"report 'bad' is left out: {where / 'reports' / 'bad.yaml'}, line 3: top is" in said[0]
    assert "'breakout' is a report already: name the file otherwise" in said[1]
    with pytest.raises(ReportError, match=r"'bad' cannot be made: .*bad.yaml, line 3: top is a"):
        find_report("bad", found)
    with pytest.raises(ReportError, match="unknown report 'ukk': did you mean 'uk'"):
        find_report("ukk", found)


def test_a_report_of_the_home_is_read_again_when_its_file_has_changed_and_else_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = home(tmp_path, uk__yaml=UK, us__yaml="title: US\nreport: usa-calls\n")
    read = Mock(wraps=reports.read_declaration)
    monkeypatch.setattr(reports, "read_declaration", read)
    for _ in range(3):
        assert reports_in_force(where)["us"].title == "US"
    assert read.call_count == 2
    (where / "reports" / "us.yaml").write_text("title: Home\nreport: usa-calls\n")
    assert reports_in_force(where)["us"].title == "Home"
    assert read.call_count == 3


def test_a_home_without_reports_of_its_own(tmp_path: Path) -> None:
    assert reports_in_force(tmp_path) == REPORTS


def test_a_name_that_two_files_declare(tmp_path: Path) -> None:
    said: list[str] = []
    found = reports_in_force(home(tmp_path, uk__yaml=UK, uk__yml=UK), said.append)
    assert "uk" in found
    assert len(said) == 1
    assert "uk.yml, line 1: another file declares 'uk', too" in said[0]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    where = home(tmp_path)
    (where / "reports" / "latin.yaml").write_bytes("title: a\nreport: Zürich\n".encode("latin-1"))
    (where / "reports" / "bom.yaml").write_bytes(("\ufeff" + UK).encode())
    said: list[str] = []
    assert "bom" in reports_in_force(where, said.append)
    assert "latin.yaml, line 2: this is no UTF-8 text" in said[0]
