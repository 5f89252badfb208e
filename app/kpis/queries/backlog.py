"""Candidates of what is open: at one instant, and at the end of each column of a series."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.domain.kpis.backlog import OpenWork, age_band, age_seconds, is_open, is_overdue, open_at_ends
from app.domain.kpis.verdicts import Verdict, excluded, no, yes
from app.kpis.queries.sources import STAYS, WORK_ORDERS
from app.kpis.queries.sql import HEADER, OUT_OF_SCOPE, candidates, record
from app.kpis.questions import Question, Record

#: Population to the statuses whose intervals make it; `unclosed` goes by the work order's own instants.
STATUSES = {
    "active": "('approved', 'scheduled', 'in_progress', 'on_hold')",
    "intake": "('new')",
}


def _open_work(
    db: Session, question: Question, first: datetime, last: datetime
) -> list[tuple[tuple[Any, ...], OpenWork]]:
    """Candidate rows with the time that they were open, of everything open at some instant in between.

    The facts are why it is out of scope, the time it was open, the target and the estimate.
    """
    values = {"first": first, "last": last}
    if question.options["population"] == "unclosed":
        rows = candidates(
            db,
            question,
            WORK_ORDERS,
            "w.requested_at",
            (OUT_OF_SCOPE, "w.requested_at", "w.closed_at", "w.requested_at", "w.due_at", "w.estimated_minutes"),
            where=("w.requested_at <= %(last)s", "(w.closed_at IS NULL OR w.closed_at >= %(first)s)"),
            period=False,
            values=values,
        )
    else:
        rows = candidates(
            db,
            question,
            STAYS,
            "si.entered_at",
            (OUT_OF_SCOPE, "si.entered_at", "si.left_at", "w.requested_at", "w.due_at", "w.estimated_minutes"),
            where=(
                f"si.status IN {STATUSES[question.options['population']]}",
                "si.entered_at <= %(last)s",
                "(si.left_at IS NULL OR si.left_at >= %(first)s)",
            ),
            period=False,
            values=values,
        )
    return [(row, OpenWork(*row[HEADER + 1 : HEADER + 5])) for row in rows]


def backlog(db: Session, question: Question) -> list[Record]:
    """What is open at the instant of the question, one record per work order, in its age band."""
    edges = question.options["ageing_days"]
    return [
        record(row, excluded(row[HEADER]) if row[HEADER] else _aged(row, work, question.at, edges), at=question.at)
        for row, work in _open_work(db, question, question.at, question.at)
        if is_open(work, question.at)
    ]


def _aged(row: tuple[Any, ...], work: OpenWork, at: datetime, edges: Sequence[int]) -> Verdict:
    age = age_seconds(work, at)
    parts = {"overdue": int(is_overdue(work, at)), "estimated_minutes": row[HEADER + 5] or 0}
    return Verdict(amount=1, value=age, category=age_band(age, edges), components=parts)


def overdue(db: Session, question: Question) -> list[Record]:
    """The same work, and whether its target has passed; its figure is how long it is overdue."""
    return [
        record(row, excluded(row[HEADER]) if row[HEADER] else _late(work, question.at), at=question.at)
        for row, work in _open_work(db, question, question.at, question.at)
        if is_open(work, question.at)
    ]


def _late(work: OpenWork, at: datetime) -> Verdict:
    if not is_overdue(work, at) or work.due_at is None:
        return no("in_time" if work.due_at else "no_target")
    return yes("overdue", value=(at - work.due_at).total_seconds())


def backlog_series(db: Session, question: Question, ends: Sequence[datetime]) -> list[int]:
    """How much was open at the end of each column, ascending ends."""
    if not ends:
        return []
    found = _open_work(db, question, ends[0], ends[-1])
    return open_at_ends((work for row, work in found if row[HEADER] is None), ends)
