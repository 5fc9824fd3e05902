"""What the ledger is asked of its files' accounts, so that it reads those that are meant only."""

import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Engine, RowMapping, and_, false, func, or_, select

from resources.ledger.file import NUMBERS, FileAccount, FileRecord, FileStatus
from resources.ledger.schema import file_days, files

Where = ColumnElement[bool]


@dataclass(frozen=True)
class Listed:
    """The newest of the files that were asked for; how many there are, and the sums of all."""

    accounts: list[FileAccount]
    count: int
    sums: dict[str, int]


def accounts(engine: Engine, where: Where) -> list[FileAccount]:
    """Files with what became of their records, by number."""
    with engine.connect() as connection:
        sums: dict[int, tuple[int, int, int]] = {}
        days: dict[int, list[date]] = {}
        for row in connection.execute(
            select(file_days)
            .join(files, files.c.id == file_days.c.file_id)
            .where(where)
            .order_by(file_days.c.file_id, file_days.c.call_date)
        ):
            before = sums.get(row.file_id, (0, 0, 0))
            sums[row.file_id] = (
                before[0] + row.delivered,
                before[1] + row.duplicates,
                before[2] + row.superseded,
            )
            days.setdefault(row.file_id, []).append(row.call_date)
        found = []
        for row in connection.execute(select(files).where(where).order_by(files.c.id)):
            delivered, duplicates, superseded = sums.get(row.id, (0, 0, 0))
            found.append(
                FileAccount(
                    record_of(row._mapping),
                    delivered - duplicates,
                    duplicates,
                    superseded,
                    tuple(days.get(row.id, ())),
                )
            )
        return found


def newest(engine: Engine, count: int, where: Where) -> Listed:
    """The newest so many files, the newest first; count and sums are of all of them."""
    taken = and_(where, files.c.status == FileStatus.TAKEN)  # what others have counts for nothing

    def total(column: ColumnElement[int]) -> ColumnElement[int]:
        return func.coalesce(func.sum(column), 0)

    with engine.connect() as connection:
        ids = select(files.c.id).where(where).order_by(files.c.id.desc()).limit(count)
        numbers = [row.id for row in connection.execute(ids)]
        there = connection.scalar(select(func.count()).select_from(files).where(where))
        of_files = select(total(files.c.records), total(files.c.quarantined)).where(taken)
        records, quarantined = connection.execute(of_files).one()
        of_days = (file_days.c[name] for name in ("delivered", "duplicates", "superseded"))
        delivered, duplicates, superseded = connection.execute(
            select(*map(total, of_days))
            .select_from(file_days.join(files, files.c.id == file_days.c.file_id))
            .where(taken)
        ).one()
    sums = (records, delivered - duplicates, duplicates, quarantined, superseded)
    return Listed(
        accounts(engine, files.c.id.in_(numbers))[::-1],
        there or 0,
        dict(zip(NUMBERS, map(int, sums), strict=True)),
    )


def called(wanted: str) -> Where:
    """Tells the files that somebody may mean by a text."""
    if not _is_text(wanted):
        return false()
    source, _, name = wanted.partition("/")
    meant = [files.c.name == wanted, (files.c.source == source) & (files.c.name == name)]
    if re.fullmatch(r"[1-9][0-9]{0,17}", wanted):
        meant.append(files.c.id == int(wanted))
    if len(wanted) >= 8:
        meant.append(func.substr(files.c.sha256, 1, len(wanted)) == wanted)
    return or_(*meant)


def named(name: str, status: str) -> Where:
    """Tells the files in whose names a text is, whatever its case, and that are in a state; blank
    is any.
    """
    if not (_is_text(name) and _is_text(status)):
        return false()
    return and_(
        files.c.id.is_not(None),
        *([files.c.name.icontains(name, autoescape=True)] if name else []),
        *([files.c.status == status] if status else []),
    )


def record_of(row: RowMapping) -> FileRecord:
    """A row of the table of files."""
    values: dict[str, object] = {str(name): value for name, value in row.items()}
    values["status"] = FileStatus(str(values["status"]))
    return FileRecord(**values)  # type: ignore[arg-type]


def _is_text(wanted: str) -> bool:
    """Whether a database can be asked for it at all."""
    try:
        wanted.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in wanted
