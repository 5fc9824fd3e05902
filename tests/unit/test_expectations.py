"""The expectations as plain values: what they say, what was found, what each allows."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from resources.expectations import DayFacts, Verdict, expectations
from resources.expectations.rules import Finding, Profile, findings

DAY = date(2026, 3, 6)
START = datetime(2026, 3, 6, tzinfo=UTC)
FACTS = DayFacts(DAY, START, START + timedelta(days=1), 10, 86400, frozenset({"USD"}))
PROFILE = Profile(10, 4, Decimal("100.000"), {"key_repeated": 0, "customer_missing": 3})


def test_every_expectation_says_what_it_expects() -> None:
    for name, (severity, text) in expectations().items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert severity in ("error", "warning")
        assert len(text) > 20


def test_what_the_contract_never_lets_in_is_an_error() -> None:
    errors = {name for name, (severity, _) in expectations().items() if severity == "error"}
    assert errors == {
        "row_count_matches_accounts", "key_repeated", "key_incomplete", "customer_missing",
        "destination_missing", "outside_day", "duration_out_of_range", "billed_duration_negative",
        "charge_negative", "branch_negative", "currency_unknown", "currency_missing",
        "jurisdiction_unknown", "indeterminate_without_reason",
    }  # fmt: skip


def test_findings_are_exact() -> None:
    history = [(10, 5, Decimal(50))] * 28
    found = {f.name: f for f in findings(PROFILE, replace(FACTS, history=history))}
    assert found["row_count_matches_accounts"] == Finding("row_count_matches_accounts", 10, 10, 10)
    assert found["customer_missing"] == Finding("customer_missing", 3, 0, 0)
    assert found["connected_share_unusual"].value == Decimal("0.4")
    assert found["mean_talk_time_unusual"].value == Decimal(25)
    assert not any(isinstance(v, float) for f in found.values() for v in (f.value, f.low, f.high))


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (Verdict("key_repeated", "error", False, 1, 0, 0), "key_repeated: 1 attempt, expected 0"),
        (
            Verdict("key_repeated", "error", False, 1234567, 0, 0, ("a/b/0", "a/c/1")),
            "key_repeated: 1,234,567 attempts, expected 0; for example a/b/0, a/c/1",
        ),
        (
            Verdict("connected_share_unusual", "warning", False, Decimal("0.1"), Decimal("0.2"),
                    Decimal(1)),
            "connected_share_unusual: 0.1000, expected 0.2000 to 1.0000",
        ),
        (
            Verdict("mean_talk_time_unusual", "warning", False, Decimal(9), Decimal(50),
                    Decimal(400)),
            "mean_talk_time_unusual: 9.0000 s, expected 50.0000 to 400.0000",
        ),
    ],
)  # fmt: skip
def test_verdicts_in_words(verdict: Verdict, text: str) -> None:
    assert str(verdict) == text
