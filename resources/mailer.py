"""Sends one message by SMTP: TLS modes, timeouts, and errors that say what to do.

What a message says is not decided here, and nothing is tried twice: whoever calls knows whether
that is safe. A password is never part of an error.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

Tls = Literal["none", "starttls", "tls"]


class MailError(Exception):
    """The message was not sent; the text says where it failed and with which words."""


class MailRefusedError(MailError):
    """Trying again will not help: a bad address, a login, a refusal for good."""


class MailUnavailableError(MailError):
    """It may be sent later: the server is down, slow, or says to try again."""


@dataclass(frozen=True)
class SmtpSettings:
    """How to reach the mail server. A blank `user` means no login; `timeout` is in seconds."""

    host: str
    port: int = 25
    tls: Tls = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = "cdr-reports@localhost"
    timeout: float = 30.0

    @property
    def server(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Sent:
    """Who the server took the message for, and who not, with its words."""

    accepted: tuple[str, ...]
    refused: Mapping[str, str]


def parse_addresses(texts: Iterable[str]) -> list[str]:
    """Addresses from texts such as `a@b,c@d`, without repetitions.

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
            except (MessageError, ValueError, IndexError) as error:
                raise MailRefusedError(
                    f"{address!r} is no e-mail address ({error}): write it as name@example.com"
                ) from None
            if not parsed.username or not parsed.domain or re.search(r"\s", address):
                raise MailRefusedError(
                    f"{address!r} is no e-mail address: write it as name@example.com"
                )
            if address not in found:
                found.append(address)
    return found


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
    message["From"] = _one_line(sender, "sender")
    if [bool(a.username and a.domain) for a in message["From"].addresses] != [True]:
        raise MailRefusedError(
            f"the sender {sender!r} is no e-mail address: set CDR_REPORTS_SMTP_FROM to one, "
            "e.g. Reports <reports@example.com>"
        )
    message["To"] = ", ".join(to)
    identity = _one_line(message_id, "Message-ID")
    if not re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", identity):
        raise MailRefusedError(f"Message-ID {identity!r} is not of the form <something@domain>")
    message["Message-ID"] = identity
    return message


def send(message: EmailMessage, settings: SmtpSettings) -> Sent:
    """Hands the message to the server for the addresses in its To, Cc and Bcc.

    Returns who was refused when at least one recipient was accepted. Raises MailRefusedError when
    none was, or the server refuses the login or the message for good; MailUnavailableError when it
    cannot be reached, breaks off or says to try again.
    """
    recipients = parse_addresses(
        address.addr_spec
        for name in ("To", "Cc", "Bcc")
        for header in message.get_all(name, [])
        for address in header.addresses
    )
    if not recipients:
        raise MailRefusedError("the message has no recipient: name at least one address")
    at = f"mail server {settings.server}"
    try:
        with _connect(settings) as smtp:
            if settings.user:
                smtp.login(settings.user, settings.password)
            refused = smtp.send_message(message, to_addrs=recipients)
    except smtplib.SMTPRecipientsRefused as error:
        raise _of_kind(
            [code for code, _ in error.recipients.values()],
            f"{at} refused every recipient: {_told(error.recipients)}",
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        raise _of_kind(
            [error.smtp_code],
            f"{at} refused the login of {settings.user!r}: "
            + _words(error.smtp_code, error.smtp_error),
        ) from None
    except smtplib.SMTPServerDisconnected as error:
        raise MailUnavailableError(f"{at} broke off the connection: {error}") from None
    except smtplib.SMTPResponseException as error:
        raise _of_kind(
            [error.smtp_code], f"{at} refused: {_words(error.smtp_code, error.smtp_error)}"
        ) from None
    except smtplib.SMTPException as error:
        hint = " (is CDR_REPORTS_SMTP_TLS right?)" if settings.tls != "tls" else ""
        raise MailRefusedError(f"{at} cannot do what is needed: {error}{hint}") from None
    except ssl.SSLError as error:
        raise MailRefusedError(
            f"{at}: no secure connection with tls={settings.tls}: {error.reason or error}. "
            "Is its certificate valid for this host, and is this the right port for that?"
        ) from None
    except (OSError, TimeoutError) as error:
        raise MailUnavailableError(f"{at} cannot be reached: {error}") from None
    said = {address: _words(*reply) for address, reply in refused.items()}
    return Sent(tuple(to for to in recipients if to not in said), said)


def _connect(settings: SmtpSettings) -> smtplib.SMTP:
    if settings.tls == "tls":
        return smtplib.SMTP_SSL(
            settings.host,
            settings.port,
            timeout=settings.timeout,
            context=ssl.create_default_context(),
        )
    smtp = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
    if settings.tls == "starttls":
        try:
            smtp.starttls(context=ssl.create_default_context())
        except BaseException:
            smtp.close()
            raise
    return smtp


def _of_kind(codes: Iterable[int], text: str) -> MailError:
    passing = any(400 <= code < 500 for code in codes)
    return MailUnavailableError(text) if passing else MailRefusedError(text)


def _told(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{address}: {_words(*reply)}" for address, reply in recipients.items())


def _words(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return f"{code} {' '.join(said.split())}".strip()


def _one_line(text: str, what: str) -> str:
    if re.search(r"[\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text):
        raise MailRefusedError(f"the {what} {text!r} holds a line break")
    return text.strip()
