"""One bounded HTTP request to a message provider that the operator configured.

No redirects, no proxy from the environment, 64 KiB of answer at most. Trouble comes back as a value: `TryLater` when
the request cannot have arrived, `Uncertain` when it may have.
"""

import time
from collections.abc import Mapping
from typing import Any

import httpx

from app.kit.messages import TryLater, Uncertain

ANSWER_BYTES = 64 * 1024
#: However slowly it drips, an answer is waited for this many times its time-out.
_PATIENCE = 2


def answer_of(
    method: str,
    url: str,
    *,
    timeout_seconds: float,
    data: Mapping[str, str] | None = None,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> httpx.Response | TryLater | Uncertain:
    """The provider's answer, its body read, or what its absence means."""
    give_up_at = time.monotonic() + _PATIENCE * timeout_seconds
    try:
        with (
            httpx.Client(timeout=timeout_seconds, trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, data=data, json=json, headers=headers, auth=auth) as answer,
        ):
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES or time.monotonic() > give_up_at:
                    return Uncertain("answer-too-long")
            return httpx.Response(answer.status_code, headers=_without_encoding(answer.headers), content=body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as trouble:
        return TryLater(type(trouble).__name__)
    except httpx.HTTPError as trouble:
        return Uncertain(type(trouble).__name__)


def _without_encoding(headers: httpx.Headers) -> list[tuple[str, str]]:
    dropped = {"content-encoding", "content-length", "transfer-encoding"}
    return [(name, value) for name, value in headers.items() if name.lower() not in dropped]


def retry_after_seconds(answer: httpx.Response) -> int | None:
    """`Retry-After` in seconds, at most a day; None when there is none or it is a date."""
    given = answer.headers.get("retry-after", "")
    return min(int(given), 86_400) if given.isascii() and given.isdigit() else None
