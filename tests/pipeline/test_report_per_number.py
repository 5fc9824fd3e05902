"""Per Number through the command: the golden data, what is refused, what people see."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from pipelines.assembly import Workplace
from pipelines.cli.report import report
from pipelines.reporting import open_reporting
from pipelines.settings import Settings
from resources.reporting.interfaces import Reporting
from tests.pipeline.home import GOLDEN, build_all
from tests.unit.test_report_files import sheet

NUMBER = "12122260001"
MARCH = ("--from", "2026-03-01", "--to", "2026-03-31")


@dataclass
class Context:
    settings: Settings
    made: Reporting

    def reporting(self) -> Reporting:
        return self.made


@pytest.fixture(scope="module")
def context(golden_home: Workplace) -> Context:
    build_all(golden_home)
    return Context(golden_home.settings, open_reporting(golden_home))


def run(context: Context, *arguments: str, stdin: str | None = None) -> Result:
    given = ["per-number", *arguments]
    return CliRunner().invoke(report, given, obj=context, input=stdin)


def rows(context: Context, *arguments: str, stdin: str | None = None) -> list[dict[str, str]]:
    got = run(context, *MARCH, "--format", "csv", *arguments, stdin=stdin)
    assert got.exit_code == 0, got.output
    return list(csv.DictReader(io.StringIO(got.stdout)))


def test_every_call_of_the_golden_number(context: Context) -> None:
    """All files and figures of expected/per_number_12122260001.csv, through the command's CSV."""
    wanted_columns = "callid,branch_idx,customer_charge,duration,provider_charge"
    found = rows(context, "--number", NUMBER, "--columns", wanted_columns)
    with (GOLDEN / "expected" / f"per_number_{NUMBER}.csv").open(newline="") as handle:
        wanted = list(csv.DictReader(handle))
    assert len(found) == len(wanted)

    def told(
        lines: Sequence[dict[str, str]],
    ) -> set[tuple[str, Decimal, Decimal, Decimal, Decimal]]:
        return {
            (
                line["callid"],
                Decimal(line["branch_idx"]),
                Decimal(line["customer_charge"]),
                Decimal(line["duration"]),
                Decimal(line["provider_charge"]),
            )
            for line in lines
        }

    assert told(found) == told(wanted)


def test_newest_first_and_cut_at_the_top(context: Context) -> None:
    every = rows(context, "--number", NUMBER)
    times = [line["dt"] for line in every]
    assert times == sorted(times, reverse=True)
    assert rows(context, "--number", NUMBER, "--top", "3") == every[:3]


def test_both_sides_add_up(context: Context) -> None:
    sides = [
        {
            (line["callid"], line["branch_idx"])
            for line in rows(context, "--number", NUMBER, "--as", side)
        }
        for side in ("cli", "destination", "either")
    ]
    assert sides[0] | sides[1] == sides[2]


def test_any_spelling_and_numbers_of_a_file(context: Context, tmp_path: Path) -> None:
    listed = tmp_path / "numbers.txt"
    listed.write_text(f"# ours\n\n+1 (212) 226-0001\n{NUMBER}\n", encoding="utf-8")
    every = rows(context, "--number", NUMBER)
    assert rows(context, "--numbers-file", str(listed)) == every
    assert rows(context, "--numbers-file", "-", stdin="1-212-226-0001\n") == every


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*MARCH, "--number", "twelve"], "'twelve'"),
        ([*MARCH], "number"),
        ([*MARCH, "--number", NUMBER, "--as", "cly"], "did you mean 'cli'?"),
        ([*MARCH, "--number", NUMBER, "--columns", "calid"], "did you mean 'callid'?"),
        ([*MARCH, "--number", NUMBER, "--top", "0"], "at least 1"),
        ([*MARCH, "--numbers-file", "/nowhere"], "cannot be read"),
        (["--from", "2026-01-01", "--to", "2026-07-04", "--number", NUMBER], "at most 184"),
    ],
)
def test_refusals(context: Context, arguments: list[str], said: str) -> None:
    got = run(context, *arguments)
    assert got.exit_code == 2
    assert said in got.output
    assert "Traceback" not in got.output


def test_a_line_that_is_no_number_is_named(context: Context, tmp_path: Path) -> None:
    listed = tmp_path / "numbers.txt"
    listed.write_text(f"# ours\n\n{NUMBER}\n  twelve\n", encoding="utf-8")
    got = run(context, *MARCH, "--numbers-file", str(listed))
    assert got.exit_code == 2
    assert f"--numbers-file {listed}, line 4: 'twelve' is no telephone number" in got.output
    # One that was typed stands in no file.
    got = run(context, *MARCH, "--numbers-file", str(listed), "--number", "twelve")
    assert "Error: 'twelve' is no telephone number" in got.output


def test_formats_agree(context: Context, tmp_path: Path) -> None:
    chosen = ("--number", NUMBER, "--columns", "callid,branch_idx,duration,dt")
    every = rows(context, *chosen)
    for name in ("calls.json", "calls.parquet", "calls.xlsx", "calls.html", "calls.pdf"):
        got = run(context, *MARCH, *chosen, "--output", str(tmp_path / name))
        assert got.exit_code == 0, got.output
    typed = json.loads((tmp_path / "calls.json").read_text(), parse_float=Decimal)
    assert [Decimal(line["duration"]) for line in typed] == [
        Decimal(line["duration"]) for line in every
    ]
    stored = pq.read_table(tmp_path / "calls.parquet")
    assert stored["callid"].to_pylist() == [line["callid"] for line in every]
    with zipfile.ZipFile(tmp_path / "calls.xlsx") as book:
        assert book.read("xl/worksheets/sheet1.xml").count(b"<row ") == len(every) + 1
        assert b'name="Summary"' in book.read("xl/workbook.xml")
    page = (tmp_path / "calls.html").read_text()
    assert f"{len(every):,}" in page
    assert (tmp_path / "calls.pdf").read_bytes().startswith(b"%PDF")


def test_a_sheet_holds_times_and_amounts_that_sort_and_add_up(
    context: Context, tmp_path: Path
) -> None:
    every = rows(context, "--number", NUMBER)
    path = tmp_path / "calls.xlsx"
    asked = ("--number", NUMBER, "--columns", "dt", "--output", str(path))
    assert run(context, *MARCH, *asked).exit_code == 0
    _, *times = sheet(path.read_bytes(), 1)
    zone = ZoneInfo(context.made.timezone)
    for (cell,), line in zip(times, every, strict=True):
        began = datetime.fromisoformat(line["dt"]).replace(microsecond=0, tzinfo=UTC)
        local = began.astimezone(zone).replace(tzinfo=UTC)  # a sheet has no zones
        since = local - datetime(1899, 12, 30, tzinfo=UTC)
        assert (cell[0], round(float(cell[1]) * 86400)) == ("n", since.total_seconds())
    head, summary = sheet(path.read_bytes(), 2)
    found = {title: cell for (_, title), cell in zip(head, summary, strict=True)}
    for side in ("customer", "provider"):
        sums: dict[str, Decimal] = {}
        for line in every:
            if (code := line[f"{side}_currency"]) and (charge := line[f"{side}_charge"]):
                sums[code] = sums.get(code, Decimal(0)) + Decimal(charge)
        assert sums
        for code, total in sums.items():
            kind, text = found[f"{side.capitalize()} Charge ({code})"]
            assert kind == "n"
            assert Decimal(text) == total
    assert found["First Call"][0] == found["Last Call"][0] == "n"


def test_the_terminal_sums_up_first(context: Context) -> None:
    every = rows(context, "--number", NUMBER)
    shown = run(context, *MARCH, "--number", NUMBER).stdout
    summary, _, calls = shown.partition("Calls, newest first")
    assert NUMBER in summary
    assert str(len(every)) in summary
    assert calls.count("\n") > len(every)


def test_a_page_defines_each_figure_once_and_in_words(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "calls.html"
    assert run(context, *MARCH, "--number", NUMBER, "--output", str(path)).exit_code == 0
    terms = re.findall(r"<dt>(.*?)</dt> <dd>(.*?)</dd>", path.read_text(encoding="utf-8"))
    titles = [title for title, _ in terms]
    assert len(titles) == len(set(titles))
    assert ("Duration in the Summary", "Sum of talk time.") in terms
    assert not any("_" in definition for _, definition in terms)
