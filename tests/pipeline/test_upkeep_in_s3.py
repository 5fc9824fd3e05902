"""The upkeep of a lake in S3-compatible storage: what may go goes there too, and no more."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from resources.held import TABLES
from resources.lake import VersionGone
from resources.ledger.cold import ColdState
from resources.upkeep.versions import let_go
from tests.pipeline.deliveries import call, counting, deliver
from tests.pipeline.home import build_all, contents, make_home

LAKE = "s3://cdrs/some/lake"
DAY = date(2026, 3, 6)
APRIL = datetime(2026, 4, 6, 12, tzinfo=UTC)


def objects(s3: Any, prefix: str) -> set[str]:
    """The Parquet files of tables below a prefix, without those of their logs."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="cdrs", Prefix=prefix)
    keys = {found["Key"] for page in pages for found in page.get("Contents", [])}
    return {key for key in keys if key.endswith(".parquet") and "_delta_log" not in key}


@pytest.fixture(scope="module")
def home(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Two small files of one day, each of its own intake; built."""
    home = make_home(
        tmp_path_factory.mktemp("home"), lake=LAKE, calls_days=30, cold_store="s3://cdrs/cold"
    )
    for n in (1, 2):
        deliver(home, f"{n}.csv", [call(f"{n}"), call("same", duration=f"{n}")])
        home.intake.run()
    build_all(home)
    return home


def test_calls_are_put_together_leave_for_a_bucket_and_come_back(s3: Any, home: Workplace) -> None:
    before = contents(home)
    done = home.upkeep.run(APRIL.date(), APRIL, lambda text: None)
    assert (done.merged, [each.day for each in done.left]) == (0, [DAY])
    assert {key.split("/")[1] for key in objects(s3, "cold/")} == {"cdrs", "delivered"}
    assert home.lake.parts("delivered") == []
    sums = contents(home)
    assert sums["cdrs"] == []
    assert {table: sums[table] for table in TABLES} == {table: before[table] for table in TABLES}
    home.cold.restore(DAY, lambda text: None)
    assert home.days.cold.all()[DAY].state is ColdState.RESTORED
    assert contents(home) == before
    assert sorted(key[1] for key in counting(home)) == ["1", "2", "same"]


def test_old_versions_go_and_what_is_needed_stays(
    s3: Any, home: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.lake.CHECKPOINT_EVERY", 5)
    (source,) = home.lake.files("breakout_daily", DAY, DAY)
    for _ in range(15):
        staged = home.lake.staging("breakout_daily")
        shutil.copy(source, staged)
        home.lake.publish("breakout_daily", DAY, staged)
    newest, needed = home.lake.version("breakout_daily"), 7
    later = datetime.now(UTC) + timedelta(days=100)
    where = "some/lake/breakout_daily/"

    def files_at(version: int) -> list[str]:
        return home.lake.at({"breakout_daily": version}).files("breakout_daily", DAY, DAY)

    first = Path(files_at(1)[0])
    let_go(home.lake.where("breakout_daily"), 90, [needed], later)
    shutil.rmtree(home.lake.root / "breakout_daily")  # so that each is fetched from the bucket
    assert all(len(files_at(version)) == 1 for version in (needed, newest))
    with pytest.raises(VersionGone, match="does not hold version 1 of breakout_daily any more"):
        files_at(1)
    assert f"{where}call_date={DAY}/{first.name}" not in objects(s3, where)
    copy = Path(files_at(needed)[0])
    done = home.upkeep.run(DAY, later, lambda text: None)  # of a day on which no calls are old
    assert done.versions > 0
    assert not copy.exists()  # nor is a copy kept on this disk of what was let go
    with pytest.raises(VersionGone):
        files_at(needed)
    assert len(files_at(newest)) == 1
    assert len(objects(s3, where)) == newest % 5 + 1
