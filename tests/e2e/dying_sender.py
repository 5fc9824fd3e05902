"""What a process does that sends what is due in a home to die by SIGKILL at a given point of it.

    main(HOME, PORT, NOW, POINT, before|after[, NTH])

Before or after the NTH call of the point the process kills itself: no `finally`, no buffer runs.
"""

import os
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from resources.ledger import Deliveries
from resources.schedules import delivery, rendering
from tests.pipeline.home import make_home
from tests.pipeline.offices import Clock, office_of, tick

POINTS: dict[str, tuple[Any, str]] = {
    "queue": (Deliveries, "queue"),
    "claim": (Deliveries, "claim"),
    "made": (Deliveries, "made"),
    "render": (rendering, "render"),
    "write": (delivery, "_write"),
    "handing": (Deliveries, "handing"),
    "send": (delivery, "send"),
    "settle": (Deliveries, "settle"),
}


def die_at(point: str, moment: str, nth: int) -> None:
    """Makes the function lethal."""
    where, name = POINTS[point]
    original: Callable[..., Any] = getattr(where, name)
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

    setattr(where, name, lethal)


def main(home: str, port: str, now: str, point: str, moment: str, nth: str = "1") -> None:
    """Sends until it dies; without a point, all that is due."""
    workplace = make_home(Path(home), **settings_of_the_environment())
    if point in POINTS:
        die_at(point, moment, int(nth))
    tick(office_of(workplace, int(port), Clock(datetime.fromisoformat(now))))


def settings_of_the_environment() -> dict[str, str]:
    """The ledger, when it is another one than the home's own."""
    url = os.environ.get("TEST_LEDGER_URL")
    return {"ledger_url": url} if url else {}
