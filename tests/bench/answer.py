"""What every side of the bench must answer alike, to the last place, before its time counts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

ACCOUNT = ("records", "accepted", "duplicates", "quarantined", "superseded")


@dataclass(frozen=True)
class Answer:
    """The file's account, and two questions to the tables of sums.

    `breakout`: (customer, its currency, the provider's currency) → attempts, connected, seconds
    talked, customer charge, provider charge. `usa`: (jurisdiction by state, by LATA) → attempts,
    seconds talked. `places`: (side, LATA) → attempts, customer charge. Sums are exact.
    """

    account: Mapping[str, int]
    breakout: Mapping[tuple[Any, ...], tuple[Decimal, ...]]
    usa: Mapping[tuple[Any, ...], tuple[Decimal, ...]]
    places: Mapping[tuple[Any, ...], tuple[Decimal, ...]]


def write(
    path: Path,
    account: Sequence[int],
    breakout: Iterable[Sequence[Any]],
    usa: Iterable[Sequence[Any]],
    places: Iterable[Sequence[Any]],
) -> None:
    """Writes an answer as rows: three keys and five sums, two and two, two and two."""
    tables = {
        name: [[None if value is None else str(value) for value in row] for row in rows]
        for name, rows in (("breakout", breakout), ("usa", usa), ("places", places))
    }
    named = dict(zip(ACCOUNT, map(int, account), strict=True))
    path.write_text(json.dumps({"account": named, **tables}))


def read(path: Path) -> Answer:
    """Reads what `write` has written."""
    told = json.loads(path.read_text())

    def summed(name: str, keys: int) -> dict[tuple[Any, ...], tuple[Decimal, ...]]:
        return {tuple(row[:keys]): tuple(map(Decimal, row[keys:])) for row in told[name]}

    return Answer(told["account"], summed("breakout", 3), summed("usa", 2), summed("places", 2))


def differences(wanted: Answer, found: Answer) -> list[str]:
    """Where two answers are not the same, in words."""
    different = []
    for table in ("account", "breakout", "usa", "places"):
        ours, theirs = getattr(wanted, table), getattr(found, table)
        if not ours:
            different.append(f"{table}: empty")
        different += [
            f"{table} {key}: {theirs.get(key)} instead of {ours.get(key)}"
            for key in sorted({*ours, *theirs}, key=str)
            if ours.get(key) != theirs.get(key)
        ]
    return different


def ours(home: Path, day: date, out: Path) -> None:
    """Writes the answer of a home's lake and ledger about the one day that it holds."""
    # Not at the top: the peers, which write their answers with this module, need none of it.
    from pipelines.assembly import Workplace
    from pipelines.settings import load_settings
    from resources.held import CDRS

    workplace = Workplace(load_settings(home=home))
    accounts = workplace.files.accounts()
    sums = {
        name: workplace.lake.files(name, day, day)
        for name in ("breakout_daily", "usa_calls_daily", "usa_rate_center_daily")
    }
    with workplace.engine.connect(sums) as connection:
        breakout, usa, places = (
            connection.execute(text).fetchall()
            for text in (
                "SELECT customer_id, customer_currency, provider_currency, sum(attempts), "
                "sum(connected), sum(duration), sum(customer_charge), sum(provider_charge) "
                "FROM breakout_daily GROUP BY ALL",
                "SELECT jurisdiction_state, jurisdiction_lata, sum(attempts), sum(duration) "
                "FROM usa_calls_daily GROUP BY ALL",
                "SELECT side, lata, sum(attempts), sum(customer_charge) "
                "FROM usa_rate_center_daily GROUP BY ALL",
            )
        )
    records = sum(a.file.records or 0 for a in accounts)
    quarantined = sum(a.file.quarantined or 0 for a in accounts)
    duplicates = sum(a.duplicates for a in accounts)
    superseded = sum(a.superseded for a in accounts)
    assert workplace.lake.files(CDRS, day, day)
    account = (records, records - duplicates - quarantined, duplicates, quarantined, superseded)
    write(out, account, breakout, usa, places)
