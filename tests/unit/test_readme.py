"""README against the program: settings, commands, reasons, checks and columns are all there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import sql
from pipelines.cli.main import cli
from pipelines.cli.report import report
from pipelines.settings import PREFIX, SECRETS, Settings
from resources.expectations import expectations
from resources.intake import records
from resources.reporting.describe import markdown
from resources.reporting.model import Family
from resources.reporting.output import FORMATS
from resources.reporting.reports import REPORTS
from resources.sources import SOURCES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text from a heading of the second level to the next."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.M | re.S)
    assert found, f"no section {title!r}"
    return found[1]


def table_rows(title: str, heading: str) -> list[list[str]]:
    """The cells of the table in a section whose first heading is this one, without the head."""
    rows: list[list[str]] = []
    inside = False
    for line in section(title).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] == heading:
            inside = True
        elif inside and not line.startswith("|"):
            break
        elif inside and not line.startswith("|---"):
            rows.append(cells)
    return rows


def coded(text: str) -> list[str]:
    """What stands between backticks, blocks of code left out."""
    return re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def members(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command}


def commands(group: click.Group, path: str) -> Iterator[str]:
    for name, command in members(group).items():
        if command is report:
            yield f"{path} {name}"  # NAME is any report; they are introduced by themselves
        elif isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{path} {name}"
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


def default_of(name: str) -> str:
    """The default as it would be written into `.env`."""
    if name == "threads":
        return "one per core"
    value = Settings.model_fields[name].get_default(call_default_factory=True)
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if name in ("nightly_at", "expected_by", "upkeep_at"):
        return f"{value:%H:%M}"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def test_settings_are_all_there_with_their_defaults() -> None:
    said = {
        coded(name)[0]: default.strip("`") for name, _, default in table_rows("Settings", "name")
    }
    assert said == {f"{PREFIX}{name.upper()}": default_of(name) for name in Settings.model_fields}


def test_every_setting_has_a_meaning() -> None:
    assert all(meaning for _, meaning, _ in table_rows("Settings", "name"))


def test_no_setting_is_mentioned_that_does_not_exist() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", README)) <= known


def test_every_command_is_there_and_no_other() -> None:
    said = [coded(name)[0] for name, _ in table_rows("Commands", "command")]
    bare = [" ".join(word for word in name.split() if not word.isupper()) for name in said]
    assert sorted(bare) == sorted(commands(cli, "cdr-reports"))


def test_commands_in_the_examples_exist() -> None:
    known = [*commands(cli, "cdr-reports")]
    shown = re.findall(r"\.venv/bin/(cdr-reports(?: [a-z]+)+)", README)
    assert shown
    for command in shown:
        assert any(command == k or command.startswith(f"{k} ") for k in known), command


def test_options_in_the_examples_exist() -> None:
    def options(group: click.Group) -> Iterator[str]:
        for command in members(group).values():
            yield from (name for p in command.params for name in p.opts)
            if isinstance(command, click.Group):
                yield from options(command)

    lines = [line for line in README.splitlines() if ".venv/bin/cdr-reports" in line]
    used = {name for line in lines for name in re.findall(r"(?<= )--[a-z-]+", line)}
    assert used <= {*options(cli), "--help"}


def test_make_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {t for t in re.findall(r"^([a-z-]+):.*## ", makefile, re.M) if t != "help"}
    said = {coded(cells[0])[0].removeprefix("make ") for cells in table_rows("Commands", "target")}
    assert said == targets


def test_every_reason_for_quarantine_and_no_other() -> None:
    judged = re.search(r"CONCAT_WS\((.*?)\n {12}\), ''\)\n", sql.text("delivered/delivered"), re.S)
    assert judged
    possible = set(re.findall(r"THEN '([a-z_]+)'", judged[1]))
    possible |= {records.WRONG_COLUMN_COUNT, records.INVALID_ENCODING, records.MALFORMED_ROW}
    assert len(possible) > 10
    said = [coded(cells[0])[0] for cells in table_rows("Quarantine", "reason")]
    assert sorted(said) == sorted(possible)


def test_the_reader_gives_no_reason_but_its_constants() -> None:
    constants = {
        value
        for name, value in vars(records).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch(r"[a-z]+(_[a-z]+)+", value)
    }
    assert constants == {
        records.WRONG_COLUMN_COUNT, records.INVALID_ENCODING, records.MALFORMED_ROW
    }  # fmt: skip


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_every_check_with_its_severity(severity: str) -> None:
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|$", checks_table(severity), re.M)
    said = [name for names, _ in rows for name in coded(names)]
    assert sorted(said) == sorted(n for n, (s, _) in expectations().items() if s == severity)


def checks_table(severity: str) -> str:
    found = re.search(
        rf"^\| check \| {severity} when \|\n(.*?)(?=\n\n)", section("Checks"), re.M | re.S
    )
    assert found
    return found[1]


def test_the_reference_of_the_reports_is_the_catalogue() -> None:
    found = re.search(r"^<!-- reports: .*? -->\n\n(.*?)\n<!-- /reports -->", README, re.M | re.S)
    assert found
    assert found[1] == markdown(REPORTS), "put `cdr-reports reports --format markdown` there"


@pytest.mark.parametrize("family", REPORTS.values(), ids=list(REPORTS))
def test_every_report_is_introduced_with_its_option(family: Family) -> None:
    text = section("Reports")
    assert f"**{family.title}** " in text
    assert not family.option or f"`--{family.option} " in text
    assert all(f"{choice}`" in text for choice in family.members if choice)


def test_every_option_of_a_report() -> None:
    options = {o for c in report.commands.values() for p in c.params for o in p.opts}
    assert options - {"--help"} <= set(re.findall(r"--[a-z-]+", section("Reports")))


def test_every_format() -> None:
    assert set(FORMATS) <= set(coded(section("Reports")))


def test_every_source_and_the_required_columns() -> None:
    said = [coded(cells[0])[0] for cells in table_rows("What goes in", "source")]
    assert sorted(said) == sorted(SOURCES)
    for name, *_, time, _ in table_rows("What goes in", "source"):
        assert (time == "local") == SOURCES[coded(name)[0]].local_times
    assert f"`{', '.join(SOURCES['connexcs'].columns)}`" in section("What goes in")


def test_links_within_the_page_lead_somewhere() -> None:
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", README, re.M)}
    links = set(re.findall(r"\]\(#([^)]+)\)", README))
    assert links
    assert links <= anchors


def test_files_that_are_named_exist() -> None:
    rooms = "pipelines|assets|resources|sql|explorer|tests|deploy"
    names = re.findall(rf"`((?:{rooms})/[\w/.]+\.\w+)`", README)
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_changelog_keeps_its_form() -> None:
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.M)
    assert headings[0] == "[Unreleased]"
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.M)) <= kinds
