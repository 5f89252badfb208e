"""Candidates that are work orders: first-time fix, reopens, volumes, SLA targets."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.intervals import Interval
from app.domain.kpis.callbacks import Callbacks, Repair
from app.domain.kpis.first_fix import Attendance, FirstFix, FirstFixRules, judge_first_fix, judge_single_visit
from app.domain.kpis.reopens import judge_recorded_reopens, judge_reopen
from app.domain.kpis.sla import Milestone, judge_closing, judge_milestone, target_of
from app.domain.kpis.verdicts import Verdict, excluded
from app.kpis.queries.sources import FIRST_VISIT_CREDIT, WORK_ORDERS
from app.kpis.queries.sql import (
    HEADER,
    OUT_OF_SCOPE,
    OUT_OF_SCOPE_BUT_CANCELED,
    candidates,
    fetch,
    in_period,
    record,
)
from app.kpis.questions import Question, Record

GIVEN_UP_AT = (
    "(SELECT max(si.entered_at) FROM status_intervals si WHERE si.organization_id = w.organization_id "
    "AND si.work_order_id = w.id AND si.status = 'cannot_complete')"
)
REOPENED_AT = (
    "(SELECT min(e.effective_at) FROM events e WHERE e.organization_id = w.organization_id "
    "AND e.work_order_id = w.id AND e.type = 'work_order.reopened' AND e.effective_at >= w.first_completed_at)"
)
BACK_AT_WORK_AT = (
    "(SELECT min(si.entered_at) FROM status_intervals si WHERE si.organization_id = w.organization_id "
    "AND si.work_order_id = w.id AND si.status IN ('new', 'approved', 'scheduled', 'in_progress', 'on_hold') "
    "AND si.entered_at >= w.first_completed_at)"
)


def first_fixes(db: Session, question: Question) -> list[Record]:
    """Work orders completed in the period (or given up in it), with every visit that reached the site."""
    if question.options["basis"] == "single_visit":
        return single_visits(db, question)
    options = question.options
    rules = FirstFixRules(
        as_of=question.at,
        callback_days=options["callback_days"],
        exclude_no_access=options["exclude_no_access"],
        strict=options["strict"],
        mature=options["mature"],
    )
    at = (
        f"CASE WHEN w.status = 'cannot_complete' THEN coalesce({GIVEN_UP_AT}, w.first_completed_at) "
        "ELSE w.first_completed_at END"
    )
    rows = candidates(
        db,
        question,
        FIRST_VISIT_CREDIT,
        at,
        (
            OUT_OF_SCOPE,
            "CASE WHEN w.status = 'cannot_complete' THEN NULL ELSE w.first_completed_at END",
            "w.counts_ftf",
            "w.planned_trips",
            "w.outcome",
            "w.reopen_count > 0",
            "w.asset_id",
            "w.site_id",
            "w.problem_code",
        ),
        where=("(w.first_completed_at IS NOT NULL OR w.status = 'cannot_complete')",),
    )
    visits, callbacks = attendances(db, question), callbacks_of(db, question)
    return [record(row, judge_first_fix(_first_fix(row, visits, callbacks), rules)) for row in rows]


def _first_fix(row: tuple[Any, ...], visits: Mapping[UUID, list[Attendance]], callbacks: Callbacks) -> FirstFix:
    *facts, asset_id, site_id, problem_code = row[HEADER:]
    completed_at = facts[1]
    called_at = callbacks.after(completed_at, row[2], asset_id, site_id, problem_code) if completed_at else None
    return FirstFix._make((*facts, called_at, visits.get(row[2], ())))


def callbacks_of(db: Session, question: Question) -> Callbacks:
    """Every repair asked for up to the question that nobody has marked unrelated."""
    rows = fetch(
        db,
        "SELECT id, requested_at, asset_id, site_id, problem_code, callback_of FROM work_orders "
        "WHERE organization_id = %(organization_id)s AND work_class = 'corrective' AND NOT is_test "
        "AND NOT unrelated AND merged_into IS NULL AND status <> 'canceled' AND requested_at <= %(as_of)s",
        {"organization_id": question.organization_id, "as_of": question.at},
    )
    return Callbacks(Repair(*row) for row in rows)


def attendances(db: Session, question: Question) -> Mapping[UUID, list[Attendance]]:
    """Work order to its attended visits, of the organization's whole history up to the question."""
    rows = fetch(
        db,
        "SELECT work_order_id, coalesce(arrived_at, started_at, ended_at), ended_at, outcome, purpose, "
        "incomplete_reason FROM visits WHERE organization_id = %(organization_id)s AND attended "
        "AND coalesce(arrived_at, started_at, ended_at) <= %(as_of)s",
        {"organization_id": question.organization_id, "as_of": question.at},
    )
    found: dict[UUID, list[Attendance]] = defaultdict(list)
    for work_order_id, *facts in rows:
        found[work_order_id].append(Attendance(*facts))
    return found


def single_visits(db: Session, question: Question) -> list[Record]:
    of_it = "FROM visits i WHERE i.organization_id = w.organization_id AND i.work_order_id = w.id"
    rows = candidates(
        db,
        question,
        FIRST_VISIT_CREDIT,
        "w.closed_at",
        (OUT_OF_SCOPE, f"(SELECT count(*) {of_it})", f"(SELECT max(i.outcome) {of_it})"),
    )
    return [record(row, judge_single_visit(row[HEADER + 1], row[HEADER + 2], left_out=row[HEADER])) for row in rows]


def reopens(db: Session, question: Question) -> list[Record]:
    """Work completed in the period and whether it came back; or, `basis=recorded`, whole recorded histories."""
    if question.options["basis"] == "recorded":
        return recorded_reopens(db, question)
    rows = candidates(
        db,
        question,
        WORK_ORDERS,
        "w.first_completed_at",
        (OUT_OF_SCOPE, f"CASE WHEN w.reopen_count > 0 THEN coalesce({REOPENED_AT}, {BACK_AT_WORK_AT}) END"),
    )
    days = question.options["within_days"]
    return [record(row, judge_reopen(row[3], row[HEADER + 1], within_days=days, left_out=row[HEADER])) for row in rows]


def recorded_reopens(db: Session, question: Question) -> list[Record]:
    rows = candidates(
        db,
        question,
        WORK_ORDERS,
        "coalesce(w.closed_at, w.resolved_at, w.requested_at)",
        (
            OUT_OF_SCOPE,
            "(SELECT array_agg(coalesce(si.recorded_status, si.status) ORDER BY si.seq) FROM status_intervals si "
            "WHERE si.organization_id = w.organization_id AND si.work_order_id = w.id AND NOT si.implied)",
        ),
    )
    return [record(row, judge_recorded_reopens(row[HEADER + 1] or (), left_out=row[HEADER])) for row in rows]


def flows(db: Session, question: Question) -> list[Record]:
    """Work orders created and closed in the period: +1 each when created, −1 each when closed, or one of them."""
    flow = question.options["flow"]
    records: list[Record] = []
    if flow != "closed":
        records += _counted(db, question, "w.requested_at", "created", 1)
    if flow != "created":
        records += _counted(db, question, "w.closed_at", "closed", -1 if flow == "net" else 1)
    return records


def completions(db: Session, question: Question) -> list[Record]:
    """Work orders that were closed (or completed) in the period, one each."""
    column = {"closed": "w.closed_at", "first_closed": "w.first_closed_at", "completed": "w.first_completed_at"}
    until = question.options["until"]
    return _counted(db, question, column[until], "done", 1)


def _counted(db: Session, question: Question, at: str, category: str, amount: int) -> list[Record]:
    rows = candidates(db, question, WORK_ORDERS, at, (OUT_OF_SCOPE,))
    counted = Verdict(amount=amount, category=category)
    return [record(row, excluded(row[HEADER]) if row[HEADER] else counted) for row in rows]


#: Milestone to its target, the instant that fulfils it.
MILESTONES = {
    "resolution": ("w.due_at", "w.first_completed_at"),
    "response": ("w.response_due_at", "w.first_assigned_at"),
}


def sla_milestones(db: Session, question: Question) -> list[Record]:
    """Promises whose target, moved by the pauses that count, lies in the period."""
    if question.options["basis"] == "closed":
        return sla_closings(db, question)
    due, done = MILESTONES[question.options["milestone"]]
    rows = candidates(
        db,
        question,
        WORK_ORDERS,
        due,
        (
            OUT_OF_SCOPE_BUT_CANCELED,
            due,
            f"CASE WHEN {done} <= %(as_of)s THEN {done} END",
            "CASE WHEN w.status = 'canceled' THEN w.canceled_at END",
        ),
        where=(f"{due} IS NOT NULL", "w.requested_at <= %(as_of)s")
        + (() if question.end is None else (f"{due} < %(end)s",)),
        period=False,
    )
    pauses = pauses_that_count(db, question)
    judged = [_promise(row, pauses.get(row[2], []), question.at) for row in rows]
    return in_period(question, judged)


def _promise(row: tuple[Any, ...], pauses: list[Interval], as_of: datetime) -> Record:
    promise = Milestone._make((*row[HEADER:], pauses))
    return record(row, judge_milestone(promise, as_of), at=target_of(promise))


def pauses_that_count(db: Session, question: Question) -> dict[UUID, list[Interval]]:
    """Work order to the holds that stop its clock: those whose reason its policy lists."""
    rows = fetch(
        db,
        "SELECT si.work_order_id, si.entered_at, coalesce(si.left_at, %(as_of)s) FROM status_intervals si "
        "JOIN work_orders w ON w.organization_id = si.organization_id AND w.id = si.work_order_id "
        "WHERE si.organization_id = %(organization_id)s AND si.status = 'on_hold' AND si.entered_at < %(as_of)s "
        "AND si.hold_reason = ANY(w.sla_pause_reasons)",
        {"organization_id": question.organization_id, "as_of": question.at},
    )
    pauses: dict[UUID, list[Interval]] = defaultdict(list)
    for work_order_id, entered_at, left_at in rows:
        pauses[work_order_id].append(Interval(entered_at, left_at))
    return pauses


def sla_closings(db: Session, question: Question) -> list[Record]:
    rows = candidates(db, question, WORK_ORDERS, "w.closed_at", (OUT_OF_SCOPE, "w.due_at"))
    return [record(row, judge_closing(row[HEADER + 1], row[3], left_out=row[HEADER])) for row in rows]
