"""The XLSX renderer: the whole table with totals on one sheet, what it means on another.

Written in constant memory, row by row. Text is never a formula; numbers are numbers.
"""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

from resources.reporting import words
from resources.reporting.document import Document
from resources.reporting.errors import ReportError
from resources.reporting.files import neutral
from resources.reporting.model import Column, Kind, Value

MAX_ROWS = 1_048_576 - 2
"""Rows that a sheet holds besides its header and its totals."""

_FORMATS = {
    Kind.DATE: "yyyy-mm-dd",
    Kind.COUNT: "#,##0",
    Kind.SECONDS: "#,##0.0",
    Kind.MONEY: "#,##0.00##;[Red]-#,##0.00##",
    Kind.UNIT_COST: "#,##0.0000##",
    Kind.FRACTION: "0.0%",
    Kind.PERCENT: '0.0"%";[Red]-0.0"%"',
    Kind.MILLISECONDS: "#,##0",
}
_WIDTHS = {Kind.TEXT: 24, Kind.DATE: 11, Kind.HOUR: 19, Kind.MONEY: 15}


def workbook(document: Document) -> bytes:
    """The XLSX file. Raises ReportError when the rows do not fit a sheet."""
    import xlsxwriter

    table = document.table
    if len(table.rows) > MAX_ROWS:
        raise ReportError(
            f"{len(table.rows):,} rows do not fit an XLSX sheet ({MAX_ROWS:,}): "
            "use --format csv or parquet, or --top"
        )
    sink = io.BytesIO()
    book = xlsxwriter.Workbook(
        sink,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": f"{document.title}, {document.period}"})
    _figures_sheet(book, document)
    _about_sheet(book, document)
    book.close()
    return sink.getvalue()


def _figures_sheet(book: Any, document: Document) -> None:
    table, columns = document.table, document.columns
    sheet = book.add_worksheet(document.title[:31])
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
    for n, column in enumerate(columns):
        sheet.set_column(n, n, _WIDTHS.get(column.kind, 12))
        sheet.write_string(0, n, column.title, right if words.is_number(column) else left)
    for at, row in enumerate(table.rows, start=1):
        for n in range(len(columns)):
            _write(sheet, at, n, row[n], body[n])
    end = len(table.rows) + 1
    labelled = words.is_number(columns[0]) or table.totals[0] is not None
    for n in range(len(columns)):
        if n == 0 and not labelled:
            sheet.write_string(end, 0, "Totals", foot[0])
        elif table.totals[n] is None and not words.is_number(columns[n]):
            sheet.write_blank(end, n, None, foot[n])
        else:
            _write(sheet, end, n, table.totals[n], foot[n])
    sheet.autofilter(0, 0, max(1, len(table.rows)), len(columns) - 1)


def _about_sheet(book: Any, document: Document) -> None:
    sheet = book.add_worksheet("About")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 100)
    lines = [
        ("Report", document.title),
        ("Period", document.period),
        *document.filters,
        ("Made", f"{document.generated:%Y-%m-%d %H:%M} {document.timezone}"),
        *(("Notice", notice) for notice in document.notices),
        ("", ""),
        ("Durations", "In seconds."),
        *document.definitions,
    ]
    for at, (title, text) in enumerate(lines):
        sheet.write_string(at, 0, neutral(title), bold)
        sheet.write_string(at, 1, neutral(text), wrap)


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
        case int() | Decimal():
            sheet.write_number(row, column, value, style)
        case _:
            sheet.write_datetime(row, column, value, style)
