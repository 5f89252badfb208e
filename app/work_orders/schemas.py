"""Shapes of the work order routes."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from app.domain.lifecycle import Cause, WorkOrderStatus
from app.kit.paging import PageQuery
from app.kit.schemas import (
    Code,
    Currency,
    In,
    Int,
    JsonObject,
    Key,
    Line,
    Minor,
    Out,
    Quantity,
    SafeText,
    Time,
    UtcTime,
    absent,
)

Priority = Annotated[int, Field(ge=1, le=5, description="1 is the most urgent, 5 the least")]
Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 60)]


class AllowedActionOut(Out):
    """A command that this caller may send now, with the data that it requires."""

    action: str
    requires: list[str]
    optional: list[str]


class PlannedPart(In):
    part_number: Code
    quantity: Quantity


class Sla(In):
    """Targets from the request, and the hold reasons that stop the clock."""

    response_minutes: Minutes | None = None
    resolution_minutes: Minutes | None = None
    pause_reasons: list[Code] = Field(default_factory=list, max_length=20)


class WorkTypeVersionIn(In):
    name: Line
    purpose: Literal["service", "installation", "survey", "estimate"] = "service"
    estimated_minutes: Minutes = 60
    skills: list[Code] = Field(default_factory=list, max_length=20)
    planned_parts: list[PlannedPart] = Field(default_factory=list, max_length=100)
    checklist: list[JsonObject] = Field(default_factory=list, max_length=200)
    closure_policy: JsonObject = Field(default_factory=dict)
    sla: Sla = Field(default_factory=Sla)
    counts_ftf: bool = True
    planned_trips: Annotated[int, Field(ge=1, le=100)] = 1
    overhead_minor: Minor | None = None


class WorkTypeIn(WorkTypeVersionIn):
    key: Key


class WorkTypeOut(Out):
    """A work type with what its newest version (or the one asked for) says."""

    id: UUID
    key: str
    version: int
    current_version: int
    name: str
    purpose: str
    estimated_minutes: int
    skills: list[str]
    planned_parts: list[dict[str, Any]]
    checklist: list[dict[str, Any]]
    closure_policy: dict[str, Any]
    sla: dict[str, Any]
    counts_ftf: bool
    planned_trips: int
    overhead_minor: int | None


class WorkTypesOut(Out):
    items: list[WorkTypeOut]


class WorkOrderIn(In):
    """A request for work. `id` may be made by the sender, so that sending twice makes one."""

    id: UUID | None = None
    title: Line
    work_type_id: UUID
    description: SafeText = ""
    work_class: Code = "corrective"
    priority: Priority = 3
    channel: Code = "office"
    external_ref: Line | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    asset_id: UUID | None = None
    contact_id: UUID | None = None
    problem_code: Code | None = None
    requested_at: Time | None = None
    due_at: Time | None = None
    nte_minor: Minor | None = None
    currency: Currency | None = None
    callback_of: UUID | None = None
    is_test: bool = False


class WorkOrderPatch(In):
    title: Line = absent()
    description: SafeText = absent()
    priority: Priority = absent()
    contact_id: UUID | None = absent()
    problem_code: Code | None = absent()
    due_at: Time | None = absent()
    unrelated: bool = absent()


class ReasonIn(In):
    reason: Line


class RejectIn(ReasonIn):
    merged_into: UUID | None = None


class HoldIn(In):
    hold_reason: Code
    expected_until: Time | None = None


class RemoteCompletionIn(In):
    resolution_code: Code
    note: SafeText = ""


class SendBackIn(In):
    rule_ids: list[Code] = Field(max_length=100)
    text: SafeText
    revisit: bool = False


class CannotCompleteIn(ReasonIn):
    customer_told: bool


class CancelIn(ReasonIn):
    cause: Cause


class WorkOrderOut(Out):
    id: UUID
    number: str
    external_ref: str | None
    title: str
    description: str
    type: str | None
    work_type_id: UUID | None
    work_class: str | None
    priority: int | None
    channel: str | None
    status: WorkOrderStatus
    substatus: str | None
    hold_reason: str | None
    changes_requested: bool
    customer_id: UUID | None
    site_id: UUID | None
    asset_id: UUID | None
    contact_id: UUID | None
    team_id: UUID | None
    technician_id: UUID | None
    territory: str | None
    time_zone: str | None
    problem_code: str | None
    outcome: str | None
    resolution_code: str | None
    estimated_minutes: int | None
    requested_at: UtcTime
    approved_at: UtcTime | None
    due_at: UtcTime | None
    response_due_at: UtcTime | None
    first_assigned_at: UtcTime | None
    first_completed_at: UtcTime | None
    resolved_at: UtcTime | None
    first_closed_at: UtcTime | None
    closed_at: UtcTime | None
    canceled_at: UtcTime | None
    cancel_cause: str | None
    reopen_count: int
    callback_of: UUID | None
    merged_into: UUID | None
    follow_up_of: UUID | None
    is_test: bool
    version: int
    allowed_actions: list[AllowedActionOut]


class WorkOrderQuery(PageQuery):
    status: WorkOrderStatus | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    asset_id: UUID | None = None
    technician_id: UUID | None = None
    team_id: UUID | None = None
    external_ref: Line | None = None
    number: Line | None = None
    territory: Line | None = None
    priority: Priority | None = None


class WorkOrderPage(Out):
    items: list[WorkOrderOut]
    next_cursor: str | None


class EventOut(Out):
    id: UUID
    seq: Int
    type: str
    visit_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    device_id: UUID | None
    occurred_at: UtcTime
    effective_at: UtcTime
    recorded_at: UtcTime
    clock_source: str
    implied: bool
    data: dict[str, Any]


class EventsOut(Out):
    items: list[EventOut]


class NoteOut(Out):
    id: UUID
    work_order_id: UUID
    visit_id: UUID | None
    author_name: str
    text: str
    internal: bool
    effective_at: UtcTime
    recorded_at: UtcTime


class NotesOut(Out):
    items: list[NoteOut]
