"""`reports/dtmf_delivery`: the delivery check and the saving, rows in, rows out, by hand."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sql

Row = dict[str, Any]

TEXTS = (
    "provider_id", "customer_id", "customer_destination", "provider_destination",
    "customer_currency", "provider_currency",
)  # fmt: skip
COUNTS = (
    "attempts", "calls", "connected", "short_calls", "ner_attempts", "pdd_attempts", "dtmf_calls",
    "dtmf_digits", "stale_rate_attempts",
)  # fmt: skip
PLACES = {
    "duration": 3, "customer_duration": 3, "provider_duration": 3, "pdd_sum": 3,
    "customer_charge": 8, "provider_charge": 8, "customer_charge_usd": 21,
    "customer_charge_gbp": 21, "provider_charge_usd": 21, "provider_charge_gbp": 21,
}  # fmt: skip
SCHEMA = pa.schema(
    [
        ("call_date", pa.date32()),
        *((name, pa.string()) for name in TEXTS),
        *((name, pa.int64()) for name in COUNTS),
        *((name, pa.decimal128(38, places)) for name, places in PLACES.items()),
    ]
)


def carried(
    provider: str | None,
    customer: str,
    destination: str | None,
    connected: int,
    dtmf_calls: int,
    seconds: str = "0",
    cost: str | None = "0",
    **rest: Any,
) -> Row:
    """A stored row; what is not said is 0. The cost is in USD, a pound being two dollars."""
    usd = None if cost is None else Decimal(cost)
    row: Row = {"call_date": date(2026, 3, 6)}
    row |= dict.fromkeys(TEXTS) | dict.fromkeys(COUNTS, 0) | dict.fromkeys(PLACES, Decimal(0))
    row |= {"provider_id": provider, "customer_id": customer, "customer_destination": destination}
    row |= {"attempts": connected, "connected": connected, "dtmf_calls": dtmf_calls}
    row |= {"duration": Decimal(seconds), "provider_charge_usd": usd}
    return row | {"provider_charge_gbp": None if usd is None else usd / 2} | rest


def delivery(rows: Iterable[Row]) -> list[Row]:
    """What the model makes of the rows."""
    with duckdb.connect() as connection:
        connection.register("dtmf_hourly", pa.Table.from_pylist(list(rows), SCHEMA))
        text = sql.text("reports/dtmf_delivery")
        found: list[Row] = connection.execute(text).to_arrow_table().to_pylist()
        return found


def summed(
    rows: Iterable[Row], *measures: str, by: str = "provider_id"
) -> dict[Any, tuple[Any, ...]]:
    """The measures' sums of each member; None where no row has a value."""
    found: dict[Any, list[Any]] = {}
    for row in rows:
        sums = found.setdefault(row[by], [None] * len(measures))
        for n, measure in enumerate(measures):
            if row[measure] is not None:
                sums[n] = row[measure] + (sums[n] or 0)
    return {member: tuple(sums) for member, sums in found.items()}


CHECK = ("checked_connected", "checked_dtmf_calls", "expected_dtmf_calls", "dtmf_variance")


def test_expected_is_the_others_rate_cell_by_cell() -> None:
    found = delivery(
        [
            carried("7", "101", "UK", 100, 10),
            carried("8", "101", "UK", 30, 15),
            carried("9", "101", "UK", 10, 5),
            carried("7", "101", "US", 8, 8),
            carried("8", "101", "US", 4, 1),
            carried("8", "102", "US", 40, 40),
        ]
    )
    # 7: others had 20 of 40 in UK, 1 of 4 in US. 8: 15 of 110, 8 of 8. 9: 25 of 130, US not at all.
    # Nobody but 8 carries customer 102, so those 40 calls are not checked.
    sums = summed(found, *CHECK)
    assert sums["7"] == (108, 18, 52, 25 + Decimal("1.5"))
    uk, rate = Fraction(30 * 15, 110), Fraction(15, 110)
    assert sums["8"][:2] == (34, 16)
    assert sums["8"][2] == pytest.approx(Decimal(450) / 110 + 4, abs=Decimal("1e-15"))
    assert Fraction(sums["8"][3]) == pytest.approx(float(uk * (1 - rate)), rel=1e-12)
    assert sums["9"][:2] == (10, 5)


def test_a_destination_and_an_unrouted_call_that_are_blank() -> None:
    found = delivery(
        [
            carried("7", "101", None, 10, 5),
            carried("8", "101", None, 20, 20),
            carried("8", "101", "", 20, 0),
            carried(None, "101", None, 50, 0),
        ]
    )
    sums = summed(found, *CHECK)
    assert sums["7"] == (10, 5, 10, 0), "blank destinations are a cell, unrouted calls no provider"
    assert sums["8"] == (20, 20, 10, 5)
    assert sums[None] == (0, 0, 0, 0)


def test_calls_of_others_that_do_not_connect_carry_no_cell() -> None:
    found = delivery(
        [carried("7", "101", "UK", 10, 5), carried("8", "101", "UK", 0, 0, attempts=9)]
    )
    assert summed(found, *CHECK)["7"] == (0, 0, 0, 0)


def test_rows_of_a_cell_share_its_rate() -> None:
    """Hours, rate cards and currencies split a cell's rows, never the cell."""
    found = delivery(
        [
            carried("7", "101", "UK", 6, 1, provider_destination="Mobile"),
            carried("7", "101", "UK", 2, 1, provider_destination="Mobile"),
            carried("7", "101", "UK", 4, 3, provider_destination="Fixed", provider_currency="EUR"),
            carried("8", "101", "UK", 4, 1),
        ]
    )
    mine = summed([r for r in found if r["provider_id"] == "7"], *CHECK, by="provider_destination")
    assert mine == {
        "Mobile": (8, 2, 2, Decimal("1.5")),
        "Fixed": (4, 3, 1, Decimal("0.75")),
    }
    other = summed(found, *CHECK)["8"]
    assert other[:2] == (4, 1)
    assert abs(other[2] - Decimal(5) / 3) < Decimal("1e-16"), "4 calls at 5 of 12"


def traffic(connected: int, dtmf_calls: int) -> list[Row]:
    """7 is checked against 8, which delivers half of all digits and costs twice as much."""
    return [
        carried("7", "101", "UK", connected, dtmf_calls, "100", "1"),
        carried("8", "101", "UK", 10_000, 5_000, "50", "1"),
    ]


@pytest.mark.parametrize(
    ("connected", "dtmf_calls", "flagged"),
    [
        (100, 50, False),
        (100, 35, False),  # (35 - 50) / 5 is -3, no less
        (100, 34, True),
        (100, 66, False),  # more than expected is no fault
        (39, 0, False),  # 19.5 expected are too few to judge
        (40, 0, True),  # 20 are enough: (0 - 20) / sqrt(10)
    ],
)
def test_a_flagged_provider_is_nobodys_choice(
    connected: int, dtmf_calls: int, flagged: bool
) -> None:
    """The flag shows in what the dearer one could have saved by moving to the cheaper."""
    saving = summed(delivery(traffic(connected, dtmf_calls)), "saving_usd", "saving_gbp")
    if flagged:
        # The flagged one's 100 seconds would have cost 0.02 each: two dollars instead of one.
        assert saving == {"7": (Decimal(-1), Decimal("-0.5")), "8": (0, 0)}
    else:
        assert saving == {"7": (0, 0), "8": (Decimal("0.5"), Decimal("0.25"))}


@pytest.mark.parametrize(
    ("connected", "dtmf_calls", "flagged"),
    [
        (60, 0, True),  # 20 thirds of three calls are 20 calls
        (72, 12, False),  # (12 - 24) / sqrt(16) is -3, no less
        (72, 11, True),
    ],
)
def test_limits_hold_for_rates_that_no_decimal_meets(
    connected: int, dtmf_calls: int, flagged: bool
) -> None:
    found = delivery(
        [
            carried("7", "101", "UK", connected, dtmf_calls, "100", "1"),
            carried("8", "101", "UK", 3, 1, "50", "1"),
        ]
    )
    assert summed(found, "saving_usd")["8"] == ((0,) if flagged else (Decimal("0.5"),))


def test_any_lack_is_beyond_the_limit_where_all_others_always_deliver() -> None:
    found = delivery(
        [
            carried("7", "101", "UK", 30, 0, "10", "1"),
            carried("8", "101", "UK", 30, 30, "10", "2"),
            carried("9", "101", "UK", 30, 30, "10", "3"),
        ]
    )
    assert summed(found, "saving_usd") == {"7": (-1,), "8": (0,), "9": (1,)}


def test_saving_by_destination() -> None:
    found = delivery(
        [
            carried("7", "101", "UK", 1, 0, "60", "0.6"),
            carried("7", "102", "UK", 1, 0, "40", "0.2"),  # 0.8 for 100 s: the cheapest of UK
            carried("8", "101", "UK", 1, 0, "30", "0.3"),
            carried("8", "101", "US", 1, 0, "30", "0.03"),  # the cheapest of US
            carried("7", "101", "US", 1, 0, "10", "0.5"),
            carried("9", "101", "US", 0, 0, attempts=4),  # no talk time, no charge
            carried(None, "101", "US", 0, 0, attempts=2),
        ]
    )
    found_by = {
        (r["provider_id"], r["customer_id"], r["customer_destination"]): r["saving_usd"]
        for r in found
    }
    assert found_by == {
        ("7", "101", "UK"): 0,
        ("7", "102", "UK"): 0,
        ("8", "101", "UK"): Decimal("0.06"),  # 0.3 - 30 x 0.008
        ("8", "101", "US"): 0,
        ("7", "101", "US"): Decimal("0.49"),  # 0.5 - 10 x 0.001
        ("9", "101", "US"): None,
        (None, "101", "US"): None,
    }


def test_saving_without_a_charge_to_go_by() -> None:
    """A provider without charges, or with charges of 0, is no offer and has nothing to save."""
    found = delivery(
        [
            carried("7", "101", "UK", 1, 0, "60", None),
            carried("8", "101", "UK", 1, 0, "60", "0"),
            carried("9", "101", "UK", 1, 0, "60", "6"),
            carried("7", "101", "FR", 1, 0, "60", None),
        ]
    )
    assert summed(found, "saving_usd", "saving_gbp") == {
        "7": (None, None),
        "8": (None, None),
        "9": (0, 0),
    }


def test_as_cheap_is_as_good() -> None:
    found = delivery(
        [carried("9", "101", "UK", 1, 0, "3", "1"), carried("8", "101", "UK", 1, 0, "3", "1")]
    )
    savings = summed(found, "saving_usd")
    assert savings["8"] == (0,)
    assert abs(savings["9"][0]) <= Decimal("1e-12")


def test_money_is_exact_where_floats_are_not() -> None:
    """A third of a cent a second over 900 million seconds: the cost of 15 places is no cent off."""
    found = delivery(
        [
            carried("7", "101", "UK", 1, 0, "3", "0.01"),
            carried("8", "101", "UK", 1, 0, "900000000.001", "12345678901.12345678"),
        ]
    )
    saving = summed(found, "saving_usd")["8"][0]
    exact = Fraction("12345678901.12345678") - Fraction("900000000.001") * Fraction("0.01") / 3
    assert abs(Fraction(saving) - exact) < Fraction(1, 10**5)


def test_nothing_in_nothing_out() -> None:
    assert delivery([]) == []


ROWS = st.lists(
    st.builds(
        lambda provider, customer, destination, card, connected, share, seconds, cost: carried(
            provider, customer, destination, connected, connected * share // 10,
            str(seconds if connected else 0), cost if connected else "0",
            provider_destination=card, attempts=connected + 1,
        ),
        st.sampled_from(["7", "8", "9", "12", None]),
        st.sampled_from(["101", "102"]),
        st.sampled_from(["UK", "US", "FR", None]),
        st.sampled_from(["a", None]),
        st.integers(0, 300),
        st.integers(0, 10),
        st.integers(1, 5000),
        st.sampled_from([None, "0", "0.00000001", "0.37", "12.5", "1000"]),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=60)
@given(ROWS)
def test_against_plain_fractions(rows: list[Row]) -> None:
    """The whole definition once more, with fractions and dictionaries instead of SQL."""
    cells: dict[Any, dict[str, list[int]]] = {}
    offers: dict[Any, dict[str, list[Fraction]]] = {}
    for row in rows:
        provider = row["provider_id"]
        if provider is None:
            continue
        cell = cells.setdefault((row["customer_id"], row["customer_destination"]), {})
        mine = cell.setdefault(provider, [0, 0])
        mine[0] += row["connected"]
        mine[1] += row["dtmf_calls"]
        if row["provider_charge_usd"] is not None:
            offer = offers.setdefault(row["customer_destination"], {}).setdefault(
                provider, [Fraction(0), Fraction(0)]
            )
            offer[0] += Fraction(row["provider_charge_usd"])
            offer[1] += Fraction(row["duration"])
    check: dict[Any, list[Fraction]] = {}
    for cell in cells.values():
        for provider, (n, k) in cell.items():
            sums = check.setdefault(provider, [Fraction(0)] * 3)
            others = [v for p, v in cell.items() if p != provider]
            if carried_by_others := sum(v[0] for v in others):
                rate = Fraction(sum(v[1] for v in others), carried_by_others)
                for place, amount in enumerate((Fraction(k), n * rate, n * rate * (1 - rate))):
                    sums[place] += amount
    flagged = {
        provider
        for provider, (actual, hoped, variance) in check.items()
        if hoped >= 20 and actual < hoped and (hoped - actual) ** 2 > 9 * variance
    }
    found = delivery(rows)
    columns = ("checked_dtmf_calls", "expected_dtmf_calls", "dtmf_variance")
    for provider, sums_found in summed(found, *columns).items():
        for value, wanted in zip(sums_found, check.get(provider, [Fraction(0)] * 3), strict=True):
            assert abs(Fraction(value) - wanted) < Fraction(1, 10**14)
    kept = ("attempts", "connected", "duration", "provider_charge_usd")
    assert summed(found, *kept, by="customer_id") == summed(rows, *kept, by="customer_id")
    charged: dict[Any, list[Fraction]] = {}
    for row in rows:
        if row["provider_charge_usd"] is not None:
            sums = charged.setdefault(tuple(row[name] for name in TEXTS), [Fraction(0)] * 2)
            sums[0] += Fraction(row["provider_charge_usd"])
            sums[1] += Fraction(row["duration"])
    for row in found:
        key = tuple(row[name] for name in TEXTS)
        provider, of = row["provider_id"], offers.get(row["customer_destination"], {})
        costs = {p: charge / seconds for p, (charge, seconds) in of.items() if charge and seconds}
        choice = min(((c, p) for p, c in costs.items() if p not in flagged), default=None)
        if choice and provider == choice[1]:
            assert row["saving_usd"] == 0
        elif choice and provider in costs and key in charged:
            wanted = charged[key][0] - charged[key][1] * choice[0]
            assert abs(Fraction(row["saving_usd"]) - wanted) < Fraction(1, 10**8)
        else:
            assert row["saving_usd"] is None
