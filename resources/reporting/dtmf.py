"""The DTMF report: what a digit costs, and who drops them.

A declaration only. The delivery check is made in `sql/reports/dtmf_delivery.sql`.
"""

from __future__ import annotations

from resources.reporting.arithmetic import Flagged, Formula, Score
from resources.reporting.catalogue import DTMF_HOURLY, MEASURES, dimensions
from resources.reporting.model import (
    HeatChart,
    Kind,
    Measure,
    MemberChart,
    Panel,
    Report,
    Source,
)

_CHECKED = frozenset(
    {"checked_dtmf_calls", "expected_dtmf_calls", "dtmf_variance", "saving_usd", "saving_gbp"}
)
_SCORE = Score("checked_dtmf_calls", "expected_dtmf_calls", "dtmf_variance")
_DELIVERY = (
    Measure(
        "expected_dtmf_calls",
        "Expected DTMF Calls",
        Kind.ESTIMATE,
        Formula("expected_dtmf_calls"),
        "Connected calls, customer by customer and destination by destination, times the share "
        "with digits that the same traffic has over all other providers; traffic that no other "
        "provider carries is not checked.",
    ),
    Measure(
        "checked_dtmf_calls",
        "Checked DTMF Calls",
        Kind.COUNT,
        Formula("checked_dtmf_calls"),
        "Calls with DTMF digits in the traffic that is checked.",
    ),
    Measure(
        "dtmf_delivery",
        "DTMF Delivery",
        Kind.FRACTION,
        Formula("checked_dtmf_calls", over="expected_dtmf_calls"),
        "Checked calls with digits divided by expected ones: 100 % is what others deliver.",
    ),
    Measure(
        "z",
        "z",
        Kind.SCORE,
        _SCORE,
        "How many standard deviations the calls with digits are from what is expected.",
    ),
    Measure(
        "flag",
        "Drops Digits",
        Kind.FLAG,
        Flagged(_SCORE, below=-3, enough="expected_dtmf_calls", least=20),
        "Yes where z is below \u22123 and at least 20 calls with digits were expected.",
    ),
    *(
        Measure(
            f"saving_{code.lower()}",
            f"Saving ({code})",
            Kind.MONEY,
            Formula(f"saving_{code.lower()}"),
            "Provider charge less what the same talk time would have cost at the cheapest "
            "provider for the destination that delivers its digits; negative where that one is "
            f"dearer. In {code}.",
            currency=code,
        )
        for code in ("USD", "GBP")
    ),
)
_COSTS = tuple(
    f"cost_per_{per}_{code}"
    for per in ("call", "dtmf_call", "dtmf_digit")
    for code in ("usd", "gbp")
)
_DIMENSIONS = dimensions(
    "date",
    "hour",
    "hour_of_day",
    "customer",
    "customer_id",
    "provider",
    "provider_id",
    "customer_destination",
    "provider_destination",
    "customer_currency",
    "provider_currency",
)

DTMF = Report(
    name="dtmf",
    title="DTMF",
    purpose="What a call with DTMF digits costs, and which providers drop digits.",
    sources=(
        Source(DTMF_HOURLY.table, DTMF_HOURLY.columns, lacks=_CHECKED),
        Source("dtmf_delivery", DTMF_HOURLY.columns - {"hour"}),
    ),
    dimensions=_DIMENSIONS,
    measures=(*MEASURES, *_DELIVERY),
    group=("provider",),
    columns=(
        "provider",
        "attempts",
        "connected",
        "dtmf_calls",
        "dtmf_digits",
        "dtmf_percent",
        "dtmf_delivery",
        "z",
        "flag",
        "cost_per_call_usd",
        "cost_per_dtmf_call_usd",
        "cost_per_dtmf_digit_usd",
    ),
    machine_columns=(
        "attempts",
        "connected",
        "dtmf_calls",
        "dtmf_digits",
        "dtmf_percent",
        *_COSTS,
    ),
    headline=(
        "connected",
        "dtmf_calls",
        "dtmf_percent",
        "dtmf_digits",
        "cost_per_dtmf_call_usd",
        "cost_per_dtmf_digit_usd",
    ),
    compared=("connected", "dtmf_percent", "dtmf_digits", "cost_per_dtmf_digit_usd"),
    weight="connected",
    panels=(
        Panel(
            "Providers that drop digits",
            group=("provider",),
            columns=(
                "dtmf_delivery",
                "expected_dtmf_calls",
                "checked_dtmf_calls",
                "z",
                "connected",
                "provider_charge_usd",
                "saving_usd",
            ),
            sort="z",
            flagged="flag",
            empty="None: no provider has z below \u22123 with at least 20 calls expected.",
        ),
        Panel(
            "Delivery check of all providers",
            group=("provider",),
            columns=(
                "dtmf_delivery",
                "expected_dtmf_calls",
                "checked_dtmf_calls",
                "z",
                "flag",
                "connected",
                "saving_usd",
            ),
            sort="z",
            where="provider",
            empty="There is no traffic to check.",
        ),
    ),
    charts=(
        HeatChart(
            "Share of calls with DTMF by provider and hour of the day",
            down="provider",
            across="hour_of_day",
            measure="dtmf_percent",
            weight="connected",
        ),
        MemberChart(
            "Cost per DTMF digit and per call by provider",
            dimension="provider",
            measures=("cost_per_dtmf_digit_usd", "cost_per_call_usd"),
            weight="connected",
        ),
    ),
)
