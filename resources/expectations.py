"""What must hold for a day of `cdrs` before it is published, judged by Great Expectations.

The rules are SQL (`sql/checks/cdrs_rules.sql`) and run on the engine in one scan; what Great
Expectations judges is their outcome: one row with a count of offending attempts a rule. That
keeps its verdicts, its severities and its Data Docs, and costs no second pass over the calls.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

import sql
from resources.engine import Engine, named

RULES = "checks/cdrs_rules"
Severity = Literal["error", "warning"]

ROW_COUNT = "row_count_matches_accounts"
REPEATED = "key_repeated"
CONNECTED_SHARE = "connected_share_unusual"
MEAN_TALK_TIME = "mean_talk_time_unusual"
HISTORY_DAYS = 28

WARNINGS = frozenset(
    {
        "card_rate_out_of_range",
        "delay_out_of_range",
        "billed_less_than_talked",
        "billed_more_than_talked",
        "charged_without_connection",
        CONNECTED_SHARE,
        MEAN_TALK_TIME,
    }
)


def expectations() -> dict[str, tuple[Severity, str]]:
    """Every expectation: its severity and what it says, in words."""
    descriptions = {
        ROW_COUNT: "as many attempts as the files' accounts say count on the day",
        REPEATED: "an attempt (source, call id, branch) stands more than once",
        **sql.columns(RULES),
        CONNECTED_SHARE: f"share of connected attempts within half the lowest and twice the "
        f"highest of the last {HISTORY_DAYS} days",
        MEAN_TALK_TIME: f"mean talk time within half the lowest and twice the highest of the "
        f"last {HISTORY_DAYS} days",
    }
    return {
        name: ("warning" if name in WARNINGS else "error", text)
        for name, text in descriptions.items()
    }


@dataclass(frozen=True)
class Verdict:
    """One expectation on one day. `observed` is a count of attempts, or what the name says."""

    name: str
    severity: Severity
    passed: bool
    observed: str
    expected: str
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = f"{self.name}: {self.observed}, expected {self.expected}"
        return f"{found}; for example {', '.join(self.examples)}" if self.examples else found


class NotEvaluated(Exception):
    """An expectation could not be evaluated: a fault of the program or the machine, not of data."""


@dataclass(frozen=True)
class DayFacts:
    """What the staged day is held against. `history` has (attempts, connected, talk time) a day."""

    day: date
    start: datetime
    end: datetime
    rows: int
    longest_call_seconds: int
    currencies: frozenset[str]
    history: Sequence[tuple[int, int, Decimal]] = field(default_factory=tuple)


def judge(engine: Engine, staged: Path, facts: DayFacts, docs: Path | None) -> list[Verdict]:
    """Judges a staged day. Data Docs go to the folder `docs` when given. Raises NotEvaluated."""
    try:
        profile = _profile(engine, staged, facts)
    except Exception as error:
        raise NotEvaluated(f"the checks of {facts.day} could not run: {error}") from error
    bounds = _bounds(facts, profile)
    passed = _validate(profile, bounds, facts.day, docs)
    broken = [name for name in bounds if not passed[name]]
    examples = _examples(engine, staged, facts, broken)
    known = expectations()
    return [
        Verdict(
            name,
            known[name][0],
            passed[name],
            f"{_plain(profile[name])} {'' if name not in _COUNTS_ALL else 'attempts'}".strip()
            if name in (ROW_COUNT, CONNECTED_SHARE, MEAN_TALK_TIME)
            else f"{_plain(profile[name])} attempts",
            _words(*bounds[name]),
            examples.get(name, ()),
        )
        for name in bounds
    ]


_COUNTS_ALL = frozenset({ROW_COUNT})
_Bounds = tuple[Decimal | int, Decimal | int]


def _profile(engine: Engine, staged: Path, facts: DayFacts) -> dict[str, Decimal | int]:
    """One scan of the staged day: offending attempts by rule, and the day's size and means."""
    rules = sorted(sql.columns(RULES))
    with _connection(engine, staged, facts) as connection:
        text = sql.text(RULES)
        sums = ", ".join(f"COALESCE(SUM({rule}), 0) AS {rule}" for rule in rules)
        counts = connection.execute(
            f"SELECT {sums} FROM (\n{text}\n)", named(text, _parameters(facts))
        ).fetchone()
        rows, connected, talked = connection.execute(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN duration > 0 THEN 1 ELSE 0 END), 0), "
            "COALESCE(SUM(duration), 0) FROM cdrs"
        ).fetchone() or (0, 0, Decimal(0))
        repeated = connection.execute(_REPEATED).fetchone()
    profile: dict[str, Decimal | int] = dict(zip(rules, map(int, counts or ()), strict=True))
    profile[ROW_COUNT] = int(rows)
    profile[REPEATED] = int(repeated[0]) if repeated else 0
    profile[CONNECTED_SHARE], profile[MEAN_TALK_TIME] = _means(rows, connected, talked)
    return profile


_REPEATED = """
SELECT COALESCE(SUM(n), 0) FROM (
    SELECT COUNT(*) AS n FROM cdrs GROUP BY source, callid, branch_idx HAVING COUNT(*) > 1
)
"""


def _means(attempts: int, connected: int, talked: Decimal) -> tuple[Decimal, Decimal]:
    return (
        Decimal(int(connected)) / attempts if attempts else Decimal(0),
        Decimal(talked) / int(connected) if connected else Decimal(0),
    )


def _bounds(facts: DayFacts, profile: Mapping[str, Decimal | int]) -> dict[str, _Bounds]:
    """Lowest and highest allowed value of each expectation that applies to the day."""
    bounds: dict[str, _Bounds] = {
        name: (0, 0)
        for name in expectations()
        if name not in (ROW_COUNT, CONNECTED_SHARE, MEAN_TALK_TIME)
    }
    bounds = {ROW_COUNT: (facts.rows, facts.rows), **bounds}
    if len(facts.history) >= HISTORY_DAYS and profile[ROW_COUNT]:
        means = [_means(*day) for day in facts.history[-HISTORY_DAYS:]]
        for name, values in zip(
            (CONNECTED_SHARE, MEAN_TALK_TIME), zip(*means, strict=True), strict=True
        ):
            bounds[name] = (min(values) / 2, max(values) * 2)
    return bounds


def _validate(
    profile: Mapping[str, Decimal | int],
    bounds: Mapping[str, _Bounds],
    day: date,
    docs: Path | None,
) -> dict[str, bool]:
    """Great Expectations' verdict on each expectation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Here and not at the top: it takes seconds to import, and only a build needs it.
        import great_expectations as gx
        import pandas as pd
        from great_expectations import expectations as gxe

        context: Any = gx.get_context(mode="ephemeral")
        # Its progress bars would overwrite ours.
        context.variables.progress_bars = {"globally": False}
        site = "days"
        if docs is not None:
            docs.mkdir(parents=True, exist_ok=True)
            context.add_data_docs_site(
                site_name=site,
                site_config={
                    "class_name": "SiteBuilder",
                    "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                    "store_backend": {
                        "class_name": "TupleFilesystemStoreBackend",
                        "base_directory": str(docs),
                    },
                },
            )
        known = expectations()
        suite = context.suites.add(gx.ExpectationSuite(name=f"cdrs {day}"))
        for name, (low, high) in bounds.items():
            severity, text = known[name]
            suite.add_expectation(
                gxe.ExpectColumnValuesToBeBetween(
                    column=name,
                    min_value=float(low),
                    max_value=float(high),
                    severity="critical" if severity == "error" else "warning",
                    meta={"notes": text},
                )
            )
        # Exact counts; the two means are judged against wide bounds, for which a float will do.
        frame = pd.DataFrame({name: [float(profile[name])] for name in bounds})
        batch = (
            context.data_sources.add_pandas("engine")
            .add_dataframe_asset("cdrs")
            .add_batch_definition_whole_dataframe(str(day))
        )
        validation = context.validation_definitions.add(
            gx.ValidationDefinition(name=f"cdrs {day}", data=batch, suite=suite)
        )
        result = validation.run(batch_parameters={"dataframe": frame})
        if docs is not None:
            context.build_data_docs(site_names=[site])
    verdicts = {}
    for outcome in result.results:
        name = outcome.expectation_config.kwargs["column"]
        trouble = outcome.exception_info or {}
        if trouble.get("raised_exception") or any(
            isinstance(t, dict) and t.get("raised_exception") for t in trouble.values()
        ):
            raise NotEvaluated(f"{name} of {day} could not be evaluated: {trouble}")
        verdicts[name] = bool(outcome.success)
    missing = [name for name in bounds if name not in verdicts]
    if missing:
        raise NotEvaluated(f"no verdict on {', '.join(missing)} of {day}")
    return verdicts


def _examples(
    engine: Engine, staged: Path, facts: DayFacts, broken: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Up to three offending attempts of each broken rule, as `source/callid/branch`."""
    found: dict[str, tuple[str, ...]] = {}
    rules = sql.columns(RULES)
    with _connection(engine, staged, facts) as connection:
        for name in broken:
            if name == REPEATED:
                text = (
                    "SELECT source, callid, branch_idx FROM cdrs "
                    "GROUP BY source, callid, branch_idx HAVING COUNT(*) > 1 ORDER BY ALL LIMIT 3"
                )
            elif name in rules:
                text = (
                    f"SELECT source, callid, branch_idx FROM (\n{sql.text(RULES)}\n) "
                    f"WHERE {name} = 1 ORDER BY ALL LIMIT 3"
                )
            else:
                continue
            rows = connection.execute(text, named(text, _parameters(facts))).fetchall()
            found[name] = tuple("/".join(str(part) for part in row) for row in rows)
    return found


def _connection(engine: Engine, staged: Path, facts: DayFacts) -> Any:
    currencies = pa.table({"currency": sorted(facts.currencies)})
    return engine.connect({"cdrs": [str(staged)], "currencies": currencies})


def _parameters(facts: DayFacts) -> dict[str, object]:
    return {
        "day_start": facts.start,
        "day_end": facts.end,
        "longest_call": facts.longest_call_seconds,
    }


def _plain(value: Decimal | int) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _words(low: Decimal | int, high: Decimal | int) -> str:
    return _plain(low) if low == high else f"{_plain(low)} to {_plain(high)}"
