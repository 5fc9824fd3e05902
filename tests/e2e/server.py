"""A home with Dagster's web server and daemon, as processes of their own, and a GraphQL client."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pipelines.assembly import Workplace

ROOT = Path(__file__).resolve().parents[2]
LOCATION = {"repositoryLocationName": "cdr-reports", "repositoryName": "__repository__"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

T = TypeVar("T")

RUNS = """
query($filter: RunsFilter) { runsOrError(filter: $filter, limit: 100) {
  ... on Runs { results { runId status jobName creationTime tags { key value } } }
} }"""
LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message }
} }"""
BACKFILL = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename
  ... on LaunchBackfillSuccess { backfillId }
  ... on PythonError { message }
} }"""
MATERIALIZATIONS = """
query($key: AssetKeyInput!) { assetOrError(assetKey: $key) {
  ... on Asset { assetMaterializations(limit: 500) { partition runId } }
} }"""


def wait_for(seek: Callable[[], T | None], what: Callable[[], str] | str, seconds: float = 60) -> T:
    """What `seek` finds as soon as it finds something; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = seek()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.25)


@dataclass(frozen=True)
class Run:
    """A run as the API tells of it."""

    id: str
    job: str
    status: str
    tags: dict[str, str]

    @property
    def days(self) -> tuple[str | None, str | None]:
        """Its first and last day."""
        single = self.tags.get("dagster/partition")
        return (
            self.tags.get("dagster/asset_partition_range_start", single),
            self.tags.get("dagster/asset_partition_range_end", single),
        )


@dataclass
class Dagster:
    """The running web server and daemon of a home."""

    workplace: Workplace
    port: int
    logs: Path
    process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """Ends web server, daemon and all that they have started."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)

    def ask(self, query: str, **variables: Any) -> Any:
        """The `data` of a GraphQL answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            body = json.dumps({"query": query, "variables": variables})
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def is_up(self) -> bool:
        """The web server answers, and has loaded the definitions."""
        query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
        try:
            return bool(self.ask(query)["repositoriesOrError"].get("nodes"))
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def runs(self, **filters: Any) -> list[Run]:
        """All runs, oldest first."""
        found = self.ask(RUNS, filter=filters)["runsOrError"]["results"]
        return [
            Run(r["runId"], r["jobName"], r["status"], {t["key"]: t["value"] for t in r["tags"]})
            for r in sorted(found, key=lambda r: r["creationTime"])
        ]

    def launch(self, job: str) -> str:
        """Launches a job from the API; the run's number."""
        selector = {**LOCATION, "pipelineName": job}
        params = {"selector": selector, "runConfigData": {}, "mode": "default"}
        answer = self.ask(LAUNCH, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def backfill(self, assets: tuple[str, ...], days: list[date]) -> str:
        """Launches a back-fill from the API; its number."""
        params = {
            "assetSelection": [{"path": [asset]} for asset in assets],
            "partitionNames": [day.isoformat() for day in days],
        }
        answer = self.ask(BACKFILL, params=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def ended(self, run_id: str, seconds: float = 90) -> Run:
        """The run when it has ended."""

        def seek() -> Run | None:
            (run,) = self.runs(runIds=[run_id])
            return run if run.status in ENDED else None

        return wait_for(seek, self.trouble, seconds)

    def materializations(self, asset: str) -> list[tuple[str | None, str]]:
        """(partition, run) of every materialisation of an asset."""
        found = self.ask(MATERIALIZATIONS, key={"path": [asset]})["assetOrError"]
        return [(m["partition"], m["runId"]) for m in found.get("assetMaterializations", [])]

    def trouble(self) -> str:
        """All runs, and the end of what the processes have said."""
        said = [f"{r.job} {r.status} {r.days}" for r in self.runs()]
        logs = [f"{path.name}:\n{path.read_text()[-3000:]}" for path in self.logs.glob("*.log")]
        return "\n".join([*said, *logs])


@contextmanager
def running(workplace: Workplace, **settings: str) -> Iterator[Dagster]:
    """`cdr-reports ui` over a home, until the end, whatever happens.

    `settings` are variables of their environment.
    """
    home = workplace.settings.home
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **{name: text for name, text in os.environ.items() if not name.startswith("CDR_REPORTS_")},
        "CDR_REPORTS_HOME": str(home),
        "CDR_REPORTS_SETTLE_SECONDS": "0",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    logs = home / "logs"
    logs.mkdir()
    dagster = Dagster(workplace, port, logs)
    command = [str(Path(sys.executable).with_name("cdr-reports")), "ui", "--port", str(port)]
    try:
        with (logs / "ui.log").open("w") as log:
            # Not from the checkout: a developer's .env there is not this home's.
            dagster.process = subprocess.Popen(
                command, cwd=home, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

        def up() -> bool:
            assert dagster.process is not None
            assert dagster.process.poll() is None, dagster.trouble()
            return dagster.is_up()

        wait_for(up, "the web server is up", 240)
        yield dagster
    finally:
        dagster.stop()
