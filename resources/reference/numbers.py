"""Telephone numbers: normalising, what a number is, and USA jurisdiction, in plain Python.

This is the reference that the SQL models are tested against, and what commands use for a number
that a user types. It is not run over calls; that is SQL.

The rules, in the order in which they decide:

1. The characters ``space + - ( ) .`` are taken out wherever they stand. What is left is blank,
   or holds something that is no digit 0-9, or is digits. A ``+`` in front, or ``00`` in front of
   what is left, is an international prefix: both are dropped (`00` once) and remembered.
2. Eleven digits ``1NPANXXXXXX``, N = 2-9 in NPA and NXX, are North American by their shape, with
   or without a prefix. So are, for a caller's number without a prefix, ten digits of that shape
   whose NPA is in the plan; they get their 1.
3. Other 7 to 15 digits that do not begin with 1 are foreign; the rest is invalid.
4. Then the plan: the NPA tells country and state. A North American shape whose NPA is not in the
   plan is `UNASSIGNED`, never foreign; as a caller that counts as invalid (`cli_invalid`), as a
   destination it has a reason of its own (`destination_unassigned`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from resources.reference.plan import NumberPlan

WITHHELD = frozenset(
    {
        "anonymous", "anonymousinvalid", "blocked", "hidden", "nocallerid", "nonumber",
        "notavailable", "numberwithheld", "private", "privatenumber", "restricted", "suppressed",
        "unavailable", "unknown", "withheld",
    }
)  # fmt: skip
"""Caller texts that mean withheld, in lower case and without the characters of rule 1."""

_DROPPED = str.maketrans("", "", " +-().")
_NANP = re.compile(r"1[2-9][0-9]{2}[2-9][0-9]{6}")
_NANP_TEN = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")
_FOREIGN = re.compile(r"[02-9][0-9]{6,14}")
_DIGITS = re.compile(r"[0-9]+")


class Kind(StrEnum):
    """What a number is."""

    US = "us"
    """A US place: state, DC or territory."""
    FOREIGN = "foreign"
    """Another country, Canada and the Caribbean included."""
    NON_GEOGRAPHIC = "non_geographic"
    """Toll-free, 900, 5XX, 600 and other area codes without a place."""
    UNASSIGNED = "unassigned"
    """North American by its shape, with an area code that is not in the plan."""
    INVALID = "invalid"
    WITHHELD = "withheld"
    """The caller's number was kept back (`anonymous` and the like)."""
    MISSING = "missing"
    """Blank."""


@dataclass(frozen=True)
class Number:
    """A number as judged. `digits` are E.164 without plus, blank when there are none.

    `npa` and `nxx` are set for North American shapes, `country` (ISO 3166) where known,
    `state` for US places and Canadian provinces, `lata` and `rate_center` (None: unknown) for US
    places, `carrier` where the prefix is a mobile network's.
    """

    kind: Kind
    digits: str
    npa: str | None = None
    nxx: str | None = None
    country: str | None = None
    state: str | None = None
    lata: str | None = None
    rate_center: str | None = None
    carrier: str | None = None

    @property
    def is_north_american(self) -> bool:
        """Whether the shape is `1NPANXXXXXX`, assigned or not."""
        return self.npa is not None


def normalise(text: str | None) -> str:
    """The digits of a number as written; what is no number comes back stripped, in lower case.

    >>> normalise("+1 (703) 201-0007"), normalise("0044 7802 000014"), normalise("Restricted")
    ('17032010007', '447802000014', 'restricted')
    """
    return _strip(text)[0]


def classify(text: str | None, is_cli: bool, plan: NumberPlan) -> Number:
    """Judge a number as the caller's (`is_cli`) or as a destination."""
    digits, prefixed = _strip(text)
    if not digits:
        return Number(Kind.MISSING if is_cli else Kind.INVALID, "")
    if not _DIGITS.fullmatch(digits):
        withheld = is_cli and digits in WITHHELD
        return Number(Kind.WITHHELD if withheld else Kind.INVALID, "")
    if is_cli:
        digits = _with_country(digits, prefixed, plan)
    if _NANP.fullmatch(digits):
        return _north_american(digits, plan)
    if _FOREIGN.fullmatch(digits):
        prefix = plan.longest_prefix(digits)
        return Number(
            Kind.FOREIGN,
            digits,
            country=prefix.country if prefix else None,
            carrier=prefix.carrier if prefix else None,
        )
    return Number(Kind.INVALID, digits)


def caller_digits(text: str, plan: NumberPlan) -> str:
    """The digits of a caller's number as `classify` has them, without a judgement: lists of own
    numbers have millions.
    """
    digits, prefixed = _strip(text)
    return _with_country(digits, prefixed, plan) if _DIGITS.fullmatch(digits) else ""


def terminating(lrn: str | None, destination: str | None, plan: NumberPlan) -> Number:
    """The terminating side: the LRN if it is North American by its shape, else the destination."""
    ported = classify(lrn, False, plan)
    return ported if ported.is_north_american else classify(destination, False, plan)


_DESTINATION_REASONS = {
    Kind.NON_GEOGRAPHIC: "destination_non_geographic",
    Kind.UNASSIGNED: "destination_unassigned",
    Kind.INVALID: "destination_invalid",
    Kind.WITHHELD: "destination_invalid",
    Kind.MISSING: "destination_invalid",
}

_CLI_REASONS = {
    Kind.MISSING: "cli_missing",
    Kind.WITHHELD: "cli_withheld",
    Kind.INVALID: "cli_invalid",
    Kind.UNASSIGNED: "cli_invalid",
    Kind.FOREIGN: "cli_foreign",
    Kind.NON_GEOGRAPHIC: "cli_non_geographic",
}


def jurisdiction(
    originating: Number, term: Number, by: Literal["state", "lata"] = "state"
) -> tuple[str, str | None]:
    """USA jurisdiction and, when it is indeterminate, why (else None).

    The terminating side decides first: abroad is `international` whoever calls, no place is
    indeterminate with a `destination_` reason. Then the caller, and last, by LATA, whether both
    LATAs are known. Results: intrastate, interstate (intralata, interlata), indeterminate,
    international.
    """
    if term.kind is Kind.FOREIGN:
        return "international", None
    if term.kind is not Kind.US:
        return "indeterminate", _DESTINATION_REASONS[term.kind]
    if originating.kind is not Kind.US:
        return "indeterminate", _CLI_REASONS[originating.kind]
    if by == "state":
        same = originating.state == term.state
    elif originating.lata is None or term.lata is None:
        return "indeterminate", "lata_unknown"
    else:
        same = originating.lata == term.lata
    return ("intra" if same else "inter") + by, None


def _with_country(digits: str, prefixed: bool, plan: NumberPlan) -> str:
    """A caller's ten digits with the 1 that is left out within North America."""
    if len(digits) == 10 and not prefixed and _NANP_TEN.fullmatch(digits):
        return f"1{digits}" if digits[:3] in plan.area_codes else digits
    return digits


def _strip(text: str | None) -> tuple[str, bool]:
    """(What rule 1 leaves, in lower case, without prefix; whether there was a prefix)."""
    kept = (text or "").translate(_DROPPED).lower()
    prefixed = (text or "").lstrip(" -().").startswith("+")
    if kept.startswith("00"):
        return kept[2:], True
    return kept, prefixed


def _north_american(digits: str, plan: NumberPlan) -> Number:
    npa, nxx = digits[1:4], digits[4:7]
    area = plan.area_codes.get(npa)
    if area is None:
        return Number(Kind.UNASSIGNED, digits, npa, nxx)
    if area.country is None:
        return Number(Kind.NON_GEOGRAPHIC, digits, npa, nxx)
    prefix = plan.longest_prefix(digits)
    carrier = prefix.carrier if prefix else None
    if area.country != "US":
        return Number(Kind.FOREIGN, digits, npa, nxx, area.country, area.region, carrier=carrier)
    place = plan.exchanges.get(npa + nxx)
    return Number(
        Kind.US,
        digits,
        npa,
        nxx,
        area.country,
        area.region,
        place.lata if place else None,
        place.rate_center if place else None,
        carrier,
    )
