"""Fixtures of what users run: a home with its web server and daemon, and a mail server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.leaks import LOGIN, MAIL
from tests.e2e.server import Dagster, running
from tests.pipeline.home import make_home
from tests.pipeline.offices import ACCOUNTS
from tests.pipeline.post import PostOffice, serving
from tests.support.object_store import s3

__all__ = ["s3"]


@pytest.fixture(scope="module")
def post() -> PostOffice:
    """The mail server of that home; it puts off the first mail."""
    return PostOffice("mail 421 4.3.2 busy")


@pytest.fixture(scope="module")
def dagster(
    tmp_path_factory: pytest.TempPathFactory, post: PostOffice, s3: Any
) -> Iterator[Dagster]:
    """Web server and daemon over a new home whose accounts have addresses, its lake in S3; the mail
    server wants a login.
    """
    home = tmp_path_factory.mktemp("served")
    workplace = make_home(home, lake="s3://cdrs/lake")
    for name, text in ACCOUNTS.items():
        (home / name).write_text(text)
    with serving(post, **LOGIN) as port:
        (home / ".env").write_text(
            f"CDR_REPORTS_SMTP_HOST=127.0.0.1\nCDR_REPORTS_SMTP_PORT={port}\n"
        )
        settings = {
            "CDR_REPORTS_LAKE": "s3://cdrs/lake",
            "CDR_REPORTS_SMTP_USER": "cdr",
            "CDR_REPORTS_SMTP_PASSWORD": MAIL,
        }
        with running(workplace, **settings) as served:
            yield served
