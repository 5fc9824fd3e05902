"""Files for machines and workbooks: exact, typed, harmless."""

from __future__ import annotations

import csv
import io
import json
import os
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.reporting.breakout import BREAKOUT
from resources.reporting.errors import ReportError
from resources.reporting.figures import request_for
from resources.reporting.files import neutral, plain
from resources.reporting.model import Report
from resources.reporting.output import Sums, choose_format, for_people, new_file, render
from resources.reporting.request import Asked
from tests.unit.report_tables import DAYS, GENERATED, ROWS, reporting, row, some_notices

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Made:
    content: bytes
    notices: tuple[str, ...]


def write_file(path: Path, content: bytes) -> None:
    with new_file(path) as stream:
        stream.write(content)


def make(
    folder: Path,
    fmt: str,
    report: Report = BREAKOUT,
    rows: Sequence[dict[str, Any]] = ROWS,
    **asked: Any,
) -> Made:
    of = reporting(folder, rows, notices=some_notices)
    request = request_for(of, report, Asked(**asked), DAYS, people=for_people(fmt))
    stream = io.BytesIO()
    notices = render(Sums(of, request), fmt, GENERATED, stream)
    return Made(stream.getvalue(), notices)


def test_csv_is_exact_and_empty_where_nothing_is(tmp_path: Path) -> None:
    made = make(tmp_path, "csv", group_by="date,customer", columns="profit_usd,profit_percent,asr")
    assert made.content.decode() == (
        "date,customer,profit_usd,profit_percent,asr\n"
        "2026-03-06,<b>Nimbus</b>,4,40,0.4\n"
        "2026-03-06,'=cmd()|calc,-0.5,-50,0.2\n"
        "2026-03-07,<b>Nimbus</b>,0,,0\n"
        "2026-03-08,103,,,1\n"
    )


def test_csv_holds_rows_only_and_says_notices_elsewhere(tmp_path: Path) -> None:
    made = make(tmp_path, "csv")
    assert len(list(csv.DictReader(io.StringIO(made.content.decode())))) == 4
    assert made.notices == (
        "1 of 3 days holds no data: 2026-03-07.",
        "1 of 3 days is stale: 2026-03-08. Newer deliveries are not in these figures yet.",
        "1 of 3 days failed its checks: 2026-03-06. The latest build was held back; "
        "the figures are those published before, if any.",
        "Converted amounts use exchange rates older than 7 days for 2 attempts.",
    )


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1dx"])
def test_formulas_are_neutralised(text: str) -> None:
    assert neutral(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=1", "1-2", "Ω", "'=1"])
def test_other_text_is_left_alone(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize(
    ("number", "printed"),
    [
        (Decimal("0.000000000000"), "0"),
        (Decimal("-0.0"), "0"),
        (Decimal("100.000"), "100"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-12"), "0.000000000001"),
        (Decimal("-1.50"), "-1.5"),
        (100, "100"),
    ],
)
def test_numbers_are_printed_plainly(number: Decimal | int, printed: str) -> None:
    assert plain(number) == printed


def test_json_is_typed(tmp_path: Path) -> None:
    made = make(
        tmp_path, "json", group_by="date,customer", columns="attempts,provider_charge_gbp,acd"
    )
    rows = json.loads(made.content, parse_float=Decimal)
    assert rows[0] == {
        "date": "2026-03-06",
        "customer": "<b>Nimbus</b>",
        "attempts": 10,
        "provider_charge_gbp": Decimal("4.8"),
        "acd": 150,
    }
    assert rows[3]["provider_charge_gbp"] is None
    assert rows[1]["customer"] == "=cmd()|calc"


def test_json_of_no_rows(tmp_path: Path) -> None:
    assert json.loads(make(tmp_path, "json", customers=["104"]).content) == []


def test_parquet_keeps_decimals_and_dates(tmp_path: Path) -> None:
    made = make(tmp_path, "parquet", group_by="date,hour,customer_currency")
    found = pq.read_table(io.BytesIO(made.content))
    assert found.schema.field("date").type == pa.date32()
    assert found.schema.field("attempts").type == pa.int64()
    assert found.schema.field("customer_charge").type == pa.decimal128(38, 8)
    assert found.schema.field("asr").type == pa.decimal128(38, 12)
    first = found.to_pylist()[0]
    assert first["date"] == date(2026, 3, 6)
    assert first["hour"] == "2026-03-06 22:00:00"
    assert first["customer_charge"] == 8


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("About", "About 2"),
        ("Traffic of all of the Customer's providers", "Traffic of all of the Customer"),
        ("''", "Sheet"),
        ("a/b: [c]?", "a b   c"),
    ],
)
def test_a_sheet_is_called_after_any_title(tmp_path: Path, title: str, name: str) -> None:
    made = make(tmp_path, "xlsx", replace(BREAKOUT, title=title))
    with zipfile.ZipFile(io.BytesIO(made.content)) as book:
        root = ET.fromstring(book.read("xl/workbook.xml"))  # noqa: S314 - our own
    assert [each.get("name") for each in root.iter(f"{SHEET}sheet")] == [name, "About"]


def sheet(content: bytes, number: int) -> list[list[tuple[str, str]]]:
    """Rows of a sheet as (type, text) of each cell; type `n` is a number."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        root = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314 - our own
    assert root.find(f".//{SHEET}f") is None
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in line.iter(f"{SHEET}c")]
        for line in root.iter(f"{SHEET}row")
    ]


def test_xlsx_holds_numbers_harmless_text_and_totals(tmp_path: Path) -> None:
    made = make(
        tmp_path, "xlsx", group_by="customer,customer_destination", columns="profit_usd,attempts"
    )
    assert made.notices == ()
    head, first, *_, totals = sheet(made.content, 1)
    assert [text for _, text in head] == [
        "Customer",
        "Customer Card Destination Name",
        "Profit (USD)",
        "Attempts",
    ]
    assert first == [
        ("inlineStr", "'=cmd()|calc"),
        ("inlineStr", "'+44 Mobile"),
        ("n", "-0.500000000000"),
        ("n", "5"),
    ]
    assert totals == [("inlineStr", "Totals"), ("n", ""), ("n", "3.500000000000"), ("n", "20")]


def test_xlsx_holds_hours_as_times(tmp_path: Path) -> None:
    made = make(tmp_path, "xlsx", group_by="hour", columns="attempts", sort="hour")
    # The 6th of March 2026 is day 46,087 of a sheet; 22 hours are eleven twelfths of a day.
    (kind, text), attempts = sheet(made.content, 1)[1]
    assert (kind, round(float(text), 6), attempts) == ("n", 46087.916667, ("n", "15"))


def test_xlsx_says_codes_in_words_and_on_one_line(tmp_path: Path) -> None:
    said = {"503": "Service\nunavailable"}
    dimensions = tuple(replace(d, said=said) if d.name == "sip_code" else d
                       for d in BREAKOUT.dimensions)  # fmt: skip
    report = replace(BREAKOUT, dimensions=dimensions)
    made = make(tmp_path, "xlsx", report, group_by="sip_code", columns="attempts", sort="attempts")
    assert sheet(made.content, 1)[1] == [("inlineStr", "Service unavailable"), ("n", "2")]


def test_xlsx_has_room_for_what_stands_in_it(tmp_path: Path) -> None:
    name = "International Wholesale Voice Carrier of Europe"
    rows = [row(6, name, "7", 1, 1, "1", customer_charge_usd="1234567890123")]
    columns = "customer_charge_usd,cost_per_dtmf_digit_usd"
    made = make(tmp_path, "xlsx", rows=rows, group_by="customer", columns=columns)
    with zipfile.ZipFile(io.BytesIO(made.content)) as book:
        root = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    customer, charge, cost = (float(c.get("width", 0)) for c in root.iter(f"{SHEET}col"))
    assert (customer >= len(name), charge >= len("1,234,567,890,123.0000")) == (True, True)
    # "Cost per DTMF Digit (USD)" in twelve digits' width: three lines of 15 points.
    assert (cost < 13, next(root.iter(f"{SHEET}row")).get("ht")) == (True, "45")


def test_xlsx_says_what_it_is_about(tmp_path: Path) -> None:
    about = {
        title[1]: text[1]
        for title, text in sheet(make(tmp_path, "xlsx", customers=["102"]).content, 2)
    }
    assert about["Period"] == "6–8 March 2026"
    assert about["Customers"] == "'=cmd()|calc"
    assert about["ASR"].startswith("Answer-seizure ratio")
    assert "Notice" in about


@pytest.mark.parametrize(
    ("asked", "path", "fmt"),
    [
        (None, None, "table"),
        (None, "-", "table"),
        (None, "a/b.PDF", "pdf"),
        (None, "x.htm", "html"),
        ("csv", "x.txt", "csv"),
        ("pdf", "x", "pdf"),
    ],
)
def test_format(asked: str | None, path: str | None, fmt: str) -> None:
    assert choose_format(asked, path) == fmt


@pytest.mark.parametrize(
    ("asked", "path"), [("exel", None), (None, "x.doc"), (None, "x"), ("xlsx", "x.pdf")]
)
def test_no_format(asked: str | None, path: str | None) -> None:
    with pytest.raises(ReportError, match="xlsx"):
        choose_format(asked, path)


def test_a_link_stays_one_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    """So does /dev/null, which root could replace by a file."""
    target, link, pipe = (tmp_path / name for name in ("target", "link", "pipe"))
    target.write_text("old")
    link.symlink_to("target")
    with new_file(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with new_file(pipe) as stream:
        stream.write(b"new")
    assert os.read(reader, 9) == b"new"
    os.close(reader)
    assert pipe.is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe", "target"]


def test_a_file_is_whole_or_as_before(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_file(path, b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    with pytest.raises(ReportError, match="cannot write"):
        write_file(tmp_path / "missing" / "a.csv", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReportError, match="cannot write"):
        write_file(tmp_path / "folder", b"")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "folder"]
