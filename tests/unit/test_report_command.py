"""The command `report`: options in, output where it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pipelines.cli.report import report
from pipelines.settings import Settings
from resources.reporting.errors import ReportError
from resources.reporting.interfaces import Reporting
from tests.unit.report_tables import reporting, some_notices

DAYS = ["--from", "2026-03-06", "--to", "2026-03-08"]


@dataclass
class Context:
    settings: Settings
    made: Reporting

    def reporting(self) -> Reporting:
        return self.made


@pytest.fixture
def context(tmp_path: Path) -> Context:
    made = reporting(tmp_path / "tables", notices=some_notices)
    return Context(Settings(home=tmp_path), made)  # type: ignore[call-arg]


def run(context: Context, *arguments: str) -> Result:
    return CliRunner().invoke(report, arguments, obj=context)


def test_csv_to_standard_output_and_notices_beside_it(context: Context) -> None:
    got = run(
        context, "breakout", *DAYS, "--group-by", "", "--columns", "attempts,asr", "--format", "csv"
    )
    assert got.exit_code == 0
    assert got.stdout == "attempts,asr\n20,0.4\n"
    assert got.stderr.startswith("notice: 1 of 3 days holds no data: 2026-03-07.\n")


def test_options_reach_the_report(context: Context) -> None:
    got = run(
        context,
        *("breakout", *DAYS, "--format", "csv", "--group-by", "customer_id", "--top", "1"),
        *("--columns", "profit_usd", "--sort", "-profit_usd,customer_id"),
        *("--customers", "102", "--customers", "<b>Nimbus</b>", "--providers", "7,Budget Routes"),
    )
    assert got.stdout == "customer_id,profit_usd\n101,4\n"


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (["sip_code=20"], ["No call has sip_code '20': did you mean '200'?"]),
        (["sip_code=abc"], ["No call has sip_code 'abc': there are '', '200', '503'."]),
        (["customer=102"], []),  # an id is no mistake
        (["customer=102", "sip_code=503"], []),  # nor are two that do not meet
        (["sip_code=200,abc"], []),  # there are such calls
    ],
)
@pytest.mark.parametrize(("group", "fmt"), [("", "csv"), ("provider_id", "csv"), ("", "xlsx")])
def test_a_filter_that_nothing_matches_is_explained(
    context: Context, group: str, fmt: str, filters: list[str], said: list[str]
) -> None:
    options = [option for each in filters for option in ("--filter", each)]
    got = run(context, "breakout", *DAYS, "--format", fmt, "--group-by", group, *options)
    assert got.exit_code == 0
    told = [line for line in got.stderr.splitlines() if "No call has" in line]
    assert told == [f"notice: {line}" for line in said]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (["--from", "2026-03-09", "--to", "2026-03-09"], "8 March 2026."),
        (["--from", "2026-03-08", "--to", "2026-03-08"], "7 March 2026, of which 1 day without"),
    ],
)
def test_a_comparison_says_with_what(context: Context, days: list[str], said: str) -> None:
    got = run(context, "breakout", *days, "--format", "csv", "--compare", "previous")
    assert f"notice: Change against {said}" in got.stderr


@pytest.mark.parametrize("rows", ["0", "-1", "2147483648", "many"])
def test_a_number_of_rows_that_is_none_is_refused(context: Context, rows: str) -> None:
    got = run(context, "breakout", *DAYS, "--top", rows)
    assert got.exit_code != 0
    assert "--top" in got.stderr
    assert rows in got.stderr


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.parquet", "r.xlsx", "r.html"])
def test_the_file_decides_the_format(context: Context, tmp_path: Path, name: str) -> None:
    got = run(context, "breakout", *DAYS, "--output", str(tmp_path / name))
    assert got.exit_code == 0, got.output
    assert got.stdout == ""
    first = {"csv": b"customer,", "json": b"[", "parquet": b"PAR1", "xlsx": b"PK",
             "html": b"<!DOCTYPE html>"}  # fmt: skip
    assert (tmp_path / name).read_bytes().startswith(first[name[2:]])


def test_table(context: Context) -> None:
    got = run(context, "breakout", *DAYS, "--group-by", "provider")
    assert "Breakout, 6–8 March 2026 (UTC)" in got.stdout
    assert "Totals" in got.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["brekout", *DAYS], "unknown report 'brekout': did you mean 'breakout'?"),
        (["breakout"], "--from and --to missing"),
        (["breakout", "--last", "7days"], "unknown period '7days'"),
        (["breakout", *DAYS, "--group-by", "custmer"], "did you mean 'customer'?"),
        (["breakout", *DAYS, "--format", "cvs"], "did you mean 'csv'?"),
        (["breakout", *DAYS, "--customers", "Nimbus"], "did you mean '<b>Nimbus</b>'?"),
        (["breakout", *DAYS, "--email", "nobody"], "'nobody' is no e-mail address"),
        (["breakout", *DAYS, "--email", "a@b.c\nBcc: x@y.z"], "holds a line break"),
        (["breakout", *DAYS, "--email", ""], "--email is empty"),
        (["breakout", *DAYS, "--email", " , "], "--email is empty"),
        (["breakout", *DAYS, "--output", "/nowhere/x.csv"], "cannot write"),
    ],
)
def test_refusals(context: Context, arguments: list[str], said: str) -> None:
    got = run(context, *arguments)
    assert got.exit_code == 2
    assert said in got.output
    assert "Traceback" not in got.output


def test_a_wrong_setting_is_no_wrong_option(context: Context) -> None:
    class OtherZone(Context):
        def reporting(self) -> Reporting:
            raise ReportError("CDR_REPORTS_TIMEZONE is UTC, but")

    got = run(OtherZone(context.settings, context.made), "breakout", *DAYS)
    assert (got.exit_code, got.output) == (1, "Error: CDR_REPORTS_TIMEZONE is UTC, but\n")


def test_help_names_dimensions_and_measures(context: Context) -> None:
    text = " ".join(run(context, "breakout", "--help").output.split())
    assert "customer_destination" in text
    assert "dtmf_percent" in text
    assert isinstance(report, click.Group)


OWN = """\
title: The two
report: breakout
group: customer_id
columns: attempts
filters:
  customers: [101, 102]
"""


@pytest.fixture
def with_own(context: Context, tmp_path: Path) -> Context:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "two.yaml").write_text(OWN)
    (tmp_path / "reports" / "bad.yaml").write_text("title: a\nreport: breakout\ntop: x\n")
    return context


def test_a_report_of_ones_own_is_made_like_any_other(with_own: Context) -> None:
    got = run(with_own, "two", *DAYS, "--format", "csv")
    assert got.stdout == "customer_id,attempts\n101,12\n102,5\n"
    got = run(with_own, "two", *DAYS, "--format", "csv", "--filter", "customer_id=102,103")
    assert got.stdout == "customer_id,attempts\n102,5\n"
    assert "The two, 6–8 March 2026" in run(with_own, "two", *DAYS).stdout
    assert "--compare" in run(with_own, "two", "--help").output


def test_a_wrong_one_breaks_nothing_else_and_says_what_is_wrong(with_own: Context) -> None:
    got = run(with_own, "breakout", *DAYS, "--format", "csv", "--group-by", "")
    assert got.exit_code == 0
    assert "bad" not in got.output
    got = run(with_own, "bad", *DAYS)
    assert got.exit_code == 2
    assert "line 3: top is a number of rows from 1, not 'x'" in got.output
    listed = run(with_own, "--help")
    assert "  two " in listed.stdout
    assert "warning: report 'bad' is left out: " in listed.stderr
    assert "did you mean 'two'?" in run(with_own, "tow", *DAYS).output
