"""Proof of work: evidence, submissions, verdicts, reviews."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.domain.closure import VerdictKind
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
        index("work_order_id", "recorded_at", name="ix_closure_submissions_work_order_id_recorded_at"),
        index("visit_id", name="ix_closure_submissions_visit_id"),
        index("verdict", "recorded_at", name="ix_closure_submissions_verdict_recorded_at"),
    )

    work_order_id: UUID
    visit_id: UUID
    submitted_by: UUID | None = None
    body: dict[str, Any] = json_field()
    body_hash: bytes
    policy: dict[str, Any] = json_field()
    verdict: VerdictKind = Field(sa_type=sa.Text)
    findings: list[dict[str, Any]] = json_field(list)
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    reviewed_at: datetime | None = time_field()
    reviewed_by: UUID | None = None
    review_text: str | None = None
    review_rule_ids: list[str] = json_field(list)
