"""The one error that a reader of reports can cause, and the search for what they meant.

Only refusals belong here: something asked for that does not exist or makes no sense. Failures of
the machine (no disk, no memory) keep their own types.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ReportError(ValueError):
    """What was asked for cannot be given; the message says what to ask for instead."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `word`, ignoring case; None when none is near."""
    by_fold = {name.casefold(): name for name in known}
    wanted = word.casefold().replace("-", "_")
    for candidate in (word.casefold(), wanted):
        found = get_close_matches(candidate, by_fold, n=1, cutoff=0.5)
        if found:
            return by_fold[found[0]]
    starts = [name for fold, name in by_fold.items() if wanted and fold.startswith(wanted)]
    return min(starts, key=len) if starts else None


def unknown(what: str, word: str, known: Iterable[str]) -> ReportError:
    """The refusal of an unknown name, with the nearest right one or the choice."""
    names = list(known)
    close = nearest(word, names)
    if close is not None:
        return ReportError(f"unknown {what} {word!r}: did you mean {close!r}?")
    shown = (name if name.isprintable() else repr(name) for name in names[:20])
    some = ", ".join(shown) + (", …" if len(names) > 20 else "")
    return ReportError(f"unknown {what} {word!r}: choose from {some or 'nothing (none are known)'}")
