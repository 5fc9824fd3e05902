"""Sums that a run's reports share: the figures of each account are those of the stored rows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from resources.reporting.breakout import BREAKOUT
from resources.reporting.figures import make_table, request_for
from resources.reporting.interfaces import Reporting
from resources.reporting.query import connect
from resources.reporting.request import Asked
from resources.reporting.shared import OFTEN, Shared
from tests.unit.report_tables import DAYS, reporting

COLUMNS = "attempts,connected,duration,customer_charge_usd,asr"
WANTED = {
    "101": (12, 4, Decimal(600), Decimal(10), Decimal(4) / 12),
    "102": (5, 1, Decimal(60), Decimal(1), Decimal(1) / 5),
    "103": (3, 3, Decimal(90), None, Decimal(1)),
    "104": None,
}


def shared(folder: Path) -> Reporting:
    stored = reporting(folder)
    return replace(stored, summed=Shared(lambda: connect(stored)).narrowed)


def rows(of: Reporting, customer: str, group_by: str = "customer_id") -> list[tuple[Any, ...]]:
    asked = Asked(group_by=group_by, columns=COLUMNS)
    request = request_for(of, BREAKOUT, asked, DAYS, people=False)
    table = make_table(of, replace(request, customers=(customer,)), people=False)
    return [row[: table.shown] for row in table.each()]


def test_each_account_has_its_own_figures(tmp_path: Path) -> None:
    of = shared(tmp_path)
    for _ in range(OFTEN + 1):
        rows(of, "101")
    for customer, wanted in WANTED.items():
        found = rows(of, customer)
        assert [row[0] for row in found] == ([customer] if wanted else [])
        if wanted:
            assert found[0][1:5] == wanted[:4]
            assert round(found[0][5], 6) == round(wanted[4], 6)


def test_days_stay_apart_where_they_are_asked_for(tmp_path: Path) -> None:
    of = shared(tmp_path)
    for _ in range(OFTEN + 1):
        rows(of, "101", "date")
    found = rows(of, "101", "date")
    assert [(str(row[0]), row[1]) for row in found] == [("2026-03-06", 10), ("2026-03-07", 2)]


def test_the_stored_rows_are_read_once(tmp_path: Path) -> None:
    of = shared(tmp_path)
    for _ in range(OFTEN + 1):
        rows(of, "101")
    kept = sorted(tmp_path.rglob("call_date=*/*.parquet"))
    for path in kept:  # nobody opens what is no Parquet any more
        path.write_bytes(b"lost")
    assert rows(of, "102")[0][1] == 5


def test_where_no_sums_can_be_made_the_stored_rows_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full() -> duckdb.DuckDBPyConnection:
        raise OSError(28, "No space left on device")

    of = replace(reporting(tmp_path), summed=Shared(full).narrowed)
    for _ in range(OFTEN + 3):
        assert rows(of, "102")[0][1] == 5
    assert caplog.text.count("were not made") == 1
