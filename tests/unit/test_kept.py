"""Verdicts that are kept are those of the very files they were made from, or not there."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from resources.intake import kept
from resources.intake.kept import KeptVerdicts

DAY = date(2026, 3, 6)
VERDICTS = pa.table(
    {
        "file_id": pa.array([1, 2], pa.int64()),
        "line": pa.array([7, 9], pa.int64()),
        "branch_idx": pa.array([0, 1], pa.int32()),
        "verdict": pa.array(["superseded", "duplicate"]),
    }
)


@pytest.fixture
def store(tmp_path: Path) -> KeptVerdicts:
    """One that keeps the verdicts of two files."""
    made = KeptVerdicts(tmp_path / "verdicts")
    made.write(DAY, ["/lake/a.parquet", "/lake/b.parquet"], VERDICTS)
    return made


def test_they_come_back_as_they_were(store: KeptVerdicts) -> None:
    assert store.read(DAY, ["/copies/b.parquet", "/copies/a.parquet"]) == VERDICTS


@pytest.mark.parametrize("files", [["a.parquet"], ["a.parquet", "b.parquet", "c.parquet"], []])
def test_those_of_other_files_are_not_there(store: KeptVerdicts, files: list[str]) -> None:
    assert store.read(DAY, files) is None


def test_another_day_and_a_day_that_was_built_have_none(store: KeptVerdicts) -> None:
    files = ["a.parquet", "b.parquet"]
    assert store.read(date(2026, 3, 7), files) is None
    store.drop(DAY)
    store.drop(DAY)
    assert store.read(DAY, files) is None


@pytest.mark.parametrize("size", [0, 10, 300])
def test_a_file_that_is_cut_off_is_not_there(store: KeptVerdicts, size: int) -> None:
    (path,) = store.folder.iterdir()
    path.write_bytes(path.read_bytes()[:size])
    assert store.read(DAY, ["a.parquet", "b.parquet"]) is None


def test_too_many_are_not_kept_and_neither_are_those_before_them(
    store: KeptVerdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST", 1)
    store.write(DAY, ["a.parquet", "b.parquet"], VERDICTS)
    assert list(store.folder.iterdir()) == []


def test_what_a_process_that_died_has_left_goes(store: KeptVerdicts) -> None:
    (store.folder / ".left").write_bytes(b"half")
    store.write(DAY, ["a.parquet"], VERDICTS)
    assert [path.name for path in store.folder.iterdir()] == [f"{DAY}.arrow"]


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "verdicts").write_text("no folder")
    store = KeptVerdicts(tmp_path / "verdicts")
    store.write(DAY, ["a.parquet"], VERDICTS)
    assert store.read(DAY, ["a.parquet"]) is None
