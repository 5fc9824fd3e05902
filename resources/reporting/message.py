"""A report as an e-mail: HTML body with a text alternative, charts as pictures, PDF and XLSX along.

Mail clients know no style sheets worth the name and no SVG: the body is a plain table with inline
styles, its charts are PNG parts that it refers to. Nothing is sent here.
"""

from __future__ import annotations

import io
import re
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

from resources.mailer import envelope
from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.charts import draw, draw_png, is_worth_drawing
from resources.reporting.document import Document
from resources.reporting.model import Dimension
from resources.reporting.pages import LOSS_MARK, environment, pdf
from resources.reporting.workbook import write_workbook

ROWS_SHOWN = 10
"""Rows of each section in the body; the attachments hold more."""

XLSX_TYPE = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
    """The message. Raises MailRefusedError for addresses that are none."""
    message = envelope(subject(document), sender, recipients, message_id)
    message["Date"] = document.generated.astimezone()
    message["Auto-Submitted"] = "auto-generated"
    drawn = [draw(points) for points in document.charts if is_worth_drawing(points)]
    pictures = [
        (make_msgid(f"chart-{n}", domain="report.invalid"), picture)
        for n, picture in enumerate(drawn)
    ]
    told = {
        "document": document,
        "label": _label(document),
        "measures": document.mailed,
        "sections": _sections(document),
        "loss_mark": LOSS_MARK,
        "pictures": [(cid[1:-1], picture) for cid, picture in pictures],
        "attached": [file_name(document, "pdf"), file_name(document, "xlsx")],
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
    message.add_attachment(
        pdf(document), maintype="application", subtype="pdf", filename=file_name(document, "pdf")
    )
    sheets = io.BytesIO()
    write_workbook(document, sheets)
    message.add_attachment(
        sheets.getvalue(),
        maintype="application",
        subtype=XLSX_TYPE,
        filename=file_name(document, "xlsx"),
    )
    return message


def _label(document: Document) -> str:
    return " · ".join(d.title for d in _named(document)) or "All"


def _named(document: Document) -> list[Dimension]:
    """Dimensions that tell rows apart in a narrow mail: not the currencies."""
    group = document.table.group
    return [d for d in group if not d.name.endswith("_currency")] or list(group)


def _sections(
    document: Document,
) -> list[tuple[str, int, list[tuple[str, list[tuple[str, bool]], bool]]]]:
    """Title, number of rows in all, and rows: label, figures (text, whether negative), loss."""
    table, dimensions = document.table, _named(document)
    places = [table.position(d.name) for d in dimensions]
    measures = [(m, table.position(m.name)) for m in document.mailed]

    def row(values: tuple[Value, ...]) -> tuple[str, list[tuple[str, bool]], bool]:
        label = [words.show(d, values[n]) for d, n in zip(dimensions, places, strict=True)]
        # The provider's name of a destination mostly repeats the customer's.
        label = list(dict.fromkeys(label))
        shown = [(words.show(m, values[n]), words.is_negative(values[n])) for m, n in measures]
        return " · ".join(label) or "All", shown, table.is_loss(values)

    return [
        (section.title, section.of, [row(values) for values in section.rows[:ROWS_SHOWN]])
        for section in document.figures.sections
    ]
