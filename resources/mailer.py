"""Sends one message by SMTP: TLS modes, timeouts, and errors that say what to do.

What a message says is not decided here, and nothing is tried twice: whoever calls knows whether
that is safe. A password is never part of an error.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Literal

from resources.reporting.words import printable

Tls = Literal["none", "starttls", "tls"]


class MailError(Exception):
    """The message was not sent; the text says where it failed and with which words.

    `refused` is what the server said of each recipient, as far as it came to that; those in
    `deferred` it may take later. `maybe_taken` when the connection was lost after the message had
    begun to go over it: the server may have taken it all the same. `of_server` when no conversation
    could be held at all, whoever the message is for: another one would fare no better now.
    """

    def __init__(
        self,
        text: str,
        refused: Mapping[str, str] | None = None,
        deferred: frozenset[str] = frozenset(),
        maybe_taken: bool = False,
        of_server: bool = False,
    ) -> None:
        super().__init__(text)
        self.refused = dict(refused or {})
        self.deferred = deferred
        self.maybe_taken = maybe_taken
        self.of_server = of_server


class MailRefusedError(MailError):
    """Trying again will not help: a bad address, a login, a refusal for good."""


class MailUnavailableError(MailError):
    """It may be sent later: the server is down, slow, or says to try again."""


@dataclass(frozen=True)
class SmtpSettings:
    """How to reach the mail server. A blank `user` means no login.

    `timeout` is of each step, `answer_timeout` of the message itself and of the answer to it, in
    seconds. Who hangs up on a server that is still looking at a message has to send it again, and
    the server has it twice: RFC 5321, 4.5.3.2.6, wants ten minutes.
    """

    host: str
    port: int = 25
    tls: Tls = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = "cdr-reports@localhost"
    timeout: float = 30.0
    answer_timeout: float = 600.0

    @property
    def server(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Sent:
    """Who the server took the message for, and who not, with its words.

    Of the refused it may take the `deferred` later.
    """

    accepted: tuple[str, ...]
    refused: Mapping[str, str]
    deferred: frozenset[str] = frozenset()


def parse_addresses(texts: Iterable[str]) -> list[str]:
    """Addresses from texts such as `a@b,c@d`, without repetitions; domains in lower case, for
    there the case means nothing.

    Raises MailRefusedError for one that is no plain address or holds a line break.
    """
    found: list[str] = []
    for text in texts:
        _one_line(text, "address")
        for part in text.split(","):
            address = part.strip()
            if not address:
                continue
            try:
                parsed = Address(addr_spec=address)
                known = bool(parsed.username and parsed.domain)
            except (MessageError, ValueError, IndexError):  # whose words are the parser's own
                known = False
            if not known or re.search(r"\s", address):
                raise MailRefusedError(
                    f"{address!r} is no e-mail address: write it as name@example.com"
                )
            local, _, domain = address.rpartition("@")
            found.append(f"{local}@{domain.lower()}")
    return list(dict.fromkeys(found))


def check_sender(sender: str) -> None:
    """Raises MailRefusedError for a sender that is not one address, with a name or without."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _one_line(sender, "sender")
    if [bool(a.username and a.domain) for a in message["From"].addresses] != [True]:
        raise MailRefusedError(
            f"the sender {sender!r} is no e-mail address: set CDR_REPORTS_SMTP_FROM to one, "
            "e.g. Reports <reports@example.com>"
        )


def envelope(subject: str, sender: str, recipients: Iterable[str], message_id: str) -> EmailMessage:
    """A message with its headers and no content yet.

    `message_id` is the caller's, so that the same delivery sent twice can be told. Raises
    MailRefusedError for line breaks in a header, for bad addresses and for no recipient.
    """
    to = parse_addresses(recipients)
    if not to:
        raise MailRefusedError("the message has no recipient: name at least one address")
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _one_line(subject, "subject")
    check_sender(sender)
    message["From"] = sender
    message["To"] = ", ".join(to)
    identity = _one_line(message_id, "Message-ID")
    if not re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", identity):
        raise MailRefusedError(f"Message-ID {identity!r} is not of the form <something@domain>")
    message["Message-ID"] = identity
    return message


def send(
    message: EmailMessage, settings: SmtpSettings, recipients: Sequence[str] | None = None
) -> Sent:
    """Hands the message to the server for `recipients`, else for those in its To, Cc and Bcc.

    Returns who was refused when at least one recipient was accepted. Raises MailRefusedError when
    none was, or the server refuses the login or the message for good; MailUnavailableError when it
    cannot be reached, breaks off or says to try again.
    """
    if recipients is None:
        recipients = parse_addresses(
            address.addr_spec
            for name in ("To", "Cc", "Bcc")
            for header in message.get_all(name, [])
            for address in header.addresses
        )
    if not recipients:
        raise MailRefusedError("the message has no recipient: name at least one address")
    at = f"mail server {settings.server}"
    smtp: _Plain | _Secure | None = None
    fit: list[str] = []
    try:
        smtp = _connect(settings)
        smtp.answer_timeout = settings.answer_timeout
        if settings.user:
            smtp.login(settings.user, settings.password)
        smtp.ehlo_or_helo_if_needed()
        able = smtp.has_extn("smtputf8")
        fit += [to for to in recipients if able or to.isascii()]
        if not fit:
            told = dict.fromkeys(recipients, _NOT_ASCII)
            raise MailRefusedError(f"{at} refused every recipient: {_told(told)}", _said(told))
        refused = smtp.send_message(message, to_addrs=fit)
        refused |= {to: _NOT_ASCII for to in recipients if to not in fit}
    except smtplib.SMTPRecipientsRefused as error:
        # After a 421 it hears of no further recipient, and those that it took have nothing.
        whole = len(error.recipients) == len(fit)
        did = "refused every recipient" if whole else "ended the conversation"
        raise _of_kind(
            [code for code, _ in error.recipients.values()],
            f"{at} {did}: {_told(error.recipients)}",
            error.recipients,
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        raise _of_kind(
            [error.smtp_code],
            f"{at} refused the login of {settings.user!r}: "
            + _words(error.smtp_code, error.smtp_error),
        ) from None
    except smtplib.SMTPServerDisconnected as error:
        # A server that waits for TLS says nothing to who does not begin with it.
        hint = "" if smtp else " (are CDR_REPORTS_SMTP_PORT and CDR_REPORTS_SMTP_TLS right?)"
        raise MailUnavailableError(
            f"{at} broke off the connection: {error}{hint}", maybe_taken=_handed(smtp),
            of_server=True,
        ) from None  # fmt: skip
    except smtplib.SMTPResponseException as error:
        hint = " (lower CDR_REPORTS_MAIL_LIMIT_MB)" if error.smtp_code == _TOO_LARGE else ""
        raise _of_kind(
            [error.smtp_code], f"{at} refused: {_words(error.smtp_code, error.smtp_error)}{hint}"
        ) from None
    except smtplib.SMTPException as error:
        hint = " (is CDR_REPORTS_SMTP_TLS right?)" if settings.tls != "tls" else ""
        raise MailRefusedError(f"{at} cannot do what is needed: {error}{hint}") from None
    except ssl.SSLError as error:
        if _handed(smtp):
            raise MailUnavailableError(
                f"{at} broke off the connection: {error}", maybe_taken=True, of_server=True
            ) from None
        words = getattr(error, "verify_message", "") or error.reason or error
        raise MailRefusedError(
            f"{at}: no secure connection with tls={settings.tls}: {words}. "
            "Is its certificate valid for this host, and is this the right port for that?"
        ) from None
    except (OSError, TimeoutError) as error:
        hint = ""
        if smtp is None:
            hint = " (CDR_REPORTS_SMTP_HOST and CDR_REPORTS_SMTP_PORT say where it is)"
        raise MailUnavailableError(
            f"{at} cannot be reached: {error.strerror or error}{hint}", maybe_taken=_handed(smtp),
            of_server=True,
        ) from None  # fmt: skip
    finally:
        if smtp is not None:
            _leave(smtp)
    said = _said(refused)
    return Sent(tuple(to for to in recipients if to not in said), said, _deferred(refused))


_NOT_ASCII = (553, b"5.6.7 letters beyond ASCII need SMTPUTF8, which this server does not have")
"""What is said for a server that would have to refuse such a recipient."""


_CLOSING = 421
"""The one answer that is of the server and of no message or recipient: it takes nothing now."""

_TOO_LARGE = 552
"""What a server says to a message that is larger than it takes: RFC 1870, 6.1."""

_GOODBYE = 2.0
"""Seconds that an answer to goodbye is waited for: nothing hangs on it any more."""

_LONGEST_WORDS = 1_000
"""Characters that are kept of what a server says; a reply may have any number of lines."""


class _Watched:
    """Remembers whether the message itself has begun to go over the connection, and has more
    patience from then on. A reply has to end within it, too, and not only to go on.
    """

    handed = False
    answer_timeout = 0.0

    def getreply(self) -> tuple[int, bytes]:
        connection: Any = self.sock  # type: ignore[attr-defined]
        if connection is None:
            return super().getreply()  # type: ignore[misc, no-any-return]
        patience = connection.gettimeout()
        late = threading.Event()

        def hang_up() -> None:
            late.set()
            # Of the socket itself: TLS would begin to take its leave, beside who is reading.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

        watch = threading.Timer(patience, hang_up)
        watch.daemon = True
        watch.start()
        try:
            return super().getreply()  # type: ignore[misc, no-any-return]
        except (smtplib.SMTPException, OSError):
            if not late.is_set():
                raise
            words = f"timed out: no whole answer within {patience:g} s"
            raise smtplib.SMTPServerDisconnected(words) from None
        finally:
            watch.cancel()

    def data(self, msg: Any) -> Any:
        self.handed = True
        connection: Any = self.sock  # type: ignore[attr-defined]
        before = connection.gettimeout()
        connection.settimeout(self.answer_timeout)
        try:
            return super().data(msg)  # type: ignore[misc]
        finally:
            if self.sock is not None:  # type: ignore[attr-defined]
                connection.settimeout(before)


class _Plain(_Watched, smtplib.SMTP):
    pass


class _Secure(_Watched, smtplib.SMTP_SSL):
    pass


def _handed(smtp: object) -> bool:
    return isinstance(smtp, _Watched) and smtp.handed


def _leave(smtp: smtplib.SMTP) -> None:
    """Says goodbye. Whatever the server answers, the message's fate is decided."""
    with suppress(smtplib.SMTPException, OSError):
        if smtp.sock is not None:
            smtp.sock.settimeout(_GOODBYE)
        smtp.quit()
    smtp.close()


def _connect(settings: SmtpSettings) -> _Plain | _Secure:
    if settings.tls == "tls":
        return _Secure(
            settings.host,
            settings.port,
            timeout=settings.timeout,
            context=ssl.create_default_context(),
        )
    smtp = _Plain(settings.host, settings.port, timeout=settings.timeout)
    if settings.tls == "starttls":
        try:
            smtp.starttls(context=ssl.create_default_context())
        except BaseException:
            smtp.close()
            raise
    return smtp


def _of_kind(
    codes: Iterable[int], text: str, recipients: Mapping[str, tuple[int, bytes]] | None = None
) -> MailError:
    said = list(codes)
    kind = MailUnavailableError if any(400 <= c < 500 for c in said) else MailRefusedError
    of_each = recipients or {}
    return kind(text, _said(of_each), _deferred(of_each), of_server=_CLOSING in said)


def _deferred(replies: Mapping[str, tuple[int, bytes]]) -> frozenset[str]:
    return frozenset(to for to, (code, _) in replies.items() if 400 <= code < 500)


def _said(replies: Mapping[str, tuple[int, bytes]]) -> dict[str, str]:
    return {address: _words(*reply) for address, reply in replies.items()}


def _told(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {_words(*reply)}" for address, reply in recipients.items())


def _words(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    # It goes to terminals and into the ledger, where PostgreSQL takes no NUL.
    said = printable(" ".join(said.split()))
    if len(said) > _LONGEST_WORDS:
        said = f"{said[:_LONGEST_WORDS]}…"
    return f"{code} {said}".strip()


def _one_line(text: str, what: str) -> str:
    if re.search(r"[\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text):
        raise MailRefusedError(f"the {what} {text!r} holds a line break")
    return text.strip()
