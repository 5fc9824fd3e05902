"""Who may do what: roles, and what a visitor sees of the reports.

Decisions over plain values only. A customer's restriction is put into the reports' declarations
(see `resources.schedules.audience`), so that whatever asks them asks the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from resources.reporting.errors import ReportError
from resources.reporting.interfaces import HeldNames, Reporting
from resources.reporting.model import Family, Report
from resources.reporting.request import quoted, resolve_accounts
from resources.schedules.audience import restricted_by_hidden, seen_by
from resources.schedules.model import Audience


class Role(StrEnum):
    """What somebody may do: see all, besides change things, or see their own rows only."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    CUSTOMER = "customer"


INSIDE = frozenset({Role.VIEWER, Role.OPERATOR})
EVERYBODY = frozenset(Role)
OPERATORS = frozenset({Role.OPERATOR})


@dataclass(frozen=True)
class Visitor:
    """Who asks. `customers` are the ids whose rows a customer sees; empty for the others."""

    name: str
    role: Role
    customers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.role is Role.CUSTOMER) != bool(self.customers):
            raise ValueError(f"{self.name!r} is {self.role} of the customers {self.customers!r}")

    @property
    def audience(self) -> Audience:
        """Whose eyes these are, for the columns of a report."""
        return Audience.CUSTOMER if self.role is Role.CUSTOMER else Audience.INTERNAL

    @property
    def guest(self) -> str:
        """The name of who is not of the house; blank for the others."""
        return self.name if self.role is Role.CUSTOMER else ""


LOCAL = Visitor("local", Role.OPERATOR)
"""Whoever sits at the machine itself, where nobody is asked to log in."""


def seen(visitor: Visitor, reporting: Reporting) -> Reporting:
    """What reports are made from, as the visitor may see it.

    A customer knows no provider and no other customer, not even by name, and each of its reports
    is about its own rows, whatever is asked.
    """
    if visitor.role is not Role.CUSTOMER:
        return reporting
    names = reporting.names
    own = {account: names.customers.get(account) or account for account in visitor.customers}
    families = {
        name: family
        for name, each in reporting.reports.items()
        if (family := _of_customer(each, visitor.customers, {**names.customers, **own})) is not None
    }
    return replace(
        reporting,
        names=HeldNames(customers=own, countries=names.countries, latas=names.latas),
        reports=families,
    )


def _of_customer(
    family: Family, customers: tuple[str, ...], names: Mapping[str, str]
) -> Family | None:
    members = {
        choice: found
        for choice, report in family.members.items()
        if (found := _own(report, customers, names)) is not None
    }
    if not members:
        return None
    default = family.default if family.default in members else next(iter(members))
    return replace(family, members=members, default=default, purpose="")


def _own(report: Report, customers: tuple[str, ...], names: Mapping[str, str]) -> Report | None:
    """The report about these customers' rows; None where it is not for them at all."""
    if restricted_by_hidden(Audience.CUSTOMER, report):
        return None
    if report.customers:
        everybody = resolve_accounts("customer", report.customers, names, list, known_only=False)
        kept = tuple(c for c in customers if c in everybody)
        if not kept:
            return None
        customers = kept
    for filter_ in (f for f in report.filters if f.dimension.column == "customer_id"):
        by_name = filter_.dimension.names is not None
        customers = tuple(
            c for c in customers
            if c in filter_.values or (by_name and names[c] in filter_.values)
        )  # fmt: skip
    if not customers:
        return None
    found = seen_by(Audience.CUSTOMER, report)
    own = tuple(map(quoted, customers))
    return replace(found, customers=own, purpose="") if found.names else None


def own_customers(
    visitor: Visitor, reporting: Reporting, customers: Sequence[str], providers: Iterable[str]
) -> Sequence[str]:
    """The customers asked for; a customer's by their ids, so that nobody else's are looked up.

    Raises ReportError where a customer names an account that is not its own. What is said tells of
    nobody else.
    """
    if visitor.role is not Role.CUSTOMER:
        return customers
    own = resolve_accounts("customer", customers, reporting.names.customers, lambda: ())
    if any(True for _ in providers):
        raise ReportError("unknown parameter 'providers'")
    return tuple(map(quoted, own))
