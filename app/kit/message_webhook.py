"""A provider of the operator's own: one POST per message, with an `Idempotency-Key` that it must honor."""

from typing import Any

import httpx

from app.kit.messages import Message, Outcome, Refused, Sent, TryLater, Uncertain
from app.kit.outgoing import answer_of, retry_after_seconds

_NOT_NOW = frozenset({401, 403, 404, 408, 409, 425, 429})


class WebhookSender:
    """Because the key is honored, whatever is not a clear yes or no is simply tried again."""

    name = "webhook"
    idempotent = True

    def __init__(self, url: str, *, timeout_seconds: float = 10.0) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds

    def send(self, message: Message) -> Outcome:
        key = f"{message.organization_id}:{message.idempotency_key}"
        answer = answer_of(
            "POST",
            self._url,
            timeout_seconds=self._timeout_seconds,
            json=_document(message),
            headers={"Idempotency-Key": key},
        )
        if isinstance(answer, Uncertain):
            return TryLater(answer.reason)
        return answer if isinstance(answer, TryLater) else _outcome_of(answer, key)


def _document(message: Message) -> dict[str, Any]:
    return {
        "organization_id": str(message.organization_id),
        "idempotency_key": message.idempotency_key,
        "channel": message.channel.value,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": dict(message.headers),
        "unsubscribe_url": message.unsubscribe_url,
    }


def _outcome_of(answer: httpx.Response, key: str) -> Outcome:
    status = answer.status_code
    if answer.is_success:
        return _outcome_of_success(answer, key)
    if status in _NOT_NOW or status >= 500 or status < 400:
        return TryLater(f"http-{status}", retry_after_seconds(answer))
    return Refused(f"http-{status}")


def _outcome_of_success(answer: httpx.Response, key: str) -> Outcome:
    """An empty body or an object without an error in it: some providers say 200 and mean no."""
    if not answer.content.strip():
        return Sent(key)
    try:
        body = answer.json()
    except ValueError:
        return TryLater("answer-unreadable")
    if not isinstance(body, dict) or _says_no(body):
        return TryLater("answer-with-error")
    return Sent(str(body.get("id") or key))


def _says_no(body: dict[str, Any]) -> bool:
    return bool(body.get("error") or body.get("errors")) or body.get("status") in ("error", "failed")
