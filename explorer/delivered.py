"""Pages of the delivered files: their accounts, what was refused and why, taking one out again."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import IO, Any, TextIO

from starlette.responses import RedirectResponse, Response, StreamingResponse

from explorer.access import INSIDE, OPERATORS
from explorer.deliveries import moment
from explorer.downloads import TYPES, streamed
from explorer.serving import Call, Forbidden, Page
from pipelines.quarantine import quarantined, write_named, write_unnamed
from resources.intake.take import WrongHome
from resources.ledger.cold import DayIsCold
from resources.ledger.file import FileAccount, FileStatus
from resources.locks import is_free
from resources.sources import SOURCES

LISTED = 200
"""Files on the page that lists them."""

SHOWN = 100
"""Refused records on a file's page."""


def listed(call: Call) -> Response:
    """The newest files, the newest first, with the sums of all."""
    name, status = call.one("name").strip(), call.one("status").strip()
    found = call.explorer.workplace.files.newest(LISTED, name, status)
    context = {
        "files": [_line(account) for account in found.accounts],
        "sums": found.sums,
        "count": found.count,
        "name": name,
        "status": status,
        "statuses": [str(each) for each in FileStatus],
    }
    return call.explorer.page(call, "files", "files.html", "Files", context)


def one(call: Call) -> Response:
    """One file with its account and its refused records."""
    account, workplace = _account(call), call.explorer.workplace
    found = account.file
    facts = [
        ("Source", found.source), ("Status", str(found.status)), ("Reason", found.reason or ""),
        ("Size", f"{found.size:,} bytes"), ("SHA-256", found.sha256 or ""),
        ("Taken", moment(found.taken_at)), ("Days", account.days_in_words),
        *((name.capitalize(), f"{value:,}") for name, value in account.numbers.items()
          if value is not None),
    ]  # fmt: skip
    taken = found.status is FileStatus.TAKEN
    refused = []
    if taken and found.quarantined:
        for record in quarantined(workplace, [account]):
            refused.append(
                {
                    "line": record["quarantine_line"],
                    "reasons": record["quarantine_reasons"],
                    "raw": record["raw"],
                }
            )
            if len(refused) == SHOWN:
                break
    context = {
        "file": _line(account),
        "facts": [(title, words) for title, words in facts if words],
        "reasons": list(workplace.files.reasons(found.id).items()),
        "quarantine": refused,
        "may_withdraw": taken and call.visitor.role in OPERATORS,
        "export": f"/files/{found.id}/quarantine.csv" if refused else "",
        "reasons_apart": not SOURCES[found.source].header,
    }
    return call.explorer.page(call, "files", "file.html", found.name, context)


def export(call: Call) -> Response:
    """All refused records of a file as the command writes them, to be mended and delivered again.

    Of a source whose files have no header they are as delivered.
    """
    account = _account(call)

    def write(handle: TextIO) -> None:
        records = quarantined(call.explorer.workplace, [account])
        if SOURCES[account.file.source].header:
            write_named(handle, [account], records)
        else:
            with _nowhere() as why:
                write_unnamed(handle, why, records)

    return _sent(write, f"quarantine_{account.file.id}.csv")


def reasons(call: Call) -> Response:
    """Why the records were refused that an export holds as delivered, line by line."""
    account = _account(call)

    def write(handle: TextIO) -> None:
        with _nowhere() as raw:
            write_unnamed(raw, handle, quarantined(call.explorer.workplace, [account]))

    return _sent(write, f"quarantine_{account.file.id}.csv.reasons.csv")


def _sent(write: Callable[[TextIO], None], name: str) -> Response:
    def encoded(stream: IO[bytes]) -> None:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        write(text)
        text.flush()
        text.detach()

    return StreamingResponse(
        streamed(encoded), media_type=TYPES["csv"],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def withdraw(call: Call) -> Response:
    """Takes a wrongly delivered file out again."""
    account, explorer = _account(call), call.explorer
    if account.file.status is not FileStatus.TAKEN:
        raise Forbidden(
            f"{account.file.name} is {account.file.status}: only a taken file can be withdrawn"
        )
    workplace = explorer.workplace
    with explorer.changes:
        if not is_free(workplace.settings.home / "intake.lock"):
            explorer.tell(call, "A night is at work: try again when it is done.")
            return RedirectResponse(f"/files/{account.file.id}", status_code=303)
        try:
            workplace.intake.withdraw(account.file)
        except (WrongHome, DayIsCold) as error:
            raise Forbidden(str(error)) from None
    days = account.days_in_words or "no day"
    explorer.tell(call, f"Withdrawn; stale now: {days}. The next run builds them.")
    return RedirectResponse(f"/files/{account.file.id}", status_code=303)


def _account(call: Call) -> FileAccount:
    return call.explorer.workplace.files.account(call.path("number"))


def _line(account: FileAccount) -> dict[str, Any]:
    return {
        "id": account.file.id,
        "href": f"/files/{account.file.id}",
        "source": account.file.source,
        "name": account.file.name,
        "status": str(account.file.status),
        "reason": account.file.reason or "",
        "days": account.days_in_words,
        **account.numbers,
    }


PAGES = (
    Page("/files", listed, INSIDE),
    Page("/files/{number}", one, INSIDE),
    Page("/files/{number}/quarantine.csv", export, INSIDE),
    Page("/files/{number}/quarantine.csv.reasons.csv", reasons, INSIDE),
    Page("/files/{number}/withdraw", withdraw, OPERATORS, ("POST",)),
)
