"""What the engine finds on a staged day: offending attempts by rule, and some of them by name.

It counts and does not judge; the SQL is `sql/checks`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import pyarrow as pa

import sql
from resources.engine import ModelEngine, Session, values
from resources.expectations.rules import REPEATED, RULES, DayFacts, Profile

_SIZE = "checks/cdrs_size"
_REPEATED = "checks/cdrs_repeated"
EXAMPLES = 3


def profile_of(engine: ModelEngine, files: list[str], facts: DayFacts) -> Profile:
    """Counts the offending attempts of every rule in one scan, then repeated keys and the size."""
    rules = list(sql.columns(RULES))
    sums = ", ".join(f"COALESCE(SUM({rule}), 0)" for rule in rules)
    with _session(engine, files, facts) as session:
        [(attempts, connected, talk_time)] = values(session.rows(sql.text(_SIZE), {}))
        text = f"SELECT COALESCE(SUM(attempts), 0) FROM (\n{sql.text(_REPEATED)}\n)"
        [(repeated,)] = values(session.rows(text, {}))
        text = f"SELECT {sums} FROM (\n{sql.text(RULES)}\n)"
        [counts] = values(session.rows(text, _parameters(facts)))
    offending = dict(zip(rules, map(int, counts), strict=True))
    return Profile(int(attempts), int(connected), talk_time, {REPEATED: int(repeated), **offending})


def examples_of(
    engine: ModelEngine, files: list[str], facts: DayFacts, broken: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Up to three offending attempts of each broken rule, as `source/callid/branch`.

    Expectations about the day as a whole have none.
    """
    rules = sql.columns(RULES)
    found = {}
    with _session(engine, files, facts) as session:
        for name in broken:
            if name == REPEATED:
                attempts = f"(\n{sql.text(_REPEATED)}\n)"
            elif name in rules:
                attempts = f"(\n{sql.text(RULES)}\n) WHERE {name} = 1"
            else:
                continue
            text = (
                f"SELECT source, callid, branch_idx FROM {attempts} "
                f"ORDER BY source, callid, branch_idx LIMIT {EXAMPLES}"
            )
            rows = values(session.rows(text, _parameters(facts)))
            found[name] = tuple("/".join(map(str, row)) for row in rows)
    return found


def _session(
    engine: ModelEngine, files: list[str], facts: DayFacts
) -> AbstractContextManager[Session]:
    currencies = pa.table({"currency": pa.array(sorted(facts.currencies), pa.string())})
    return engine.session({"cdrs": files, "currencies": currencies})


def _parameters(facts: DayFacts) -> dict[str, object]:
    return {
        "day_start": facts.start,
        "day_end": facts.end,
        "longest_call": facts.longest_call_seconds,
    }
