"""What a report is made of: dimensions, measures, charts and the declaration that joins them.

Types only. The entries themselves are in `catalogue` and the modules of the reports; nothing here
knows a table's name or how a value is printed, and the arithmetic of a measure is in `arithmetic`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from resources.reporting.arithmetic import Arithmetic


class Kind(Enum):
    """What a value is, which decides how it is stored and how a person reads it."""

    TEXT = "text"
    DATE = "date"
    HOUR = "hour"
    CLOCK = "hour of the day"
    TIME = "time"
    COUNT = "count"
    SECONDS = "seconds"
    MONEY = "money"
    UNIT_COST = "unit cost"
    FRACTION = "fraction"
    PERCENT = "percent"
    MILLISECONDS = "milliseconds"
    ESTIMATE = "estimate"
    SCORE = "score"
    FLAG = "flag"
    CHANGE = "change in percent"
    POINTS = "change in points"


@dataclass(frozen=True)
class Dimension:
    """Something rows can be grouped by: `column` is where the stored table keeps it.

    `names` says in which list of names (a field of `interfaces.Names`) the stored value is an id.
    `said` is how people read values that are codes; files for machines and filters keep the codes.
    """

    name: str
    title: str
    column: str
    kind: Kind = Kind.TEXT
    names: str = ""
    definition: str = ""
    said: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Part:
    """A sum that is not simply a stored column: `column` of the rows where `where` is one of
    `values`; converted by the exchange rates of the stored column `rate_of`, where that is given.
    """

    name: str
    column: str
    where: str = ""
    values: tuple[str, ...] = ()
    rate_of: str = ""


@dataclass(frozen=True)
class Measure:
    """A figure of a group. `definition` says to a reader what it is, in one sentence.

    `currency` is a currency's code, or the name of the dimension that holds it: then the measure
    has a meaning only where that dimension is in the group-by, and `instead` stands in for it
    elsewhere. `beside` is a measure shown to people in the same cell.
    """

    name: str
    title: str
    kind: Kind
    formula: Arithmetic
    definition: str
    currency: str = ""
    instead: str | None = None
    beside: str | None = None

    @property
    def per_currency(self) -> bool:
        """Whether it is in its rows' own currency, and so cannot be added up across currencies."""
        return bool(self.currency) and not self.currency.isupper()


Column = Dimension | Measure


@dataclass(frozen=True)
class Source:
    """A stored table, the dimension columns it holds, and sums of the report that it lacks.

    One made of single calls lacks the days whose calls have left the lake.
    """

    table: str
    columns: frozenset[str]
    lacks: frozenset[str] = frozenset()
    of_calls: bool = False


@dataclass(frozen=True)
class Filter:
    """Rows where the dimension reads as one of the values; a blank one stands for none."""

    dimension: Dimension
    values: tuple[str, ...]


@dataclass(frozen=True)
class Only:
    """The rows that a report is about: where a stored column has one of `values`, or any value."""

    column: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outside:
    """Rows that a report leaves out unless one of `measures` is asked for, and what is said then.

    They are those where the stored column has the value; `words` holds `{count}`, their attempts.
    """

    column: str
    value: str
    measures: frozenset[str]
    words: str


@dataclass(frozen=True)
class DayChart:
    """Measures by day: `lines` in one panel, `bars` (which may be negative), if any, below."""

    title: str
    lines: tuple[str, ...]
    bars: str = ""


@dataclass(frozen=True)
class MemberChart:
    """One bar per member of a dimension, a panel per measure; the largest by `weight`."""

    title: str
    dimension: str
    measures: tuple[str, ...]
    weight: str


@dataclass(frozen=True)
class HeatChart:
    """A measure by two dimensions as shades; the `rows` largest by `weight`."""

    title: str
    down: str
    across: str
    measure: str
    weight: str
    rows: int = 24


@dataclass(frozen=True)
class TileChart:
    """A measure by US state as shades on a tile grid."""

    title: str
    dimension: str
    measure: str


Chart = DayChart | MemberChart | HeatChart | TileChart


@dataclass(frozen=True)
class Panel:
    """A small table of its own on a page, above the charts or `below` them, in the order of `sort`.

    `flagged` keeps the rows where that measure is true, `where` those that the dimension of that
    name has a value of; `rows` is how many are shown at most, `empty` what is said without any.
    """

    title: str
    group: tuple[str, ...]
    columns: tuple[str, ...]
    sort: str
    flagged: str = ""
    where: str = ""
    rows: int = 15
    empty: str = ""
    below: bool = False


@dataclass(frozen=True)
class Preset:
    """What a report does when the request does not say, besides its group and columns.

    `sort` are names of columns, `-name` for descending; keys that do not fit the group are left
    out. The others are as somebody would type them.
    """

    sort: tuple[str, ...] = ()
    top: int | None = None
    compare: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Report:
    """The declaration of a report; names refer to its own dimensions and measures.

    `sources` are tried in order: the first that holds all asked columns serves. `columns` are what
    people see when they choose nothing, and their measures when they choose a group-by alone;
    `machine_columns` are the measures that files for machines then hold. `loss` is the measure
    whose negative values are losses, if any, `weight` the one that says how big a row is. `parts`
    are the sums that are no stored columns, `only` and `outside` say which rows it is about,
    `compared` are the measures that a comparison of two periods shows when none are chosen.
    `filters` restrict it whatever is asked, as do `customers` and `providers` (ids or names); a
    request may only narrow them. The rows of a `listing` are calls, not sums.
    """

    name: str
    title: str
    purpose: str
    sources: tuple[Source, ...]
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    group: tuple[str, ...]
    columns: tuple[str, ...]
    machine_columns: tuple[str, ...]
    headline: tuple[str, ...]
    weight: str
    loss: str | None = None
    charts: tuple[Chart, ...] = ()
    panels: tuple[Panel, ...] = ()
    parts: tuple[Part, ...] = ()
    only: tuple[Only, ...] = ()
    outside: Outside | None = None
    notes: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    listing: bool = False
    filters: tuple[Filter, ...] = ()
    customers: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    preset: Preset = Preset()
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Column] = {d.name: d for d in self.dimensions}
        by_name |= {m.name: m for m in self.measures}
        object.__setattr__(self, "_by_name", by_name)

    @property
    def names(self) -> tuple[str, ...]:
        """All names of dimensions and measures."""
        return tuple(self._by_name)

    def column(self, name: str) -> Column:
        """The dimension or measure of that name; KeyError when there is none."""
        return self._by_name[name]

    def can_be_had(self, name: str, dimensions: Iterable[Dimension]) -> bool:
        """Whether some table has the column of that name together with these dimensions."""
        column = self.column(name)
        if isinstance(column, Dimension):
            return True
        wanted, sums = {d.column for d in dimensions}, {*column.formula.sums}
        return any(wanted <= s.columns and not sums & s.lacks for s in self.sources)

    def dimension(self, name: str) -> Dimension:
        """The dimension of that name; KeyError when there is none."""
        found = self._by_name[name]
        if not isinstance(found, Dimension):
            raise KeyError(name)
        return found

    def measure(self, name: str) -> Measure:
        """The measure of that name; KeyError when there is none."""
        found = self._by_name[name]
        if not isinstance(found, Measure):
            raise KeyError(name)
        return found

    def part(self, name: str) -> Part:
        """How a sum is read: as declared, or as the stored column of that name."""
        return next((part for part in self.parts if part.name == name), Part(name, name))


@dataclass(frozen=True)
class Family:
    """A report as people name it: one declaration, or several that an option tells apart.

    `option` is blank where there is one; `members` holds the declarations by the option's values.
    """

    name: str
    title: str
    purpose: str
    members: Mapping[str, Report]
    option: str = ""
    default: str = ""

    @property
    def listing(self) -> bool:
        """Whether its rows are calls, not sums."""
        return any(member.listing for member in self.members.values())
