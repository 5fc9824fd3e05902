"""A report as an e-mail: HTML body with a text alternative, charts as pictures, PDF and XLSX along.

Mail clients know no style sheets worth the name and no SVG: the body is a plain table with inline
styles, its charts are PNG parts that it refers to. Nothing is sent here.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

from resources.mailer import envelope
from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.charts import draw_png
from resources.reporting.document import Document, Grid
from resources.reporting.model import Dimension, Measure
from resources.reporting.pages import LOSS_MARK, environment, pdf
from resources.reporting.workbook import write_workbook

ROWS_SHOWN = 10
"""Rows of each section in the body; the attachments hold more."""

XLSX_TYPE = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class _Line:
    """A row of the body: what it is of, and its figures with whether each is a loss."""

    label: str
    figures: list[tuple[str, bool]]


@dataclass(frozen=True)
class _Block:
    """A small table of the body; `of` is how many rows there are in all."""

    title: str
    of: int
    label: str
    heads: list[str]
    lines: list[_Line]
    empty: str = ""


def subject(document: Document) -> str:
    """The report and its period."""
    return f"{document.title}, {document.period}"


def file_name(document: Document, extension: str) -> str:
    """`breakout_2026-06-01_2026-06-30.pdf`, of characters that every file system takes."""
    name = re.sub(r"[^a-z0-9-]+", "-", document.name.lower())
    return "_".join([name, *dict.fromkeys((document.first, document.last))]) + f".{extension}"


def compose(
    document: Document, sender: str, recipients: list[str], message_id: str
) -> EmailMessage:
    """The message with PDF and XLSX. Raises MailRefusedError for addresses that are none."""
    names = {fmt: file_name(document, fmt) for fmt in ("pdf", "xlsx")}
    attached = f"The whole report is attached: {', '.join(names.values())}"
    message = body(document, sender, recipients, message_id, attached)
    message.add_attachment(
        pdf(document), maintype="application", subtype="pdf", filename=names["pdf"]
    )
    sheets = io.BytesIO()
    write_workbook(document, sheets)
    message.add_attachment(
        sheets.getvalue(), maintype="application", subtype=XLSX_TYPE, filename=names["xlsx"]
    )
    return message


def body(
    document: Document, sender: str, recipients: list[str], message_id: str, attached: str
) -> EmailMessage:
    """The message as it is read, without attachments; `attached` says which there will be.

    Raises MailRefusedError for addresses that are none.
    """
    message = envelope(subject(document), sender, recipients, message_id)
    message["Date"] = document.generated.astimezone()
    message["Auto-Submitted"] = "auto-generated"
    pictures = [
        (make_msgid(f"chart-{n}", domain="report.invalid"), picture)
        for n, picture in enumerate(document.pictures)
    ]
    blocks = [
        block
        for grid in (*document.panels, document.figures)
        for block in _blocks(grid, document.minutes)
    ]
    told = {
        "document": document,
        "blocks": blocks,
        "losing": any(figure.loss for figure in document.headline)
        or any(loss for block in blocks for line in block.lines for _, loss in line.figures),
        "missing": words.MISSING,
        "loss_mark": LOSS_MARK,
        "pictures": [(cid[1:-1], picture) for cid, picture in pictures],
        "attached": attached,
        "count": words.count,
    }
    env = environment()
    message.set_content(env.get_template("mail.txt.j2").render(told))
    message.add_alternative(env.get_template("mail.html.j2").render(told), subtype="html")
    # The part just added; add_related turns it into multipart/related.
    page: Any = message.get_body(("html",))
    for n, (cid, picture) in enumerate(pictures, start=1):
        page.add_related(
            draw_png(picture),
            maintype="image",
            subtype="png",
            cid=cid,
            disposition="inline",
            filename=f"chart-{n}.png",
        )
    return message


def _named(grid: Grid) -> list[Dimension]:
    """Dimensions that tell rows apart in a narrow mail: not the currencies."""
    group = grid.table.group
    return [d for d in group if not d.name.endswith("_currency")] or list(group)


def _sole_currency(grid: Grid, measure: Measure) -> str | None:
    """The currency that all of such money is in; None where it is in several."""
    totals = grid.table.totals
    found = totals[grid.table.position(measure.currency)] if totals else None
    return str(found) if found else None


def _measures(grid: Grid) -> list[Measure]:
    """The figures of the body, no money twice.

    What was asked for in its own currency stands for the same converted, which is there only if it
    was asked for, too, and is another amount.
    """
    asked = {column.name for column in grid.table.shown_columns}
    own = {m.instead: m for m in grid.mailed if m.per_currency and m.instead}
    found = []
    for measure in grid.mailed:
        if measure.name in own and measure.name not in asked:
            measure = own[measure.name]
        both = [m for m in grid.mailed if m.name == measure.instead and m.name in asked]
        if not both or _sole_currency(grid, measure) != both[0].currency:
            found.append(measure)
    return list(dict.fromkeys(found))


def _blocks(grid: Grid, minutes: bool) -> list[_Block]:
    """The sections of a grid; a panel without rows says so."""
    table, dimensions = grid.table, _named(grid)
    places = [table.position(d.name) for d in dimensions]
    mailed = _measures(grid)
    measures = [(m, table.position(m.name)) for m in mailed]
    heads = [words.heading(m, minutes=minutes) for m in mailed]
    several = {}
    for n, measure in enumerate(mailed):
        if measure.per_currency:
            if sole := _sole_currency(grid, measure):
                heads[n] += f" ({sole})"
            else:
                several[measure.name] = table.position(measure.currency)

    held = [section.rows[:ROWS_SHOWN] for section in grid.sections]
    fine = words.fine(table.columns, [row for rows in held for row in rows])

    def figure(measure: Measure, place: int, values: tuple[Value, ...]) -> str:
        said = words.show(measure, values[place], minutes=minutes, fine=place in fine)
        code = values[several[measure.name]] if measure.name in several else None
        return f"{said} {code}" if code and values[place] is not None else said

    def line(values: tuple[Value, ...]) -> _Line:
        shown = {d.name: words.show(d, values[n]) for d, n in zip(dimensions, places, strict=True)}
        # The provider's name of a destination mostly repeats the customer's. Nothing else is left
        # out: a customer may be called as a provider is.
        if shown.get("provider_destination") == shown.get("customer_destination", ""):
            del shown["provider_destination"]
        label = shown.values()
        figures = [(figure(m, n, values), words.is_loss(m, values[n])) for m, n in measures]
        return _Line(" · ".join(label) or "All", figures)

    label = " · ".join(d.title for d in dimensions) or "All"
    if not grid.sections:
        return [_Block(grid.title, 0, label, heads, [], grid.empty)] if grid.empty else []
    return [
        _Block(
            section.title or grid.title,
            section.of,
            label,
            heads,
            [line(values) for values in rows],
        )
        for section, rows in zip(grid.sections, held, strict=True)
    ]
