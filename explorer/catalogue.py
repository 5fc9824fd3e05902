"""The reports as pages offer them, out of the declarations that the visitor may see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from explorer.access import Visitor
from explorer.arrow import described
from explorer.desk import Desk
from explorer.view import PRESETS
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Family, Measure, Report
from resources.reporting.period import last_period


def catalogue(desk: Desk, visitor: Visitor, reporting: Reporting) -> dict[str, Any]:
    """Everything that a page needs before it asks for rows."""
    days = desk.workplace.lake.days("breakout_daily")
    return {
        "today": desk.today().isoformat(),
        "timezone": reporting.timezone,
        "minutes": reporting.minutes,
        "role": str(visitor.role),
        "first_day": days[0].isoformat() if days else None,
        "last_day": days[-1].isoformat() if days else None,
        "currencies": sorted(reporting.currencies),
        "presets": [_days(word, title, desk.today()) for word, title in PRESETS],
        "reports": [entry(f, reporting) for f in reporting.reports.values()],
    }


def _days(word: str, title: str, today: date) -> dict[str, str]:
    """A preset and the days that it means today."""
    period = last_period(word, today)
    first, end = period.first.isoformat(), period.last.isoformat()
    return {"last": word, "title": title, "first": first, "end": end}


def entry(family: Family, reporting: Reporting) -> dict[str, Any]:
    """One report."""
    return {
        "name": family.name,
        "title": family.title,
        "purpose": family.purpose,
        "listing": family.listing,
        "option": family.option,
        "default": family.default,
        "choices": [_choice(c, report, reporting) for c, report in family.members.items()],
    }


def _choice(choice: str, report: Report, reporting: Reporting) -> dict[str, Any]:
    seconds = str(reporting.short_call_seconds)
    minutes = reporting.minutes

    def told(column: Any) -> dict[str, Any]:
        found = described(column, minutes=minutes)
        # Not `format`: what people write in reports of their own may hold braces.
        words = found["definition"].replace("{short_call_seconds}", seconds)
        return {**found, "definition": words}

    return {
        "choice": choice,
        "title": report.title,
        "group": list(report.group),
        "columns": [c for c in report.columns if _is_measure(report, c) or report.listing],
        "dimensions": [told(d) for d in report.dimensions],
        "measures": [told(m) for m in report.measures],
        "loss": report.loss,
        "weight": report.weight,
        "preset": _preset(report),
    }


def _preset(report: Report) -> Mapping[str, Any]:
    """What a report does of itself where a view does not say."""
    preset = report.preset
    return {
        "sort": ",".join(preset.sort) or None,
        "top": preset.top,
        "compare": preset.compare,
        "currency": preset.currency,
    }


def _is_measure(report: Report, name: str) -> bool:
    return isinstance(report.column(name), Measure)
