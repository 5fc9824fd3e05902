"""The calls of numbers out of a real lake: what is found, in which order, and its sums."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.assembly import Workplace
from resources.calls import NumberSummary, Side
from resources.calls.index import CALL_NUMBERS
from resources.held import CDRS
from tests.pipeline.callers import DAYS, LONDON, MOBILE, built, found, ids, rows, told
from tests.pipeline.deliveries import call
from tests.pipeline.home import GOLDEN, build_all, make_home


@pytest.fixture(scope="module")
def golden(golden_home: Workplace) -> Workplace:
    build_all(golden_home)
    return golden_home


def test_the_number_of_the_golden_data(golden: Workplace) -> None:
    path = GOLDEN / "expected" / "per_number_12122260001.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        expected = list(csv.DictReader(handle))
    assert expected
    got = rows(golden, "(212) 226-0001")
    assert sorted(
        [r["callid"], r["branch_idx"], r["customer_charge"], r["duration"], r["provider_charge"]]
        for r in got
    ) == sorted(
        [
            r["callid"],
            int(r["branch_idx"]),
            Decimal(r["customer_charge"]),
            Decimal(r["duration"]),
            Decimal(r["provider_charge"]),
        ]
        for r in expected
    )
    (summary,) = told(golden, "+1 212 226 0001")
    assert (summary.attempts, summary.connected, summary.duration) == (
        len(expected),
        sum(Decimal(r["duration"]) > 0 for r in expected),
        sum(Decimal(r["duration"]) for r in expected),
    )
    assert sum(summary.customer_charges.values()) == sum(
        Decimal(r["customer_charge"]) for r in expected
    )
    assert sum(summary.by_hour) == sum(summary.release_reasons.values()) == len(expected)


def test_every_number_of_the_golden_data_on_every_side(golden: Workplace) -> None:
    """The index finds what a scan of cdrs finds, whatever the number."""
    with golden.engine.connect({CDRS: golden.lake.files(CDRS, *DAYS)}) as connection:
        calls = connection.execute("SELECT cli_digits, dest_digits FROM cdrs").fetchall()
    numbers = sorted({number for one in calls for number in one if number})
    assert len(numbers) > 100
    for side, wanted in (
        (Side.CLI, sum(cli is not None for cli, _ in calls)),
        (Side.DESTINATION, sum(destination is not None for _, destination in calls)),
        (Side.EITHER, sum(one != (None, None) for one in calls)),
    ):
        # With a plus, digits are what they are: ten of them are not made North American again.
        with found(golden, *(f"+{n}" for n in numbers), side=side) as answered:
            assert answered.attempts() == wanted, side
            assert sum(batch.num_rows for batch in answered.batches()) == wanted


def test_sides(home: Workplace) -> None:
    built(
        home,
        call("out"),
        call("in", dest_cli=MOBILE, dest_number=LONDON),
        call("other", dest_cli="447700900001"),
        call("itself", dest_number=LONDON),
    )
    assert set(ids(home, LONDON, side=Side.CLI)) == {"out", "itself"}
    assert set(ids(home, LONDON, side=Side.DESTINATION)) == {"in", "itself"}
    assert sorted(ids(home, LONDON)) == ["in", "itself", "out"]
    (summary,) = told(home, LONDON)
    assert (summary.attempts, summary.as_cli, summary.as_destination) == (3, 2, 2)


def test_a_call_between_two_numbers_asked_for_is_one_row_and_in_both_sums(home: Workplace) -> None:
    built(home, call("a"))
    (row,) = rows(home, MOBILE, LONDON)
    assert (row["asked_cli"], row["asked_destination"]) == (LONDON, MOBILE)
    called, caller = told(home, MOBILE, LONDON)
    assert (called.number, called.attempts, called.as_cli, called.as_destination) == (
        MOBILE, 1, 0, 1,
    )  # fmt: skip
    assert (caller.number, caller.attempts, caller.as_cli, caller.as_destination) == (
        LONDON, 1, 1, 0,
    )  # fmt: skip


def test_numbers_match_however_the_switch_wrote_them(home: Workplace) -> None:
    written = ["+1 (212) 226-0001", "2122260001", "0012122260001", "anonymous", ""]
    built(home, *(call(f"{n}", dest_cli=text) for n, text in enumerate(written)))
    assert sorted(ids(home, "12122260001", side=Side.CLI)) == ["0", "1", "2"]


def test_ten_digits_are_a_number_of_the_usa_on_both_sides(home: Workplace) -> None:
    """As is `2122260001` called without its 1, which by its digits alone were one of Morocco."""
    called = ["12122260001", "2122260001", "12122260002"]
    built(home, *(call(f"{n}", dest_number=text) for n, text in enumerate(called)))
    assert sorted(ids(home, "2122260001")) == ["0", "1"]
    assert sorted(ids(home, "(212) 226-0001")) == ["0", "1"]
    assert ids(home, "2122260001", side=Side.DESTINATION) == ["1"]
    assert ids(home, "12122260001", side=Side.DESTINATION) == ["0"]


def test_leading_zeros_and_long_digits_are_told_apart(home: Workplace) -> None:
    texts = ["0123456789", "123456789", "9" + "1" * 19, "8" + "1" * 19]
    built(home, *(call(f"{n}", dest_number=text) for n, text in enumerate(texts)))
    for n, text in enumerate(texts):
        assert ids(home, text, side=Side.DESTINATION) == [f"{n}"]


def test_newest_first_over_days(home: Workplace) -> None:
    times = ["05 23:59:59.999", "07 00:00:00", "06 12:00:00", "06 12:00:00.001", "07 08:00:00"]
    calls = [call(f"{n}", dt=f"2026-03-{time}") for n, time in enumerate(times)]
    built(home, *calls, call("2", dt="2026-03-06 12:00:00", branch_idx="1"), call("1b"))
    assert [(r["callid"], r["branch_idx"]) for r in rows(home, LONDON)] == [
        ("4", 0), ("1", 0), ("3", 0), ("1b", 0), ("2", 0), ("2", 1), ("0", 0),
    ]  # fmt: skip


def test_the_details_of_a_call(home: Workplace) -> None:
    built(home, call("a", release_reason="Normal", dtmf="12#", lrn_number="447802000000"))
    (row,) = rows(home, LONDON)
    expected = {
        "call_date": date(2026, 3, 6), "dt": datetime(2026, 3, 6, 12, tzinfo=UTC),
        "asked_cli": LONDON, "asked_destination": None, "source": "connexcs", "callid": "a",
        "branch_idx": 0, "customer_id": "101", "provider_id": "7", "dest_cli": LONDON,
        "dest_number": MOBILE, "lrn_number": "447802000000", "cli_digits": LONDON,
        "dest_digits": MOBILE, "country": "GB", "customer_destination": "UK Mobile",
        "provider_destination": "GB Mobile", "duration": Decimal(60), "pdd_out": 900,
        "customer_charge": Decimal("0.5"), "customer_currency": "GBP", "customer_duration": 60,
        "provider_charge": Decimal("0.25"), "provider_currency": "USD", "sip_code": "200",
        "release_reason": "Normal", "dtmf": "12#", "jurisdiction_state": "international",
        "file_id": 1, "line": 2,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected


def test_the_summary(home: Workplace) -> None:
    built(
        home,
        call("a", duration="60", dt="2026-03-06 09:30:00", release_reason="Normal"),
        call("b", duration="0", dt="2026-03-06 10:00:00", release_reason="Busy",
             customer_charge="0", provider_charge="0"),
        call("b", branch_idx="1", duration="31.5", dt="2026-03-07 09:59:59",
             customer_charge="0.00000001", customer_card_currency="EUR"),
        call("c", duration="0", dt="2026-03-08 09:00:00", release_reason="Busy",
             customer_charge="0", provider_charge="0"),
    )  # fmt: skip
    (summary,) = told(home, LONDON)
    assert summary == NumberSummary(
        number=LONDON,
        attempts=4,
        calls=3,
        connected=2,
        duration=Decimal("91.5"),
        first_call=datetime(2026, 3, 6, 9, 30, tzinfo=UTC),
        last_call=datetime(2026, 3, 8, 9, tzinfo=UTC),
        as_cli=4,
        release_reasons={"Busy": 2, "": 1, "Normal": 1},
        by_hour=(0,) * 9 + (3, 1) + (0,) * 13,
        customer_charges={"EUR": Decimal("0.00000001"), "GBP": Decimal("0.5")},
        provider_charges={"USD": Decimal("0.5")},
    )
    assert list(summary.release_reasons) == ["Busy", "", "Normal"]
    assert (summary.asr, summary.acd) == (Decimal("0.5"), Decimal("45.75"))


def test_a_number_without_calls_has_zeros(home: Workplace) -> None:
    built(home, call("a"))
    with found(home, "447700900999", LONDON) as calls:
        none, some = calls.summaries()
    assert none == NumberSummary("447700900999")
    assert (none.asr, none.acd, len(none.by_hour)) == (None, None, 24)
    assert some.attempts == 1
    with found(home, "447700900999") as calls:
        assert (calls.attempts(), list(calls.batches())) == (0, [])
        names = calls.schema().names
    with found(home, LONDON) as calls:
        assert calls.schema().names == names


def test_before_anything_was_built(home: Workplace) -> None:
    with found(home, LONDON) as calls:
        assert (calls.attempts(), list(calls.batches())) == (0, [])
        assert calls.summaries() == [NumberSummary(LONDON)]
        assert "callid" in calls.schema().names


def test_filters(home: Workplace) -> None:
    built(
        home,
        call("a"),
        call("b", customer_id="102"),
        call("c", provider_id="8"),
        call("d", provider_id="", provider_charge=""),
    )
    assert sorted(ids(home, LONDON, customers=["101"])) == ["a", "c", "d"]
    assert sorted(ids(home, LONDON, providers=["7"])) == ["a", "b"]
    assert ids(home, LONDON, customers=["102", "'; --"], providers=["7", "8"]) == ["b"]
    (summary,) = told(home, LONDON, customers=["102"])
    assert summary.attempts == 1


def test_only_the_days_asked_for(home: Workplace) -> None:
    built(home, *(call(f"{day}", dt=f"2026-03-{day} 12:00:00") for day in ("05", "06", "07")))
    assert ids(home, LONDON, days=(date(2026, 3, 5), date(2026, 3, 6))) == ["06", "05"]
    assert ids(home, LONDON, days=(date(2026, 3, 6), date(2026, 3, 6))) == ["06"]


@pytest.mark.parametrize(
    ("times", "hours"),
    [
        # Summer time begins on 2026-03-29 at 01:00 UTC: the local hour 1 is not there.
        (["2026-03-29 00:30:00", "2026-03-29 01:30:00"], {0: 1, 2: 1}),
        # It ends on 2026-10-25 at 01:00 UTC: the local hour 1 is there twice.
        (["2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 02:30:00"], {1: 2, 2: 1}),
    ],
)
def test_hours_across_a_clock_change(
    tmp_path_factory: pytest.TempPathFactory, times: list[str], hours: dict[int, int]
) -> None:
    day = date.fromisoformat(times[0][:10])
    if day > datetime.now(UTC).date():
        day, times = day.replace(year=2025, day=26), [t.replace("2026-10-25", "2025-10-26")
                                                      for t in times]  # fmt: skip
    home = make_home(tmp_path_factory.mktemp("london"), timezone="Europe/London")
    built(home, *(call(f"{n}", dt=time) for n, time in enumerate(times)))
    (summary,) = told(home, LONDON, days=(day, day))
    assert {hour: n for hour, n in enumerate(summary.by_hour) if n} == hours


def test_a_late_file_shows(home: Workplace) -> None:
    built(home, call("a"))
    assert ids(home, LONDON) == ["a"]
    built(home, call("b"), call("a", dest_cli="447700900001"), name="b.csv")
    assert ids(home, LONDON) == ["b"]
    assert ids(home, "447700900001") == ["a"]


def test_the_index_is_named_after_its_file(golden: Workplace) -> None:
    cdrs = golden.lake.files(CDRS, *DAYS)
    names = golden.lake.files(CALL_NUMBERS, *DAYS)
    assert len(names) == len(cdrs) > 1
    for one, other in zip(cdrs, sorted(names), strict=True):
        assert Path(other).name.startswith(f"{Path(one).stem}-")
        assert Path(one).parent.name == Path(other).parent.name
