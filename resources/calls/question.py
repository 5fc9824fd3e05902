"""A question for the calls of numbers, out of what a person typed, or a refusal that helps.

Pure: what numbers mean and what is refused. Where the calls are found is `index` and `answer`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from resources.reference.numbers import classify
from resources.reference.plan import AreaCode, NumberPlan

LONGEST_DAYS = 184
"""So many days at most, half a year: more is seldom meant, and refused."""


class CallsError(ValueError):
    """A question that cannot be answered as it was asked; the text says what to change."""


class NoNumberError(CallsError):
    """One of the numbers, `number`, is none."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"{number!r} is no telephone number: write its digits, with or without spaces, "
            "brackets, dashes, dots and the plus"
        )
        self.number = number


class Side(StrEnum):
    """On which side of a call a number is looked for."""

    CLI = "cli"
    DESTINATION = "destination"
    EITHER = "either"


@dataclass(frozen=True)
class CallQuestion:
    """Numbers, days, accounts: all that decides which calls are meant.

    `numbers` are what answers are told by: each number's digits (E.164 without plus), in the
    order in which they were asked for, once each. `clis` and `destinations` say which digits of
    `cdrs` mean which of them. Empty `customers` or `providers` means all; both days belong to it.
    """

    numbers: tuple[str, ...]
    clis: Mapping[str, str]
    destinations: Mapping[str, str]
    first: date
    last: date
    customers: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


def ask(
    numbers: Iterable[str],
    side: Side,
    first: date,
    last: date,
    area_codes: Mapping[str, AreaCode],
    *,
    customers: Sequence[str] = (),
    providers: Sequence[str] = (),
) -> CallQuestion:
    """The question that was meant by numbers as people write them.

    Both sides of a call are normalised by their own rule, as the calls were: `(212) 226-0001` is
    `12122260001` as a caller and `2122260001` as a destination. Looked for on either side, it is
    one number, told by its digits as a caller: who called, and was called, by either of them.

    Args:
        numbers: in any spelling; another spelling of one that was named before changes nothing.
        side: on which side they are looked for.
        first: the first day.
        last: the last day, included.
        area_codes: the plan's, `ReferenceData.load_area_codes()`.
        customers: ids; empty means all.
        providers: ids; empty means all.

    Raises:
        CallsError: no number; one that is none, which is named; days in the wrong order or too
            many.
    """
    days = (last - first).days + 1
    if days < 1:
        raise CallsError(f"the days begin on {first} but end on {last}: swap them")
    if days > LONGEST_DAYS:
        raise CallsError(
            f"{first} to {last} are {days} days: calls of numbers are told of at most "
            f"{LONGEST_DAYS} days at a time"
        )
    plan = NumberPlan(dict(area_codes), {}, {})
    clis: dict[str, str] = {}
    destinations: dict[str, str] = {}
    for text in numbers:
        as_cli = classify(text, True, plan).digits
        as_destination = classify(text, False, plan).digits
        if not as_cli or not as_destination:
            raise NoNumberError(text)
        if side is Side.DESTINATION:
            destinations.setdefault(as_destination, as_destination)
            continue
        clis.setdefault(as_cli, as_cli)
        if side is Side.EITHER:
            # Digits that two numbers share on this side count for the one that was named first.
            destinations.setdefault(as_cli, as_cli)
            destinations.setdefault(as_destination, as_cli)
    if not clis and not destinations:
        raise CallsError("no number was asked for")
    return CallQuestion(
        tuple(dict.fromkeys([*clis.values(), *destinations.values()])),
        clis,
        destinations,
        first,
        last,
        tuple(customers),
        tuple(providers),
    )
