"""Secrets that tests plant, and the places where none may be found."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import create_engine, inspect, text

from tests.e2e.server import LOCATION, Dagster
from tests.support.object_store import SECRET

PLANTED = "planted-3xY"
MAIL, WRONG, DATABASE = f"{PLANTED}-mail", f"{PLANTED}-wrong", f"{PLANTED}-database"
SECRETS = (PLANTED, SECRET)

RUNS = """{ runsOrError { ... on Runs { results {
  runId runConfigYaml tags { key value } resolvedOpSelection
} } } }"""
EVENTS = """query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
  __typename
  ... on MessageEvent { message }
  ... on MaterializationEvent { label description metadataEntries { label description } }
  ... on ExecutionStepFailureEvent { error { message stack cause { message stack } } }
  ... on ExecutionStepUpForRetryEvent { error { message stack cause { message stack } } }
  ... on RunFailureEvent { error { message stack } }
} } } }"""
RESOURCES = """query($selector: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) {
    ... on ResourceDetailsList { results { name description resourceType
      configFields { name description defaultValueAsJson } configuredValues { key value type } } }
  }
  instance { info daemonHealth { allDaemonStatuses { lastHeartbeatErrors { message } } } }
}"""
TICKS = """query($selector: RepositorySelector!) { sensorsOrError(repositorySelector: $selector) {
  ... on Sensors { results { name sensorState { ticks(limit: 50) {
    status skipReason cursor error { message stack } } } } } } }"""


def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Takes the right password only."""
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == MAIL.encode(), handled=False)


LOGIN: dict[str, Any] = {
    "auth_required": True, "auth_require_tls": False, "authenticator": login,
}  # fmt: skip
"""Of a mail server that wants it."""


def found_in(said: str | bytes) -> list[str]:
    """The secrets that stand in it, plain or as a mail login sends them."""
    raw = said.encode() if isinstance(said, str) else said
    forms: dict[str, tuple[bytes, ...]] = {
        secret: (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-1])
        for secret in SECRETS
    }
    forms[MAIL] = (base64.b64encode(f"\0cdr\0{MAIL}".encode()),)
    return [secret for secret, ways in forms.items() if any(way in raw for way in ways)]


def in_files(folder: Path) -> dict[str, list[str]]:
    """The files with secrets, and which. What writes them must have ended: SQLite's journals come
    and go with its connections.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return {
        str(path.relative_to(folder)): found
        for path in files
        if (found := found_in(path.read_bytes()))
    }


def in_databases(*urls: str) -> dict[str, list[str]]:
    """The tables with secrets, and which."""
    leaks = {}
    for url in urls:
        engine = create_engine(url)
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            assert tables
            for table in tables:
                rows = connection.execute(text(f'SELECT CAST(t AS text) FROM "{table}" AS t'))
                if found := found_in("\n".join(rows.scalars())):
                    leaks[f"{engine.url.database}: {table}"] = found
        engine.dispose()
    return leaks


def in_answers(dagster: Dagster) -> dict[str, list[str]]:
    """What the web interface tells of runs, their events, resources and sensors with secrets."""
    return {what: found for what, told in asked(dagster) if (found := found_in(told))}


def asked(dagster: Dagster) -> Iterator[tuple[str, str]]:
    """What the web interface tells of runs, their events, resources and sensors."""
    runs = dagster.ask(RUNS)
    yield "runs", json.dumps(runs)
    for run in runs["runsOrError"]["results"]:
        events = dagster.ask(EVENTS, run=run["runId"])
        assert events["logsForRun"]["events"], run
        yield f"events of {run['runId']}", json.dumps(events)
    for name, query in (("resources", RESOURCES), ("ticks", TICKS)):
        answer = json.dumps(dagster.ask(query, selector=LOCATION))
        assert "workplace" in answer or "stale_days" in answer
        yield name, answer
