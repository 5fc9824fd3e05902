"""What keeps a table from being opened after a power cut, and what of it goes."""

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from resources.delta_log import LOG, mend_log


def made(folder: Path) -> DeltaTable:
    """A table of two rows by two commits."""
    for n in (1, 2):
        write_deltalake(folder, pa.table({"n": [n]}), mode="append")
    return DeltaTable(folder)


def test_a_checkpoint_of_no_bytes_goes(tmp_path: Path) -> None:
    made(tmp_path).create_checkpoint()
    torn = tmp_path / LOG / f"{1:020}.checkpoint.parquet"
    torn.write_bytes(b"")
    with pytest.raises(DeltaError):
        DeltaTable(tmp_path)
    assert mend_log(tmp_path) == [torn]
    assert DeltaTable(tmp_path).version() == 1
    assert mend_log(tmp_path) == []


def test_a_table_whose_only_commit_has_no_bytes_was_never_there(tmp_path: Path) -> None:
    DeltaTable.create(tmp_path, made(tmp_path / "other").schema())
    torn = tmp_path / LOG / f"{0:020}.json"
    torn.write_bytes(b"")
    with pytest.raises(DeltaError):
        DeltaTable(tmp_path)
    assert mend_log(tmp_path) == [torn]
    with pytest.raises(TableNotFoundError):
        DeltaTable(tmp_path)


def test_a_first_commit_that_others_follow_is_not_taken_away(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / LOG / f"{0:020}.json").write_bytes(b"")
    assert mend_log(tmp_path) == []
    assert mend_log(tmp_path / "nothing there") == []


def test_a_last_commit_of_no_bytes_is_a_version_in_which_nothing_happened(tmp_path: Path) -> None:
    """So it may stay: nobody was told of it."""
    made(tmp_path)
    (tmp_path / LOG / f"{1:020}.json").write_bytes(b"")
    assert mend_log(tmp_path) == []
    assert DeltaTable(tmp_path).to_pyarrow_table()["n"].to_pylist() == [1]
