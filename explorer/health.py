"""Whether the night has built what it should: the newest day, stale, failed and missing ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from explorer.access import INSIDE
from explorer.serving import Call, Page
from resources.held import CDRS, TABLES
from resources.ledger.delivery import State
from resources.lost import lost_to_reports

if TYPE_CHECKING:
    from explorer.explorer import Explorer

LOOKED_BACK = 31
"""A day without data is told of for so long."""


@dataclass(frozen=True)
class Health:
    """What there is to say of the days. `expected` is the newest day that should be there."""

    latest: date | None
    expected: date
    stale: list[date]
    failed: dict[date, str]
    missing: list[date]

    @property
    def ok(self) -> bool:
        """Whether the day that is expected is there, and nothing failed."""
        return self.latest is not None and self.expected not in self.missing and not self.failed


def judge(
    now: datetime, expected_by: time, held: list[date], stale: list[date], failed: dict[date, str]
) -> Health:
    """The state of the days at a moment of the reporting time zone."""
    back = 1 if now.time() >= expected_by else 2
    expected = now.date() - timedelta(days=back)
    begun = max(held[0], expected - timedelta(days=LOOKED_BACK - 1)) if held else expected
    days = [begun + timedelta(days=n) for n in range((expected - begun).days + 1)]
    there = set(held)
    return Health(
        latest=max((d for d in held if d <= now.date()), default=None),
        expected=expected,
        stale=[day for day in stale if day not in failed],
        failed=failed,
        missing=[day for day in days if day not in there],
    )


def state(explorer: Explorer) -> Health:
    """The state of the home's days now."""
    workplace = explorer.workplace
    stale = {each.day for each in workplace.days.stale((CDRS, *TABLES))}
    return judge(
        explorer.desk.now(),
        workplace.settings.expected_by,
        workplace.lake.days("breakout_daily"),
        sorted(stale | lost_to_reports(workplace.lake, workplace.days)),
        workplace.days.failures(),
    )


def page(call: Call) -> Response:
    """The page for people."""
    explorer = call.explorer
    found = state(explorer)
    deliveries = explorer.workplace.deliveries.find(None, (State.FAILED,), newest=20)
    names = {
        d.schedule_id: explorer.workplace.schedules.get(d.schedule_id).name for d in deliveries
    }
    troubles = [f"{names[d.schedule_id]}, {d.days}: {d.note or 'not sent'}" for d in deliveries]
    late = found.latest is None or found.latest < found.expected
    checks = [
        _check("Newest day", not late, f"{found.latest or 'no day at all'}; expected is "
               f"{found.expected}"),
        _check("Checks", not found.failed, f"{len(found.failed)} days have failed theirs"),
        _check("Stale days", not found.stale, f"{len(found.stale)} days wait to be built anew"),
        _check("Missing days", not found.missing, f"{len(found.missing)} of the last "
               f"{LOOKED_BACK} days hold no data"),
        _check("Scheduled reports", not troubles, f"{len(troubles)} could not be sent"),
    ]  # fmt: skip
    context = {
        "ok": found.ok,
        "latest": found.latest,
        "expected": found.expected,
        "stale": found.stale,
        "failed": [{"day": day, "words": words} for day, words in sorted(found.failed.items())],
        "missing": found.missing,
        "schedules": troubles,
        "checks": checks,
    }
    return explorer.page(call, "health", "health.html", "Health", context)


def _check(title: str, ok: bool, words: str) -> dict[str, Any]:
    return {"title": title, "ok": ok, "words": words}


PAGES = (Page("/health", page, INSIDE),)
