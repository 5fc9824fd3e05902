"""Killed between the upload of a day and its commit, over a lake in S3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.assembly import Workplace
from resources.days import DAY_TABLES
from tests.e2e.test_kill import assert_dies, environment
from tests.pipeline.deliveries import call, counting, deliver
from tests.pipeline.home import EVER, build_all, make_home, rows_of


def objects(s3: Any, lake: str) -> set[str]:
    """The Parquet files below a prefix, without those of the log, as `table/path`."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="cdrs", Prefix=f"{lake}/")
    found = {o["Key"].removeprefix(f"{lake}/") for page in pages for o in page.get("Contents", [])}
    return {key for key in found if key.endswith(".parquet") and "_delta_log" not in key}


def named(home: Workplace) -> set[str]:
    """Those that the newest versions of the tables name."""
    tables = ("delivered", "quarantine", *DAY_TABLES)
    opened = ((name, home.lake.table(name)) for name in tables)
    return {
        f"{name}{uri.removeprefix(home.lake.where(name))}"
        for name, table in opened
        if table is not None
        for uri in table.file_uris()
    }


@pytest.mark.parametrize("work", ["intake", "build"])
def test_an_object_that_no_commit_names_does_no_harm(s3: Any, tmp_path: Path, work: str) -> None:
    lake = f"s3://cdrs/{work}"
    home = make_home(tmp_path, lake=lake)
    deliver(home, "1.csv", [call("first"), call("second"), call("", dt="")])
    if work == "build":
        home.intake.run()
    env = environment(tmp_path, CDR_REPORTS_LAKE=lake)
    assert_dies(env, tmp_path, work, "Lake._commit", "before")
    again = make_home(tmp_path, lake=lake)
    (orphan,) = objects(s3, work) - named(again)
    assert again.lake.files("cdrs", *EVER) == []
    build_all(again)
    assert sorted(key[1] for key in counting(again)) == ["first", "second"]
    assert rows_of(again, "cdrs", "SELECT COUNT(*) AS n FROM cdrs") == [{"n": 2}]
    assert objects(s3, work) - named(again) == {orphan}
    in_two_days = datetime.now(UTC) + timedelta(days=2)  # younger, it might be on its way
    again.upkeep.run(in_two_days.date(), in_two_days, lambda text: None)
    assert objects(s3, work) == named(again)
