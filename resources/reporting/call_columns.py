"""The columns of the Per Number report: what is told of a call, and of a number's calls.

A declaration only. What a column means is said where it is made, in `sql/calls/calls.sql`.
"""

from __future__ import annotations

import sql
from resources.reporting.catalogue import MEASURES, dimensions
from resources.reporting.model import Dimension, Kind, Report
from resources.reporting.usa_calls import REASONS

_MEANINGS = sql.columns("calls/calls")
_TITLES = {
    "source": "Source",
    "dest_cli": "CLI",
    "dest_number": "Destination",
    "lrn_number": "LRN",
    "orig_state": "Originating State",
    "term_state": "Terminating State",
    "orig_lata": "Originating LATA",
    "term_lata": "Terminating LATA",
    "orig_rate_center": "Originating Rate Center",
    "term_rate_center": "Terminating Rate Center",
    "jurisdiction_state": "Jurisdiction by State",
    "jurisdiction_lata": "Jurisdiction by LATA",
    "reason_state": "Indeterminate by State",
    "reason_lata": "Indeterminate by LATA",
    "network": "Net",
    "sip_reason": "SIP Reason",
    "dtmf": "DTMF",
}


def _told(*names: str, kind: Kind = Kind.TEXT) -> tuple[Dimension, ...]:
    """Columns of the calls, each with the words of its SQL."""
    return tuple(
        Dimension(
            name,
            _TITLES.get(name) or name.replace("_", " ").title().replace("Pdd", "PDD"),
            name,
            kind,
            definition=f"{_MEANINGS[name][0].upper()}{_MEANINGS[name][1:]}.",
            said=REASONS if name.startswith("reason_") else {},
        )
        for name in names
    )


CALL_COLUMNS = (
    Dimension("number", "Number", "", definition="The number asked for."),
    Dimension("found_as", "Found as", "", definition="As cli, as destination, or as both."),
    Dimension("dt", "Time", "dt", Kind.TIME, definition="When the attempt began."),
    Dimension("callid", "Call ID", "callid", definition="The call."),
    *_told("branch_idx", kind=Kind.COUNT),
    *_told("source"),
    *dimensions("direction"),
    *_told("dest_cli", "dest_number", "lrn_number"),
    *dimensions("customer", "customer_id", "provider", "provider_id", "tech_prefix"),
    *dimensions("customer_destination", "provider_destination", "country", "carrier"),
    *_told("orig_state", "orig_lata", "orig_rate_center"),
    *_told("term_state", "term_lata", "term_rate_center"),
    *_told("jurisdiction_state", "jurisdiction_lata", "reason_state", "reason_lata", "network"),
    *_told("duration", "ring_duration", kind=Kind.SECONDS),
    *_told("pdd_in", "pdd_out", kind=Kind.MILLISECONDS),
    *_told("customer_duration", kind=Kind.SECONDS),
    *_told("customer_charge", kind=Kind.MONEY),
    *dimensions("customer_currency"),
    *_told("customer_card_rate", kind=Kind.UNIT_COST),
    *_told("provider_duration", kind=Kind.SECONDS),
    *_told("provider_charge", kind=Kind.MONEY),
    *dimensions("provider_currency"),
    *_told("provider_card_rate", kind=Kind.UNIT_COST),
    *dimensions("sip_code"),
    *_told("sip_reason"),
    *dimensions("release_reason"),
    *_told("dtmf"),
    *_told("file_id", "line", kind=Kind.COUNT),
)

SUMMED = {
    m.name: m
    for m in MEASURES
    if m.name in ("attempts", "calls", "connected", "duration", "asr", "acd")
}
"""The measures of a summary, by name."""

PER_NUMBER = Report(
    name="per-number",
    title="Per Number",
    purpose="Every call of given numbers with its details, newest first, and a summary of each.",
    sources=(),
    dimensions=CALL_COLUMNS,
    measures=(),
    group=(),
    columns=(
        "number",
        "dt",
        "dest_cli",
        "dest_number",
        "customer",
        "provider",
        "customer_destination",
        "duration",
        "customer_charge",
        "customer_currency",
        "provider_charge",
        "provider_currency",
        "sip_code",
        "release_reason",
        "dtmf",
    ),
    machine_columns=tuple(c.name for c in CALL_COLUMNS),
    headline=(),
    weight="",
    listing=True,
)
