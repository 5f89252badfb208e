"""Trips to the customer: who went, when, with what outcome."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.domain.lifecycle import Outcome, VisitStatus
from app.domain.timesheet import TimeKind
from app.identity.models import Employment
from app.kit.database import Table, belongs_to, index, json_field, one_of, time_field


class Verification(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


class Visit(Table, table=True):
    """One trip. Team, partner, employment and territory are snapshots of when it was planned."""

    __tablename__ = "visits"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("technicians", "technician_id"),
        belongs_to("teams", "team_id"),
        belongs_to("partners", "partner_id"),
        belongs_to("closure_terms", "terms_id"),
        one_of(VisitStatus, "status"),
        one_of(Outcome, "outcome"),
        one_of(Verification, "verification"),
        one_of(Employment, "employment"),
        index("work_order_id", "number", unique=True, name="uq_visits_work_order_id_number"),
        index("technician_id", "scheduled_start", name="ix_visits_technician_id_scheduled_start"),
        index("partner_id", where="partner_id IS NOT NULL", name="ix_visits_partner_id"),
        index("arrived_at", where="arrived_at IS NOT NULL", name="ix_visits_arrived_at"),
        index("window_end", where="window_end IS NOT NULL", name="ix_visits_window_end"),
    )

    work_order_id: UUID
    number: int
    territory: str | None = None
    purpose: str = "service"
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    status: VisitStatus = Field(default=VisitStatus.SCHEDULED, sa_type=sa.Text)
    round: int = 0
    technician_id: UUID | None = None
    team_id: UUID | None = None
    partner_id: UUID | None = None
    employment: Employment | None = Field(default=None, sa_type=sa.Text, nullable=True)
    work_type_version: int | None = None
    """Pinned when the visit is dispatched."""
    terms_id: UUID | None = None
    """The checklist and the closure policy that it is held to: pinned when it is planned, and anew when dispatched."""
    paused_from: str | None = None
    attended: bool = False
    scheduled_start: datetime | None = time_field()
    scheduled_end: datetime | None = time_field()
    window_start: datetime | None = time_field()
    window_end: datetime | None = time_field()
    first_window_start: datetime | None = time_field()
    first_window_end: datetime | None = time_field()
    dispatched_at: datetime | None = time_field()
    accepted_at: datetime | None = time_field()
    seen_at: datetime | None = time_field()
    """When the technician who is to go first looked at it."""
    departed_at: datetime | None = time_field()
    arrived_at: datetime | None = time_field()
    started_at: datetime | None = time_field()
    ended_at: datetime | None = time_field()
    verified_at: datetime | None = time_field()
    outcome: str | None = None
    incomplete_reason: str | None = None
    cancel_cause: str | None = None
    resolution_code: str | None = None
    verification: str | None = None


class VisitMember(Table, table=True):
    """Somebody of the crew beside the lead; with depart, arrive, pause and leave of their own."""

    __tablename__ = "visit_members"
    __table_args__ = (
        belongs_to("visits", "visit_id"),
        belongs_to("technicians", "technician_id"),
        index("visit_id", "technician_id", unique=True, name="uq_visit_members_visit_id_technician_id"),
        index("technician_id", name="ix_visit_members_technician_id"),
    )

    visit_id: UUID
    technician_id: UUID
    status: str = "planned"
    """planned, en_route, on_site, paused or left."""
    joined_at: datetime = Field(sa_type=UtcDateTime)
    left_at: datetime | None = time_field()


class TimeEntryRow(Table, table=True):
    """Time that follows from the events, with the rate of that day."""

    __tablename__ = "time_entries"
    __table_args__ = (
        belongs_to("visits", "visit_id"),
        belongs_to("work_orders", "work_order_id"),
        belongs_to("technicians", "technician_id"),
        one_of(TimeKind, "kind"),
        sa.CheckConstraint("ended_at >= started_at", name="ends_after_start"),
        index("visit_id", name="ix_time_entries_visit_id"),
        index("work_order_id", name="ix_time_entries_work_order_id"),
        index("technician_id", "started_at", name="ix_time_entries_technician_id_started_at"),
    )

    work_order_id: UUID
    visit_id: UUID
    technician_id: UUID
    kind: TimeKind = Field(sa_type=sa.Text)
    reason: str | None = None
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = time_field()
    rate_minor: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Per hour."""
    currency: str | None = None


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    HIGH = "high"


class Owner(StrEnum):
    """Who has to do something about an issue."""

    TECHNICIAN = "technician"
    DISPATCHER = "dispatcher"
    STORES = "stores"


class IssueState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class Issue(Table, table=True):
    """The field is not as the plan says: kept, and shown to its owner until somebody has chosen what to do."""

    __tablename__ = "issues"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        belongs_to("technicians", "technician_id"),
        one_of(Severity, "severity"),
        one_of(Owner, "owner"),
        one_of(IssueState, "state"),
        index("op_id", "owner", "code", unique=True, name="uq_issues_op_id_owner_code"),
        index("state", "recorded_at", "id", name="ix_issues_state_recorded_at_id"),
        index(
            "technician_id",
            "recorded_at",
            where="owner = 'technician' AND state = 'open'",
            name="ix_issues_technician_id_recorded_at",
        ),
        index("work_order_id", where="work_order_id IS NOT NULL", name="ix_issues_work_order_id"),
    )

    version: int = 1
    severity: Severity = Field(sa_type=sa.Text)
    code: str
    owner: Owner = Field(sa_type=sa.Text)
    technician_id: UUID | None = None
    """Whose report it is about; the technician in whose feed it shows, when a technician owns it."""
    op_id: UUID | None = None
    """What was sent: the id of the report that it is about."""
    work_order_id: UUID | None = None
    visit_id: UUID | None = None
    params: dict[str, Any] = json_field()
    """What its sentence names."""
    choices: list[str] = json_field(list)
    report: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    """The body of a report that changed nothing."""
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    state: IssueState = Field(default=IssueState.OPEN, sa_type=sa.Text)
    choice: str | None = None
    reason: str | None = None
    resolved_by: UUID | None = None
    resolved_at: datetime | None = time_field()


class TaskResult(Table, table=True):
    """One answer to one item of a visit's checklist, under the id of its report. Rows are added, never changed.

    What counts is the answer that was given last, by effective time and then by id.
    """

    __tablename__ = "task_results"
    __table_args__ = (
        belongs_to("visits", "visit_id"),
        belongs_to("technicians", "technician_id"),
        index("visit_id", "task_id", "effective_at", "id", name="ix_task_results_visit_id_task_id_effective_at_id"),
    )

    visit_id: UUID
    task_id: str
    done: bool
    value: Any = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    technician_id: UUID | None = None
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
