"""What each report can tell, in words: for the command `reports` and the reference in README.

Read from the declarations, so that neither can say anything else than what the reports do. Plain
values and Markdown; nothing of the lake is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from resources.reporting.catalogue import MEASURES
from resources.reporting.model import Column, Dimension, Family, Kind, Measure, Report
from resources.reporting.request import default_columns

_UNITS = {
    Kind.COUNT: "count",
    Kind.SECONDS: "seconds",
    Kind.MONEY: "money",
    Kind.UNIT_COST: "money",
    Kind.FRACTION: "0 to 1",
    Kind.PERCENT: "percent",
    Kind.MILLISECONDS: "ms",
    Kind.ESTIMATE: "number",
    Kind.SCORE: "number",
    Kind.FLAG: "true or false",
}


@dataclass(frozen=True)
class Entry:
    """One line of a glossary: columns that mean the same but for their currency, and what."""

    names: tuple[str, ...]
    unit: str
    definition: str


def entries(columns: Iterable[Column], short_call_seconds: int | str) -> list[Entry]:
    """What each column means, in their order; figures that differ by currency only are one entry.

    `short_call_seconds` is what a definition puts in the place of that setting.
    """
    found: dict[tuple[str, str], list[Column]] = {}
    for column in columns:
        code = _code(column)
        meaning = column.definition.replace(code, "\0") if code else column.definition
        found.setdefault((_stem(column), meaning), []).append(column)
    return [
        Entry(
            tuple(dict.fromkeys(column.name for column in same)),
            _unit(same[0]),
            meaning.format(short_call_seconds=short_call_seconds).replace(
                "\0", " or ".join(dict.fromkeys(map(_code, same)))
            ),
        )
        for (_, meaning), same in found.items()
    ]


def listing(families: Mapping[str, Family]) -> list[tuple[str, str, str]]:
    """Name, option and purpose of each report."""
    return [(family.name, option(family), family.purpose) for family in families.values()]


def option(family: Family) -> str:
    """`--type state|lata|network`, or nothing where there is one declaration."""
    return f"--{family.option} {'|'.join(family.members)}" if family.option else ""


def defaults(report: Report) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What it is grouped by and what people see beside that, when nothing is asked for."""
    shown = tuple(name for name in default_columns(report) if name not in report.group)
    return report.group, shown


def dimensions(family: Family) -> tuple[Dimension, ...]:
    """What its rows can be grouped by, each once."""
    found = {d.name: d for member in family.members.values() for d in member.dimensions}
    return tuple(found.values())


def variants(family: Family) -> list[tuple[tuple[str, ...], Report]]:
    """Its declarations with the option's values; those that show the same are one."""
    found: dict[tuple[object, ...], list[str]] = {}
    for choice, member in family.members.items():
        found.setdefault((member.measures, defaults(member)), []).append(choice)
    return [(tuple(choices), family.members[choices[0]]) for choices in found.values()]


def unasked(report: Report) -> list[tuple[str, str]]:
    """What its other options are when they are not given: names and values."""
    preset = report.preset
    said = {
        "sort": ",".join(preset.sort),
        "top": preset.top and str(preset.top),
        "compare": preset.compare,
        "currency": preset.currency,
    }
    return [(name, text) for name, text in said.items() if text]


def forced(report: Report) -> list[tuple[str, str]]:
    """What its rows are restricted to whatever is asked: titles and values."""
    said = [("customers", report.customers), ("providers", report.providers)]
    said += [(filter_.dimension.name, filter_.values) for filter_ in report.filters]
    return [(name, " or ".join(v or "blank" for v in values)) for name, values in said if values]


def markdown(families: Mapping[str, Family]) -> str:
    """The reference of all reports, as it stands in README."""
    parts = [
        _table(
            ("report", "what it tells"),
            ((f"`{' '.join(filter(None, row[:2]))}`", row[2]) for row in _rows(families)),
        ),
        *(_section(family) for family in families.values()),
        "**Dimensions**, what rows are grouped by and filtered on:",
        _glossary("dimension", [d for family in families.values() for d in dimensions(family)]),
        "**Shared figures:**",
        _glossary("column", MEASURES),
    ]
    shared = set(MEASURES)
    for family in families.values():
        measures = [m for member in family.members.values() for m in member.measures]
        if own := [m for m in measures if m not in shared]:
            parts += [f"**Figures of `{family.name}`:**", _glossary("column", own)]
    return "\n\n".join(parts) + "\n"


def _rows(families: Mapping[str, Family]) -> Iterable[tuple[str, str, str]]:
    # A bar ends a cell in Markdown, also between backticks.
    return ((name, how.replace("|", "\\|"), what) for name, how, what in listing(families))


def _section(family: Family) -> str:
    unsaid = f"; without `--{family.option}` it is `{family.default}`" if family.option else ""
    named = _coded(d.name for d in dimensions(family))
    if family.listing:
        unsaid = _coded(defaults(family.members[family.default])[1])
        return (
            f"**`{family.name}`** lists calls, with any of {named}.\n\n"
            f"- Without `--columns`: {unsaid}; in files for machines all of them."
        )
    lines = [f"**`{family.name}`** groups by {named}{unsaid}.", ""]
    alike = variants(family)
    for choices, member in alike:
        which = f"`--{family.option} {'|'.join(choices)}`: " if len(alike) > 1 else ""
        group, shown = defaults(member)
        unasked = f"Without options: by {_coded(group)}; {_coded(shown)}."
        lines.append(f"- {which}figures: {_figures(member)}. {unasked}")
    return "\n".join(lines)


def _figures(report: Report) -> str:
    shared = set(MEASURES)
    if not shared <= set(report.measures):
        return _coded(m.name for m in report.measures)
    own = [m.name for m in report.measures if m not in shared]
    return "all shared figures" + (f" and {_coded(own)}" if own else "")


def _glossary(heading: str, columns: Sequence[Column]) -> str:
    found = entries(dict.fromkeys(columns), "`CDR_REPORTS_SHORT_CALL_SECONDS`")
    if all(isinstance(column, Dimension) for column in columns):
        return _table((heading, "definition"), ((_coded(e.names), e.definition) for e in found))
    return _table(
        (heading, "unit", "definition"), ((_coded(e.names), e.unit, e.definition) for e in found)
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)


def _coded(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


def _code(column: Column) -> str:
    """The currency that the column is converted to, if that is what tells it from another."""
    if not isinstance(column, Measure) or not column.currency.isupper():
        return ""
    return column.currency


def _stem(column: Column) -> str:
    code = _code(column)
    return column.name.removesuffix(f"_{code.lower()}") if code else column.name


def _unit(column: Column) -> str:
    return _UNITS.get(column.kind, "")
