"""The preview of a schedule's mail: its page, the mail itself in a frame, its files.

The mail is made as it would go out now, and sent to nobody.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from explorer.access import OPERATORS
from explorer.schedules import named, url
from explorer.serving import Call, Forbidden, NotFound, Page
from pipelines.sending import open_office, read_accounts
from resources.reporting.errors import ReportError
from resources.schedules.model import Audience, Schedule, from_text
from resources.schedules.planning import preview
from resources.schedules.rendering import Rendered

_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:; frame-ancestors 'self'; "
    "sandbox"
)


def preview_page(call: Call) -> Response:
    """The mail as it would go out now, to nobody."""
    record = named(call)
    schedule = from_text(record.definition)
    made = _previewed(call, schedule)
    body: Any = made.message.get_body(("plain",))
    account = call.one("account")
    behind = f"?account={quote(account)}" if account else ""
    accounts = []
    if schedule.fan_out:
        known = read_accounts(call.explorer.workplace)
        emails = known.emails(schedule.audience)
        of = schedule.customers if schedule.audience is Audience.CUSTOMER else schedule.providers
        names = known.customers if schedule.audience is Audience.CUSTOMER else known.providers
        accounts = [
            {"id": a, "name": names.get(a) or a, "current": a == account}
            for a in (of or sorted(emails))
        ]
    context = {
        "subject": str(made.message["Subject"]),
        "to": schedule.recipients,
        "text": str(body.get_content()).strip(),
        "files": [
            {
                "name": name,
                "size": f"{len(content) / 1000:,.0f} kB",
                "href": url(record.name, f"preview-file/{quote(name)}") + behind,
            }
            for name, content in made.files.items()
        ],
        "frame": url(record.name, "preview-mail") + behind,
        "accounts": accounts,
    }
    return call.explorer.page(call, "schedules", "preview.html", f"Preview: {record.name}", context)


def preview_mail(call: Call) -> Response:
    """The HTML of that mail, for a frame that may do nothing."""
    made = _previewed(call, from_text(named(call).definition))
    body: Any = made.message.get_body(("html",))
    headers = {"Content-Security-Policy": _MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return Response(str(body.get_content()), media_type="text/html", headers=headers)


def preview_file(call: Call) -> Response:
    """A file of that mail."""
    made = _previewed(call, from_text(named(call).definition))
    name = call.path("file")
    if name not in made.files:
        raise NotFound(f"the mail has no file {name!r}")
    return attachment(name, made.files[name])


def attachment(name: str, content: bytes) -> Response:
    """Bytes to be saved, never shown."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    headers = {
        "Content-Disposition": f'attachment; filename="{safe}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)


def _previewed(call: Call, schedule: Schedule) -> Rendered:
    """The mail; its page, its frame and its files ask for the same one, made once."""
    explorer, account = call.explorer, call.one("account") or None

    def make() -> Rendered:
        with explorer.desk.download(call.visitor):
            return preview(open_office(explorer.workplace), schedule, account)

    try:
        return explorer.previews.get((schedule.text(), account), make)
    except ReportError:
        raise
    except ValueError as error:
        raise Forbidden(str(error)) from None


PAGES = (
    Page("/schedules/preview/{name:path}", preview_page, OPERATORS),
    Page("/schedules/preview-mail/{name:path}", preview_mail, OPERATORS),
    Page("/schedules/preview-file/{file}/{name:path}", preview_file, OPERATORS),
)
