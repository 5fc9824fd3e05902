"""Small deliveries for tests: records of the `connexcs` source, put into a home's landing folder."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipelines.assembly import Workplace
from resources.ledger.files import FileAccount
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
