"""The renderers HTML and PDF: one template, one style sheet, laid out for screen, phone and paper.

Everything is escaped by Jinja, the page fetches nothing, and WeasyPrint may fetch only what is
handed to it here.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from markupsafe import Markup

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.charts import Picture, draw_png
from resources.reporting.document import Document, Grid, Section
from resources.reporting.figures import Table
from resources.reporting.model import Column, Measure
from resources.reporting.svg import is_shaped
from resources.reporting.widths import Layout, layout

if TYPE_CHECKING:
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcherResponse

LOSS_MARK = "▼"
"""Stands before a negative profit or margin, so that colour is not all that marks a loss."""

WHOLE = 12
"""A table of so many rows at most is not divided between two pages."""

_DOTS = 3
"""Of a picture that is printed as dots, for each of its units: some 250 to 300 an inch."""

_OF_THREAD = threading.local()

_TEMPLATES = ("report.html.j2", "mail.html.j2", "mail.txt.j2")


@dataclass(frozen=True)
class Cell:
    """One cell as it is printed; `style` is its CSS class."""

    text: str
    style: str
    loss: bool = False
    beside: str = ""

    @property
    def printed(self) -> str:
        """All that stands in the cell."""
        return f"{LOSS_MARK} {self.text}" if self.loss else f"{self.text} {self.beside}".rstrip()


@dataclass(frozen=True)
class _Printed:
    """A grid as the template takes it: every cell in words."""

    grid: Grid
    heads: list[tuple[str, bool]]
    styles: list[str]
    sections: list[tuple[Section, list[tuple[list[Cell], bool]]]]
    totals: list[Cell]
    layout: Layout

    @property
    def whole(self) -> bool:
        """Whether it is small enough to stand on one page."""
        return self.grid.rows_shown <= WHOLE

    @property
    def has_losses(self) -> bool:
        """Whether a cell bears the mark of a loss."""
        rows = [row for _, rows in self.sections for row, _ in rows]
        return any(cell.loss for row in (*rows, self.totals) for cell in row)


def html(document: Document) -> str:
    """The report as one HTML page that needs nothing else."""

    def embed(name: str, picture: Picture) -> str:
        return "data:image/svg+xml;base64," + base64.b64encode(picture.svg.encode()).decode()

    return _page(document, embed)


def warm_up() -> None:
    """Imports the PDF engine beside what comes next, as it takes its time."""
    threading.Thread(target=import_module, args=("weasyprint",), daemon=True).start()


def pdf(document: Document) -> bytes:
    """The report as PDF, A4 landscape."""
    from weasyprint import HTML

    # It warns of each rule of the style sheet that is for screens.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    assets: dict[str, bytes] = {}

    def embed(name: str, picture: Picture) -> str:
        # WeasyPrint sets a drawing's texts letter by letter, from left to right.
        drawn = is_shaped(picture.svg)
        url = f"report:{name}.{'png' if drawn else 'svg'}"
        assets[url] = draw_png(picture, _DOTS) if drawn else picture.svg.encode()
        return url

    page = _page(document, embed)
    source = HTML(string=page, base_url=None, url_fetcher=fetcher(assets))
    made: bytes = source.write_pdf(font_config=_fonts())
    return made


def _fonts() -> FontConfiguration:
    """The fonts of this machine, looked for once: anew for each report it is a fifth of its time.

    One for each thread, for what is behind it is not made to be shared by several.
    """
    from weasyprint.text.fonts import FontConfiguration

    if not hasattr(_OF_THREAD, "fonts"):
        _OF_THREAD.fonts = FontConfiguration()
    found: FontConfiguration = _OF_THREAD.fonts
    return found


def fetcher(assets: Mapping[str, bytes]) -> Callable[[str], URLFetcherResponse]:
    """A fetcher for WeasyPrint that knows only these URLs and refuses every other one."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcherResponse

    def fetch(url: str, *_: object, **__: object) -> URLFetcherResponse:
        if url not in assets:
            raise FatalURLFetchingError(f"a report may not fetch {url!r}")
        kind = "png" if url.endswith(".png") else "svg+xml"
        return URLFetcherResponse(url, assets[url], {"Content-Type": f"image/{kind}"})

    return fetch


@cache
def environment() -> Environment:
    """The templates of this package, everything escaped but the plain-text mail."""
    folder = files("resources.reporting") / "templates"
    loaded = {name: (folder / name).read_text(encoding="utf-8") for name in _TEMPLATES}
    return Environment(
        loader=DictLoader(loaded),
        autoescape=select_autoescape(
            enabled_extensions=("html.j2",), default=True, disabled_extensions=("txt.j2",)
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def cells(
    table: Table,
    row: Sequence[Value],
    *,
    minutes: bool,
    totals: bool = False,
    fine: frozenset[int] = frozenset(),
) -> list[Cell]:
    """The shown columns of a row, or of the totals, as they are printed; `fine` as in `words`."""
    found = []
    styles = _styles(table.shown_columns)
    for n, column in enumerate(table.shown_columns):
        value, style = row[n], styles[n]
        if totals and style != "n" and value is None:
            found.append(Cell("Totals" if n == table.totals_label else "", style))
            continue
        beside = ""
        if isinstance(column, Measure) and column.beside and value is not None:
            at = table.position(column.beside)
            other = table.columns[at]
            # Figure spaces are as wide as digits: the figures before them stay in line.
            share = words.show(other, row[at]).rjust(5, "\N{FIGURE SPACE}")
            beside = f"{share} %" if row[at] is not None else ""
        found.append(
            Cell(
                words.show(column, value, minutes=minutes, fine=n in fine),
                style,
                words.is_loss(column, value),
                beside,
            )
        )
    return found


def _styles(columns: Sequence[Column]) -> list[str]:
    """CSS classes of the columns. A text stands apart from a figure left of it, which it would be
    taken for a part of, unless it is that figure's currency.
    """
    figures = [words.is_number(column) for column in columns]
    return [
        "n" if figure
        else "t far" if n and figures[n - 1] and not columns[n].name.endswith("_currency")
        else "t"
        for n, figure in enumerate(figures)
    ]  # fmt: skip


def _page(document: Document, embed: Callable[[str, Picture], str]) -> str:
    env = environment()
    drawn = [(picture, embed(f"chart-{n}", picture)) for n, picture in enumerate(document.pictures)]
    panels = [_printed(grid, document.minutes) for grid in document.panels]
    figures = _printed(document.figures, document.minutes)
    return env.get_template("report.html.j2").render(
        document=document,
        css=Markup(_style_sheet()),  # noqa: S704 - the package's own file
        pictures=drawn,
        panels=panels,
        figures=figures,
        paper=figures.layout.paper,
        loss_mark=LOSS_MARK,
        missing=words.MISSING,
        count=words.count,
    )


def _printed(grid: Grid, minutes: bool) -> _Printed:
    table = grid.table
    heads = [(words.heading(c, minutes=minutes), words.is_number(c)) for c in grid.columns]
    held = [row for section in grid.sections for row in section.rows]
    fine = words.fine(grid.columns, [*held, *([table.totals] if table.totals else [])])

    def line(row: Sequence[Value]) -> tuple[list[Cell], bool]:
        made = cells(table, row, minutes=minutes, fine=fine)
        # A row is marked where its loss is to be seen.
        return made, table.is_loss(row) and any(cell.loss for cell in made)

    sections = [(section, [line(row) for row in section.rows]) for section in grid.sections]
    totals = (
        cells(table, table.totals, minutes=minutes, totals=True, fine=fine) if table.totals else []
    )
    printed = ([cell.printed for cell in row] for _, rows in sections for row, _ in rows)
    styles = _styles(grid.columns)
    apart = [n for n, style in enumerate(styles) if style == "t far"]
    widths = layout(heads, printed, [cell.printed for cell in totals], apart)
    return _Printed(grid, heads, styles, sections, totals, widths)


def _style_sheet() -> str:
    folder = files("resources.reporting") / "templates"
    return (folder / "report.css").read_text(encoding="utf-8")
