"""Small deliveries for tests: records of the `connexcs` source, landed in a home."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from pipelines.assembly import Workplace
from resources.engine import values
from resources.intake.verdicts import judged_day
from resources.ledger.file import FileAccount
from resources.sources import CONNEXCS_FIGURES

COLUMNS = (*CONNEXCS_FIGURES, "branch_idx")

Call = dict[str, str]


def call(callid: str = "a", **changes: str) -> Call:
    """A connected call from London to a UK mobile at noon of 2026-03-06."""
    return {
        "dt": "2026-03-06 12:00:00", "lrn_number": "", "callid": callid,
        "dest_cli": "442079460013", "dest_number": "447802712292", "duration": "60",
        "tech_prefix": "", "customer_id": "101", "customer_charge": "0.5",
        "customer_duration": "60", "customer_card_dest_name": "UK Mobile",
        "customer_card_currency": "GBP", "provider_id": "7", "provider_charge": "0.25",
        "provider_duration": "60", "pdd_out": "900", "provider_card_dest_name": "GB Mobile",
        "provider_card_currency": "USD", "release_reason": "", "sip_code": "200", "dtmf": "",
        "branch_idx": "0", **changes,
    }  # fmt: skip


def csv_text(calls: Iterable[Call], columns: Sequence[str] = COLUMNS) -> str:
    """The records as a file with a header."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(calls)
    return out.getvalue()


def deliver(
    workplace: Workplace,
    name: str,
    calls: Iterable[Call],
    columns: Sequence[str] = COLUMNS,
    source: str = "connexcs",
) -> Path:
    """Lands the records as a file; its path."""
    path = workplace.settings.home / "landing" / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_text(calls, columns), encoding="utf-8")
    return path


def account(workplace: Workplace, name: str) -> FileAccount:
    """What became of the newest file of this name."""
    return [a for a in workplace.files.accounts() if a.file.name == name][-1]


def numbers(workplace: Workplace, name: str) -> dict[str, int]:
    """A file's account, without what is 0."""
    found = account(workplace, name)
    figures = {
        "records": found.file.records or 0,
        "accepted": found.accepted,
        "duplicates": found.duplicates,
        "quarantined": found.file.quarantined or 0,
        "superseded": found.superseded,
    }
    return {key: value for key, value in figures.items() if value}


Key = tuple[str, str, int]
EVER = (date(2000, 1, 1), date(2100, 1, 1))


def counting(workplace: Workplace) -> dict[Key, Decimal]:
    """Day, call and branch of every delivered attempt that counts, with its duration.

    It asks what `cdrs` is made from, which takes no seconds; `built` asks `cdrs` itself.
    """
    found: dict[Key, Decimal] = {}
    for day in workplace.days.known():
        with judged_day(workplace.engine, workplace.lake, day) as session:
            if session is None:
                continue
            table = session.rows(
                "SELECT d.callid, d.branch_idx, d.duration FROM delivered AS d "
                "ANTI JOIN verdicts AS v "
                "ON d.file_id = v.file_id AND d.line = v.line AND d.branch_idx = v.branch_idx "
                "WHERE d.call_date = $day AND d.reasons IS NULL",
                {"day": day},
            )
        for callid, branch, duration in values(table):
            assert (str(day), callid, branch) not in found, "a key counts twice"
            found[(str(day), callid, branch)] = duration
    return found


def built(workplace: Workplace) -> dict[Key, Decimal]:
    """The same of the `cdrs` that are published."""
    files = workplace.lake.files("cdrs", *EVER)
    found: dict[Key, Decimal] = {}
    if files:
        with workplace.engine.connect({"cdrs": files}) as connection:
            rows = connection.execute(
                "SELECT call_date, callid, branch_idx, duration FROM cdrs"
            ).fetchall()
        found = {(str(day), callid, branch): duration for day, callid, branch, duration in rows}
        assert len(found) == len(rows), "a key is there twice"
    return found


def files_in(workplace: Workplace, table: str) -> set[int]:
    """The numbers of the delivered files that have rows in `delivered` or `quarantine`."""
    parts = workplace.lake.parts(table)
    if not parts:
        return set()
    with workplace.engine.connect({"rows": [part.uri for part in parts]}) as connection:
        return {
            row[0] for row in connection.execute("SELECT DISTINCT file_id FROM rows").fetchall()
        }
