"""Surveys as the office reads them. The link and its token are in none of them: no member of staff may have them."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import PlainSerializer

from app.domain.surveys import QuestionKind, SuppressedReason
from app.kit.schemas import Out, UtcTime
from app.surveys.models import SurveyState

Score = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json-unless-none")]


class SurveyOut(Out):
    """An invitation and what became of it. `segments`: what its answers can be grouped by, as it was when made."""

    id: UUID
    work_order_id: UUID
    contact_id: UUID | None
    state: SurveyState
    suppressed_reason: SuppressedReason | None
    channel: str | None
    language: str
    template_version: int
    segments: dict[str, Any]
    created_at: UtcTime
    due_at: UtcTime | None
    attempts: int
    provider: str | None
    last_error: str | None
    sent_at: UtcTime | None
    delivered_at: UtcTime | None
    bounced_at: UtcTime | None
    expires_at: UtcTime | None
    answered_at: UtcTime | None


class SurveyAnswerOut(Out):
    """One answer on its own scale; a text has no score."""

    question: str
    kind: QuestionKind
    score: Score | None
    scale_min: Score | None
    scale_max: Score | None
    comment: str | None
    answered_at: UtcTime
    edited_at: UtcTime | None


class SurveyDetailOut(SurveyOut):
    questions: list[dict[str, Any]]
    answers: list[SurveyAnswerOut]
