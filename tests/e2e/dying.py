"""What a process does in a home to die by SIGKILL at a given point of it.

    main(HOME, intake|build|withdraw|upkeep|restore, CLASS.METHOD, before|after[, NTH])

`withdraw` is of the file 2.csv, `restore` of the 6th of March 2026, of which it is the 6th of April
for `upkeep`. The method is one of the program's own; before or after its NTH
call the process kills itself, so nothing of it, no `finally` and no buffer, runs any more.

    open_at(HOME, SECONDS)

Opens a home at a moment; that one dies of nothing.
"""

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from resources.days import DayBuilder
from resources.intake.take import Intake
from resources.lake import Lake
from resources.ledger import Days, Files
from resources.ledger.cold import ColdDays
from resources.upkeep.store import ColdStore
from tests.pipeline.deliveries import account
from tests.pipeline.home import build_all, make_home

CLASSES: dict[str, type] = {
    c.__name__: c for c in (ColdDays, ColdStore, DayBuilder, Days, Files, Intake, Lake)
}
APRIL = datetime(2026, 4, 6, 12, tzinfo=UTC)


def die_at(point: str, moment: str, nth: int) -> None:
    """Makes the method lethal."""
    name, method = point.split(".")
    original: Callable[..., Any] = getattr(CLASSES[name], method)
    calls = 0

    def lethal(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if moment == "before" and calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(CLASSES[name], method, lethal)


def main(home: str, work: str, point: str, moment: str, nth: str = "1") -> None:
    """Does the work until it dies."""
    workplace = make_home(Path(home))
    die_at(point, moment, int(nth))
    if work == "withdraw":
        workplace.intake.withdraw(account(workplace, "2.csv").file)
    elif work == "upkeep":
        workplace.upkeep.run(APRIL.date(), APRIL, lambda text: None)
    elif work == "restore":
        workplace.cold.restore(date(2026, 3, 6), lambda text: None)
    elif work == "build":
        build_all(workplace)
    else:
        workplace.intake.run()


def open_at(home: str, begin: str) -> None:
    """Makes ledger and lake of a new home at a moment, in seconds since 1970."""
    workplace = make_home(Path(home))
    time.sleep(max(0, float(begin) - time.time()))
    with workplace.intake.writing():
        pass
