"""SMS through Twilio's REST API, and the signed reports that come back.

Twilio has no idempotency keys: a request that got no answer, or an answer that does not tell, is `Uncertain`.
Source: twilio.com/docs/messaging/api/message-resource and /docs/usage/security#validating-requests.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import gsm0338
import httpx
import phonenumbers

from app.kit.messages import Message, Outcome, Refused, Sent, TryLater, Uncertain
from app.kit.outgoing import answer_of, retry_after_seconds

#: Twilio's codes that are about our account, not about this message: a person mends the settings and it goes.
_ABOUT_US = frozenset({20003, 20005, 21606, 21659, 21660, 21705, 21910, 30002, 63038})
_UNDELIVERED = frozenset({"failed", "undelivered", "canceled"})


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """`sender` is a number in E.164 or a messaging service (`MG…`)."""

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    base_url: str = "https://api.twilio.com"
    timeout_seconds: float = 10.0


def phone_number(text: str, *, region: str | None = None) -> str:
    """The number in E.164 (`+4930123456`); `region` (ISO 3166) is for numbers written without a country.

    Raises:
        ValueError: it cannot be anybody's number.
    """
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise ValueError("not a phone number") from None
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("not a phone number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@cache
def _gsm() -> gsm0338.Codec:
    return gsm0338.Codec()


def segments(text: str) -> int:
    """How many SMS this text is billed as: 160 GSM-7 characters or 70 UTF-16 units alone, 153 or 67 each when joined.

    A character of two units (an emoji; `€` or `[` in GSM-7) is never split between two segments.
    """
    if not text:
        return 0
    try:
        units, alone, joined = [len(_gsm().encode(character)[0]) for character in text], 160, 153
    except UnicodeEncodeError:
        units, alone, joined = [len(character.encode("utf-16-be")) // 2 for character in text], 70, 67
    if sum(units) <= alone:
        return 1
    count, room = 1, joined
    for unit in units:
        if unit > room:
            count, room = count + 1, joined
        room -= unit
    return count


class TwilioSender:
    """Hands each message to Twilio's message resource."""

    name = "twilio"
    idempotent = False

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._url = f"{settings.base_url.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"

    def send(self, message: Message) -> Outcome:
        try:
            form = self._form(message)
        except ValueError:
            return Refused("invalid-phone-number")
        answer = answer_of(
            "POST",
            self._url,
            timeout_seconds=self._settings.timeout_seconds,
            data=form,
            auth=(self._settings.account_sid, self._settings.auth_token),
        )
        return answer if isinstance(answer, TryLater | Uncertain) else _outcome_of(answer)

    def _form(self, message: Message) -> dict[str, str]:
        sender = self._settings.sender
        form = {"To": phone_number(message.to), "Body": message.text}
        form["MessagingServiceSid" if sender.startswith("MG") else "From"] = sender
        if message.status_url:
            form["StatusCallback"] = message.status_url
        return form


def _outcome_of(answer: httpx.Response) -> Outcome:
    body = _body_of(answer)
    code = body.get("code") if isinstance(body.get("code"), int) else None
    if answer.is_success:
        return _outcome_of_success(body)
    if answer.status_code == 429:
        return TryLater("twilio-429", retry_after_seconds(answer))
    if answer.status_code >= 500:
        asked_again = retry_after_seconds(answer)
        if answer.status_code == 503 and asked_again is not None:
            return TryLater("twilio-503", asked_again)
        return Uncertain(f"twilio-{answer.status_code}")
    if answer.status_code in (401, 403, 404) or code in _ABOUT_US or answer.status_code < 400:
        return TryLater(f"twilio-{code or answer.status_code}")
    return Refused(f"twilio-{code or answer.status_code}")


def _outcome_of_success(body: dict[str, Any]) -> Outcome:
    """A success without the message's own identifier is no success we can rely on."""
    sid = body.get("sid")
    if not isinstance(sid, str) or not sid:
        return Uncertain("twilio-answer-without-sid")
    if body.get("status") in _UNDELIVERED:
        return Refused(f"twilio-{body.get('error_code') or body['status']}")
    return Sent(sid)


def _body_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def signature(secret: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """What Twilio puts in `X-Twilio-Signature` for a form posted to `url` (base64 of HMAC-SHA1)."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def is_signed(secret: str, url: str, fields: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether Twilio sent this form. `url` is the one we gave them, in full; never made from the request's Host."""
    return hmac.compare_digest(signature(secret, url, fields).encode(), given.encode("utf-8", "replace"))
