"""Where schedules meet reporting: a schedule's report as a table, files and a mail.

What a report holds and how it looks is `resources.reporting`; when it is made and for whom is
decided elsewhere in this package. A report for outside is made from a `Report` that does not have
what its audience must not see, so that no format, title or chart can show it.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.message import EmailMessage

from resources.mailer import envelope
from resources.reporting import words
from resources.reporting.document import Document, make_document
from resources.reporting.errors import ReportError
from resources.reporting.figures import Table, find_accounts, make_table, reads_calls
from resources.reporting.interfaces import MADE_OF, Reporting
from resources.reporting.message import XLSX_TYPE, body, file_name
from resources.reporting.model import Family, Report
from resources.reporting.notices import told_already
from resources.reporting.output import write_document, write_rows
from resources.reporting.period import Period
from resources.reporting.reports import find_scheduled
from resources.reporting.request import Asked, Request, find_report, narrowed, resolve
from resources.schedules.audience import hides, own_rows, restricted_by_hidden, seen_by
from resources.schedules.model import Audience, Schedule

_TYPES = {
    "pdf": ("application", "pdf"),
    "html": ("text", "html"),
    "xlsx": ("application", XLSX_TYPE),
    "csv": ("text", "csv"),
}
_SIDES = {Audience.CUSTOMER: "Providers", Audience.PROVIDER: "Customers"}


@dataclass(frozen=True)
class Marks:
    """What a mail says besides its report: that days are missing, that it is a revision."""

    missing: tuple[date, ...] = ()
    revised: bool = False
    said: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What stands behind the title: ` (revised, incomplete)`."""
        marks = [*["revised"] * self.revised, *["incomplete"] * bool(self.missing)]
        return f" ({', '.join(marks)})" if marks else ""

    @property
    def notices(self) -> tuple[str, ...]:
        """The sentences, the most urgent first."""
        if not self.missing:
            return self.said
        verb = "was" if len(self.missing) == 1 else "were"
        gap = (
            f"Incomplete: {words.days(self.missing)} {verb} not built, or had not passed the "
            "checks, when this report was made."
        )
        return (gap, *self.said)


@dataclass(frozen=True)
class Rendered:
    """A report as it goes out: the mail without its recipients, and its files by name."""

    message: EmailMessage
    files: Mapping[str, bytes]
    left_out: tuple[str, ...]


def check(
    reports: Mapping[str, Family],
    schedule: Schedule,
    period: Period,
    currencies: Collection[str],
) -> list[str]:
    """What of a schedule's report cannot be made, in words; nothing is read."""
    try:
        whole = find_scheduled(schedule.report, reports)
    except ReportError as error:
        return [f"report: {error}"]
    if whole.listing:
        return [f"report: {schedule.report!r} lists the calls of numbers and cannot be scheduled"]
    found = _restricted_by_hidden(schedule, whole)
    for what, names in (("group", schedule.group), ("columns", schedule.columns)):
        hidden = [n for n in names or () if n in whole.names and hides(schedule.audience, whole, n)]
        found += [
            f"{what}: {name!r} is not for {schedule.audience}s: {_REFUSALS[schedule.audience]}"
            for name in hidden
        ]
    if found:
        return found
    try:
        resolve(
            report_of(reports, schedule),
            _asked(schedule),
            period,
            people=True,
            currencies=currencies,
        )
    except ReportError as error:
        return [f"group, columns: {error}"]
    return []


def _restricted_by_hidden(schedule: Schedule, report: Report) -> list[str]:
    """Why a report of one's own cannot go outside: its filters stand on it, and tell of others."""
    return [
        f"report: {report.name!r} is restricted by {name!r}, which is not for "
        f"{schedule.audience}s: {_REFUSALS[schedule.audience]}"
        for name in restricted_by_hidden(schedule.audience, report)
    ]


_REFUSALS = {
    Audience.CUSTOMER: "a customer's report holds its own calls and no provider, cost or profit",
    Audience.PROVIDER: "a provider's report holds its own calls and no customer, charge or profit",
}


def tables(reports: Mapping[str, Family], schedule: Schedule) -> tuple[str, ...]:
    """The stored tables that a schedule's report may read, `cdrs` and others behind those made of
    them. None of a report that is not there any more, or is wrong: who makes it is told.
    """
    try:
        report = find_report(schedule.report, reports)
    except ReportError:
        return ()
    return tuple(dict.fromkeys(MADE_OF.get(s.table, s.table) for s in report.sources))


def table(reporting: Reporting, schedule: Schedule, account: str, period: Period) -> Table:
    """The report's figures as people see them."""
    return make_table(
        reporting, request_of(reporting, schedule, account, period, people=True), people=True
    )


def of_calls(reporting: Reporting, schedule: Schedule, account: str, period: Period) -> bool:
    """Whether the report's figures are made of single calls."""
    return reads_calls(request_of(reporting, schedule, account, period, people=True))


def render(
    reporting: Reporting,
    schedule: Schedule,
    account: str,
    period: Period,
    generated: datetime,
    marks: Marks,
    sender: str,
    message_id: str,
    limit_bytes: int,
    kept_at: str,
) -> Rendered:
    """The report's files and its mail, addressed to nobody yet (see `addressed`).

    Attachments that would make the mail larger than the limit are left out, the largest first;
    the mail says so, and that they are kept in the folder `kept_at`.
    """
    request = request_of(reporting, schedule, account, period, people=True)
    known = told_already(reporting, marks.missing)
    document = _worded(make_document(known, request, generated), schedule, marks)
    files = {
        file_name(document, fmt): _file(reporting, schedule, account, period, document, fmt)
        for fmt in schedule.formats
    }
    message = body(document, sender, [_NOBODY], message_id, _said(files))
    left_out = _too_large(files, limit_bytes - len(message.as_bytes()))
    if left_out:
        said = _said(files, left_out, limit_bytes, _place(schedule, kept_at))
        message = body(document, sender, [_NOBODY], message_id, said)
    for name, content in files.items():
        if name not in left_out:
            maintype, subtype = _TYPES[name.rpartition(".")[2]]
            message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return Rendered(message, files, left_out)


def notification(
    reports: Mapping[str, Family],
    schedule: Schedule,
    period: Period,
    generated: datetime,
    said: Iterable[str],
    sender: str,
    message_id: str,
) -> Rendered:
    """A short mail that a report's figures have changed, without the report."""
    title = report_of(reports, schedule).title
    head = f"{title}, {words.period(period)}"
    message = envelope(f"{title} (figures revised), {words.period(period)}", sender, [_NOBODY],
                       message_id)  # fmt: skip
    message["Date"] = generated.astimezone()
    message["Auto-Submitted"] = "auto-generated"
    lines = [f"The figures of {head} have been revised.", "", *said, "",
             f"Made {generated:%Y-%m-%d %H:%M} by cdr-reports."]  # fmt: skip
    message.set_content("\n".join(lines) + "\n")
    return Rendered(message, {}, ())


def addressed(message: EmailMessage, to: Sequence[str], cc: Sequence[str]) -> EmailMessage:
    """The mail with its visible recipients; who gets it blind stands in no header."""
    del message["To"]
    message["To"] = ", ".join(to) if to else "undisclosed-recipients:;"
    if cc:
        message["Cc"] = ", ".join(cc)
    return message


_NOBODY = "nobody@report.invalid"


def _worded(document: Document, schedule: Schedule, marks: Marks) -> Document:
    """The document with the marks, and without a word about the other side of the trade."""
    return replace(
        document,
        title=document.title + marks.title,
        notices=(*marks.notices, *document.notices),
        filters=tuple(f for f in document.filters if f[0] != _SIDES.get(schedule.audience)),
    )


def _file(
    reporting: Reporting,
    schedule: Schedule,
    account: str,
    period: Period,
    document: Document,
    fmt: str,
) -> bytes:
    stream = io.BytesIO()
    if fmt == "csv":
        request = request_of(reporting, schedule, account, period, people=False)
        write_rows(make_table(reporting, request, people=False), fmt, stream)
    else:
        write_document(document, fmt, stream)
    return stream.getvalue()


def _too_large(files: Mapping[str, bytes], room: int) -> tuple[str, ...]:
    """The names of what is not attached, so that the rest fits into so many bytes."""
    # Base64 makes 4 of 3 bytes, with a line end after each 76; and some for the part's headers.
    size = {name: len(content) * 4 // 3 * 78 // 76 + 500 for name, content in files.items()}
    kept = list(files)
    while kept and sum(size[name] for name in kept) > room:
        kept.remove(max(kept, key=lambda name: size[name]))
    return tuple(name for name in files if name not in kept)


def _said(
    files: Mapping[str, bytes], left_out: Sequence[str] = (), limit_bytes: int = 0, place: str = ""
) -> str:
    """What is attached, and what is not and why."""
    attached = [name for name in files if name not in left_out]
    said = f"The report is attached: {', '.join(attached)}" if attached else "Nothing is attached"
    if left_out:
        told = ", ".join(f"{name} ({len(files[name]) / 1e6:,.1f} MB)" for name in left_out)
        said += (
            f". Not attached, because the mail would be larger than {limit_bytes / 1e6:,.0f} MB: "
            f"{told}; kept {place}"
        )
    return said


def _place(schedule: Schedule, kept_at: str) -> str:
    # A schedule's name, and so its folder's, is not meant for outside.
    return f"in {kept_at}" if schedule.audience is Audience.INTERNAL else "for you: ask for it"


def request_of(
    reporting: Reporting, schedule: Schedule, account: str, period: Period, *, people: bool
) -> Request:
    """What a schedule asks of its report for an account."""
    # The schedule's accounts are ids already, also those that no call has now; the report's own
    # restrictions hold, whoever gets it.
    customers, providers = own_rows(schedule, account)
    report = report_of(reporting.reports, schedule)
    whole = find_report(schedule.report, reporting.reports)
    forced = find_accounts(
        reporting, whole, period, report.customers, report.providers, known_only=False
    )
    request = resolve(
        report,
        _asked(schedule),
        period,
        people=people,
        currencies=reporting.currencies,
    )
    return replace(
        request,
        customers=narrowed("customer", forced[0], customers),
        providers=narrowed("provider", forced[1], providers),
    )


def _asked(schedule: Schedule) -> Asked:
    return Asked(
        group_by=None if schedule.group is None else ",".join(schedule.group),
        columns=None if schedule.columns is None else ",".join(schedule.columns),
        currency=schedule.currency,
    )


def report_of(reports: Mapping[str, Family], schedule: Schedule) -> Report:
    """The report without what the schedule's audience must not see."""
    return seen_by(schedule.audience, find_report(schedule.report, reports))
