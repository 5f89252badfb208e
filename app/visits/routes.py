"""`/v1/visits`: planning trips, and reporting what happens on them."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from sqlmodel import Session

from app.identity.access import Caller, Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotAllowed, NotFound, Stale, VersionRequired, refuses
from app.kit.references import NoSuchTechnician
from app.kit.repeats import REPLAYED, stored_or_new
from app.kit.versions import UNCHANGED, IfMatch, IfNoneMatch, check_version, not_modified, versioned
from app.visits import queries
from app.visits.commands import noting, planning, reporting
from app.visits.commands.checks import ClosureRequired, MissingData, TimesOutOfOrder, TooLateToCorrect
from app.visits.commands.planning import NotYetOver, TechnicianNotAvailable, WindowNotWellFormed
from app.visits.models import Visit
from app.visits.schemas import (
    CancelVisitIn,
    CrewMemberIn,
    NoteIn,
    ReassignIn,
    RescheduleIn,
    ScheduleIn,
    StatusUpdateIn,
    StatusUpdateOut,
    TimesOut,
    VisitOut,
    VisitPage,
    VisitQuery,
)
from app.work_orders.commands import IdReused, InvalidTransition
from app.work_orders.ledger import OpenLedger, open_ledger
from app.work_orders.queries import work_order_for
from app.work_orders.routes import shown as shown_order
from app.work_orders.schemas import NoteOut

router = api_router("/v1", "visits")

PLANS = refuses(NotFound, InvalidTransition, Stale, VersionRequired)
Command = Callable[[OpenLedger], None]


def shown(db: Session, visit: Visit, me: Caller) -> VisitOut:
    return VisitOut.model_validate(queries.described(db, me, [visit])[0])


def perform(db: Session, me: Caller, visit_id: UUID, if_match: str | None, command: Command) -> Response:
    """The one way in which every planning action runs: find, lock, find again, compare versions, act, show."""
    visit = queries.visit_for(db, me, visit_id)
    ledger = open_ledger(db, me.organization_id, visit.work_order_id)
    visit = queries.visit_for(db, me, visit_id)
    check_version(if_match, visit.version, current=lambda: shown(db, visit, me))
    command(ledger)
    db.refresh(visit)
    return versioned(shown(db, visit, me), visit.version)


@router.post(
    "/work-orders/{work_order_id}/visits",
    response_model=VisitOut,
    status_code=201,
    responses=refuses(
        NotFound, InvalidTransition, NoSuchTechnician, TechnicianNotAvailable, WindowNotWellFormed, Stale
    ),
)
def schedule_visit(work_order_id: UUID, given: ScheduleIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Plan a trip for a work order; with `If-Match`, for the version of the work order that it means."""
    order = work_order_for(db, me, work_order_id)
    ledger = open_ledger(db, me.organization_id, order.id)
    if if_match is not None:
        db.refresh(order)
        check_version(if_match, order.version, current=lambda: shown_order(order, me))
    visit_id = planning.schedule_visit(db, ledger, given, by=me, at=clock.now())
    visit = queries.visit_for(db, me, visit_id)
    return versioned(shown(db, visit, me), visit.version, status_code=201)


@router.get("/visits", response_model=VisitPage, responses=refuses(CursorUnreadable))
def list_visits(wanted: Annotated[VisitQuery, Query()], me: Me, db: Db) -> dict[str, Any]:
    """The visits that I reach, newest first."""
    found, next_cursor = queries.visit_page(db, me, wanted, at=clock.now())
    return {"items": queries.described(db, me, found), "next_cursor": next_cursor}


@router.get("/visits/{visit_id}", response_model=VisitOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_visit(visit_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One visit, with what I may do to it now."""
    visit = queries.visit_for(db, me, visit_id)
    return not_modified(known, visit.version) or versioned(shown(db, visit, me), visit.version)


@router.post(
    "/visits/{visit_id}/reschedule",
    response_model=VisitOut,
    responses=PLANS | refuses(InvalidTransition, TechnicianNotAvailable, WindowNotWellFormed),
)
def reschedule_visit(visit_id: UUID, given: RescheduleIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Move the visit; it has to be dispatched again."""
    at = clock.now()
    return perform(
        db, me, visit_id, if_match, lambda it: planning.reschedule_visit(db, it, visit_id, given, by=me, at=at)
    )


@router.post(
    "/visits/{visit_id}/reassignment",
    response_model=VisitOut,
    responses=PLANS | refuses(InvalidTransition, TechnicianNotAvailable, NoSuchTechnician),
)
def reassign_visit(visit_id: UUID, given: ReassignIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Give the visit to another technician."""
    at = clock.now()
    return perform(
        db, me, visit_id, if_match, lambda it: planning.reassign_visit(db, it, visit_id, given, by=me, at=at)
    )


@router.post("/visits/{visit_id}/dispatch", response_model=VisitOut, responses=PLANS)
def dispatch_visit(visit_id: UUID, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Tell the technician, and pin what the work asks for."""
    at = clock.now()
    return perform(db, me, visit_id, if_match, lambda it: planning.dispatch_visit(db, it, visit_id, by=me, at=at))


@router.post(
    "/visits/{visit_id}/no-show", response_model=VisitOut, responses=PLANS | refuses(InvalidTransition, NotYetOver)
)
def mark_visit_no_show(visit_id: UUID, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Nobody came within the window."""
    at = clock.now()
    return perform(db, me, visit_id, if_match, lambda it: planning.mark_no_show(db, it, visit_id, by=me, at=at))


@router.post("/visits/{visit_id}/cancellation", response_model=VisitOut, responses=PLANS)
def cancel_visit(visit_id: UUID, given: CancelVisitIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Call the trip off, with who caused it."""
    at = clock.now()
    return perform(
        db,
        me,
        visit_id,
        if_match,
        lambda it: planning.cancel_visit(db, it, visit_id, cause=given.cause, reason=given.reason, by=me, at=at),
    )


@router.post("/visits/{visit_id}/crew", response_model=VisitOut, responses=PLANS | refuses(NoSuchTechnician))
def add_crew_member(visit_id: UUID, given: CrewMemberIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Send somebody more along."""
    at = clock.now()
    return perform(
        db,
        me,
        visit_id,
        if_match,
        lambda it: planning.add_member(db, it, visit_id, given.technician_id, by=me, at=at),
    )


@router.delete("/visits/{visit_id}/crew/{technician_id}", response_model=VisitOut, responses=PLANS)
def remove_crew_member(visit_id: UUID, technician_id: UUID, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Take somebody out of the crew."""
    at = clock.now()
    return perform(
        db, me, visit_id, if_match, lambda it: planning.remove_member(db, it, visit_id, technician_id, by=me, at=at)
    )


@router.post(
    "/visits/{visit_id}/status-updates",
    response_model=StatusUpdateOut,
    status_code=201,
    responses={
        **refuses(
            NotFound,
            NotAllowed,
            InvalidTransition,
            IdReused,
            ClosureRequired,
            TooLateToCorrect,
            TimesOutOfOrder,
            MissingData,
        ),
        200: {"description": "It came before: the stored answer", "model": StatusUpdateOut, **REPLAYED},
    },
)
def post_status_update(visit_id: UUID, update: StatusUpdateIn, me: Me, db: Db) -> Response:
    """Say what happened on a visit. Safe to repeat: the update's id is the key."""
    answer, replayed = reporting.post_status_update(db, visit_id, update, by=me, at=clock.now())
    return stored_or_new(answer, replayed=replayed)


@router.post(
    "/visits/{visit_id}/notes",
    response_model=NoteOut,
    status_code=201,
    responses={
        **refuses(NotFound, IdReused),
        200: {"description": "It came before", "model": NoteOut, **REPLAYED},
    },
)
def add_visit_note(visit_id: UUID, given: NoteIn, response: Response, me: Me, db: Db) -> Any:
    """Write something down. Safe to repeat: the note's id is the key."""
    note, replayed = noting.add_note(db, visit_id, given, by=me, at=clock.now())
    if replayed:
        response.status_code = 200
        response.headers["Idempotent-Replayed"] = "true"
    return note


@router.get("/visits/{visit_id}/time-entries", response_model=TimesOut, responses=refuses(NotFound))
def list_visit_time_entries(visit_id: UUID, me: Me, db: Db) -> dict[str, Any]:
    """Travel, work and breaks, as they follow from what was reported."""
    return queries.times_of(db, me, visit_id, at=clock.now())
