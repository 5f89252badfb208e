"""Shapes of the visit routes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from app.domain.lifecycle import Cause, IncompleteReason, PauseReason, RequestedBy, VisitStatus
from app.domain.timesheet import TimeKind
from app.kit.paging import PageQuery
from app.kit.schemas import Code, Coordinates, In, Int, Line, Out, SafeText, Time, UtcTime
from app.work_orders.schemas import AllowedActionOut

Action = Literal[
    "accept", "decline", "depart", "arrive", "start", "pause", "resume", "complete", "end_incomplete", "no_access",
    "correct_time", "leave",
]  # fmt: skip


class Reported(In):
    """Something that a device reports: it makes the id, and says when it happened by its own clocks.

    `sent_at` and `age_ms` (milliseconds since it happened, by a monotonic clock) are stamped at each attempt and
    are no part of what is reported.
    """

    id: UUID
    occurred_at: Time
    sent_at: Time | None = None
    age_ms: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = None


class Location(Coordinates):
    accuracy_m: float | None = Field(default=None, ge=0, le=1_000_000)


class StatusUpdateIn(Reported):
    """What the technician says happened. Which further fields are needed depends on the action."""

    action: Action
    reason_code: Code | None = None
    reason: PauseReason | IncompleteReason | Line | None = None
    eta_at: Time | None = None
    location: Location | None = None
    hold_reason: Code | None = None
    remaining_tasks: SafeText | None = None
    parts_needed: list[Code] | None = Field(default=None, max_length=100)
    next_visit_wish: SafeText | None = None
    wait_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    call_attempts: Annotated[int, Field(ge=0, le=100)] | None = None
    resolution_code: Code | None = None
    field: Literal["departed_at", "arrived_at", "started_at", "ended_at"] | None = None
    value: Time | None = None


class StatusUpdateOut(Out):
    """What became of a report. `result`: applied, or noted when the plan had changed meanwhile.

    `noop`: it was so already, and only the time was recorded. `issue_id`: where the sender can read why it was noted.
    """

    id: UUID
    visit_id: UUID
    work_order_id: UUID
    action: str
    result: Literal["applied", "noted"]
    code: str | None
    noop: bool
    issue_id: UUID | None
    status: VisitStatus
    work_order_status: str
    effective_at: UtcTime
    clock_source: str
    implied: list[str]
    allowed_actions: list[AllowedActionOut]


class TaskIn(In):
    """An answer to an item of the checklist; without a value, that it is done says it all."""

    id: UUID
    task_id: Annotated[SafeText, Field(min_length=1, max_length=200)]
    done: bool
    value: bool | Int | Annotated[float, Field(allow_inf_nan=False)] | SafeText | list[SafeText | Int] | None = None


class TimeIn(In):
    """Hours typed by hand."""

    id: UUID
    kind: TimeKind
    started_at: Time
    ended_at: Time
    reason: Line | None = None


class ProposalIn(In):
    """Another time for a visit, proposed by who is to go."""

    id: UUID
    start: Time
    end: Time
    reason: SafeText | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "ProposalIn":
        if self.end <= self.start:
            raise ValueError("the end must come after the start")
        return self


class ScheduleIn(In):
    technician_id: UUID
    scheduled_start: Time
    scheduled_end: Time
    window_start: Time | None = None
    window_end: Time | None = None
    crew: list[UUID] = Field(default_factory=list, max_length=20)
    force_reason: Line | None = None


class RescheduleIn(In):
    scheduled_start: Time
    scheduled_end: Time
    window_start: Time | None = None
    window_end: Time | None = None
    reason_code: Code
    requested_by: RequestedBy
    force_reason: Line | None = None


class ReassignIn(In):
    technician_id: UUID
    reason_code: Code
    force_reason: Line | None = None


class CancelVisitIn(In):
    cause: Cause
    reason: Line


class CrewMemberIn(In):
    technician_id: UUID


class NoteIn(Reported):
    text: SafeText
    internal: bool = False


class VisitOut(Out):
    id: UUID
    work_order_id: UUID
    number: int
    status: VisitStatus
    category: str
    technician_id: UUID | None
    team_id: UUID | None
    partner_id: UUID | None
    employment: str | None
    territory: str | None
    purpose: str
    work_type_version: int | None
    crew: list[UUID]
    scheduled_start: UtcTime | None
    scheduled_end: UtcTime | None
    window_start: UtcTime | None
    window_end: UtcTime | None
    first_window_start: UtcTime | None
    first_window_end: UtcTime | None
    dispatched_at: UtcTime | None
    accepted_at: UtcTime | None
    seen_at: UtcTime | None
    departed_at: UtcTime | None
    arrived_at: UtcTime | None
    started_at: UtcTime | None
    ended_at: UtcTime | None
    verified_at: UtcTime | None
    verification: str | None
    outcome: str | None
    incomplete_reason: str | None
    cancel_cause: str | None
    resolution_code: str | None
    version: int
    allowed_actions: list[AllowedActionOut]


class VisitQuery(PageQuery):
    work_order_id: UUID | None = None
    technician_id: UUID | None = None
    team_id: UUID | None = None
    status: VisitStatus | None = None
    scheduled_from: Time | None = None
    scheduled_to: Time | None = None
    no_show_due: bool | None = Field(
        default=None, description="Only planned visits whose window passed more than 15 minutes ago: nobody came?"
    )


class VisitPage(Out):
    items: list[VisitOut]
    next_cursor: str | None


class TimeEntryOut(Out):
    id: UUID
    technician_id: UUID
    kind: str
    reason: str | None
    started_at: UtcTime
    ended_at: UtcTime | None


class TimesOut(Out):
    """Time entries, and their union per kind: what overlaps is counted once for each technician."""

    items: list[TimeEntryOut]
    travel_seconds: int
    work_seconds: int
    break_seconds: int


class JobSiteOut(Out):
    id: UUID
    name: str
    address: str
    postal_code: str | None
    coordinates: Coordinates | None
    access_notes: str


class JobContactOut(Out):
    name: str
    phone: str | None
    email: str | None


class JobAssetOut(Out):
    id: UUID
    name: str
    model: str | None
    serial: str | None
    warranty_until: str | None
    history: list[dict[str, Any]]


class JobWorkOrderOut(Out):
    id: UUID
    number: str
    title: str
    description: str
    type: str | None
    work_class: str | None
    priority: int | None
    status: str
    problem_code: str | None
    due_at: datetime | None
    estimated_minutes: int | None


class JobOut(Out):
    """One of my jobs: the visit with everything that is needed on site. Its id is the visit's."""

    id: UUID
    version: int
    number: int
    status: VisitStatus
    category: str
    role: Literal["lead", "member"]
    scheduled_start: datetime | None
    scheduled_end: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    departed_at: datetime | None
    arrived_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    work_order: JobWorkOrderOut
    site: JobSiteOut | None
    contact: JobContactOut | None
    asset: JobAssetOut | None
    planned_parts: list[dict[str, Any]]
    checklist: list[dict[str, Any]]
    closure: dict[str, Any]
    notes: list[dict[str, Any]]
    allowed_actions: list[AllowedActionOut]


class JobsOut(Out):
    items: list[JobOut]


class JobsQuery(In):
    """The window of scheduled starts, two weeks each way when nothing is said, and statuses."""

    from_: Time | None = Field(default=None, alias="from")
    to: Time | None = None
    status: list[VisitStatus] = Field(default_factory=list, max_length=20)
