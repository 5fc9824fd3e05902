"""The ledger's account of delivered files: what was taken in, what of it counts, what failed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Engine, and_, delete, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from resources.ledger.accounts import Listed, accounts, called, named, newest, record_of
from resources.ledger.file import FileAccount, FileRecord, FileStatus, Standing, UnknownFile
from resources.ledger.parts import in_parts
from resources.ledger.schema import days as days_table
from resources.ledger.schema import facts, file_days, file_reasons, files

UNREACHED = ""
"""The token of a file that could not be read: no scan sees one that equals it."""


_BROUGHT = (FileStatus.TAKEN, FileStatus.WITHDRAWING, FileStatus.WITHDRAWN)
"""Of a file that brought content of its own, whatever became of it."""


@dataclass(frozen=True)
class Files:
    """Delivered files in the ledger."""

    engine: Engine

    def seen(self, source: str) -> dict[str, list[str]]:
        """The tokens, by name, of all files of a source that a scan need not look at again."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(files.c.name, files.c.token).where(
                    files.c.source == source, files.c.status != FileStatus.TAKING
                )
            )
            found: dict[str, list[str]] = {}
            for row in rows:
                found.setdefault(row.name, []).append(row.token)
            return found

    def begin(self, source: str, name: str, token: str, size: int) -> int:
        """The number of a file whose rows are on their way: the same one when it was begun before.

        One that could not be reached the last time gets a new one, behind those that were taken
        since: what is taken later counts.
        """
        with self.engine.begin() as connection:
            of_name = and_(files.c.source == source, files.c.name == name)
            begun = and_(files.c.token == token, files.c.status == FileStatus.TAKING)
            row = connection.execute(select(files.c.id).where(of_name, begun)).first()
            if row:
                return int(row.id)
            # Also one that is tried again as it was: it stands in the list once.
            same = and_(files.c.token.in_((UNREACHED, token)), files.c.status == FileStatus.FAILED)
            connection.execute(delete(files).where(of_name, same))
            made = connection.execute(
                insert(files).values(
                    source=source,
                    name=name,
                    token=token,
                    size=size,
                    status=FileStatus.TAKING,
                    taken_at=datetime.now(UTC),
                )
            ).inserted_primary_key
            return int(made[0]) if made else 0

    def with_content(self, source: str, sha256: str) -> FileRecord | None:
        """The file of the source that brought this content, taken or withdrawn."""
        with self.engine.connect() as connection:
            row = connection.execute(
                select(files)
                .where(
                    files.c.source == source,
                    files.c.sha256 == sha256,
                    files.c.status.in_(_BROUGHT),
                )
                .order_by(files.c.id)
            ).first()
            return record_of(row._mapping) if row else None

    def fail(self, file_id: int, reason: str, passing: bool = False) -> None:
        """Marks a file that could not be taken; of a `passing` failure the next scan finds it new.

        Another one is looked at again when the file has changed.
        """
        token = {"token": UNREACHED} if passing else {}
        self._set(file_id, status=FileStatus.FAILED, reason=reason, **token)

    def is_copy(self, file_id: int, of: str, sha256: str) -> None:
        """Marks a file that brings what another one, by its name, has brought before.

        One whose content was the same the last time, and which was only touched, stands in the list
        once: as it was.
        """
        with self.engine.begin() as connection:
            row = connection.execute(select(files).where(files.c.id == file_id)).one()
            last = connection.execute(
                select(files.c.id, files.c.sha256)
                .where(
                    files.c.source == row.source,
                    files.c.name == row.name,
                    files.c.id != file_id,
                    files.c.status.in_((*_BROUGHT, FileStatus.COPY)),
                )
                .order_by(files.c.id.desc())
            ).first()
            if last is not None and last.sha256 == sha256:
                connection.execute(
                    update(files).where(files.c.id == last.id).values(token=row.token)
                )
                connection.execute(delete(files).where(files.c.id == file_id))
                return
            connection.execute(
                update(files)
                .where(files.c.id == file_id)
                .values(status=FileStatus.COPY, reason=f"same content as {of}", sha256=sha256)
            )

    def stage(self, file_id: int, sha256: str, header: str) -> None:
        """Notes what a file brings before its rows go into the lake."""
        self._set(file_id, sha256=sha256, header=header)

    def forget(self, file_id: int) -> None:
        """Drops a file that was begun and of which nothing is in the lake."""
        with self.engine.begin() as connection:
            connection.execute(delete(files).where(files.c.id == file_id))

    def take(
        self,
        file_id: int,
        records: int,
        reasons: Mapping[str, int],
        quarantined: int,
        per_day: Mapping[date, int],
    ) -> None:
        """Settles a file whose rows are in the lake, and makes its days stale, in one step."""
        with self.engine.begin() as connection:
            connection.execute(
                update(files)
                .where(files.c.id == file_id)
                .values(
                    status=FileStatus.TAKEN,
                    reason=None,
                    records=records,
                    quarantined=quarantined,
                )
            )
            for table in (file_reasons, file_days):
                connection.execute(delete(table).where(table.c.file_id == file_id))
            for reason, count in reasons.items():
                connection.execute(
                    insert(file_reasons).values(file_id=file_id, reason=reason, records=count)
                )
            for day, count in per_day.items():
                connection.execute(
                    insert(file_days).values(
                        file_id=file_id, call_date=day, delivered=count, duplicates=0, superseded=0
                    )
                )
                _touch(connection, day)

    def begin_withdrawal(self, file_id: int) -> None:
        """From here on the file is on its way out, whatever dies."""
        self._set(file_id, status=FileStatus.WITHDRAWING)

    def end_withdrawal(self, file_id: int) -> None:
        """The file's rows have left the lake: its days are stale, its account is empty."""
        with self.engine.begin() as connection:
            days = connection.execute(
                select(file_days.c.call_date).where(file_days.c.file_id == file_id)
            )
            for row in days.all():
                _touch(connection, row.call_date)
            connection.execute(delete(file_days).where(file_days.c.file_id == file_id))
            connection.execute(
                update(files).where(files.c.id == file_id).values(status=FileStatus.WITHDRAWN)
            )

    def in_status(self, *status: FileStatus) -> list[FileRecord]:
        """All files in one of these states, by number."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(files).where(files.c.status.in_(status)).order_by(files.c.id)
            )
            return [record_of(row._mapping) for row in rows]

    def settle_day(self, day: date, verdicts: Mapping[int, tuple[int, int]]) -> None:
        """Writes who duplicates and who is superseded on a day: file → (duplicates, superseded)."""
        with self.engine.begin() as connection:
            rows = connection.execute(
                select(file_days.c.file_id).where(file_days.c.call_date == day)
            ).all()
            for row in rows:
                duplicates, superseded = verdicts.get(row.file_id, (0, 0))
                connection.execute(
                    update(file_days)
                    .where(file_days.c.file_id == row.file_id, file_days.c.call_date == day)
                    .values(duplicates=duplicates, superseded=superseded)
                )

    def counting(self, day: date) -> dict[int, int]:
        """How many records of each file count on a day: all accepted ones less those that are
        superseded.
        """
        with self.engine.connect() as connection:
            rows = connection.execute(select(file_days).where(file_days.c.call_date == day))
            return {row.file_id: row.delivered - row.duplicates - row.superseded for row in rows}

    def repeats(self, day: date) -> bool:
        """Whether the day's settled account knows of a key that was delivered more than once."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(file_days).where(file_days.c.call_date == day))
            return any(row.duplicates or row.superseded for row in rows)

    def standing(self) -> list[Standing]:
        """All files, by number: a home has hundreds of thousands after years."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(*(files.c[name] for name in Standing._fields)).order_by(files.c.id)
            )
            return [Standing(*row) for row in rows]

    def accounts(self, since: datetime | None = None) -> list[FileAccount]:
        """Files with what became of their records, by number: all, or those begun since then."""
        return accounts(self.engine, true() if since is None else files.c.taken_at >= since)

    def accounts_of(self, numbers: Iterable[int]) -> list[FileAccount]:
        """Those of these files, by number."""
        parts = in_parts(sorted(set(numbers)))
        return [each for part in parts for each in accounts(self.engine, files.c.id.in_(part))]

    def account(self, wanted: str) -> FileAccount:
        """One file by number, name, `source/name` or beginning of its hash; newest if several.

        Raises UnknownFile.
        """
        matches = accounts(self.engine, called(wanted))
        taken = [a for a in matches if a.file.status is FileStatus.TAKEN]
        if not matches:
            raise UnknownFile(f"no file {wanted!r}; `cdr-reports files` lists them")
        return (taken or matches)[-1]

    def newest(self, count: int, name: str = "", status: str = "") -> Listed:
        """The newest files, newest first, in whose names a text is and that are in a state."""
        return newest(self.engine, count, named(name, status))

    def reasons(self, file_id: int) -> dict[str, int]:
        """How many records of a file were refused for each reason (one may have several)."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(file_reasons.c.reason, file_reasons.c.records)
                .where(file_reasons.c.file_id == file_id)
                .order_by(file_reasons.c.reason)
            )
            return {row.reason: row.records for row in rows}

    def same_fact(self, name: str, value: str) -> str:
        """Keeps a fact that must not change over the ledger's life; returns the one kept."""
        try:
            with self.engine.begin() as connection:
                connection.execute(insert(facts).values(name=name, value=value))
                return value
        except IntegrityError:  # there is one; another process may have been a moment earlier
            return str(self.fact(name))

    def fact(self, name: str) -> str | None:
        """A fact that is kept, None when it is not."""
        with self.engine.connect() as connection:
            found: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == name))
            return found

    def _set(self, file_id: int, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(files).where(files.c.id == file_id).values(**values))


def of_other_zone(kept: str | None, timezone: str) -> str:
    """Why a home whose days are those of a time zone cannot be used with another; blank if it can.

    `kept` is the ledger's fact, None before the first intake.
    """
    if kept in (None, timezone):
        return ""
    return (
        f"CDR_REPORTS_TIMEZONE is {timezone}, but the days in this home are those of {kept}; "
        "set it back, or take the files in again in a new home"
    )


def merge_reasons(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Counts of reason lists (`a,b` → 3) as counts of each reason."""
    merged: dict[str, int] = {}
    for reasons, count in counts:
        for reason in reasons.split(","):
            merged[reason] = merged.get(reason, 0) + count
    return merged


def _touch(connection: object, day: date) -> None:
    """The day has a new version: whatever was built from an older one is stale."""
    where = days_table.c.call_date == day
    changed = connection.execute(  # type: ignore[attr-defined]
        update(days_table).where(where).values(version=days_table.c.version + 1)
    )
    if not changed.rowcount:
        connection.execute(  # type: ignore[attr-defined]
            insert(days_table).values(call_date=day, version=1)
        )
