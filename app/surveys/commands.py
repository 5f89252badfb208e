"""Make a survey, take an answer, take a no, note what the carrier reports."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel

from app.customers.models import Channel, ConsentState, ContactConsent
from app.domain.surveys import (
    TEMPLATE_VERSION,
    Question,
    QuestionKind,
    SuppressedReason,
    Trigger,
    is_editable,
    questions_of,
    score_within,
    sending_time,
    snapshot,
    why_not,
)
from app.kit.forms import plain_text
from app.kit.ids import uuid7
from app.kit.problems import RuleBroken, Unprocessable
from app.kit.queue import enqueue
from app.kit.runtime import runtime_of
from app.kit.tokens import SURVEY, derive, fingerprint
from app.surveys import queries
from app.surveys.models import Survey, SurveyAnswer, SurveyState

SEND = "surveys.send"


class AnswerClosed(RuleBroken):
    """The day in which an answer may be changed is over."""

    code = "answer-closed"


class AnswerIncomplete(Unprocessable):
    """A question that must be answered was not, or with something that is not on its scale."""

    code = "answer-incomplete"


def token_of(db: Session, organization_id: UUID, survey_id: UUID) -> str:
    """The secret of the survey's link. For the message to the customer only: no member of staff may see it."""
    return derive(SURVEY, organization_id, runtime_of(db).secret, survey_id)


def make_survey(
    db: Session, organization_id: UUID, work_order_id: UUID, *, trigger: Trigger, at: datetime
) -> UUID | None:
    """The work order's one survey: to be sent, or a row that says why not. Its id; None when there is one already,
    or the organization asks at another moment. The send is enqueued in the same transaction."""
    facts = queries.facts_of(db, organization_id, work_order_id, waiting_counts=True)
    if facts is None or facts.policy.trigger is not trigger:
        return None
    policy = facts.policy
    due_at = sending_time(at + policy.delay, facts.zone, policy)
    reason = why_not(facts.circumstances, policy, at=at)
    if reason is None and due_at - at > policy.send_within:
        reason = SuppressedReason.QUIET_EXPIRED
    survey_id = uuid7()
    values = {
        "organization_id": organization_id,
        "id": survey_id,
        "work_order_id": work_order_id,
        "contact_id": facts.row["contact_id"],
        "channel": facts.row["channel"],
        "language": facts.row["language"] or "en",
        "questions": snapshot(policy.questions),
        "template_version": TEMPLATE_VERSION,
        "segments": facts.segments,
        "created_at": at,
        "attempts": 0,
        **_state_values(db, organization_id, survey_id, reason, due_at, at),
    }
    if not _insert_once(db, values):
        return None
    if reason is None and due_at <= at:
        enqueue(db, SEND, organization_id=organization_id, survey_id=survey_id)
    return survey_id


def _state_values(
    db: Session, organization_id: UUID, survey_id: UUID, reason: SuppressedReason | None, due_at: datetime, at: datetime
) -> dict[str, Any]:
    if reason is not None:
        return {"state": SurveyState.SUPPRESSED.value, "suppressed_reason": reason.value}
    return {
        "state": SurveyState.DUE.value,
        "token_hash": fingerprint(token_of(db, organization_id, survey_id)),
        "due_at": due_at,
        "claimed_at": at if due_at <= at else None,
    }


def _insert_once(db: Session, values: dict[str, Any]) -> bool:
    table = SQLModel.metadata.tables["surveys"]
    added = (
        insert(table)
        .values(values)
        .on_conflict_do_nothing(index_elements=["organization_id", "work_order_id"])
        .returning(table.c.id)
    )
    return db.connection().execute(added).scalar_one_or_none() is not None


def record_answer(db: Session, survey: Survey, given: Mapping[str, str], *, at: datetime) -> None:
    """Keep the answers by question key; what is left empty is no answer. Sending the same again changes nothing.

    Raises:
        AnswerClosed: it was answered more than a day ago.
        AnswerIncomplete: a required question has no score of its scale.
    """
    if not is_editable(survey.answered_at, at=at):
        raise AnswerClosed("Thank you, we have your answer; it can no longer be changed.")
    questions = questions_of(survey.questions)
    read = {question.key: _read(question, given.get(question.key, "")) for question in questions}
    missing = [question.key for question in questions if question.required and read[question.key] is None]
    if missing:
        raise AnswerIncomplete("Please choose a number first.", missing=missing)

    before = {answer.question: answer for answer in queries.answers_of(db, survey)}
    for question in questions:
        _keep(db, survey, question, read[question.key], before.get(question.key), at)
    survey.answered_at = survey.answered_at or at
    survey.state = SurveyState.ANSWERED


def _read(question: Question, text: str) -> int | str | None:
    if question.kind is QuestionKind.TEXT:
        return plain_text(text) or None
    return score_within(question, text)


def _keep(
    db: Session, survey: Survey, question: Question, read: int | str | None, earlier: SurveyAnswer | None, at: datetime
) -> None:
    if read is None:
        if earlier is not None:
            db.delete(earlier)
        return
    low, high = question.scale or (None, None)
    score = Decimal(read) if isinstance(read, int) else None
    comment = read if isinstance(read, str) else None
    if earlier is None:
        db.add(
            SurveyAnswer(
                organization_id=survey.organization_id,
                survey_id=survey.id,
                work_order_id=survey.work_order_id,
                kind=question.kind,
                question=question.key,
                score=score,
                scale_min=None if low is None else Decimal(low),
                scale_max=None if high is None else Decimal(high),
                comment=comment,
                answered_at=at,
            )
        )
    elif (earlier.score, earlier.comment) != (score, comment):
        earlier.score, earlier.comment, earlier.edited_at = score, comment, at


def opt_out(db: Session, survey: Survey, *, source: str, at: datetime) -> None:
    """The contact of this survey wants no more messages on its channel. Rows of consent are only added."""
    if survey.contact_id is None or survey.channel is None:
        return
    db.add(
        ContactConsent(
            organization_id=survey.organization_id,
            contact_id=survey.contact_id,
            channel=Channel(survey.channel),
            state=ConsentState.WITHDRAWN,
            source=source,
            at=at,
        )
    )


_ON_ITS_WAY = frozenset({SurveyState.SENDING, SurveyState.UNCERTAIN, SurveyState.SENT})


def note_delivery(survey: Survey, status: str, *, provider_id: str, error: str | None, at: datetime) -> None:
    """What the carrier reports. Reports come late, twice and out of order; an answer outranks them."""
    survey.provider_id = survey.provider_id or provider_id
    if status == "delivered":
        survey.sent_at = survey.sent_at or at
        survey.delivered_at = survey.delivered_at or at
        if survey.state in _ON_ITS_WAY:
            survey.state = SurveyState.DELIVERED
    elif status in ("failed", "undelivered"):
        survey.bounced_at = survey.bounced_at or at
        survey.last_error = f"carrier-{error}" if error else "carrier"
        if survey.state in _ON_ITS_WAY:
            survey.state = SurveyState.FAILED
    elif status in ("sent", "queued", "accepted", "sending") and survey.state == SurveyState.UNCERTAIN:
        survey.sent_at = survey.sent_at or at
        survey.state = SurveyState.SENT
