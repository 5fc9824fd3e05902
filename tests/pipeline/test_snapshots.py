"""Tables kept open between questions: they tell of what is published since."""

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from resources.lake import Lake
from tests.pipeline.home import make_home

DAY = date(2026, 3, 1)


def publish(lake: Lake, day: date) -> None:
    staged = lake.staging("t")
    pq.write_table(pa.table({"n": [1]}), staged)
    lake.publish("t", day, staged)


def days(lake: Lake) -> list[str]:
    places = lake.places("t", DAY, DAY + timedelta(days=9))
    return [Path(file).parent.name.removeprefix("call_date=") for file in places]


def test_what_others_publish_meanwhile_is_seen(tmp_path: Path) -> None:
    reader, other = Lake(tmp_path), Lake(tmp_path)
    assert days(reader) == []
    publish(other, DAY)
    assert days(reader) == ["2026-03-01"]
    publish(other, DAY + timedelta(days=1))
    assert days(reader) == ["2026-03-01", "2026-03-02"]
    other.clear("t", DAY)
    assert days(reader) == ["2026-03-02"]


def test_a_lake_put_back_from_a_copy_is_read_anew(tmp_path: Path) -> None:
    root, saved = tmp_path / "lake", tmp_path / "saved"
    reader = Lake(root)
    publish(reader, DAY)
    shutil.copytree(root, saved)
    publish(Lake(root), DAY + timedelta(days=1))
    assert days(reader) == ["2026-03-01", "2026-03-02"]
    shutil.rmtree(root)
    shutil.copytree(saved, root)
    assert days(reader) == ["2026-03-01"]
    publish(Lake(root), DAY + timedelta(days=2))
    assert days(reader) == ["2026-03-01", "2026-03-03"]
    shutil.rmtree(root)
    assert days(reader) == []


def test_a_pinned_lake_tells_of_its_version(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(lake, DAY)
    then = lake.at({"t": lake.version("t")})
    publish(lake, DAY + timedelta(days=1))
    assert days(lake) == ["2026-03-01", "2026-03-02"]
    assert days(then) == ["2026-03-01"]


def test_a_table_is_opened_once_for_all_questions_and_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bucket that costs as many requests as there are commits since the last checkpoint."""
    lake = Lake(tmp_path)
    publish(lake, DAY)
    opened: list[Lake] = []
    open_ = Lake.table

    def counted(self: Lake, name: str) -> DeltaTable | None:
        opened.append(self)
        return open_(self, name)

    monkeypatch.setattr(Lake, "table", counted)
    other = Lake(tmp_path)
    for n in range(1, 4):
        publish(lake, DAY + timedelta(days=n))
        publish(other, DAY + timedelta(days=n + 4))
    assert len(days(lake)) == 7
    lake.clear("t", DAY)
    then = lake.at({"t": 2})
    assert days(then) == days(then) == ["2026-03-01", "2026-03-02"]
    assert len(days(lake)) == 6
    assert opened == [lake, other, then]  # the first had made it


def test_several_ask_at_once(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(lake, DAY)
    with lake._open("t") as one, lake._open("t") as other:
        assert one is not other
        publish(Lake(tmp_path), DAY + timedelta(days=1))
    assert days(lake) == ["2026-03-01", "2026-03-02"]


def test_a_bucket_put_back_from_a_copy_is_read_anew(s3: Any, tmp_path: Path) -> None:
    lake, other = (make_home(tmp_path / n, lake="s3://cdrs/lake").lake for n in ("one", "two"))
    publish(lake, DAY)
    assert days(lake) == ["2026-03-01"]
    publish(other, DAY + timedelta(days=1))
    assert days(lake) == ["2026-03-01", "2026-03-02"]
    for found in s3.list_objects_v2(Bucket="cdrs", Prefix="lake/t/_delta_log/")["Contents"]:
        s3.delete_object(Bucket="cdrs", Key=found["Key"])
    assert days(lake) == []
    for n in (2, 3):
        publish(other, DAY + timedelta(days=n))
    assert days(lake) == ["2026-03-03", "2026-03-04"]
