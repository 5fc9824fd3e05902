"""How far clocks are ahead of UTC, by the tables that the SQL of the intake reads."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from resources.zones import ahead_of_utc

FIRST, LAST = date(2019, 12, 30), date(2027, 1, 2)


@cache
def days(zone: str, local: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ahead_of_utc(zone, FIRST, LAST, local).to_pylist()
    return found


def ahead(zone: str, at: datetime, local: bool = False) -> int:
    """What the table says of a time, read as the SQL reads it."""
    row = days(zone, local)[(at.date() - FIRST).days]
    later = row["later_from"] is not None and at >= row["later_from"]
    return int(row["later_seconds"] if later else row["seconds"])


@pytest.mark.parametrize(
    "zone",
    ["UTC", "Asia/Kathmandu", "America/New_York", "Pacific/Chatham", "Australia/Lord_Howe",
     "America/Santiago", "Africa/Casablanca"],
)  # fmt: skip
def test_the_tables_are_the_clocks(zone: str) -> None:
    """Each half hour around the changes, and each sixth hour otherwise, of seven years."""
    clock, at = ZoneInfo(zone), datetime(2020, 1, 1, tzinfo=UTC)
    while at.year < 2027:
        shown = at.astimezone(clock)
        assert timedelta(seconds=ahead(zone, at.replace(tzinfo=None))) == shown.utcoffset(), at
        local = shown.replace(tzinfo=None)
        again = shown.replace(fold=1).astimezone(UTC)
        if again == at:  # the second turn of what is shown twice, or shown once
            assert timedelta(seconds=ahead(zone, local, local=True)) == shown.utcoffset(), local
        tomorrow = (at + timedelta(hours=6)).astimezone(clock).utcoffset()
        at += timedelta(hours=6) if tomorrow == shown.utcoffset() else timedelta(minutes=30)


@pytest.mark.parametrize(
    ("local", "seconds"),
    [
        ("2026-03-29 00:59:59", 0),
        ("2026-03-29 01:30:00", 0),  # left out by the clocks
        ("2026-03-29 02:00:00", 3600),
        ("2026-10-25 00:59:59", 3600),
        ("2026-10-25 01:00:00", 0),  # the second turn
    ],
)
def test_local_times_of_a_change(local: str, seconds: int) -> None:
    assert ahead("Europe/London", datetime.fromisoformat(local), local=True) == seconds
