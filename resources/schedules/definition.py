"""From what somebody wrote to a schedule that can be carried out, or a refusal that helps.

The same judge for options of the command and for YAML. All that is wrong is told at once.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from difflib import get_close_matches
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from resources.mailer import MailRefusedError, parse_addresses
from resources.reporting.errors import ReportError, unknown
from resources.reporting.model import Family
from resources.reporting.period import Period
from resources.reporting.reports import REPORTS, find_scheduled
from resources.reporting.request import quoted, resolve_accounts, split
from resources.schedules import rendering
from resources.schedules.model import (
    CHOICES,
    FIELDS,
    FORMATS,
    LISTS,
    Audience,
    Schedule,
    from_plain,
)


class ScheduleError(ValueError):
    """A schedule that makes no sense; a line for each field that is wrong."""


@dataclass(frozen=True)
class Accounts:
    """What is known of customers and providers: names and addresses by id, and who has calls; and
    the reports and currencies that there are.
    """

    customers: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    customer_emails: Mapping[str, str] = field(default_factory=dict)
    provider_emails: Mapping[str, str] = field(default_factory=dict)
    in_data: Callable[[str], Collection[str]] = lambda dimension: ()
    ever: Callable[[str], Collection[str]] = lambda dimension: ()
    """Ids that have calls in any built day, or a line in the list without a name."""
    reports: Mapping[str, Family] = field(default_factory=lambda: REPORTS)
    currencies: Collection[str] = ("USD", "GBP")

    def ids(self, field: str, texts: Iterable[str]) -> tuple[list[str], list[str]]:
        """Ids of the `customers` or `providers` meant by id or name, and what is odd about them.

        Who is not known is refused, by a ReportError, unless nothing is built yet: then nobody can
        know, and the id is kept as written.
        """
        what = field.removesuffix("s")
        names: Mapping[str, str] = getattr(self, field)
        known = {n.strip().casefold() for n in names.values()}
        found: list[str] = []
        odd: list[str] = []
        for text in texts:
            whole = text.strip()
            is_one = whole in names or whole.casefold() in known
            for word in [whole] if is_one else split(text):
                ever = self.ever if word.casefold() in known else self.in_data
                try:
                    meant = resolve_accounts(
                        what, [quoted(word)], names, partial(ever, f"{what}_id")
                    )
                except ReportError as error:
                    if word not in self.ever(f"{what}_id"):
                        if self.ever(f"{what}_id") or self.in_data(f"{what}_id"):
                            raise ReportError(
                                f"{error} (a {what} without calls yet needs a line in {field}.csv)"
                            ) from None
                        odd.append(f"{error} (nothing is built yet: kept as an id)")
                    meant = (word,)
                if len(meant) > 1:
                    odd.append(f"{', '.join(meant)} are all called {word!r}: all of them are meant")
                found += meant
        return list(dict.fromkeys(found)), odd

    def emails(self, audience: Audience) -> Mapping[str, str]:
        """Addresses by id of those that a fan-out for the audience goes to."""
        return self.customer_emails if audience is Audience.CUSTOMER else self.provider_emails


@dataclass(frozen=True)
class Defined:
    """A schedule that can be carried out, and what its author should know of it."""

    schedule: Schedule
    warnings: tuple[str, ...] = ()


def define(values: Mapping[str, Any], accounts: Accounts, timezone: str, period: Period) -> Defined:
    """The schedule that the values describe.

    `timezone` is the one for schedules that name none, `period` any period, for trying whether
    the report can be made. Raises ScheduleError.
    """
    judge = _Judge(accounts)
    plain: dict[str, Any] = {"timezone": timezone}
    for name, value in values.items():
        if name not in FIELDS:
            judge.problems.append(str(unknown("field", str(name), FIELDS)))
        elif value is not None:
            plain[name] = judge.field(name, value)
    if "name" not in plain:
        judge.problems.append("name: missing; every schedule needs one")
    if judge.problems:
        raise ScheduleError("\n".join(judge.problems))
    schedule = from_plain({k: v for k, v in plain.items() if v is not None})
    if plain.get("currency") is None:
        schedule = replace(schedule, currency=judge.currency(schedule))
    judge.together(schedule, period)
    if judge.problems:
        raise ScheduleError("\n".join(judge.problems))
    return Defined(schedule, tuple(judge.warnings))


class _Judge:
    """Collects what is wrong, and what is odd."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def field(self, name: str, value: Any) -> Any:
        """The value of a field as `model.from_plain` takes it."""
        try:
            if name in LISTS:
                return self._list(name, value)
            if name == "fan_out":
                return _truth(value)
            if isinstance(value, bool):
                raise ScheduleError(f"{value} is no text: put it in quotes if it is meant")
            if not isinstance(value, str | int):
                raise ScheduleError(f"{briefly(value)} is no text")
            return self._text(name, str(value).strip())
        except (ScheduleError, ReportError, MailRefusedError) as error:
            self.problems.append(f"{name}: {error}")
            return None

    def _text(self, name: str, text: str) -> str:
        match name:
            case "name":
                return _name(text)
            case "time":
                return _time(text)
            case "timezone":
                return _zone(text)
            case "currency":
                text = text.upper()
                if text not in self.accounts.currencies:
                    raise unknown("currency", text, sorted(self.accounts.currencies))
            case "report":
                pass  # `together` looks it up, with its columns
            case _:
                text = text.lower()
                choices = [str(choice) for choice in CHOICES[name]]
                if text not in choices:
                    raise ScheduleError(f"unknown {text!r}: choose from {', '.join(choices)}")
        return text

    def _list(self, name: str, value: Any) -> list[str] | None:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not all(
            isinstance(text, str | int) and not isinstance(text, bool) for text in texts
        ):
            raise ScheduleError(f"{briefly(value)} is no list of texts")
        texts = [str(text) for text in texts]
        match name:
            case "email" | "cc" | "bcc":
                return parse_addresses(text.replace(";", ",") for text in texts)
            case "customers" | "providers":
                return self._ids(name, texts)
        words = list(dict.fromkeys(word for text in texts for word in split(text)))
        if name == "formats":
            words = [word.lower() for word in words]
            for word in words:
                if word not in FORMATS:
                    raise unknown("format", word, FORMATS)
            if not words:
                raise ScheduleError(f"empty: name at least one of {', '.join(FORMATS)}")
        if not words and name != "group":  # which asks for the totals only
            return None  # as if it were not said
        return words

    def _ids(self, name: str, texts: Iterable[str]) -> list[str]:
        found, odd = self.accounts.ids(name, texts)
        self.warnings += [f"{name}: {words}" for words in odd]
        return found

    def currency(self, schedule: Schedule) -> str:
        """Of a schedule that names none: its report's own, or that of any schedule."""
        try:
            preset = find_scheduled(schedule.report, self.accounts.reports).preset
        except ReportError:  # which `together` tells
            return schedule.currency
        return preset.currency or schedule.currency

    def together(self, schedule: Schedule, period: Period) -> None:
        """What several fields say together."""
        self._recipients(schedule)
        self.problems += rendering.check(
            self.accounts.reports, schedule, period, self.accounts.currencies
        )
        side, other = _sides(schedule.audience)
        if schedule.audience is not Audience.INTERNAL:
            if not schedule.fan_out and not getattr(schedule, side):
                self.problems.append(
                    f"{side}: a report for a {schedule.audience} needs to know whose calls it "
                    f"holds: name the {side}, or let it fan out"
                )
            if getattr(schedule, other):
                self.problems.append(
                    f"{other}: not in a report for {side}: who reads it would learn of its {other}"
                )

    def _recipients(self, schedule: Schedule) -> None:
        everybody = [*schedule.email, *schedule.cc, *schedule.bcc]
        for address in sorted({a for a in everybody if everybody.count(a) > 1}):
            self.problems.append(f"email, cc, bcc: {address} is there twice: once is enough")
        if not schedule.fan_out:
            if not everybody:
                self.problems.append("email: missing; name at least one address")
            return
        if schedule.audience is Audience.INTERNAL:
            self.problems.append(
                "fan_out: for an audience of customers or providers only: each gets its own report"
            )
            return
        if schedule.email or schedule.cc:
            self.problems.append(
                f"email, cc: not with fan_out, whose reports go to the addresses in "
                f"{schedule.audience}s.csv; use bcc for a copy of each"
            )
        emails = self.accounts.emails(schedule.audience)
        side, _ = _sides(schedule.audience)
        lacking = [a for a in getattr(schedule, side) if not emails.get(a)]
        if not emails:
            self.warnings.append(
                f"fan_out: {schedule.audience}s.csv has no column email with an address: "
                "nobody gets anything until it has"
            )
        elif lacking:
            self.warnings.append(
                f"fan_out: no address in {schedule.audience}s.csv for {', '.join(lacking[:10])}"
            )


def _sides(audience: Audience) -> tuple[str, str]:
    """The fields of who reads a report, and of the others."""
    if audience is Audience.PROVIDER:
        return "providers", "customers"
    return "customers", "providers"


def _name(text: str) -> str:
    if not text:
        raise ScheduleError("empty; every schedule needs one")
    if len(text) > 100:
        raise ScheduleError(f"{len(text)} characters are too many: at most 100")
    if not text.isprintable():
        raise ScheduleError(f"{text!r} holds a line break or another control character")
    return text


def _time(text: str) -> str:
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text):
        raise ScheduleError(f"{text!r} is no time of day: write it as HH:MM, e.g. 07:30")
    return time.fromisoformat(text.rjust(5, "0")).isoformat("minutes")


def _zone(text: str) -> str:
    zones = sorted(available_timezones())
    if text in zones:
        return text
    city = text.replace(" ", "_").casefold()
    near = [zone for zone in zones if zone.casefold().rpartition("/")[2] == city]
    # Of so many names one is always somewhat like it: only a slip of the pen is told.
    near = near or get_close_matches(text, zones, n=1, cutoff=0.8)
    meant = f"did you mean {near[0]!r}?" if near else "write one such as Europe/London or UTC"
    raise ScheduleError(f"unknown time zone {text!r}: {meant}")


def briefly(value: Any) -> str:
    """A value as it is written, as far as one wants to read it: YAML can hold endless ones."""
    short = reprlib.Repr()
    short.maxlevel, short.maxlist, short.maxdict, short.maxset = 2, 3, 3, 3
    short.maxstring = short.maxlong = 60
    return short.repr(value)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ScheduleError(f"{briefly(value)} is neither true nor false")
