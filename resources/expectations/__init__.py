"""What must hold for a day of `cdrs` before it is published, judged by Great Expectations.

The rules are SQL (`sql/checks`) and run on the engine; what Great Expectations judges is their
outcome: one row with a count of offending attempts a rule. That keeps its verdicts, severities
and Data Docs, and costs no second pass over the calls. Which day is judged when, and what follows
from it, is `resources.days`.

    rules        the expectations, their severities and bounds
    profile      what the engine finds on the staged day
    validation   Great Expectations' verdict on what was found
    docs         the pages for people
"""

from resources.expectations.judging import judge
from resources.expectations.rules import (
    HISTORY_DAYS,
    DayFacts,
    NotEvaluated,
    Severity,
    Verdict,
    expectations,
)
from resources.expectations.validation import prepare

__all__ = [
    "HISTORY_DAYS",
    "DayFacts",
    "NotEvaluated",
    "Severity",
    "Verdict",
    "expectations",
    "judge",
    "prepare",
]
