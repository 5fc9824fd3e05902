"""The options that say what a schedule is: the same for a new one and for one that is changed.

Only their words; what they mean is judged by `resources.schedules.definition`.
"""

from collections.abc import Callable
from typing import Any

import click

# Option, its name, its metavar, what it says, and what holds for a new schedule that does not say.
_OPTIONS: tuple[tuple[str, str, str, str, str], ...] = (
    ("--email", "email", "ADDRESSES", "Who gets it; repeatable.", ""),
    ("--cc", "cc", "ADDRESSES", "Who gets a copy.", ""),
    ("--bcc", "bcc", "ADDRESSES", "Who gets a copy unseen.", ""),
    ("--frequency", "frequency", "daily|weekly|monthly", "How often.", "daily"),
    ("--report", "report", "NAME", "Of `cdr-reports reports`; the kinds of USA Calls and USA Rate "
     "Center are usa-calls-state, -lata and -network, usa-rate-center-origin and -destination.",
     "breakout"),
    ("--group", "group", "NAMES", 'What to group by; "" for the totals only.', "the report's own"),
    ("--customers", "customers", "IDS", "Ids or names; blank: all.", ""),
    ("--providers", "providers", "IDS", "Ids or names; blank: all.", ""),
    ("--columns", "columns", "NAMES", "Columns; blank: the report's own.", ""),
    ("--format", "formats", "pdf,html,xlsx,csv", "What is attached.", "pdf,xlsx"),
    ("--currency", "currency", "CODE", "Of converted charges: USD, GBP or any other that the ECB "
     "quotes.", "the report's own, else USD"),
    ("--time", "time", "HH:MM", "Time of day, on the day after the period.", "07:00"),
    ("--timezone", "timezone", "ZONE", "Of that time.", "the reporting zone"),
    ("--audience", "audience", "internal|customer|provider", "Whose eyes it is for.", "internal"),
    ("--fan-out/--no-fan-out", "fan_out", "", "Each customer (or provider) gets its own report, at "
     "the addresses in customers.csv (or providers.csv).", ""),
    ("--on-change", "on_change", "notify|resend|ignore", "When a day of a sent report was built "
     "anew with other figures.", "notify"),
    ("--incomplete", "incomplete", "send|skip", "When days are still missing after the waiting "
     "time.", "send"),
)  # fmt: skip
_REPEATABLE = ("email", "cc", "bcc", "customers", "providers")


def with_options(defaults: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command these options; `defaults` has {} where a default stands, or is blank."""

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for option, name, metavar, words, default in reversed(_OPTIONS):
            said = f"{words} {defaults.format(default)}" if default and defaults else words
            command = click.option(
                option, name, metavar=metavar or None, help=said, default=None,
                multiple=name in _REPEATABLE,
            )(command)  # fmt: skip
        return command

    return give
