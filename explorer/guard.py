"""Who is at the other end: by cookie, by a proxy's header, or by sitting at the machine itself.

Once there is a user, or a proxy that names one, everybody is asked. Until then only the machine
itself is served, under its own name, so that no page from elsewhere can reach it through a browser.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.requests import Request
from starlette.responses import Response

from explorer.access import LOCAL, Role, Visitor
from explorer.sessions import Session, Sessions, Tries, new_session
from pipelines.settings import Settings
from resources.ledger import Users
from resources.ledger.users import UnknownUser, User

COOKIE = "cdr_reports_session"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LEAST_LETTERS, MOST_LETTERS = 10, 1000
"""Characters of a password."""

_hasher = PasswordHasher()


class Refused(Exception):
    """The program must not start like this; the text says why and what to do."""


class WrongHost(Exception):
    """The request came by another name than the machine's own, and nobody is asked to log in."""


def hashed(password: str) -> str:
    """The hash of a password, as the ledger keeps it."""
    return _hasher.hash(password)


def is_loopback(host: str) -> bool:
    """Whether an address to bind to is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str, users: Users, settings: Settings) -> None:
    """Raises Refused where the address can be reached from elsewhere and nobody would be asked."""
    if is_loopback(host) or users.any() or settings.explore_proxy:
        return
    raise Refused(
        f"{host} can be reached from other machines, and nobody would have to log in. Add a user "
        "first (`cdr-reports users add NAME --role operator`), or set CDR_REPORTS_EXPLORE_PROXY to "
        "the address of a proxy that logs people in. Without either, only 127.0.0.1 is served."
    )


@dataclass(frozen=True)
class Guard:
    """Tells visitors apart."""

    settings: Settings
    users: Users
    sessions: Sessions
    tries: Tries
    _lock: threading.Lock

    @property
    def asks(self) -> bool:
        """Whether somebody has to say who they are."""
        return bool(self.settings.explore_proxy) or self.users.any()

    def session(self, request: Request) -> tuple[Session, bool]:
        """The session of a request, and whether it is new."""
        found = self.sessions.read(request.cookies.get(COOKIE))
        return found or new_session(), found is None

    def who(self, request: Request, session: Session) -> Visitor | None:
        """Who the session is of, if that is known. Raises WrongHost."""
        if not self.asks:
            # A page from elsewhere could have its own name point here; and where all users were
            # removed while an open address is served, others can name this machine as they like.
            here = is_loopback(request.client.host) if request.client else False
            if not here or not _is_own_name(request.headers.get("host", "")):
                raise WrongHost(
                    "This is served to http://127.0.0.1 and http://localhost only, until users are "
                    "added: see `cdr-reports users add --help`."
                )
            return LOCAL
        named = self._named_by_proxy(request)
        if named is not None:
            return _visitor(self._user(named))
        user = self._user(session.user) if session.user else None
        if user is None or user.epoch != session.epoch or user.password is None:
            return None
        return _visitor(user)

    def remember(self, response: Response, request: Request, session: Session) -> None:
        """Sends the session's cookie along."""
        response.set_cookie(
            COOKIE,
            self.sessions.cookie(session),
            max_age=int(self.settings.explore_session_hours * 3600),
            httponly=True,
            samesite="lax",
            secure=self.is_https(request),
            path="/",
        )

    def log_in(self, request: Request, name: str, password: str) -> tuple[Session | None, str]:
        """A session for who knows the password, or why there is none."""
        address = self.address(request)
        # A hash takes its memory; many at once would take the machine's. And of many tries at
        # once each must know what became of those before it.
        with self._lock:
            wait = self.tries.wait(name, address)
            if wait > 0:
                minutes = int(wait // 60) + 1
                return None, f"too many tries: wait {minutes} minutes, then try again"
            user = self._user(name)
            known = user.password if user and user.password is not None else self._nobody
            good = _verify(known, password)
            if user is None or user.password is None or not good:
                self.tries.failed(name, address)
                return None, "the name or the password is wrong"
        self.tries.passed(name)
        if _hasher.check_needs_rehash(user.password):
            self.users.rehash(user.name, hashed(password))
        return new_session(user.name, user.epoch), ""

    def address(self, request: Request) -> str:
        """Where the request comes from, behind a trusted proxy too."""
        direct = request.client.host if request.client else ""
        if self._is_proxy(direct):
            # The last one is what our own proxy saw; those before it anybody can have written.
            told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
            return told or direct
        return direct

    def is_https(self, request: Request) -> bool:
        """Whether the browser came by HTTPS, to us or to a trusted proxy."""
        direct = request.client.host if request.client else ""
        if self._is_proxy(direct):
            return request.headers.get("x-forwarded-proto", "").strip().lower() == "https"
        return request.url.scheme == "https"

    def _named_by_proxy(self, request: Request) -> str | None:
        """The user that a trusted proxy names; blank where it names none."""
        direct = request.client.host if request.client else ""
        if not self._is_proxy(direct):
            return None
        return request.headers.get(self.settings.explore_proxy_header, "").strip() or None

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)

    @cached_property
    def _proxies(self) -> list[IPv4Network | IPv6Network]:
        return [ip_network(a, strict=False) for a in self.settings.explore_proxies]

    def _user(self, name: str) -> User | None:
        try:
            return self.users.get(name)
        except UnknownUser:
            return None

    @cached_property
    def _nobody(self) -> str:
        # Who does not exist takes as long as who does.
        return hashed(f"nobody {datetime.now(UTC)}")


def _is_own_name(host: str) -> bool:
    """Whether a request's host is this machine by its own name, whatever the port."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.strip("[]").lower() in LOOPBACK


def _visitor(user: User | None) -> Visitor | None:
    return None if user is None else Visitor(user.name, Role(user.role), user.customers)


def _verify(known: str, password: str) -> bool:
    try:
        return _hasher.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
