"""Exchange rates: arithmetic by hand, the day before a weekend, staleness, exact decimals."""

import zipfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reporting import quotes
from resources.reference.rates import (
    Rates,
    RatesError,
    install_rates,
    load_rates,
    parse_rates,
    shipped_table,
    table_in_force,
)

# Fri 2026-03-06, Mon 2026-03-09; HRK ended long before; CHF has no rate on the Monday.
TABLE = """Date,USD,GBP,CHF,HRK,JPY,
2026-03-09,1.25,0.8,N/A,N/A,150,
2026-03-06,1.2,0.75,0.96,N/A,160,
2022-12-30,1.0666,0.88693,0.9847,7.5365,140.66,
"""
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, day) for day in (6, 7, 8, 9))


@pytest.fixture(scope="module")
def rates() -> Rates:
    return parse_rates(TABLE, "table.csv")


@pytest.mark.parametrize(
    ("currency", "day", "usd", "gbp", "rate_date"),
    [
        ("USD", FRIDAY, "1", "0.625", FRIDAY),  # 0.75 / 1.2
        ("EUR", FRIDAY, "1.2", "0.75", FRIDAY),
        ("GBP", FRIDAY, "1.6", "1", FRIDAY),  # 1.2 / 0.75
        ("CHF", FRIDAY, "1.25", "0.78125", FRIDAY),  # 1.2 / 0.96, 0.75 / 0.96
        ("GBP", SATURDAY, "1.6", "1", FRIDAY),
        ("GBP", SUNDAY, "1.6", "1", FRIDAY),
        ("GBP", MONDAY, "1.5625", "1", MONDAY),  # 1.25 / 0.8
        ("CHF", MONDAY, "1.25", "0.78125", FRIDAY),
        ("JPY", MONDAY, "0.0083333333333", "0.0053333333333", MONDAY),
    ],
)
def test_arithmetic_by_hand(
    rates: Rates, currency: str, day: date, usd: str, gbp: str, rate_date: date
) -> None:
    rate = rates.rate(currency, day)
    assert rate is not None
    assert (rate.usd, rate.gbp, rate.rate_date) == (Decimal(usd), Decimal(gbp), rate_date)
    assert not rate.stale


def test_a_rate_is_stale_after_seven_days(rates: Rates) -> None:
    for days, stale in ((0, False), (7, False), (8, True), (400, True)):
        rate = rates.rate("EUR", MONDAY + timedelta(days))
        assert rate is not None
        assert (rate.rate_date, rate.stale) == (MONDAY, stale)


def test_a_currency_that_ended_keeps_its_last_cross_rate(rates: Rates) -> None:
    rate = rates.rate("HRK", MONDAY)
    assert rate is not None
    assert rate.usd == (Decimal("1.0666") / Decimal("7.5365")).quantize(Decimal("1E-13"))
    assert (rate.rate_date, rate.stale) == (date(2022, 12, 30), True)


@pytest.mark.parametrize(
    ("into", "days"),
    [
        ("JPY", [date(2022, 12, 30), FRIDAY, MONDAY]),
        ("EUR", [date(2022, 12, 30), FRIDAY, MONDAY]),
        ("CHF", [date(2022, 12, 30), FRIDAY, MONDAY]),  # Friday's will do
        ("HRK", [date(2022, 12, 30)]),  # quoted no more
    ],
)
def test_days_on_which_a_report_can_be_in_a_currency(
    rates: Rates, into: str, days: list[date]
) -> None:
    asked = [date(2022, 12, 29), date(2022, 12, 30), FRIDAY, MONDAY]
    found = quotes(rates, asked, into)
    assert sorted({quote.day for quote in found}) == days
    of = {(quote.day, quote.currency): quote.rate for quote in found}
    # Each day has them all, by the last day of a currency that ended.
    assert {currency for _, currency in of} >= {"EUR", "USD", "GBP", "HRK", "JPY", "CHF"}
    assert len(of) == 6 * len(days)
    if into == "JPY":
        assert of[MONDAY, "USD"] == Decimal(120)  # 150 / 1.25
        assert of[MONDAY, "HRK"] == (Decimal("140.66") / Decimal("7.5365")).quantize(
            Decimal("1E-13")
        )


def test_from_a_currency_that_ended_into_one_that_began_later() -> None:
    table = "Date,USD,GBP,OLD,NEW\n2026-03-06,1.2,0.75,N/A,3\n2020-01-02,1.1,0.8,4,N/A\n"
    found = parse_rates(table, "table.csv")
    assert found.cross("OLD", "NEW", FRIDAY) == Decimal("0.75")  # 3 / 4
    assert found.cross("OLD", "NEW", date(2020, 1, 2)) is None


def test_currencies_known(rates: Rates) -> None:
    assert rates.currencies(date(2022, 12, 30)) == {"EUR", "USD", "GBP", "CHF", "HRK", "JPY"}
    assert rates.currencies(date(2022, 12, 29)) == {"EUR"}


def test_table(rates: Rates) -> None:
    table = rates.table([MONDAY, FRIDAY, MONDAY])
    rows = table.to_pylist()
    assert [(row["call_date"], row["currency"]) for row in rows] == [
        (day, currency)
        for day in (FRIDAY, MONDAY)
        for currency in ("CHF", "EUR", "GBP", "HRK", "JPY", "USD")
    ]
    assert [row["stale"] for row in rows if row["currency"] == "HRK"] == [True, True]
    assert rates.table([]).num_rows == 0
    assert rates.table([date(2020, 1, 1)]).num_rows == 0


def test_the_shipped_table() -> None:
    rates = load_rates()
    assert {"EUR", "USD", "GBP", "INR", "JPY"} <= rates.currencies(date(2020, 1, 1))
    rate = rates.rate("GBP", date(2026, 3, 29))  # a Sunday; Friday's 1.1517 / 0.8672
    assert rate is not None
    assert (rate.usd, rate.rate_date) == (Decimal("1.3280673431734"), date(2026, 3, 27))


@given(
    day=st.dates(date(2020, 1, 1), date(2027, 1, 1)),
    currency=st.sampled_from(["EUR", "USD", "GBP", "CHF", "JPY", "INR"]),
)
def test_there_and_back_gives_one(day: date, currency: str) -> None:
    rate, dollar = SHIPPED.rate(currency, day), SHIPPED.rate("USD", day)
    assert rate is not None
    assert dollar is not None
    assert rate.rate_date <= day
    assert rate.stale == (day - rate.rate_date > timedelta(7))
    # pounds for a unit = dollars for a unit x pounds for a dollar
    assert abs(rate.usd * dollar.gbp - rate.gbp) <= rate.gbp * Decimal("1E-8")


SHIPPED = load_rates()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1"),
        ("Date,USD\n", "line 1"),
        ("Date,USD,GBP\nyesterday,1,1\n", "line 2: 'yesterday' is no date"),
        ("Date,USD,GBP\n2026-03-06,much,1\n", "line 2: 'much' is no exchange rate of USD"),
        ("Date,USD,GBP\n2026-03-06,0,1\n", "line 2: '0' is no exchange rate of USD"),
        ("Date,USD,GBP\n2026-03-06,NaN,1\n", "line 2: 'NaN' is no exchange rate of USD"),
        ("Date,USD,GBP\n2026-03-06,1,N/A\n", "no rate of USD or GBP"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(RatesError, match=message):
        parse_rates(text, "table.csv")


def test_a_home_has_its_own_rates(tmp_path: Path) -> None:
    def table(name: str, last: str) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "eurofxref-hist.csv", f"Date,USD,GBP,\n{last},2,0.5,\n2011-01-03,1,1,\n"
            )
        return path

    with pytest.raises(RatesError, match="its last day is 2020-01-01"):
        install_rates(tmp_path, table("old.zip", "2020-01-01"))
    assert table_in_force(tmp_path) == shipped_table()
    install_rates(tmp_path, table("new.zip", "2090-01-02"))
    rate = load_rates(table_in_force(tmp_path)).rate("GBP", date(2090, 1, 3))
    assert rate is not None
    assert (rate.usd, rate.rate_date) == (Decimal(4), date(2090, 1, 2))
