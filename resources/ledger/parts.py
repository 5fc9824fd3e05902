"""Many values for one question: a statement takes so many of them, and some databases no more."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

AT_ONCE = 1_000
"""Values of a statement; SQLite takes 32,766 where it was built without a word about it."""

T = TypeVar("T")


def in_parts(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, as many at once as a statement may have."""
    left = iter(values)
    while part := list(islice(left, AT_ONCE)):
        yield part
