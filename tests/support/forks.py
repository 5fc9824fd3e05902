"""Processes that begin with everything imported, forked off one that has done nothing else.

What is killed here is a process of its own with its own environment, as a command is; but to start
Python and import Dagster and Great Expectations takes longer than the work that it dies in.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
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


@dataclass(frozen=True)
class Said:
    """How a command has ended, and what it has said."""

    returncode: int
    stdout: str
    stderr: str


def fork(work: Callable[..., None], *arguments: str, env: Mapping[str, str], logs: Path) -> Fork:
    """Starts a function of a module; what it says goes to a file in the folder `logs`."""
    log = logs / f"fork-{next(_numbers)}.log"
    return Fork(_started(work, arguments, env, log, log), log)


def commanded(home: Path, arguments: Sequence[str], env: Mapping[str, str]) -> Said:
    """`cdr-reports` in a home, with nobody at the keyboard, to its end."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _started(_in_home, (str(home), *arguments), env, out, err)
        process.join(240)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(err.read_text(encoding="utf-8"))
        return Said(process.exitcode, *(p.read_text(encoding="utf-8") for p in (out, err)))


def _started(
    work: Callable[..., None], arguments: Sequence[str], env: Mapping[str, str], *logs: Path
) -> BaseProcess:
    with pytest.MonkeyPatch.context() as here:
        here.setenv("PYTHONPATH", str(ROOT))
        forkserver.ensure_running()
    for log in logs:
        log.touch()
    told = [str(log) for log in logs]
    process = _CONTEXT.Process(target=_run, args=(work, tuple(arguments), dict(env), told))
    process.start()
    return process


def command(*arguments: str) -> None:
    """The command `cdr-reports`, as its entry point starts it."""
    from pipelines.cli.main import main

    sys.argv = ["cdr-reports", *arguments]
    main()


def _in_home(home: str, *arguments: str) -> None:
    os.chdir(home)
    command(*arguments)


def _run(
    work: Callable[..., None], arguments: tuple[str, ...], env: dict[str, str], logs: list[str]
) -> None:
    for number, log in enumerate(logs, 1):
        with open(log, "a") as handle:
            os.dup2(handle.fileno(), number)
    # As every process that is started anew, it has what cleans up behind it to itself.
    tracker: Any = resource_tracker._resource_tracker
    tracker._fd = tracker._pid = None
    os.environ.clear()
    os.environ.update(env)
    work(*arguments)
