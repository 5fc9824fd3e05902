"""What is noted of a report that was sent, and what a later build of it is compared with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from resources.reporting import words
from resources.reporting.arithmetic import Value
from resources.reporting.figures import figures_of, make_table
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Family, Kind, Measure
from resources.reporting.period import Period
from resources.schedules.model import Schedule
from resources.schedules.rendering import report_of, request_of


@dataclass(frozen=True)
class Figures:
    """What a later build is compared with. `totals` is name -> (title, value, as it is shown)."""

    digest: str
    columns: tuple[str, ...]
    rows: int
    totals: Mapping[str, tuple[str, str | None, str]]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        totals = {name: list(of) for name, of in self.totals.items()}
        return {**vars(self), "columns": list(self.columns), "totals": totals}

    def has_columns_of(self, before: Mapping[str, Any]) -> bool:
        """Whether the noted figures have the same columns: a report of one's own may be edited."""
        return list(before.get("columns", self.columns)) == list(self.columns)

    def differ(self, before: Mapping[str, Any]) -> bool:
        """Whether they are others than those that were noted, as far as both can be compared."""
        if self.has_columns_of(before):
            return bool(self.digest != before.get("digest"))
        noted = before.get("totals", {})
        return any(value != noted[n][1] for n, (_, value, _) in self.totals.items() if n in noted)


def figures(reporting: Reporting, schedule: Schedule, account: str, period: Period) -> Figures:
    """The report's figures: a digest of every row, and its totals.

    Without the accounts' names, so that one who is called otherwise has no other figures.
    """
    bare = replace(reporting, by_id=True)
    request = request_of(reporting, schedule, account, period, people=True)
    table = make_table(bare, request, people=False)
    rows = sorted(repr([_text(value) for value in row[: table.shown]]) for row in table.each())
    head = repr([column.name for column in table.shown_columns])
    digest = hashlib.sha256("\n".join([head, *rows]).encode()).hexdigest()
    report = request.report
    shown = [c for c in table.shown_columns if isinstance(c, Measure) and not c.per_currency]
    measures = tuple(dict.fromkeys((*map(report.measure, report.headline), *shown)))
    totals = figures_of(bare, request, period, measures)
    values: Sequence[Value] = totals[0] if totals else (None,) * len(measures)
    return Figures(
        digest,
        tuple(column.name for column in table.shown_columns),
        table.row_count,
        {
            m.name: (m.title, _text(value), _shown(m, value, reporting.minutes))
            for m, value in zip(measures, values, strict=True)
        },
    )


def changes(
    reports: Mapping[str, Family],
    schedule: Schedule,
    before: Mapping[str, Any],
    now: Figures,
    *,
    minutes: bool,
) -> tuple[str, ...]:
    """What has become of a sent report's figures, a sentence each, by the figures noted then.

    `minutes` as in the figures.
    """
    report = report_of(reports, schedule)
    said = []
    for name, (title, value, shown) in now.totals.items():
        if name not in before.get("totals", {}):
            continue
        _, old, old_shown = before["totals"][name]
        if old != value:
            measure = report.measure(name)
            pair = (_number(measure, each) for each in (value, old))
            change = words.change(measure, *pair, minutes=minutes)
            said.append(f"{title}: {old_shown} became {shown} ({change}).")
    if not said:
        said.append("The totals are the same; single rows have changed.")
    if before.get("rows") != now.rows and now.has_columns_of(before):
        said.append(f"Rows: {before.get('rows')} became {now.rows}.")
    return tuple(said)


def _shown(measure: Measure, value: Value, minutes: bool) -> str:
    text = words.show(measure, value, minutes=minutes)
    unit = words.unit(measure, minutes=minutes)
    return f"{text} {unit}" if unit and value is not None else text


def _text(value: Value) -> str | None:
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _number(measure: Measure, text: str | None) -> Value:
    if text is None:
        return None
    return int(text) if measure.kind is Kind.COUNT else Decimal(text)
