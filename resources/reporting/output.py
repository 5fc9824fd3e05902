"""From a request to the bytes of a format, and from bytes to a file that is whole or not there.

The list of formats lives here; what each looks like is in its own module, imported when needed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from resources.durable import replacing
from resources.reporting import words
from resources.reporting.document import Document, make_document, request_notices
from resources.reporting.errors import ReportError, unknown
from resources.reporting.figures import Table, make_table
from resources.reporting.interfaces import Reporting
from resources.reporting.notices import compared_with
from resources.reporting.request import Request
from resources.reporting.unmatched import unmatched

MACHINE_FORMATS = ("csv", "json", "parquet")
PAGE_FORMATS = ("xlsx", "html", "pdf")
FORMATS = ("table", *MACHINE_FORMATS, *PAGE_FORMATS)
"""All formats; `table` is the terminal's and is printed by `terminal`."""

BINARY_FORMATS = ("parquet", "xlsx", "pdf")
"""Formats that must not be written to a terminal."""


def choose_format(asked: str | None, path: str | None) -> str:
    """The format asked for, else the one that the file's name ends in, else `table`.

    Raises ReportError when there is no such format, or the name tells of another one.
    """
    extension = Path(path or "").suffix.removeprefix(".").lower()
    found = {"htm": "html", "txt": "table"}.get(extension, extension)
    if asked is not None:
        if asked not in FORMATS:
            raise unknown("format", asked, FORMATS)
        if found in FORMATS[1:] and found != asked:
            raise ReportError(
                f"{path!r} would be {asked}: give it another end, or another --format"
            )
        return asked
    if path is None or path == "-":
        return "table"
    if found not in FORMATS or extension == "table":
        raise ReportError(
            f"which format is {path!r}? Say --format, or end its name in one of "
            + ", ".join(f".{name}" for name in FORMATS[1:])
        )
    return found


def for_people(fmt: str) -> bool:
    """Whether the format is made for reading, with titles, totals and losses first."""
    return fmt not in MACHINE_FORMATS


class Made(Protocol):
    """A report that is asked for and can be written in any format."""

    @property
    def title(self) -> str:
        """What stands above it on the terminal."""
        ...

    @property
    def minutes(self) -> bool:
        """Whether people read durations in minutes."""
        ...

    def tables(self, *, people: bool) -> list[tuple[str, Table]]:
        """Its tables with their titles, those for people only first, what was asked for last."""
        ...

    def notices(self, table: Table) -> tuple[str, ...]:
        """What must be said of its days, its rates, and of what it leaves out."""
        ...

    def remarks(self, table: Table) -> tuple[str, ...]:
        """Those of them that are for who asked, and on no page, which others read."""
        ...

    def document(self, generated: datetime) -> Document:
        """The same made for reading; `generated` is in the reporting time zone."""
        ...


@dataclass(frozen=True)
class Sums:
    """A report of sums: the one table that was asked for."""

    reporting: Reporting
    request: Request

    @property
    def title(self) -> str:
        """Title, period and time zone."""
        period = words.period(self.request.period)
        return f"{self.request.report.title}, {period} ({self.reporting.timezone})"

    @property
    def minutes(self) -> bool:
        """Whether people read durations in minutes."""
        return self.reporting.minutes

    def tables(self, *, people: bool) -> list[tuple[str, Table]]:
        """The one table."""
        return [("", make_table(self.reporting, self.request, people=people))]

    def notices(self, table: Table) -> tuple[str, ...]:
        """What must be said of its days, its rates, and of what it leaves out."""
        said = request_notices(self.reporting, self.request, table)
        said += self.remarks(table)
        if (before := self.request.before) is None:
            return said
        return (compared_with(self.reporting.notices(before.first, before.last), before), *said)

    def remarks(self, table: Table) -> tuple[str, ...]:
        """Filters that match nothing, as a mistyped value does."""
        return unmatched(self.reporting, self.request, table)

    def document(self, generated: datetime) -> Document:
        """The same made for reading."""
        return make_document(self.reporting, self.request, generated)


def render(made: Made, fmt: str, generated: datetime, stream: IO[bytes]) -> tuple[str, ...]:
    """Writes the report in any format but `table`; the notices that the format has no place for.

    `generated` is in the reporting time zone.
    """
    if not for_people(fmt):
        *_, (_, table) = made.tables(people=False)
        write_rows(table, fmt, stream)
        return made.notices(table)
    warm_up(fmt)
    document = made.document(generated)
    write_document(document, fmt, stream)
    return made.remarks(document.table)


def warm_up(fmt: str) -> None:
    """Starts what a format needs and takes its time, beside what comes next."""
    from resources.reporting import charts, pages

    if fmt in ("html", "pdf"):
        charts.warm_up()
    if fmt == "pdf":
        pages.warm_up()


def write_rows(table: Table, fmt: str, stream: IO[bytes]) -> None:
    """Writes a table's rows for a machine: CSV, JSON or Parquet."""
    from resources.reporting import files

    if fmt == "parquet":
        files.write_parquet(table, stream)
        return
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    (files.write_csv if fmt == "csv" else files.write_json)(table, text)
    text.flush()
    text.detach()


def write_document(document: Document, fmt: str, stream: IO[bytes]) -> None:
    """Writes a report made for reading as HTML, PDF or XLSX."""
    from resources.reporting import pages, workbook

    match fmt:
        case "xlsx":
            workbook.write_workbook(document, stream)
        case "html":
            stream.write(pages.html(document).encode("utf-8"))
        case "pdf":
            stream.write(pages.pdf(document))
        case _:
            raise unknown("format", fmt, FORMATS)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that is written under another name beside its place, then moved there.

    A reader sees the old file or the whole new one. What a link leads to is replaced, not the link;
    a device or a pipe is written to as it is. Raises ReportError when it cannot be written.
    """
    if path.exists() and not path.is_file():
        try:
            with path.open("wb") as stream:
                yield stream
        except OSError as error:
            raise ReportError(f"cannot write {path}: {error.strerror}") from None
        return
    try:
        with replacing(Path(os.path.realpath(path))) as stream:
            yield stream
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror}") from None
