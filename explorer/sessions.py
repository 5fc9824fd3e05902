"""Signed session cookies, tokens against forged forms, and limits on tries to log in.

Plain values in and out; cookies and headers are `guard`'s business.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from resources.reporting.output import new_file

KEY_FILE = "explorer.key"
"""In the home: what cookies are signed with."""

ENDED_FILE = "explorer.ended"
"""In the home: sessions that were logged out, whose cookies are good by themselves; when and which,
a line each."""

TRIES, WINDOW = 5, 900.0
"""So many failed tries of a user, or from an address, within so many seconds; then they wait."""

_KEPT = 10_000


@dataclass(frozen=True)
class Session:
    """A browser's session. `user` is blank where nobody has logged in; `epoch` is that user's."""

    id: str
    user: str = ""
    epoch: int = 0

    @property
    def plain(self) -> dict[str, Any]:
        """For the cookie."""
        return {"id": self.id, "user": self.user, "epoch": self.epoch}


def new_session(user: str = "", epoch: int = 0) -> Session:
    """A session with an identity of its own."""
    return Session(secrets.token_urlsafe(18), user, epoch)


class Sessions:
    """Writes and reads session cookies. A session ends by time, by log-out, or with its epoch.

    Those that were logged out stay so when the process is started again, by the home's file.
    """

    def __init__(self, home: Path, seconds: float) -> None:
        self._key, self._seconds = key_of(home), seconds
        self._cookies = URLSafeTimedSerializer(self._key, salt="cdr-reports session")
        self._lock = threading.Lock()
        self._file = home / ENDED_FILE
        self._ended = _read_ended(self._file)

    def cookie(self, session: Session) -> str:
        """The signed value of a session's cookie."""
        return str(self._cookies.dumps(session.plain))

    def read(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None when it is forged, too old, or was ended."""
        if not cookie:
            return None
        try:
            plain = self._cookies.loads(cookie, max_age=int(self._seconds))
            session = Session(str(plain["id"]), str(plain["user"]), int(plain["epoch"]))
        except (BadSignature, KeyError, TypeError, ValueError):
            return None
        with self._lock:
            return None if session.id in self._ended else session

    def end(self, session: Session) -> None:
        """Log-out: the cookie is worth nothing from now on."""
        if not session.user:
            return  # it is worth nothing already, and anybody can have as many of these
        now = time.time()
        with self._lock:
            for old in [k for k, at in self._ended.items() if now - at > self._seconds]:
                del self._ended[old]
            self._ended[session.id] = now
            lines = "".join(f"{at} {one}\n" for one, at in self._ended.items())
            with new_file(self._file) as stream:
                stream.write(lines.encode())

    def token(self, session: Session) -> str:
        """What a form of this session must send along."""
        return hmac.new(self._key, f"form {session.id}".encode(), hashlib.sha256).hexdigest()

    def is_token(self, session: Session, token: str) -> bool:
        """Whether a form comes from one of our pages in this session."""
        return hmac.compare_digest(self.token(session).encode(), token.encode())


def _read_ended(file: Path) -> dict[str, float]:
    """When each session was ended."""
    if not file.exists():
        return {}
    lines = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    return {session: float(at) for at, session in lines}


def key_of(home: Path) -> bytes:
    """The key of a home, made when there is none; readable by its owner only."""
    path = home / KEY_FILE
    home.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    with os.fdopen(handle, "wb") as stream:
        stream.write(secrets.token_hex(32).encode())
        stream.flush()
        os.fsync(stream.fileno())
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    for _ in range(50):  # another process may be at writing it
        key = path.read_bytes()
        if len(key) >= 32:
            return key
        time.sleep(0.1)
    raise ValueError(f"{path} holds no key: remove it, and everybody logs in anew")


class Tries:
    """Counts failed tries to log in, by user and by address, for as long as they matter."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: dict[tuple[str, str], list[float]] = {}

    def wait(self, user: str, address: str) -> float:
        """For how many seconds no further try is taken; 0 when one is."""
        now = self._clock()
        with self._lock:
            waits = [self._wait(key, now) for key in _keys(user, address)]
        return max(waits)

    def failed(self, user: str, address: str) -> None:
        """Notes a failed try."""
        now = self._clock()
        with self._lock:
            if len(self._failed) > _KEPT:
                self._failed = {k: v for k, v in self._failed.items() if now - v[-1] < WINDOW}
            for key in _keys(user, address):
                recent = [at for at in self._failed.get(key, []) if now - at < WINDOW]
                self._failed[key] = [*recent[-TRIES * 4 :], now]

    def passed(self, user: str) -> None:
        """The user has logged in."""
        with self._lock:
            self._failed.pop(("user", user.casefold()), None)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        recent = [at for at in self._failed.get(key, []) if now - at < WINDOW]
        limit = TRIES if key[0] == "user" else TRIES * 4  # a house may share an address
        return WINDOW - (now - recent[-limit]) if len(recent) >= limit else 0.0


def _keys(user: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("user", user.casefold()), ("address", address)
