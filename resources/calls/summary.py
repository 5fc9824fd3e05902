"""What the calls of one number sum up to: the groups that SQL sums, put together by number.

Counts and exact sums only come in; ratios are made from them here, when they are read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

_WHOLE, _BY_REASON, _BY_HOUR, _BY_CUSTOMER_CURRENCY, _BY_PROVIDER_CURRENCY = 15, 7, 11, 13, 14
"""`kind` of `sql/calls/summaries.sql`."""


@dataclass(frozen=True)
class NumberSummary:
    """The attempts of one number that was asked for; all zero when it has none.

    `duration` is in seconds, `first_call` and `last_call` are UTC. `release_reasons` counts
    attempts, the most frequent first; a blank one is `""`. `by_hour` has the attempts of the 24
    hours of the day, in the reporting time zone. Charges are exact sums in their own currency.
    An attempt between the number and itself is in both `as_cli` and `as_destination`.
    """

    number: str
    attempts: int = 0
    calls: int = 0
    connected: int = 0
    duration: Decimal = Decimal(0)
    first_call: datetime | None = None
    last_call: datetime | None = None
    as_cli: int = 0
    as_destination: int = 0
    release_reasons: Mapping[str, int] = field(default_factory=dict)
    by_hour: tuple[int, ...] = (0,) * 24
    customer_charges: Mapping[str, Decimal] = field(default_factory=dict)
    provider_charges: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def asr(self) -> Decimal | None:
        """Connected / attempts, a fraction; None without attempts."""
        return Decimal(self.connected) / self.attempts if self.attempts else None

    @property
    def acd(self) -> Decimal | None:
        """Talk time / connected, seconds; None when none connected."""
        return self.duration / self.connected if self.connected else None


def summaries(numbers: Sequence[str], groups: Iterable[Mapping[str, Any]]) -> list[NumberSummary]:
    """One summary for each number, in their order, from the rows of `sql/calls/summaries.sql`."""
    by_number: dict[str, list[Mapping[str, Any]]] = {}
    for group in groups:
        by_number.setdefault(group["number"], []).append(group)
    return [_summary(number, by_number.get(number, [])) for number in numbers]


def _summary(number: str, groups: list[Mapping[str, Any]]) -> NumberSummary:
    def of(kind: int) -> list[Mapping[str, Any]]:
        return [group for group in groups if group["kind"] == kind]

    def charges(side: str, kind: int) -> dict[str, Decimal]:
        found = {g[f"{side}_currency"]: g[f"{side}_charge"] for g in of(kind)}
        return {c: found[c] for c in sorted(c for c in found if c and found[c] is not None)}

    whole = of(_WHOLE)
    if not whole:
        return NumberSummary(number)
    reasons: dict[str, int] = {}
    for group in sorted(of(_BY_REASON), key=lambda g: (-g["attempts"], g["release_reason"] or "")):
        reason = group["release_reason"] or ""
        reasons[reason] = reasons.get(reason, 0) + group["attempts"]
    hours = {group["hour"]: group["attempts"] for group in of(_BY_HOUR)}
    same = ("attempts", "calls", "connected", "duration", "first_call", "last_call")
    return NumberSummary(
        number,
        **{name: whole[0][name] for name in (*same, "as_cli", "as_destination")},
        release_reasons=reasons,
        by_hour=tuple(hours.get(hour, 0) for hour in range(24)),
        customer_charges=charges("customer", _BY_CUSTOMER_CURRENCY),
        provider_charges=charges("provider", _BY_PROVIDER_CURRENCY),
    )
