"""Which runs are alive: a lock file a run, which the system lets go of when its process dies.

Dagster cannot tell for runs that its default launcher or a command has started: after a power cut
such a run stays `STARTED` for ever, and for ever keeps its days and its place in the pool `lake`.
"""

import fcntl
import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from resources.locks import is_free

GRACE = timedelta(minutes=10)
"""How long a run may go without its lock file: it is made soon after the start."""


def show_alive(home: Path, run_id: str) -> None:
    """Shows that a run is alive, for as long as this process lives.

    Until the end of the process and not of the run, since a run's last steps are noted as done
    only after its resources are gone.
    """
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    begun = folder / f"{run_id}.{os.getpid()}"
    handle = os.open(begun, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(handle, fcntl.LOCK_SH)
    # Only now: under the run's name a file that nobody holds is that of a dead one.
    os.replace(begun, folder / run_id)


def bury(instance: dg.DagsterInstance, home: Path) -> list[str]:
    """Marks runs as failed whose process is gone; their numbers. The daemon then tries them again.

    Runs that are queued or starting are Dagster's own business, see `run_monitoring`.
    """
    folder = _folder(home)
    records = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    started = {record.dagster_run.run_id: record for record in records}
    buried = []
    for run_id, record in started.items():
        path = folder / run_id
        since = datetime.fromtimestamp(record.start_time or time.time(), UTC)
        gone = is_free(path) if path.exists() else datetime.now(UTC) - since > GRACE
        run = instance.get_run_by_id(run_id)
        # It may have ended in this moment, and then its process has too.
        if gone and run is not None and run.status is dg.DagsterRunStatus.STARTED:
            instance.report_run_failed(run, "The process of this run is gone: it was killed.")
            buried.append(run_id)
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):  # another process may be burying too
            old = time.time() - path.stat().st_mtime > GRACE.total_seconds()
            if old and path.name not in started and is_free(path):
                path.unlink()
    return buried


def _folder(home: Path) -> Path:
    return home / "dagster" / "alive"
