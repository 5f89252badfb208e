"""Candidates that are visits: arrival in the window, verification, cancellation."""

from datetime import timedelta

from sqlmodel import Session

from app.domain.kpis.arrivals import Arrival, ArrivalRules, judge_arrival, judge_cancellation
from app.domain.kpis.verdicts import Verdict, excluded
from app.kpis.queries.sources import VISITS
from app.kpis.queries.sql import HEADER, OUT_OF_SCOPE, OUT_OF_SCOPE_BUT_CANCELED, candidates, record
from app.kpis.questions import Question, Record


def arrivals(db: Session, question: Question) -> list[Record]:
    """Visits whose promised window ended in the period; `original` goes by the first promise."""
    options = question.options
    rules = ArrivalRules(
        as_of=question.at,
        early_grace=timedelta(minutes=options["early_grace_minutes"]),
        grace=timedelta(minutes=options["grace_minutes"]),
    )
    first = "first_" if options["original"] else ""
    rows = candidates(
        db,
        question,
        VISITS,
        f"v.{first}window_end",
        (
            OUT_OF_SCOPE_BUT_CANCELED,
            f"v.{first}window_start",
            f"v.{first}window_end",
            "CASE WHEN v.arrived_at <= %(as_of)s THEN v.arrived_at END",
            "v.status IN ('no_show', 'declined')",
            "CASE WHEN v.status = 'canceled' THEN v.ended_at END",
            "v.cancel_cause",
        ),
        where=("v.status <> 'declined'",),
    )
    return [record(row, judge_arrival(Arrival(*row[HEADER:]), rules)) for row in rows]


def failed_verifications(db: Session, question: Question) -> list[Record]:
    """Visits that did not hold: found not fixed at verification, by a check or by the recorded outcome."""
    rows = candidates(
        db,
        question,
        VISITS,
        "coalesce(v.verified_at, v.ended_at, v.started_at)",
        (OUT_OF_SCOPE, "CASE WHEN v.verification = 'failed' THEN 'failed' ELSE v.outcome END"),
        where=("(v.verification = 'failed' OR v.outcome = 'not_resolved')",),
    )
    return [record(row, excluded(row[HEADER]) if row[HEADER] else Verdict(category=row[HEADER + 1])) for row in rows]


def cancellations(db: Session, question: Question) -> list[Record]:
    """Visits that were planned to start in the period, and which of them were called off."""
    rows = candidates(
        db,
        question,
        VISITS,
        "v.scheduled_start",
        (OUT_OF_SCOPE_BUT_CANCELED, "v.status", "v.cancel_cause"),
    )
    return [
        record(row, judge_cancellation(row[HEADER + 1], cause=row[HEADER + 2], left_out=row[HEADER])) for row in rows
    ]
