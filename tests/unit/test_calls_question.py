"""Numbers as people type them, and what a question for their calls refuses."""

from datetime import date, timedelta

import pytest

from resources.calls import LONGEST_DAYS, CallQuestion, CallsError, Side, ask
from resources.calls.index import indexed, keys
from resources.reference.plan import ReferenceData

AREAS = ReferenceData().load_area_codes()
DAY = date(2026, 3, 6)


def asked(*numbers: str, side: Side = Side.EITHER, last: date = DAY) -> CallQuestion:
    return ask(numbers, side, DAY, last, AREAS)


@pytest.mark.parametrize(
    "text", ["+1 (212) 226-0001", "0012122260001", "1.212.226.0001", " 12122260001 "]
)
def test_any_spelling_is_the_same_number(text: str) -> None:
    question = asked(text)
    assert question.numbers == ("12122260001",)
    assert question.clis == question.destinations == {"12122260001": "12122260001"}


def test_ten_digits_are_north_american_as_a_caller_only() -> None:
    assert asked("212-226-0001", side=Side.CLI).clis == {"12122260001": "12122260001"}
    question = asked("212-226-0001", side=Side.DESTINATION)
    assert (question.numbers, question.clis) == (("2122260001",), {})
    assert question.destinations == {"2122260001": "2122260001"}


def test_on_either_side_it_is_one_number() -> None:
    question = asked("212-226-0001", "+12122260001")
    assert question.numbers == ("12122260001",)
    assert question.clis == {"12122260001": "12122260001"}
    assert question.destinations == {"2122260001": "12122260001", "12122260001": "12122260001"}


def test_ten_digits_of_no_area_code_are_foreign() -> None:
    assert asked("9992260001", side=Side.CLI).numbers == ("9992260001",)


def test_only_the_sides_that_were_asked_for() -> None:
    assert asked("447700900123", side=Side.CLI).destinations == {}
    assert asked("447700900123", side=Side.DESTINATION).clis == {}


def test_numbers_keep_their_order_and_come_once() -> None:
    question = asked("447700900456", "447700900123", "+44 7700 900456")
    assert question.numbers == ("447700900456", "447700900123")


def test_a_short_number_is_looked_for_by_its_digits() -> None:
    assert asked("1010").numbers == ("1010",)


@pytest.mark.parametrize("text", ["anonymous", "", "  ", "+", "44x7700900123", "٤٤٧٧٠٠٩٠٠١٢٣"])
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(CallsError) as caught:
        asked("447700900123", text)
    assert repr(text) in str(caught.value)


def test_no_number_at_all() -> None:
    with pytest.raises(CallsError, match="no number"):
        asked()


def test_half_a_year_at_most() -> None:
    assert LONGEST_DAYS == 184
    assert asked("447700900123", last=DAY + timedelta(183)).last == date(2026, 9, 5)
    with pytest.raises(CallsError, match=r"are 185 days.*at most 184"):
        asked("447700900123", last=DAY + timedelta(184))


def test_days_the_wrong_way_round() -> None:
    with pytest.raises(CallsError, match="2026-03-06 but end on 2026-03-05"):
        asked("447700900123", last=DAY - timedelta(1))


def test_keys_tell_callers_from_destinations() -> None:
    assert keys(asked("447700900123")) == [-447700900124, 447700900123]
    assert keys(asked("0", side=Side.CLI)) == [-1]
    assert keys(asked("0", side=Side.DESTINATION)) == [0]
    assert keys(asked("9" * 25, side=Side.DESTINATION)) == [999999999999999999]


def test_an_index_is_only_of_the_file_it_is_named_after() -> None:
    day, other = "cdrs/call_date=2026-03-06/", "cdrs/call_date=2026-03-07/"
    indexes = ["n/call_date=2026-03-06/aa-1.parquet", "n/call_date=2026-03-07/cc-2.parquet"]
    assert indexed([f"{day}aa.parquet", f"{other}bb.parquet"], indexes) == {
        f"{day}aa.parquet": indexes[0],
        f"{other}bb.parquet": None,
    }
    assert indexed([f"{day}aa.parquet", f"{day}dd.parquet"], indexes) == {
        f"{day}aa.parquet": indexes[0],
        f"{day}dd.parquet": None,
    }
