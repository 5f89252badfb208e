"""Candidates of the durations: from one milestone of a work order to another."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.calendars import BusinessCalendar
from app.domain.intervals import Interval
from app.domain.kpis.durations import Span, judge_recorded_stay, judge_span, judge_stay
from app.domain.kpis.verdicts import excluded, no, yes
from app.kpis.queries.sources import STAYS, VISITS, WORK_ORDERS
from app.kpis.queries.sql import HEADER, OUT_OF_SCOPE, candidates, fetch, in_period, record
from app.kpis.questions import Question, Record

MILESTONES = {
    "requested": "w.requested_at",
    "approved": "w.approved_at",
    "assigned": "w.first_assigned_at",
    "completed": "w.first_completed_at",
    "resolved": "w.resolved_at",
    "first_closed": "w.first_closed_at",
    "closed": "w.closed_at",
    "due": "w.due_at",
}


def spans(
    db: Session,
    question: Question,
    begin: str,
    until: str,
    *,
    net: bool = False,
    calendar: BusinessCalendar | None = None,
) -> list[Record]:
    """Work orders that reached `until` in the period, with the seconds since `begin`."""
    start, end = MILESTONES[begin], MILESTONES[until]
    rows = candidates(db, question, WORK_ORDERS, end, (OUT_OF_SCOPE, start, end))
    holds = holds_of(db, question) if net else {}
    return [
        record(
            row,
            judge_span(Span._make((*row[HEADER:], holds.get(row[2], ()))), net=net, calendar=calendar),
        )
        for row in rows
    ]


def holds_of(db: Session, question: Question) -> dict[UUID, list[Interval]]:
    """Work order to its times on hold; one that is still running ends at the instant of the question."""
    rows = fetch(
        db,
        "SELECT work_order_id, entered_at, coalesce(left_at, %(as_of)s) FROM status_intervals "
        "WHERE organization_id = %(organization_id)s AND status = 'on_hold' AND entered_at < %(as_of)s",
        {"organization_id": question.organization_id, "as_of": question.at},
    )
    holds: dict[UUID, list[Interval]] = defaultdict(list)
    for work_order_id, entered_at, left_at in rows:
        holds[work_order_id].append(Interval(entered_at, left_at))
    return holds


def cycle_times(db: Session, question: Question) -> list[Record]:
    options = question.options
    return spans(db, question, "assigned", options["until"], net=options["net"])


def lead_times(db: Session, question: Question) -> list[Record]:
    options = question.options
    return spans(db, question, "requested", options["until"], net=options["net"])


def resolution_times(db: Session, question: Question) -> list[Record]:
    """`until=resolved` follows the source's own instant, and the closing where the source never gave one."""
    until = question.options["until"]
    if until == "resolved" and not _ever_resolved(db, question):
        until = "closed"
    return spans(db, question, "requested", until, net=question.options["net"])


def _ever_resolved(db: Session, question: Question) -> bool:
    rows = fetch(
        db,
        "SELECT EXISTS (SELECT 1 FROM work_orders WHERE organization_id = %(organization_id)s "
        "AND resolved_at IS NOT NULL)",
        {"organization_id": question.organization_id},
    )
    return bool(rows[0][0])


def business_times(db: Session, question: Question) -> list[Record]:
    options = question.options
    calendar = BusinessCalendar(
        zone=question.zone,
        weekdays=options["weekdays"],
        opens_at=options["open"],
        closes_at=options["close"],
        holidays=options["holidays"],
    )
    return spans(db, question, options["from_field"], options["to_field"], net=options["net"], calendar=calendar)


def visit_durations(db: Session, question: Question) -> list[Record]:
    """Attended visits that ended in the period, from the start of work (or arrival) to the end."""
    rows = candidates(
        db,
        question,
        VISITS,
        "v.ended_at",
        (OUT_OF_SCOPE, "coalesce(v.started_at, v.arrived_at)", "v.ended_at"),
        where=("v.attended",),
    )
    return [record(row, judge_span(Span(*row[HEADER:]))) for row in rows]


def stays(db: Session, question: Question) -> list[Record]:
    """Times in a state: our statuses clipped to the period, or the source's own words as recorded."""
    if question.options["words"] == "recorded":
        return recorded_stays(db, question)
    where = ["si.entered_at < %(until)s"]
    until = min(question.at, question.end) if question.end is not None else question.at
    values: dict[str, Any] = {"until": until}
    if question.start is not None:
        where.append("(si.left_at IS NULL OR si.left_at > %(start)s)")
    rows = candidates(
        db,
        question,
        STAYS,
        "si.entered_at",
        (OUT_OF_SCOPE, "si.status", "coalesce(si.left_at, %(until)s)"),
        where=where,
        period=False,
        values=values,
    )
    return [_stay(row, question.start, until) for row in rows]


def _stay(row: tuple[Any, ...], start: datetime | None, until: datetime) -> Record:
    left_out, state, left_at = row[HEADER:]
    stay = Interval(row[3], left_at)
    at = row[3] if start is None else max(row[3], start)
    return record(row, judge_stay(state, stay, start, until, left_out=left_out), at=at)


def recorded_stays(db: Session, question: Question) -> list[Record]:
    rows = candidates(
        db,
        question,
        STAYS,
        "si.entered_at",
        (
            OUT_OF_SCOPE,
            "coalesce(si.recorded_status, si.status)",
            "lead(si.entered_at) OVER (PARTITION BY si.work_order_id ORDER BY si.seq)",
        ),
        where=("NOT si.implied",),
        period=False,
    )
    judged = [
        record(row, judge_recorded_stay(row[HEADER + 1], row[3], row[HEADER + 2], left_out=row[HEADER])) for row in rows
    ]
    return in_period(question, judged)


def substatus_reaches(db: Session, question: Question) -> list[Record]:
    """Work orders, and whether they were ever in the substatus that is asked for."""
    rows = candidates(
        db,
        question,
        WORK_ORDERS,
        "w.requested_at",
        (
            OUT_OF_SCOPE,
            "EXISTS (SELECT 1 FROM status_intervals si WHERE si.organization_id = w.organization_id "
            "AND si.work_order_id = w.id AND si.substatus = %(substatus)s)",
        ),
        values={"substatus": question.options["reached"]},
    )
    return [record(row, excluded(row[HEADER]) if row[HEADER] else yes() if row[HEADER + 1] else no()) for row in rows]
