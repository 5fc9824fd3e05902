"""Deliveries through the intake: which records count, and that every file's account adds up."""

import gzip
import random
import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.assembly import Workplace
from pipelines.reporting import open_reporting
from resources.engine import UnfitValue
from resources.intake.take import WrongHome
from resources.lake import Lake
from resources.ledger import FileStatus
from resources.reporting.errors import ReportError
from tests.pipeline.deliveries import (
    COLUMNS,
    Call,
    account,
    built,
    call,
    counting,
    csv_text,
    deliver,
    files_in,
    numbers,
)
from tests.pipeline.home import build_all, make_home

DAYS = ("2026-03-06", "2026-03-07")


# What counts and what each file's account is, in plain Python.

Delivery = tuple[str, list[Call]]
REPEATED = st.builds(
    lambda key, day, content: call(f"call-{key}", dt=f"{day} 12:00:00", duration=content),
    st.integers(1, 6),
    st.sampled_from(DAYS),
    st.sampled_from(["60", "60.000", "61", "0", "oops"]),
)
INTAKES = st.lists(
    st.lists(
        st.tuples(st.sampled_from("abcdefg"), st.lists(REPEATED, max_size=25)),
        min_size=1, max_size=3, unique_by=lambda delivery: delivery[0],
    ),
    min_size=2, max_size=3,
)  # fmt: skip


def modelled(intakes: list[list[Delivery]]) -> tuple[dict[str, dict[str, int]], dict[Any, Decimal]]:
    figures: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    newest: dict[tuple[str, str, int], tuple[str, Decimal]] = {}
    for file, record in ((f, r) for intake in intakes for f, rs in sorted(intake) for r in rs):
        figures[file]["records"] += 1
        if record["duration"] == "oops":
            figures[file]["quarantined"] += 1
            continue
        key, content = (record["dt"][:10], record["callid"], 0), Decimal(record["duration"])
        if key in newest and newest[key][1] == content:
            figures[file]["duplicates"] += 1
            continue
        figures[file]["accepted"] += 1
        if key in newest:
            figures[newest[key][0]]["superseded"] += 1
        newest[key] = (file, content)
    return figures, {key: content for key, (_, content) in newest.items()}


@settings(max_examples=10, phases=[Phase.reuse, Phase.generate])
@given(drawn=INTAKES)
def test_repeated_keys_over_files_and_intakes(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[list[Delivery]]
) -> None:
    workplace = make_home(tmp_path_factory.mktemp("repeated"))
    # Each file holds a call of its own, else two could have the same content as a whole. Names of
    # a later intake may well come before those of an earlier one.
    intakes = [
        [(f"{name}{n}.csv", [call(f"of {name}{n}"), *records]) for name, records in intake]
        for n, intake in enumerate(drawn)
    ]
    for intake in intakes:
        for name, records in intake:
            deliver(workplace, name, records)
        workplace.intake.run()
    figures, newest = modelled(intakes)
    assert {name: numbers(workplace, name) for name in figures} == figures
    assert counting(workplace) == newest
    for found in workplace.files.accounts():
        refused = found.file.quarantined or 0
        assert found.file.records == found.accepted + found.duplicates + refused
    accounts = workplace.files.accounts()
    assert len(newest) == sum(a.accepted for a in accounts) - sum(a.superseded for a in accounts)


def test_within_an_intake_the_later_name_wins_whatever_its_folder(home: Workplace) -> None:
    deliver(home, "z/1.csv", [call(duration="1")])
    deliver(home, "a/3.csv", [call(duration="3")])
    deliver(home, "2.csv", [call(duration="2")])
    home.intake.run()
    assert counting(home) == {("2026-03-06", "a", 0): Decimal(3)}


def test_a_call_id_on_two_dates_counts_on_both_and_is_warned_of(home: Workplace) -> None:
    said: list[str] = []
    deliver(home, "1.csv", [call("twice"), call("once"), call("branch", branch_idx="1")])
    home.intake.run(said.append)
    deliver(home, "2.csv", [call("twice", dt="2026-03-07 00:00:00"),
                            call("branch", dt="2026-03-07 00:00:00")])  # fmt: skip
    home.intake.run(said.append)
    build_all(home)
    assert [text for text in said if "warning" in text] == [
        "warning: 1 calls stand on 2026-03-06 and on 2026-03-07 too, and count on both: twice"
    ]
    assert sorted(built(home)) == sorted(counting(home)) == [
        ("2026-03-06", "branch", 1), ("2026-03-06", "once", 0), ("2026-03-06", "twice", 0),
        ("2026-03-07", "branch", 0), ("2026-03-07", "twice", 0),
    ]  # fmt: skip


def test_of_many_calls_on_two_dates_three_are_named(home: Workplace) -> None:
    said: list[str] = []
    for day in ("2026-03-07", "2026-03-06"):
        deliver(home, f"{day}.csv", [call(f"c{n}", dt=f"{day} 12:00:00") for n in range(5)])
    home.intake.run(said.append)
    assert [text for text in said if "warning" in text] == [
        "warning: 5 calls stand on 2026-03-06 and on 2026-03-07 too, and count on both: "
        "c0, c1, c2, ..."
    ]


def test_the_same_call_of_two_sources_is_two_calls(home: Workplace) -> None:
    deliver(home, "1.csv", [call("a")])
    header = "start_time,end_time,duration,caller,callee,customer,callid"
    folder = home.settings.home / "landing" / "kamailio"
    folder.mkdir(parents=True)
    (folder / "acc_cdrs.csv").write_text(
        f"{header}\n2461106.0,2461106.1,60,442079460013,447802712292,101,a\n"  # 2026-03-06 12:00
    )
    home.intake.run()
    assert [o.status for o in home.intake.run()] == []
    accounts = home.files.accounts()
    assert [(a.file.source, a.accepted, a.superseded) for a in accounts] == [
        ("connexcs", 1, 0), ("kamailio", 1, 0),
    ]  # fmt: skip


def test_the_same_content_under_other_columns_is_a_duplicate(home: Workplace) -> None:
    """Columns in another order, unknown ones among them, a BOM, CRLF: the same call."""
    deliver(home, "1.csv", [call()])
    shuffled = ["nobody knows", *reversed(COLUMNS)]
    text = csv_text([{"nobody knows": "x", **call(customer_charge="0.500")}], shuffled)
    path = home.settings.home / "landing" / "connexcs" / "2.csv"
    path.write_bytes(
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").replace("dest_cli", " Dest_CLI ").encode()
    )
    home.intake.run()
    assert numbers(home, "2.csv") == {"records": 1, "duplicates": 1}


def test_refused_records_are_kept_with_line_text_and_reasons(home: Workplace) -> None:
    text = csv_text([call("good"), call("bad", duration="x", customer_id="")])
    path = deliver(home, "1.csv", [])
    path.write_text(text + "\nshort,row\n" + '"never closed\n')
    home.intake.run()
    rows = rows_of_quarantine(home, "1.csv")
    assert [(r["line"], r["reasons"]) for r in rows] == [
        (3, "invalid_duration,missing_customer"),
        (5, "wrong_column_count"),
        (6, "malformed_row"),
    ]
    assert [r["raw"] for r in rows] == [text.splitlines()[2], "short,row", '"never closed']
    assert {r["file"] for r in rows} == {"1.csv"}
    assert home.files.reasons(account(home, "1.csv").file.id) == {
        "invalid_duration": 1, "malformed_row": 1, "missing_customer": 1, "wrong_column_count": 1,
    }  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_time_that_no_calendar_has_stops_no_intake(tmp_path: Path, zone: str) -> None:
    """What databases have for never and for always, in zones where it is another year."""
    home = make_home(tmp_path, timezone=zone)
    far = {
        "0000-01-01 00:00:00": "invalid_call_time",
        "0001-01-01 00:00:00": "invalid_call_time",
        "9999-12-31 23:59:59.999999": "call_time_in_future",
    }
    deliver(home, "1.csv", [call(f"far{n}", dt=dt) for n, dt in enumerate(far)] + [call("good")])
    home.intake.run()
    assert numbers(home, "1.csv") == {"records": 4, "accepted": 1, "quarantined": 3}
    assert [r["reasons"] for r in rows_of_quarantine(home, "1.csv")] == list(far.values())


def rows_of_quarantine(workplace: Workplace, name: str) -> list[dict[str, Any]]:
    files = workplace.lake.of_files("quarantine", [account(workplace, name).file.id])
    with workplace.engine.connect({"quarantine": files}) as connection:
        rows: list[dict[str, Any]] = (
            connection.execute("SELECT * FROM quarantine ORDER BY line")
            .to_arrow_table()
            .to_pylist()
        )
        return rows


def test_files_without_records_are_no_trouble_to_those_beside_them(home: Workplace) -> None:
    """Only a header; only refused records; only blank lines below the header."""
    deliver(home, "1.csv", [])
    deliver(home, "2.csv", [call("")])
    path = deliver(home, "3.csv", [])
    path.write_text(path.read_text() + "\n\r\n  \n")
    deliver(home, "4.csv", [call("good")])
    home.intake.run()
    assert [numbers(home, f"{n}.csv") for n in range(1, 5)] == [
        {}, {"records": 1, "quarantined": 1}, {}, {"records": 1, "accepted": 1},
    ]  # fmt: skip
    # They are not looked at again, and what is delivered later still finds its place.
    deliver(home, "5.csv", [call("good", duration="61")])
    home.intake.run()
    assert len(home.files.accounts()) == 5
    assert counting(home) == {("2026-03-06", "good", 0): Decimal(61)}


def test_only_the_days_of_a_delivery_become_stale(home: Workplace) -> None:
    deliver(home, "1.csv", [call(dt=f"{day} 12:00:00") for day in DAYS])
    build_all(home)
    deliver(home, "2.csv", [call("late", dt=f"{DAYS[1]} 12:00:00")])
    home.intake.run()
    assert [stale.day for stale in home.days.stale(["cdrs"])] == [date(2026, 3, 7)]


def test_a_redelivered_day_is_stale_even_when_all_of_it_is_known(home: Workplace) -> None:
    """Its accounts change, and building it again changes nothing."""
    deliver(home, "1.csv", [call()])
    home.intake.run()
    deliver(home, "2.csv", [call(duration="60.0")])
    home.intake.run()
    assert numbers(home, "1.csv") == {"records": 1, "accepted": 1}
    assert numbers(home, "2.csv") == {"records": 1, "duplicates": 1}
    assert counting(home) == {("2026-03-06", "a", 0): Decimal(60)}


def test_a_ledger_and_a_lake_of_different_times_are_refused(home: Workplace) -> None:
    """As after one of them was put back from a backup: numbers of files would be given twice."""
    deliver(home, "1.csv", [call("first")])
    home.intake.run()
    folder = home.settings.home
    backup = folder.with_name("backup")
    shutil.copytree(folder, backup)
    deliver(home, "2.csv", [call("second")])
    home.intake.run()
    before = counting(home)

    old_ledger = make_home(folder.with_name("old-ledger"))
    shutil.copytree(backup, old_ledger.settings.home)
    shutil.rmtree(old_ledger.settings.home / "lake")
    shutil.copytree(folder / "lake", old_ledger.settings.home / "lake")
    deliver(old_ledger, "3.csv", [call("third")])
    version = old_ledger.lake.version("delivered")
    with pytest.raises(
        WrongHome, match=r"ledger does not know \(2 in delivered\).* copies of the same time"
    ):
        old_ledger.intake.run()
    assert old_ledger.lake.version("delivered") == version

    shutil.rmtree(folder / "lake")
    shutil.copytree(backup / "lake", folder / "lake")
    with pytest.raises(WrongHome, match=r"not in the lake \(2.csv\)"):
        home.intake.run()

    shutil.rmtree(folder / "lake")
    shutil.copytree(old_ledger.settings.home / "lake", folder / "lake")
    assert home.intake.run() == []
    assert counting(home) == before


def test_a_lake_and_a_ledger_of_two_homes_are_refused(home: Workplace) -> None:
    """A home was copied and both were used: they have the same numbers for other deliveries."""
    deliver(home, "1.csv", [call("first")])
    home.intake.run()
    other = make_home(home.settings.home.with_name("other"))
    shutil.copytree(home.settings.home, other.settings.home)
    deliver(home, "2.csv", [call("second")])
    deliver(other, "3.csv", [call("third")])
    home.intake.run()
    other.intake.run()
    shutil.rmtree(other.settings.home / "lake")
    shutil.copytree(home.settings.home / "lake", other.settings.home / "lake")
    with pytest.raises(WrongHome, match=r"not in the lake \(3.csv\)"):
        other.intake.run()


def test_what_the_lake_has_seen_is_not_lost_as_new_to_an_older_ledger(home: Workplace) -> None:
    """Its rows had left the lake again, so no number tells that the lake is newer."""
    deliver(home, "1.csv", [call("first")])
    home.intake.run()
    older = make_home(home.settings.home.with_name("older"))
    shutil.copytree(home.settings.home, older.settings.home)
    deliver(home, "2.csv", [call("second")])
    home.intake.run()
    home.intake.withdraw(account(home, "2.csv").file)
    shutil.rmtree(older.settings.home / "lake")
    shutil.copytree(home.settings.home / "lake", older.settings.home / "lake")
    deliver(older, "2.csv", [call("second")])
    for _ in range(2):  # the second does not take it for one that a process had died at
        with pytest.raises(WrongHome, match=r"taken in what the ledger does not know \(2.csv\)"):
            older.intake.run()
    assert [each.file.name for each in older.files.accounts()] == ["1.csv"]


# Files that cannot be taken at all.

UNREADABLE = {
    "empty.csv": (b"", "empty"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n\0\0\0", "not UTF-8 text"),
    "latin1.csv": ("dt,lrn_number,ma\u00f1ana\n".encode("latin-1"), "not UTF-8"),
    "other.csv": (b"date,number\n2026-03-06,1\n", "missing: dt, lrn_number, callid"),
    "twice.csv": (b"dt,dt,callid\n", "twice: dt"),
    "cut.csv.gz": (b"\x1f\x8b\x08\x00\x00\x00", "truncated"),
}


def test_days_of_one_time_zone_are_not_told_as_those_of_another(home: Workplace) -> None:
    other = make_home(home.settings.home, timezone="Europe/Rome")
    _ = open_reporting(other)  # nothing was taken in yet
    deliver(home, "1.csv", [call()])
    home.intake.run()
    with pytest.raises(ReportError, match="is Europe/Rome, but the days in this home are those of"):
        open_reporting(other)
    with pytest.raises(WrongHome, match="is Europe/Rome, but the days in this home are those of"):
        other.intake.run()


def test_a_file_that_cannot_be_taken_stops_no_other(home: Workplace) -> None:
    folder = home.settings.home / "landing" / "connexcs"
    deliver(home, "a.csv", [call("first")])
    for name, (content, _) in UNREADABLE.items():
        (folder / name).write_bytes(content)
    deliver(home, "z.csv", [call("last")])
    outcomes = {o.file.name: (o.status, o.reason) for o in home.intake.run()}
    for name, (_, words) in UNREADABLE.items():
        status, reason = outcomes[name]
        assert status is FileStatus.FAILED
        assert words in (reason or "")
        assert account(home, name).file.reason == reason
        assert account(home, name).file.id not in files_in(home, "delivered")
    home.intake.run()
    assert sorted(counting(home)) == [("2026-03-06", "first", 0), ("2026-03-06", "last", 0)]
    assert home.intake.run() == []  # as long as they do not change


@pytest.mark.parametrize("error", [OverflowError, UnfitValue])
def test_what_nobody_has_foreseen_in_a_file_stops_no_other(
    home: Workplace, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """It is told, and tried again by the next intake, that of a mended program maybe."""
    deliver(home, "a.csv", [call("first")])
    deliver(home, "b.csv", [call("odd")])
    deliver(home, "c.csv", [call("last")])
    deliver(home, "d.csv", []).write_text("dt,callid\n")  # fails by itself, and once
    append = Lake.append

    def odd(lake: Lake, table: str, staged: Path, *rest: Any) -> None:
        if "odd" in pq.read_table(staged)["callid"].to_pylist():
            raise error("date value out of range")
        append(lake, table, staged, *rest)

    with monkeypatch.context() as broken:
        broken.setattr(Lake, "append", odd)
        outcomes = {o.file.name: (o.status, o.reason) for o in home.intake.run()}
    cause = f"{error.__name__}: date value out of range"
    told = f"it cannot be taken ({cause}); the next intake tries it"
    assert outcomes["b.csv"] == (FileStatus.FAILED, told)
    assert sorted(counting(home)) == [("2026-03-06", "first", 0), ("2026-03-06", "last", 0)]
    home.intake.run()
    assert account(home, "b.csv").file.status is FileStatus.TAKEN
    assert len(counting(home)) == 3
    assert [a.file.name for a in home.files.accounts()] == ["a.csv", "c.csv", "d.csv", "b.csv"]


def test_a_failed_file_is_tried_again_when_it_changes(home: Workplace) -> None:
    path = deliver(home, "1.csv", [])
    path.write_text("dt,callid\n")
    home.intake.run()
    assert account(home, "1.csv").file.status is FileStatus.FAILED
    deliver(home, "1.csv", [call()])
    home.intake.run()
    assert account(home, "1.csv").file.status is FileStatus.TAKEN
    assert numbers(home, "1.csv") == {"records": 1, "accepted": 1}


def test_half_a_gzip_file_leaves_nothing_and_the_whole_one_is_taken(home: Workplace) -> None:
    """The first blocks of it are good and have been judged when its end is found to be missing."""
    draw = random.Random(1)  # noqa: S311 - so that it does not compress well
    calls = [call(f"{draw.getrandbits(400):x}") for _ in range(20_000)]
    whole = gzip.compress(csv_text(calls).encode(), 1)
    path = deliver(home, "1.csv.gz", [])
    path.write_bytes(whole[: len(whole) * 3 // 4])
    home.intake.run()
    found = account(home, "1.csv.gz").file
    assert (found.status, found.records) == (FileStatus.FAILED, None)
    assert "truncated" in (found.reason or "")
    assert home.lake.version("delivered") == -1
    path.write_bytes(whole)
    home.intake.run()
    assert numbers(home, "1.csv.gz") == {"records": 20_000, "accepted": 20_000}
