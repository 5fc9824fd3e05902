"""The USA Rate Center report: traffic by NPA-NXX and rate centre of one side.

Declarations only: one for each side.
"""

from __future__ import annotations

from dataclasses import replace

from resources.reporting.arithmetic import Formula
from resources.reporting.catalogue import MEASURES, dimensions
from resources.reporting.model import (
    Dimension,
    Family,
    Kind,
    Measure,
    MemberChart,
    Only,
    Report,
    Source,
)

_DIMENSIONS = (
    Dimension("prefix", "Prefix", "prefix", definition="NPA-NXX: the first six digits."),
    Dimension(
        "rate_center",
        "Rate Center",
        "rate_center",
        definition="Rate centre of the prefix; blank where the number plan does not know it.",
    ),
    Dimension(
        "state", "State", "state", definition="State, District or US territory of the prefix."
    ),
    Dimension(
        "lata",
        "LATA",
        "lata",
        definition="Number of the LATA of the prefix; blank where it is unknown.",
    ),
    Dimension("lata_name", "LATA Name", "lata", names="latas", definition="Name of that LATA."),
    *dimensions(
        "date",
        "customer",
        "customer_id",
        "provider",
        "provider_id",
        "customer_currency",
        "provider_currency",
    ),
)


def _total(measure: Measure) -> Measure:
    instead = f"total_{measure.instead}" if measure.instead else None
    return replace(
        measure, name=f"total_{measure.name}", title=f"Total {measure.title}", instead=instead
    )


_CHARGES = ("customer_charge", "provider_charge")
_MEASURES = (
    *(_total(m) for m in MEASURES if m.name.startswith(_CHARGES)),
    Measure("total_calls", "Total Calls", Kind.COUNT, Formula("attempts"), "Call attempts."),
)


def _report(side: str, words: str) -> Report:
    return Report(
        name=f"usa-rate-center-{side}",
        title=f"USA Rate Center, {side.capitalize()}",
        purpose="Traffic by NPA-NXX and rate centre.",
        sources=(Source("usa_rate_center_daily", frozenset(d.column for d in _DIMENSIONS)),),
        dimensions=_DIMENSIONS,
        measures=_MEASURES,
        group=("prefix", "rate_center"),
        columns=(
            "prefix",
            "rate_center",
            "total_customer_charge",
            "total_provider_charge",
            "total_calls",
        ),
        machine_columns=tuple(m.name for m in _MEASURES),
        headline=("total_calls", "total_customer_charge_usd", "total_provider_charge_usd"),
        compared=("total_calls", "total_customer_charge_usd", "total_provider_charge_usd"),
        weight="total_calls",
        only=(Only("side", (side,)), Only("prefix")),
        charts=(
            MemberChart(
                "Calls and charge by State",
                dimension="state",
                measures=("total_calls", "total_customer_charge_usd"),
                weight="total_calls",
            ),
        ),
        notes=(
            f"The place is that of {words}; only US places are counted. A prefix whose rate centre "
            "is unknown stays, with a blank one.",
        ),
    )


USA_RATE_CENTER = Family(
    "usa-rate-center",
    "USA Rate Center",
    "Charge, cost and calls by NPA-NXX and rate centre of the caller or of the number reached.",
    {
        "origin": _report("origin", "the caller"),
        "destination": _report("destination", "the number reached, after portability lookup"),
    },
    option="side",
    default="origin",
)
