"""The USA Calls report: calls within the United States by jurisdiction, by State, LATA or network.

Declarations only: one for each of the three ways to tell calls apart.
"""

from __future__ import annotations

from resources.reporting.arithmetic import Formula
from resources.reporting.catalogue import dimensions
from resources.reporting.model import (
    Chart,
    DayChart,
    Dimension,
    Family,
    HeatChart,
    Kind,
    Measure,
    Outside,
    Panel,
    Part,
    Report,
    Source,
    TileChart,
)

_REACHED = "number reached, after portability lookup"


def _state(whose: str) -> str:
    return f"State, District or US territory of the {whose}; blank outside the US."


def _lata(whose: str) -> str:
    return f"Number of the LATA of the {whose}; blank where it is unknown."


_PLACES = (
    Dimension("origin_state", "Originating State", "orig_state", definition=_state("caller")),
    Dimension("terminating_state", "Terminating State", "term_state", definition=_state(_REACHED)),
    Dimension("origin_lata", "Originating LATA", "orig_lata", definition=_lata("caller")),
    Dimension(
        "origin_lata_name",
        "Originating LATA Name",
        "orig_lata",
        names="latas",
        definition="Name of the caller's LATA.",
    ),
    Dimension("terminating_lata", "Terminating LATA", "term_lata", definition=_lata(_REACHED)),
    Dimension(
        "terminating_lata_name",
        "Terminating LATA Name",
        "term_lata",
        names="latas",
        definition="Name of the LATA of the number reached.",
    ),
)
_ACCOUNTS = dimensions("date", "customer", "customer_id", "provider", "provider_id")
_WORDS = {
    "intrastate": "Both ends in the same State",
    "interstate": "Ends in different States",
    "intralata": "Both ends in the same LATA",
    "interlata": "Ends in different LATAs",
    "indeterminate": "Within the country, but one end is in no known place",
    "onnet": "Both numbers are own DIDs",
    "offnet": "Other calls within the country",
    "international": "The number called is outside the United States",
}
_TITLES = {
    "intralata": "Intra-LATA",
    "interlata": "Inter-LATA",
    "onnet": "On-Net",
    "offnet": "Off-Net",
}


REASONS = {
    "cli_missing": "CLI missing",
    "cli_withheld": "CLI withheld",
    "cli_invalid": "CLI invalid",
    "cli_foreign": "CLI foreign",
    "cli_non_geographic": "CLI non-geographic",
    "destination_non_geographic": "Destination non-geographic",
    "destination_unassigned": "Destination unassigned",
    "destination_invalid": "Destination invalid",
    "lata_unknown": "LATA unknown",
}
"""Why a call is indeterminate: code and words."""

_NOTES = (
    "The caller is where the CLI is, the called where the number after portability lookup is. A "
    "call is indeterminate when the CLI is missing, withheld, invalid, foreign or non-geographic, "
    "when the number called is non-geographic, unassigned or invalid, and by LATA when one of the "
    "two is unknown.",
)


def _measures(kinds: tuple[str, ...], inside: tuple[str, ...]) -> tuple[Measure, ...]:
    found = []
    for kind in kinds:
        title, words = _TITLES.get(kind, kind.capitalize()), _WORDS[kind]
        found += [
            Measure(kind, title, Kind.COUNT, Formula(kind), f"{words}: attempts."),
            Measure(
                f"{kind}_connected",
                f"{title} Connected",
                Kind.COUNT,
                Formula(f"{kind}_connected"),
                f"{words}: attempts that were answered.",
            ),
            Measure(
                f"{kind}_duration",
                f"{title} Duration",
                Kind.SECONDS,
                Formula(f"{kind}_duration"),
                f"{words}: talk time.",
            ),
        ]
    listed = ", ".join(_TITLES.get(kind, kind) for kind in inside)
    return (
        *found,
        Measure("total", "Total", Kind.COUNT, Formula("total"), f"Attempts: {listed}."),
        Measure(
            "total_duration",
            "Total Duration",
            Kind.SECONDS,
            Formula("total_duration"),
            f"Talk time: {listed}.",
        ),
    )


def _parts(column: str, kinds: tuple[str, ...], inside: tuple[str, ...]) -> tuple[Part, ...]:
    stored = {"": "attempts", "_connected": "connected", "_duration": "duration"}
    return (
        *(
            Part(f"{kind}{suffix}", name, column, (kind,))
            for kind in kinds
            for suffix, name in stored.items()
        ),
        Part("total", "attempts", column, inside),
        Part("total_duration", "duration", column, inside),
    )


def _of(*kinds: str) -> tuple[str, ...]:
    ways = ("", "_connected", "_duration")
    return tuple(f"{kind}{way}" for way in ways for kind in kinds)


def _report(
    way: str,
    title: str,
    column: str,
    inside: tuple[str, ...],
    others: tuple[str, ...] = (),
    *,
    reason: str = "",
    share: tuple[str, str] | None = None,
    charts: tuple[Chart, ...] = (),
) -> Report:
    kinds = (*inside, *others)
    measures, parts = _measures(kinds, inside), _parts(column, kinds, inside)
    if share is not None:
        within, across = share
        parts = (*parts, Part("determinate_duration", "duration", column, share))
        measures = (
            *measures,
            Measure(
                f"{across}_percent",
                f"{_TITLES.get(across, across.capitalize())} Percent",
                Kind.PERCENT,
                Formula(f"{across}_duration", over="determinate_duration", factor=100),
                f"Talk time that is {_TITLES.get(across, across)} in percent of that which is "
                f"{_TITLES.get(within, within)} or {_TITLES.get(across, across)} (percent of "
                "interstate use, PIU, where it is by State).",
            ),
        )
    percent = (f"{share[1]}_percent",) if share else ()
    shown = (*_of(*inside), "total_duration")
    reasons = (
        (
            Dimension(
                "reason",
                "Reason",
                reason,
                definition="Why an attempt is indeterminate; in files for machines and in filters "
                f"one of {', '.join(REASONS)}.",
                said=REASONS,
            ),
        )
        if reason
        else ()
    )
    stored = {d.column for d in (*_ACCOUNTS, *_PLACES, *reasons)}
    return Report(
        name=f"usa-calls-{way}",
        title=title,
        purpose="Calls within the United States by jurisdiction.",
        sources=(Source("usa_calls_daily", frozenset(stored)),),
        dimensions=(*_ACCOUNTS, *_PLACES, *reasons),
        measures=measures,
        group=("customer",),
        columns=("customer", *shown, *percent),
        machine_columns=shown,
        headline=("total", *inside, "total_duration", *percent),
        compared=("total", *inside),
        weight="total",
        parts=parts,
        outside=Outside(
            column,
            "international",
            frozenset(_of("international")),
            "International calls are left out: {count} attempts.",
        )
        if others
        else None,
        panels=(
            Panel(
                "Indeterminate calls by reason",
                group=("reason",),
                columns=_of("indeterminate"),
                sort="-indeterminate",
                where="reason",
                empty="No call is indeterminate.",
                below=True,
            ),
        )
        if reason
        else (),
        charts=(DayChart("Attempts by day", lines=inside), *charts),
        notes=_NOTES,
    )


def _map(end: str, column: str) -> TileChart:
    return TileChart(f"Attempts by {end} State", dimension=column, measure="total")


_STATE = _report(
    "state",
    "USA Calls by State",
    "jurisdiction_state",
    ("intrastate", "interstate", "indeterminate"),
    ("international",),
    reason="reason_state",
    share=("intrastate", "interstate"),
    charts=(
        _map("terminating", "terminating_state"),
        HeatChart(
            "Attempts from State (down) to State (across)",
            down="origin_state",
            across="terminating_state",
            measure="total",
            weight="total",
            rows=56,
        ),
    ),
)
_LATA = _report(
    "lata",
    "USA Calls by LATA",
    "jurisdiction_lata",
    ("intralata", "interlata", "indeterminate"),
    ("international",),
    reason="reason_lata",
    share=("intralata", "interlata"),
    charts=(_map("terminating", "terminating_state"),),
)
_NETWORK = _report(
    "network",
    "USA Calls by Network",
    "network",
    ("onnet", "offnet", "international"),
    charts=(_map("terminating", "terminating_state"),),
)

USA_CALLS = Family(
    "usa-calls",
    "USA Calls",
    "Calls within the United States: intrastate, interstate, indeterminate, by State or LATA; "
    "or on-net and off-net.",
    {"state": _STATE, "lata": _LATA, "network": _NETWORK},
    option="type",
    default="state",
)
