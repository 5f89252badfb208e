"""The commonest request of all: is there anything new? One statement answers it, without a transaction around it.

What this cannot answer with "no" goes the ordinary way; a test holds the two together. With `wait`, a device is kept
here until there is something, without a seat and without a connection.
"""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.lifecycle import CREW
from app.identity.access import seat
from app.kit import clock
from app.kit.problems import Refusal
from app.kit.runtime import Runtime
from app.kit.tokens import ACCESS, fingerprint, organization_of
from app.sync.cursors import Cursor, ResetNeeded, read_cursor
from app.sync.door import CACHING
from app.sync.pulling import PAGE_MAX, write_receipt

PATH = "/v1/sync/changes"
#: What the request's log line says.
ROUTE = SimpleNamespace(path=PATH)
#: Whatever keeps a glance from its answer is said by the ordinary way.
TROUBLE = (Refusal, psycopg.Error, sa.exc.SQLAlchemyError)
LONGEST_WAIT = 25
A_NUMBER = re.compile(r"[0-9]{1,3}")
NOTHING_NEW = ((b"cache-control", CACHING.encode()),)

GLANCE = """
SELECT found.* FROM (SELECT set_config('app.organization', %(organization)s, true) AS id) AS entered
CROSS JOIN LATERAL (
    SELECT p.technician_id, p.roles, s.device_id, f.head, f.epoch, coalesce(d.rep, 1) AS rep, d.acked_seq,
           d.acked_epoch, o.settings -> 'min_app_version' AS asks_for_more
    FROM access_tokens t
    JOIN sessions s ON s.organization_id = t.organization_id AND s.id = t.session_id AND s.revoked_at IS NULL
    JOIN people p ON p.organization_id = s.organization_id AND p.id = s.person_id AND p.active
    JOIN feeds f ON f.organization_id = p.organization_id AND f.id = p.technician_id
    JOIN organizations o ON o.id = t.organization_id
    LEFT JOIN devices d ON d.organization_id = s.organization_id AND d.id = s.device_id
    WHERE t.organization_id = entered.id::uuid AND t.token_hash = %(hash)s AND t.expires_at > %(at)s
    OFFSET 0
) AS found
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a glance may answer."""

    token: str
    organization_id: UUID
    cursor: str
    wait: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is new for this technician after this position."""

    technician_id: UUID
    seq: int


def asked_by(scope: Scope) -> Asked | None:
    """None: it asks for more than a glance."""
    if scope["method"] != "GET":
        return None
    token = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            token = value.decode("latin-1").partition(" ")[2].strip()
        elif name == b"sync-chaos":
            return None
    given = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    cursor, wait, limit = given.pop("cursor", None), given.pop("wait", "0"), given.pop("limit", "100")
    if cursor is None or token is None or given or not (A_NUMBER.fullmatch(wait) and A_NUMBER.fullmatch(limit)):
        return None
    if int(wait) > LONGEST_WAIT or not 1 <= int(limit) <= PAGE_MAX:
        return None
    organization_id = organization_of(token, ACCESS)
    return Asked(token, organization_id, cursor, int(wait)) if organization_id is not None else None


def glance(runtime: Runtime, asked: Asked) -> Quiet | None:
    """Where the feed stands when the device has all of it; None when the ordinary way has to answer."""
    pooled = runtime.engine.raw_connection()
    try:
        connection: Any = pooled.driver_connection
        connection.autocommit = True
        try:
            values = {"organization": str(asked.organization_id), "hash": fingerprint(asked.token), "at": clock.now()}
            with connection.cursor(binary=True, row_factory=dict_row) as cursor:
                found = cursor.execute(GLANCE, values, prepare=True).fetchone()
        finally:
            connection.autocommit = False
    finally:
        pooled.close()
    if found is None or found["asks_for_more"] is not None or not CREW & set(found["roles"]):
        return None
    try:
        known = read_cursor(asked.cursor, found["technician_id"], secret=runtime.secret)
    except ResetNeeded:
        return None
    if not _has_all(known, found):
        return None
    if found["acked_seq"] is not None and (found["acked_epoch"], found["acked_seq"]) != (known.epoch, known.seq):
        with runtime.transaction(asked.organization_id) as db:
            write_receipt(db, asked.organization_id, found["device_id"], known, at=clock.now())
    return Quiet(found["technician_id"], known.seq)


def _has_all(known: Cursor, found: dict[str, Any]) -> bool:
    """At the head, in this epoch."""
    here = found["epoch"], found["head"], found["rep"]
    return known.after is None and (known.epoch, known.seq, known.rep) == here


class Glance:
    """Stands before the application, so that the commonest request passes through as little as possible."""

    def __init__(self, app: ASGIApp, *, runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime
        self.threads = ThreadPoolExecutor(runtime.settings.database_connections, "glance")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = asked_by(scope) if scope["type"] == "http" and scope["path"] == PATH else None
        if asked is None or not await self._is_quiet(scope["app"].state, asked):
            await self.app(scope, receive, send)
            return
        scope["route"] = ROUTE
        await send({"type": "http.response.start", "status": 204, "headers": list(NOTHING_NEW)})
        await send({"type": "http.response.body", "body": b""})

    async def _is_quiet(self, state: Any, asked: Asked) -> bool:
        """Whether nothing is new, at once or for as long as the device asked to wait."""
        until = time.monotonic() + asked.wait
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with seat(state.seats):
                    quiet = await loop.run_in_executor(self.threads, glance, self.runtime, asked)
            except TROUBLE:
                return False
            if quiet is None:
                return False
            rest = until - time.monotonic()
            if rest <= 0 or not await state.news.wait(asked.organization_id, quiet.technician_id, quiet.seq, rest):
                return True
