"""The question after the job: one survey per work order for life, and its answers."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.domain.surveys import QuestionKind, SuppressedReason
from app.kit.database import Table, belongs_to, index, json_field, one_of, time_field
from app.kit.sending import OutgoingRow


class SurveyState(StrEnum):
    DUE = "due"
    """To be sent at `due_at`."""
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Refused for good by the provider."""
    UNCERTAIN = "uncertain"
    """The provider's answer was lost and it cannot be asked again: somebody must look."""
    ANSWERED = "answered"
    SUPPRESSED = "suppressed"
    IMPORTED = "imported"


class Survey(OutgoingRow, table=True):
    """An invitation, sent or not, with the reason when not. `segments` is a snapshot for grouping."""

    __tablename__ = "surveys"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("contacts", "contact_id"),
        one_of(SurveyState, "state"),
        one_of(SuppressedReason, "suppressed_reason"),
        index("work_order_id", unique=True, name="uq_surveys_work_order_id"),
        index("token_hash", unique=True, where="token_hash IS NOT NULL", name="uq_surveys_token_hash"),
        index("contact_id", "created_at", name="ix_surveys_contact_id_created_at"),
        sa.Index("ix_surveys_due_at", "due_at", postgresql_where=sa.text("state = 'due'")),
        sa.Index("ix_surveys_claimed_at", "claimed_at", postgresql_where=sa.text("state = 'sending'")),
    )

    work_order_id: UUID
    contact_id: UUID | None = None
    token_hash: bytes | None = None
    state: SurveyState = Field(default=SurveyState.DUE, sa_type=sa.Text)
    suppressed_reason: str | None = None
    channel: str | None = None
    language: str = "en"
    questions: list[dict[str, Any]] = json_field(list)
    template_version: int = 1
    segments: dict[str, Any] = json_field()
    created_at: datetime = Field(sa_type=UtcDateTime)
    delivered_at: datetime | None = time_field()
    bounced_at: datetime | None = time_field()
    expires_at: datetime | None = time_field()
    answered_at: datetime | None = time_field()


class SurveyAnswer(Table, table=True):
    """One answer to one question, on its own scale. `answered_at` is the first time, `edited_at` the last."""

    __tablename__ = "survey_answers"
    __table_args__ = (
        belongs_to("surveys", "survey_id"),
        belongs_to("work_orders", "work_order_id"),
        one_of(QuestionKind, "kind"),
        sa.CheckConstraint("scale_max > scale_min", name="scale"),
        sa.CheckConstraint("score BETWEEN scale_min AND scale_max", name="score"),
        index("survey_id", "question", unique=True, name="uq_survey_answers_survey_id_question"),
        index("external_ref", unique=True, where="external_ref IS NOT NULL", name="uq_survey_answers_external_ref"),
        index("work_order_id", name="ix_survey_answers_work_order_id"),
        index("kind", "answered_at", name="ix_survey_answers_kind_answered_at"),
    )

    survey_id: UUID
    work_order_id: UUID
    kind: QuestionKind = Field(sa_type=sa.Text)
    question: str
    score: Decimal | None = Field(default=None, sa_type=sa.Numeric)
    scale_min: Decimal | None = Field(default=None, sa_type=sa.Numeric)
    scale_max: Decimal | None = Field(default=None, sa_type=sa.Numeric)
    comment: str | None = None
    answered_at: datetime = Field(sa_type=UtcDateTime)
    edited_at: datetime | None = time_field()
    external_ref: str | None = None
