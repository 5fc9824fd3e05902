"""What the lake has lost, or not whole, is told at the next intake; what can be is made anew."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from assets.describe import column_schema
from resources.days import DAY_TABLES
from resources.lake import Lake
from resources.upkeep.compaction import compact, groups
from tests.pipeline.deliveries import account, built, call, deliver
from tests.pipeline.home import build_all, contents, golden_files, land, make_home

FIRST, SECOND = date(2026, 3, 6), date(2026, 3, 7)


def test_tables_that_were_lost_are_built_anew(tmp_path: Path) -> None:
    """Removed, or put back from copies that are older than the ledger."""
    home = make_home(tmp_path)
    lake = home.settings.home / "lake"
    land(home, *golden_files()[:1])
    build_all(home)
    shutil.copytree(lake, tmp_path / "older")
    land(home, golden_files()[1])
    build_all(home)
    before = contents(home)
    for lost, put_back in ((("breakout_daily", "call_numbers"), True), (DAY_TABLES, False)):
        for table in lost:
            shutil.rmtree(lake / table)
            if put_back:
                shutil.copytree(tmp_path / "older" / table, lake / table)
        said: list[str] = []
        home.intake.run(said.append)
        assert [text.split(" in the lake ")[0] for text in said] == [f"warning: {t}" for t in lost]
        build_all(home)
        assert contents(home) == before
        assert home.days.stale(DAY_TABLES) == []
        said.clear()
        home.intake.run(said.append)
        assert said == []


@pytest.mark.parametrize(
    ("table", "put_back"),
    [("cdrs", False), ("cdrs", True), ("dtmf_hourly", False), ("dtmf_hourly", True),
     ("call_numbers", False)],
)  # fmt: skip
def test_days_built_into_a_lost_table_hide_no_other_day(
    tmp_path: Path, table: str, put_back: bool
) -> None:
    """As by a back-fill before the next intake, which brings the table to the known version."""
    home = make_home(tmp_path)
    deliver(home, "1.csv", [call(dt=f"{day} 12:00:00") for day in (FIRST, SECOND)])
    build_all(home)
    shutil.copytree(home.lake.root / table, tmp_path / "older")
    deliver(home, "2.csv", [call("late", dt=f"{FIRST} 13:00:00")])
    build_all(home)
    before = contents(home)
    shutil.rmtree(home.lake.root / table)
    if put_back:
        shutil.copytree(tmp_path / "older", home.lake.root / table)
    for _ in range(5):
        home.builder.build(table, SECOND)
    said: list[str] = []
    home.intake.run(said.append)
    assert said == [
        f"warning: {table} in the lake is not there or older than the ledger knows it: its days "
        f"({FIRST}) are built anew"
    ]
    build_all(home)
    assert contents(home) == before
    said.clear()
    home.intake.run(said.append)
    assert said == []


@pytest.mark.parametrize("how", ["gone", "cut short"])
def test_a_day_with_such_a_file_is_built_anew(tmp_path: Path, how: str) -> None:
    home = make_home(tmp_path)
    land(home, golden_files()[0])
    build_all(home)
    before = contents(home)
    hit = [sorted((home.settings.home / "lake" / t).glob("*/*.parquet"))[0] for t in DAY_TABLES]
    for file in hit:
        if how == "gone":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-10])
    said: list[str] = []
    home.intake.run(said.append)
    assert said == [
        f"warning: {table}: {file} is gone or cut short: the day is built anew"
        for table, file in zip(DAY_TABLES, hit, strict=True)
    ]
    assert {stale.day.isoformat() for stale in home.days.stale(DAY_TABLES)} == {
        file.parent.name.removeprefix("call_date=") for file in hit
    }
    build_all(home)
    assert contents(home) == before
    said.clear()
    home.intake.run(said.append)
    assert said == []


def test_who_dies_while_it_takes_the_day_out_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path)
    land(home, golden_files()[0])
    build_all(home)
    before = contents(home)
    sorted((home.settings.home / "lake" / "breakout_daily").glob("*/*.parquet"))[0].unlink()
    clear = Lake.clear

    def dying(lake: Lake, name: str, day: date) -> int:
        clear(lake, name, day)
        raise KeyboardInterrupt

    monkeypatch.setattr(Lake, "clear", dying)
    with pytest.raises(KeyboardInterrupt):
        home.intake.run()
    monkeypatch.undo()
    build_all(home)
    assert contents(home) == before


def test_what_was_delivered_is_told_and_left_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    land(home, golden_files()[0])
    build_all(home)
    before = contents(home)
    [file] = sorted((home.settings.home / "lake" / "quarantine").glob("*.parquet"))[:1]
    whole = file.read_bytes()
    file.unlink()
    said: list[str] = []
    home.intake.run(said.append)
    told = f"warning: quarantine: {file} is gone or cut short: put it back from a backup"
    assert said == [told]
    assert home.days.stale(DAY_TABLES) == []
    assert contents(home) == before
    file.write_bytes(whole)
    said.clear()
    home.intake.run(said.append)
    assert said == []


@pytest.mark.parametrize("put_back", [False, True])
def test_refused_records_that_were_lost_are_written_anew(tmp_path: Path, put_back: bool) -> None:
    home = make_home(tmp_path)
    quarantine = home.lake.root / "quarantine"
    refused = [call("x", customer_id=""), call("y", dest_number="")]
    deliver(home, "1.csv", [call("a"), refused[0]])
    home.intake.run()
    shutil.copytree(quarantine, tmp_path / "older")
    deliver(home, "2.csv", [call("b"), *refused])
    home.intake.run()

    def held() -> list[tuple[object, ...]]:
        with home.engine.connect({"q": [part.uri for part in home.lake.parts("quarantine")]}) as c:
            return c.execute(
                "SELECT file, line, reasons, raw FROM q ORDER BY file, line"
            ).fetchall()

    before = held()
    assert [row[:3] for row in before] == [
        ("1.csv", 3, "missing_customer"),
        ("2.csv", 3, "missing_customer"),
        ("2.csv", 4, "missing_destination"),
    ]
    shutil.rmtree(quarantine)
    if put_back:
        shutil.copytree(tmp_path / "older", quarantine)
    said: list[str] = []
    home.intake.run(said.append)
    assert said == [
        "warning: quarantine in the lake is not there or older than the ledger knows it: the "
        f"refused records of {'2.csv' if put_back else '1.csv, 2.csv'} are written anew"
    ]
    assert held() == before
    said.clear()
    home.intake.run(said.append)
    assert said == []


@pytest.mark.parametrize("merged", [False, True])
def test_what_was_withdrawn_does_not_come_back_with_an_older_lake(
    tmp_path: Path, merged: bool
) -> None:
    home = make_home(tmp_path)
    for name in ("1.csv", "2.csv", "3.csv"):
        deliver(home, name, [call(name)])
        home.intake.run()
    if merged:
        [group] = groups(home.lake.parts("delivered"))
        compact(home.engine, home.lake, "delivered", group)
    shutil.copytree(home.lake.root, tmp_path / "older")
    home.intake.withdraw(account(home, "2.csv").file)
    home.builder.build_cdrs(FIRST)
    shutil.rmtree(home.lake.root)
    shutil.copytree(tmp_path / "older", home.lake.root)
    home.intake.run()
    home.builder.build_cdrs(FIRST)
    assert {callid for _, callid, _ in built(home)} == {"1.csv", "3.csv"}
    assert home.days.failures() == {}


def test_a_day_that_cannot_be_built_again_is_left_as_it_is(tmp_path: Path) -> None:
    """What the other tables say of it stays there to be read."""
    home = make_home(tmp_path)
    land(home, golden_files()[0])
    build_all(home)
    lake = home.settings.home / "lake"
    lost = [sorted((lake / t).glob("**/*.parquet"))[0] for t in ("dtmf_hourly", "delivered")]
    for file in lost:
        file.unlink()
    said: list[str] = []
    home.intake.run(said.append)
    assert [text.rsplit(": ", 1)[1] for text in said] == ["put it back from a backup"] * 2
    assert home.days.stale(DAY_TABLES) == []


def test_a_damaged_file_has_no_columns_to_show_and_fails_nobody_for_it(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"")
    for file in (tmp_path / "x.parquet", tmp_path / "gone.parquet"):
        assert column_schema([str(file)], "delivered/delivered").columns == []
