"""Reading visits: always for whom, and in which organization."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.domain.crew import MemberStatus, allowed_to_member
from app.domain.intervals import closed_at, total_seconds, union
from app.domain.lifecycle import CATEGORY, PLANNED, VisitStatus, allowed_on_visit
from app.domain.roles import Role, Scope
from app.domain.timesheet import TimeKind
from app.identity.access import Caller
from app.kit.database import plain, rows
from app.kit.paging import make_cursor, page_by_id, read_cursor
from app.kit.problems import NotFound
from app.visits.issue_schemas import IssueQuery
from app.visits.issue_texts import sentence
from app.visits.models import TimeEntryRow, Visit, VisitMember
from app.visits.schemas import VisitQuery
from app.work_orders.queries import NOBODY, actions

NO_SHOW_AFTER = timedelta(minutes=15)


def visits_of(caller: Caller) -> Any:
    """The visits that the caller reaches, as a query to narrow down: all, the partner's, or one's own."""
    query = select(Visit).where(Visit.organization_id == caller.organization_id)
    if caller.scope is Scope.ALL:
        return query
    if caller.scope is Scope.ASSIGNED:
        return query.where(Visit.partner_id == (caller.partner_id or NOBODY))
    me = caller.technician_id or NOBODY
    crews = sa.select(VisitMember.visit_id).where(  # type: ignore[call-overload]
        VisitMember.organization_id == caller.organization_id, VisitMember.technician_id == me
    )
    return query.where(sa.or_(col(Visit.technician_id) == me, col(Visit.id).in_(crews)))


def visit_for(db: Session, caller: Caller, visit_id: UUID) -> Visit:
    """The visit as it is now, when the caller reaches it.

    Raises:
        NotFound: there is none, or it is somebody else's; the two look the same on purpose.
    """
    query = visits_of(caller).where(Visit.id == visit_id).execution_options(populate_existing=True)
    visit: Visit | None = db.exec(query).one_or_none()
    if visit is None:
        raise NotFound("There is no such visit.", visit_id=str(visit_id))
    return visit


def visit_page(db: Session, caller: Caller, wanted: VisitQuery, *, at: datetime) -> tuple[Sequence[Visit], str | None]:
    """One page of the visits that the caller reaches, newest first."""
    query = visits_of(caller)
    for name, value in wanted.model_dump(
        exclude={"limit", "cursor", "scheduled_from", "scheduled_to", "no_show_due"}, exclude_none=True
    ).items():
        query = query.where(getattr(Visit, name) == value)
    if wanted.scheduled_from is not None:
        query = query.where(col(Visit.scheduled_start) >= wanted.scheduled_from)
    if wanted.scheduled_to is not None:
        query = query.where(col(Visit.scheduled_start) < wanted.scheduled_to)
    if wanted.no_show_due:
        over = sa.func.coalesce(Visit.window_end, Visit.scheduled_end)
        query = query.where(col(Visit.status).in_(PLANNED), over < at - NO_SHOW_AFTER)
    return page_by_id(db, query, col(Visit.id), wanted, "visits")


@cache
def actions_on_visit(status: VisitStatus, roles: frozenset[Role]) -> list[dict[str, Any]]:
    """What these roles may do to a visit in this status, as it is sent: few lists, made once and never changed."""
    return [actions(one) for one in allowed_on_visit(status, roles)]


@cache
def actions_of_member(visit: VisitStatus, member: MemberStatus) -> list[dict[str, Any]]:
    """What somebody of the crew beside the lead may report, as it is sent."""
    return [actions(one) for one in allowed_to_member(visit, member)]


def crews_of(db: Session, organization_id: UUID, visit_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """From visit to the technicians beside its lead."""
    found = rows(
        db,
        "SELECT visit_id, array_agg(technician_id ORDER BY joined_at) AS crew FROM visit_members "
        "WHERE organization_id = %(o)s AND visit_id = ANY(%(ids)s) AND left_at IS NULL GROUP BY 1",
        o=organization_id,
        ids=list(visit_ids),
    )
    return {row["visit_id"]: row["crew"] for row in found}


def described(db: Session, caller: Caller, visits: Sequence[Visit]) -> list[dict[str, Any]]:
    """Visits as they are shown to this caller, with what the caller may do now."""
    crews = crews_of(db, caller.organization_id, [visit.id for visit in visits])
    return [
        {
            **plain(visit),
            "category": CATEGORY[VisitStatus(visit.status)],
            "crew": crews.get(visit.id, []),
            "allowed_actions": actions_on_visit(VisitStatus(visit.status), caller.roles),
        }
        for visit in visits
    ]


def times_of(db: Session, caller: Caller, visit_id: UUID, *, at: datetime) -> dict[str, Any]:
    """The time entries of a visit and their sums; what still runs is counted until `at`."""
    visit = visit_for(db, caller, visit_id)
    entries = db.exec(
        select(TimeEntryRow)
        .where(TimeEntryRow.organization_id == caller.organization_id, TimeEntryRow.visit_id == visit.id)
        .order_by(col(TimeEntryRow.started_at), col(TimeEntryRow.id))
    ).all()
    return {"items": entries, **{f"{kind}_seconds": _seconds(entries, kind, at) for kind in TimeKind}}


def _seconds(entries: Sequence[TimeEntryRow], kind: TimeKind, at: datetime) -> int:
    people = {entry.technician_id for entry in entries}
    return sum(
        int(
            total_seconds(
                union(
                    closed_at(entry.started_at, entry.ended_at, at)
                    for entry in entries
                    if entry.technician_id == person and entry.kind == kind
                )
            )
        )
        for person in people
    )


ISSUES = """
SELECT i.*, w.number AS work_order_number, w.title AS work_order_title, t.name AS technician_name,
       coalesce(p.name, c.name) AS resolved_by_name
FROM issues i
LEFT JOIN work_orders w ON w.organization_id = i.organization_id AND w.id = i.work_order_id
LEFT JOIN technicians t ON t.organization_id = i.organization_id AND t.id = i.technician_id
LEFT JOIN people p ON p.organization_id = i.organization_id AND p.id = i.resolved_by
LEFT JOIN api_clients c ON c.organization_id = i.organization_id AND c.id = i.resolved_by
WHERE i.organization_id = %(o)s
"""

ISSUE_PAGE = (
    ISSUES
    + """
  AND (%(state)s::text IS NULL OR i.state = %(state)s)
  AND (%(owner)s::text IS NULL OR i.owner = %(owner)s)
  AND (%(work_order_id)s::uuid IS NULL OR i.work_order_id = %(work_order_id)s)
  AND (%(technician_id)s::uuid IS NULL OR i.technician_id = %(technician_id)s)
  AND (%(after_id)s::uuid IS NULL
       OR (i.state, i.recorded_at, i.id) > (%(after_state)s, %(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY i.state, i.recorded_at, i.id
LIMIT %(limit)s
"""
)


def issues_by_id(db: Session, organization_id: UUID, ids: Collection[UUID]) -> list[dict[str, Any]]:
    """Issues with all their columns and what they refer to by name, the oldest first."""
    found = ISSUES + " AND i.id = ANY(%(ids)s) ORDER BY i.recorded_at, i.id"
    return [_issue(row) for row in rows(db, found, o=organization_id, ids=list(ids))]


def issue_page(db: Session, caller: Caller, wanted: IssueQuery) -> tuple[list[dict[str, Any]], str | None]:
    """One page of where the field is not as planned: open issues first, the oldest first."""
    after = read_cursor(db, wanted.cursor, "issues") or (None, None, None)
    found = rows(
        db,
        ISSUE_PAGE,
        o=caller.organization_id,
        state=wanted.state,
        owner=wanted.owner,
        work_order_id=wanted.work_order_id,
        technician_id=wanted.technician_id,
        after_state=after[0],
        after_at=after[1],
        after_id=after[2],
        limit=wanted.limit + 1,
    )
    items = [_issue(row) for row in found[: wanted.limit]]
    if len(found) <= wanted.limit:
        return items, None
    last = items[-1]
    position = [last["state"], last["recorded_at"].isoformat(), str(last["id"])]
    return items, make_cursor(db, "issues", position)


def _issue(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "text": {"key": row["code"], "params": row["params"], "en": sentence(row["code"], row["params"])}}


TASKS = """
SELECT DISTINCT ON (visit_id, task_id) visit_id, task_id, done, value, technician_id, effective_at
FROM task_results WHERE organization_id = %(o)s AND visit_id = ANY(%(ids)s)
ORDER BY visit_id, task_id, effective_at DESC, id DESC
"""
