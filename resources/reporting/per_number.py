"""The Per Number report: every call of given numbers, and what each number's calls sum up to.

The one report whose rows are calls, not sums: its tables and its document are made here. The
columns are in `call_columns`; where the calls are found is `resources.calls`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from resources.calls import FoundCalls, NumberSummary, Side
from resources.reporting import words
from resources.reporting.arithmetic import Formula, Value
from resources.reporting.call_columns import SUMMED
from resources.reporting.document import CHOSEN_SHOWN, Document, Figure, Grid, Section
from resources.reporting.errors import ReportError, unknown
from resources.reporting.figures import Held, Table
from resources.reporting.interfaces import Reporting
from resources.reporting.model import Column, Dimension, HeatChart, Kind, Measure, Report
from resources.reporting.notices import notices
from resources.reporting.period import Period
from resources.reporting.plots import Points
from resources.reporting.request import SortKey, split

SUMMARIES_SHOWN = 40
"""Numbers that a page sums up; a sheet has them all."""


@dataclass(frozen=True)
class NumberRequest:
    """Which calls to show and how: `columns` of each, at most `top` of them."""

    report: Report
    period: Period
    side: Side
    columns: tuple[Dimension, ...]
    top: int | None = None
    customers: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


@dataclass(frozen=True)
class CallList:
    """The calls of numbers as a report, while they can be read."""

    reporting: Reporting
    request: NumberRequest
    found: FoundCalls

    @property
    def title(self) -> str:
        """Title, period and time zone."""
        period = words.period(self.request.period)
        return f"{self.request.report.title}, {period} ({self.reporting.timezone})"

    @property
    def minutes(self) -> bool:
        """Whether people read durations in minutes."""
        return self.reporting.minutes

    def tables(self, *, people: bool) -> list[tuple[str, Table]]:
        """The calls; for people the summaries before them."""
        table = calls_table(self.reporting, self.request, self.found, people=people)
        if not people:
            return [("", table)]
        grid = summary_grid(self.reporting, self.found.summaries())
        return [(grid.title, grid.table), ("Calls, newest first", table)]

    def notices(self, table: Table) -> tuple[str, ...]:
        """What must be said of its days."""
        return number_notices(self.reporting, self.request)

    def remarks(self, table: Table) -> tuple[str, ...]:
        """There are none."""
        return ()

    def document(self, generated: datetime) -> Document:
        """The same made for reading."""
        return number_document(self.reporting, self.request, self.found, generated)


def number_columns(
    report: Report, text: str | None, *, people: bool, single: bool
) -> tuple[Dimension, ...]:
    """The columns that were typed, else those for people or machines. Refuses unknown ones.

    People are not told on each line the `single` number that they asked for.
    """
    default = report.columns if people else report.machine_columns
    if single and people:
        default = tuple(name for name in default if name != "number")
    names = default if text is None else tuple(split(text))
    known = [d.name for d in report.dimensions]
    if not names:
        raise ReportError("--columns is empty: name at least one, or leave it out")
    for name in names:
        if name not in known:
            raise unknown("column", name, known)
    return tuple(report.dimension(name) for name in names)


def calls_table(
    reporting: Reporting, request: NumberRequest, found: FoundCalls, *, people: bool
) -> Table:
    """The calls as a table without totals, read as it is written; people see local times."""
    zone = ZoneInfo(reporting.timezone) if people else None
    return Table(
        columns=request.columns,
        shown=len(request.columns),
        group=(),
        totals=(),
        row_count=found.attempts(),
        lines=_Calls(reporting, request.columns, found, zone),
        top=request.top,
    )


def number_document(
    reporting: Reporting, request: NumberRequest, found: FoundCalls, generated: datetime
) -> Document:
    """The calls and their summaries, made for reading."""
    summaries = found.summaries()
    table = calls_table(reporting, request, found, people=True)
    rows = list(table.each(limit=CHOSEN_SHOWN))
    sections = (Section("", rows, table.rows_left),) if rows else ()
    period = request.period
    return Document(
        name=request.report.name,
        title=request.report.title,
        first=str(period.first),
        last=str(period.last),
        period=words.period(period),
        filters=_filters(reporting, request, summaries),
        notices=number_notices(reporting, request),
        headline=_headline(summaries, table.row_count, reporting.minutes),
        compared="",
        charts=(_hours(summaries),),
        panels=(summary_grid(reporting, summaries), _reasons(summaries)),
        figures=Grid("Calls, newest first", table, sections),
        definitions=_definitions(reporting, request),
        generated=generated,
        timezone=reporting.timezone,
        minutes=reporting.minutes,
    )


def number_notices(reporting: Reporting, request: NumberRequest) -> tuple[str, ...]:
    """What a reader must know of the period's days."""
    period = request.period
    return notices(reporting.notices(period.first, period.last), period, 0, of_calls=True)


def summary_grid(reporting: Reporting, summaries: Sequence[NumberSummary]) -> Grid:
    """A row for each number, in the order in which they were asked for."""
    zone = ZoneInfo(reporting.timezone)
    charges = [
        *_charges("customer", [each.customer_charges for each in summaries]),
        *_charges("provider", [each.provider_charges for each in summaries]),
    ]
    columns: tuple[Column, ...] = (
        Dimension("number", "Number", ""),
        *(SUMMED[name] for name in SUMMED),
        _count("as_cli", "As CLI"),
        _count("as_destination", "As Destination"),
        Dimension("first_call", "First Call", "", Kind.TIME),
        Dimension("last_call", "Last Call", "", Kind.TIME),
        *(measure for measure, _ in charges),
    )
    rows: list[tuple[Value, ...]] = [
        (
            each.number,
            each.attempts,
            each.calls,
            each.connected,
            each.duration,
            each.asr,
            each.acd,
            each.as_cli,
            each.as_destination,
            _local(each.first_call, zone),
            _local(each.last_call, zone),
            *(amounts[n] for _, amounts in charges),
        )
        for n, each in enumerate(summaries)
    ]
    return _grid("Summary", columns, rows, SUMMARIES_SHOWN, mailed=columns[1:4])


def _reasons(summaries: Sequence[NumberSummary]) -> Grid:
    columns = (
        Dimension("number", "Number", ""),
        Dimension("release_reason", "Release Reason", ""),
        _count("attempts", "Attempts"),
    )
    rows: list[tuple[Value, ...]] = [
        (each.number, reason or None, count)
        for each in summaries
        for reason, count in each.release_reasons.items()
    ]
    return _grid("Release reasons", columns, rows, SUMMARIES_SHOWN, columns[2:], below=True)


def _grid(
    title: str,
    columns: tuple[Column, ...],
    rows: list[tuple[Value, ...]],
    shown: int,
    mailed: Sequence[Column],
    *,
    below: bool = False,
) -> Grid:
    group = tuple(c for c in columns if isinstance(c, Dimension) and c.kind is Kind.TEXT)[:2]
    table = Table(columns, len(columns), group, (), len(rows), Held(rows))
    sections = (Section("", rows[:shown], len(rows)),) if rows else ()
    return Grid(
        title,
        table,
        sections,
        "There are none.",
        below=below,
        mailed=tuple(m for m in mailed if isinstance(m, Measure)),
    )


def _count(name: str, title: str) -> Measure:
    return Measure(name, title, Kind.COUNT, Formula(name), "")


def _hours(summaries: Sequence[NumberSummary]) -> Points:
    chart = HeatChart(
        "Attempts by hour of the day", "number", "hour_of_day", "attempts", "attempts"
    )
    with_calls = [each for each in summaries if each.attempts]
    busiest = sorted(with_calls, key=lambda each: -each.attempts)[: chart.rows]
    rows: list[tuple[Value, ...]] = [
        (each.number, f"{hour:02}:00", count)
        for each in busiest
        for hour, count in enumerate(each.by_hour)
    ]
    left_out = len(with_calls) - len(busiest)
    attempts = SUMMED["attempts"]
    return Points(chart, (attempts,), rows, left_out, attempts.title, ("Number", "Hour of Day"))


def _headline(
    summaries: Sequence[NumberSummary], attempts: int, minutes: bool
) -> tuple[Figure, ...]:
    if len(summaries) != 1:
        # An attempt between two of the numbers is in both summaries: only it counts once here.
        found = sum(1 for each in summaries if each.attempts)
        return (
            Figure("Numbers", f"{len(summaries):,}", words.MISSING, False),
            Figure("With Calls", f"{found:,}", words.MISSING, False),
            Figure("Attempts", f"{attempts:,}", words.MISSING, False),
        )
    (only,) = summaries
    figures = []
    for name in SUMMED:
        measure = SUMMED[name]
        value = words.show(measure, getattr(only, name), minutes=minutes)
        unit = words.unit(measure, minutes=minutes)
        figures.append(Figure(measure.title, f"{value} {unit}".strip(), words.MISSING, False))
    return tuple(figures)


def _filters(
    reporting: Reporting, request: NumberRequest, summaries: Sequence[NumberSummary]
) -> tuple[tuple[str, str], ...]:
    as_words = {"cli": "CLI", "destination": "destination", "either": "CLI or destination"}
    said = [
        ("Numbers", words.listing([each.number for each in summaries])),
        ("As", as_words[request.side.value]),
    ]
    for title, ids, names in (
        ("Customers", request.customers, reporting.names.customers),
        ("Providers", request.providers, reporting.names.providers),
    ):
        if ids:
            said.append((title, words.listing([names.get(each) or each for each in ids])))
    if request.top is not None:
        said.append(("Rows", f"the newest {request.top:,}"))
    return tuple(said)


def _definitions(reporting: Reporting, request: NumberRequest) -> tuple[tuple[str, str], ...]:
    told = {c.title for c in request.columns}

    def summed(measure: Measure) -> str:
        return f"{measure.title} in the Summary" if measure.title in told else measure.title

    def of_call(column: Dimension) -> str:
        if reporting.minutes and column.kind is Kind.SECONDS:
            return column.definition.replace("seconds", "minutes")
        return column.definition

    return (
        *((summed(SUMMED[name]), SUMMED[name].definition) for name in SUMMED),
        *((c.title, of_call(c)) for c in request.columns if c.definition),
        ("Times", f"In {reporting.timezone}."),
        ("Numbers", "Compared after normalising: E.164 without plus."),
    )


def _charges(
    side: str, charges: Sequence[Mapping[str, Decimal]]
) -> list[tuple[Measure, list[Decimal | None]]]:
    """A column for each currency that one of the numbers has a charge in, and its amounts."""
    found = []
    for code in sorted({code for each in charges for code in each}):
        name, title = f"{side}_charge_{code.lower()}", f"{side.capitalize()} Charge ({code})"
        measure = Measure(name, title, Kind.MONEY, Formula(name), "", currency=code)
        found.append((measure, [each.get(code) for each in charges]))
    return found


def _local(instant: datetime | None, zone: ZoneInfo) -> str | None:
    return None if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S}"


@dataclass(frozen=True)
class _Calls:
    """Lines of a table that are calls, always newest first."""

    reporting: Reporting
    columns: tuple[Dimension, ...]
    found: FoundCalls
    zone: ZoneInfo | None

    def rows(
        self, sort: Sequence[SortKey], limit: int | None, losing: bool | None
    ) -> Iterator[tuple[Value, ...]]:
        """The calls as they are read; the newest `limit` of them."""
        if losing:
            return
        left = limit
        for batch in self.found.batches():
            if left is not None and left <= 0:
                return
            columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
            rows = zip(*(self._values(column, columns) for column in self.columns), strict=True)
            for row in rows:
                if left is not None:
                    if left <= 0:
                        return
                    left -= 1
                yield row

    def losses(self) -> int:
        """A call is no loss."""
        return 0

    def _values(self, column: Dimension, batch: dict[str, list[Any]]) -> list[Value]:
        match column.name:
            case "number":
                pairs = zip(batch["asked_cli"], batch["asked_destination"], strict=True)
                return [" ".join(dict.fromkeys(filter(None, pair))) for pair in pairs]
            case "found_as":
                pairs = zip(batch["asked_cli"], batch["asked_destination"], strict=True)
                return ["both" if a and b else "cli" if a else "destination" for a, b in pairs]
        values = batch[column.column]
        if column.kind is Kind.TIME:
            if self.zone is None:
                return [None if value is None else value.astimezone(UTC) for value in values]
            return [_local(value, self.zone) for value in values]
        if column.names:
            names = getattr(self.reporting.names, column.names)
            return [names.get(value) or value for value in values]
        return values
