"""Names of customers and providers, and own DIDs, out of the users' files."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from resources.reference import accounts, numbers
from resources.reference.accounts import (
    AccountsError,
    read_customers,
    read_dids,
    read_emails,
    read_ids,
    read_providers,
)
from resources.reference.plan import AreaCode, NumberPlan

PLAN = NumberPlan({"212": AreaCode("212", "geo_us", "US", "NY")}, {}, {})


def test_absent_files_are_empty(tmp_path: Path) -> None:
    assert read_customers(tmp_path) == read_providers(tmp_path) == {}
    assert read_dids(tmp_path) == []


def test_names(tmp_path: Path) -> None:
    text = '\ufeffID, Name ,note\n101,"Sky, Core",x\n\n102,Côte & Co,\n103,,\n102,Côte & Co,\n'
    (tmp_path / "customers.csv").write_bytes(text.replace("\n", "\r\n").encode())
    assert read_customers(tmp_path) == {"101": "Sky, Core", "102": "Côte & Co"}
    assert read_ids(tmp_path / "customers.csv") == {"101", "102", "103"}


def test_a_file_that_has_changed_is_read_again_and_else_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Mock(wraps=accounts._rows)
    monkeypatch.setattr(accounts, "_rows", read)
    path = tmp_path / "customers.csv"
    assert read_customers(tmp_path) == {}
    path.write_text("id,name,email\n101,SkyCore,a@example.com\n")
    for _ in range(3):
        assert read_customers(tmp_path) == {"101": "SkyCore"}
        assert read_emails(path) == {"101": "a@example.com"}
    assert read.call_count == 3  # names before there was a file; names and addresses of this one
    read_emails(path).clear()
    read_customers(tmp_path).clear()
    assert (len(read_emails(path)), len(read_customers(tmp_path))) == (1, 1)
    path.write_text("id,name,email\n101,Skylink,b@example.com\n")
    assert read_customers(tmp_path) == {"101": "Skylink"}
    assert read_emails(path) == {"101": "b@example.com"}
    path.unlink()
    assert read_emails(path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"number,name\n1,A\n", "customers.csv, line 1: the header is 'number,name'"),
        (b"id,name\n1,A\n1,B\n", "line 3: id '1' is 'B' here and 'A' in line 2"),
        (b"id,name\n,A\n", "line 2: no id for 'A'"),
        (b"id,name\n7\n", "line 2: 1 fields"),
        (b"id,name\n7,Sky, Core\n", "line 2: 3 fields .* double quotes"),
        (b"id,name\n7,C\xf4te\n", "not UTF-8 at byte 11"),
        (b'id,name\n6,A\n7,"B\n8,C\n', "after line 2: .*; is a double quote not closed?"),
    ],
)
def test_unfit_names(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "customers.csv").write_bytes(content)
    with pytest.raises(AccountsError, match=message):
        read_customers(tmp_path)


@pytest.mark.parametrize("header", ["number", "DID", "number,owner"])
def test_dids(tmp_path: Path, header: str) -> None:
    text = f"{header}\n+1 (212) 226-0001,me\n2122260002\n00442079460013\n12122260001\n"
    (tmp_path / "dids.csv").write_text(text)
    assert read_dids(tmp_path) == ["12122260001", "2122260002", "442079460013"]
    assert read_dids(tmp_path, PLAN) == ["12122260001", "12122260002", "442079460013"]


def test_own_numbers_are_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two million are own, each process that builds a day reads them all."""
    monkeypatch.setattr(numbers, "Number", None)
    (tmp_path / "dids.csv").write_text("number\n(212) 226-0002\n+44 20 7946 0013\n9992220015\n")
    assert read_dids(tmp_path, PLAN) == ["12122260002", "442079460013", "9992220015"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("owner,number\nme,1\n", "line 1: the first column is 'owner'"),
        ("number\nanonymous\n", "line 2: 'anonymous' is no telephone number"),
        ("number\n911\n", "line 2: '911' is no telephone number"),
    ],
)
def test_unfit_dids(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "dids.csv").write_text(text)
    with pytest.raises(AccountsError, match=message):
        read_dids(tmp_path)
