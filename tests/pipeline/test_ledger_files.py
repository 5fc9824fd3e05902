"""Delivered files in the ledger: found by what people call them, without reading all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy import update

from pipelines.alerts import troubles_of
from pipelines.assembly import Workplace
from resources.intake.apart import within
from resources.ledger import accounts, parts
from resources.ledger.file import FileStatus, UnknownFile
from resources.ledger.schema import files as files_table
from tests.pipeline.home import make_home

DAY = date(2026, 3, 6)


@pytest.fixture
def many(tmp_path: Path) -> Workplace:
    """A home whose ledger knows twelve files: `n.csv` has n records, the sixth was withdrawn."""
    workplace = make_home(tmp_path)
    for n in range(1, 13):
        number = workplace.files.begin("connexcs", f"{n}.csv", f"{n}-1", n)
        workplace.files.stage(number, f"{n:08d}{'a' * 56}", "[]")
        workplace.files.take(number, n, {}, 0, {DAY: n - 1, DAY + timedelta(days=1): 1})
    workplace.files.end_withdrawal(6)
    again = workplace.files.begin("asterisk", "4.csv", "4-2", 4)
    workplace.files.fail(again, "no text")
    return workplace


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Counts the files that are read with all that is known of them."""
    counted = Mock(wraps=accounts.record_of)
    monkeypatch.setattr(accounts, "record_of", counted)
    return counted


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("7", 7), ("7.csv", 7), ("connexcs/7.csv", 7), ("00000007", 7), ("00000007" + "a" * 56, 7),
        ("6.csv", 6), ("4.csv", 4), ("asterisk/4.csv", 13),
    ],
)  # fmt: skip
def test_a_file_is_found_by_what_it_is_called(
    many: Workplace, read: Mock, wanted: str, found: int
) -> None:
    account = many.files.account(wanted)
    assert account.file.id == found
    if account.file.status is FileStatus.TAKEN:
        assert (account.file.records, account.accepted) == (found, found)
        assert account.days == (DAY, DAY + timedelta(days=1))
    assert read.call_count <= 2  # not the others, which may be hundreds of thousands


@pytest.mark.parametrize(
    "wanted",
    ["", "0", "07", "14", "9" * 40, "7.cs", "7_csv", "0000000", "AAAAAAAA", "/7.csv", "connexcs/7",
     "asterisk/7.csv", "%", "a\0b", "\udc80"],
)  # fmt: skip
def test_what_no_file_is_called(many: Workplace, wanted: str) -> None:
    with pytest.raises(UnknownFile, match="cdr-reports files"):
        many.files.account(wanted)


def test_files_by_number_are_more_than_a_statement_takes(
    many: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "AT_ONCE", 5)
    found = many.files.accounts_of([13, *range(1, 9), 1, 99])
    assert [a.file.id for a in found] == [*range(1, 9), 13]
    assert found == [a for a in many.files.accounts() if a.file.id in (*range(1, 9), 13)]


def test_the_newest_files_are_listed_with_the_sums_of_all(many: Workplace, read: Mock) -> None:
    found = many.files.newest(3)
    assert [a.file.id for a in found.accounts] == [13, 12, 11]
    assert (found.count, read.call_count) == (13, 3)
    # 1 + ... + 12, without the sixth; its own was taken out again, the last one has failed.
    assert found.sums == {
        "records": 72, "accepted": 72, "duplicates": 0, "quarantined": 0, "superseded": 0
    }  # fmt: skip
    found = many.files.newest(3, "4.CSV", "failed")
    assert [a.file.name for a in found.accounts] == ["4.csv"]
    assert found.sums["records"] == 0
    assert [a.file.id for a in many.files.newest(9, "1").accounts] == [12, 11, 10, 1]
    for nothing in ("%", "_", "\0", "\udc80"):
        assert many.files.newest(9, nothing).count == 0
    assert many.files.newest(9, "", "no such").accounts == []


def test_an_alert_reads_the_newest_files_only(many: Workplace, read: Mock) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8)
    many.files.same_fact("alerts since", long_ago.isoformat())
    with many.files.engine.begin() as connection:
        old = update(files_table).where(files_table.c.id < 13)
        connection.execute(old.values(taken_at=long_ago))
    instance = Mock()
    instance.get_run_records.return_value = []
    instance.event_log_storage.get_asset_check_execution_history.return_value = []
    found = [trouble.title for trouble in troubles_of(many, instance)]
    assert "file asterisk/4.csv could not be taken" in found
    assert read.call_count == 1


def test_an_intake_without_news_reads_no_account(tmp_path: Path, read: Mock) -> None:
    workplace = make_home(tmp_path)
    for n in range(5):
        number = workplace.files.begin("connexcs", f"{n}.csv", f"{n}-1", n)
        workplace.files.take(number, 0, {}, 0, {})
    assert workplace.intake.run() == []
    assert not read.called


def test_a_number_is_within_ranges_that_overlap() -> None:
    is_within = within([(3, 4), (12, 12), (2, 9)])
    assert [n for n in range(15) if is_within(n)] == [2, 3, 4, 5, 6, 7, 8, 9, 12]
    assert not within([])(1)
