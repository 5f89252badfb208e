"""E-mail, received by a real SMTP server on this machine."""

import contextlib
import email
import gc
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from app.kit import clock
from app.kit.mail import SmtpSender, SmtpSettings, mail_address, mail_for, message_id, smtp_settings
from app.kit.messages import Channel, Message, Refused, Sent, TryLater, Uncertain
from tests.kit.certificates import a_certificate

ORGANIZATION = UUID("018f0000-0000-7000-8000-000000000001")


class Mailbox:
    """Keeps what arrives; answers the end of DATA with `answer`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer = "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            content = cast(bytes, envelope.content)
            self.mails.append(cast(EmailMessage, email.message_from_bytes(content, policy=default_policy)))
            self.recipients.append(envelope.rcpt_tos)
        return self.answer


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def a_server(mailbox: Mailbox, **options: Any) -> Controller:
    controller = Controller(mailbox, hostname="127.0.0.1", port=a_free_port(), **options)
    controller.start()
    return controller


def stopped(controller: Controller) -> None:
    """aiosmtpd leaves connections that never finished TLS to the garbage collector, which complains: let it, here."""
    controller.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def plain_server(mailbox: Mailbox) -> Iterator[Controller]:
    controller = a_server(mailbox)
    yield controller
    stopped(controller)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, ssl.SSLContext]:
    return a_certificate(tmp_path)


def a_message(**changes: Any) -> Message:
    values: dict[str, Any] = {
        "organization_id": ORGANIZATION,
        "idempotency_key": "survey-1",
        "channel": Channel.EMAIL,
        "to": "cleo@example.org",
        "subject": "How did we do? ¿Qué tal?",
        "text": "Tell us: http://127.0.0.1/s/abc\n.\nA line that begins with a dot is above.",
        "html": "<html><head><style>p{color:#123456}</style></head><body><p>Tell us</p></body></html>",
        "unsubscribe_url": "https://firstfix.example/u/abc",
    }
    return Message(**{**values, **changes})


def a_sender(controller: Controller, **changes: Any) -> SmtpSender:
    return SmtpSender(_settings(controller.port, **changes))


def _settings(port: int, **changes: Any) -> SmtpSettings:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "sender": "jobs@firstfix.example",
        "sender_name": "Acme Lifts, Inc.",
        "timeout_seconds": 3,
    }
    return SmtpSettings(**{**values, **changes})


def test_a_mail_arrives_with_text_and_html_and_its_headers(plain_server: Controller, mailbox: Mailbox) -> None:
    outcome = a_sender(plain_server).send(a_message())

    [mail] = mailbox.mails
    assert outcome == Sent(mail["Message-ID"])
    assert mailbox.recipients == [["cleo@example.org"]]
    assert mail["Subject"] == "How did we do? ¿Qué tal?"
    assert mail["From"].addresses[0].display_name == "Acme Lifts, Inc."
    assert mail["List-Unsubscribe"] == "<https://firstfix.example/u/abc>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Date"] is not None
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = (part.get_content() for part in cast(list[EmailMessage], list(mail.iter_parts())))
    assert text.splitlines()[1] == "."
    assert 'style="color: #123456' in html.replace("color:#", "color: #")


def test_the_message_id_is_the_same_for_the_same_key_and_another_for_another(
    plain_server: Controller, mailbox: Mailbox
) -> None:
    sender = a_sender(plain_server)
    for message in (a_message(), a_message(), a_message(idempotency_key="survey-2")):
        sender.send(message)

    first, again, other = (mail["Message-ID"] for mail in mailbox.mails)
    assert first == again != other
    assert first == message_id(a_message(), "firstfix.example")


def test_with_starttls_the_mail_travels_encrypted(mailbox: Mailbox, certificate: tuple[str, ssl.SSLContext]) -> None:
    ca_file, context = certificate
    controller = a_server(mailbox, tls_context=context, require_starttls=True)
    try:
        sender = a_sender(controller, tls="starttls", ca_file=ca_file, host="localhost")
        assert isinstance(sender.send(a_message()), Sent)
        assert isinstance(a_sender(controller).send(a_message()), TryLater | Refused)
    finally:
        stopped(controller)

    assert len(mailbox.mails) == 1


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    mailbox: Mailbox, certificate: tuple[str, ssl.SSLContext]
) -> None:
    controller = a_server(mailbox, tls_context=certificate[1])
    try:
        assert isinstance(a_sender(controller, tls="starttls").send(a_message()), TryLater)
    finally:
        stopped(controller)

    assert mailbox.mails == []


def test_a_server_without_starttls_gets_nothing_when_we_require_it(plain_server: Controller, mailbox: Mailbox) -> None:
    assert isinstance(a_sender(plain_server, tls="starttls").send(a_message()), TryLater)
    assert mailbox.mails == []


def test_we_log_in_and_a_wrong_password_is_our_trouble_not_the_message_s(
    mailbox: Mailbox, certificate: tuple[str, ssl.SSLContext]
) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=False)

    ca_file, context = certificate
    controller = a_server(mailbox, tls_context=context, authenticator=check, auth_required=True)
    options = {"tls": "starttls", "ca_file": ca_file, "host": "localhost", "username": "us"}
    try:
        assert isinstance(a_sender(controller, password="right", **options).send(a_message()), Sent)
        assert a_sender(controller, password="wrong", **options).send(a_message()) == TryLater("smtp-535")
    finally:
        stopped(controller)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("451 later", TryLater("smtp-451")), ("554 no", Refused("smtp-554")), ("550 no such user", Refused("smtp-550"))],
)
def test_the_server_s_answer_decides(
    plain_server: Controller, mailbox: Mailbox, answer: str, outcome: TryLater | Refused
) -> None:
    mailbox.answer = answer

    assert a_sender(plain_server).send(a_message()) == outcome


def test_nobody_listening_means_try_later() -> None:
    assert isinstance(SmtpSender(_settings(a_free_port())).send(a_message()), TryLater)


class Script:
    """A server that says one line to each thing it hears, then hangs or hangs up."""

    def __init__(self, *lines: bytes, hang: bool) -> None:
        self.lines, self.hang = lines, hang
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(5)
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._play, daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.over.set()
        self.thread.join(10)
        self.listener.close()

    def _play(self) -> None:
        connection, _ = self.listener.accept()
        connection.settimeout(5)
        with connection, contextlib.suppress(OSError):
            for line in self.lines:
                connection.sendall(line)
                connection.recv(65536)
            if self.hang:
                self.over.wait(10)


TO_DATA = (b"220 hi\r\n", b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")


@pytest.mark.parametrize("hang", [True, False])
def test_when_the_answer_to_the_content_never_comes_the_outcome_is_uncertain(hang: bool) -> None:
    script = Script(*TO_DATA, hang=hang)

    outcome = SmtpSender(_settings(script.port, timeout_seconds=0.4)).send(a_message())

    script.end()
    assert isinstance(outcome, Uncertain)


@pytest.mark.parametrize("hang", [True, False])
@pytest.mark.parametrize("said", [0, 1, 2, 3])
def test_trouble_before_the_content_means_try_later(hang: bool, said: int) -> None:
    script = Script(*TO_DATA[:said], hang=hang)

    outcome = SmtpSender(_settings(script.port, timeout_seconds=0.4)).send(a_message())

    script.end()
    assert isinstance(outcome, TryLater)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "cleo@example.org\r\nBcc: all@example.org"},
        {"to": "cleo@example.org, dana@example.org"},
        {"to": "Cleo <cleo@example.org>"},
        {"to": "cleo@example.org> SIZE=1"},
        {"to": "no address"},
        {"to": ""},
        {"subject": "Hello\r\nBcc: all@example.org"},
        {"subject": "Hello\nX: y"},
        {"unsubscribe_url": "https://a.example/\r\nBcc: all@example.org"},
        {"headers": {"X-Note": "a\r\nBcc: b"}},
        {"headers": {"X-Note\r\nBcc": "b"}},
        {"headers": {"From": "someone@else.example"}},
    ],
)
def test_headers_cannot_be_injected(plain_server: Controller, mailbox: Mailbox, changes: dict[str, Any]) -> None:
    assert a_sender(plain_server).send(a_message(**changes)) == Refused("invalid-message")
    assert mailbox.mails == []


def test_an_international_domain_is_written_in_ascii() -> None:
    assert mail_address("cleo@müller.example") == "cleo@xn--mller-kva.example"


def test_a_message_without_html_is_plain() -> None:
    mail = mail_for(a_message(html="", unsubscribe_url=""), _settings(25), at=clock.now())

    assert mail.get_content_type() == "text/plain"
    assert mail["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("url", "tls", "port"),
    [
        ("smtp://mail.example", "none", 25),
        ("smtp://us:p%40ss@mail.example/?starttls=1", "starttls", 587),
        ("smtps://mail.example", "implicit", 465),
        ("smtp://mail.example:2525", "none", 2525),
    ],
)
def test_the_setting_says_how_to_connect(url: str, tls: str, port: int) -> None:
    settings = smtp_settings(url, mail_from="Acme <jobs@acme.example>")

    assert (settings.tls, settings.port) == (tls, port)
    assert (settings.sender, settings.sender_name) == ("jobs@acme.example", "Acme")
    if settings.username:
        assert settings.password == "p@ss"
        assert "p@ss" not in repr(settings)


def test_a_setting_that_is_no_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError) as refusal:
        smtp_settings("http://us:secret@mail.example", mail_from="jobs@acme.example")

    assert "secret" not in str(refusal.value)
