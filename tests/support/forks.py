"""Processes that begin with everything imported, forked off one that has done nothing else.

What is killed here is a process of its own with its own environment, as a command is; but to start
Python and import Dagster and Great Expectations takes longer than the work that it dies in.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([f"{__package__}.imported"])
_numbers = count(1)


@dataclass(frozen=True)
class Fork:
    """A started process and the file of all that it says."""

    process: BaseProcess
    log: Path

    def ended(self, seconds: float = 180) -> int | None:
        """Its exit status, -9 when it was killed; None when it has not ended by then."""
        self.process.join(seconds)
        return self.process.exitcode

    def finish(self) -> str:
        """What it has said until it ended; it must not fail."""
        status = self.ended()
        said = self.log.read_text(encoding="utf-8")
        assert status == 0, (status, said)
        return said


def fork(work: Callable[..., None], *arguments: str, env: Mapping[str, str], logs: Path) -> Fork:
    """Starts a function of a module; what it says goes to a file in the folder `logs`."""
    with pytest.MonkeyPatch.context() as here:
        here.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()
    log = logs / f"fork-{next(_numbers)}.log"
    log.touch()
    process = _CONTEXT.Process(target=_run, args=(work, arguments, dict(env), str(log)))
    process.start()
    return Fork(process, log)


def command(*arguments: str) -> None:
    """The command `cdr-reports`, as its entry point starts it."""
    from pipelines.cli.main import main

    sys.argv = ["cdr-reports", *arguments]
    main()


def _run(
    work: Callable[..., None], arguments: tuple[str, ...], env: dict[str, str], log: str
) -> None:
    with open(log, "w") as handle:
        os.dup2(handle.fileno(), 1)
        os.dup2(handle.fileno(), 2)
    # As every process that is started anew, it has what cleans up behind it to itself.
    tracker: Any = resource_tracker._resource_tracker
    tracker._fd = tracker._pid = None
    os.environ.clear()
    os.environ.update(env)
    work(*arguments)
