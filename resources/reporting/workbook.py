"""The XLSX renderer: the whole table with totals on one sheet, what it means on another.

Written in constant memory, row by row. Text is never a formula; numbers are numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from textwrap import wrap
from typing import IO, Any

from rich.cells import cell_len

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.document import Document
from resources.reporting.errors import ReportError
from resources.reporting.figures import Table
from resources.reporting.files import neutral
from resources.reporting.model import Column, Kind

MAX_ROWS = 1_048_576 - 2
"""Rows that a sheet holds besides its header and its totals."""

_FORMATS = {
    Kind.DATE: "yyyy-mm-dd",
    Kind.HOUR: "yyyy-mm-dd hh:mm",
    Kind.TIME: "yyyy-mm-dd hh:mm:ss",
    Kind.COUNT: "#,##0",
    Kind.SECONDS: "#,##0.0",
    # "?" leaves room for a digit, so that decimal points line up.
    Kind.MONEY: "#,##0.00??;[Red]-#,##0.00??",
    Kind.UNIT_COST: "#,##0.0000??",
    Kind.FRACTION: "0.0%",
    Kind.PERCENT: '0.0"%";[Red]-0.0"%"',
    Kind.MILLISECONDS: "#,##0",
    Kind.ESTIMATE: "#,##0.0",
    Kind.SCORE: "0.00",
    Kind.CHANGE: '+0.0"%";-0.0"%"',
    Kind.POINTS: '+0.0" pp";-0.0" pp"',
}
_ABOUT = "About"
_WIDTHS = {Kind.TEXT: 14, Kind.DATE: 11, Kind.HOUR: 19, Kind.TIME: 19, Kind.MONEY: 15}
"""Least widths of columns, in digits; 12 where nothing is said."""

_WIDEST = 60
_LINE = 15
"""Height of a line of a head, in points."""

_BESIDE_DIGITS = 8
"""What a figure may have besides its whole digits: sign, point, up to six decimals."""


def write_workbook(document: Document, stream: IO[bytes]) -> None:
    """The XLSX file. Raises ReportError when the rows do not fit a sheet."""
    import xlsxwriter

    table = document.table
    if table.rows_left > MAX_ROWS:
        raise ReportError(
            f"{table.rows_left:,} rows do not fit an XLSX sheet ({MAX_ROWS:,}): "
            "use --format csv or parquet, or --top"
        )
    book = xlsxwriter.Workbook(
        stream,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": f"{document.title}, {document.period}"})
    _table_sheet(book, document.title, table, document.minutes)
    for panel in document.panels:
        if panel.sections:
            _table_sheet(book, panel.title, panel.table, document.minutes)
    _about_sheet(book, document)
    book.close()


def _table_sheet(book: Any, title: str, table: Table, minutes: bool) -> None:
    columns = table.shown_columns
    sheet = book.add_worksheet(_sheet_name(book, title))
    head = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
    left = book.add_format(head)
    right = book.add_format({**head, "align": "right"})
    body = [book.add_format(_style(column)) for column in columns]
    foot = [book.add_format({**_style(column), "bold": True, "top": 1}) for column in columns]
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&P / &N")
    widths = [_WIDTHS.get(column.kind, 12) for column in columns]
    lines = 1
    for n, column in enumerate(columns):
        timed = column.kind in (Kind.SECONDS, Kind.MILLISECONDS)
        heading = words.heading(column, minutes=minutes) if timed else column.title
        sheet.write_string(0, n, heading, right if words.is_number(column) else left)
        # Bold, so a little wider; no program but Excel makes room for the lines by itself.
        lines = max(lines, len(wrap(heading, widths[n] - 2)))
    sheet.set_row(0, _LINE * lines)
    widest = [_Widest() for _ in columns]
    end = 1
    for end, row in enumerate(table.each(), start=2):
        for n, column in enumerate(columns):
            value = _shown(column, row[n], minutes)
            widest[n].see(value)
            _write(sheet, end - 1, n, value, body[n])
    for value, found in zip(table.totals, widest, strict=False):
        found.see(value)
    _totals_row(sheet, end, table, foot, minutes)
    for n, found in enumerate(widest):
        sheet.set_column(n, n, min(_WIDEST, max(widths[n], found.width)))
    sheet.autofilter(0, 0, max(1, end - 1), len(columns) - 1)


@dataclass
class _Widest:
    """The widest that stands in a column, found as it is written, at little cost for each cell."""

    text: int = 0
    most: int | Decimal = 0
    least: int | Decimal = 0

    def see(self, value: Value) -> None:
        if isinstance(value, str):
            self.text = max(self.text, cell_len(value) + 1)
        elif isinstance(value, int | Decimal):
            self.most, self.least = max(self.most, value), min(self.least, value)

    @property
    def width(self) -> int:
        largest = max(self.most, -self.least)
        return max(self.text, len(f"{int(largest):,}") + _BESIDE_DIGITS if largest else 0)


def _totals_row(sheet: Any, end: int, table: Table, foot: list[Any], minutes: bool) -> None:
    columns, totals = table.shown_columns, table.totals
    if not totals:
        return
    for n, column in enumerate(columns):
        if n == table.totals_label:
            sheet.write_string(end, n, "Totals", foot[n])
        elif totals[n] is None and not words.is_number(column):
            sheet.write_blank(end, n, None, foot[n])
        else:
            _write(sheet, end, n, _shown(column, totals[n], minutes), foot[n])


def _sheet_name(book: Any, title: str) -> str:
    """At most 31 characters, none that Excel refuses, none that is taken."""
    name = re.sub(r"[\\[\]:*?/\\\\]", " ", title).strip("' ")[:31].strip("' ") or "Sheet"
    taken = {_ABOUT.casefold(), *(sheet.get_name().casefold() for sheet in book.worksheets())}
    return name if name.casefold() not in taken else f"{name[:28]} {len(taken) + 1}"


def _shown(column: Column, value: Value, minutes: bool) -> Value:
    """The value as a sheet sorts and adds it: times are times, durations in minutes if people want
    them so; texts as on a page.
    """
    if isinstance(value, str):
        timed = column.kind in (Kind.TIME, Kind.HOUR)
        return datetime.fromisoformat(value) if timed else words.show(column, value)
    if minutes and column.kind is Kind.SECONDS and isinstance(value, int | Decimal):
        return Decimal(value) / 60
    return value


def _about_sheet(book: Any, document: Document) -> None:
    sheet = book.add_worksheet(_ABOUT)
    bold = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 100)
    lines = [
        ("Report", document.title),
        ("Period", document.period),
        *document.filters,
        ("Made", f"{document.generated:%Y-%m-%d %H:%M} {document.timezone}"),
        *(("Notice", notice) for notice in document.notices),
        ("", ""),
        ("Durations", "In minutes." if document.minutes else "In seconds."),
        *document.definitions,
    ]
    for at, (title, text) in enumerate(lines):
        sheet.write_string(at, 0, neutral(title), bold)
        sheet.write_string(at, 1, neutral(text), wrapped)


def _style(column: Column) -> dict[str, Any]:
    style: dict[str, Any] = {"align": "right" if words.is_number(column) else "left"}
    if column.kind in _FORMATS:
        style["num_format"] = _FORMATS[column.kind]
    return style


def _write(sheet: Any, row: int, column: int, value: Value, style: Any) -> None:
    match value:
        case None:
            sheet.write_string(row, column, words.MISSING, style)
        case str():
            sheet.write_string(row, column, neutral(value), style)
        case bool():
            sheet.write_boolean(row, column, value, style)
        case int() | Decimal():
            sheet.write_number(row, column, value, style)
        case date():
            sheet.write_datetime(row, column, value, style)
