"""The Dagster instance of a home: where runs, ticks and materialisations are kept, and its limits.

What runs there is `definitions.py`. The web server and the daemon are started by the commands;
here is only what they, and runs in process, have in common: `<home>/dagster` and its
`dagster.yaml`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from pipelines.event_log import unhurried
from pipelines.settings import PREFIX, Settings, SettingsError
from resources.durable import replacing
from resources.locks import exclusive

CONFIG = "dagster.yaml"
# To keep what a step prints, Dagster starts four processes a job and gives them the terminal. A
# Ctrl-C there reaches them too, and they tell of it in a traceback.
PRINT_HERE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}
HOME_VARIABLE = "DAGSTER_HOME"

HOME_CONFIG = """\
# Dagster's settings for this home. Written once and yours from then on: it is never overwritten.
# https://docs.dagster.io/deployment/oss/oss-instance-configuration

telemetry:
  enabled: false
nux:
  enabled: false

# Runs, ticks and materialisations are kept in SQLite files beside this one, and what runs print,
# but for those of `cdr-reports run`, which print to its terminal. With deploy/dagster.yaml in place
# of this file they are in PostgreSQL.

concurrency:
  pools:
    # Everything that writes the lake is in the pool `lake`: one such run at a time, the others wait
    # in the queue and cost nothing. Runs that `cdr-reports run` makes in its own process do not
    # queue; the lake itself keeps those apart.
    default_limit: 1
    granularity: run
  runs:
    # Reports and deliveries go on while a long back-fill holds the lake.
    max_concurrent_runs: 4

run_queue:
  dequeue_interval_seconds: 2
  # While the server of the code restarts, runs stay in the queue, for five minutes at most. They
  # would fail at once and not be tried again: the nightly intake not before the next night.
  max_user_code_failure_retries: 10
  user_code_failure_retry_delay: 30

# A run whose process died (killed, out of memory, machine restarted) is found and started again.
# Steps have retry policies of their own, and bad data is not tried twice.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  poll_interval_seconds: 30
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false

retention:
  schedule:
    purge_after_days: 365
  sensor:
    purge_after_days:
      skipped: 2
      started: 30
      success: 90
      failure: 90
"""
"""What a home gets; deploy/dagster.yaml differs from it in where things are kept."""


class InstanceError(SettingsError):
    """Dagster's settings are wrong; the text names the file and says what to do."""


def prepare_instance(settings: Settings) -> Path:
    """The Dagster home of a cdr-reports home: `<home>/dagster`, an absolute path.

    The folder is made, and a `dagster.yaml` is written to it, when they are missing.
    """
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / CONFIG
    if not config.exists():
        with replacing(config) as stream:
            stream.write(HOME_CONFIG.encode())
    return folder


def environment(settings: Settings) -> dict[str, str]:
    """The environment for a web server, a daemon or another child process of this home.

    Settings that are not in the environment or in `.env` do not get there, but for the home.
    """
    # Web server and daemon start together: each would make Dagster's tables, and one would fail.
    with open_instance(settings):
        pass
    return {
        **os.environ,
        HOME_VARIABLE: str(prepare_instance(settings)),
        f"{PREFIX}HOME": str(settings.home),
    }


def migrate_instance(settings: Settings) -> tuple[str | None, str]:
    """Brings Dagster's tables to the installed release; the schema that they had and have.

    Raises InstanceError when `dagster.yaml` is wrong.
    """
    with open_instance(settings) as instance, exclusive(prepare_instance(settings) / "open.lock"):
        before = instance.event_log_storage.alembic_version()
        with redirect_stdout(sys.stderr):  # Dagster tells what it looks at
            instance.upgrade()
        after = instance.event_log_storage.alembic_version()
    return (before[0] if before else None), str(after[1] if after else "")


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance of a home, whatever DAGSTER_HOME says; set within, for child processes.

    Pools and the queue hold for runs that the daemon launches, not for `execute_in_process`; what
    the latter print goes where this process prints.
    Raises InstanceError when `dagster.yaml` is wrong.
    """
    folder = prepare_instance(settings)
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(folder)
    try:
        with unhurried(folder):
            try:
                # Dagster makes its tables at the first opening, and two at once would both try.
                with exclusive(folder / "open.lock"):
                    ref = InstanceRef.from_dir(str(folder), overrides=PRINT_HERE)
                    instance = dg.DagsterInstance.from_ref(ref)
            except Exception as error:
                # Dagster adds all that would have been allowed: several thousand characters.
                said = str(error).split(" Expected: ", 1)[0]
                raise InstanceError(
                    f"{folder / CONFIG}: {said}\nCorrect it, or remove it: it is then written anew."
                ) from error
            with instance:
                yield instance
    finally:
        if before is None:
            os.environ.pop(HOME_VARIABLE, None)
        else:
            os.environ[HOME_VARIABLE] = before
