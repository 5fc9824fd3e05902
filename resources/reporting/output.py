"""From a request to the bytes of a format, and from bytes to a file that is whole or not there.

The list of formats lives here; what each looks like is in its own module, imported when needed.
"""

from __future__ import annotations

import io
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from resources.reporting.document import make_document, table_notices
from resources.reporting.errors import ReportError, unknown
from resources.reporting.figures import make_table
from resources.reporting.interfaces import Reporting
from resources.reporting.request import Request

MACHINE_FORMATS = ("csv", "json", "parquet")
PAGE_FORMATS = ("xlsx", "html", "pdf")
FORMATS = ("table", *MACHINE_FORMATS, *PAGE_FORMATS)
"""All formats; `table` is the terminal's and is printed by `terminal`."""

BINARY_FORMATS = ("parquet", "xlsx", "pdf")
"""Formats that must not be written to a terminal."""


@dataclass(frozen=True)
class Output:
    """A finished report. `notices` are those that the format has no place for."""

    content: bytes
    notices: tuple[str, ...] = ()


def choose_format(asked: str | None, path: str | None) -> str:
    """The format asked for, else the one that the file's name ends in, else `table`."""
    if asked is not None:
        if asked not in FORMATS:
            raise unknown("format", asked, FORMATS)
        return asked
    if path is None or path == "-":
        return "table"
    extension = Path(path).suffix.removeprefix(".").lower()
    found = {"htm": "html", "txt": "table"}.get(extension, extension)
    if found not in FORMATS or extension == "table":
        raise ReportError(
            f"which format is {path!r}? Say --format, or end its name in one of "
            + ", ".join(f".{name}" for name in FORMATS[1:])
        )
    return found


def for_people(fmt: str) -> bool:
    """Whether the format is made for reading, with titles, totals and losses first."""
    return fmt not in MACHINE_FORMATS


def render(reporting: Reporting, request: Request, fmt: str, generated: datetime) -> Output:
    """The report in any format but `table`. `generated` is in the reporting time zone."""
    from resources.reporting import charts, files, pages, workbook

    if not for_people(fmt):
        table = make_table(reporting, request, people=False)
        said = table_notices(reporting, table)
        if fmt == "parquet":
            return Output(files.parquet(table), said)
        stream = io.StringIO(newline="")
        (files.write_csv if fmt == "csv" else files.write_json)(table, stream)
        return Output(stream.getvalue().encode("utf-8"), said)
    if fmt in ("html", "pdf"):
        charts.warm_up()
    document = make_document(reporting, request, generated)
    match fmt:
        case "xlsx":
            return Output(workbook.workbook(document))
        case "html":
            return Output(pages.html(document).encode("utf-8"))
        case "pdf":
            return Output(pages.pdf(document))
        case _:
            raise unknown("format", fmt, FORMATS)


def write_file(path: Path, content: bytes) -> None:
    """Writes the file under another name beside its place, then moves it there.

    A reader sees the old file or the whole new one. Raises ReportError when it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror}") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ReportError(f"cannot write {path}: {error.strerror}") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
