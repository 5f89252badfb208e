"""`/v1/adapters`: the feed and the outbox as RxDB and WatermelonDB want them."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.identity.access import Caller, Db, Me
from app.kit import clock
from app.kit.problems import Unavailable, refuses
from app.kit.schemas import In, Time
from app.sync import pulling
from app.sync.adapters import rxdb, watermelon
from app.sync.cursors import RepChanged
from app.sync.door import BatchTooLarge, DeviceRevoked, Malformed, NoTechnician, sync_router
from app.sync.hints import LONGEST_SECONDS, EventStream, Seconds, Waiting, stream_to
from app.sync.pushing import Push
from app.sync.routes import AT_THE_DOOR, RESETS
from app.sync.schemas import Cursor, EntityId, Limit, Rev

router = sync_router("/v1/adapters", "sync")

#: The device's clock at this attempt: without it, what the rows say of the time is believed.
SentAt = Annotated[Time | None, Query()]


class CheckpointOut(BaseModel):
    cursor: str


class RxdbPageOut(BaseModel):
    """As a pull handler returns it."""

    documents: list[dict[str, Any]]
    checkpoint: CheckpointOut


class RxdbHaveIn(In):
    """id → rev of all documents of the collection; 5,000 at most."""

    have: dict[EntityId, Rev]


class RxdbRow(BaseModel):
    """As a push handler gets it; what the app took for the server's state makes no difference.

    What is wrong inside a row is that row's answer, here and below: it must not hold up the others.
    """

    newDocumentState: dict[str, Any]  # noqa: N815 - the library's words
    assumedMasterState: dict[str, Any] | None = None  # noqa: N815


@router.get("/rxdb/{collection}/pull", response_model=RxdbPageOut, responses=refuses(*RESETS, *AT_THE_DOOR, Malformed))
def pull_rxdb_collection(
    collection: rxdb.Collection, me: Me, db: Db, cursor: Cursor | None = None, limit: Limit = 100
) -> Response:
    """What changed in the collection since the checkpoint, or everything; a page that is not full is the last."""
    return _told(rxdb.pull_documents(db, me, collection, cursor or None, limit=limit, at=clock.now()))


@router.post(
    "/rxdb/{collection}/reconcile",
    response_model=RxdbPageOut,
    responses=refuses(*AT_THE_DOOR, BatchTooLarge, Malformed, RepChanged),
)
def reconcile_rxdb_collection(collection: rxdb.Collection, given: RxdbHaveIn, me: Me, db: Db) -> Response:
    """After a 410: all that differs from what the collection has, with a checkpoint to go on from."""
    if len(given.have) > pulling.HAVE_MAX:
        raise BatchTooLarge("More than 5000 entries: begin anew without a checkpoint.", limit=pulling.HAVE_MAX)
    return _told(rxdb.reconcile_documents(db, me, collection, given.have, at=clock.now()))


@router.post(
    "/rxdb/operation/push",
    response_model=list[dict[str, Any]],
    responses=refuses(*AT_THE_DOOR, Malformed, BatchTooLarge),
)
def push_rxdb_operations(given: list[RxdbRow], me: Me, db: Db, request: Request, sent_at: SentAt = None) -> Response:
    """Operations up; every one of them comes back as the server knows it, with its `state` and its `result`."""
    changed = [row.newDocumentState for row in given]
    return _told(rxdb.push_documents(db, _pushed(me, request, sent_at), changed))


@router.get(
    "/rxdb/{collection}/stream",
    response_class=EventStream,
    responses={
        200: {
            "description": "Server-sent events: `RESYNC` at once and whenever there may be something to pull.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": rxdb.RESYNC}},
        },
        **refuses(DeviceRevoked, NoTechnician, Unavailable),
    },
)
def stream_rxdb_collection(
    collection: rxdb.Collection, request: Request, me: Me, db: Db, news: Waiting, seconds: Seconds = LONGEST_SECONDS
) -> EventStream:
    """Hear when to pull; the feed is one, so that a change of any collection is heard in all."""
    return stream_to(request, me, db, news, seconds, tell=lambda _head: rxdb.RESYNC)


class WatermelonQuery(BaseModel):
    """As the library's documentation writes them, `null` included; `operations`: ids, separated by commas."""

    model_config = ConfigDict(extra="forbid")

    last_pulled_at: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    schema_version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    migration: Annotated[str, Field(max_length=10_000)] | None = None
    operations: Annotated[list[UUID], Field(max_length=200)] = []

    @field_validator("last_pulled_at", "schema_version", "migration", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return None if value in ("", "null", "undefined") else value

    @field_validator("operations", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [id_ for one in value for id_ in one.split(",") if id_]


class TableChangesOut(BaseModel):
    created: list[dict[str, Any]]
    updated: list[dict[str, Any]]
    deleted: list[str]


class ReplacementOut(BaseModel):
    default: Literal["incremental"]
    override: dict[str, Literal["replacement"]]


class WatermelonPulled(BaseModel):
    """As `pullChanges` returns it: table → rows. `timestamp` is a position, not a time."""

    changes: dict[str, TableChangesOut]
    timestamp: int
    experimentalStrategy: ReplacementOut | None = None  # noqa: N815


class WatermelonTable(BaseModel):
    """Rows as they lie in the app's database, with columns of its own."""

    created: list[dict[str, Any]] = []
    updated: list[dict[str, Any]] = []
    deleted: list[str] = []


class WatermelonPushOut(BaseModel):
    """As `pushChanges` returns it. `results`: those of the core's push, for whoever cannot wait for the next pull."""

    experimentalRejectedIds: dict[str, list[str]]  # noqa: N815
    results: list[dict[str, Any]]


@router.get(
    "/watermelon/pull",
    response_model=WatermelonPulled,
    responses=refuses(*AT_THE_DOOR, Malformed),
)
def pull_watermelon_changes(wanted: Annotated[WatermelonQuery, Query()], me: Me, db: Db) -> Response:
    """Everything that changed since then; everything there is, to replace what the app has, when that is not known."""
    anew = wanted.migration is not None
    return _told(
        watermelon.pull_changes(db, me, wanted.last_pulled_at, anew=anew, waiting=wanted.operations, at=clock.now())
    )


@router.post(
    "/watermelon/push", response_model=WatermelonPushOut, responses=refuses(*AT_THE_DOOR, Malformed, BatchTooLarge)
)
def push_watermelon_changes(
    given: dict[str, WatermelonTable],
    me: Me,
    db: Db,
    request: Request,
    last_pulled_at: str | None = None,
    sent_at: SentAt = None,
) -> Response:
    """Operations up; those without a final result are named, so that they stay and are sent again."""
    changes = {table: changed.model_dump() for table, changed in given.items()}
    return _told(watermelon.push_changes(db, _pushed(me, request, sent_at), changes))


def _told(answer: Any) -> Response:
    """What a device sent comes back to it as it was, half a character included."""
    return Response(json.dumps(answer), media_type="application/json")


def _pushed(me: Caller, request: Request, sent_at: Any) -> Push:
    at = clock.now()
    return Push(me, sent_at or at, at, revoked=getattr(request.state.entry, "revoked", False))
