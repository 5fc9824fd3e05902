"""Which versions of a table must stay, and whether its log can be read at all."""

from datetime import UTC, datetime

import pytest

from resources.upkeep.versions import is_whole, oldest_needed

DAYS = [datetime(2026, 3, n, tzinfo=UTC) for n in range(1, 10)]
COMMITS = {4: DAYS[0], 5: DAYS[3], 6: DAYS[8]}


@pytest.mark.parametrize(
    ("since", "needed", "oldest"),
    [
        (DAYS[6], [], 5),  # in force when the days begin, though it is older
        (DAYS[8], [], 6),
        (DAYS[6], [6, 4], 4),  # a sent report was made from it
        (DAYS[6], [3], 5),  # one that is gone already keeps nothing
        (datetime(2026, 2, 1, tzinfo=UTC), [], 4),
    ],
)
def test_the_oldest_version_that_is_needed(since: datetime, needed: list[int], oldest: int) -> None:
    assert oldest_needed(COMMITS, since, needed) == oldest


def test_a_table_without_a_log_needs_nothing() -> None:
    assert oldest_needed({}, DAYS[0], [1]) is None


@pytest.mark.parametrize(
    ("begin", "commits", "whole"),
    [
        (None, [0, 1, 2], True),
        (None, [5, 6], False),  # cut, and no checkpoint that we know
        (20, [20, 21, 22], True),
        (20, [21, 22], True),
        (20, [20, 21, 60, 61], False),  # cut by another tool at a checkpoint of another form
        (20, [], False),
    ],
)
def test_a_log_with_gaps_is_left_alone(begin: int | None, commits: list[int], whole: bool) -> None:
    assert is_whole(begin, commits) is whole
