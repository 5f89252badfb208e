"""Candidates that are closures: all submissions of one visit."""

from sqlmodel import Session

from app.domain.kpis.closures import Closure, judge_first_pass
from app.kpis.queries.sources import CLOSURES
from app.kpis.queries.sql import HEADER, OUT_OF_SCOPE, candidates, record
from app.kpis.questions import Question, Record

#: What was sent back first and decided otherwise later was sent back.
FIRST_DECISION = (
    "CASE WHEN failed.at < coalesce(cs.decided_at, 'infinity') THEN 'changes_requested' ELSE cs.decision END"
)


def first_passes(db: Session, question: Question) -> list[Record]:
    """Closures first decided in the period, and those handed in in it that nobody has decided yet."""
    rows = candidates(
        db,
        question,
        CLOSURES,
        "coalesce(least(cs.decided_at, failed.at), cs.submitted_at)",
        (OUT_OF_SCOPE, FIRST_DECISION, "cs.sent_back OR failed.at IS NOT NULL", "cs.waived"),
    )
    return [record(row, judge_first_pass(Closure(*row[HEADER:]))) for row in rows]
