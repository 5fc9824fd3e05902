"""What gets into the SQL: literals, filters, the rows that a report is about, parts of sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.reporting.arithmetic import Flagged, Formula, Score
from resources.reporting.breakout import BREAKOUT
from resources.reporting.document import make_document, request_notices
from resources.reporting.errors import ReportError
from resources.reporting.figures import Table, left_out, make_table, request_for
from resources.reporting.interfaces import HeldNames, Reporting
from resources.reporting.model import Kind, Measure, Only, Panel, Part, Report
from resources.reporting.query import literal
from resources.reporting.reports import REPORTS
from resources.reporting.request import Asked, find_report
from tests.unit.report_tables import DAYS, GENERATED, ROWS, FolderTables, reporting, row

REPLACED = "\N{REPLACEMENT CHARACTER}"


def table(of: Reporting, report: Report, **asked: Any) -> Table:
    return make_table(of, request_for(of, report, Asked(**asked), DAYS, people=False), people=False)


def shown(of: Table) -> list[tuple[Any, ...]]:
    return [r[: of.shown] for r in of.rows]


# Literals


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def read_back(engine: duckdb.DuckDBPyConnection, value: Any) -> Any:
    (found,) = engine.execute(f"SELECT {literal(value)}").fetchall()[0]
    return found


@given(st.text(st.characters()))
@settings(max_examples=300)
def test_any_text_comes_back_as_it_was(engine: duckdb.DuckDBPyConnection, text: str) -> None:
    """But for NUL, which the engine's parser ends at, and for halves of characters."""
    kept = "".join(REPLACED if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    assert read_back(engine, text) == kept


@given(st.dates() | st.integers(-(2**63), 2**63 - 1) | st.decimals(
    allow_nan=False, allow_infinity=False, places=12, min_value=-(10**20), max_value=10**20
))  # fmt: skip
@settings(max_examples=200)
def test_any_day_and_number_comes_back_exactly(
    engine: duckdb.DuckDBPyConnection, value: date | int | Decimal
) -> None:
    assert read_back(engine, value) == value
    assert type(read_back(engine, value)) is type(value)


@pytest.mark.parametrize(
    "text", ["x'); DROP TABLE t; --", "'", "''", "\\'", "$$", "{x}", "%s", "a\nb", "\udcff", "\0'"]
)
def test_texts_that_look_like_sql_are_values(tmp_path: Path, text: str) -> None:
    kept = text.replace("\0", REPLACED).replace("\udcff", 3 * REPLACED)
    of = reporting(tmp_path, [*ROWS, row(6, "9", "7", 100, 0, "0", tech_prefix=kept)])
    of = replace(of, names=HeldNames(customers={"9": kept, "101": "other"}, providers={"7": kept}))
    quoted = '"' + text.replace('"', '""') + '"'
    for dimension in ("customer", "tech_prefix"):
        got = table(
            of, BREAKOUT, group_by="customer", columns="attempts", filters=[f"{dimension}={quoted}"]
        )
        assert shown(got) == [(kept, 100)]
    got = table(of, BREAKOUT, group_by="provider", columns="attempts", filters=["customer_id=9"])
    assert shown(got) == [(kept, 100)]
    got = table(of, BREAKOUT, group_by="", columns="attempts", customers=[kept])
    assert shown(got) == [(100,)]


# Filters


def test_a_filter_takes_names_ids_and_blank(tmp_path: Path) -> None:
    of = reporting(tmp_path)

    def counted(*filters: str) -> int:
        got = table(of, BREAKOUT, group_by="", columns="attempts", filters=filters)
        return int(str(got.rows[0][0]))

    assert counted("customer=<b>Nimbus</b>") == counted("customer=101") == 12
    assert counted("customer_id=<b>Nimbus</b>") == 0
    assert counted("provider=") == 2
    assert counted("provider=7") == 13
    assert counted("provider=,7") == counted("provider=7,") == 15
    assert counted("provider=7", "customer=101,103", "date=2026-03-06") == 10
    assert counted("sip_code=200,503") == 17
    assert counted("hour=2026-03-06 22:00:00") == 15
    assert counted("hour_of_day=22:00") == 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer", "'customer' is no filter: write NAME=VALUE"),
        ("custmer=1", "unknown dimension 'custmer': did you mean 'customer'"),
        ("asr=1", "unknown dimension 'asr'"),
        ("1=1 OR customer=1", "unknown dimension '1'"),
        ("customer=a\nb", "holds a line break"),
    ],
)
def test_filters_that_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        table(reporting(tmp_path), BREAKOUT, filters=[text])


# Conditional sums, and the rows that a report is about


USA = [
    # day, jurisdiction by State, network, attempts, connected, seconds
    (6, "intrastate", "onnet", 10, 4, "40.5"),
    (6, "interstate", "offnet", 20, 5, "60"),
    (7, "indeterminate", "offnet", 3, 1, "7"),
    (7, "international", "international", 100, 50, "900"),
]


@pytest.fixture
def usa(tmp_path: Path) -> Reporting:
    schema = pa.schema(
        [
            *((n, pa.string()) for n in ("customer_id", "provider_id", "orig_state", "term_state")),
            *((n, pa.string()) for n in ("orig_lata", "term_lata", "jurisdiction_state")),
            *((n, pa.string()) for n in ("jurisdiction_lata", "reason_state", "reason_lata")),
            ("network", pa.string()),
            *((n, pa.int64()) for n in ("attempts", "connected", "stale_rate_attempts")),
            ("duration", pa.decimal128(38, 3)),
        ]
    )
    for day in (6, 7):
        rows = [
            {
                "customer_id": "101",
                "jurisdiction_state": kind,
                "network": network,
                "attempts": attempts,
                "connected": connected,
                "stale_rate_attempts": 0,
                "duration": Decimal(duration),
                "reason_state": "cli_missing" if kind == "indeterminate" else None,
            }
            for of, kind, network, attempts, connected, duration in USA
            if of == day
        ]
        folder = tmp_path / "usa_calls_daily" / f"call_date=2026-03-0{day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / "part.parquet")
    return Reporting(tables=FolderTables(tmp_path))


def test_what_is_outside_is_left_out_and_said(usa: Reporting) -> None:
    state = find_report("usa-calls", REPORTS)
    columns = "intrastate,interstate_connected,indeterminate_duration,total,total_duration"
    got = table(usa, state, group_by="", columns=columns)
    assert shown(got) == [(10, 5, 7, 33, Decimal("107.5"))]
    request = request_for(usa, state, Asked(), DAYS, people=True)
    assert left_out(usa, request) == 100
    said = request_notices(usa, request, got)
    assert said == ("International calls are left out: 100 attempts.",)


def test_what_is_outside_is_there_on_request(usa: Reporting) -> None:
    state = find_report("usa-calls", REPORTS)
    asked = Asked(group_by="date", columns="interstate,international,total")
    request = request_for(usa, state, asked, DAYS, people=False)
    got = make_table(usa, request, people=False)
    # A day without any such call has 0, not nothing.
    assert shown(got) == [(date(2026, 3, 6), 20, 0, 30), (date(2026, 3, 7), 0, 100, 3)]
    assert left_out(usa, request) is None
    assert request_notices(usa, request, got) == ()


def test_what_is_outside_obeys_the_filters(usa: Reporting) -> None:
    state = find_report("usa-calls", REPORTS)
    request = request_for(usa, state, Asked(filters=["date=2026-03-06"]), DAYS, people=True)
    assert left_out(usa, request) == 0
    assert request_notices(usa, request, make_table(usa, request, people=True)) == ()


def test_another_way_to_tell_the_same_calls_apart(usa: Reporting) -> None:
    network = find_report("usa-calls", REPORTS, "network")
    got = table(usa, network, group_by="", columns="onnet,offnet_duration,international,total")
    assert shown(got) == [(10, 67, 100, 133)]


@pytest.mark.parametrize(
    ("only", "attempts"),
    [
        (Only("provider_id", ("7",)), 13),
        (Only("provider_id", ("7", "9")), 18),
        (Only("provider_id"), 18),
        (Only("sip_code", ("x'); --",)), 0),
    ],
)
def test_only_the_rows_that_a_report_is_about(tmp_path: Path, only: Only, attempts: int) -> None:
    report = replace(BREAKOUT, only=(only,))
    got = table(reporting(tmp_path), report, group_by="", columns="attempts")
    assert shown(got) == [(attempts,)]


def test_a_part_is_a_sum_with_a_condition(tmp_path: Path) -> None:
    measure = Measure("busy", "Busy", Kind.COUNT, Formula("busy"), "Attempts with 503.")
    report = replace(
        BREAKOUT,
        measures=(*BREAKOUT.measures, measure),
        parts=(Part("busy", "attempts", "sip_code", ("503",)),),
    )
    got = table(reporting(tmp_path), report, group_by="customer_id", columns="busy,attempts")
    assert shown(got) == [("101", 2, 12), ("102", 0, 5), ("103", 0, 3)]
    assert got.totals[1:3] == (2, 20)


# Variants and panels


def test_a_member_is_found_by_its_option_or_its_own_name() -> None:
    assert find_report("usa-calls", REPORTS).name == "usa-calls-state"
    assert find_report("usa-calls", REPORTS, "lata").name == "usa-calls-lata"
    assert find_report("usa-calls-network", REPORTS).name == "usa-calls-network"
    assert find_report("usa-rate-center", REPORTS, "destination").only[0].values == ("destination",)
    with pytest.raises(ReportError, match="unknown type 'sate': did you mean 'state'"):
        find_report("usa-calls", REPORTS, "sate")
    with pytest.raises(ReportError, match="unknown side 'from': choose from origin, destination"):
        find_report("usa-rate-center", REPORTS, "from")


def with_panel(panel: Panel) -> Report:
    """Breakout with a flag: z = (dtmf - connected) / sqrt(attempts) below -1."""
    score = Score("dtmf_calls", "connected", "attempts")
    flag = Measure("low", "Low", Kind.FLAG, Flagged(score, -1, "connected", 2), "Few digits.")
    z = Measure("z", "z", Kind.SCORE, score, "How few.")
    return replace(BREAKOUT, measures=(*BREAKOUT.measures, flag, z), panels=(panel,))


def grid(folder: Path, panel: Panel, **asked: Any) -> Any:
    of = reporting(folder)
    request = request_for(of, with_panel(panel), Asked(**asked), DAYS, people=True)
    (made,) = make_document(of, request, GENERATED).panels
    return made


def test_a_panel_is_a_table_of_its_own(tmp_path: Path) -> None:
    panel = Panel("All", ("provider",), ("connected", "z"), sort="-connected", where="provider")
    # Whatever the report is grouped and sorted by, and however many rows it shows.
    made = grid(tmp_path, panel, group_by="date", sort="date", top=1)
    assert [c.name for c in made.columns] == ["provider", "connected", "z"]
    (section,) = made.sections
    # (1 - 7) / sqrt(13) and (0 - 1) / sqrt(5); the attempt without a provider has no row.
    assert [r[:3] for r in section.rows] == [
        ("Tierone", 7, Decimal("-1.664100588676")),
        ("Budget Routes", 1, Decimal("-0.447213595500")),
    ]
    assert section.of == 2
    assert made.table.totals == ()


def test_a_panel_shows_those_that_are_flagged(tmp_path: Path) -> None:
    panel = Panel("Low", ("provider",), ("connected",), "z", flagged="low", empty="None is low.")
    made = grid(tmp_path / "a", panel)
    assert [r[0] for r in made.sections[0].rows] == ["Tierone"]
    assert "low" not in [c.name for c in made.columns]
    # Only the other provider: nothing is flagged, which is said.
    made = grid(tmp_path / "b", panel, providers=["9"])
    assert made.sections == ()
    assert made.empty == "None is low."


def test_a_panel_cuts_its_rows_and_says_so(tmp_path: Path) -> None:
    made = grid(tmp_path, Panel("All", ("customer_id",), ("attempts",), "-attempts", rows=2))
    (section,) = made.sections
    assert [r[:2] for r in section.rows] == [("101", 12), ("102", 5)]
    assert section.of == 3


# Anything that can be asked adds up


BASES = {
    member.name: [d.name for d in member.dimensions]
    for name in ("breakout", "tech-prefix", "usa-calls")
    for member in REPORTS[name].members.values()
}
EVIL = st.sampled_from(["x'); DROP TABLE t; --", '"', "a;b", "\0", "\u202e", "101", "7", "200"])


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, list[str], list[str], list[str]]:
    name = draw(st.sampled_from(sorted(BASES)))
    dimensions = [d for d in BASES[name] if d != "hour"]
    group = draw(st.lists(st.sampled_from(dimensions), max_size=4, unique=True))
    kept = draw(st.lists(EVIL | st.text(max_size=6), min_size=1, max_size=3))
    by = draw(st.sampled_from([d for d in dimensions if d != "hour_of_day"]))
    return name, group, kept, [by] if draw(st.booleans()) else []


@given(questions())
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_grouping_under_any_filter_adds_up(
    usa: Reporting, tmp_path: Path, question: tuple[str, list[str], list[str], list[str]]
) -> None:
    name, group, values, by = question
    report = find_report(name, REPORTS)
    if not (tmp_path / "breakout_daily").exists():
        reporting(tmp_path)
    additive = [m.name for m in report.measures if m.formula.additive and not m.per_currency]
    if name.startswith("usa"):
        additive = [n for n in additive if "charge" not in n]
    quoted = ",".join('"' + value.replace('"', '""') + '"' for value in values)
    asked: dict[str, Any] = {
        "columns": ",".join(additive),
        "filters": [f"{dimension}={quoted}" for dimension in by],
    }
    whole = table(usa, report, group_by="", **asked)
    parts = table(usa, report, group_by=",".join(group), **asked)
    for figure in additive:
        at = parts.position(figure)
        found = [r[at] for r in parts.rows if r[at] is not None]
        total = whole.rows[0][whole.position(figure)]
        assert sum(found) == (total or 0)  # type: ignore[arg-type]
        assert not (parts.rows and group) or parts.totals[at] == total
    keys = [r[: len(group)] for r in parts.rows]
    assert len(set(keys)) == len(keys)
