"""Pages of the schedules: the list, the form, sending now; the preview is `preview`.

Fields are judged by `resources.schedules.definition`, as the command's are; here they only come and
go as text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from explorer.access import INSIDE, OPERATORS
from explorer.deliveries import line, told_of
from explorer.desk import report_of
from explorer.serving import Call, Page
from explorer.view import View, parse
from pipelines.sending import open_office, read_accounts
from resources.ledger.delivery import Delivery
from resources.ledger.schedules import NameTaken, ScheduleRecord
from resources.reporting.errors import ReportError
from resources.reporting.period import Period
from resources.reporting.request import quoted, split
from resources.schedules.definition import Defined, ScheduleError, define
from resources.schedules.delivery import deliver
from resources.schedules.due import upcoming_in_words
from resources.schedules.model import CHOICES, FIELDS, FORMATS, LISTS, Schedule, from_text
from resources.schedules.planning import agenda, run_now

_NOT_KEPT = {
    "split": "the columns of the pivot",
    "filter": "the filters",
    "sort": "the order",
    "top": "the number of rows",
    "compare": "the comparison",
    "choice": "the choice of the report",
}


def url(name: str, page: str = "show") -> str:
    """Where a page of a schedule is. The name, which may be any text, comes last."""
    return f"/schedules/{page}/{quote(name)}"


def listed(call: Call) -> Response:
    """All schedules."""
    found = []
    for record in call.explorer.workplace.schedules.all():
        schedule = from_text(record.definition)
        found.append(
            {
                "name": record.name,
                "href": url(record.name),
                "frequency": str(schedule.frequency),
                "report": schedule.report,
                "audience": str(schedule.audience),
                "recipients": schedule.recipients,
                "next": _next(call, schedule, 1)[0] if record.enabled else "",
                "enabled": record.enabled,
            }
        )
    return call.explorer.page(
        call, "schedules", "schedules.html", "Schedules", {"schedules": found}
    )


def one(call: Call) -> Response:
    """A schedule, what comes next of it, what it has sent."""
    record = named(call)
    schedule = from_text(record.definition)
    workplace = call.explorer.workplace
    plain = {
        _title(field): ", ".join(value) if isinstance(value, list) else str(value)
        for field, value in schedule.plain().items()
        if value not in ([], False)
    }
    sent = workplace.deliveries.find(record.id, newest=20)
    context = {
        "name": record.name,
        "schedule": plain,
        "enabled": record.enabled,
        "next": _next(call, schedule, 3) if record.enabled else [],
        "deliveries": [line(each, record.name) for each in reversed(sent)],
        "warnings": _warnings(call, schedule),
    }
    return call.explorer.page(call, "schedules", "schedule.html", record.name, context)


def new_form(call: Call) -> Response:
    """An empty form, or one that holds what is on a report's page."""
    view = parse(call.pairs, strict=False)
    form, notes = filled(call, view) if call.pairs else ({}, [])
    defaults = _texts(Schedule("", call.explorer.workplace.settings.timezone))
    return _form(call, {**defaults, **form}, {}, "/schedules/new", new=True, notes=notes)


def filled(call: Call, view: View) -> tuple[dict[str, str], list[str]]:
    """A view as the fields of a schedule, and what of it a schedule cannot hold."""
    asked = view.asked
    form = {"report": view.report}
    try:
        report = report_of(call.explorer.desk.reporting(call.visitor), view)
        dimensions = {d.name for d in report.dimensions}
        currency = asked.currency or report.preset.currency
    except ReportError:
        dimensions, currency = set(), asked.currency
    if asked.group_by is not None:
        form["group"] = asked.group_by or '""'
    if asked.columns is not None:
        named = [w for w in split(asked.columns) if asked.group_by is None or w not in dimensions]
        form["columns"] = ", ".join(named)
    for field in ("customers", "providers"):
        if values := getattr(asked, field):
            form[field] = ", ".join(values)
    if currency:
        form["currency"] = currency.upper()
    said = {
        "split": view.split, "filter": asked.filters, "sort": asked.sort, "top": asked.top,
        "compare": asked.compare if asked.compare != "none" else None, "choice": view.choice,
    }  # fmt: skip
    if view.choice and report_name(call, view) is not None:
        form["report"] = str(report_name(call, view))
        said["choice"] = None
    lost = [words for name, words in _NOT_KEPT.items() if said[name]]
    notes = []
    if lost:
        notes.append(
            f"A schedule does not hold {', '.join(lost)}. A report of your own (a YAML file in "
            "reports/ of the home) can, and can be scheduled."
        )
    return form, notes


def report_name(call: Call, view: View) -> str | None:
    """The name by which a schedule knows a family's member, such as `usa-calls-lata`."""
    try:
        return report_of(call.explorer.desk.reporting(call.visitor), view).name
    except ReportError:
        return None


def add(call: Call) -> Response:
    """Adds the schedule of the form, or says beside its fields what is wrong."""
    return _save(call, None)


def edit_form(call: Call) -> Response:
    """The form of a schedule that there is."""
    record = named(call)
    form = _texts(from_text(record.definition))
    return _form(call, form, {}, url(record.name, "edit"), new=False, notes=[])


def edit(call: Call) -> Response:
    """Changes a schedule as the form says."""
    return _save(call, named(call))


def _save(call: Call, record: ScheduleRecord | None) -> Response:
    form = {name: call.field(name).strip() for name in FIELDS}
    action = "/schedules/new" if record is None else url(record.name, "edit")
    store, now = call.explorer.workplace.schedules, datetime.now(UTC)
    try:
        schedule = _judged(call, form).schedule
    except ScheduleError as error:
        return _form(call, form, by_field(str(error)), action, new=record is None, notes=[],
                     status=422)  # fmt: skip
    try:
        if record is None:
            store.add(schedule.name, schedule.text(), now)
        else:
            before = from_text(record.definition)
            since = now if schedule.frequency != before.frequency else None
            store.change(record.id, schedule.name, schedule.text(), now, since)
    except NameTaken as error:
        wrong = {"name": [str(error)]}
        return _form(call, form, wrong, action, new=record is None, notes=[], status=422)
    # What is odd about it stands on its page, now and later.
    call.explorer.tell(call, "Added." if record is None else "Changed.")
    return RedirectResponse(url(schedule.name), status_code=303)


def by_field(text: str) -> dict[str, list[str]]:
    """What is wrong, by field: `email: missing` and `group, columns: …`, a line each."""
    found: dict[str, list[str]] = {}
    for each in text.splitlines():
        head, colon, words = each.partition(": ")
        named = [name.strip() for name in head.split(",")]
        if colon and all(name in FIELDS for name in named):
            words = words.replace("--", "").replace("group-by", "group")
            for name in named:
                found.setdefault(name, []).append(words)
            if len(named) > 1:
                found.setdefault("", []).append(words)
        else:
            found.setdefault("", []).append(each)
    return found


def send(call: Call) -> Response:
    """Sends the last whole period's report now."""
    record, explorer = named(call), call.explorer
    with explorer.changes:
        wanted = run_now(open_office(explorer.workplace), record)
        if wanted:
            words = send_now(call, wanted)
        else:
            words = "This period's report is out already: send its delivery again from the history."
    explorer.tell(call, words)
    return RedirectResponse(url(record.name), status_code=303)


def send_now(call: Call, wanted: list[Delivery]) -> str:
    """Sends deliveries at once; what became of them, in words."""
    office = open_office(call.explorer.workplace)
    numbers = {each.id for each in wanted}
    found = agenda(office)
    for group in found.ready:
        if numbers & {each.id for each in group.deliveries}:
            deliver(office, [d for d in group.deliveries if d.id in numbers])
    said = [told_of(office.deliveries.get(number)) for number in sorted(numbers)]
    return " ".join(f"{each}." for each in ([found.held] if found.held else []) + said)


def pause(call: Call) -> Response:
    """Sends nothing of it from now on."""
    record = named(call)
    call.explorer.workplace.schedules.pause(record.id, datetime.now(UTC))
    return _back(call, record, "Paused: nothing of it is sent until it is resumed.")


def resume(call: Call) -> Response:
    """Sends it again from now on."""
    record = named(call)
    if not record.enabled:
        call.explorer.workplace.schedules.resume(record.id, datetime.now(UTC))
    return _back(call, record, "Resumed: what fell due meanwhile is not sent.")


def remove(call: Call) -> Response:
    """Takes it away."""
    record = named(call)
    call.explorer.workplace.schedules.remove(record.id, datetime.now(UTC))
    call.explorer.tell(call, f"{record.name} is removed; what it has sent stays on record.")
    return RedirectResponse("/schedules", status_code=303)


def _back(call: Call, record: ScheduleRecord, words: str) -> Response:
    call.explorer.tell(call, words)
    return RedirectResponse(url(record.name), status_code=303)


def named(call: Call) -> ScheduleRecord:
    """The schedule of the address. Raises UnknownSchedule."""
    return call.explorer.workplace.schedules.named(call.path("name"))


def _judged(call: Call, form: dict[str, str]) -> Defined:
    values: dict[str, Any] = {}
    for name, text in form.items():
        if name == "fan_out":
            values[name] = text == "true"
        elif not text:
            continue
        elif name in LISTS:
            values[name] = [text.replace("\r", " ").replace("\n", " ")]
        else:
            values[name] = text
    today = call.explorer.desk.today()
    workplace = call.explorer.workplace
    return define(
        values, read_accounts(workplace), workplace.settings.timezone, Period(today, today)
    )


def _warnings(call: Call, schedule: Schedule) -> list[str]:
    """What has become wrong of a schedule since it was made."""
    try:
        return list(_judged(call, _texts(schedule)).warnings)
    except ScheduleError as error:
        return str(error).splitlines()


def _texts(schedule: Schedule) -> dict[str, str]:
    """A schedule as the fields of the form."""
    found = {}
    for name, value in schedule.plain().items():
        if isinstance(value, bool):
            found[name] = "true" if value else ""
        elif name == "group" and not value:
            found[name] = '""'  # the totals only, which blank would not say
        else:
            found[name] = ", ".join(map(quoted, value)) if isinstance(value, list) else str(value)
    return found


def _form(
    call: Call,
    form: dict[str, str],
    errors: dict[str, list[str]],
    action: str,
    *,
    new: bool,
    notes: list[str],
    status: int = 200,
) -> Response:
    reporting = call.explorer.desk.reporting(call.visitor)
    reports = [
        (report.name if family.option else family.name, report.title)
        for family in reporting.reports.values()
        if not family.listing
        for report in family.members.values()
    ]
    known = dict(reports)
    if form.get("report") and form["report"] not in known:
        # The name of a family alone means one of its kinds.
        asked = report_name(call, View(form["report"]))
        form = {**form, "report": asked if asked in known else form["report"]}
    choices = {
        "report": reports,
        "formats": [(f, f) for f in FORMATS],
        **{name: [(str(w), str(w)) for w in kind] for name, kind in CHOICES.items()},
    }
    context = {"form": {name: form.get(name, "") for name in FIELDS}, "errors": errors,
               "choices": choices, "action": action, "new": new, "notes": notes}  # fmt: skip
    title = "New schedule" if new else f"Edit {form.get('name', '')}"
    return call.explorer.page(call, "schedules", "schedule_form.html", title, context, status)


def _title(field: str) -> str:
    return field.replace("_", " ").capitalize()


def _next(call: Call, schedule: Schedule, count: int) -> list[str]:
    zone = call.explorer.workplace.settings.zone
    return upcoming_in_words(schedule, datetime.now(UTC), zone, count)


PAGES = (
    Page("/schedules", listed, INSIDE),
    Page("/schedules/new", new_form, OPERATORS),
    Page("/schedules/new", add, OPERATORS, ("POST",)),
    Page("/schedules/show/{name:path}", one, INSIDE),
    Page("/schedules/edit/{name:path}", edit_form, OPERATORS),
    Page("/schedules/edit/{name:path}", edit, OPERATORS, ("POST",)),
    Page("/schedules/send/{name:path}", send, OPERATORS, ("POST",)),
    Page("/schedules/pause/{name:path}", pause, OPERATORS, ("POST",)),
    Page("/schedules/resume/{name:path}", resume, OPERATORS, ("POST",)),
    Page("/schedules/remove/{name:path}", remove, OPERATORS, ("POST",)),
)
