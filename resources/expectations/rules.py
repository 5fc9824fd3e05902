"""The expectations: names, severities, what they say, and what each allows on a given day.

Plain values in, plain values out: no engine and no Great Expectations here. The rules that look at
single attempts are `sql/checks/cdrs_rules.sql`, a column each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import sql

RULES = "checks/cdrs_rules"
Severity = Literal["error", "warning"]
Value = int | Decimal
"""Counts are ints, means are Decimals; never a float."""

ROW_COUNT = "row_count_matches_accounts"
REPEATED = "key_repeated"
CONNECTED_SHARE = "connected_share_unusual"
MEAN_TALK_TIME = "mean_talk_time_unusual"
HISTORY_DAYS = 28

# A warning is what a lawful day may hold: odd tariffs, long IVR calls, a user's own table of
# release causes, currencies of small units. An error is what the contract never lets into `cdrs`,
# or what makes a sum wrong.
WARNINGS = frozenset(
    {
        "charge_unusually_high",
        "branch_unusually_high",
        "release_class_unknown",
        "dtmf_unusually_long",
        "card_rate_out_of_range",
        "delay_out_of_range",
        "billed_less_than_talked",
        "billed_more_than_talked",
        "charged_without_connection",
        "charged_without_provider",
        CONNECTED_SHARE,
        MEAN_TALK_TIME,
    }
)
_UNITS = {CONNECTED_SHARE: "", MEAN_TALK_TIME: " s"}


class NotEvaluated(Exception):
    """An expectation could not be evaluated: a fault of the program or the machine, not of data."""


def expectations() -> dict[str, tuple[Severity, str]]:
    """Every expectation: its severity and what it says, in words."""
    unusual = f"within half the lowest and twice the highest of the last {HISTORY_DAYS} days"
    texts = {
        ROW_COUNT: "as many attempts as the files' accounts say count on the day",
        REPEATED: "no attempt (source, call id, branch) stands more than once",
        **{name: f"no attempt where {text}" for name, text in sql.columns(RULES).items()},
        CONNECTED_SHARE: f"the share of connected attempts is {unusual}",
        MEAN_TALK_TIME: f"the mean talk time of connected attempts is {unusual}",
    }
    return {
        name: ("warning" if name in WARNINGS else "error", text) for name, text in texts.items()
    }


@dataclass(frozen=True)
class Finding:
    """What was found for one expectation, and the lowest and highest value that it allows."""

    name: str
    value: Value
    low: Value = 0
    high: Value = 0


@dataclass(frozen=True)
class Verdict:
    """One expectation on one day.

    `value` is a count of attempts (int), a share of attempts or a mean in seconds (Decimal), and
    passed when it was within `low` and `high`. `examples` are up to three offending attempts.
    """

    name: str
    severity: Severity
    passed: bool
    value: Value
    low: Value
    high: Value
    examples: tuple[str, ...] = ()

    @property
    def observed(self) -> str:
        """What was found, in words: `3 attempts`."""
        unit = _UNITS.get(self.name, " attempt" if self.value == 1 else " attempts")
        return f"{_plain(self.value)}{unit}"

    @property
    def expected(self) -> str:
        """What was allowed, in words: `0` or `41.2000 to 164.8000`."""
        if self.low == self.high:
            return _plain(self.low)
        return f"{_plain(self.low)} to {_plain(self.high)}"

    @property
    def summary(self) -> str:
        """The expectation, what was found and what was allowed, without examples."""
        return f"{self.name}: {self.observed}, expected {self.expected}"

    def __str__(self) -> str:
        examples = f"; for example {', '.join(self.examples)}" if self.examples else ""
        return self.summary + examples


@dataclass(frozen=True)
class DayFacts:
    """What the staged day is held against.

    `start` and `end` are the day's instants, half-open; `rows` is what the files' accounts say;
    `history` has (attempts, connected, talk time in seconds) of each day before it.
    """

    day: date
    start: datetime
    end: datetime
    rows: int
    longest_call_seconds: int
    currencies: frozenset[str]
    history: Sequence[tuple[int, int, Decimal]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Profile:
    """What the engine found on a staged day; `offending` counts attempts by rule."""

    attempts: int
    connected: int
    talk_time: Decimal
    offending: Mapping[str, int]


def findings(profile: Profile, facts: DayFacts) -> list[Finding]:
    """What was found, expectation by expectation, and what the day allows.

    The two that look at history are left out while there are not enough days of it, and on a day
    without attempts, which has neither share nor mean.
    """
    found = [
        Finding(ROW_COUNT, profile.attempts, facts.rows, facts.rows),
        *(Finding(name, count) for name, count in profile.offending.items()),
    ]
    history = facts.history[-HISTORY_DAYS:]
    if len(history) == HISTORY_DAYS and profile.attempts:
        shares, talks = zip(*(_means(*day) for day in history), strict=True)
        share, talk = _means(profile.attempts, profile.connected, profile.talk_time)
        highest_share = min(Decimal(1), max(shares) * 2)
        found.append(Finding(CONNECTED_SHARE, share, min(shares) / 2, highest_share))
        found.append(Finding(MEAN_TALK_TIME, talk, min(talks) / 2, max(talks) * 2))
    return found


def _means(attempts: int, connected: int, talk_time: Decimal) -> tuple[Decimal, Decimal]:
    return (
        Decimal(connected) / attempts if attempts else Decimal(0),
        talk_time / connected if connected else Decimal(0),
    )


def _plain(value: Value) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
