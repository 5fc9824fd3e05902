"""Runs a command to its end and tells seconds, processor seconds and peak memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

WATCHER = """
import json, os, resource, subprocess, sys, threading, time

def resident():
    parents, held = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                parents[pid] = stat.read().rpartition(")")[2].split()[1]
        except OSError:
            pass
    ours = {str(os.getpid())}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    for pid in ours - {str(os.getpid())}:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                held[pid] = sum(int(l.split()[1]) for l in rollup if l.startswith("Pss:"))
        except OSError:
            pass
    return sum(held.values())

started, ended, peak = time.monotonic(), threading.Event(), [0]
def watch():
    while not ended.wait(float(sys.argv[2])):
        peak[0] = max(peak[0], resident())
watcher = threading.Thread(target=watch)
several = float(sys.argv[2]) > 0
if several:
    watcher.start()
status = subprocess.run(sys.argv[3:]).returncode
seconds = time.monotonic() - started
ended.set()
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as told:
    most = max(peak[0], used.ru_maxrss) / 1024
    json.dump([seconds, used.ru_utime + used.ru_stime, most], told)
sys.exit(status)
"""


@dataclass(frozen=True)
class Measured:
    """Wall seconds, processor seconds of all processes, peak memory in MB."""

    seconds: float
    cpu: float
    peak_mb: float


def measure(
    command: Sequence[str], environment: dict[str, str] | None = None, several: bool = False
) -> Measured:
    """Runs a command to its end. Raises SystemExit when it fails.

    Memory is that of the largest process; of a command that runs `several` at once, such as a
    server, what they hold together (PSS, looked at twice a second: Linux only).
    """
    # By a small process between: what a process has used as its most begins with its parent's.
    with tempfile.NamedTemporaryFile("r") as told:
        look = "0.5" if several else "0"
        watched = [sys.executable, "-c", WATCHER, told.name, look, *command]
        status = subprocess.run(watched, env=environment or os.environ, check=False).returncode
        if status:
            raise SystemExit(f"{' '.join(command)} ended with status {status}")
        return Measured(*json.load(told))


def median(runs: Sequence[Measured]) -> Measured:
    """Figure by figure the one in the middle."""
    return Measured(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.cpu for run in runs),
        statistics.median(run.peak_mb for run in runs),
    )
