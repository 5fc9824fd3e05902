"""The breakout report: profit and quality of traffic, broken out by whatever is asked.

A declaration only. A new report is a module like this one and an entry in `reports`.
"""

from __future__ import annotations

from resources.reporting.catalogue import (
    BREAKOUT_DAILY,
    BREAKOUT_HOURLY,
    DIMENSIONS,
    DTMF_HOURLY,
    MEASURES,
)
from resources.reporting.model import DayChart, MemberChart, Report

_ON_REQUEST = frozenset({"cost_per_call_gbp", "cost_per_dtmf_call_gbp", "cost_per_dtmf_digit_gbp"})
"""Measures that a file for machines holds only when they are asked for by name."""

BREAKOUT = Report(
    name="breakout",
    title="Breakout",
    purpose="Charge, cost, profit, ASR, ACD and DTMF by customer, provider, destination and more.",
    sources=(BREAKOUT_DAILY, DTMF_HOURLY, BREAKOUT_HOURLY),
    dimensions=DIMENSIONS,
    measures=MEASURES,
    group=(
        "customer",
        "customer_currency",
        "customer_destination",
        "provider",
        "provider_currency",
        "provider_destination",
    ),
    columns=(
        "customer",
        "customer_charge",
        "customer_currency",
        "customer_destination",
        "provider",
        "provider_charge",
        "provider_currency",
        "provider_destination",
        "asr",
        "acd",
        "dtmf_calls",
        "duration",
        "attempts",
        "connected",
        "profit_usd",
        "profit_percent",
    ),
    machine_columns=tuple(m.name for m in MEASURES if m.name not in _ON_REQUEST),
    headline=(
        "customer_charge_usd",
        "provider_charge_usd",
        "profit_usd",
        "profit_percent",
        "attempts",
        "connected",
        "asr",
        "acd",
        "duration",
        "dtmf_calls",
    ),
    compared=(
        "customer_charge_usd",
        "provider_charge_usd",
        "profit_usd",
        "asr",
        "acd",
        "attempts",
    ),
    loss="profit_usd",
    weight="customer_charge_usd",
    charts=(
        DayChart(
            "Charge, cost and profit by day",
            lines=("customer_charge_usd", "provider_charge_usd"),
            bars="profit_usd",
        ),
        MemberChart(
            "ASR and ACD by provider",
            dimension="provider",
            measures=("asr", "acd"),
            weight="attempts",
        ),
    ),
)
