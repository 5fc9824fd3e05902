"""A real mail server for tests, which takes what it is told to and misbehaves as it is told to."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_REFUSALS = {"550": "no such user", "450": "mailbox busy", "421": "shutting down"}


class PostOffice:
    """Keeps what it takes. Each of `faults` happens once, in turn; then all is well.

    `550 a@b`, `450 a@b`: a recipient is refused, for good or for now (`550 *`: every one).
    `421 a@b`: the server ends the conversation when it comes to that recipient.
    `data 554 text`: the message is refused. `mail 421 text`: the sender is.
    `drop`: the connection breaks before the answer, and the message is not taken.
    `swallow`: the message is taken, and the connection breaks before the answer.
    `stall`: no answer comes. `quit`: the message is taken, and goodbye is answered by an error.
    """

    def __init__(self, *faults: str) -> None:
        self.faults = list(faults)
        self.got: list[tuple[tuple[str, ...], EmailMessage, bytes]] = []
        self.fault = ""

    def mails(self) -> Counter[str]:
        """How many mails each recipient was given."""
        return Counter(address for to, _, _ in self.got for address in to)

    def message_ids(self) -> set[str]:
        """Message-IDs of what was taken."""
        return {str(message["Message-ID"]) for _, message, _ in self.got}

    async def handle_MAIL(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.fault = self.faults.pop(0) if self.faults else ""
        if self.fault.startswith("mail "):
            return self.fault.removeprefix("mail ")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        for part in self.fault.split(","):
            code, _space, whose = part.strip().partition(" ")
            if code in _REFUSALS and whose in (address, "*"):
                words = _REFUSALS[code]
                return f"{code} {code[0]}.1.1 {words}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        if self.fault.startswith("data "):
            return self.fault.removeprefix("data ")
        if self.fault == "stall":
            await asyncio.sleep(3)
            return "451 too late"
        if self.fault != "drop":
            content = envelope.original_content or b""
            parsed: Any = message_from_bytes(content, policy=policy.default)
            self.got.append((tuple(envelope.rcpt_tos), parsed, content))
        if self.fault in ("drop", "swallow"):
            transport: Any = server.transport
            transport.abort()
        return "250 OK"

    async def handle_QUIT(self, _: SMTP, __: Session, ___: Envelope) -> str:
        return "421 I am tired" if self.fault == "quit" else "221 Bye"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(post: PostOffice, port: int | None = None, **options: Any) -> Iterator[int]:
    """The server, until the end; its port."""
    controller = Controller(post, hostname="127.0.0.1", port=port or free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
