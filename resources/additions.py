"""Whether a day can be added to instead of being built anew: decisions on what it was made of.

A late file that brings nothing but new calls leaves all that a day holds as it is: its calls become
one more file of the day, and what they add up to one more of its sums. A file that corrects calls,
one that is withdrawn, another number plan, other settings, another program: then the day is built
anew.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeGuard

MOST_PARTS = 8
"""Files of a day; one more, and it is built anew, as one."""

SMALL = 4
"""Of so many calls that are there at most one is added; else building anew is no loss."""


@dataclass(frozen=True)
class MadeOf:
    """What a published day of a table was made of.

    `parts` are the names of its own files. Of `cdrs`: the number of the last delivered file in it,
    and how many there are up to that one. Of the others: the names of the files of `cdrs`.
    """

    mark: str
    parts: tuple[str, ...]
    cdrs: tuple[str, ...] = ()
    last_file: int = 0
    files: int = 0

    def text(self) -> str:
        """As the ledger keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str | None) -> "MadeOf | None":
        """What the ledger has kept; None when that is nothing, or of another program."""
        try:
            kept = json.loads(text or "null")
            return cls(
                kept["mark"], tuple(kept["parts"]), tuple(kept["cdrs"]), kept["last_file"],
                kept["files"],
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            return None


def mark_of(*what: bytes | str) -> str:
    """Stands for all else that decides about a day: it differs when any of it does."""
    digest = hashlib.sha256()
    for each in what:
        data = each.encode() if isinstance(each, str) else each
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def names(files: Iterable[str]) -> tuple[str, ...]:
    """What files are called in the lake, wherever they lie; in order."""
    return tuple(sorted(Path(file).name for file in files))


def last_file_in(
    made: MadeOf | None, rows: int, mark: str, there: Sequence[str], counting: Mapping[int, int]
) -> int:
    """The delivered file behind which all that is new begins; 0 when the day is to be built anew.

    Args:
        made: what the published day of `cdrs` was made of.
        rows: how many it has.
        mark: what else decides about it now.
        there: its files in the lake.
        counting: delivered file → how many of its records count on the day, as settled.
    """
    if not _holds(made, mark, there):
        return 0
    # Of the files that were there some other record counts now if, and only if, fewer of them do:
    # what comes later can only take a record's place.
    before = [count for file, count in counting.items() if file <= made.last_file]
    new = sum(counting.values()) - sum(before)
    if len(before) != made.files or sum(before) != rows or new * SMALL > rows:
        return 0
    return made.last_file


def not_summed(
    made: MadeOf | None, mark: str, there: Sequence[str], cdrs: Sequence[str]
) -> list[str] | None:
    """The files of `cdrs` that a table's published day lacks; None when it is to be built anew."""
    if not _holds(made, mark, there) or not set(made.cdrs) <= set(names(cdrs)):
        return None
    return [file for file in cdrs if Path(file).name not in made.cdrs]


def _holds(made: MadeOf | None, mark: str, there: Sequence[str]) -> TypeGuard[MadeOf]:
    """Whether the day is as the ledger knows it, and may have one more file."""
    return (
        made is not None
        and made.mark == mark
        and made.parts == names(there)
        and 0 < len(there) < MOST_PARTS
    )
