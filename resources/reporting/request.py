"""From the words somebody typed to a request that can be carried out, or a refusal that helps.

All names are checked here against the report's declaration, so what comes after handles only known
columns. No SQL and no files.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from resources.reporting.adapt import compared, in_currency, with_changes
from resources.reporting.errors import ReportError, unknown
from resources.reporting.model import Column, Dimension, Family, Filter, Measure, Report
from resources.reporting.period import Period

COMPARISONS = ("previous", "year", "none")
"""Periods to compare with: the one of the same length directly before, the same days a year ago."""


@dataclass(frozen=True)
class Asked:
    """What was typed. None is 'not said'; an empty `group_by` asks for the totals only."""

    group_by: str | None = None
    columns: str | None = None
    sort: str | None = None
    top: int | None = None
    customers: Sequence[str] = ()
    providers: Sequence[str] = ()
    filters: Sequence[str] = ()
    compare: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class SortKey:
    """One column of the order, ascending unless `descending`."""

    column: Column
    descending: bool = False


@dataclass(frozen=True)
class Request:
    """A report to make: every name known, every default filled in.

    `sort` is empty where nobody chose an order. `customers` and `providers` are ids; empty means
    all of them. `before` is the period whose figures are columns too, if that was asked for;
    `currency` what converted figures are in.
    """

    report: Report
    period: Period
    group: tuple[Dimension, ...]
    columns: tuple[Column, ...]
    sort: tuple[SortKey, ...] = ()
    top: int | None = None
    customers: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    before: Period | None = None
    currency: str = "USD"

    @property
    def restrictions(self) -> tuple[Filter, ...]:
        """All that its rows are restricted to, accounts included."""
        accounts = {"customer_id": self.customers, "provider_id": self.providers}
        return (
            *(Filter(self.report.dimension(d), ids) for d, ids in accounts.items() if ids),
            *self.filters,
        )


def find_report(name: str, families: Mapping[str, Family], choice: str | None = None) -> Report:
    """The report of that name, or that member of the family; refuses an unknown one."""
    for family in families.values():
        for member in family.members.values():
            if member.name == name and name not in families and choice is None:
                return member
    try:
        family = families[name]
    except KeyError:
        raise unknown("report", name, families) from None
    wanted = family.default if choice is None else choice
    if wanted not in family.members:
        raise unknown(family.option or "kind of report", wanted, family.members)
    return family.members[wanted]


def split(text: str) -> list[str]:
    """`a, b,"c, d"` as a list, quoted like CSV; blanks and repetitions fall away.

    Bytes of a command line that are no text become U+FFFD, so that they can be printed. Raises
    ReportError for a line break outside quotes.
    """
    return [cell for cell in _cells(text) if cell]


def _cells(text: str) -> list[str]:
    """The same with the blank, where there is one."""
    text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    try:
        cells = next(csv.reader([text], skipinitialspace=True), []) if text.strip() else []
    except csv.Error:
        raise ReportError(f"{text!r} holds a line break: put that value in quotes") from None
    return list(dict.fromkeys(cell.strip() for cell in cells))


def quoted(text: str) -> str:
    """The text as one value for `split`: as it is, unless it holds what would part it."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def resolve(
    report: Report,
    asked: Asked,
    period: Period,
    *,
    people: bool,
    currencies: Collection[str] = ("USD", "GBP"),
) -> Request:
    """The request that was meant; `people` chooses the defaults of formats made for reading.

    Accounts are not looked at: see `resolve_accounts`. Raises ReportError for unknown names, for
    columns outside the group-by and for charges in several currencies.
    """
    preset = report.preset
    currency = (asked.currency or preset.currency or "USD").strip().upper()
    report = in_currency(report, currency, currencies)
    before = _before(preset.compare if asked.compare is None else asked.compare, period)
    report = report if before is None else compared(report)
    named = None if asked.columns is None else _columns(report, split(asked.columns))
    if named is not None and not named:
        raise ReportError("--columns is empty: name at least one, or leave it out")
    group = _group(report, asked.group_by, named)
    if before is not None and preset.compare is None and asked.group_by is None and named is None:
        group = tuple(d for d in group if not d.name.endswith("_currency"))
    filters = (*report.filters, *(_filter(report, text) for text in asked.filters))
    if before is not None and (dated := [d.name for d in group if d.name in ("date", "hour")]):
        raise ReportError(
            f"--compare sets whole periods against each other: leave {dated[0]!r} out of --group-by"
        )
    columns: tuple[Column, ...]
    if named is not None:
        columns = _chosen(group, named)
    elif before is not None and people:
        columns = (*group, *_standing_in(report, group, report.compared or report.headline[:5]))
    elif asked.group_by is None or (people and [d.name for d in group] == [*report.group]):
        # Not what no table has by what is filtered: who names no columns wants the others.
        apart = _apart(report, group, filters)
        names = [n for n in report.columns if n not in apart]
        columns = tuple(_standing_in(report, group, _within(report, group, names)))
    elif people:
        columns = (*group, *_standing_in(report, group, _of_any_group(report)))
    else:
        columns = (*group, *_meaningful(report, group, report.machine_columns))
    top = preset.top if asked.top is None else asked.top
    if top is not None and top < 1:
        raise ReportError(f"--top {top}: ask for at least 1 row")
    if before is not None:
        columns = with_changes(report, columns)
    if asked.sort is None:
        sort = _sort(report, group, (k for k in report.preset.sort if _fits(report, group, k)))
    else:
        sort = _sort(report, group, split(asked.sort))
    return Request(
        report,
        period,
        group,
        columns,
        sort,
        top,
        filters=filters,
        before=before,
        currency=currency,
    )


def _before(compare: str | None, period: Period) -> Period | None:
    if compare is None or compare == "none":
        return None
    if compare not in COMPARISONS:
        raise unknown("comparison", compare, COMPARISONS)
    found = period.before() if compare == "previous" else period.year_before()
    if found is None:
        raise ReportError(f"there is no {compare} period before {period.first}")
    return found


def _filter(report: Report, text: str) -> Filter:
    """`country=GB,FR` as a filter; `carrier=` keeps the rows without a network, `carrier=,O2` those
    of O2 besides.
    """
    name, sign, values = text.partition("=")
    known = [d.name for d in report.dimensions]
    if not sign:
        raise ReportError(
            f"{text!r} is no filter: write NAME=VALUE, or NAME=VALUE,VALUE; names are "
            + ", ".join(known)
        )
    if name.strip() not in known:
        raise unknown("dimension", name.strip(), known)
    return Filter(report.dimension(name.strip()), tuple(_cells(values)) or ("",))


def resolve_accounts(
    what: str,
    asked: Iterable[str],
    names: Mapping[str, str],
    in_data: Callable[[], Iterable[str]],
    *,
    known_only: bool = True,
) -> tuple[str, ...]:
    """Ids of the accounts asked for by id or by name, in any case of letters.

    An id counts as known when it has a name or turns up in the data (`in_data` is called only
    when needed); unless `known_only`, any other word is taken for one, too. What is an id means
    that account, also when others are called so. A name that several accounts share means all of
    them: those that are written just so, else those that differ in the case of letters.
    """
    asked = list(asked)
    if not asked:  # as for most reports: the names of thousands need not be looked at
        return ()
    exact: dict[str, list[str]] = {}
    folded: dict[str, list[str]] = {}
    for account, name in names.items():
        exact.setdefault(name.strip(), []).append(account)
        folded.setdefault(name.strip().casefold(), []).append(account)
    found: list[str] = []
    seen: set[str] | None = None
    for word in (word for text in asked for word in _accounts(text, folded, names)):
        named = exact.get(word) or folded.get(word.casefold())
        if word not in names and (named or known_only):
            seen = set(in_data()) if seen is None else seen
        if word in names or (seen is not None and word in seen):
            found.append(word)
        elif named:
            found.extend(named)
        elif known_only:
            raise unknown(what, word, [*names.values(), *sorted((seen or set()) | set(names))])
        else:
            found.append(word)
    return tuple(dict.fromkeys(found))


def narrowed(what: str, within: tuple[str, ...], asked: tuple[str, ...]) -> tuple[str, ...]:
    """The accounts asked for, of those that the report is about; no ids mean all accounts.

    Raises ReportError when it is about none of them.
    """
    if not within or not asked:
        return within or asked
    found = tuple(account for account in asked if account in within)
    if not found:
        raise ReportError(
            f"the report is about {what} {', '.join(within)} only, not {', '.join(asked)}"
        )
    return found


def _accounts(text: str, by_name: Mapping[str, list[str]], names: Mapping[str, str]) -> list[str]:
    # A whole option may be one name that holds commas or quotes, taken as it is.
    whole = text.strip()
    return [whole] if whole in names or whole.casefold() in by_name else split(text)


def _columns(report: Report, words: Iterable[str]) -> list[Column]:
    found = []
    for word in words:
        if word not in report.names:
            raise unknown("column", word, report.names)
        found.append(report.column(word))
    return found


def _group(
    report: Report, group_by: str | None, named: list[Column] | None
) -> tuple[Dimension, ...]:
    if group_by is None:
        inside = tuple(c for c in named or () if isinstance(c, Dimension))
        return inside or tuple(report.dimension(name) for name in report.group)
    known = [d.name for d in report.dimensions]
    group = []
    for word in split(group_by):
        if word not in known:
            if word in report.names:
                raise ReportError(
                    f"{word!r} is a measure and cannot be grouped by: put it into --columns"
                )
            raise unknown("dimension", word, known)
        group.append(report.dimension(word))
    return tuple(group)


def _chosen(group: tuple[Dimension, ...], named: list[Column]) -> tuple[Column, ...]:
    names = {d.name for d in group}
    for column in named:
        if reason := unfit(names, column):
            raise ReportError(reason)
    unnamed = [d for d in group if d not in named]
    return (*unnamed, *named)


def unfit(group: Collection[str], column: Column) -> str:
    """Why the column means nothing where rows are grouped by these dimensions; blank if it does."""
    if isinstance(column, Dimension) and column.name not in group:
        return (
            f"column {column.name!r} is not in the group-by: add it there, or leave the column out"
        )
    if isinstance(column, Measure) and column.per_currency and column.currency not in group:
        return (
            f"column {column.name!r} is in each rate card's own currency and cannot be added "
            f"up across currencies: add {column.currency!r} to the group-by, or ask for "
            f"{column.instead!r}"
        )
    return ""


def default_columns(report: Report) -> list[str]:
    """What is shown when nothing is asked for, in order."""
    group = tuple(report.dimension(name) for name in report.group)
    return [column.name for column in _standing_in(report, group, report.columns)]


def _standing_in(
    report: Report, group: tuple[Dimension, ...], names: Iterable[str]
) -> list[Column]:
    """The default columns, a converted charge in place of one whose currency is not there."""
    grouped = {d.name for d in group}
    found: list[Column] = []
    for name in names:
        column = report.column(name)
        if (
            isinstance(column, Measure)
            and column.per_currency
            and column.currency not in grouped
            and column.instead
        ):
            column = report.column(column.instead)
        found.append(column)
    return found


def _apart(report: Report, group: Iterable[Dimension], filters: Iterable[Filter]) -> frozenset[str]:
    """The default columns that the group can have, but not with what is filtered besides."""
    by = (*group, *(f.dimension for f in report.filters))
    all_ = (*group, *(f.dimension for f in filters))
    return frozenset(
        name
        for name in report.columns
        if report.can_be_had(name, by) and not report.can_be_had(name, all_)
    )


def _within(report: Report, group: tuple[Dimension, ...], names: Iterable[str]) -> list[str]:
    """The names without dimensions that are not in the group, as a comparison leaves some out."""
    grouped = {d.name for d in group}
    return [n for n in names if n in grouped or isinstance(report.column(n), Measure)]


def _of_any_group(report: Report) -> list[str]:
    """The measures people see, but for those that only some groups can have."""
    lacking = report.sources[0].lacks
    found = (report.column(name) for name in report.columns)
    return [m.name for m in found if isinstance(m, Measure) and not lacking & {*m.formula.sums}]


def _meaningful(report: Report, group: tuple[Dimension, ...], names: Iterable[str]) -> list[Column]:
    grouped = {d.name for d in group}
    measures = [report.measure(name) for name in names]
    return [m for m in measures if not m.per_currency or m.currency in grouped]


def _fits(report: Report, group: Iterable[Dimension], key: str) -> bool:
    name = key.removeprefix("-")
    return name in report.names and not unfit({d.name for d in group}, report.column(name))


def _sort(
    report: Report, group: tuple[Dimension, ...], words: Iterable[str]
) -> tuple[SortKey, ...]:
    keys = []
    for word in words:
        descending, name = word.startswith("-"), word.removeprefix("-")
        (column,) = _columns(report, [name])
        _chosen(group, [column])
        keys.append(SortKey(column, descending))
    return tuple(keys)
