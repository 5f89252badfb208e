"""What is special about the routes that devices call: the words for what went wrong, packed bodies, who is let in."""

import re
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlmodel import Session

from app.domain.roles import Role
from app.identity.access import Caller, Entry, Operation, allowed, authenticate, bearer_of
from app.kit import clock
from app.kit.database import enter, rows
from app.kit.problems import BadRequest, NotAllowed, NotSignedIn, Refusal, TooLarge, Unprocessable, problem
from app.kit.tokens import ACCESS, fingerprint, organization_of
from app.kit.web import validation_problem

CACHING = "private, no-store"
BODY_BYTES, INFLATED_BYTES = 262_144, 1_048_576
#: What a device that was taken out of use may still hand in, for so long.
GRACE = timedelta(hours=72)
#: The device may send the same again later.
RETRYABLE = frozenset({408, 429, 503, 507})


class Malformed(BadRequest):
    """The envelope itself cannot be understood."""

    code = "malformed"


class BatchTooLarge(TooLarge):
    """More operations or more bytes than one request may carry."""

    code = "too-large"


class DeviceRevoked(NotAllowed):
    """The device was taken out of use: what it holds has to go."""

    code = "device-revoked"


class AppTooOld(Refusal):
    """The organization asks for a newer version of the app."""

    status, code, title = 426, "app-too-old", "Upgrade required"


class NoTechnician(NotAllowed):
    """Only technicians have a feed."""

    code = "no-technician"


#: By hand, or because somebody does not work here any more.
WHO_WAS_REVOKED = """
SELECT s.id AS session_id, s.person_id, s.device_id, p.technician_id, p.partner_id, p.name, p.roles,
       coalesce(d.revoked_at, s.revoked_at) AS revoked_at
FROM access_tokens t
JOIN sessions s ON s.organization_id = t.organization_id AND s.id = t.session_id AND s.revoked_at IS NOT NULL
JOIN people p ON p.organization_id = s.organization_id AND p.id = s.person_id
LEFT JOIN devices d ON d.organization_id = s.organization_id AND d.id = s.device_id
WHERE t.organization_id = %(o)s AND t.token_hash = %(hash)s AND (d.revoked_at IS NOT NULL OR NOT p.active)
"""


def former_caller(db: Session, token: str) -> tuple[Caller, Any] | None:
    """Whose device this token was on before it, or its owner, was sent away, and when that was."""
    organization_id = organization_of(token, ACCESS)
    if organization_id is None:
        return None
    db.rollback()
    enter(db, organization_id)
    found = rows(db, WHO_WAS_REVOKED, o=organization_id, hash=fingerprint(token))
    if not found:
        return None
    who = found[0]
    revoked_at = who.pop("revoked_at")
    roles = frozenset(Role(role) for role in who.pop("roles"))
    return Caller(organization_id=organization_id, api_client_id=None, roles=roles, **who), revoked_at


APP = """
SELECT o.settings ->> 'min_app_version' AS least, d.app_version AS has
FROM organizations o JOIN devices d ON d.organization_id = o.id AND d.id = %(device)s WHERE o.id = %(o)s
"""


def check_app(db: Session, caller: Caller) -> None:
    """Let the app pass unless the organization asks for a newer one; what it holds and has to send stays on it.

    Raises:
        AppTooOld: `min_app_version` says which.
    """
    found = rows(db, APP, o=caller.organization_id, device=caller.device_id) if caller.device_id else []
    if found and found[0]["least"] is not None and numbers_of(found[0]["has"]) < numbers_of(found[0]["least"]):
        raise AppTooOld("Update the app; nothing of what waits on it is lost.", min_app_version=found[0]["least"])


def numbers_of(version: str) -> tuple[int, ...]:
    """`3.10.1-beta` as (3, 10, 1), to compare; zeros at the end say nothing, and what is no number is none."""
    numbers = [int(found[0]) if (found := re.match(r"[0-9]{1,9}", part)) else 0 for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


@dataclass(slots=True)
class DeviceEntry(Entry):
    """A request from a device; from one that was taken out of use, things are kept but take no effect."""

    revoked: bool = False


class SyncOperation(Operation):
    """An operation of the offline contract."""

    #: Operations that a device may still call after it was taken out of use.
    open_to_revoked = frozenset({"push_operations", "push_rxdb_operations", "push_watermelon_changes"})
    #: Operations that an app does not call any more when the organization asks for a newer one.
    closed_to_old_apps = frozenset(
        {
            *("pull_changes", "push_operations", "reconcile_replica"),
            *("pull_rxdb_collection", "push_rxdb_operations", "reconcile_rxdb_collection"),
            *("pull_watermelon_changes", "push_watermelon_changes"),
        }
    )

    def let_in(self, db: Session, request: Request) -> Entry:
        token = bearer_of(request)
        try:
            caller = authenticate(db, token, read_only=False)
        except NotSignedIn:
            former = former_caller(db, token)
            if former is None:
                raise
            caller, revoked_at = former
            if self.name not in self.open_to_revoked or clock.now() - revoked_at > GRACE:
                raise DeviceRevoked("This device was taken out of use.", grace_hours=72) from None
            return DeviceEntry(db, allowed(caller, self.name), revoked=True)
        caller = allowed(caller, self.name)
        if caller.technician_id is None:
            raise NoTechnician("Only technicians have a feed.")
        if self.name in self.closed_to_old_apps:
            check_app(db, caller)
        return DeviceEntry(db, caller)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def run(request: Request) -> Response:
            try:
                await unpack(request)
                response = await inner(request)
            except RequestValidationError as error:
                response = said(validation_problem(error.errors()), request)
            except Refusal as refusal:
                response = said(refusal, request)
            response.headers.setdefault("Cache-Control", CACHING)
            return response

        return run


async def unpack(request: Request) -> None:
    """Read the body; inflate one that came packed, without inflating more than a request may say.

    Raises:
        BatchTooLarge: too many bytes, packed or not.
        Malformed: it is not gzip.
    """
    body = await request.body()
    if len(body) > BODY_BYTES:
        raise BatchTooLarge("A request may have 262144 bytes at most: send fewer operations.", limit_bytes=BODY_BYTES)
    if request.headers.get("content-encoding", "").strip().lower() != "gzip" or not body:
        return
    inflating = zlib.decompressobj(wbits=31)
    try:
        inflated = inflating.decompress(body, INFLATED_BYTES)
    except zlib.error:
        raise Malformed("The body is not gzip.") from None
    if inflating.unconsumed_tail:
        raise BatchTooLarge("A request may have 1048576 bytes at most, unpacked.", limit_bytes=INFLATED_BYTES)
    if not inflating.eof:
        raise Malformed("The body is cut short.")
    request._body = inflated


def said(refusal: Refusal, request: Request) -> Response:
    """The problem document in the words of the offline contract: snake_case codes, and whether to try again."""
    kind = type(refusal)
    facts: dict[str, Any] = {"retryable": kind.status in RETRYABLE or isinstance(refusal, NotSignedIn)}
    if (after := refusal.headers.get("Retry-After")) is not None:
        facts["retry_after_s"] = int(after)
    response = problem(refusal, instance=request.url.path)
    document = orjson.loads(response.body) | facts
    document["code"] = refusal.code.replace("-", "_")
    if isinstance(refusal, Unprocessable) and document["code"] == "not_well_formed":
        document["code"] = "malformed"
    response.body = orjson.dumps(document)
    response.headers["content-length"] = str(len(response.body))
    return response


def sync_router(prefix: str, tag: str) -> APIRouter:
    """A router of the offline contract."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=SyncOperation)
