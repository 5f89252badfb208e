"""Which sender carries which channel, by the settings: the operator's own, else SMTP and Twilio, else the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.kit.mail import SmtpSender, smtp_settings
from app.kit.message_webhook import WebhookSender
from app.kit.messages import Channel, Sender
from app.kit.outbox import OpenTransaction, OutboxSender
from app.kit.settings import Settings
from app.kit.sms import TwilioSender, TwilioSettings


@dataclass(frozen=True, slots=True)
class Senders:
    """One sender per channel. `outbox_in_use`: at least one channel ends on the outbox page."""

    by_channel: Mapping[Channel, Sender]

    @property
    def outbox_in_use(self) -> bool:
        return any(isinstance(sender, OutboxSender) for sender in self.by_channel.values())


def make_senders(settings: Settings, transaction: OpenTransaction) -> Senders:
    """
    Raises:
        ValueError: a setting cannot be used; the program should not start.
    """
    if settings.message_webhook_url:
        webhook = WebhookSender(settings.message_webhook_url)
        return Senders({Channel.EMAIL: webhook, Channel.SMS: webhook})
    outbox = OutboxSender(transaction)
    return Senders({Channel.EMAIL: _mail_sender(settings) or outbox, Channel.SMS: _sms_sender(settings) or outbox})


def _mail_sender(settings: Settings) -> Sender | None:
    if settings.smtp_url is None:
        return None
    return SmtpSender(smtp_settings(settings.smtp_url.get_secret_value(), mail_from=settings.mail_from))


def twilio_settings(settings: Settings) -> TwilioSettings | None:
    """None without an account.

    Raises:
        ValueError: an account without its token or without a sender.
    """
    if settings.twilio_account_sid is None:
        return None
    if settings.twilio_auth_token is None or settings.twilio_from is None:
        raise ValueError("FIRSTFIX_TWILIO_ACCOUNT_SID needs FIRSTFIX_TWILIO_AUTH_TOKEN and FIRSTFIX_TWILIO_FROM")
    return TwilioSettings(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        sender=settings.twilio_from,
        base_url=settings.twilio_base_url,
    )


def _sms_sender(settings: Settings) -> Sender | None:
    found = twilio_settings(settings)
    return TwilioSender(found) if found else None
