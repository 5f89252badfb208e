"""E-mail over SMTP: one message, one connection, every step with a time-out.

SMTP has no idempotency keys. Up to the DATA command nothing has been taken; from there until the server's answer
nobody knows, and the outcome is `Uncertain`. The `Message-ID` is made from the idempotency key, so that a mailbox that
receives a message twice can tell.
"""

import asyncio
import contextlib
import hashlib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import css_inline

from app.kit import clock
from app.kit.messages import Message, Outcome, Refused, Sent, TryLater, Uncertain

#: Replies about us (log in, policy of the relay), not about the message: a person mends the settings and it goes.
_ABOUT_US = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where mail is handed over. `tls`: "none", "starttls" (required, never optional) or "implicit"."""

    host: str
    port: int
    sender: str
    sender_name: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: str = "none"
    ca_file: str | None = None
    timeout_seconds: float = 10.0
    total_seconds: float = 25.0


def smtp_settings(url: str, *, mail_from: str) -> SmtpSettings:
    """Read `smtp://user:password@host:587/?starttls=1` or `smtps://…` (TLS from the first byte; port 465).

    `ca_file=` in the query names the certificates to trust instead of the machine's. `mail_from` is `Name <address>`.

    Raises:
        ValueError: not such an address. The message never repeats it, for it may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("an SMTP address looks like smtp://user:password@host:587/?starttls=1")
    sender_name, sender = parseaddr(mail_from)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    starttls = options.get("starttls", "0").lower() in ("1", "true", "yes")
    tls = "implicit" if parts.scheme == "smtps" else "starttls" if starttls else "none"
    return SmtpSettings(
        host=parts.hostname,
        port=parts.port or {"implicit": 465, "starttls": 587, "none": 25}[tls],
        sender=mail_address(sender),
        sender_name=sender_name,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
        ca_file=options.get("ca_file"),
    )


def mail_address(text: str) -> str:
    """The address alone, with its domain in ASCII.

    Raises:
        ValueError: not one plain address; line breaks, names, lists and quoted local parts are not.
    """
    if not text.isprintable() or any(character in text for character in ' ,;:<>()[]"\\'):
        raise ValueError("not one plain e-mail address")
    local, at, domain = text.strip().rpartition("@")
    if not (local and at and domain) or "@" in local or not local.isascii() or len(text) > 254:
        raise ValueError("not one plain e-mail address")
    ascii_domain = domain.encode("idna").decode("ascii")
    return Address(username=local, domain=ascii_domain).addr_spec


def message_id(message: Message, domain: str) -> str:
    """The same for the same organisation and idempotency key, and telling nothing about either."""
    digest = hashlib.sha256(f"{message.organization_id}:{message.idempotency_key}".encode()).hexdigest()
    return f"<{digest[:40]}@{domain}>"


def mail_for(message: Message, settings: SmtpSettings, *, at: datetime) -> EmailMessage:
    """Plain text first, HTML (its styles written into its elements) as the alternative.

    Raises:
        ValueError: a header, the subject or an address holds what may not stand there.
    """
    mail = EmailMessage(policy=SMTP_POLICY)
    sender = mail_address(settings.sender)
    local, _, domain = sender.rpartition("@")
    mail["From"] = Address(display_name=settings.sender_name, username=local, domain=domain)
    mail["To"] = mail_address(message.to)
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(message, domain)
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{_one_line(message.unsubscribe_url)}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    for name, value in message.headers.items():
        if not name.isascii() or not name.replace("-", "").isalnum() or name in mail:
            raise ValueError("a header may not be named so")
        mail[name] = _one_line(value)
    mail.set_content(message.text)
    if message.html:
        inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
        mail.add_alternative(inliner.inline(message.html), subtype="html")
    return mail


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a header is one line of printable characters")
    return text


class SmtpSender:
    """Hands each message to one SMTP server."""

    name = "smtp"
    idempotent = False

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.ca_file) if settings.tls != "none" else None

    def send(self, message: Message) -> Outcome:
        try:
            mail = mail_for(message, self._settings, at=clock.now())
        except (ValueError, UnicodeError):
            return Refused("invalid-message")
        return asyncio.run(_Handover(self._settings, self._tls).run(mail))


class _Handover:
    """One conversation with the server; remembers whether the content may already be theirs."""

    def __init__(self, settings: SmtpSettings, tls: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._content_under_way = False
        self._client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password,
            timeout=settings.timeout_seconds,
            use_tls=settings.tls == "implicit",
            start_tls=settings.tls == "starttls",
            tls_context=tls,
        )

    async def run(self, mail: EmailMessage) -> Outcome:
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                return await self._converse(mail)
        except aiosmtplib.SMTPResponseException as answer:
            return _outcome_of(answer.code)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as trouble:
            reason = type(trouble).__name__
            return Uncertain(reason) if self._content_under_way else TryLater(reason)
        finally:
            await self._hang_up()

    async def _converse(self, mail: EmailMessage) -> Outcome:
        await self._client.connect()
        await self._client.mail(mail_address(self._settings.sender))
        await self._client.rcpt(str(mail["To"]))
        self._content_under_way = True
        answer = await self._client.data(mail.as_bytes())
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await self._client.quit(timeout=1)
        return Sent(str(mail["Message-ID"]) if answer.code == 250 else "")

    async def _hang_up(self) -> None:
        """At once: a polite end of TLS would wait for the other side, and our loop ends here."""
        transport = self._client.transport
        self._client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        await asyncio.sleep(0)


def _outcome_of(code: int) -> Outcome:
    """An answer with a number is a clear no: 4xx for now, 5xx for good, unless it is about our log-in."""
    if 500 <= code < 600 and code not in _ABOUT_US:
        return Refused(f"smtp-{code}")
    return TryLater(f"smtp-{code}")
