"""The mailer against real servers: plain, STARTTLS with login, TLS, refusing, silent, absent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from resources.mailer import (
    MailError,
    MailRefusedError,
    MailUnavailableError,
    SmtpSettings,
    envelope,
    parse_addresses,
    send,
)

PASSWORD = "correct horse"


class Post:
    """Takes mail for everybody but those whose name says otherwise."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        if address.startswith("busy"):
            return "450 4.2.1 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        if b"slowly" in content:
            await asyncio.sleep(1)
        if b"too big" in content:
            return "552 5.3.4 message too big"
        if b"garbled" in content:
            return "554 \x1b[31mno\x00"
        if b"endless" in content:
            return "554-" + "\r\n554-".join(["y" * 400] * 20) + "\r\n554 end"
        parsed: Any = message_from_bytes(content, policy=policy.default)
        self.got.append((list(envelope.rcpt_tos), parsed))
        return "250 OK"


def check_login(_: SMTP, __: Session, ___: Envelope, ____: str, data: Any) -> AuthResult:
    right = LoginPassword(b"reports", PASSWORD.encode())
    return AuthResult(success=data == right, handled=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(post: Post, **options: Any) -> Iterator[int]:
    controller = Controller(post, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def post() -> Post:
    return Post()


def message(*to: str, subject: str = "Breakout, 1–30 June 2026") -> EmailMessage:
    made = envelope(subject, "Reports <reports@example.com>", to or ["a@example.com"], "<1@x.org>")
    made.set_content("Größe: 5 €")
    made.add_attachment(b"%PDF-\r\n.\r\n", maintype="application", subtype="pdf", filename="r.pdf")
    return made


def settings(port: int, **rest: Any) -> SmtpSettings:
    return SmtpSettings("127.0.0.1", port, timeout=rest.pop("timeout", 5.0), **rest)


def test_a_message_arrives_whole(post: Post) -> None:
    with serving(post) as port:
        sent = send(message("a@example.com", "b@example.com"), settings(port))
    assert sent.accepted == ("a@example.com", "b@example.com")
    assert not sent.refused
    ((to, got),) = post.got
    assert to == ["a@example.com", "b@example.com"]
    assert got["Subject"] == "Breakout, 1–30 June 2026"
    assert got["Message-ID"] == "<1@x.org>"
    body = got.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Größe: 5 €"
    (attached,) = got.iter_attachments()
    assert attached.get_content() == b"%PDF-\r\n.\r\n"


def login_server(post: Post, server_tls: ssl.SSLContext) -> Any:
    return serving(
        post,
        tls_context=server_tls,
        require_starttls=True,
        auth_required=True,
        authenticator=check_login,
    )


def test_starttls_with_login(
    post: Post, server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with login_server(post, server_tls) as port:
        send(message(), settings(port, tls="starttls", user="reports", password=PASSWORD))
    assert len(post.got) == 1


def test_a_wrong_password_is_not_shown(
    post: Post, server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with login_server(post, server_tls) as port:
        wrong = settings(port, tls="starttls", user="reports", password="hunter2")
        with pytest.raises(MailRefusedError) as caught:
            send(message(), wrong)
    said = str(caught.value)
    assert f"127.0.0.1:{port}" in said
    assert "535" in said
    assert "hunter2" not in said + repr(caught.value) + repr(wrong)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_an_untrusted_certificate_is_refused(
    post: Post, server_tls: ssl.SSLContext, tls: str
) -> None:
    server = implicit(post, server_tls) if tls == "tls" else serving(post, tls_context=server_tls)
    with server as port, pytest.raises(MailRefusedError, match=r"no secure .*: self.signed"):
        send(message(), settings(port, tls=tls))
    assert not post.got


@contextmanager
def implicit(post: Post, server_tls: ssl.SSLContext) -> Iterator[int]:
    # The controller's own first connection would have to trust the certificate, so skip it.
    class Quiet(Controller):
        def _trigger_server(self) -> None:
            with socket.create_connection((self.hostname, self.port), 5) as probe:
                client = ssl.create_default_context()
                client.check_hostname = False
                client.verify_mode = ssl.CERT_NONE
                with client.wrap_socket(probe) as secure:
                    secure.recv(100)

    controller = Quiet(post, hostname="127.0.0.1", port=free_port(), ssl_context=server_tls)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def test_tls_from_the_first_byte(
    post: Post, server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with implicit(post, server_tls) as port:
        send(message(), settings(port, tls="tls"))
    assert len(post.got) == 1


def test_starttls_that_the_server_does_not_have(post: Post) -> None:
    with serving(post) as port, pytest.raises(MailRefusedError, match="CDR_REPORTS_SMTP_TLS"):
        send(message(), settings(port, tls="starttls"))
    assert not post.got


def test_one_refused_recipient_is_reported_and_the_others_get_it(post: Post) -> None:
    with serving(post) as port:
        sent = send(message("a@example.com", "nobody@example.com"), settings(port))
    assert sent.accepted == ("a@example.com",)
    assert sent.refused == {"nobody@example.com": "550 5.1.1 no such user"}


@pytest.mark.parametrize("able", [True, False])
def test_an_address_beyond_ascii_keeps_no_other_from_the_mail(post: Post, able: bool) -> None:
    to = ("a@example.com", "b@münchen.example")
    with serving(post, enable_SMTPUTF8=able) as port:
        sent = send(message(*to), settings(port))
        if not able:
            with pytest.raises(MailRefusedError, match=r"refused every recipient.*SMTPUTF8"):
                send(message(to[1]), settings(port))
    assert sent.accepted == (to if able else to[:1])
    assert list(sent.refused) == ([] if able else [to[1]])
    assert "SMTPUTF8" in "".join(sent.refused.values()) or able
    ((got, _),) = post.got
    assert tuple(got) == sent.accepted


def test_all_recipients_refused_for_good(post: Post) -> None:
    with serving(post) as port, pytest.raises(MailRefusedError, match="no such user") as caught:
        send(message("nobody@example.com"), settings(port))
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "nobody@example.com" in str(caught.value)


def test_all_recipients_refused_for_now(post: Post) -> None:
    with serving(post) as port, pytest.raises(MailUnavailableError, match="mailbox busy"):
        send(message("busy@example.com"), settings(port))


def test_a_refused_message(post: Post) -> None:
    with serving(post) as port, pytest.raises(MailRefusedError, match="message too big"):
        send(message(subject="too big"), settings(port))


def test_what_a_server_says_is_told_without_effect_and_not_for_ever(post: Post) -> None:
    with serving(post) as port:
        with pytest.raises(MailRefusedError) as garbled:
            send(message(subject="garbled"), settings(port))
        with pytest.raises(MailRefusedError) as endless:
            send(message(subject="endless"), settings(port))
    assert str(garbled.value).endswith("refused: 554 \ufffd[31mno\ufffd")
    assert str(endless.value).endswith("yyy…")
    assert len(str(endless.value)) < 1_100


def test_a_server_that_is_down() -> None:
    port = free_port()
    with pytest.raises(MailUnavailableError) as caught:
        send(message(), settings(port))
    assert str(caught.value) == (
        f"mail server 127.0.0.1:{port} cannot be reached: Connection refused "
        "(CDR_REPORTS_SMTP_HOST and CDR_REPORTS_SMTP_PORT say where it is)"
    )


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MailUnavailableError, match=f"127.0.0.1:{port}.*SMTP_TLS right") as told:
            send(message(), settings(port, timeout=0.3))
    assert not told.value.maybe_taken


@contextmanager
def dripping(*lines: str) -> Iterator[int]:
    """A server that says these lines, then goes on with a reply that never ends; its port."""
    over = threading.Event()

    def serve() -> None:
        connection, _ = silent.accept()
        with connection, suppress(OSError):
            for line in lines:
                connection.sendall(f"{line}\r\n".encode())
                connection.recv(4096)
            while not over.wait(0.05):
                connection.sendall(b"250-still here\r\n")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield silent.getsockname()[1]
        over.set()
        thread.join(timeout=10)


@pytest.mark.parametrize("lines", [(), ("220 here",), ("220 here", "250 hello", "250 ok")])
def test_a_reply_that_never_ends(lines: tuple[str, ...]) -> None:
    with (
        dripping(*lines) as port,
        pytest.raises(MailUnavailableError, match=r"no whole answer within 0\.3 s") as told,
    ):
        send(message(), settings(port, timeout=0.3, answer_timeout=0.3))
    assert told.value.of_server
    assert not told.value.maybe_taken


def test_nobody_waits_for_a_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is taken: a fan-out would wait thousands of times."""
    monkeypatch.setattr("resources.mailer._GOODBYE", 0.2)
    began = time.monotonic()
    with dripping("220 here", "250 hello", "250 ok", "250 ok", "354 go", "250 taken") as port:
        assert send(message(), settings(port, timeout=30)).accepted == ("a@example.com",)
    assert time.monotonic() - began < 10


def test_a_server_that_looks_at_a_message_for_long(post: Post) -> None:
    """Only the message may take longer than any other step, and that not for ever."""
    with serving(post) as port:
        sent = send(message(subject="slowly"), settings(port, timeout=0.3, answer_timeout=30))
        with pytest.raises(MailUnavailableError, match="timed out") as caught:
            send(message(subject="slowly"), settings(port, answer_timeout=0.3))
    assert sent.accepted == ("a@example.com",)
    assert caught.value.maybe_taken


@pytest.mark.parametrize(
    ("subject", "sender", "to", "identity"),
    [
        ("x\nBcc: e@evil.org", "a@b.org", "c@d.org", "<1@x.org>"),
        ("x", "a@b.org\r\nBcc: e@evil.org", "c@d.org", "<1@x.org>"),
        ("x", "a@b.org", "c@d.org\nBcc: e@evil.org", "<1@x.org>"),
        ("x", "a@b.org", "c@d.org", "<1@x.org>\nBcc: e@evil.org"),
        ("x", "a@b.org", "c@d.org", "1"),
        ("x", "a@b.org", "", "<1@x.org>"),
        ("x", "reports", "c@d.org", "<1@x.org>"),
        ("x", "", "c@d.org", "<1@x.org>"),
    ],
)
def test_no_header_can_be_smuggled_in(subject: str, sender: str, to: str, identity: str) -> None:
    with pytest.raises(MailRefusedError):
        envelope(subject, sender, [to], identity)


@pytest.mark.parametrize("text", ["nobody", "a@", "@b.org", "a b@c.org", "<a@b.org>", "a@b@c.org"])
def test_no_address(text: str) -> None:
    with pytest.raises(MailRefusedError) as caught:
        parse_addresses([text])
    words = f"{text!r} is no e-mail address: write it as name@example.com"
    assert str(caught.value) == words


def test_addresses() -> None:
    assert parse_addresses([" a@b.org, c@d.org", "a@b.org", ""]) == ["a@b.org", "c@d.org"]
    assert parse_addresses(["a@B.org,A@b.org", "a@b.ORG"]) == ["a@b.org", "A@b.org"]
    assert issubclass(MailUnavailableError, MailError)
