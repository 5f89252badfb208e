"""Work types, work orders, and the ledger of everything that happened to them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.domain.lifecycle import Outcome, WorkOrderStatus
from app.domain.time_rule import ClockSource
from app.kit.database import Table, belongs_to, index, json_field, one_of, time_field


class ActorKind(StrEnum):
    PERSON = "person"
    API_CLIENT = "api_client"
    CUSTOMER = "customer"
    SYSTEM = "system"
    IMPORT = "import"


class WorkType(Table, table=True):
    """A kind of work. What it asks for is in its versions; a dispatched visit keeps the one it had."""

    __tablename__ = "work_types"
    __table_args__ = (index("key", unique=True, name="uq_work_types_key"),)

    key: str
    current_version: int = 1


class WorkTypeVersion(Table, table=True):
    __tablename__ = "work_type_versions"
    __table_args__ = (
        belongs_to("work_types", "work_type_id"),
        index("work_type_id", "version", unique=True, name="uq_work_type_versions_work_type_id_version"),
        sa.CheckConstraint("estimated_minutes > 0", name="estimated_minutes"),
        sa.CheckConstraint("planned_trips >= 1", name="planned_trips"),
    )

    work_type_id: UUID
    version: int
    name: str
    purpose: str = "service"
    """service, installation, survey or estimate: the last two are no trip for the first-time fix rate."""
    estimated_minutes: int = 60
    skills: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.Text), nullable=False)
    planned_parts: list[dict[str, Any]] = json_field(list)
    checklist: list[dict[str, Any]] = json_field(list)
    closure_policy: dict[str, Any] = json_field()
    sla: dict[str, Any] = json_field()
    counts_ftf: bool = True
    planned_trips: int = 1
    overhead_minor: int | None = Field(default=None, sa_type=sa.BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Form(Table, table=True):
    """A checklist that several kinds of work share. What it asks is in its versions."""

    __tablename__ = "forms"
    __table_args__ = (index("key", unique=True, name="uq_forms_key"),)

    key: str
    current_version: int = 1


class FormVersion(Table, table=True):
    """Rows are added, never changed: answers that were given keep the questions they were given to."""

    __tablename__ = "form_versions"
    __table_args__ = (
        belongs_to("forms", "form_id"),
        index("form_id", "version", unique=True, name="uq_form_versions_form_id_version"),
    )

    form_id: UUID
    version: int
    title: str
    items: list[dict[str, Any]] = json_field(list)
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: UUID | None = None


class ClosurePolicyRecord(Table, table=True):
    """What must be proven, for the work that it matches: of those that match, the most specific wins.

    A match that is null matches all.
    """

    __tablename__ = "closure_policies"
    __table_args__ = (
        belongs_to("work_types", "work_type_id"),
        belongs_to("customers", "customer_id"),
        belongs_to("partners", "partner_id"),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        index("key", unique=True, name="uq_closure_policies_key"),
    )

    key: str
    name: str
    work_type_id: UUID | None = None
    customer_id: UUID | None = None
    partner_id: UUID | None = None
    priority: int | None = Field(default=None, sa_type=sa.SmallInteger, nullable=True)
    active: bool = True
    current_version: int = 1
    version: int = 1
    created_at: datetime = Field(sa_type=UtcDateTime)


class ClosurePolicyVersion(Table, table=True):
    """The rules at a version. Rows are added, never changed."""

    __tablename__ = "closure_policy_versions"
    __table_args__ = (
        belongs_to("closure_policies", "policy_id"),
        index("policy_id", "version", unique=True, name="uq_closure_policy_versions_policy_id_version"),
    )

    policy_id: UUID
    version: int
    policy: dict[str, Any] = json_field()
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: UUID | None = None


class ClosureTerms(Table, table=True):
    """What a visit is held to, in one piece: the checklist to fill in and the policy to satisfy.

    Rows are named by their content, so that all visits with the same terms share one; they are added, never changed.
    """

    __tablename__ = "closure_terms"
    __table_args__ = (
        belongs_to("closure_policies", "policy_id"),
        belongs_to("work_types", "work_type_id"),
        index("sha256", unique=True, name="uq_closure_terms_sha256"),
    )

    sha256: bytes
    """Of the canonical JSON of all that follows."""
    policy_id: UUID | None = None
    """None when the work type's own policy counts."""
    policy_version: int
    """Of the closure policy, or of the work type when the policy is its own."""
    work_type_id: UUID | None = None
    work_type_version: int | None = None
    forms: dict[str, Any] = json_field()
    """From form key to version."""
    checklist: list[dict[str, Any]] = json_field(list)
    policy: dict[str, Any] = json_field()
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class WorkOrder(Table, table=True):
    """The promise made to a customer. From `status` to `event_count`: a cache of the events."""

    __tablename__ = "work_orders"
    __table_args__ = (
        belongs_to("customers", "customer_id"),
        belongs_to("sites", "site_id"),
        belongs_to("assets", "asset_id"),
        belongs_to("contacts", "contact_id"),
        belongs_to("work_types", "work_type_id"),
        belongs_to("teams", "team_id"),
        belongs_to("technicians", "technician_id"),
        belongs_to("work_orders", "callback_of"),
        belongs_to("work_orders", "merged_into"),
        belongs_to("work_orders", "follow_up_of"),
        one_of(WorkOrderStatus, "status"),
        one_of(Outcome, "outcome"),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name="priority"),
        sa.CheckConstraint("closed_at >= requested_at", name="closed_after_requested"),
        index("number", unique=True, name="uq_work_orders_number"),
        index("external_ref", unique=True, where="external_ref IS NOT NULL", name="uq_work_orders_external_ref"),
        index("status", "id", name="ix_work_orders_status_id"),
        index("requested_at", name="ix_work_orders_requested_at"),
        index("first_completed_at", where="first_completed_at IS NOT NULL", name="ix_work_orders_first_completed_at"),
        index("closed_at", where="closed_at IS NOT NULL", name="ix_work_orders_closed_at"),
        index("asset_id", "requested_at", name="ix_work_orders_asset_id_requested_at"),
        index("site_id", "requested_at", name="ix_work_orders_site_id_requested_at"),
    )

    number: str
    external_ref: str | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    asset_id: UUID | None = None
    contact_id: UUID | None = None
    work_type_id: UUID | None = None
    work_type_version: int | None = None
    type: str | None = None
    """The key of the work type, or the source's own word; null, as the next three, where a record said nothing."""
    work_class: str | None = "corrective"
    title: str
    description: str = ""
    priority: int | None = Field(default=3, sa_type=sa.SmallInteger, nullable=True)
    """1 is the most urgent; an imported record keeps its own number."""
    channel: str | None = "office"
    """How it was asked for: phone, web, email, portal, partner, plan, office, or the source's own word."""
    territory: str | None = None
    time_zone: str | None = None
    team_id: UUID | None = None
    technician_id: UUID | None = None
    team_ref: str | None = None
    technician_ref: str | None = None
    site_ref: str | None = None
    asset_ref: str | None = None
    problem_code: str | None = None
    estimated_minutes: int | None = None
    counts_ftf: bool = True
    planned_trips: int = 1
    overhead_minor: int | None = Field(default=None, sa_type=sa.BigInteger)
    nte_minor: int | None = Field(default=None, sa_type=sa.BigInteger)
    currency: str | None = None
    imported_cost_minor: Decimal | None = Field(default=None, sa_type=sa.Numeric)
    due_at: datetime | None = time_field()
    response_due_at: datetime | None = time_field()
    sla_pause_reasons: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.Text), nullable=False)
    callback_of: UUID | None = None
    merged_into: UUID | None = None
    follow_up_of: UUID | None = None
    """The work order whose checklist opened this one; no callback, nothing was done wrong."""
    unrelated: bool = False
    """Said by the office: not a callback, although it is the same asset within the window."""
    is_test: bool = False
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    status: WorkOrderStatus = Field(default=WorkOrderStatus.NEW, sa_type=sa.Text)
    substatus: str | None = None
    hold_reason: str | None = None
    held: bool = False
    approved: bool = False
    rework: bool = False
    remote: bool = False
    ended_as: str | None = None
    changes_requested: bool = False
    requested_at: datetime = Field(sa_type=UtcDateTime)
    approved_at: datetime | None = time_field()
    first_assigned_at: datetime | None = time_field()
    first_completed_at: datetime | None = time_field()
    resolved_at: datetime | None = time_field()
    first_closed_at: datetime | None = time_field()
    closed_at: datetime | None = time_field()
    canceled_at: datetime | None = time_field()
    cancel_cause: str | None = None
    outcome: str | None = None
    resolution_code: str | None = None
    reopen_count: int = 0
    event_count: int = 0
    last_event_at: datetime | None = time_field()
    late_events: bool = False


class LedgerEvent(Table, table=True):
    """What happened. Rows are added, never changed, never deleted; the database refuses it too.

    `occurred_at` is the device's clock, raw; `effective_at` is what we believe; `recorded_at` is ours.
    """

    __tablename__ = "events"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        one_of(ActorKind, "actor_kind"),
        one_of(ClockSource, "clock_source"),
        index("work_order_id", "seq", unique=True, name="uq_events_work_order_id_seq"),
        index("visit_id", where="visit_id IS NOT NULL", name="ix_events_visit_id"),
        index("type", "effective_at", name="ix_events_type_effective_at"),
    )

    work_order_id: UUID
    seq: int
    type: str
    visit_id: UUID | None = None
    actor_kind: ActorKind = Field(default=ActorKind.SYSTEM, sa_type=sa.Text)
    actor_id: UUID | None = None
    device_id: UUID | None = None
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    clock_source: ClockSource = Field(default=ClockSource.SERVER, sa_type=sa.Text)
    implied: bool = False
    data: dict[str, Any] = json_field()
    body_hash: bytes | None = None
    """Of the request that made it; a repeat with another body is refused."""
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    """What its sender was told; a repeat is told the same."""


class StatusIntervalRow(Table, table=True):
    """From `entered_at` until `left_at` the work order had this status: derived from the events."""

    __tablename__ = "status_intervals"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        one_of(WorkOrderStatus, "status"),
        index("work_order_id", "seq", unique=True, name="uq_status_intervals_work_order_id_seq"),
        index("status", "entered_at", "left_at", name="ix_status_intervals_status_entered_at_left_at"),
    )

    work_order_id: UUID
    seq: int
    status: WorkOrderStatus = Field(sa_type=sa.Text)
    recorded_status: str | None = None
    substatus: str | None = None
    hold_reason: str | None = None
    entered_at: datetime = Field(sa_type=UtcDateTime)
    left_at: datetime | None = time_field()
    implied: bool = False


class Note(Table, table=True):
    """What somebody wrote; the id is made where it was written, so that it can be sent twice."""

    __tablename__ = "notes"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        index("work_order_id", "effective_at", name="ix_notes_work_order_id_effective_at"),
    )

    work_order_id: UUID
    visit_id: UUID | None = None
    author_id: UUID | None = None
    author_name: str
    text: str
    internal: bool = False
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
