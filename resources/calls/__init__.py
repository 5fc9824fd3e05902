"""The calls of given numbers: who asks what (`question`), where they stand (`index`),
where single ones are read (`store`), the answer.

What a report shows of them, and how, is `resources.reporting`.
"""

from resources.calls.answer import FoundCalls, find_calls
from resources.calls.question import (
    LONGEST_DAYS,
    CallQuestion,
    CallsError,
    NoNumberError,
    Side,
    ask,
)
from resources.calls.store import CallStore
from resources.calls.summary import NumberSummary

__all__ = [
    "LONGEST_DAYS",
    "CallQuestion",
    "CallStore",
    "CallsError",
    "FoundCalls",
    "NoNumberError",
    "NumberSummary",
    "Side",
    "ask",
    "find_calls",
]
