"""Proof of work: evidence, submissions, verdicts, reviews, waivers, what customers say."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.domain.closure import VerdictKind
from app.domain.time_rule import ClockSource
from app.kit.database import Table, belongs_to, index, json_field, one_of, time_field


class EvidenceKind(StrEnum):
    PHOTO = "photo"
    SIGNATURE = "signature"


class Evidence(Table, table=True):
    """A photo or a signature, re-encoded; the id is made on the device. The bytes are in a file named by the hash."""

    __tablename__ = "evidence"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        one_of(EvidenceKind, "kind"),
        index("work_order_id", name="ix_evidence_work_order_id"),
        index("visit_id", name="ix_evidence_visit_id"),
        index("original_sha256", name="ix_evidence_original_sha256"),
    )

    work_order_id: UUID
    visit_id: UUID | None = None
    kind: EvidenceKind = Field(sa_type=sa.Text)
    tag: str
    """before, after, serial or damage for photos; customer, technician or witness for signatures."""
    signer_name: str | None = None
    document_hash: str | None = None
    """Of what was shown to who signed: SHA-256 of its canonical JSON, in hex."""
    sha256: str
    original_sha256: str
    mime: str
    size_bytes: int
    width: int
    height: int
    captured_at: datetime | None = time_field()
    latitude: float | None = None
    longitude: float | None = None
    reused: bool = False
    uploaded_by: UUID | None = None
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class ClosureSubmission(Table, table=True):
    """What the technician sent as proof, with the verdict; kept whatever the verdict was."""

    __tablename__ = "closure_submissions"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        one_of(VerdictKind, "verdict"),
        one_of(ClockSource, "clock_source"),
        index("work_order_id", "recorded_at", name="ix_closure_submissions_work_order_id_recorded_at"),
        index("visit_id", name="ix_closure_submissions_visit_id"),
        belongs_to("closure_terms", "terms_id"),
        index("verdict", "recorded_at", name="ix_closure_submissions_verdict_recorded_at"),
        index("decided_at", where="decided_at IS NOT NULL", name="ix_closure_submissions_decided_at"),
    )

    work_order_id: UUID
    visit_id: UUID
    submitted_by: UUID | None = None
    body: dict[str, Any] = json_field()
    body_hash: bytes
    policy: dict[str, Any] = json_field()
    terms_id: UUID | None = None
    """What it was judged by; None for visits that were planned before terms were kept."""
    facts: dict[str, Any] = json_field()
    """What it was judged with beside itself, as JSON: enough to judge it again by another policy."""
    verdict: VerdictKind = Field(sa_type=sa.Text)
    findings: list[dict[str, Any]] = json_field(list)
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    effective_at: datetime = Field(sa_type=UtcDateTime)
    clock_source: ClockSource = Field(default=ClockSource.DEVICE, sa_type=sa.Text)
    """Where `effective_at` came from: a draft completes the visit at that time when its obstacle is waived."""
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = time_field()
    """When it was verified, waived, sent back or rejected, by the system or by a person."""
    evidence_due_at: datetime | None = time_field()
    review_due_at: datetime | None = time_field()
    escalated_at: datetime | None = time_field()
    """When somebody was told that the evidence, or the review, is overdue."""
    reviewed_at: datetime | None = time_field()
    reviewed_by: UUID | None = None
    review_text: str | None = None
    review_rule_ids: list[str] = json_field(list)


class WaivedBy(StrEnum):
    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"


class ClosureWaiver(Table, table=True):
    """Somebody who may says why a rule need not be met on a visit. Rows are added, never changed."""

    __tablename__ = "closure_waivers"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        one_of(WaivedBy, "role"),
        index("visit_id", "rule_id", unique=True, name="uq_closure_waivers_visit_id_rule_id"),
    )

    work_order_id: UUID
    visit_id: UUID
    rule_id: str
    role: WaivedBy = Field(sa_type=sa.Text)
    reason: str
    granted_by: UUID | None = None
    granted_at: datetime = Field(sa_type=UtcDateTime)


class Checked(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"


class CustomerCode(Table, table=True):
    """Six digits that the customer tells the technician. The code itself is nowhere: it is derived when it is sent.

    The newest of a visit is the one that counts.
    """

    __tablename__ = "customer_codes"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        sa.CheckConstraint("channel IN ('sms', 'email', 'shown')", name="channel"),
        one_of(Checked, "checked"),
        index("visit_id", "created_at", name="ix_customer_codes_visit_id_created_at"),
        index("token_hash", unique=True, name="uq_customer_codes_token_hash"),
    )

    work_order_id: UUID
    visit_id: UUID
    channel: str
    token_hash: bytes
    """Of the link to the page that shows the code."""
    salt: bytes
    hash: bytes
    """scrypt of the digits with the salt (n 16384, r 8, p 1, 32 bytes): what devices without network check by."""
    tried: list[str] = json_field(list)
    """Wrong codes that were tried, each once, as a keyed hash: the same wrong code again tells nobody anything."""
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = time_field()
    """When the customer's code was accepted; it is never asked for again."""
    checked: Checked | None = Field(default=None, sa_type=sa.Text, nullable=True)
    """Where it was accepted: at the server while the technician was there, or from what the device held."""
    created_at: datetime = Field(sa_type=UtcDateTime)


class ConfirmationAnswer(StrEnum):
    YES = "yes"
    NO = "no"
    NOT_ANSWERED = "not_answered"


class CustomerConfirmation(Table, table=True):
    """The customer is asked, by a link, whether the work is done."""

    __tablename__ = "customer_confirmations"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        belongs_to("closure_submissions", "submission_id"),
        one_of(ConfirmationAnswer, "answer"),
        index("submission_id", unique=True, name="uq_customer_confirmations_submission_id"),
        index("visit_id", name="ix_customer_confirmations_visit_id"),
        index("token_hash", unique=True, name="uq_customer_confirmations_token_hash"),
        index("due_at", where="answer IS NULL", name="ix_customer_confirmations_due_at"),
    )

    work_order_id: UUID
    visit_id: UUID
    submission_id: UUID
    token_hash: bytes
    asked_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    answer: ConfirmationAnswer | None = Field(default=None, sa_type=sa.Text, nullable=True)
    comment: str | None = None
    answered_at: datetime | None = time_field()
