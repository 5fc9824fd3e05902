"""Finds the periods of deliveries of which a day was built since, without reading the deliveries.

They stay for ever, a row for each customer and day, and are asked about every half minute.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import CTE, Engine, func, select

from resources.ledger.delivery import State
from resources.ledger.schema import day_builds, deliveries

REVISED_IN = (State.SENT, State.SKIPPED)
"""States of what is revised; also of one that was not sent since it had no rows: it may have some
now."""


def periods_rebuilt(engine: Engine, tables: Sequence[str]) -> list[tuple[str, date]]:
    """Frequency and first day of the periods of which a day of one of the tables was built since
    one of their deliveries was checked.

    Few rows of each period are read: the next period, and its delivery that was checked first, are
    found by an index.
    """
    d, periods = deliveries.c, _periods()
    of = (d.frequency == periods.c.frequency, d.first_day == periods.c.first_day)
    last_day = select(d.last_day).where(*of).limit(1).scalar_subquery().label("last_day")
    checked_at = [
        select(func.min(d.checked_at)).where(*of, d.state == state).scalar_subquery().label(state)
        for state in REVISED_IN
    ]
    with engine.connect() as connection:
        rows = connection.execute(
            select(periods.c.frequency, periods.c.first_day, last_day, *checked_at).where(
                periods.c.first_day.is_not(None)
            )
        ).all()
        newest = connection.execute(
            select(day_builds.c.call_date, func.max(day_builds.c.built_at))
            .where(day_builds.c.table_name.in_(tables))
            .group_by(day_builds.c.call_date)
        )
        built = {day: at for day, at in newest}  # noqa: C416 - rows are no pairs to mypy
    found = []
    for frequency, first, last, *checked in rows:
        newest_build = max(
            (built[day] for n in range((last - first).days + 1)
             if (day := first + timedelta(days=n)) in built),
            default=None,
        )  # fmt: skip
        if newest_build and any(at is not None and at < newest_build for at in checked):
            found.append((frequency, first))
    return found


def _periods() -> CTE:
    """Frequency and first day of all periods that have deliveries; behind them rows of NULL."""
    d, some = deliveries.c, deliveries.alias().c
    kinds = select(func.min(d.frequency).label("frequency")).cte("kinds", recursive=True)
    next_kind = select(func.min(d.frequency)).where(d.frequency > kinds.c.frequency)
    kinds = kinds.union_all(
        select(next_kind.scalar_subquery()).where(kinds.c.frequency.is_not(None))
    )
    begun = select(func.min(some.first_day)).where(some.frequency == kinds.c.frequency)
    periods = select(
        kinds.c.frequency, begun.correlate(kinds).scalar_subquery().label("first_day")
    ).cte("periods", recursive=True)
    after = select(func.min(d.first_day)).where(
        d.frequency == periods.c.frequency, d.first_day > periods.c.first_day
    )
    return periods.union_all(
        select(periods.c.frequency, after.scalar_subquery()).where(periods.c.first_day.is_not(None))
    )
