"""The outside of every request: its id, its size, the headers of its answer. Pure ASGI, in this order."""

import json
import re
import time
from collections.abc import Iterable
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.ids import uuid7
from app.kit.problems import Refusal, TooLarge, Unprocessable, problem

log = structlog.get_logger("firstfix.http")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
#: What is asked for again and again by programs that are no browsers, where each byte is paid for.
LEAN, LEAN_HEADERS = re.compile(r"/v1/sync(/|$)"), {"x-content-type-options": "nosniff"}
API_CACHING = "private, no-cache"
#: What devices call: every answer of ours says so, refusals too, and one that does not is somebody else's network.
MARKER, PROTOCOL = "sync-protocol", "1"
FOR_DEVICES = re.compile(r"/v1/(sync|uploads|(?:signed-)?attachments|adapters)(/|$)")


class Outside:
    """Gives each request an id and a log line, and each answer its security and caching headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        request_id = sent if REQUEST_ID.fullmatch(sent) else str(uuid7())
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        status = 500

        async def dress(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                usual = LEAN_HEADERS if LEAN.match(scope["path"]) else SECURITY_HEADERS
                for name, value in usual.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", API_CACHING)
                if FOR_DEVICES.match(scope["path"]):
                    headers[MARKER] = PROTOCOL
            await send(message)

        try:
            await self.app(scope, receive, dress)
        finally:
            log.info(
                "request",
                method=scope["method"],
                route=getattr(scope.get("route"), "path", None),
                status=status,
                milliseconds=round(1000 * (time.perf_counter() - began), 1),
                request_id=request_id,
            )


class BodyLimit:
    """Refuses bodies over `limit` bytes (imports and uploads have limits of their own) before anything reads them."""

    def __init__(self, app: ASGIApp, *, limit: int = 1_000_000, larger: Iterable[tuple[str, int]] = ()) -> None:
        self.app = app
        self.limit = limit
        self.larger = [(re.compile(pattern), size) for pattern, size in larger]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = next((size for pattern, size in self.larger if pattern.fullmatch(scope["path"])), self.limit)
        declared = Headers(scope=scope).get("content-length", "0")
        if not (declared.isascii() and declared.isdigit()) or int(declared) > limit:
            await self._refuse(scope, receive, send, limit)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise TooLarge(f"The body may have {limit} bytes at most.", limit_bytes=limit)
            return message

        await self.app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        refusal = TooLarge(f"The body may have {limit} bytes at most.", limit_bytes=limit)
        await problem(refusal, instance=scope["path"])(scope, receive, send)


def pointer_of(location: Iterable[Any]) -> str:
    """The JSON pointer of a validation error's place; the first part says body, query, path or header."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)


class RequestNotWellFormed(Unprocessable):
    code = "not-well-formed"


def validation_problem(errors: Iterable[Any]) -> Refusal:
    listed = [{"pointer": pointer_of(error["loc"]), "code": error["type"], "detail": error["msg"]} for error in errors]
    return RequestNotWellFormed("The request is not well formed.", errors=json.loads(json.dumps(listed, default=str)))
