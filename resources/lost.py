"""Tables that are older than the ledger knows them: removed, or put back from an older copy.

For who reads them before the next intake has their days built anew. It goes by their versions,
which is quick; the intake looks at the days' files, too (`resources.intake.damage`).
"""

from collections.abc import Iterable
from datetime import date

from resources.held import CDRS, TABLES
from resources.lake import Lake
from resources.ledger import Days


def lost_to_reports(lake: Lake, days: Days) -> set[date]:
    """The days that a report may have other figures of than were published last.

    Of a lake in a bucket, where each look costs requests, by the table that every day is in.
    """
    return lost_days(lake, days, (CDRS, *TABLES) if lake.copies is None else TABLES[:1])


def lost_days(lake: Lake, days: Days, tables: Iterable[str]) -> set[date]:
    """The days that the ledger has as built, and that one of the tables does not hold so."""
    # First the ledger: what is published meanwhile makes a table newer, and no day lost.
    noted = days.lake_versions()
    older = {table: lake.version(table) for table in tables}
    return {
        day
        for table, version in older.items()
        if version < noted.get(table, -1)
        for day, build in days.builds(table).items()
        if build.lake_version > version
    }
