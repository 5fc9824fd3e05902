"""Pages of the deliveries: what was sent, to whom, made from what; and sending one again."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from explorer.access import INSIDE, OPERATORS
from explorer.serving import Call, Forbidden, NotFound, Page
from pipelines.sending import open_office
from resources.ledger.delivery import Delivery, State, UnknownDelivery
from resources.ledger.schedules import UnknownSchedule
from resources.schedules.planning import again

SHOWN = 200


def listed(call: Call) -> Response:
    """The newest deliveries, newest first."""
    workplace = call.explorer.workplace
    name, state = call.one("schedule").strip(), call.one("state").strip()
    number = None
    found: list[Delivery] = []
    try:
        number = workplace.schedules.named(name).id if name else None
        states = (State(state),) if state else tuple(State)
        found = workplace.deliveries.find(number, states, newest=SHOWN)
    except (UnknownSchedule, ValueError):
        pass  # there are none of these
    names = {n: workplace.schedules.get(n).name for n in {d.schedule_id for d in found}}
    context = {
        "deliveries": [line(d, names[d.schedule_id]) for d in reversed(found)],
        "states": [str(each) for each in State],
        "schedule": name,
        "state": state,
    }
    return call.explorer.page(call, "deliveries", "deliveries.html", "Deliveries", context)


def one(call: Call) -> Response:
    """One delivery."""
    delivery, workplace = _delivery(call), call.explorer.workplace
    schedule = workplace.schedules.get(delivery.schedule_id)
    versions = ", ".join(f"{t} {v if v >= 0 else '–'}" for t, v in delivery.sources.items())
    facts = [
        ("Schedule", schedule.name), ("Period", delivery.days), ("For", delivery.account),
        ("Revision", str(delivery.revision)), ("Reason", str(delivery.reason)),
        ("State", str(delivery.state)), ("Note", delivery.note or ""),
        ("Due", moment(delivery.due_at)), ("Attempts", str(delivery.attempts)),
        ("Settled", moment(delivery.settled_at)), ("Message-ID", delivery.message_id),
        ("Missing days", ", ".join(map(str, delivery.missing))), ("Lake versions", versions),
    ]  # fmt: skip
    recipients = [
        {"address": r.address, "kind": str(r.kind), "outcome": str(r.outcome),
         "at": moment(r.at), "words": r.words or ""}
        for r in workplace.deliveries.recipients(delivery.id)
    ]  # fmt: skip
    context = {
        "id": delivery.id,
        "facts": [(title, words) for title, words in facts if words],
        "recipients": recipients,
        "files": [
            {"name": name, "href": f"/deliveries/{delivery.id}/files/{quote(name)}"}
            for name in _files(call, delivery)
        ],
        "may_resend": call.visitor.role in OPERATORS,
    }
    title = f"Delivery {delivery.id}"
    return call.explorer.page(call, "deliveries", "delivery.html", title, context)


def file(call: Call) -> Response:
    """A file as it was sent."""
    from explorer.preview import attachment

    delivery, name = _delivery(call), call.path("name")
    if name not in _files(call, delivery):
        raise NotFound(f"delivery {delivery.id} has no file {name!r}")
    path = call.explorer.workplace.settings.home / str(delivery.folder) / name
    return attachment(name, path.read_bytes())


def resend(call: Call) -> Response:
    """Sends it again, now."""
    from explorer.schedules import send_now

    explorer, delivery = call.explorer, _delivery(call)
    with explorer.changes:
        try:
            wanted = again(open_office(explorer.workplace), delivery)
        except ValueError as error:
            raise Forbidden(str(error)) from None
        explorer.tell(call, send_now(call, [wanted]))
    return RedirectResponse(f"/deliveries/{wanted.id}", status_code=303)


def line(delivery: Delivery, schedule: str) -> dict[str, Any]:
    """A delivery in a list."""
    return {
        "id": delivery.id,
        "href": f"/deliveries/{delivery.id}",
        "schedule": schedule,
        "account": delivery.account,
        "days": delivery.days,
        "revision": delivery.revision,
        "state": str(delivery.state),
        "settled": moment(delivery.settled_at),
        "note": delivery.note or "",
    }


def told_of(delivery: Delivery) -> str:
    """What has become of a delivery."""
    whose = f" for {delivery.account}" if delivery.account else ""
    said = str(delivery.state)
    if delivery.state is State.QUEUED:
        said = f"not sent yet, tried again at {moment(delivery.next_try_at)}"
    note = f": {delivery.note}" if delivery.note else ""
    return f"Delivery {delivery.id}{whose}, {delivery.days}: {said}{note}"


def moment(at: datetime | None) -> str:
    """An instant in words; blank where there is none."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _delivery(call: Call) -> Delivery:
    text = call.path("number")
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise UnknownDelivery(f"no delivery {text!r}")
    return call.explorer.workplace.deliveries.get(int(text))


def _files(call: Call, delivery: Delivery) -> list[str]:
    if not delivery.folder:
        return []
    folder = call.explorer.workplace.settings.home / delivery.folder
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_file())


PAGES = (
    Page("/deliveries", listed, INSIDE),
    Page("/deliveries/{number}", one, INSIDE),
    Page("/deliveries/{number}/files/{name}", file, INSIDE),
    Page("/deliveries/{number}/resend", resend, OPERATORS, ("POST",)),
)
