"""The DID as CLI report: calls whose CLI is one of the own DIDs of `dids.csv`.

A declaration only; the calls are found in `sql/reports/did_as_cli.sql`.
"""

from __future__ import annotations

from resources.reporting.catalogue import MEASURES, dimensions
from resources.reporting.model import Dimension, MemberChart, Report, Source

_DIMENSIONS = (
    *dimensions("date", "customer", "customer_id"),
    Dimension("cli", "CLI", "cli", definition="CLI as normalised: digits with country code."),
    *dimensions("provider", "provider_id", "customer_currency", "provider_currency"),
)

DID_AS_CLI = Report(
    name="did-as-cli",
    title="DID as CLI",
    purpose="Calls whose CLI is one of the own DIDs (dids.csv), by customer and CLI.",
    sources=(Source("did_as_cli", frozenset(d.column for d in _DIMENSIONS), of_calls=True),),
    dimensions=_DIMENSIONS,
    measures=MEASURES,
    group=("customer", "cli"),
    columns=(
        "customer",
        "cli",
        "calls",
        "attempts",
        "connected",
        "asr",
        "acd",
        "duration",
        "customer_charge_usd",
    ),
    machine_columns=("calls", "attempts", "connected", "duration", "asr", "acd"),
    headline=("calls", "attempts", "connected", "asr", "acd", "duration"),
    compared=("calls", "attempts", "connected", "asr"),
    weight="calls",
    charts=(
        MemberChart(
            "Calls and ASR by customer",
            dimension="customer",
            measures=("calls", "asr"),
            weight="calls",
        ),
    ),
)
