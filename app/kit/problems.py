"""How the API says no: one exception a refusal, one place that turns it into a problem document (RFC 9457).

Refusal
├── BadRequest          400   a cursor or header that cannot be read
├── NotSignedIn         401   no token, or one that is not valid now
├── NotAllowed          403   this caller may never do this
├── NotFound            404   no such thing, or not yours: the two look the same
├── RuleBroken          409   a rule forbids it now
├── Gone                410   a link or cursor that has expired
├── Stale               412   the thing changed since it was read
├── TooLarge            413   a body over its limit
├── UnsupportedMedia    415   a body of a type that is not taken here
├── Unprocessable       422   not well formed
├── VersionRequired     428   an edit without If-Match
├── TooManyRequests     429   slow down
└── Unavailable         503   try again later
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from starlette.responses import Response


class Refusal(Exception):
    """A request that is refused; `facts` are added to the problem document as they are."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
        self.headers = dict(headers or {})


class BadRequest(Refusal):
    status, code, title = 400, "bad-request", "Bad request"


class NotSignedIn(Refusal):
    status, code, title = 401, "not-signed-in", "Not signed in"

    def __init__(self, detail: str = "Send a valid access token.", **facts: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="firstfix"'}, **facts)


class NotAllowed(Refusal):
    status, code, title = 403, "not-allowed", "Not allowed"


class NotFound(Refusal):
    status, code, title = 404, "not-found", "Not found"


class RuleBroken(Refusal):
    status, code, title = 409, "rule-broken", "Conflict"


class Gone(Refusal):
    status, code, title = 410, "gone", "Gone"


class Stale(Refusal):
    status, code, title = 412, "stale", "Precondition failed"


class TooLarge(Refusal):
    status, code, title = 413, "too-large", "Too large"


class UnsupportedMedia(Refusal):
    status, code, title = 415, "unsupported-media", "Unsupported media type"


class Unprocessable(Refusal):
    status, code, title = 422, "unprocessable", "Not well formed"


class VersionRequired(Refusal):
    status, code, title = 428, "version-required", "Precondition required"


class TooManyRequests(Refusal):
    status, code, title = 429, "too-many-requests", "Too many requests"


class Unavailable(Refusal):
    status, code, title = 503, "unavailable", "Unavailable"

    def __init__(self, detail: str, *, retry_after_seconds: int = 2, **facts: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)}, **facts)


MEDIA_TYPE = "application/problem+json"


def problem(refusal: Refusal, *, instance: str) -> Response:
    """The problem document of a refusal, as an HTTP response."""
    document = {
        "type": f"/problems/{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": instance,
        "code": refusal.code,
        **refusal.facts,
    }
    return Response(
        orjson.dumps(document, default=str),
        status_code=refusal.status,
        media_type=MEDIA_TYPE,
        headers=refusal.headers,
    )


def refuses(*kinds: type[Refusal]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: each refusal it may raise, by status, with its codes named."""
    by_status: dict[int | str, list[type[Refusal]]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": "; ".join(f"`{kind.code}`" for kind in group),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, group in by_status.items()
    }
