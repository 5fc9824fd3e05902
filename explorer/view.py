"""What is on the screen, as a query string: the one codec of pages, API, downloads and schedules.

Text in, plain values out and back; what the words mean is judged by `resources.reporting`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote, urlencode

from resources.reporting.errors import ReportError, unknown
from resources.reporting.period import Period, choose_period
from resources.reporting.request import Asked

PRESETS = (
    ("today", "Today"),
    ("yesterday", "Yesterday"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("this-month", "This month"),
    ("last-month", "Last month"),
)
"""Periods that pages offer, and what they call them."""

DEFAULT_DAYS = "7d"
LONGEST_DAYS = 1_830
"""Days of a question, five years; more are refused."""

_LONGEST = 20_000
"""Characters of a value; what people type is shorter, and what programs try is refused."""

_ONE = ("choice", "from", "to", "last", "group", "split", "columns", "sort", "top", "compare",
        "currency", "as")  # fmt: skip
_MANY = ("customers", "providers", "filter", "number")
NAMES = ("report", *_ONE, *_MANY)
"""All parameters, in the order in which a query string names them."""

PAGE_NAMES = ("view", "figure")
"""What pages keep in the address bar for themselves."""

Pairs = Iterable[tuple[str, str]]


class WrongView(ReportError):
    """A parameter makes no sense; `field` names it."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class View:
    """What was asked for. None is 'not said'; `split` are the columns of a pivot, by name."""

    report: str
    choice: str | None = None
    first: str | None = None
    last: str | None = None
    recent: str | None = None
    asked: Asked = field(default_factory=Asked)
    split: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    side: str = "either"

    def period(self, today: date) -> Period:
        """The days that were meant; the last seven when none were named."""
        recent = self.recent
        if recent is None and self.first is None and self.last is None:
            recent = DEFAULT_DAYS
        try:
            found = choose_period(self.first, self.last, recent, today)
        except ReportError as error:
            words = str(error).replace("--", "")
            raise WrongView(words, "last" if recent else "from") from None
        if found.days > LONGEST_DAYS:
            raise WrongView(
                f"{found.first} to {found.last} are {found.days:,} days: at most "
                f"{LONGEST_DAYS:,} can be asked for at once",
                "from",
            )
        return found

    def query(self, *, report: bool = False) -> str:
        """The canonical query string, with the report's name if asked for."""
        asked = self.asked
        values: dict[str, Sequence[str | None]] = {
            "report": [self.report if report else None],
            "choice": [self.choice],
            "from": [self.first],
            "to": [self.last],
            "last": [self.recent],
            "group": [asked.group_by],
            "split": [",".join(self.split) or None],
            "columns": [asked.columns],
            "sort": [asked.sort],
            "top": [None if asked.top is None else str(asked.top)],
            "compare": [asked.compare],
            "currency": [asked.currency],
            "as": [None if self.side == "either" else self.side],
            "customers": asked.customers,
            "providers": asked.providers,
            "filter": asked.filters,
            "number": self.numbers,
        }
        pairs = [(name, value) for name in NAMES for value in values[name] if value is not None]
        return urlencode(pairs, quote_via=quote, safe=",:=-")


def parse(pairs: Pairs, report: str | None = None, *, strict: bool = True) -> View:
    """The view that a query string describes; `report` where the path names it.

    Raises WrongView for a value that makes no sense and, when `strict`, for an unknown name.
    """
    one: dict[str, str] = {} if report is None else {"report": report}
    many: dict[str, list[str]] = {name: [] for name in _MANY}
    for name, value in pairs:
        if len(value) > _LONGEST:
            raise WrongView(f"{name} is {len(value):,} characters long: too many", name)
        value = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        if name in many:
            if value.strip() or name == "filter":
                many[name].append(value)
        elif name in NAMES:
            if name in one and one[name] != value:
                raise WrongView(f"{name} is there twice: {one[name]!r} and {value!r}", name)
            one[name] = value
        elif strict and name not in PAGE_NAMES:
            raise WrongView(str(unknown("parameter", name, NAMES)), name)

    def said(name: str) -> str | None:
        text = one.get(name)
        return None if text is None or not text.strip() else text.strip()

    # An empty group asks for the totals only; an empty value of the others says nothing.
    group = one.get("group")
    return View(
        report=one.get("report", "breakout"),
        choice=said("choice"),
        first=said("from"),
        last=said("to"),
        recent=said("last"),
        asked=Asked(
            group_by=None if group is None else group.strip(),
            columns=said("columns"),
            sort=said("sort"),
            top=_top(said("top")),
            customers=tuple(many["customers"]),
            providers=tuple(many["providers"]),
            filters=tuple(many["filter"]),
            compare=said("compare"),
            currency=said("currency"),
        ),
        split=tuple(dict.fromkeys(w.strip() for w in one.get("split", "").split(",") if w.strip())),
        numbers=tuple(
            dict.fromkeys(
                word.strip() for text in many["number"] for word in re.split(r"[,;\n\r]+", text)
                if word.strip()
            )
        ),
        side=said("as") or "either",
    )  # fmt: skip


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise WrongView(f"top {text!r} is no number of rows", "top")
    return whole(text, "top", 1, 10**9)


def whole(text: str, name: str, least: int, most: int) -> int:
    """A whole number of a parameter within its bounds. Raises WrongView."""
    if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise WrongView(f"{name} {text!r}: write a whole number from {least:,} to {most:,}", name)
    return int(text)
