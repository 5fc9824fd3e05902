"""Refused records as they are exported: read from the lake, each with its file's own columns."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from resources.intake.records import split_record
from resources.ledger.file import FileAccount
from resources.sources import SOURCES

if TYPE_CHECKING:
    from pipelines.assembly import Workplace

TOLD = ("quarantine_file", "quarantine_line", "quarantine_reasons")
"""What stands behind a record's own columns; and `quarantine_raw`, the record as delivered."""


def columns_of(wanted: Iterable[FileAccount]) -> list[str]:
    """The columns of an export of these files."""
    extra = (*TOLD, "quarantine_raw")
    columns: dict[str, None] = {}
    for account in wanted:
        # Not those without a name, nor ours: the file may be an export that was delivered again.
        named = json.loads(account.file.header or "[]")
        columns |= dict.fromkeys(n for n in named if not n.startswith("\0") and n not in extra)
    return [*columns, *extra]


def quarantined(workplace: "Workplace", wanted: Sequence[FileAccount]) -> Iterator[dict[str, Any]]:
    """The refused records of files in the order of their lines.

    Each has `raw`, what `TOLD` names, and `row`: all of it by the columns of `columns_of`.
    """
    for account in wanted:
        paths = workplace.lake.of_files("quarantine", [account.file.id])
        if not paths:
            continue
        header = json.loads(account.file.header or "[]")
        delimiter = SOURCES[account.file.source].delimiter
        with workplace.engine.connect({"quarantine": paths}) as connection:
            rows = connection.execute(
                "SELECT line, reasons, raw FROM quarantine WHERE file_id = $file_id ORDER BY line",
                {"file_id": account.file.id},
            )
            while batch := rows.fetchmany(10_000):
                for line, reasons, raw in batch:
                    told = {
                        "quarantine_file": account.file.name,
                        "quarantine_line": line,
                        "quarantine_reasons": reasons,
                    }
                    yield {"raw": raw, **told, "row": _row(header, raw, delimiter, told)}


def write_named(
    handle: TextIO, wanted: Sequence[FileAccount], records: Iterable[dict[str, Any]]
) -> int:
    """Writes records of one source with a header, by its columns; how many there were."""
    delimiters = {SOURCES[account.file.source].delimiter for account in wanted}
    writer = csv.DictWriter(
        handle, columns_of(wanted), "", "ignore", delimiter=delimiters.pop() if delimiters else ","
    )
    writer.writeheader()
    count = 0
    for record in records:
        count += 1
        writer.writerow(record["row"])
    return count


def write_unnamed(raw: TextIO, why: TextIO, records: Iterable[dict[str, Any]]) -> int:
    """Writes records of a source without a header as delivered, so that they can be delivered
    again, and beside them what `TOLD` names; how many there were.
    """
    writer = csv.writer(why)
    writer.writerow(TOLD)
    count = 0
    for record in records:
        count += 1
        raw.write(record["raw"] + "\n")
        writer.writerow([record[name] for name in TOLD])
    return count


def _row(header: list[str], raw: str, delimiter: str, told: dict[str, Any]) -> dict[str, str]:
    try:
        values = split_record(raw, delimiter)
    except csv.Error:
        values = []
    # Fields of a record with too many or too few of them may stand in any column: only the raw
    # text is told, so that it cannot be taken for a record that needs no mending.
    row = dict(zip(header, values, strict=True)) if len(values) == len(header) else {}
    return row | {name: str(told[name]) for name in TOLD} | {"quarantine_raw": raw}
