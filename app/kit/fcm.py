"""Push notifications through Firebase Cloud Messaging's HTTP v1 API, which also reaches APNs and Web Push.

Source: firebase.google.com/docs/cloud-messaging/send-message, …/reference/fcm/rest/v1/projects.messages and
…/reference/fcm/rest/v1/ErrorCode; developers.google.com/identity/protocols/oauth2/service-account for the token.
"""

import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.kit import clock
from app.kit.messages import Refused, Sent, TryLater, Uncertain
from app.kit.outgoing import answer_of, retry_after_seconds

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LASTS = timedelta(hours=1)
#: A token is renewed so long before it ends, so that it does not end on the way.
EARLY = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    project_id: str
    client_email: str
    token_uri: str
    key_id: str
    key: RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unregistered:
    """The app is gone from the device, or has another token now: this one will never be good again."""


@dataclass(frozen=True, slots=True)
class Push:
    """What a device is sent. `topic`: of several that wait for a device, the newest replaces the others.

    With a `title` the device shows it; without one the app is woken and nobody sees anything.
    """

    topic: str
    data: dict[str, str]
    title: str = ""
    body: str = ""


Pushed = Sent | Unregistered | Refused | TryLater | Uncertain


def service_account(given: str) -> ServiceAccount:
    """The account from its JSON, or from the file at this path.

    Raises:
        ValueError: it is no service account with an RSA key; the message holds nothing of it.
    """
    try:
        document = json.loads(given if given.lstrip().startswith("{") else Path(given).read_text())
        key = load_pem_private_key(document["private_key"].encode(), password=None)
        named = {name: str(document[name]) for name in ("project_id", "client_email", "token_uri")}
        key_id = str(document.get("private_key_id", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("not a Firebase service account: give its JSON file, or what is in it") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the key of the Firebase service account is not an RSA key")
    return ServiceAccount(**named, key_id=key_id, key=key)


class Fcm:
    """Sends pushes in the name of one service account. Used by several threads at once."""

    def __init__(self, account: ServiceAccount, *, base_url: str, timeout_seconds: float = 10.0) -> None:
        self._account = account
        self._url = f"{base_url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"
        self._timeout_seconds = timeout_seconds
        self._token = ""
        self._good_until = datetime.min.replace(tzinfo=UTC)
        self._one_asks = threading.Lock()

    def send(self, token: str, push: Push) -> Pushed:
        """Hand it to FCM for the device with this registration token. Blocks: never call it inside a transaction."""
        answer = self._post(token, push, used := self._access_token(""))
        if isinstance(answer, httpx.Response) and answer.status_code == 401 and isinstance(used, str):
            answer = self._post(token, push, self._access_token(used))
        return _outcome_of(answer) if isinstance(answer, httpx.Response) else answer

    def _post(
        self, token: str, push: Push, access_token: str | TryLater | Refused
    ) -> httpx.Response | Refused | TryLater | Uncertain:
        if not isinstance(access_token, str):
            return access_token
        return answer_of(
            "POST",
            self._url,
            timeout_seconds=self._timeout_seconds,
            json={"message": {"token": token, **message_of(push)}},
            headers={"Authorization": f"Bearer {access_token}"},
        )

    def _access_token(self, bad: str) -> str | TryLater | Refused:
        """The token that is in use, when it is not the `bad` one, or a new one."""
        with self._one_asks:
            if self._token and self._token != bad and clock.now() < self._good_until:
                return self._token
            answer = answer_of(
                "POST",
                self._account.token_uri,
                timeout_seconds=self._timeout_seconds,
                data={"grant_type": GRANT, "assertion": self._assertion()},
            )
            if not isinstance(answer, httpx.Response):
                return TryLater(answer.reason)
            if not answer.is_success:
                trouble = f"fcm-token-{answer.status_code}"
                passing = answer.status_code == 429 or answer.status_code >= 500
                return TryLater(trouble, retry_after_seconds(answer)) if passing else Refused(trouble)
            try:
                given = answer.json()
                self._token, lasts = str(given["access_token"]), timedelta(seconds=int(given["expires_in"]))
            except (ValueError, KeyError, TypeError):
                return TryLater("fcm-token-unreadable")
            self._good_until = clock.now() + lasts - EARLY
            return self._token

    def _assertion(self) -> str:
        account, at = self._account, clock.now()
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": at,
            "exp": at + ASSERTION_LASTS,
        }
        return jwt.encode(claims, account.key, algorithm="RS256", headers={"kid": account.key_id})


def message_of(push: Push) -> dict[str, Any]:
    """The message without its target: data alone wakes the app, a title is shown by the system."""
    seen = bool(push.title)
    aps: dict[str, Any] = {} if seen else {"content-available": 1}
    message: dict[str, Any] = {
        "data": push.data,
        "android": {"collapse_key": push.topic, "priority": "high" if seen else "normal"},
        "apns": {
            "headers": {
                "apns-push-type": "alert" if seen else "background",
                "apns-priority": "10" if seen else "5",
                "apns-collapse-id": push.topic,
            },
            "payload": {"aps": aps},
        },
        "webpush": {"headers": {"Topic": push.topic, "Urgency": "high" if seen else "normal", "TTL": "86400"}},
    }
    if seen:
        message["notification"] = {"title": push.title, "body": push.body}
        message["android"]["notification"] = {"tag": push.topic}
        aps["sound"] = "default"
    return message


def _outcome_of(answer: httpx.Response) -> Pushed:
    """What FCM said; a 404 that does not say `UNREGISTERED` is about the project or the address, not the device."""
    body = _body_of(answer)
    if answer.is_success:
        return Sent(str(body.get("name", "")))
    code = _error_code(body)
    if code == "UNREGISTERED":
        return Unregistered()
    reason = f"fcm-{answer.status_code}-{code}".rstrip("-").lower()
    if answer.status_code == 429 or answer.status_code >= 500:
        return TryLater(reason, retry_after_seconds(answer))
    return Refused(reason)


def _body_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _error_code(body: dict[str, Any]) -> str:
    """FCM's own code from the details, else the general status."""
    error = body.get("error")
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith("FcmError"):
            return str(detail.get("errorCode", ""))
    return str(error.get("status", ""))
