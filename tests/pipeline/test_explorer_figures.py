"""The explorer's figures over the golden days: those of the command line, in every arrangement."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from explorer.explorer import Explorer
from pipelines.assembly import Workplace
from tests.pipeline.explorers import Browser, serving
from tests.pipeline.home import build_all
from tests.pipeline.reporting import command, csv_rows

DAYS = ("2026-03-05", "2026-03-10")
PERIOD = [("from", DAYS[0]), ("to", DAYS[1])]
NUMBER = "12122260001"


@pytest.fixture(scope="module")
def workplace(golden_home: Workplace) -> Workplace:
    build_all(golden_home)
    return golden_home


@pytest.fixture(scope="module")
def served(workplace: Workplace) -> Iterator[tuple[Explorer, Browser]]:
    with serving(workplace) as (explorer, port):
        yield explorer, Browser(port)


@pytest.fixture
def browser(served: tuple[Explorer, Browser]) -> Browser:
    return served[1]


def options(query: list[tuple[str, str]]) -> list[str]:
    """The query string as options of the command."""
    names = {"group": "group-by", "choice": "type"}
    side = ("report", "usa-rate-center") in query
    found = []
    for name, value in query:
        if name not in ("report", "split"):
            option = "side" if side and name == "choice" else names.get(name, name)
            found.append(f"--{option}={value}")
    return found


def shown(value: Any) -> Any:
    """A value of the command's CSV as the page gets it: the nearest float of an exact figure."""
    if value == "":
        return None
    try:
        return float(Decimal(value))
    except ArithmeticError:
        return {"true": True, "false": False}.get(value, value)


def plain(value: Any) -> Any:
    """A value of the page, comparable with `shown`; a text that a CSV marks gets its mark."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return shown(f"'{text}" if text.startswith(("=", "+", "-", "@")) else text)


def rows_of(table: Any, columns: list[str]) -> list[dict[str, Any]]:
    return [{name: plain(row[name]) for name in columns} for row in table.to_pylist()]


def key(row: dict[str, Any]) -> list[tuple[bool, str]]:
    return [(value is None, str(value)) for value in row.values()]


ASKED: list[list[tuple[str, str]]] = [
    [("report", "breakout"), ("group", "customer,provider"),
     ("columns", "attempts,asr,profit_usd")],
    [("report", "breakout"), ("group", ""), ("columns", "attempts,acd,ner,pdd,profit_gbp")],
    [("report", "breakout"), ("group", "customer,customer_currency"),
     ("columns", "customer_charge,attempts")],
    [("report", "breakout"), ("group", "country,carrier"),
     ("columns", "attempts,cost_per_call_usd"),
     ("filter", "country=GB,US"), ("filter", "sip_code=200")],
    [("report", "breakout"), ("group", "provider"), ("columns", "attempts,connected,profit_eur"),
     ("currency", "EUR"), ("customers", "101,102")],
    [("report", "breakout"), ("group", "hour"), ("columns", "attempts,duration"),
     ("providers", "7")],
    [("report", "breakout"), ("group", "customer"), ("columns", "attempts,asr"),
     ("compare", "previous")],
    [("report", "dtmf"), ("group", "provider"),
     ("columns", "connected,dtmf_percent,dtmf_delivery,z,flag,saving_usd")],
    [("report", "usa-calls"), ("choice", "lata"), ("group", "customer"),
     ("columns", "intralata,interlata,indeterminate,total_duration")],
    [("report", "usa-calls"), ("choice", "state"), ("group", "origin_state,terminating_state"),
     ("columns", "intrastate,interstate,international")],
    [("report", "usa-rate-center"), ("choice", "destination"), ("group", "prefix,rate_center"),
     ("columns", "total_calls,total_customer_charge_usd")],
    [("report", "tech-prefix"), ("group", "tech_prefix"), ("columns", "asr,acd,attempts")],
]  # fmt: skip


@pytest.mark.parametrize("query", ASKED, ids=lambda q: "&".join(f"{a}={b}" for a, b in q)[:70])
def test_rows_and_download_are_the_commands(
    workplace: Workplace, browser: Browser, query: list[tuple[str, str]]
) -> None:
    want = csv_rows(workplace, query[0][1], DAYS, *options(query))
    got = browser.get("/api/rows", [*query, *PERIOD])
    assert got.status == 200, got.text
    columns = list(want[0])
    assert sorted(rows_of(got.table, columns), key=key) == sorted(
        [{n: shown(v) for n, v in row.items()} for row in want], key=key
    )
    assert got.meta["row_count"] == len(want)
    assert set(got.table["_depth"].to_pylist()) == {len(got.meta["group"])}
    file = browser.get("/download/csv", [*query, *PERIOD])
    assert file.text == command(
        workplace, "report", query[0][1], "--from", DAYS[0], "--to", DAYS[1], "--format", "csv",
        *options(query),
    ).stdout  # fmt: skip


@pytest.mark.parametrize("name", ["breakout", "dtmf", "usa-calls", "usa-rate-center"])
def test_a_report_as_it_comes(workplace: Workplace, browser: Browser, name: str) -> None:
    got = browser.get("/api/rows", [("report", name), *PERIOD, ("limit", "10000")])
    group, columns = got.meta["group"], [c["name"] for c in got.meta["columns"]]
    want = csv_rows(workplace, name, DAYS, f"--group-by={','.join(group)}",
                    f"--columns={','.join(columns)}")  # fmt: skip
    assert sorted(rows_of(got.table, columns), key=key) == sorted(
        [{n: shown(row[n]) for n in columns} for row in want], key=key
    )


FIGURES = "attempts,asr,acd,profit_usd,profit_percent,customer_charge_usd"


def test_every_level_of_a_pivot_is_the_commands(workplace: Workplace, browser: Browser) -> None:
    """Subtotals in both directions are what the command reckons by that grouping alone."""
    query = [("report", "breakout"), ("group", "customer,provider"), ("split", "date"),
             ("columns", FIGURES), ("levels", "1"), *PERIOD]  # fmt: skip
    table = browser.get("/api/rows", query).table
    names = FIGURES.split(",")
    seen = 0
    for depth, group in enumerate(["", "customer", "customer,provider"]):
        for split in (0, 1):
            by = [*filter(None, group.split(",")), *(["date"] if split else [])]
            want = csv_rows(workplace, "breakout", DAYS, f"--group-by={','.join(by)}",
                            f"--columns={FIGURES}")  # fmt: skip
            got = [
                {n: plain(row[n]) for n in (*by, *names)}
                for row in table.to_pylist()
                if (row["_depth"], row["_split"]) == (depth, split)
            ]
            assert sorted(got, key=key) == sorted(
                [{n: shown(row[n]) for n in (*by, *names)} for row in want], key=key
            ), by
            seen += len(got)
    assert seen == table.num_rows


def test_a_pivot_s_first_rows_are_downloaded_with_all_others(
    workplace: Workplace, browser: Browser
) -> None:
    """And not the first of the flat rows, which are others."""
    query = [("report", "breakout"), ("group", "provider"), ("split", "date"),
             ("columns", "attempts"), ("sort", "-attempts"), ("top", "2"), *PERIOD]  # fmt: skip
    text = browser.get("/download/csv", query).text
    want = csv_rows(workplace, "breakout", DAYS, "--group-by=provider,date", "--columns=attempts",
                    "--sort=-attempts")  # fmt: skip
    assert list(csv.DictReader(io.StringIO(text))) == want


def test_parents_stand_before_children_and_by_their_own_figures(browser: Browser) -> None:
    query = [("report", "breakout"), ("group", "customer,provider"), ("columns", "attempts"),
             ("sort", "-attempts"), ("levels", "1"), *PERIOD]  # fmt: skip
    rows = browser.get("/api/rows", query).table.to_pylist()
    assert rows[0]["_depth"] == 0
    parents = [row for row in rows if row["_depth"] == 1]
    assert parents == sorted(parents, key=lambda row: -row["attempts"])
    above = None
    for row in rows[1:]:
        above = row["customer"] if row["_depth"] == 1 else above
        assert row["customer"] == above
    leaves = [row for row in rows if row["_depth"] == 2]
    by_parent = [[r["attempts"] for r in leaves if r["customer"] == p["customer"]] for p in parents]
    assert all(each == sorted(each, reverse=True) for each in by_parent)
    assert [sum(each) for each in by_parent] == [p["attempts"] for p in parents]


def test_a_window_of_rows(browser: Browser) -> None:
    query = [("report", "breakout"), ("group", "customer,provider"), ("columns", "attempts"),
             ("sort", "-attempts"), *PERIOD]  # fmt: skip
    whole = browser.get("/api/rows", query)
    part = browser.get("/api/rows", [*query, ("limit", "3"), ("offset", "2")])
    assert part.table.to_pylist() == whole.table.to_pylist()[2:5]
    count = whole.meta["row_count"]
    assert (part.meta["rows"], part.meta["rows_left_out"]) == (3, count - 5)
    assert part.meta["row_limit"] == 3


def test_money_in_several_currencies_is_never_added_up(browser: Browser) -> None:
    """A subtotal has an amount only where one currency is in it, and names that."""
    query = [("report", "breakout"), ("group", "customer,customer_currency,provider_currency"),
             ("columns", "customer_charge,provider_charge"), ("levels", "1"), *PERIOD]  # fmt: skip
    rows = browser.get("/api/rows", query).table.to_pylist()
    leaves = [row for row in rows if row["_depth"] == 3]
    for parent in (row for row in rows if row["_depth"] < 3):
        held = ["customer", "customer_currency", "provider_currency"][: parent["_depth"]]
        below = [leaf for leaf in leaves if all(leaf[n] == parent[n] for n in held)]
        for side in ("customer", "provider"):
            charge, currency = f"{side}_charge", f"{side}_currency"
            codes = {b[currency] for b in below if b[currency] or b[charge]}
            if len(codes) == 1:
                assert parent[charge] == pytest.approx(sum(b[charge] or 0 for b in below))
                assert parent[currency] == next(iter(codes))
            else:
                assert parent[charge] is None
    assert any(row["provider_charge"] is None for row in rows)


def test_the_page_is_told_what_to_know(browser: Browser) -> None:
    got = browser.get("/api/rows", [("report", "breakout"), ("group", "customer"), *PERIOD])
    meta = got.meta
    assert meta["period"]["first"] == "2026-03-05"
    assert "2 of 6 days hold no data: 2026-03-05, 2026-03-10." in meta["notices"]
    by_name = {column["name"]: column for column in meta["columns"]}
    assert by_name["asr"]["kind"] == "fraction"
    assert by_name["asr"]["heading"] == "ASR (%)"
    assert by_name["profit_usd"]["currency"] == "USD"
    assert "Answer-seizure ratio" in by_name["asr"]["definition"]
    assert meta["time_limit_seconds"] == 30


def test_members_of_a_dimension(workplace: Workplace, browser: Browser) -> None:
    rows = csv_rows(workplace, "breakout", DAYS, "--group-by=sip_code", "--columns=attempts")
    got = browser.get("/api/members", [("dimension", "sip_code"), *PERIOD]).json
    assert sorted(got["members"]) == sorted(row["sip_code"] for row in rows)
    some = browser.get("/api/members", [("dimension", "sip_code"), ("search", "48"), *PERIOD]).json
    assert {member[:2] for member in some["members"]} == {"48"}


def test_accounts(browser: Browser) -> None:
    got = browser.get("/api/accounts", [("side", "providers"), ("search", "tier")]).json
    assert got["accounts"] == [{"id": "7", "name": "Tierone"}]


def test_calls_of_a_number(workplace: Workplace, browser: Browser) -> None:
    typed = [("number", "+1 (212) 226-0001"), *PERIOD]
    want = command(workplace, "report", "per-number", "--number", NUMBER, "--from", DAYS[0], "--to",
                   DAYS[1], "--format", "csv")  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(want.stdout)))
    columns = ("columns", "callid,customer_charge,duration")
    got = browser.get("/api/calls", [("report", "per-number"), *typed, columns])
    assert got.table["callid"].to_pylist() == [row["callid"] for row in rows]
    assert [shown(row["customer_charge"]) for row in rows] == [
        plain(value) for value in got.table["customer_charge"].to_pylist()
    ]
    assert got.meta["numbers"] == [NUMBER]
    assert got.meta["summary"]["rows"][0][0] == NUMBER
    assert got.meta["summary"]["rows"][0][1] == f"{len(rows):,}"
    file = browser.get("/download/csv", [("report", "per-number"), *typed])
    assert file.text == want.stdout


@pytest.mark.parametrize(
    ("fmt", "magic"), [("xlsx", b"PK\x03\x04"), ("pdf", b"%PDF-"), ("html", b"<!"), ("json", b"[")]
)
def test_files_to_download(browser: Browser, fmt: str, magic: bytes) -> None:
    got = browser.get(f"/download/{fmt}", [("report", "breakout"), ("group", "provider"), *PERIOD])
    assert got.status == 200
    assert got.body.startswith(magic)
    name = f"breakout_2026-03-05_2026-03-10.{fmt}"
    assert got.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("named", ["", "expected_dtmf_calls,saving_usd,z"])
def test_parquet_holds_what_csv_does(browser: Browser, named: str) -> None:
    """To the last digit, converted money and estimates too."""
    report = "dtmf" if named else "breakout"
    query = [("report", report), ("group", "customer"), ("columns", named), *PERIOD]
    got = pq.read_table(io.BytesIO(browser.get("/download/parquet", query).body)).to_pylist()
    want = list(csv.DictReader(io.StringIO(browser.get("/download/csv", query).text)))
    assert len(got[0]) > (3 if named else 20)
    for row, texts in zip(got, want, strict=True):
        for name, text in texts.items():
            if name != "customer":
                assert row[name] == (Decimal(text) if text else None), name


def test_a_pivot_as_a_file(workplace: Workplace, browser: Browser) -> None:
    """Its columns are dimensions behind those of its rows, exact to the last digit."""
    query = [("report", "breakout"), ("group", "provider"), ("split", "date"), ("columns", "acd")]
    got = pq.read_table(io.BytesIO(browser.get("/download/parquet", [*query, *PERIOD]).body))
    want = csv_rows(workplace, "breakout", DAYS, "--group-by=provider,date", "--columns=acd")
    assert got.column_names == ["provider", "date", "acd"]
    assert [row["acd"] for row in got.to_pylist()] == [
        Decimal(row["acd"]) if row["acd"] else None for row in want
    ]


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP"])
def test_a_charts_drawing(browser: Browser, currency: str) -> None:
    asked = [("report", "breakout"), ("currency", currency), *PERIOD]
    got = browser.get("/api/charts", asked).json["charts"]
    assert [chart["title"] for chart in got][:1] == ["Charge, cost and profit by day"]
    assert all(chart["svg"].startswith("<svg") and "<script" not in chart["svg"] for chart in got)


WRONG = [
    ([("group", "custmer")], "did you mean 'customer'?", 400),
    ([("columns", "customer_charge"), ("group", "customer")], "own currency", 400),
    ([("last", "fortnight")], "unknown period", 400),
    ([("from", "2026-03-10"), ("to", "2026-03-01")], "swap the two days", 400),
    ([("from", "0001-01-01"), ("to", "9999-12-31")], "at most 1,830", 400),
    ([("group", "date"), ("split", "date")], "in the rows and in the columns", 400),
    ([("limit", "0")], "limit '0'", 400),
    ([("colums", "attempts")], "did you mean 'columns'?", 400),
    ([("report", "brekout")], "did you mean 'breakout'?", 400),
    ([("report", "per-number")], "by number", 400),
    ([("report", "usa-calls"), ("choice", "lta")], "did you mean 'lata'?", 400),
    ([("choice", "lata")], "Breakout comes in one kind only: leave out the choice 'lata'", 400),
    ([("customers", "nobody")], "unknown customer", 400),
]


@pytest.mark.parametrize(("query", "words", "status"), WRONG, ids=lambda v: str(v)[:40])
def test_a_refusal_helps(
    browser: Browser, query: list[tuple[str, str]], words: str, status: int
) -> None:
    days = [] if query[0][0] in ("last", "from") else PERIOD
    got = browser.get("/api/rows", [*query, *days])
    assert (got.status, words in got.json["error"]) == (status, True), got.text
    assert "--" not in got.json["error"]


@pytest.mark.parametrize(
    ("path", "goes_on"),
    [
        ("/?report=dtmf&from=2026-03-07&to=2026-03-08",
         "/reports/dtmf?from=2026-03-07&to=2026-03-08"),
        ("/reports/dtmf?report=per-number", "/per-number"),
    ],
)  # fmt: skip
def test_a_report_that_the_query_names_is_the_one_that_opens(
    browser: Browser, path: str, goes_on: str
) -> None:
    got = browser.get(path)
    assert (got.status, got.headers["location"]) == (303, goes_on)


@pytest.mark.parametrize("path", ["/?report=brekout", "/reports/brekout"])
def test_a_report_that_there_is_not_is_said(browser: Browser, path: str) -> None:
    got = browser.get(path)
    assert got.status == 404
    assert "unknown report &#39;brekout&#39;: did you mean &#39;breakout&#39;?" in got.text


def test_an_answer_that_takes_too_long(workplace: Workplace) -> None:
    with serving(workplace) as (explorer, port):
        explorer.desk.seconds = 0.000001
        got = Browser(port).get("/api/rows", [("report", "breakout"), *PERIOD])
    assert (got.status, got.json["limit"]) == (400, "time")
    assert "fewer days" in got.json["error"]


def test_a_day_published_anew_is_seen_at_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from tests.pipeline.deliveries import call, deliver
    from tests.pipeline.offices import make_built

    built = make_built(tmp_path_factory.mktemp("anew"))
    query = [("report", "breakout"), ("group", ""), ("columns", "attempts"),
             ("from", "2026-03-06"), ("to", "2026-03-08")]  # fmt: skip
    with serving(built) as (_, port):
        browser = Browser(port)
        before = browser.get("/api/rows", query).table["attempts"].to_pylist()
        late = call("late", dt="2026-03-07 13:00:00", customer_id="101", provider_id="7")
        deliver(built, "late.csv", [late])
        built.intake.run()
        stale = browser.get("/api/rows", query)
        assert stale.table["attempts"].to_pylist() == before == [9]
        assert any("is stale: 2026-03-07" in words for words in stale.meta["notices"])
        build_all(built)
        assert browser.get("/api/rows", query).table["attempts"].to_pylist() == [10]
