"""Single rows out of the copy of a day's calls: each is what the file of `cdrs` has there."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.calls import CallStore, blocks, store

DAY = date(2026, 3, 6)
TEXTS = ["", "a", "–", "ملح", "x" * 5_000, 'say "no"\r\n', "\x00;", "=1+1", None, "anonymous"]
DECIMALS = [Decimal("9999999999.99999999"), Decimal("-0.00000001"), Decimal(0), None, Decimal(1)]
INSTANT = datetime(2026, 3, 6, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("callid", pa.string()),
        ("sip_reason", pa.string()),
        ("nothing", pa.string()),
        ("dt", pa.timestamp("us", tz="UTC")),
        ("charge", pa.decimal128(18, 8)),
        ("branch_idx", pa.int32()),
        ("line", pa.int64()),
        ("digits", pa.int64()),
    ]
)


def calls(count: int) -> pa.Table:
    pick = random.Random(7).choice  # noqa: S311 (a sample)
    return pa.table(
        {
            "callid": [None if n % 97 == 5 else f"{n}-{'é' * (n % 9)}" for n in range(count)],
            "sip_reason": [pick(TEXTS) for _ in range(count)],
            "nothing": [None] * count,
            "dt": [INSTANT + timedelta(microseconds=n * 86_400_007) for n in range(count)],
            "charge": [pick(DECIMALS) for _ in range(count)],
            "branch_idx": [pick([0, 1, -1, 300]) for _ in range(count)],
            "line": [n * 10**9 for n in range(count)],
            "digits": [pick([None, 2**62, -(2**62)]) for _ in range(count)],
        },
        SCHEMA,
    )


def written(
    folder: Path, table: pa.Table, row_group: int = 1000, plain: Sequence[str] = ("callid",)
) -> tuple[CallStore, str]:
    """A day's copy and its file of `cdrs`, in which the columns `plain` have no dictionary."""
    cdrs = folder / f"call_date={DAY}" / "abc.parquet"
    cdrs.parent.mkdir(exist_ok=True)
    coded = [name for name in table.schema.names if name not in plain]
    encodings = dict.fromkeys(plain, "DELTA_LENGTH_BYTE_ARRAY")
    pq.write_table(
        table, cdrs, row_group_size=row_group, use_dictionary=coded, column_encoding=encodings
    )
    held = CallStore(folder / "calls")
    held.write(str(cdrs))
    return held, str(cdrs)


def taken(day: store.StoredDay, rows: Sequence[int]) -> pa.Table:
    return store.take([(day, rows)])


@pytest.mark.parametrize(("row_group", "section"), [(10_000, 122_880), (700, 122_880), (900, 1000)])
def test_every_row_is_the_one_of_cdrs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row_group: int, section: int
) -> None:
    monkeypatch.setattr(blocks, "SECTION_ROWS", section)
    table = calls(3001)
    held, cdrs = written(tmp_path, table, row_group)
    day = held.open(cdrs)
    assert day is not None
    assert (day.row_count, day.schema) == (3001, SCHEMA)
    assert taken(day, range(3001)).equals(table)
    choose = random.Random(8)  # noqa: S311 (a sample)
    for rows in ([0], [127, 128], [3000], sorted(choose.sample(range(3001), 40))):
        assert taken(day, rows).equals(table.take(rows)), rows
    assert taken(day, []).equals(table.slice(0, 0))


def test_rows_of_several_days_in_one_go(tmp_path: Path) -> None:
    tables = [calls(1000), calls(300).slice(100), calls(10)]
    parts = []
    for number, (table, rows) in enumerate(zip(tables, ([1, 2, 990], [0], range(10)), strict=True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        held, cdrs = written(folder, table, plain=["callid", "sip_reason"][: number + 1])
        day = held.open(cdrs)
        assert day is not None
        parts.append((day, rows))
    expected = [table.take(list(rows)) for table, (_, rows) in zip(tables, parts, strict=True)]
    assert store.take(parts).equals(pa.concat_tables(expected))


def test_one_call(tmp_path: Path) -> None:
    table = calls(1)
    held, cdrs = written(tmp_path, table)
    day = held.open(cdrs)
    assert day is not None
    assert taken(day, [0]).equals(table)


def test_a_file_that_is_not_whole_is_none(tmp_path: Path) -> None:
    held, cdrs = written(tmp_path, calls(1500))
    whole = held.path(cdrs).read_bytes()
    for left in (0, 5, len(whole) // 2, len(whole) - 1):
        held.path(cdrs).write_bytes(whole[:left])
        assert held.open(cdrs) is None, left
    assert held.missing([cdrs]) == ["abc.parquet has no copy by row"]
    held.path(cdrs).write_bytes(whole)
    assert held.missing([cdrs]) == []


def test_a_copy_of_another_format_is_as_if_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, cdrs = written(tmp_path, calls(10))
    monkeypatch.setattr(store, "FORMAT", store.FORMAT + 1)
    assert held.open(cdrs) is None
    held.write(cdrs)
    held.keep(DAY, [cdrs])
    assert list(held.folder.glob("*.arrow")) == [held.path(cdrs)]


def test_a_copy_with_other_rows_is_missed(tmp_path: Path) -> None:
    held, cdrs = written(tmp_path, calls(1500))
    pq.write_table(calls(1499), cdrs)
    assert held.missing([cdrs]) == ["1,500 rows by row instead of 1,499"]


def test_a_process_that_dies_leaves_nothing_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            written(tmp_path, calls(10))
    held = CallStore(tmp_path / "calls")
    cdrs = str(tmp_path / f"call_date={DAY}" / "abc.parquet")
    assert held.open(cdrs) is None
    assert [path for path in held.folder.rglob("*") if path.is_file()] == []


def test_older_copies_of_a_day_go_and_their_readers_stay(tmp_path: Path) -> None:
    held, cdrs = written(tmp_path, calls(10))
    newer, other = cdrs.replace("abc", "def"), cdrs.replace(str(DAY), "2026-03-07")
    for name in (newer, other):
        Path(name).parent.mkdir(exist_ok=True)
        pq.write_table(calls(20), name)
        held.write(name)
    reading = held.open(cdrs)
    held.keep(DAY, [newer])
    assert [held.open(name) is not None for name in (cdrs, newer, other)] == [False, True, True]
    assert reading is not None
    assert taken(reading, [9]).equals(calls(10).slice(9))
    held.keep(DAY, [])
    assert [held.open(name) is not None for name in (newer, other)] == [False, True]


def test_a_type_that_it_cannot_hold_is_named(tmp_path: Path) -> None:
    table = pa.table({"callid": ["a"], "rate": pa.array([0.5])})
    with pytest.raises(TypeError, match="type double"):
        written(tmp_path, table)
