"""Shapes of the offline contract."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.kit.schemas import Code, In, Int, JsonObject, Out, SafeText, Time

Cursor = Annotated[str, Field(max_length=300)]
Limit = Annotated[int, Field(ge=1, le=500)]
#: Whatever a device says it has, as long as it is text: what is not known is told to go.
EntityId = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Rev = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]


class SyncChange(BaseModel):
    """`put` replaces what the device has of it, `remove` deletes it and everything kept for it."""

    kind: str
    id: str
    op: Literal["put", "remove"]
    rev: str | None = None
    data: dict[str, Any] | None = None
    reason: str | None = None


class ProgressOut(Out):
    done: int
    total: int


class PullAnswer(BaseModel):
    """Apply all of it and keep the cursor in one local transaction; with `has_more`, ask again."""

    changes: list[SyncChange]
    cursor: str | None
    has_more: bool
    phase: Literal["bootstrap", "delta", "reconcile"]
    server_time: str
    poll_after_s: int
    progress: ProgressOut | None = None
    digest: str | None = None


class PullQuery(BaseModel):
    """`wait`: seconds to hold the answer back while there is nothing new; `digest`: 1 to compare notes."""

    model_config = ConfigDict(extra="forbid")

    cursor: Cursor | None = None
    limit: Limit = 100
    wait: Annotated[int, Field(ge=0, le=25)] = 0
    digest: Annotated[int, Field(ge=0, le=1)] = 0


class HaveIn(In):
    """kind → id → rev of everything that the device holds; 5,000 at most."""

    have: dict[Code, dict[EntityId, Rev]]
    limit: Limit = 200


class OperationIn(In):
    """What somebody did, on which thing, and when; `args` depend on `type`. Made once, sent until it is answered.

    `age_ms` (monotonic; null after a reboot) is stamped at each attempt, as is the envelope's `sent_at`.
    """

    op_id: UUID
    seq: Annotated[int, Field(ge=0, le=2**53 - 1)]
    type: Annotated[SafeText, Field(min_length=1, max_length=64)]
    v: Annotated[int, Field(ge=1, le=1000)] = 1
    target: UUID | None = None
    base_version: Int | None = None
    occurred_at: Time
    age_ms: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None
    depends_on: Annotated[list[UUID], Field(max_length=100)] = Field(default_factory=list)
    args: JsonObject = Field(default_factory=dict)


class PushIn(In):
    """Operations go up, their results and what changed come down. Each operation is judged alone."""

    sent_at: Time
    cursor: Cursor | None = None
    limit: Limit = 100
    operations: list[dict[str, Any]] = Field(default_factory=list, max_length=10_000)


class OperationResult(BaseModel):
    """Everything but `deferred` is final: the operation leaves the outbox. The same operation gets the same answer."""

    model_config = ConfigDict(extra="allow")

    op_id: UUID
    status: Literal["applied", "noted", "rejected", "quarantined", "deferred"]
    code: str | None = None
    noop: bool | None = None
    replayed: bool | None = None
    version: int | None = None
    issue_id: UUID | None = None
    effective_at: str | None = None
    clock: str | None = None
    pointer: str | None = None
    detail: SafeText | None = None
    retry_after_s: int | None = None
    result_expired: bool | None = None


class ResetOut(Out):
    code: str
    recovery: Literal["reconcile", "bootstrap"]


class PushAnswer(BaseModel):
    results: list[OperationResult]
    changes: list[SyncChange] | None = None
    cursor: str | None = None
    has_more: bool | None = None
    phase: str | None = None
    reset: ResetOut | None = None
    server_time: str
    poll_after_s: int | None = None
    progress: ProgressOut | None = None
