"""How commands show tables: fitting the window at a terminal, whole in a pipe."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 4000
"""So wide that no table is cut or wrapped when it goes to a file or a program."""

REPORT_WIDTH = 200
"""Width of a report's table in a file or a pipe, in characters; what does not fit is left out."""


def console(stderr: bool = False) -> Console:
    """A console on standard output (or error) that does not colour what it does not know."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPE_WIDTH)


def show_table(columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[object]]) -> None:
    """Prints rows; a column is (heading, is a number). None shows as a dash, an int as an amount:
    what a number is called by, such as a file's, is handed in as text.
    """
    headed = any(heading for heading, _ in columns)
    table = Table(box=None, pad_edge=False, show_header=headed)
    for heading, is_number in columns:
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)


def _cell(value: object) -> Text:
    if value is None:
        return Text("–")
    return as_it_is(f"{value:,}" if isinstance(value, int) else str(value))


def as_it_is(text: str) -> Text:
    """A text that may hold names of files: no markup or control character in it has any effect."""
    from resources.reporting.words import printable

    return Text(printable(text))
