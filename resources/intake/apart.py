"""Whether the lake and the ledger are of one time, as what was put back from a backup may not be.

By the deliveries in both. A table of days that is older than the ledger is `damage`: it is made
anew.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from itertools import accumulate

from resources.lake import Lake
from resources.ledger import Days, FileAccount, FileRecord, Files, FileStatus
from resources.ledger.cold import day_of_refused
from resources.listing import some
from resources.parts import Part

WHAT_TO_DO = (
    "one of them was put back from an older copy. Put back lake/ and the ledger from copies of the "
    "same time, or take all landed files in in a new home"
)


BROUGHT = (
    FileStatus.TAKING, FileStatus.TAKEN, FileStatus.WITHDRAWING, FileStatus.WITHDRAWN
)  # fmt: skip
"""Of a file that may have rows in the lake. Of one that is withdrawn the intake takes them out."""


def taken_as(source: str, sha256: str) -> str:
    """The transaction under which a source's content is in the lake."""
    return f"{source}:{sha256}"


def why_apart(lake: Lake, files: Files, days: Days, timezone: str) -> str:
    """Why lake and ledger cannot be of one time, and what to do; blank when nothing says so.

    Also while a night runs: a file is begun in the ledger before its rows are in the lake, and
    taken afterwards.
    """
    taken = [file for file in files.in_status(FileStatus.TAKEN) if file.records]
    parts = {table: lake.parts(table) for table in ("delivered", "quarantine")}
    known = {file.id for file in files.in_status(*BROUGHT)}
    for table, there in parts.items():
        if unknown := sorted(ends(there) - known):
            which = f"{some(unknown)} in {table}"
            return (
                f"the lake holds deliveries that the ledger does not know ({which}): {WHAT_TO_DO}"
            )
    gone = {file.id for file in _not_within(taken, parts["delivered"])}
    if gone:
        gone -= _have_left(files.accounts_of(gone), days, timezone)
    # A copy of this home that was used, too, has given the same numbers to other deliveries.
    newest = taken[-1:]
    as_taken = {taken_as(file.source, file.sha256 or "") for file in newest}
    if newest and not lake.committed("delivered", as_taken):
        gone.add(newest[0].id)
    if gone:
        names = [file.name for file in taken if file.id in gone]
        which = some(names)
        return f"the ledger knows deliveries that are not in the lake ({which}): {WHAT_TO_DO}"
    return ""


def ends(parts: Iterable[Part]) -> set[int]:
    """The lowest and the highest delivery in each file of a table: there for certain."""
    return {end for part in parts for end in (part.first_file, part.last_file)}


def _have_left(gone: Sequence[FileAccount], days: Days, timezone: str) -> set[int]:
    """Those of which all that they have brought is of days whose calls have left the lake."""
    cold = days.cold.out_of_the_lake().keys()
    return {account.file.id for account in gone if _has_left(account, cold, timezone)}


def _has_left(account: FileAccount, cold: Collection[date], timezone: str) -> bool:
    if not cold or not set(account.days) <= set(cold):
        return False
    as_of = day_of_refused(account.days, account.file.taken_at, timezone)
    return not account.file.quarantined or as_of <= max(cold)


def refused_that_are_gone(lake: Lake, files: Files, days: Days) -> list[FileRecord]:
    """The files whose refused records should be in `quarantine` and are not."""
    refused = [file for file in files.in_status(FileStatus.TAKEN) if file.quarantined]
    gone = _not_within(refused, lake.parts("quarantine"))
    cold = days.cold.out_of_the_lake().values() if gone else ()
    left = {file_id for each in cold for file_id in each.counts["refused_of_files"]}
    return [file for file in gone if file.id not in left]


def _not_within(files: Iterable[FileRecord], parts: Iterable[Part]) -> list[FileRecord]:
    is_within = within((part.first_file, part.last_file) for part in parts)
    return [file for file in files if not is_within(file.id)]


def within(ranges: Iterable[tuple[int, int]]) -> Callable[[int], bool]:
    """Tells whether a number is in one of the ranges, their ends included."""
    known = sorted(ranges)
    first = [low for low, _ in known]
    # Ranges overlap where files were merged: the one that begins nearest need not be it.
    last = list(accumulate((high for _, high in known), max))

    def is_within(number: int) -> bool:
        at = bisect_right(first, number)
        return at > 0 and last[at - 1] >= number

    return is_within
