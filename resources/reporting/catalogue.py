"""The dimensions and measures that reports share, each named, titled and defined once.

A report picks from here; what only one report has is declared with that report. No queries, no
formatting. The definitions are the words a reader finds under the figures.
"""

from __future__ import annotations

from resources.reporting.arithmetic import Formula
from resources.reporting.model import Dimension, Kind, Measure, Source


def _dimension(
    name: str, title: str, column: str, definition: str, kind: Kind = Kind.TEXT, names: str = ""
) -> Dimension:
    return Dimension(name, title, column, kind, names, definition)


DIMENSIONS = (
    _dimension("date", "Date", "call_date", "Day on which the attempt began.", Kind.DATE),
    _dimension("hour", "Hour", "hour", "Hour in which the attempt began, with its day.", Kind.HOUR),
    _dimension(
        "hour_of_day",
        "Hour of Day",
        "hour",
        "Hour of the day in which the attempt began, whatever the day.",
        Kind.CLOCK,
    ),
    _dimension(
        "customer",
        "Customer",
        "customer_id",
        "Customer's name of customers.csv, the ID where it has none.",
        names="customers",
    ),
    _dimension("customer_id", "Customer ID", "customer_id", "Customer's ID."),
    _dimension(
        "provider",
        "Provider",
        "provider_id",
        "Provider's name of providers.csv, the ID where it has none; blank for an attempt that was "
        "never routed.",
        names="providers",
    ),
    _dimension(
        "provider_id",
        "Provider ID",
        "provider_id",
        "Provider's ID; blank for an attempt that was never routed.",
    ),
    _dimension(
        "customer_destination",
        "Customer Card Destination Name",
        "customer_destination",
        "Destination that the customer's rate card names; where it names none, the number plan's.",
    ),
    _dimension(
        "provider_destination",
        "Provider Card Destination Name",
        "provider_destination",
        "Destination that the provider's rate card names; where it names none, the number plan's. "
        "Blank when the call was never routed and no card names one.",
    ),
    _dimension(
        "customer_currency",
        "Customer Currency",
        "customer_currency",
        "Currency of the customer's rate card.",
    ),
    _dimension(
        "provider_currency",
        "Provider Currency",
        "provider_currency",
        "Currency of the provider's rate card.",
    ),
    _dimension(
        "tech_prefix", "Tech Prefix", "tech_prefix", "Prefix that the customer dialled in front."
    ),
    _dimension("direction", "Direction", "direction", "Direction of the call, as delivered."),
    _dimension("sip_code", "SIP Code", "sip_code", "Final SIP status of the attempt."),
    _dimension(
        "release_reason", "Release Reason", "release_reason", "Why the attempt ended, as delivered."
    ),
    _dimension(
        "country",
        "Country",
        "country",
        "Country of the number called; as a filter its name or its code of two letters.",
        names="countries",
    ),
    _dimension(
        "carrier",
        "Mobile Network",
        "carrier",
        "Mobile network of the number called; blank where its prefix belongs to none.",
    ),
)

_HOURLY = frozenset(
    {
        "call_date",
        "hour",
        "customer_id",
        "provider_id",
        "customer_destination",
        "provider_destination",
        "customer_currency",
        "provider_currency",
    }
)
_DAILY = frozenset(d.column for d in DIMENSIONS) - {"hour"}

BREAKOUT_DAILY = Source("breakout_daily", _DAILY)
DTMF_HOURLY = Source("dtmf_hourly", _HOURLY)
BREAKOUT_HOURLY = Source("breakout_hourly", _DAILY | {"hour"}, of_calls=True)


def dimensions(*names: str) -> tuple[Dimension, ...]:
    """The shared dimensions of these names, in their order here."""
    return tuple(d for d in DIMENSIONS if d.name in names)


def _count(name: str, title: str, definition: str, beside: str | None = None) -> Measure:
    return Measure(name, title, Kind.COUNT, Formula(name), definition, beside=beside)


def _seconds(name: str, title: str, definition: str) -> Measure:
    return Measure(name, title, Kind.SECONDS, Formula(name), definition)


def _charge(name: str, title: str, side: str, whose: str) -> tuple[Measure, ...]:
    own = Measure(
        name,
        title,
        Kind.MONEY,
        Formula(name),
        f"Sum of {whose}, in the currency of the {side}'s rate card.",
        currency=f"{side}_currency",
        instead=f"{name}_usd",
    )
    return own, *(
        Measure(
            f"{name}_{code.lower()}",
            f"{title} ({code})",
            Kind.MONEY,
            Formula(f"{name}_{code.lower()}"),
            f"Sum of {whose}, converted to {code} at the European Central Bank's reference rate "
            "of the call's date, or of the last business day before it.",
            currency=code,
        )
        for code in ("USD", "GBP")
    )


def _profit(code: str) -> Measure:
    low = code.lower()
    return Measure(
        f"profit_{low}",
        f"Profit ({code})",
        Kind.MONEY,
        Formula(f"customer_charge_{low}", minus=f"provider_charge_{low}"),
        f"Customer charge less provider charge, both in {code}.",
        currency=code,
    )


def _cost(per: str, title: str, over: str, what: str) -> tuple[Measure, ...]:
    return tuple(
        Measure(
            f"cost_per_{per}_{code.lower()}",
            f"{title} ({code})",
            Kind.UNIT_COST,
            Formula(f"provider_charge_{code.lower()}", over=over),
            f"Provider charge in {code} divided by {what}.",
            currency=code,
        )
        for code in ("USD", "GBP")
    )


MEASURES = (
    _count("attempts", "Attempts", "Call attempts, each routing branch of a call counted."),
    _count("calls", "Calls", "Calls, failed-over branches not counted."),
    _count("connected", "Connected", "Attempts that were answered (duration above 0)."),
    _count(
        "short_calls",
        "Short Calls",
        "Connected calls of {short_call_seconds} seconds or less.",
    ),
    _seconds("duration", "Duration", "Sum of talk time."),
    _seconds(
        "customer_duration",
        "Customer Duration",
        "Sum of the duration billed to the customer, after minimum and increment.",
    ),
    _seconds(
        "provider_duration",
        "Provider Duration",
        "Sum of the duration billed by the provider, after minimum and increment.",
    ),
    *_charge("customer_charge", "Customer Charge", "customer", "what customers are charged"),
    *_charge("provider_charge", "Provider Charge", "provider", "what providers charge"),
    _profit("USD"),
    _profit("GBP"),
    Measure(
        "profit_percent",
        "Profit Percent",
        Kind.PERCENT,
        Formula(
            "customer_charge_usd",
            minus="provider_charge_usd",
            over="customer_charge_usd",
            factor=100,
        ),
        "Profit in percent of the customer charge, in USD.",
    ),
    Measure(
        "asr",
        "ASR",
        Kind.FRACTION,
        Formula("connected", over="attempts"),
        "Answer-seizure ratio: connected divided by attempts.",
    ),
    Measure(
        "call_asr",
        "Call ASR",
        Kind.FRACTION,
        Formula("connected", over="calls"),
        "Connected divided by calls, so that a failed-over call counts once.",
    ),
    Measure(
        "ner",
        "NER",
        Kind.FRACTION,
        Formula("ner_attempts", over="attempts"),
        "Network effectiveness ratio: attempts that were answered or ended at the far user's "
        "side (busy, no answer, declined …) divided by attempts.",
    ),
    Measure(
        "acd",
        "ACD",
        Kind.SECONDS,
        Formula("duration", over="connected"),
        "Average call duration: talk time divided by connected.",
    ),
    Measure(
        "pdd",
        "PDD",
        Kind.MILLISECONDS,
        Formula("pdd_sum", over="pdd_attempts"),
        "Mean post-dial delay of the attempts that have one.",
    ),
    Measure(
        "sdp",
        "SDP",
        Kind.PERCENT,
        Formula("short_calls", over="connected", factor=100),
        "Short-duration percentage: connected calls of {short_call_seconds} seconds or less in "
        "percent of connected.",
    ),
    _count(
        "dtmf_calls",
        "DTMF",
        "Connected calls with DTMF digits; beside it their share of connected.",
        beside="dtmf_percent",
    ),
    _count("dtmf_digits", "DTMF Digits", "DTMF digits in connected calls."),
    Measure(
        "dtmf_percent",
        "DTMF Percent",
        Kind.PERCENT,
        Formula("dtmf_calls", over="connected", factor=100),
        "Connected calls with DTMF digits in percent of connected.",
    ),
    *_cost("call", "Cost per Call", "connected", "connected calls"),
    *_cost("dtmf_call", "Cost per DTMF Call", "dtmf_calls", "calls with DTMF digits"),
    *_cost("dtmf_digit", "Cost per DTMF Digit", "dtmf_digits", "DTMF digits"),
)
