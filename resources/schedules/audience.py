"""What each audience must not see: the one list of forbidden dimensions and measures.

Pure functions over names, so that schedules (when they are made) and reporting (when a report is
put together) ask the same judge. Rows are restricted elsewhere: see `own_rows`.
"""

from __future__ import annotations

from resources.reporting.adapt import without
from resources.reporting.model import Measure, Report
from resources.schedules.model import Audience, Schedule

_WORDS = {
    Audience.INTERNAL: frozenset[str](),
    # Whatever names the other side of the trade, what it costs, or what is earned by it.
    Audience.CUSTOMER: frozenset(
        {"provider", "vendor", "supplier", "cost", "profit", "margin", "saving", "loss"}
    ),
    Audience.PROVIDER: frozenset({"customer", "client", "reseller", "profit", "margin", "saving"}),
}
"""A name with one of these among its words (`total_provider_charge`) is forbidden."""

_NAMES = {
    Audience.INTERNAL: frozenset[str](),
    # How a provider does against the others.
    Audience.CUSTOMER: frozenset(
        {
            "expected_dtmf_calls", "checked_dtmf_calls", "dtmf_delivery", "z", "flag",
            "reseller", "reseller_id",
            # Of a single call: what its provider told, and where we keep it.
            "pdd_out", "file_id", "line",
        }
    ),
    # The same, which is reckoned from the others' calls; and what tells customers apart.
    Audience.PROVIDER: frozenset(
        {
            "expected_dtmf_calls", "checked_dtmf_calls", "dtmf_delivery", "z", "flag",
            "tech_prefix", "auth_user", "source_ip", "source_cli", "source_dest_number",
            "ingress_id",
        }
    ),
}  # fmt: skip
"""Forbidden names that have none of those words."""


def is_forbidden(audience: Audience, name: str) -> bool:
    """Whether a dimension or measure must not come before these eyes, in no place of a report.

    >>> is_forbidden(Audience.CUSTOMER, "provider_charge_usd")
    True
    >>> is_forbidden(Audience.PROVIDER, "provider_charge_usd")
    False
    """
    words = frozenset(name.lower().replace("-", "_").split("_"))
    return bool(words & _WORDS[audience]) or name.lower() in _NAMES[audience]


def hides(audience: Audience, report: Report, name: str) -> bool:
    """Whether a column, or anything that it is reckoned from, is forbidden to the audience."""
    column = report.column(name)
    made_of = column.formula.sums if isinstance(column, Measure) else (column.column,)
    return any(is_forbidden(audience, each) for each in (name, *made_of))


def seen_by(audience: Audience, report: Report) -> Report:
    """The report without what the audience must not see, so that nothing can show it."""
    if audience is Audience.INTERNAL:
        return report
    return without(report, lambda name: hides(audience, report, name))


def restricted_by_hidden(audience: Audience, report: Report) -> list[str]:
    """Dimensions that a report of one's own is restricted by, and that would tell of others."""
    if audience is Audience.INTERNAL:
        return []
    held = {f.dimension.name for f in report.filters}
    held |= {"customer"} if report.customers else set()
    held |= {"provider"} if report.providers else set()
    return sorted(name for name in held if hides(audience, report, name))


def own_rows(schedule: Schedule, account: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The customers and the providers that a report is restricted to; empty for all.

    A fan-out's report is of its `account` alone. Raises ValueError rather than let a report for
    outside hold everybody's rows.
    """
    customers, providers = schedule.customers, schedule.providers
    if schedule.fan_out:
        if not account:
            raise ValueError(f"{schedule.name!r} fans out: whose report is it?")
        if schedule.audience is Audience.CUSTOMER:
            customers = (account,)
        else:
            providers = (account,)
    if schedule.audience is Audience.CUSTOMER and not customers:
        raise ValueError(f"{schedule.name!r} is for customers and names none")
    if schedule.audience is Audience.PROVIDER and not providers:
        raise ValueError(f"{schedule.name!r} is for providers and names none")
    return customers, providers


def is_for(schedule: Schedule, account: str) -> bool:
    """Whether the schedule makes a report for this account; for a blank one, for its own addresses.

    >>> is_for(Schedule("house", "UTC"), ""), is_for(Schedule("house", "UTC"), "101")
    (True, False)
    """
    if not schedule.fan_out:
        return not account
    of = schedule.customers if schedule.audience is Audience.CUSTOMER else schedule.providers
    return bool(account) and (not of or account in of)


def same_rows(one: Schedule, other: Schedule, account: str) -> bool:
    """Whether two definitions of a schedule hold the same rows for the same eyes.

    Else neither may be told what has become of the other's figures.
    """
    if one.audience is not other.audience:
        return False
    if not (is_for(one, account) and is_for(other, account)):
        return False
    of, before = own_rows(one, account), own_rows(other, account)
    return all(set(a) == set(b) for a, b in zip(of, before, strict=True))
