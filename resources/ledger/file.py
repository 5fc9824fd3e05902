"""What the ledger knows of a delivered file: where it stands, and its account."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class FileStatus(StrEnum):
    """Where a delivered file stands.

    `taking` is a file whose rows are on their way (or whose taker died); `copy` has the content
    of another one under a new name; `withdrawing` is on its way out.
    """

    TAKING = "taking"
    TAKEN = "taken"
    FAILED = "failed"
    COPY = "copy"
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class FileRecord:
    """A delivered file. `token` is what a scan of the folder sees of it: size, time of change."""

    id: int
    source: str
    name: str
    token: str
    size: int
    sha256: str | None
    status: FileStatus
    reason: str | None
    header: str | None
    taken_at: datetime
    records: int | None
    quarantined: int | None


class Standing(NamedTuple):
    """What tells whether there is news of a file, without its account."""

    id: int
    source: str
    name: str
    status: str
    reason: str | None
    records: int | None


NUMBERS = ("records", "accepted", "duplicates", "quarantined", "superseded")
"""What an account says of a file's records, in the order in which people are shown it."""


@dataclass(frozen=True)
class FileAccount:
    """What became of a file's records: `records == accepted + duplicates + quarantined`."""

    file: FileRecord
    accepted: int
    duplicates: int
    superseded: int
    days: tuple[date, ...]

    @property
    def numbers(self) -> dict[str, int | None]:
        """What it says, by `NUMBERS`; None each while the file is not taken."""
        if self.file.status is not FileStatus.TAKEN:
            return dict.fromkeys(NUMBERS)
        of = self.file
        values = (of.records, self.accepted, self.duplicates, of.quarantined, self.superseded)
        return dict(zip(NUMBERS, values, strict=True))

    @property
    def days_in_words(self) -> str:
        """The days of the file's records; of many the first and the last."""
        if len(self.days) <= 3:
            return ", ".join(map(str, self.days))
        return f"{self.days[0]} to {self.days[-1]} ({len(self.days)} days)"


class UnknownFile(Exception):
    """No delivered file goes by that name or number."""
