"""`cdr-reports reports`: what there is, and what each report can tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipelines.cli.reports import reports
from pipelines.settings import Settings
from resources.reporting.describe import Entry, entries, markdown, variants
from resources.reporting.model import Column, Family, Report
from resources.reporting.reports import REPORTS
from tests.unit.test_report_command import Context

ALL = [member for family in REPORTS.values() for member in family.members.values()]


def run(folder: Path, *arguments: str, **settings: object) -> Result:
    made = Settings(home=folder, **settings)  # type: ignore[arg-type]
    return CliRunner().invoke(reports, arguments, obj=Context(made, None))  # type: ignore[arg-type]


def test_all_reports_with_their_options_and_purposes(tmp_path: Path) -> None:
    text = run(tmp_path).output
    for family in REPORTS.values():
        (line,) = [line for line in text.splitlines() if line.startswith(f"{family.name} ")]
        assert family.purpose in line
        assert f"--{family.option} {'|'.join(family.members)}" in line or not family.option


@pytest.mark.parametrize("family", REPORTS.values(), ids=list(REPORTS))
def test_one_report_with_all_that_it_has(tmp_path: Path, family: Family) -> None:
    got = run(tmp_path, "show", family.name)
    assert got.exit_code == 0
    for member in family.members.values():
        columns: tuple[Column, ...] = (*member.dimensions, *member.measures)
        for column in columns:
            assert column.name in got.output
    assert "parquet" in got.output


def test_default_columns_are_those_of_the_file(tmp_path: Path) -> None:
    """Charges in USD: the default groups do not tell the rate card's currency."""
    text = run(tmp_path, "show", "usa-rate-center").output
    wanted = "total_customer_charge_usd, total_provider_charge_usd, total_calls"
    assert f"Without --columns: {wanted}." in text


def test_definitions_hold_the_settings_in_force(tmp_path: Path) -> None:
    text = run(tmp_path, "show", "breakout", short_call_seconds=9).output
    assert "Connected calls of 9 seconds or less." in text


def test_an_unknown_report_is_refused_with_the_nearest(tmp_path: Path) -> None:
    got = run(tmp_path, "show", "usa-call")
    assert got.exit_code == 2
    assert "unknown report 'usa-call': did you mean 'usa-calls'?" in got.output


def test_markdown_is_the_reference(tmp_path: Path) -> None:
    assert run(tmp_path, "--format", "markdown").output == markdown(REPORTS)


def test_figures_that_differ_by_currency_only_are_one_entry() -> None:
    breakout = REPORTS["breakout"].members[""]
    found = entries([breakout.measure(n) for n in ("profit_usd", "attempts", "profit_gbp")], 6)
    assert found == [
        Entry(
            ("profit_usd", "profit_gbp"),
            "money",
            "Customer charge less provider charge, both in USD or GBP.",
        ),
        Entry(
            ("attempts",), "count", "Call attempts, each routing branch of a call counted."
        ),
    ]  # fmt: skip


def test_declarations_that_show_the_same_are_told_once() -> None:
    assert [choices for choices, _ in variants(REPORTS["usa-rate-center"])] == [
        ("origin", "destination")
    ]
    assert len(variants(REPORTS["usa-calls"])) == 3


@pytest.mark.parametrize("report", ALL, ids=[report.name for report in ALL])
def test_everything_has_a_definition_of_one_sentence(report: Report) -> None:
    columns: tuple[Column, ...] = (*report.dimensions, *report.measures)
    for column in columns:
        assert column.definition.endswith("."), column.name
        assert column.title


def test_a_report_of_ones_own_is_listed_shown_and_checked(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    path = tmp_path / "reports" / "uk.yaml"
    path.write_text(
        "title: UK\nreport: breakout\ntop: 5\nfilters:\n  country: GB\n", encoding="utf-8"
    )
    assert "Breakout, as uk.yaml declares it." in run(tmp_path).output
    text = run(tmp_path, "show", "uk").output
    assert "Only where country is GB." in text
    assert "Without --top: 5." in text
    got = run(tmp_path, "check", str(path))
    assert (got.exit_code, got.output) == (
        0, f"{path}: right. `cdr-reports report uk` makes it.\n"
    )  # fmt: skip


def test_check_says_all_that_is_wrong_by_line(tmp_path: Path) -> None:
    path = tmp_path / "uk.yaml"
    path.write_text("titel: UK\nreport: brekout\n\ncurrency: GPB\n", encoding="utf-8")
    got = run(tmp_path, "check", str(path))
    assert got.exit_code == 1
    assert got.output.splitlines() == [
        f"{path}:1: 'title' is missing",
        f"{path}:1: unknown key 'titel': did you mean 'title'?",
        f"{path}:2: unknown report 'brekout': did you mean 'breakout'?",
        f"{path}:4: unknown currency 'GPB': did you mean 'GBP'?",
    ]
    path.write_text("title: UK\nreport: breakout\n", encoding="utf-8")
    assert f"once it is in {tmp_path / 'reports'}." in run(tmp_path, "check", str(path)).output
