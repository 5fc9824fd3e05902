"""How commands show tables, fitting the window at a terminal and whole in a pipe, and progress."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence

import click
from rich.cells import cell_len
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
    cells = [[_cell(value) for value in row] for row in rows]
    out = console()
    if not out.is_terminal and (lines := _lines(columns, headed, cells, out.width)):
        click.echo("\n".join(lines))
        return
    table = Table(box=None, pad_edge=False, show_header=headed)
    for heading, is_number in columns:
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    out.print(table)


def _lines(
    columns: Sequence[tuple[str, bool]], headed: bool, cells: Sequence[Sequence[str]], most: int
) -> list[str]:
    """The table where nothing needs folding, as Rich has it; none when a line has over `most`.

    Of 100,000 rows Rich makes a gigabyte, and takes a minute.
    """
    heads = [[heading for heading, _ in columns]] if headed else []
    widths = [0] * len(columns)
    for row in (*heads, *cells):
        widths = [max(width, cell_len(text)) for width, text in zip(widths, row, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > most:
        return []
    numbers = [is_number for _, is_number in columns]

    def line(row: Sequence[str]) -> str:
        padded = []
        for text, width, is_number in zip(row, widths, numbers, strict=True):
            blank = " " * (width - cell_len(text))
            padded.append(blank + text if is_number else text + blank)
        return "  ".join(padded)

    return [line(row) for row in (*heads, *cells)]


class Pulse:
    """Says how long work goes on where no bar can be drawn, such as in a log: once a minute."""

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._clock = say, clock
        self._last = clock()

    def __call__(self, text: str) -> None:
        """Says it, unless the beginning or what was said last is less than a minute ago."""
        now = self._clock()
        if now - self._last >= 60:
            self._last = now
            self._say(text)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return as_it_is(f"{value:,}" if isinstance(value, int) else str(value)).plain


def as_it_is(text: str) -> Text:
    """A text that may hold names of files: no markup or control character in it has any effect."""
    from resources.reporting.words import printable

    return Text(printable(text))
