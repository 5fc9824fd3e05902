"""The ledger's account of days whose calls have left the lake, or are on their way.

    moving -> leaving -> cold | gone        a day that is moved or dropped
    cold -> returning -> restored           a day that is brought back

`moving`: nothing has left yet. From `leaving` on the day's calls must not be counted on. What is
done to the lake in which state is `resources.upkeep`.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, delete, insert, select, update

from resources.ledger.schema import cold_days

if TYPE_CHECKING:
    from resources.ledger.days import Days


class ColdState(StrEnum):
    """Where the calls of a day are."""

    MOVING = "moving"
    LEAVING = "leaving"
    COLD = "cold"
    GONE = "gone"
    RETURNING = "returning"
    RESTORED = "restored"


FROZEN = frozenset(ColdState) - {ColdState.RESTORED}
"""Nothing may be added to such a day, and it may not be built."""

OUT = frozenset({ColdState.LEAVING, ColdState.COLD, ColdState.GONE, ColdState.RETURNING})
"""The calls of such a day are not, or not all, in the lake."""


@dataclass(frozen=True)
class ColdDay:
    """One day. `counts` is what it held when it left; `store` where it went, blank for nowhere."""

    day: date
    state: ColdState
    store: str
    counts: Mapping[str, Any]
    changed_at: datetime

    @property
    def words(self) -> str:
        """Where its calls are, for people."""
        return "gone" if self.drops else "in cold storage"

    @property
    def sums(self) -> dict[Any, Any]:
        """Attempts, durations and charges of its calls when they left, by their two currencies."""
        return {
            (row[0], row[1]): (int(row[2]), *(None if v == "None" else Decimal(v) for v in row[3:]))
            for row in self.counts["sums"]
        }

    @property
    def drops(self) -> bool:
        """Whether it was, or is being, dropped for good."""
        return not self.store


class DayIsCold(Exception):
    """The calls of a day are not in the lake; the text says which, where they are, what to do."""


@dataclass(frozen=True)
class ColdDays:
    """Days in the ledger whose calls were moved or dropped."""

    engine: Engine

    def all(self) -> dict[date, ColdDay]:
        """All of them, restored ones too, oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(cold_days).order_by(cold_days.c.call_date))
            return {
                row.call_date: ColdDay(
                    row.call_date, ColdState(row.state), row.store, json.loads(row.counts),
                    row.changed_at,
                )
                for row in rows
            }  # fmt: skip

    def frozen(self) -> dict[date, ColdDay]:
        """Those that must not change."""
        return {day: cold for day, cold in self.all().items() if cold.state in FROZEN}

    def out_of_the_lake(self) -> dict[date, ColdDay]:
        """Those whose calls are not, or not all, in the lake."""
        return {day: cold for day, cold in self.all().items() if cold.state in OUT}

    def begin(self, day: date, state: ColdState, store: str, counts: Mapping[str, Any]) -> None:
        """Freezes a day, with what it holds."""
        with self.engine.begin() as connection:
            connection.execute(delete(cold_days).where(cold_days.c.call_date == day))
            connection.execute(
                insert(cold_days).values(
                    call_date=day,
                    state=state,
                    store=store,
                    counts=json.dumps(dict(counts)),
                    changed_at=datetime.now(UTC),
                )
            )

    def set(self, day: date, state: ColdState) -> None:
        """The day is in another state."""
        with self.engine.begin() as connection:
            connection.execute(
                update(cold_days)
                .where(cold_days.c.call_date == day)
                .values(state=state, changed_at=datetime.now(UTC))
            )

    def forget_moving(self) -> None:
        """Days whose move was cut short before anything had left are days like any other."""
        with self.engine.begin() as connection:
            connection.execute(delete(cold_days).where(cold_days.c.state == ColdState.MOVING))


def refuse_cold(days: "Days", wanted: Collection[date]) -> None:
    """Raises DayIsCold when one of the days must not change."""
    found = [cold for day, cold in days.cold.frozen().items() if day in set(wanted)]
    if found:
        raise DayIsCold(in_words(found))


def in_words(cold: Sequence[ColdDay]) -> str:
    """Why the days cannot be worked on, and what to do."""
    back = [str(each.day) for each in cold if not each.drops]
    gone = [str(each.day) for each in cold if each.drops]
    said = []
    if back:
        several = f" and {len(back) - 3} more" if len(back) > 3 else ""
        said.append(
            f"the calls of {', '.join(back[:3])}{several} are in cold storage: "
            f"`cdr-reports cold restore {back[0]}` brings a day back"
        )
    if gone:
        several = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
        said.append(
            f"the calls of {', '.join(gone[:3])}{several} were dropped: only their sums are left"
        )
    return "; ".join(said)


def day_of_refused(days: Collection[date], taken_at: datetime, timezone: str) -> date:
    """The day that a file's refused records are of: its last one, or its intake's if later."""
    return max([*days, taken_at.astimezone(ZoneInfo(timezone)).date()])
