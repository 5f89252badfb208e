"""Candidates that are answers and invitations of surveys."""

from collections.abc import Callable

from sqlmodel import Session

from app.domain.kpis.surveys import (
    Answer,
    Invitation,
    judge_closed_response,
    judge_csat,
    judge_nps,
    judge_response,
)
from app.domain.kpis.verdicts import Verdict
from app.kpis.queries.sources import ANSWERS, SURVEYED_WORK, SURVEYS
from app.kpis.queries.sql import HEADER, OUT_OF_SCOPE, candidates, record
from app.kpis.questions import Question, Record


def ratings(db: Session, question: Question) -> list[Record]:
    return _answers(db, question, "csat", judge_csat)


def recommendations(db: Session, question: Question) -> list[Record]:
    return _answers(db, question, "nps", judge_nps)


def _answers(db: Session, question: Question, kind: str, judge: Callable[[Answer], Verdict]) -> list[Record]:
    """Answers of a kind, in the period of their work order's completion or, `cohort=responded`, of their own.

    The newest answer of a work order counts; `per=answer` counts each.
    """
    at = "sa.answered_at" if question.options["cohort"] == "responded" else "w.first_completed_at"
    newer = (
        "EXISTS (SELECT 1 FROM survey_answers b WHERE b.organization_id = sa.organization_id "
        "AND b.work_order_id = sa.work_order_id AND b.kind = sa.kind AND b.score IS NOT NULL "
        "AND (b.answered_at, b.id) > (sa.answered_at, sa.id))"
    )
    rows = candidates(
        db,
        question,
        ANSWERS,
        at,
        (
            OUT_OF_SCOPE,
            "sa.score",
            "sa.scale_min",
            "sa.scale_max",
            "FALSE" if question.options["per"] == "answer" else newer,
        ),
        where=("sa.kind = %(kind)s", "sa.answered_at <= %(as_of)s"),
        values={"kind": kind},
    )
    return [record(row, judge(Answer(*row[HEADER:]))) for row in rows]


def invitations(db: Session, question: Question) -> list[Record]:
    """Surveys sent in the period (suppressed ones by when they would have been); or closed work, answered or not."""
    if question.options["basis"] == "closed":
        return closed_responses(db, question)
    rows = candidates(
        db,
        question,
        SURVEYS,
        "coalesce(su.sent_at, su.created_at)",
        (
            OUT_OF_SCOPE,
            "su.suppressed_reason",
            "CASE WHEN su.bounced_at IS NOT NULL THEN 'bounced' WHEN su.state = 'failed' THEN 'failed' END",
            "coalesce(su.sent_at, su.delivered_at)",
            "CASE WHEN su.answered_at <= %(as_of)s THEN su.answered_at END",
        ),
        where=("su.state <> 'imported'",),
    )
    return [record(row, judge_response(Invitation(*row[HEADER:]))) for row in rows]


def closed_responses(db: Session, question: Question) -> list[Record]:
    rows = candidates(
        db,
        question,
        SURVEYED_WORK,
        "coalesce(w.closed_at, w.requested_at)",
        (
            OUT_OF_SCOPE,
            "w.closed_at IS NOT NULL",
            "(SELECT count(*) FROM survey_answers sa WHERE sa.organization_id = w.organization_id "
            "AND sa.work_order_id = w.id AND sa.kind = 'csat')",
        ),
    )
    return [
        record(row, judge_closed_response(row[HEADER + 1], row[HEADER + 2], left_out=row[HEADER]))
        for row in rows
        if row[HEADER + 1] or row[HEADER + 2]
    ]
