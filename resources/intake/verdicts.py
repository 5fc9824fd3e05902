"""Which deliveries of a day count: the verdict on repeated keys, and the files' accounts of it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import sql
from resources.engine import ModelEngine, Session, values
from resources.intake.kept import MOST, KeptVerdicts
from resources.lake import Lake
from resources.ledger import Days, Files

ACCOUNTS = "accounts"
"""The name under which the ledger notes that a day's accounts are settled."""


@contextmanager
def judged_day(
    engine: ModelEngine,
    lake: Lake,
    day: date,
    kept: KeptVerdicts | None = None,
    repeats: bool = True,
) -> Iterator[Session | None]:
    """A session with `delivered` and `verdicts` of a day; None when nothing was delivered.

    Two steps: finding the repeated keys reads three columns, and only when there are any the
    whole rows are compared. Neither is done where they are kept, or with `repeats` False, as it is
    known that there are none.
    """
    files = lake.delivered(day)
    if not files:
        yield None
        return
    with engine.session({"delivered": files}) as session:
        known = kept.read(day, files) if kept else None
        if known is not None:
            session.add("verdicts", known)
            yield session
            return
        for name, limit in (("repeated", "" if repeats else "LIMIT 0"), ("verdicts", "")):
            session.keep(name, f"{sql.text(f'delivered/{name}')} {limit}", {"day": day})
        if kept and repeats:
            some = session.rows(f"SELECT * FROM verdicts LIMIT {MOST + 1}", {})
            kept.write(day, files, some)
        yield session


def settle_days(
    engine: ModelEngine, lake: Lake, files: Files, days: Days, kept: KeptVerdicts
) -> list[date]:
    """Brings the files' accounts of all days with new deliveries up to date; those days."""
    settled = []
    for stale in days.stale([ACCOUNTS]):
        verdicts: dict[int, tuple[int, int]] = {}
        with judged_day(engine, lake, stale.day, kept) as session:
            if session is not None:
                rows = values(session.rows(sql.text("delivered/day_account"), {}))
                verdicts = {row[0]: (int(row[1]), int(row[2])) for row in rows}
        files.settle_day(stale.day, verdicts)
        days.built(ACCOUNTS, stale.day, stale.version, -1, len(verdicts))
        settled.append(stale.day)
    return settled


def on_two_dates(engine: ModelEngine, lake: Lake, touched: Collection[date]) -> Iterator[str]:
    """What to say of call ids that stand on a touched day and on the day before or after it.

    They count on both. Days further apart are not compared: that would read the whole lake, and a
    call that changes its date does so around midnight.
    """
    pairs = {(d + timedelta(n), d + timedelta(n + 1)) for d in touched for n in (-1, 0)}
    for day, other in sorted(pairs):
        both = [lake.delivered(day), lake.delivered(other)]
        if not all(both):
            continue
        with engine.session({"delivered": sorted({*both[0], *both[1]})}) as session:
            days = {"day": day, "other": other}
            session.keep("calls", sql.text("delivered/on_two_dates"), days)
            [(count,)] = values(session.rows("SELECT COUNT(*) AS calls FROM calls", {}))
            some = session.rows("SELECT callid FROM calls ORDER BY callid LIMIT 3", {})
        if count:
            yield (
                f"warning: {count:,} calls stand on {day} and on {other} too, and count on both: "
                f"{', '.join(some['callid'].to_pylist())}{', ...' if count > 3 else ''}"
            )
