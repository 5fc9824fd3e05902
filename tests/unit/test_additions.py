"""When a day is added to, and when it is built anew."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from resources.additions import MOST_PARTS, MadeOf, last_file_in, mark_of, not_summed

# Files 1 and 3 brought 80 and 20 records that count; the day's calls are one file of the lake.
MADE = MadeOf("mark", ("a.parquet",), (), 3, 2)
ROWS = 100
THERE = ["/lake/cdrs/call_date=2026-03-06/a.parquet"]
SUMS = MadeOf("mark", ("s.parquet",), ("a.parquet",))


def last(
    counting: Mapping[int, int], made: MadeOf | None = MADE, mark: str = "mark",
    there: list[str] = THERE,
) -> int:  # fmt: skip
    return last_file_in(made, ROWS, mark, there, counting)


def test_new_calls_are_those_behind_the_last_file() -> None:
    assert last({1: 80, 3: 20, 4: 25}) == 3
    assert last({1: 80, 3: 20, 4: 0}) == 3, "known calls only"
    assert last({1: 80, 3: 20, 4: 10, 5: 15}) == 3


@pytest.mark.parametrize(
    ("counting", "why"),
    [
        ({1: 79, 3: 20, 4: 1}, "a call of file 1 was corrected"),
        ({1: 80, 4: 1}, "file 3 was withdrawn"),
        ({1: 80, 2: 0, 3: 20}, "file 2 had failed, and was taken after file 3"),
        ({1: 80, 3: 20, 4: 26}, "over a quarter more"),
        ({}, "nothing is left"),
    ],
)
def test_else_it_is_built_anew(counting: Mapping[int, int], why: str) -> None:
    assert last(counting) == 0, why


def test_a_day_that_is_not_as_it_was_noted_is_built_anew() -> None:
    counting = {1: 80, 3: 20, 4: 1}
    assert last(counting, made=None) == 0
    assert last(counting, mark="another") == 0
    assert last(counting, there=[]) == 0
    assert last(counting, there=["/lake/cdrs/call_date=2026-03-06/b.parquet"]) == 0
    assert last(counting, there=[*THERE, "/lake/cdrs/call_date=2026-03-06/b.parquet"]) == 0
    many = [f"/lake/{n}.parquet" for n in range(MOST_PARTS)]
    full = replace(MADE, parts=tuple(f"{n}.parquet" for n in range(MOST_PARTS)))
    assert last(counting, made=full, there=many) == 0
    less = replace(full, parts=full.parts[:-1])
    assert last(counting, made=less, there=many[:-1]) == 3


def test_sums_lack_the_files_that_they_were_not_made_of() -> None:
    there = ["/home/s.parquet"]
    assert not_summed(SUMS, "mark", there, ["/x/a.parquet", "/x/b.parquet"]) == ["/x/b.parquet"]
    assert not_summed(SUMS, "mark", there, ["/x/a.parquet"]) == []
    assert not_summed(SUMS, "mark", there, ["/x/b.parquet"]) is None
    assert not_summed(SUMS, "another", there, ["/x/a.parquet"]) is None
    assert not_summed(SUMS, "mark", ["/home/t.parquet"], ["/x/a.parquet"]) is None
    assert not_summed(None, "mark", there, ["/x/a.parquet"]) is None


def test_what_the_ledger_kept_is_what_it_was() -> None:
    assert MadeOf.of_text(MADE.text()) == MADE
    for other in (None, "", "{}", "[]", "no JSON", '{"mark": "m"}'):
        assert MadeOf.of_text(other) is None


def test_marks_differ_with_any_part_and_where_it_ends() -> None:
    marks = [mark_of("ab", "c"), mark_of("a", "bc"), mark_of("abc"), mark_of("abc", b"")]
    assert len(set(marks)) == len(marks)
    assert mark_of("a", b"b") == mark_of(b"a", "b")
