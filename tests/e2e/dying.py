"""A process that does a piece of work in a home and dies by SIGKILL at a given point of it.

    python -m tests.e2e.dying HOME intake|build|withdraw CLASS.METHOD before|after [NTH]

`withdraw` is of the file 2.csv. The method is one of the program's own; before or after its NTH
call the process kills itself, so nothing of it, no `finally` and no buffer, runs any more.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resources.days import DayBuilder
from resources.intake.take import Intake
from resources.lake import Lake
from resources.ledger import Days, Files
from tests.pipeline.deliveries import account
from tests.pipeline.home import build_all, make_home

CLASSES = {c.__name__: c for c in (DayBuilder, Days, Files, Intake, Lake)}


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
    elif work == "build":
        build_all(workplace)
    else:
        workplace.intake.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
