"""The index and the copy by row: they find what cdrs holds, and a lack of them costs time only."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.assembly import Workplace
from resources.calls import Side, answer, ask, find_calls, index
from resources.calls.index import CALL_NUMBERS
from resources.held import CDRS
from tests.pipeline.callers import AREAS, DAYS, LONDON, MOBILE, built, found, ids, rows, told
from tests.pipeline.deliveries import call, deliver
from tests.pipeline.home import build_all


def test_numbers_are_found_in_all_files_of_a_day(home: Workplace) -> None:
    others = [call(f"{n:02}", dest_cli="442079460099") for n in range(10)]
    built(home, call("a"), *others)
    built(home, call("b"), name="b.csv")
    built(home, call("c", dest_cli="447700900001", dest_number=LONDON), name="c.csv")
    day = date(2026, 3, 6)
    assert len(home.lake.files(CALL_NUMBERS, day, day)) == 3
    assert home.builder.held.reconcile(CALL_NUMBERS, day) == []
    assert sorted(ids(home, LONDON)) == ["a", "b", "c"]
    assert ids(home, "447700900001") == ["c"]
    [one] = told(home, LONDON)
    assert one.attempts == 3


def test_an_index_that_is_missing_or_behind_costs_time_only(home: Workplace) -> None:
    built(home, call("a"), call("x", dt="2026-03-05 12:00:00"))
    deliver(home, "b.csv", [call("b")])
    home.intake.run()
    day = date(2026, 3, 6)
    home.builder.build_cdrs(day)  # and its index is still that of the day before the delivery
    assert home.builder.held.reconcile(CALL_NUMBERS, day) != []
    assert ids(home, LONDON) == ["a", "b", "x"]
    home.lake.clear(CALL_NUMBERS, day)
    assert ids(home, LONDON) == ["a", "b", "x"]
    assert [s.day for s in home.days.stale((CDRS, CALL_NUMBERS))] == [day]
    home.builder.build_call_numbers(day)
    assert home.builder.held.reconcile(CALL_NUMBERS, day) == []
    assert ids(home, LONDON) == ["a", "b", "x"]


def test_single_calls_are_read_without_cdrs(home: Workplace) -> None:
    built(home, call("a"), call("x", dt="2026-03-05 12:00:00"), call("y", dest_cli="447700900001"))
    before, sums = rows(home, LONDON), told(home, LONDON)
    for file in home.lake.files(CDRS, *DAYS):
        Path(file).unlink()
    assert rows(home, LONDON) == before
    assert told(home, LONDON) == sums
    assert [row["callid"] for row in before] == ["a", "x"]


def test_a_copy_by_row_that_is_missing_or_behind_costs_time_only(home: Workplace) -> None:
    day = date(2026, 3, 6)
    built(home, call("a"), call("x", dt="2026-03-05 12:00:00"))
    (older,) = home.lake.files(CDRS, day, day)
    old = home.call_store.path(older).read_bytes()
    built(home, call("b"), call("a", duration="59"), name="b.csv")
    (newer,) = home.lake.files(CDRS, day, day)
    copy = home.call_store.path(newer)
    assert not home.call_store.path(older).exists()
    with_it = rows(home, LONDON)
    assert [(row["callid"], row["duration"]) for row in with_it] == [
        ("a", 59), ("b", 60), ("x", 60),
    ]  # fmt: skip
    whole = copy.read_bytes()
    home.call_store.path(older).write_bytes(old)  # as if nobody had removed it
    for left in (len(whole) // 2, 0):
        copy.write_bytes(whole[:left])
        assert rows(home, LONDON) == with_it
        assert home.builder.held.reconcile(CALL_NUMBERS, day) == [
            f"call_numbers 2026-03-06: {Path(newer).name} has no copy by row"
        ]
    copy.unlink()
    assert rows(home, LONDON) == with_it
    home.builder.build_call_numbers(day)
    assert home.builder.held.reconcile(CALL_NUMBERS, day) == []
    assert rows(home, LONDON) == with_it
    assert not home.call_store.path(older).exists()


def test_an_older_version_of_the_lake_is_read_from_the_lake(home: Workplace) -> None:
    built(home, call("a"))
    versions = {name: home.lake.version(name) for name in (CDRS, CALL_NUMBERS)}
    built(home, call("a", duration="59"), name="b.csv")
    question = ask([LONDON], Side.CLI, *DAYS, AREAS)
    pinned = home.lake.at(versions)
    with find_calls(home.engine, pinned, home.call_store, "UTC", question) as calls:
        assert [row["duration"] for b in calls.batches() for row in b.to_pylist()] == [60]


def test_a_day_that_lost_its_calls_loses_its_index(home: Workplace) -> None:
    built(home, call("a"))
    (account,) = home.files.accounts()
    home.intake.withdraw(account.file)
    build_all(home)
    assert home.lake.files(CALL_NUMBERS, *DAYS) == []
    assert list(home.call_store.folder.glob("*.arrow")) == []
    assert ids(home, LONDON) == []


def test_many_calls_are_read_in_parts_and_are_the_same(
    home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2026, 3, 4, 12, tzinfo=UTC)
    built(
        home,
        *(
            call(
                f"{n:03}",
                dt=f"{start + timedelta(minutes=17 * n):%Y-%m-%d %H:%M:%S}",
                dest_cli=(LONDON, "447700900001", "447700900002")[n % 3],
            )
            for n in range(300)
        ),
    )
    asked = (LONDON, "447700900001", MOBILE)
    whole, sums = rows(home, *asked), told(home, *asked)
    assert [row["callid"] for row in whole] == [f"{n:03}" for n in reversed(range(300))]
    for kept, sparse in ((50, 2000), (50, 20), (50, 0), (1, 1)):
        monkeypatch.setattr(answer, "KEPT_ROWS", kept)
        monkeypatch.setattr(index, "SPARSE_ROWS", sparse)
        assert rows(home, *asked) == whole
        assert told(home, *asked) == sums
        with found(home, *asked) as calls:
            first, second = calls.batches(), calls.batches()
            assert next(first).num_rows, "two readers at once"
            assert next(second).num_rows
            assert (calls.attempts(), calls.schema().names) == (300, list(whole[0]))
