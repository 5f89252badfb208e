"""Who is calling, and the transaction around each request.

Every route of the API is an `Operation`: it takes a seat (there are as many as database connections), reads the
whole body, and then does all the rest in one hop to a worker thread: opens one session, finds the caller with one
statement, asks the policy, runs the route, and commits before the answer is sent. A `GET` or `HEAD` gets a transaction
in which the database refuses to write.
"""

import asyncio
import hashlib
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from app.domain.roles import OFFICE, Role, Scope
from app.identity.policy import PUBLIC, reach
from app.kit import clock
from app.kit.database import rows
from app.kit.ids import uuid7
from app.kit.problems import NotAllowed, NotSignedIn, Refusal, RuleBroken, Unavailable
from app.kit.runtime import Runtime
from app.kit.tokens import ACCESS, API_KEY, fingerprint, organization_of

SEAT_WAIT_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent the request and how far it reaches: `scope` is the policy's answer for this operation."""

    organization_id: UUID
    person_id: UUID | None
    api_client_id: UUID | None
    session_id: UUID | None
    device_id: UUID | None
    technician_id: UUID | None
    partner_id: UUID | None
    name: str
    roles: frozenset[Role]
    scope: Scope = Scope.OWN

    @property
    def id(self) -> UUID:
        found = self.person_id or self.api_client_id
        assert found is not None
        return found

    @property
    def is_office(self) -> bool:
        return bool(self.roles & OFFICE)

    @property
    def sees_costs(self) -> bool:
        return bool(self.roles & {Role.FINANCE, Role.MANAGER, Role.ADMIN, Role.SUPERVISOR})


class IdempotencyKeyReused(RuleBroken):
    """The Idempotency-Key came earlier with another request."""

    code = "idempotency-key-reused"


class TokenExpired(NotSignedIn):
    code = "token-expired"


WHO_BY_TOKEN = """
SELECT found.* FROM (SELECT set_config('app.organization', %(organization)s, true) AS id,
                            set_config('transaction_read_only', %(mode)s, true)) AS entered
CROSS JOIN LATERAL (
    SELECT s.id AS session_id, s.person_id, s.api_client_id, s.device_id,
           coalesce(p.roles, c.roles) AS roles, p.technician_id, coalesce(p.partner_id, c.partner_id) AS partner_id,
           coalesce(p.name, c.name) AS name, t.expires_at > %(at)s AS in_time
    FROM access_tokens t
    JOIN sessions s ON s.organization_id = t.organization_id AND s.id = t.session_id AND s.revoked_at IS NULL
    LEFT JOIN people p ON p.organization_id = s.organization_id AND p.id = s.person_id AND p.active
    LEFT JOIN api_clients c ON c.organization_id = s.organization_id AND c.id = s.api_client_id AND c.revoked_at IS NULL
    WHERE t.organization_id = entered.id::uuid AND t.token_hash = %(hash)s AND (p.id IS NOT NULL OR c.id IS NOT NULL)
    OFFSET 0
) AS found
"""

WHO_BY_KEY = """
SELECT found.* FROM (SELECT set_config('app.organization', %(organization)s, true) AS id,
                            set_config('transaction_read_only', %(mode)s, true)) AS entered
CROSS JOIN LATERAL (
    SELECT NULL::uuid AS session_id, NULL::uuid AS person_id, c.id AS api_client_id, NULL::uuid AS device_id,
           c.roles, NULL::uuid AS technician_id, c.partner_id, c.name, true AS in_time
    FROM api_clients c
    WHERE c.organization_id = entered.id::uuid AND c.key_hash = %(hash)s AND c.revoked_at IS NULL
          AND %(at)s::timestamptz IS NOT NULL
    OFFSET 0
) AS found
"""


def bearer_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        raise NotSignedIn()
    return token.strip()


def authenticate(db: Session, token: str, *, read_only: bool) -> Caller:
    """Find the caller by the token and enter the caller's organization, in one statement.

    Raises:
        NotSignedIn: unknown, revoked or expired; TokenExpired tells the app to refresh.
    """
    organization_id = organization_of(token, ACCESS, API_KEY)
    if organization_id is None:
        raise NotSignedIn()
    found = rows(
        db,
        WHO_BY_KEY if token.startswith(API_KEY) else WHO_BY_TOKEN,
        organization=str(organization_id),
        mode="on" if read_only else "off",
        hash=fingerprint(token),
        at=clock.really_now(),
    )
    if not found:
        raise NotSignedIn()
    who = found[0]
    if not who.pop("in_time"):
        raise TokenExpired("The access token has expired: refresh it.")
    roles = frozenset(Role(role) for role in who.pop("roles"))
    return Caller(organization_id=organization_id, roles=roles, **who)


class Replay(Exception):
    """Carries the stored answer of a request that was sent before."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(slots=True)
class Entry:
    """A request that is inside: its session, its caller, its idempotency key."""

    db: Session
    caller: Caller | None
    key: str | None = None
    request_hash: bytes = b""


@asynccontextmanager
async def seat(seats: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of the places that hold a database session; past a short wait the answer is 503, never a hang."""
    try:
        if seats.locked():
            await asyncio.wait_for(seats.acquire(), SEAT_WAIT_SECONDS)
        else:
            await seats.acquire()
    except TimeoutError:
        raise Unavailable("Too many requests are being worked on; try again.") from None
    try:
        yield
    finally:
        seats.release()


class Operation(APIRoute):
    """A route with its transaction and its caller; `app.main` makes every router use it."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, _in_this_thread(endpoint), **more)
        for one in self.dependant.dependencies:
            if not inspect.iscoroutinefunction(one.call):
                raise TypeError(f"{one.call} would need another thread: make it `async def`, it is in one of its own.")

    def let_in(self, db: Session, request: Request) -> "Entry":
        """Open the transaction of a request and say who it is from."""
        return enter_request(db, request, self.name, self.name in PUBLIC)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        def work(request: Request) -> Response:
            runtime: Runtime = request.app.state.runtime
            with runtime.session() as db:
                try:
                    entry = request.state.entry = self.let_in(db, request)
                    response = _finished(handle(request), may_wait=_has_files(request))
                    finish(entry, response)
                    return response
                except Replay as replay:
                    return replay.response
                except Refusal as refusal:
                    if getattr(refusal, "keeps_changes", False):
                        db.commit()
                    raise

        async def run(request: Request) -> Response:
            await request.body()
            async with seat(request.app.state.seats):
                return await run_in_threadpool(work, request)

        return run


def _in_this_thread(endpoint: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """The endpoint as FastAPI calls it without a hop to another thread: it is in one already."""
    if inspect.iscoroutinefunction(endpoint):
        return endpoint

    @wraps(endpoint)
    async def call(**values: Any) -> Any:
        return endpoint(**values)

    return call


def _finished(work: Coroutine[Any, Any, Response], *, may_wait: bool) -> Response:
    """The result of a coroutine that has nothing to wait for: the body is read and the route is a plain function."""
    if may_wait:
        return asyncio.run(work)
    try:
        work.send(None)
    except StopIteration as end:
        answer: Response = end.value
        return answer
    work.close()
    raise RuntimeError("A route, and what it depends on, may not wait: make it a plain function.")


def _has_files(request: Request) -> bool:
    """Files in a form are spooled to disk, which is waited for."""
    return request.headers.get("content-type", "").startswith("multipart/")


def allowed(caller: Caller, operation: str) -> Caller:
    """The caller with the reach that the policy gives them in this operation.

    Raises:
        NotAllowed: none.
    """
    scope = reach(caller.roles, operation)
    if scope is None:
        raise NotAllowed("Your role may not do this.", operation=operation)
    return replace(caller, scope=scope)


def enter_request(db: Session, request: Request, operation: str, public: bool) -> Entry:
    """Open the transaction, find the caller, ask the policy; replay the stored answer of a repeated request."""
    if public:
        return Entry(db, None)
    read_only = request.method in ("GET", "HEAD")
    caller = authenticate(db, bearer_of(request), read_only=read_only)
    entry = Entry(db, allowed(caller, operation))
    if caller.api_client_id is not None and not read_only:
        at = clock.now()
        rows(db, USED, o=caller.organization_id, id=caller.api_client_id, at=at, before=at - timedelta(minutes=1))
    if not read_only and (key := request.headers.get("idempotency-key")):
        _replay_or_remember(entry, request, key)
    return entry


#: When a key was last used to write, to the minute; a request that only reads writes nothing.
USED = """
UPDATE api_clients SET last_used_at = %(at)s
WHERE organization_id = %(o)s AND id = %(id)s AND (last_used_at IS NULL OR last_used_at < %(before)s)
"""

#: Two statements: what the one before committed is seen only by a statement that begins after it let go.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(concat(%(o)s::text, %(c)s::text, %(k)s::text), 0))"
STORED_ANSWER = """
SELECT request_hash, status, body FROM stored_answers
WHERE organization_id = %(o)s AND caller_id = %(c)s AND key = %(k)s
"""


def _replay_or_remember(entry: Entry, request: Request, key: str) -> None:
    caller = entry.caller
    assert caller is not None
    body: bytes = request._body
    said = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
    entry.key, entry.request_hash = key[:200], hashlib.sha256(said).digest()
    said_by = {"o": caller.organization_id, "c": caller.id, "k": entry.key}
    rows(entry.db, ONE_AT_A_TIME, **said_by)
    stored = rows(entry.db, STORED_ANSWER, **said_by)
    if not stored:
        return
    if stored[0]["request_hash"] != entry.request_hash:
        raise IdempotencyKeyReused("This Idempotency-Key came earlier with another request.")
    raise Replay(
        Response(
            stored[0]["body"],
            status_code=stored[0]["status"],
            media_type="application/json",
            headers={"Idempotent-Replayed": "true"},
        )
    )


def finish(entry: Entry, response: Response) -> None:
    """Commit, with the answer stored in the same transaction when the request carried a key.

    An answer that is `no-store` holds a secret that is told once: it is not stored either.
    """
    told_once = response.headers.get("cache-control") == "no-store"
    if entry.key is not None and entry.caller is not None and not told_once:
        rows(
            entry.db,
            "INSERT INTO stored_answers (organization_id, id, caller_id, key, request_hash, status, body, created_at) "
            "VALUES (%(o)s, %(i)s, %(c)s, %(k)s, %(h)s, %(s)s, %(b)s, %(at)s)",
            o=entry.caller.organization_id,
            i=uuid7(),
            c=entry.caller.id,
            k=entry.key,
            h=entry.request_hash,
            s=response.status_code,
            b=bytes(response.body),
            at=clock.now(),
        )
    entry.db.commit()


async def _db(request: Request) -> Session:
    entry: Entry = request.state.entry
    return entry.db


async def _caller(request: Request) -> Caller:
    entry: Entry = request.state.entry
    assert entry.caller is not None, "a public operation has no caller"
    return entry.caller


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


Db = Annotated[Session, Depends(_db)]
Me = Annotated[Caller, Depends(_caller)]
Running = Annotated[Runtime, Depends(_runtime)]


def api_router(prefix: str, tag: str, **more: Any) -> APIRouter:
    """A router whose routes are operations."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=Operation, **more)
