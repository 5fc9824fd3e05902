"""What operators must hear of, as plain values, and the mail that tells them.

A trouble has a key that stays the same as long as the trouble does, so that it is told once. What
Dagster knows of (runs, checks) is gathered in `pipelines.alerts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from resources.ledger import FileAccount, FileStatus
from resources.ledger.delivery import Delivery, State
from resources.mailer import envelope

MOST = 100
"""Troubles told in full in one mail; of more only the number."""


@dataclass(frozen=True)
class Trouble:
    """Something that somebody has to look at. `text` may have several lines."""

    key: str
    title: str
    text: str


def same(what: str, at: datetime, text: str) -> str:
    """A key for what fails with the same words again and again: one a day.

    Every `run` tries a day that failed its checks, and every late file has its day judged anew.
    """
    digest = hashlib.sha256(f"{what} {text}".encode()).hexdigest()[:24]
    return f"{what[:100]} {at:%Y-%m-%d} {digest}"


def of_files(
    accounts: Iterable[FileAccount], since: datetime, most_percent: float
) -> list[Trouble]:
    """Files that could not be taken, and those of whose records too large a share was refused."""
    found = []
    for account in accounts:
        file = account.file
        if file.taken_at < since:
            continue
        name = f"{file.source}/{file.name}"
        if file.status is FileStatus.FAILED:
            title = f"file {name} could not be taken"
            text = (
                f"{file.reason}\nMend it in place or deliver it anew: then it is looked at again."
            )
            found.append(Trouble(f"file {file.id} {file.token}", title, text))
        records, refused = file.records or 0, file.quarantined or 0
        if file.status is FileStatus.TAKEN and 100 * refused > most_percent * records:
            found.append(
                Trouble(
                    f"quarantine {file.id}",
                    f"{100 * refused / records:.1f} % of file {name} went into quarantine",
                    f"{refused:,} of {records:,} records; the limit is {most_percent:g} %. "
                    f"`cdr-reports files show {file.id}` tells the reasons.",
                )
            )
    return found


def of_days(
    known: Collection[date], now: datetime, zone: ZoneInfo, expected_by: time
) -> list[Trouble]:
    """Yesterday, when nothing was delivered for it by the time of day when it should have been.

    Not before there ever was a day before it: a new home expects nothing.
    """
    local = now.astimezone(zone)
    yesterday = local.date() - timedelta(days=1)
    if local.time() < expected_by or yesterday in known or not any(d < yesterday for d in known):
        return []
    return [
        Trouble(
            f"no data {yesterday}",
            f"no calls of {yesterday} have been delivered",
            f"They should have come by {expected_by:%H:%M} {zone.key}.",
        )
    ]


def of_deliveries(unreached: Iterable[Delivery], names: Mapping[int, str]) -> list[Trouble]:
    """Scheduled reports that have failed, or, those that were sent, did not reach everybody."""
    found = []
    for d in unreached:
        whose = f" for {d.account}" if d.account else ""
        what = "did not reach everybody" if d.state is State.SENT else "was not sent"
        found.append(
            Trouble(
                f"delivery {d.id} {d.settled_at:%Y-%m-%dT%H:%M:%S}",
                f"report {names.get(d.schedule_id, d.schedule_id)}{whose}, {d.days}, {what}",
                f"{d.note}\n`cdr-reports deliveries show {d.id}` tells more, "
                f"`cdr-reports deliveries resend {d.id}` sends it again.",
            )
        )
    return found


def compose(
    troubles: Sequence[Trouble], sender: str, recipients: Sequence[str], now: datetime
) -> EmailMessage:
    """One mail that tells of all of them.

    The same troubles have the same Message-ID: sent twice, they are shown once.
    """
    digest = hashlib.sha256("\n".join(sorted(t.key for t in troubles)).encode()).hexdigest()[:24]
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    first = " ".join(troubles[0].title.split())[:150]
    more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
    message = envelope(
        f"cdr-reports: {first}{more}", sender, recipients, f"<alert.{digest}@{domain}>"
    )
    message["Date"] = now
    message["Auto-Submitted"] = "auto-generated"
    parts = [f"{t.title}\n{'-' * min(len(t.title), 70)}\n{t.text}\n" for t in troubles[:MOST]]
    if len(troubles) > MOST:
        parts.append(f"And {len(troubles) - MOST} more: see the web interface and the commands.\n")
    message.set_content("\n".join(parts))
    return message
