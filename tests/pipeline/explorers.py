"""The explorer as browsers meet it: served on loopback, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa

from explorer.explorer import Explorer, application
from explorer.guard import hashed
from explorer.server import listening, server_of
from pipelines.assembly import Workplace

PASSWORD = "a long enough password"
HASH = hashed(PASSWORD)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def table(self) -> pa.Table:
        return pa.ipc.open_stream(self.body).read_all()

    @property
    def meta(self) -> Any:
        return json.loads(self.table.schema.metadata[b"cdr-reports"])


@dataclass
class Browser:
    """Keeps cookies, follows no redirect."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def get(self, path: str, query: Any = (), **headers: str) -> Answer:
        text = query if isinstance(query, str) else urlencode(query)
        return self._ask("GET", f"{path}?{text}" if text else path, None, headers)

    def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """Sends a form with the session's token, which any page has."""
        if not self.token:
            self.token = csrf(self.get("/login") if self.get("/").status == 303 else self.get("/"))
        body = urlencode({"csrf": self.token, **(form or {})})
        return self._ask("POST", path, body, headers)

    def log_in(self, name: str, password: str = PASSWORD) -> Answer:
        self.token = csrf(self.get("/login"))
        answer = self.post("/login", {"name": name, "password": password})
        self.token = ""
        return answer

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        sent = {"Host": f"127.0.0.1:{self.port}", **self.headers, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(
                method, path, body, {k.replace("_", "-"): v for k, v in sent.items()}
            )
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        for name, value in response.getheaders():
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        found = {k.lower(): v for k, v in response.getheaders()}
        return Answer(response.status, found, content)


def csrf(answer: Answer) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf" (?:content|value)="([^"]+)"', answer.text)
    assert found, answer.text[:500]
    return found[1]


def add_user(workplace: Workplace, name: str, role: str, *customers: str) -> None:
    workplace.users.add(name, role, customers, HASH, datetime.now(UTC))


@contextmanager
def serving(workplace: Workplace) -> Iterator[tuple[Explorer, int]]:
    """The explorer of a home, and the port it is at."""
    explorer = Explorer(workplace)
    with listening("127.0.0.1", 0) as at:
        server = server_of(application(explorer))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True)
        thread.start()
        end = time.monotonic() + 30
        while not server.started and time.monotonic() < end:
            time.sleep(0.01)
        assert server.started
        try:
            yield explorer, at.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(timeout=30)
