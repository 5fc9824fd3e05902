"""Reports of a home's own: what a YAML declaration says, or all that is wrong with it, by line.

A declaration stands on a report of the catalogue and becomes one like it: its own title, group,
columns, charts, and filters that always hold. Text in, a report or problems out; no files. How its
charts are written is in `own_charts`, how YAML is read in `own_yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from resources.reporting.adapt import CHANGE, PREVIOUS, compared, in_currency, names_in
from resources.reporting.arithmetic import BEFORE
from resources.reporting.errors import ReportError, unknown
from resources.reporting.model import (
    Chart,
    Column,
    DayChart,
    Dimension,
    Family,
    Filter,
    HeatChart,
    Measure,
    MemberChart,
    Preset,
    Report,
    TileChart,
)
from resources.reporting.own_charts import chart, chart_named
from resources.reporting.own_yaml import Problem, Reader
from resources.reporting.period import Period
from resources.reporting.query import choose_source
from resources.reporting.request import COMPARISONS, Asked, resolve, unfit
from resources.reporting.words import printable

KEYS = (
    "title",
    "purpose",
    "report",
    "type",
    "side",
    "group",
    "columns",
    "filters",
    "sort",
    "top",
    "charts",
    "compare",
    "currency",
)
"""What a declaration may say."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""What a report of one's own may be called: it is typed in a shell and stands in file names."""

_ACCOUNTS = ("customers", "providers")
_PERIODS = ("previous", "year")
_WAYS = ("", PREVIOUS, CHANGE)
_ANY_DAYS = Period(date(2026, 1, 2), date(2026, 1, 2))


def declare(
    text: str, name: str, families: Mapping[str, Family], currencies: Collection[str] | None = None
) -> tuple[Report | None, list[Problem]]:
    """The report that the text declares under that name, or None and all that is wrong.

    `families` are the reports that it may stand on, `currencies` the known ones; without them a
    currency is only looked at for its form.
    """
    reader = Reader()
    taken = {member.name for family in families.values() for member in family.members.values()}
    if not NAME.fullmatch(name):
        said = f"{name!r} cannot be a report's name: use small letters, digits and hyphens"
        reader.problems.append(Problem(1, said))
    elif name in taken | set(families):
        reader.problems.append(Problem(1, f"{name!r} is a report already: name the file otherwise"))
    root = reader.root(text)
    report = None if root is None else _report(reader, families, name, root, currencies)
    return (None if reader.problems else report), sorted(reader.problems)


def _report(
    reader: Reader,
    families: Mapping[str, Family],
    name: str,
    root: Node,
    currencies: Collection[str] | None,
) -> Report | None:
    said = reader.keys(root, "a report")
    for key, (node, _) in said.items():
        if key not in KEYS:
            reader.wrong(node, str(unknown("key", key, KEYS)))
    values = {key: value for key, (_, value) in said.items()}
    for key in ("title", "report"):
        if isinstance(root, MappingNode) and key not in values:
            reader.wrong(root, f"{key!r} is missing")
    title, purpose = _line(reader, values, "title"), _line(reader, values, "purpose")
    preset = Preset(
        top=_top(reader, values.get("top")),
        compare=_comparison(reader, values.get("compare")),
        currency=_currency(reader, values.get("currency"), currencies),
    )
    base = _base(reader, families, values)
    if base is None:
        return None
    made = replace(
        base,
        name=name,
        title=title,
        purpose=purpose or f"{base.title}, as {name}.yaml declares it.",
        preset=preset,
    )
    made = _filtered(reader, made, values.get("filters"))
    return _Shape(reader, made, values).report(root)


def _line(reader: Reader, values: Mapping[str, Node], key: str) -> str:
    if key not in values:
        return ""
    text = reader.text(values[key], key)
    if text == "":
        reader.wrong(values[key], f"{key!r} is blank")
    line = " ".join((text or "").split())
    if printable(line) != line:
        reader.wrong(values[key], f"{key!r} holds a character that cannot be printed")
    return line


def _top(reader: Reader, node: Node | None) -> int | None:
    text = reader.text(node, "top") if node else None
    if node is None or text is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        reader.wrong(node, f"top is a number of rows from 1, not {text!r}")
        return None
    return int(text)


def _comparison(reader: Reader, node: Node | None) -> str | None:
    text = reader.text(node, "compare") if node else None
    if node is not None and text is not None and text not in COMPARISONS:
        reader.wrong(node, str(unknown("comparison", text, COMPARISONS)))
        return None
    return text


def _currency(reader: Reader, node: Node | None, currencies: Collection[str] | None) -> str | None:
    code = ((reader.text(node, "currency") if node else None) or "").upper()
    if node is None:
        return None
    if not re.fullmatch(r"[A-Z]{3}", code):
        reader.wrong(node, f"currency is a code of three letters such as EUR, not {code!r}")
        return None
    if currencies is not None and code not in currencies:
        reader.wrong(node, str(unknown("currency", code, sorted(currencies))))
    return code


def _base(
    reader: Reader, families: Mapping[str, Family], values: Mapping[str, Node]
) -> Report | None:
    node = values.get("report")
    name = reader.text(node, "report") if node else None
    if node is None or name is None:
        return None
    standing = [each for each, family in families.items() if not family.listing]
    if name not in standing:
        said = f"{name!r} lists the calls of numbers that are asked for: no report can stand on it"
        reader.wrong(node, said if name in families else str(unknown("report", name, standing)))
        return None
    family = families[name]
    for option in {each.option for each in families.values() if each.option}:
        if option in values and option != family.option:
            reader.wrong(values[option], f"report {name!r} has no {option!r}")
    choice = family.default
    if family.option in values:
        choice = reader.text(values[family.option], family.option) or ""
    if choice not in family.members:
        reader.wrong(values[family.option], str(unknown(family.option, choice, family.members)))
        return None
    return family.members[choice]


def _filtered(reader: Reader, report: Report, node: Node | None) -> Report:
    """The report with the filters that always hold."""
    accounts: dict[str, tuple[str, ...]] = {}
    filters = []
    known = [*_ACCOUNTS, *(d.name for d in report.dimensions)]
    for name, (key, value) in reader.keys(node, "filters").items() if node else ():
        chosen = tuple(text for _, text in reader.each(value, name))
        if name not in known:
            reader.wrong(key, str(unknown("dimension", name, known)))
        elif not chosen:
            if value.value == []:
                reader.wrong(key, f"filter {name!r} has no value")
        elif name in _ACCOUNTS:
            accounts[name] = chosen
        else:
            filters.append(Filter(report.dimension(name), chosen))
    return replace(
        report,
        filters=tuple(filters),
        customers=accounts.get("customers", ()),
        providers=accounts.get("providers", ()),
    )


class _Shape:
    """What a declaration shows: group, columns, order and charts.

    Its names are those that the command line takes with the same comparison and currency; the
    report keeps US dollars, so that another currency can be asked for.
    """

    def __init__(self, reader: Reader, base: Report, values: Mapping[str, Node]) -> None:
        self.reader, self.base, self.values = reader, base, values
        self.code = base.preset.currency or "USD"
        self.plain = in_currency(base, self.code, {self.code})
        self.shown = compared(self.plain) if base.preset.compare in _PERIODS else self.plain
        new = names_in(base, self.code)
        self.dollars = {after + way: before + way for before, after in new.items() for way in _WAYS}

    def report(self, root: Node) -> Report:
        """The whole report; what cannot be is said of the line that asks for it."""
        named = self._named("columns")
        group = self._group([column for _, column in named])
        keys = self._named("sort")
        for node, column in (*named, *keys):
            if reason := unfit({d.name for d in group}, column):
                self.reader.wrong(node, reason)
        made = replace(
            self.base,
            group=tuple(d.name for d in group),
            preset=replace(self.base.preset, sort=tuple(self._sorted(keys))),
        )
        made = self._with_columns(made, group, [column for _, column in named])
        if "charts" in self.values:
            made = replace(made, charts=self._charts())
        if not self.reader.problems:
            node = self.values.get("columns", self.values.get("group", root))
            self.reader.attempt(node, partial(_makes_sense, made, self.code))
        return made

    def _named(self, key: str) -> list[tuple[Node, Column]]:
        found: list[tuple[Node, Column]] = []
        for node, text in self._names(key):
            name = text.removeprefix("-") if key == "sort" else text
            if name in self.shown.names:
                found.append((node, self.shown.column(name)))
            else:
                self.reader.wrong(node, str(unknown("column", name, self.shown.names)))
        return found

    def _names(self, key: str) -> list[tuple[Node, str]]:
        return self.reader.names(self.values[key], key) if key in self.values else []

    def _sorted(self, keys: Sequence[tuple[Node, Column]]) -> Iterator[str]:
        descending = {name.removeprefix("-") for _, name in self._names("sort") if name[:1] == "-"}
        for _, column in keys:
            yield ("-" if column.name in descending else "") + self._stored(column.name)

    def _group(self, columns: Sequence[Column]) -> tuple[Dimension, ...]:
        if "group" not in self.values:
            inside = tuple(c for c in columns if isinstance(c, Dimension))
            return inside or tuple(self.base.dimension(name) for name in self.base.group)
        found = []
        known = {d.name: d for d in self.base.dimensions}
        for node, name in self._names("group"):
            if name in known:
                found.append(known[name])
            elif name in self.shown.names:
                self.reader.wrong(node, f"{name!r} is a figure: put it into columns")
            else:
                self.reader.wrong(node, str(unknown("dimension", name, known)))
            if self.base.preset.compare in _PERIODS and name in ("date", "hour"):
                said = f"compare sets whole periods against each other: leave {name!r} out"
                self.reader.wrong(node, said)
        return tuple(dict.fromkeys(found))

    def _with_columns(
        self, made: Report, group: Sequence[Dimension], columns: Sequence[Column]
    ) -> Report:
        names = [d.name for d in group]
        if not columns:
            figures = [n for n in made.columns if isinstance(made.column(n), Measure)]
            return replace(made, columns=(*names, *figures))
        shown = dict.fromkeys(self._stored(column.name) for column in columns)
        figures = [name for name in shown if isinstance(made.column(name), Measure)]
        return replace(
            made,
            columns=(*(name for name in names if name not in shown), *shown),
            machine_columns=tuple(figures) or made.machine_columns,
            compared=tuple(figures) or made.compared,
        )

    def _stored(self, name: str) -> str:
        return self.dollars.get(name, name)

    def _charts(self) -> tuple[Chart, ...]:
        node = self.values["charts"]
        found: list[Chart] = []
        for each in node.value if isinstance(node, SequenceNode) else [node]:
            if not (isinstance(each, ScalarNode) and self.reader.text(each, "chart") == ""):
                self.reader.attempt(each, partial(self._draw, each, found))
        return tuple(found)

    def _draw(self, node: Node, found: list[Chart]) -> None:
        found.append(self._chart(node))

    def _chart(self, node: Node) -> Chart:
        if isinstance(node, ScalarNode):
            return chart_named(self.base, str(node.value).strip())
        pairs = self.reader.keys(node, "a chart")
        if len(pairs) != 1:
            raise ReportError("a chart is one line such as `by day: [attempts, connected]`")
        ((how, (_, value)),) = pairs.items()
        names = [name for _, name in self.reader.names(value, how)]
        figures = [measure.name for measure in self.plain.measures]
        for name in names:
            if name not in figures:
                raise unknown("figure", name, figures)
        return chart(self.base, how, [self._stored(name) for name in names])


def _makes_sense(report: Report, code: str) -> None:
    """Refuses what no table can serve."""
    for people in (True, False):
        request = resolve(report, Asked(), _ANY_DAYS, people=people, currencies={code})
        asked = request.report
        shown = [c.name for c in request.columns if isinstance(c, Measure)]
        _served(asked, [d.name for d in request.group], shown)
        for drawn in asked.charts:
            _served(asked, *_needs(drawn))


def _served(report: Report, dimensions: Iterable[str], measures: Iterable[str]) -> None:
    used = {report.dimension(name).column for name in dimensions}
    used |= {filter_.dimension.column for filter_ in report.filters}
    sums = {name for each in measures for name in report.measure(each).formula.sums}
    parts = (report.part(name.removeprefix(BEFORE)).column for name in sums)
    choose_source(report, {"call_date", *used}, parts)


def _needs(drawn: Chart) -> tuple[Sequence[str], Sequence[str]]:
    match drawn:
        case DayChart():
            return ("date",), [name for name in (*drawn.lines, drawn.bars) if name]
        case MemberChart():
            return (drawn.dimension,), (*drawn.measures, drawn.weight)
        case HeatChart():
            return (drawn.down, drawn.across), (drawn.measure, drawn.weight)
        case TileChart():
            return (drawn.dimension,), (drawn.measure,)
