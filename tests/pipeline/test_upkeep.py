"""Keeping the lake small loses nothing that a report, a delivery or a withdrawal needs."""

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from pipelines.reporting import open_reporting
from resources.days import DAY_TABLES
from resources.intake.take import Intake
from resources.lake import Lake, VersionGone
from resources.ledger import Files, FileStatus
from resources.ledger.delivery import Delivery, Reason, State
from resources.parts import Part
from resources.reporting.period import Period
from resources.schedules import compared
from resources.schedules.model import from_text
from resources.upkeep import upkeep
from resources.upkeep.compaction import groups
from resources.upkeep.leftovers import old_deliveries
from resources.upkeep.versions import let_go
from tests.pipeline.deliveries import (
    COLUMNS,
    account,
    call,
    counting,
    csv_text,
    deliver,
    files_in,
    numbers,
)
from tests.pipeline.home import build_all, contents, make_home
from tests.pipeline.offices import DAYS, Clock, add, make_built, office_of, tick
from tests.pipeline.post import PostOffice, serving

DAY = date(2026, 3, 6)
CHECKPOINT_EVERY = 5
NOW = datetime(2026, 4, 6, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints come often, so that few versions show what is done at one."""
    monkeypatch.setattr("resources.lake.CHECKPOINT_EVERY", CHECKPOINT_EVERY)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one call, built."""
    home = make_home(tmp_path_factory.mktemp("made"))
    deliver(home, "1.csv", [call()])
    build_all(home)
    return home.settings.home


@pytest.fixture
def one_call(made: Path, tmp_path: Path) -> Workplace:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "one")
    return make_home(tmp_path / "one")


def keep_up(home: Workplace) -> list[str]:
    return home.upkeep.run(NOW.date(), NOW, lambda text: None).lines()


def one_after_the_other(home: Workplace) -> None:
    """Three files, each of its own intake; the second has a correction and a refused record."""
    deliver(home, "1.csv", [call("a"), call("corrected", duration="1")])
    home.intake.run()
    deliver(home, "2.csv", [call("corrected", duration="2"), call("", dt=""), call("b")])
    home.intake.run()
    deliver(home, "3.csv", [call("b"), call("c"), call("", dt="x")])
    home.intake.run()


# Several delivered files in one file of the lake.


def test_files_of_one_intake_share_a_file_and_a_commit(home: Workplace) -> None:
    for n in range(5):
        deliver(home, f"{n}.csv", [call(f"{n}"), call("", dt="")])
    home.intake.run()
    assert [(p.rows, p.first_file, p.last_file) for p in home.lake.parts("delivered")] == [
        (10, 1, 5)
    ]
    assert [p.rows for p in home.lake.parts("quarantine")] == [5]
    assert home.lake.version("delivered") == 1
    assert numbers(home, "3.csv") == {"records": 2, "accepted": 1, "quarantined": 1}
    assert home.intake.run() == []


def test_the_ledger_is_asked_once_for_the_files_of_a_source(
    home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All landed files stay where they are: asked for each, a folder of thousands takes minutes."""
    asked: list[str] = []
    seen = Files.seen

    def asking(files: Files, source: str) -> dict[str, list[str]]:
        asked.append(source)
        return seen(files, source)

    monkeypatch.setattr(Files, "seen", asking)
    for n in range(3):
        deliver(home, f"{n}.csv", [call(f"{n}")])
    assert len(home.intake.run()) == 3
    assert home.intake.run() == []
    assert asked == ["connexcs"] * 2


def test_a_copy_in_the_same_intake_is_a_copy(home: Workplace) -> None:
    for name in ("1.csv", "2.csv"):
        deliver(home, name, [call()])
    outcomes = home.intake.run()
    assert [(o.file.name, o.status, o.reason) for o in outcomes] == [
        ("1.csv", FileStatus.TAKEN, None),
        ("2.csv", FileStatus.COPY, "same content as 1.csv"),
    ]
    assert files_in(home, "delivered") == {account(home, "1.csv").file.id}


def test_each_file_of_an_intake_has_what_it_would_have_alone(home: Workplace) -> None:
    """Whatever lies among them: a copy, one that cannot be read, one of other columns."""
    deliver(home, "0.csv", [call("before")])
    home.intake.run()
    landing = home.settings.home / "landing" / "connexcs"
    deliver(home, "1.csv", [call("a"), call("", dt="")])
    (landing / "2.csv").write_bytes(b"dt,callid\n2026-03-06 12:00:00,b\n")
    deliver(home, "3.csv", [call("before")])
    deliver(home, "4.csv", [call("d"), call("e", dt="2026-03-07 12:00:00")], COLUMNS[:-1])
    (landing / "5.csv.gz").write_bytes(gzip.compress(csv_text([call("f")]).encode())[:-9])
    deliver(home, "6.csv", [call("g", duration="-1")])
    found = {o.file.name: (o.status, o.records, o.quarantined) for o in home.intake.run()}
    assert found == {
        "1.csv": (FileStatus.TAKEN, 2, 1), "2.csv": (FileStatus.FAILED, 0, 0),
        "3.csv": (FileStatus.COPY, 0, 0), "4.csv": (FileStatus.TAKEN, 2, 0),
        "5.csv.gz": (FileStatus.FAILED, 0, 0), "6.csv": (FileStatus.TAKEN, 1, 1),
    }  # fmt: skip
    assert (account(home, "5.csv.gz").file.reason or "").startswith("the gzip file is truncated")
    taken = {account(home, name).file.id for name in ("0.csv", "1.csv", "4.csv", "6.csv")}
    assert files_in(home, "delivered") == taken
    assert {key[1] for key in counting(home)} == {"before", "a", "d", "e"}
    # What could not be read comes again, mended, and is taken beside what was taken before.
    deliver(home, "2.csv", [call("b")])
    assert [(o.file.name, o.status) for o in home.intake.run()] == [("2.csv", FileStatus.TAKEN)]


def test_a_copy_of_an_earlier_delivery_leaves_no_rows_among_new_ones(home: Workplace) -> None:
    deliver(home, "1.csv", [call("a")])
    home.intake.run()
    for name, callid in (("2.csv", "b"), ("3.csv", "a"), ("4.csv", "b"), ("5.csv", "c")):
        deliver(home, name, [call(callid)])
    outcomes = home.intake.run()
    assert [(o.file.name, o.reason) for o in outcomes] == [
        ("2.csv", None), ("3.csv", "same content as 1.csv"),
        ("4.csv", "same content as 2.csv"), ("5.csv", None),
    ]  # fmt: skip
    assert [p.rows for p in home.lake.parts("delivered")] == [1, 2]
    assert {key[1] for key in counting(home)} == {"a", "b", "c"}


def test_withdrawing_one_of_several_leaves_the_others(home: Workplace) -> None:
    alone = make_home(home.settings.home / "alone")
    for name in ("1.csv", "2.csv", "3.csv"):
        calls = [call(name), call("same", duration=name[0]), call("", dt=name)]
        deliver(home, name, calls)
        if name != "2.csv":
            deliver(alone, name, calls)
    home.intake.run()
    home.intake.withdraw(account(home, "2.csv").file)
    build_all(home)
    build_all(alone)
    assert contents(home) == contents(alone)
    left = {account(home, name).file.id for name in ("1.csv", "3.csv")}
    assert files_in(home, "delivered") == files_in(home, "quarantine") == left


def test_small_files_are_put_together_and_all_is_as_before(home: Workplace) -> None:
    one_after_the_other(home)
    build_all(home)
    before = (contents(home), counting(home), files_in(home, "quarantine"))
    assert [len(home.lake.parts(table)) for table in ("delivered", "quarantine")] == [3, 2]
    assert keep_up(home)[-1].startswith("5 small files put together")
    assert [len(home.lake.parts(table)) for table in ("delivered", "quarantine")] == [1, 1]
    # What they were made of stays as long as the versions that have it, and no longer.
    assert len(list((home.lake.root / "delivered").glob("*.parquet"))) == 4
    far = datetime.now(UTC) + timedelta(days=100)
    home.upkeep.run(far.date(), far, lambda text: None)
    assert len(list((home.lake.root / "delivered").glob("*.parquet"))) == 1
    for day in home.days.known():
        home.builder.build_cdrs(day)
    assert (contents(home), counting(home), files_in(home, "quarantine")) == before
    home.intake.withdraw(account(home, "2.csv").file)
    assert {key[1]: duration for key, duration in counting(home).items()} == {
        "a": Decimal(60), "corrected": Decimal(1), "b": Decimal(60), "c": Decimal(60)
    }  # fmt: skip
    assert home.intake.run() == []  # the ledger and the lake still know each other


@pytest.mark.parametrize(("held", "turns"), [(3600.0, 1), (0.0, 3)])
def test_intakes_are_shut_out_once_for_a_while_and_not_for_long(
    home: Workplace, monkeypatch: pytest.MonkeyPatch, held: float, turns: int
) -> None:
    """To shut them out looks at all files of the lake: not for each of the days' files again."""
    for n in range(2):
        for day in (6, 7, 8):
            deliver(home, f"{day}_{n}.csv", [call(f"{day}{n}", dt=f"2026-03-0{day} 12:00:00")])
            home.intake.run()
    taken: list[int] = []
    writing = Intake.writing

    @contextmanager
    def counted(intake: Intake, say: Callable[[str], None]) -> Iterator[None]:
        with writing(intake, say):
            before = len(home.lake.parts("delivered"))
            yield
            taken.append(before - len(home.lake.parts("delivered")))

    monkeypatch.setattr(Intake, "writing", counted)
    monkeypatch.setattr(upkeep, "HELD_SECONDS", held)
    assert keep_up(home)[-1].startswith("6 small files put together")
    assert [n for n in taken if n] == [3 // turns] * turns


def test_only_small_files_that_begin_with_the_same_day_are_put_together() -> None:
    def part(path: str, size: int, day: int | None) -> Part:
        first = date(2026, 3, day) if day else None
        return Part(path, path, size, 1, int(path), int(path), first, first)

    parts = [part("1", 5, 6), part("2", 5, 7), part("3", 5, 6), part("4", 50, 6), part("5", 4, 6),
             part("6", 5, None), part("7", 5, None)]  # fmt: skip
    found = [[p.path for p in group] for group in groups(parts, small=10, large=12)]
    assert found == [["6", "7"], ["1", "3"]]


# Versions.


def age(folder: Path, days: float) -> None:
    """All files there are so many days older than now."""
    date_back(folder, datetime.now(UTC) - timedelta(days=days))


def date_back(folder: Path, moment: datetime, after: datetime | None = None) -> None:
    """All files there are of a moment, or only those that were written after another one."""
    for path in folder.rglob("*"):
        if path.is_file() and (after is None or path.stat().st_mtime > after.timestamp()):
            os.utime(path, (moment.timestamp(), moment.timestamp()))


def publish_again(home: Workplace, times: int, day: date = DAY) -> None:
    """New versions of the day, with the same content."""
    for _ in range(times):
        staged = home.lake.staging("breakout_daily")
        shutil.copy(home.lake.files("breakout_daily", day, day)[0], staged)
        home.lake.publish("breakout_daily", day, staged)


def rows_at(home: Workplace, version: int) -> list[Any]:
    files = home.lake.at({"breakout_daily": version}).files("breakout_daily", DAY, DAY)
    with home.engine.connect({"sums": files}) as connection:
        return connection.execute("SELECT SUM(attempts) FROM sums").fetchall()


def test_old_versions_go_and_young_or_needed_ones_stay(one_call: Workplace) -> None:
    home = one_call
    publish_again(home, 3 * CHECKPOINT_EVERY)
    table = home.lake.root / "breakout_daily"
    age(table, 100)
    publish_again(home, 2)
    newest = home.lake.version("breakout_daily")
    now = datetime.now(UTC)
    needed = CHECKPOINT_EVERY + 2
    for path in sorted((table / "_delta_log").glob("*.json"))[:2]:
        path.unlink()  # by an upkeep that died on the way
    assert let_go(str(table), 90, [needed], now).versions == CHECKPOINT_EVERY - 2
    for version in (needed, newest - 2, newest - 1, newest):
        assert rows_at(home, version) == [(1,)]
    let_go(str(table), 90, [], now)
    with pytest.raises(VersionGone, match=f"version {needed} of breakout_daily any more"):
        rows_at(home, needed)
    # In force when the ninety days began: the last of the old ones.
    assert [rows_at(home, version) for version in (newest - 2, newest)] == [[(1,)], [(1,)]]
    publish_again(home, 1)
    assert home.builder.held.reconcile("breakout_daily", DAY) == []


def test_leftovers_of_the_dead_go_after_a_day(one_call: Workplace) -> None:
    home = one_call
    table = home.lake.root / "cdrs"
    inside = table / f"call_date={DAY}"
    for name in ("dead.parquet", "under-way.parquet", "notes.txt"):
        (inside / name).write_bytes(b"1234")
    age(inside, 2)
    os.utime(inside / "under-way.parquet")
    gone = let_go(str(table), 90, [], datetime.now(UTC))
    assert (gone.files, gone.size) == ((f"call_date={DAY}/dead.parquet",), 4)
    assert sorted(p.name for p in inside.iterdir() if p.stat().st_size == 4) == [
        "notes.txt", "under-way.parquet"
    ]  # fmt: skip
    assert home.builder.held.reconcile("breakout_daily", DAY) == []


def test_delta_lets_nothing_go_by_itself(one_call: Workplace) -> None:
    """By default it drops the log of a month ago at each checkpoint, whoever needs it."""
    home = one_call
    publish_again(home, 1)
    age(home.lake.root / "breakout_daily", 400)
    publish_again(home, 2 * CHECKPOINT_EVERY)
    assert rows_at(home, 1) == [(1,)]


def test_what_a_sent_report_was_made_from_stays_as_long_as_is_said(tmp_path: Path) -> None:
    day = DAYS[-1]
    home = make_built(tmp_path, (day,))
    publish_again(home, CHECKPOINT_EVERY, day)
    long_before = datetime(2026, 3, 1, tzinfo=UTC)
    date_back(home.lake.root, long_before)
    clock = Clock(datetime(2026, 3, 8, 12, tzinfo=UTC))
    with serving(PostOffice()) as port:
        office = office_of(home, port, clock)
        add(office)
        clock.set("2026-03-09T07:00")
        (sent,) = tick(office)
    deliver(home, "late.csv", [call("late", dt=f"{day} 13:00:00")])
    build_all(home)
    publish_again(home, 2 * CHECKPOINT_EVERY, day)
    date_back(home.lake.root, datetime(2026, 3, 10, tzinfo=UTC), after=long_before)

    def digest(lake: Lake) -> str:
        schedule, period = from_text(sent.definition or ""), Period(day, day)
        return compared.figures(open_reporting(home, lake), schedule, "", period).digest

    assert digest(home.lake) != sent.figures["digest"]
    june = datetime(2026, 6, 6, tzinfo=UTC)  # 89 days after the report was sent
    assert home.upkeep.run(june.date(), june, lambda text: None).versions == CHECKPOINT_EVERY
    assert digest(home.lake.at(sent.sources)) == sent.figures["digest"]
    summer = datetime(2026, 7, 1, tzinfo=UTC)
    home.upkeep.run(summer.date(), summer, lambda text: None)
    with pytest.raises(VersionGone):
        digest(home.lake.at(sent.sources))


# Files of old reports.


def test_files_of_settled_old_deliveries_are_removed() -> None:
    def delivery(number: int, state: State, days: int | None) -> Delivery:
        settled = None if days is None else NOW - timedelta(days=days)
        return Delivery(
            number, 1, "", "daily", DAY, DAY, 1, Reason.SCHEDULED, state, "", NOW, NOW, NOW, 1,
            None, None, None, settled, None, None, (), {}, {}, None, f"out/deliveries/{number}",
        )  # fmt: skip

    all_of_them = [
        delivery(1, State.SENT, 40), delivery(2, State.SENT, 20), delivery(3, State.FAILED, 40),
        delivery(4, State.QUEUED, None), delivery(5, State.SKIPPED, 31),
    ]  # fmt: skip
    assert [d.id for d, _ in old_deliveries(all_of_them, 30, NOW)] == [1, 3, 5]
    assert old_deliveries(all_of_them, 0, NOW) == []


def test_pages_of_checks_are_removed_with_their_lines(tmp_path: Path) -> None:
    home = make_home(tmp_path, data_docs_days=30)
    deliver(home, "1.csv", [call(), call(dt="2026-03-09 12:00:00")])
    build_all(home)
    docs = home.settings.home / "data-docs"
    keep_up(home)
    assert sorted(p.name for p in (docs / "days").iterdir()) == [
        "2026-03-09.html", "2026-03-09.json"
    ]  # fmt: skip
    index = (docs / "index.html").read_text(encoding="utf-8")
    assert "2026-03-09" in index
    assert "2026-03-06" not in index


def test_by_default_no_call_ever_leaves(one_call: Workplace) -> None:
    home = one_call
    before = contents(home)
    far = NOW + timedelta(days=10_000)
    home.upkeep.run(far.date(), far, lambda text: None)
    assert contents(home) == before
    assert set(DAY_TABLES) == {table for table, rows in before.items() if rows}
    assert home.days.cold.all() == {}
