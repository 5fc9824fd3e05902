"""Removes what has served its time beside the lake: files of sent reports, pages of checks."""

import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from resources.ledger.delivery import Delivery, State

SETTLED = (State.SENT, State.FAILED, State.SKIPPED)


def old_deliveries(
    deliveries: Iterable[Delivery], days: int, now: datetime
) -> list[tuple[Delivery, str]]:
    """Settled deliveries older than so many days, with the folder of their files; 0 for none."""
    if not days:
        return []
    before = now - timedelta(days=days)
    return [
        (each, each.folder)
        for each in deliveries
        if each.folder and each.state in SETTLED and each.settled_at and each.settled_at < before
    ]


def remove_folder(home: Path, folder: str) -> bool:
    """Removes the files of a delivery, and folders that are then empty; False when it was gone."""
    path = home / folder
    top = home / "out" / "deliveries"
    if not path.is_dir() or top not in path.parents:
        return False
    shutil.rmtree(path)
    for parent in path.parents:
        if parent == top or any(parent.iterdir()):
            break
        parent.rmdir()
    return True
