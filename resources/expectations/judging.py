"""Judging a staged day: count, have it judged, name examples, write it down for people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from resources.engine import ModelEngine
from resources.expectations.docs import write_docs
from resources.expectations.profile import examples_of, profile_of
from resources.expectations.rules import DayFacts, NotEvaluated, Verdict, expectations, findings
from resources.expectations.validation import passed, validate


def judge(
    engine: ModelEngine, files: list[str], facts: DayFacts, docs: Path | None
) -> list[Verdict]:
    """Judges a day of these files, before it is published. Data Docs go to the folder `docs` when
    given. Raises NotEvaluated.
    """
    with _evaluating(facts.day):
        found = findings(profile_of(engine, files, facts), facts)
        result = validate(found, facts.day)
        met = passed(found, result)
        examples = examples_of(engine, files, facts, [name for name, ok in met.items() if not ok])
    known = expectations()
    verdicts = [
        Verdict(f.name, known[f.name][0], met[f.name], f.value, f.low, f.high,
                examples.get(f.name, ()))
        for f in found
    ]  # fmt: skip
    if docs is not None:
        write_docs(docs, facts.day, verdicts, result)
    return verdicts


@contextmanager
def _evaluating(day: date) -> Iterator[None]:
    """Whatever goes wrong inside is no verdict on the day's calls."""
    try:
        yield
    except Exception as error:
        raise NotEvaluated(f"the checks of {day} could not run: {error}") from error
