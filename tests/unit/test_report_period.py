"""Which days a report covers."""

from datetime import date

import pytest

from resources.reporting import words
from resources.reporting.errors import ReportError
from resources.reporting.period import Period, choose_period, last_period, parse_day

MONDAY = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("word", "today", "first", "last"),
    [
        ("7d", MONDAY, date(2026, 3, 2), date(2026, 3, 8)),
        ("1d", MONDAY, date(2026, 3, 8), date(2026, 3, 8)),
        ("yesterday", date(2026, 3, 1), date(2026, 2, 28), date(2026, 2, 28)),
        ("last-week", MONDAY, date(2026, 3, 2), date(2026, 3, 8)),
        ("last-week", date(2026, 3, 8), date(2026, 2, 23), date(2026, 3, 1)),
        ("today", date(2026, 3, 9), date(2026, 3, 9), date(2026, 3, 9)),
        ("this-month", date(2026, 3, 9), date(2026, 3, 1), date(2026, 3, 9)),
        ("last-month", date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28)),
        ("last-month", date(2024, 3, 1), date(2024, 2, 1), date(2024, 2, 29)),
        ("last-month", date(2026, 1, 1), date(2025, 12, 1), date(2025, 12, 31)),
    ],
)
def test_last(word: str, today: date, first: date, last: date) -> None:
    assert last_period(word, today) == Period(first, last)


@pytest.mark.parametrize("word", ["0d", "d", "-3d", "week", "", "tomorrow", "99999d"])
def test_an_unknown_period_is_refused(word: str) -> None:
    with pytest.raises(ReportError, match="last-month"):
        last_period(word, MONDAY)


@pytest.mark.parametrize("text", ["2026-02-30", "20260301", "1.3.2026", "", "2026-3-1"])
def test_no_day(text: str) -> None:
    with pytest.raises(ReportError, match="YYYY-MM-DD"):
        parse_day(text)


@pytest.mark.parametrize(
    ("first", "last", "word", "said"),
    [
        (None, None, None, "--from and --to missing"),
        ("2026-03-01", None, None, "--to missing"),
        (None, "2026-03-01", None, "--from missing"),
        ("2026-03-01", None, "7d", "not both"),
        ("2026-03-02", "2026-03-01", None, "swap"),
    ],
)
def test_half_a_period(first: str | None, last: str | None, word: str | None, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        choose_period(first, last, word, MONDAY)


def test_both_ends_belong_to_it() -> None:
    period = choose_period("2026-03-01", "2026-03-03", None, MONDAY)
    assert list(period) == [date(2026, 3, day) for day in (1, 2, 3)]
    assert period.before() == Period(date(2026, 2, 26), date(2026, 2, 28))
    assert Period(date.min, date.min).before() is None


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 3, 9), date(2026, 3, 9), "9 March 2026"),
        (date(2026, 6, 1), date(2026, 6, 30), "1–30 June 2026"),
        (date(2026, 2, 28), date(2026, 3, 1), "28 February – 1 March 2026"),
        (date(2025, 12, 31), date(2026, 1, 1), "31 December 2025 – 1 January 2026"),
    ],
)
def test_in_words(first: date, last: date, said: str) -> None:
    assert words.period(Period(first, last)) == said


def test_days_in_words() -> None:
    days = [date(2026, 3, day) for day in (9, 1, 2, 3, 4, 6, 7)]
    assert words.days(days) == "2026-03-01 to 2026-03-04, 2026-03-06, 2026-03-07, 2026-03-09"
    apart = [date(2026, 3, day) for day in range(1, 16, 2)]
    assert words.days(apart[:6]).endswith(", 2026-03-09, 2026-03-11")
    assert words.days(apart).endswith(", 2026-03-09, 2026-03-11 and 2 more")
