"""Reading visits: always for whom, and in which organization."""

from collections.abc import Sequence
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
from app.kit.paging import page_by_id
from app.kit.problems import NotFound
from app.visits.models import Orphan, TimeEntryRow, Visit, VisitMember
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


def orphans_of(db: Session, caller: Caller) -> Sequence[Orphan]:
    """Reports that fit no state any more, open ones first, oldest first."""
    return db.exec(
        select(Orphan)
        .where(Orphan.organization_id == caller.organization_id)
        .order_by(col(Orphan.state).desc(), col(Orphan.id))
        .limit(200)
    ).all()
