"""The renderer for the terminal: a table that fits the window, notices above, totals below.

Columns that do not fit are left out, the least telling first, and said to be. Names are printed as
they are: neither markup nor control characters in them have any effect.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.figures import Table
from resources.reporting.model import Column, Dimension, Measure

_TEXT_LEAST, _TEXT_MOST = (19, 10), 40
"""Widths of a text: as wide as a time if there is room, else enough to tell names apart."""
_TOTALS = "Totals"
_MAIN = 2
_GAP = 2
_LAST_TO_GO = ("flag", "profit_usd", "profit_percent", "attempts", "customer_charge_usd", "asr")


ROWS_SHOWN = 1000
"""Rows of a table on the terminal; nobody reads more, and a file takes them all."""


def print_table(
    title: str, notices: Sequence[str], table: Table, console: Console, *, minutes: bool
) -> None:
    """Prints the table to the console."""
    console.print(Text(_safe(title), style="bold"))
    for notice in notices:
        console.print(Text(f"! {_safe(notice)}", style="yellow"))
    rows = list(table.each(limit=ROWS_SHOWN))
    if not rows:
        console.print(Text("No rows for this period and these filters."))
        return
    feet = [table.totals] if table.totals else []
    fine = words.fine(table.shown_columns, [*rows, *feet])
    body = [_texts(table, row, minutes, fine) for row in rows]
    totals = [_texts(table, row, minutes, fine, totals=True) for row in feet]
    kept, left_out = _fitting(table, [*body, *totals], console.width, minutes)
    grid = Grid(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for n, width in kept.items():
        column = table.columns[n]
        figure = words.is_number(column)
        grid.add_column(
            Text(words.heading(column, minutes=minutes)),
            justify="right" if figure else "left",
            vertical="bottom",
            width=width,
        )
    for row, texts in zip(rows, body, strict=True):
        losing = table.is_loss(row)
        grid.add_row(*(_line(texts[n], _style(row[n], losing)) for n in kept))
    grid.add_section()
    for texts in totals:
        grid.add_row(*(_line(texts[n], "bold") for n in kept))
    console.print(grid)
    _print_remarks(table, len(rows), left_out, console)


def _print_remarks(table: Table, shown: int, left_out: Sequence[Column], console: Console) -> None:
    if shown < table.row_count:
        over = "; the totals are over all of them" if table.totals else ""
        console.print(Text(f"{shown:,} of {words.count(table.row_count, 'row')}{over}."))
    if left_out:
        names = ", ".join(column.name for column in left_out)
        console.print(
            Text(f"No room for {names}: widen the window, or use --columns or --format csv.")
        )


def _texts(
    table: Table,
    row: Sequence[Value],
    minutes: bool,
    fine: frozenset[int],
    *,
    totals: bool = False,
) -> list[str]:
    found = []
    for n, column in enumerate(table.shown_columns):
        value = row[n]
        if totals and value is None and not words.is_number(column):
            found.append(_TOTALS if n == table.totals_label else "")
            continue
        text = _safe(words.show(column, value, minutes=minutes, fine=n in fine))
        if isinstance(column, Measure) and column.beside and value is not None:
            at = table.position(column.beside)
            share = words.show(table.columns[at], row[at])
            text += f" ({share} %)" if row[at] is not None else ""
        found.append(text)
    return found


def _safe(text: str) -> str:
    return words.printable(text).replace(words.MINUS, "-")


def _line(text: str, style: str) -> Text:
    """One line, whatever its width: a long name ends in an ellipsis."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _style(value: Value, losing: bool) -> str:
    return "red" if losing and words.is_negative(value) else ""


def _fitting(
    table: Table, rows: Sequence[Sequence[str]], width: int, minutes: bool
) -> tuple[dict[int, int], list[Column]]:
    """Widths of the columns that fit, by position, and the columns that do not."""
    columns = table.shown_columns
    heads = [max(map(cell_len, words.heading(c, minutes=minutes).split())) for c in columns]
    widest = [max(heads[n], *(cell_len(row[n]) for row in rows)) for n in range(len(columns))]
    # A telephone number or a time that is cut short tells nothing.
    figures = [
        words.is_number(c) or not any(_is_name(row[n]) for row in rows)
        for n, c in enumerate(columns)
    ]
    order = sorted(range(len(columns)), key=lambda n: _worth(columns[n], n))
    minor = sum(_worth(c, n)[0] < _MAIN for n, c in enumerate(columns))
    gone, least = 0, widest
    # Names are cut short before a main figure has to go.
    for short in _TEXT_LEAST:
        least = [
            w if figure else max(head, min(w, short))
            for w, figure, head in zip(widest, figures, heads, strict=True)
        ]
        gone = 0
        while sum(least[n] + _GAP for n in order[gone:]) > width + _GAP and gone < len(order) - 1:
            gone += 1
        if gone <= minor:
            break
    kept = sorted(order[gone:])
    wished = [
        w if figure else min(w, max(_TEXT_MOST, head))
        for w, figure, head in zip(widest, figures, heads, strict=True)
    ]
    room = width + _GAP - sum(least[n] + _GAP for n in kept)
    wish = sum(wished[n] - least[n] for n in kept)
    grown = {n: least[n] + (wished[n] - least[n]) * min(room, wish) // max(wish, 1) for n in kept}
    return grown, [column for n, column in enumerate(columns) if n not in grown]


def _is_name(text: str) -> bool:
    return text != _TOTALS and any(map(str.isalpha, text))


def _worth(column: Column, position: int) -> tuple[int, int]:
    """What goes first: minor figures, charges with their currencies, main figures, dimensions."""
    if isinstance(column, Dimension):
        return (1 if column.name.endswith("_currency") else 3), -position
    if column.name in _LAST_TO_GO:
        return 2, -_LAST_TO_GO.index(column.name)
    return (1 if column.per_currency else 0), -position
