"""`/v1/sync`: what devices pull, push and compare."""

from typing import Annotated

import orjson
from fastapi import Query, Request, Response
from pydantic import ValidationError

from app.identity.access import Db, Me
from app.kit import clock
from app.kit.database import enter
from app.kit.problems import NotFound, refuses
from app.kit.web import pointer_of
from app.sync import pulling
from app.sync.cursors import (
    CursorAhead,
    CursorExpired,
    CursorForeign,
    EpochChanged,
    FeedCursorUnreadable,
    RepChanged,
    ReplicaBehind,
    ResetNeeded,
)
from app.sync.door import AppTooOld, BatchTooLarge, DeviceRevoked, Malformed, NoTechnician, sync_router
from app.sync.manifests import manifest_of
from app.sync.pushing import Push, push
from app.sync.schemas import HaveIn, OperationIn, PullAnswer, PullQuery, PushAnswer, PushIn

router = sync_router("/v1/sync", "sync")

RESETS = (EpochChanged, CursorExpired, CursorAhead, CursorForeign, FeedCursorUnreadable, RepChanged)
MOST_OPERATIONS = 100
AT_THE_DOOR = (DeviceRevoked, NoTechnician, AppTooOld, ReplicaBehind)


def json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


@router.get(
    "/changes",
    response_model=PullAnswer,
    responses={204: {"description": "Nothing new: keep your cursor."}, **refuses(*RESETS, *AT_THE_DOOR)},
)
def pull_changes(wanted: Annotated[PullQuery, Query()], me: Me, db: Db) -> Response:
    """What changed since the cursor; everything, in useful order, without one."""
    at = clock.now()
    page = pulling.pull(db, me, wanted.cursor, limit=wanted.limit, digest=bool(wanted.digest), at=at)
    if page.is_empty and page.phase == "delta" and page.digest is None:
        return Response(status_code=204)
    return json(pulling.answer(page, at=at))


@router.post(
    "/reconcile", response_model=PullAnswer, responses=refuses(*AT_THE_DOOR, BatchTooLarge, Malformed, RepChanged)
)
def reconcile_replica(given: HaveIn, me: Me, db: Db) -> Response:
    """Only what differs from what the device has. With `has_more` the cursor is null: apply, send the new `have`."""
    have = [(kind, id_, rev) for kind, held in given.have.items() for id_, rev in held.items()]
    if len(have) > pulling.HAVE_MAX:
        raise BatchTooLarge("More than 5000 entries: begin anew without a cursor.", limit=pulling.HAVE_MAX)
    at = clock.now()
    page = pulling.reconcile(db, me, have, limit=given.limit, at=at)
    return json(pulling.answer(page, at=at))


@router.get(
    "/manifests/{sha256}",
    response_class=Response,
    responses={200: {"description": "It never changes.", "content": {"application/json": {}}}, **refuses(NotFound)},
)
def get_manifest(sha256: str, me: Me, db: Db) -> Response:
    """What all technicians look things up in, under the hash of what it says."""
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(manifest_of(db, me, sha256), media_type="application/json", headers=headers)


@router.post("", response_model=PushAnswer, responses=refuses(*AT_THE_DOOR, Malformed, BatchTooLarge))
def push_operations(given: PushIn, me: Me, db: Db, request: Request) -> Response:
    """Operations up; their results, and what changed, down. Always 200 when the envelope was understood."""
    operations = read_operations(given)
    now = clock.now()
    # To the millisecond, as devices count: no finer time would be true, and each answer is shorter.
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    revoked = getattr(request.state.entry, "revoked", False)
    pushed = Push(me, given.sent_at, at, revoked=revoked)
    results = push(db, pushed, operations) if operations else []
    if revoked:
        return json(orjson.dumps({"results": results, "device_revoked": True, "server_time": pulling.milliseconds(at)}))
    db.rollback()
    enter(db, me.organization_id)
    try:
        page = pulling.pull(db, me, given.cursor, limit=given.limit, at=clock.now())
    except ResetNeeded as reset:
        facts = {"code": reset.code.replace("-", "_"), "recovery": reset.recovery}
        said = {"results": results, "reset": facts, "server_time": pulling.milliseconds(at)}
        return json(orjson.dumps(said))
    return json(pulling.answer(page, at=at, more={"results": results}))


def read_operations(given: PushIn) -> list[OperationIn]:
    """The operations of the envelope; what is wrong inside the arguments of one is that one's answer.

    Raises:
        Malformed: one cannot be told from another: its id, place, type or time is missing.
        BatchTooLarge: more than a hundred.
    """
    if len(given.operations) > MOST_OPERATIONS:
        raise BatchTooLarge("Send a hundred operations at most.", limit=MOST_OPERATIONS)
    read = []
    for place, one in enumerate(given.operations):
        try:
            read.append(OperationIn.model_validate(one))
        except ValidationError as flaws:
            errors = [
                {"pointer": pointer_of(("body", "operations", place, *flaw["loc"])), "code": flaw["type"]}
                for flaw in flaws.errors(include_url=False, include_context=False, include_input=False)
            ]
            raise Malformed("An operation cannot be understood.", errors=errors) from None
    return read
