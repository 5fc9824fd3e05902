"""The query string of a view: there and back, and what is refused by name."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.view import NAMES, View, WrongView, parse, whole
from resources.reporting.period import Period
from resources.reporting.request import Asked

TODAY = date(2026, 3, 9)

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
WORD = TEXT.map(str.strip).filter(bool)
VIEWS = st.builds(
    View,
    report=WORD,
    choice=st.none() | WORD,
    first=st.none() | WORD,
    last=st.none() | WORD,
    recent=st.none() | WORD,
    asked=st.builds(
        Asked,
        group_by=st.none() | TEXT.map(str.strip),
        columns=st.none() | WORD,
        sort=st.none() | WORD,
        top=st.none() | st.integers(1, 10**8),
        customers=st.lists(WORD, max_size=3).map(tuple),
        providers=st.lists(WORD, max_size=3).map(tuple),
        filters=st.lists(TEXT, max_size=3).map(tuple),
        compare=st.none() | WORD,
        currency=st.none() | WORD,
    ),
    split=st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), max_size=2, unique=True).map(
        tuple
    ),
    numbers=st.lists(st.from_regex(r"[0-9+ ]{3,9}[0-9]", fullmatch=True).map(str.strip), max_size=3,
                     unique=True).map(tuple),
    side=st.sampled_from(["cli", "destination", "either"]),
)  # fmt: skip


@settings(max_examples=60)
@given(VIEWS)
def test_a_view_is_what_its_query_string_says(view: View) -> None:
    query = view.query(report=True)
    assert parse(parse_qsl(query, keep_blank_values=True)) == view
    assert parse(parse_qsl(query, keep_blank_values=True)).query(report=True) == query


def test_a_query_string_as_people_share_it() -> None:
    text = "last=7d&group=customer,provider&split=date&columns=attempts,asr&filter=country=GB"
    view = parse(parse_qsl(text), "breakout")
    assert view.asked.group_by == "customer,provider"
    assert view.split == ("date",)
    assert view.asked.filters == ("country=GB",)
    assert parse(parse_qsl(view.query()), "breakout") == view


def test_an_empty_group_is_not_none_at_all() -> None:
    assert parse([("group", "")]).asked.group_by == ""
    assert parse([]).asked.group_by is None
    assert parse([("columns", "")]).asked.columns is None


def test_numbers_in_one_box() -> None:
    view = parse([("number", "+1 (212) 226-0001\n020 7946 0000; 4420"), ("number", "4420")])
    assert view.numbers == ("+1 (212) 226-0001", "020 7946 0000", "4420")


@pytest.mark.parametrize(
    ("pairs", "field", "words"),
    [
        ([("colums", "asr")], "colums", "did you mean 'columns'?"),
        ([("top", "0")], "top", "from 1 to"),
        ([("top", "-5")], "top", "no number of rows"),
        ([("last", "7d"), ("last", "30d")], "last", "twice"),
        ([("filter", "x" * 30_000)], "filter", "too many"),
    ],
)
def test_what_is_refused(pairs: list[tuple[str, str]], field: str, words: str) -> None:
    with pytest.raises(WrongView, match=words.replace("?", r"\?")) as caught:
        parse(pairs)
    assert caught.value.field == field


def test_what_pages_keep_for_themselves_passes() -> None:
    assert parse([("view", "pivot"), ("figure", "asr")]) == parse([])
    assert parse([("whatever", "x")], strict=False) == parse([])


def test_days() -> None:
    week = Period(date(2026, 3, 2), date(2026, 3, 8))
    assert parse([]).period(TODAY) == week
    assert parse([("last", "7d")]).period(TODAY) == week
    assert parse([("last", "this-month")]).period(TODAY) == Period(date(2026, 3, 1), TODAY)
    for pairs in ([("from", "2026-03-01")], [("last", "7d"), ("to", "2026-03-01")]):
        with pytest.raises(WrongView, match=r"from|last"):
            parse(pairs).period(TODAY)
    with pytest.raises(WrongView, match="days: at most 1,830"):
        parse([("from", "2000-01-01"), ("to", "2026-01-01")]).period(TODAY)


def test_every_parameter_is_in_the_canonical_order() -> None:
    view = View("breakout", "x", asked=Asked("a", "b", "c", 1, ("d",), ("e",), ("f=g",), "h", "i"))
    names = [name for name, _ in parse_qsl(view.query(report=True))]
    assert names == [name for name in NAMES if name in names]


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "11", "9" * 30])
def test_a_whole_number(text: str) -> None:
    assert whole("10", "limit", 1, 10) == 10
    with pytest.raises(WrongView, match="from 1 to 10"):
        whole(text, "limit", 1, 10)
