"""Tables kept open between questions: they tell of what is published since."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from resources.lake import Lake

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
