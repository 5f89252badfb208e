"""The header `Sync-Chaos`: a network and a server that go wrong on demand, in sandbox organizations only.

It is the outermost layer, since what it stands for happens outside: an answer is lost after the work was done, a
captive portal answers in our stead. What goes wrong inside (a feed's memory, a handler, the clock) happens for real.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.identity.access import Caller, authenticate, bearer_of
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import rows
from app.kit.problems import BadRequest, Refusal
from app.kit.runtime import Runtime
from app.kit.web import FOR_DEVICES, MARKER, PROTOCOL
from app.sync.building import epoch_now
from app.sync.door import CACHING, said

HEADER = "sync-chaos"
#: How to break a connection off without a word, where the server says how.
HANG_UP = "firstfix.hang_up"
LONGEST_MS, FURTHEST_SECONDS = 60_000, 31_536_000
PORTAL = "<!doctype html><title>Welcome</title><h1>Free Wi-Fi</h1><p>Accept the terms to go online.</p>"
#: What a refusal of that number usually says.
CODES = {
    400: "malformed", 401: "token_expired", 403: "device_revoked", 410: "epoch_changed", 413: "too_large",
    422: "malformed", 426: "app_too_old", 429: "too_many_requests", 500: "unexpected_error", 503: "unavailable",
}  # fmt: skip


class ChaosNotAllowed(BadRequest):
    """Only a sandbox organization may ask for trouble."""

    code = "chaos-not-allowed"


class ChaosUnknown(BadRequest):
    """There is no such trouble; `known` lists what there is."""

    code = "chaos-unknown"


_poisoned: ContextVar[str | None] = ContextVar("poisoned", default=None)


class Poisoned(Exception):
    """An error of ours, on demand."""


def trip(type_: str) -> None:
    """Fail when operations of this type are poisoned in this request.

    Raises:
        Poisoned
    """
    if _poisoned.get() == type_:
        raise Poisoned(type_)


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    return read


def _nothing(text: str) -> bool:
    if text:
        raise ValueError(text)
    return True


def _type(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


#: Each word with what its value must be.
WORDS: Mapping[str, Callable[[str], Any]] = {
    "drop-response": _nothing,
    "delay": _number(0, LONGEST_MS),
    "status": _number(400, 599),
    "truncate": _nothing,
    "captive-portal": _nothing,
    "expire-cursor": _nothing,
    "rotate-epoch": _nothing,
    "purge-tombstones": _nothing,
    "poison": _type,
    "skew": _number(-FURTHEST_SECONDS, FURTHEST_SECONDS),
}


def read_chaos(header: str) -> dict[str, Any]:
    """word → value of `delay=8000, drop-response`.

    Raises:
        ChaosUnknown: a word that is not known, or a value that it does not take.
    """
    found = {}
    for one in filter(None, (part.strip() for part in header.split(","))):
        word, _, value = one.partition("=")
        try:
            found[word] = WORDS[word](value)
        except (KeyError, ValueError):
            raise ChaosUnknown(f"There is no trouble called {one!r}.", known=list(WORDS)) from None
    return found


FORGET = "DELETE FROM feed_entries WHERE organization_id = %(o)s AND feed_id = %(t)s AND removed"
#: What is done to the memory of the caller's feed.
FEED_TROUBLE = {
    "expire-cursor": f"WITH gone AS ({FORGET}) UPDATE feeds SET head = head + 1, floor = head + 1 "
    "WHERE organization_id = %(o)s AND id = %(t)s",
    "purge-tombstones": f"WITH gone AS ({FORGET} RETURNING seq) UPDATE feeds SET "
    "floor = greatest(floor, (SELECT max(seq) FROM gone)) WHERE organization_id = %(o)s AND id = %(t)s",
    "rotate-epoch": "UPDATE feeds SET epoch = greatest(epoch + 1, %(epoch)s) "
    "WHERE organization_id = %(o)s AND id = %(t)s",
}


def is_sandbox(db: Session, organization_id: UUID) -> bool:
    return db.get_one(Organization, organization_id).settings.get("sandbox") is True


class Chaos:
    """Does what `Sync-Chaos` says to requests of devices. One push can be armed to lose its answer without it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not FOR_DEVICES.match(scope["path"]):
            await self.app(scope, receive, send)
            return
        header = Headers(scope=scope).get(HEADER)
        is_push = (scope["method"], scope["path"]) == ("POST", "/v1/sync")
        if header is None and not (is_push and scope["app"].state.lost_pushes):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            me, allowed = await run_in_threadpool(_caller, request)
            asked = await run_in_threadpool(self._asked, request, header, me, allowed, is_push)
        except Refusal as refusal:
            response = said(refusal, request)
            response.headers[MARKER] = PROTOCOL
            await response(scope, receive, send)
            return
        await self._go_wrong(asked, scope, receive, send)

    @staticmethod
    def _asked(
        request: Request, header: str | None, me: Caller | None, allowed: bool, is_push: bool
    ) -> Mapping[str, Any]:
        """What shall go wrong; what concerns the feed has gone wrong when this returns."""
        if me is None:
            return {}
        asked = {}
        if header is not None:
            if not allowed:
                raise ChaosNotAllowed("This organization is no sandbox.")
            asked = read_chaos(header)
        armed: set[tuple[UUID, UUID | None]] = request.app.state.lost_pushes
        if is_push and (key := (me.organization_id, me.technician_id)) in armed:
            armed.discard(key)
            asked["drop-response"] = True
        runtime: Runtime = request.app.state.runtime
        for word in asked.keys() & FEED_TROUBLE.keys():
            with runtime.transaction(me.organization_id) as db:
                at = epoch_now(clock.now())
                rows(db, FEED_TROUBLE[word], o=me.organization_id, t=me.technician_id, epoch=at)
        return asked

    async def _go_wrong(self, asked: Mapping[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        if "delay" in asked:
            send = _later(send, asked["delay"])
        instead = _instead(asked)
        if instead is not None:
            await instead(scope, receive, send)
            return
        if "drop-response" in asked or "truncate" in asked:
            send = Broken(scope, send, cut="drop-response" not in asked)
        with ExitStack() as inside:
            if "skew" in asked:
                inside.enter_context(clock.off_by(asked["skew"]))
            token = _poisoned.set(asked.get("poison"))
            try:
                await self.app(scope, receive, send)
            finally:
                _poisoned.reset(token)


def _caller(request: Request) -> tuple[Caller | None, bool]:
    """Who asks, and whether of a sandbox; nobody when the token is not good: the route says so."""
    runtime: Runtime = request.app.state.runtime
    with runtime.session() as db:
        try:
            me = authenticate(db, bearer_of(request), read_only=True)
        except Refusal:
            return None, False
        return me, is_sandbox(db, me.organization_id)


def _instead(asked: Mapping[str, Any]) -> Response | None:
    """An answer that comes before anything is done; the portal's has no marker: it is not ours."""
    if "captive-portal" in asked:
        return HTMLResponse(PORTAL)
    if (status := asked.get("status")) is None:
        return None
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": "Chaos",
        "status": status,
        "detail": "You asked for it.",
        "code": CODES.get(status, "chaos"),
        "retryable": status in (401, 429, 503),
    }
    headers = {MARKER: PROTOCOL, "Cache-Control": CACHING}
    if status in (429, 503):
        headers["Retry-After"] = "1"
        document["retry_after_s"] = 1
    if status == 410:
        document["recovery"] = "reconcile"
    return Response(orjson.dumps(document), status, headers, media_type="application/problem+json")


def _later(send: Send, milliseconds: int) -> Send:
    async def slow(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(milliseconds / 1000)
        await send(message)

    return slow


@dataclass
class Broken:
    """A way back on which the answer is lost: all of it, or with `cut` the second half. The work has been done."""

    scope: Scope
    send: Send
    cut: bool
    start: Message | None = None
    is_over: bool = False

    async def __call__(self, message: Message) -> None:
        if self.is_over:
            return
        if message["type"] == "http.response.start":
            self.start = message
            return
        assert self.start is not None, "a body comes after its head"
        self.is_over = True
        half = message.get("body", b"")[: len(message.get("body", b"")) // 2] if self.cut else b""
        if half:
            await self.send(self.start)
            await self.send({"type": "http.response.body", "body": half, "more_body": True})
            return
        hang_up = self.scope.get("extensions", {}).get(HANG_UP)
        if hang_up is not None:
            hang_up()
            return
        # Without a way to say nothing at all: a head that promises a body, and no marker.
        await self.send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
