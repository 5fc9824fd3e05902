"""Many things in a line of text: the first few of them, and how many more there are."""

from collections.abc import Sequence


def some(things: Sequence[object], most: int = 5) -> str:
    """The things with commas; after `most` of them only how many more there are."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return ", ".join(map(str, things[:most])) + more
