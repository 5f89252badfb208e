"""`/v1/work-orders`: asking for work, planning it, ending it."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from sqlmodel import Session

from app.identity.access import Caller, Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotFound, Stale, VersionRequired, refuses
from app.kit.references import ExternalRefTaken, NoSuchMergeTarget
from app.kit.versions import UNCHANGED, IfMatch, IfNoneMatch, check_version, not_modified, versioned
from app.work_orders import commands, queries
from app.work_orders.commands import (
    IdReused,
    InvalidTransition,
    ReopenWindowPassed,
    ReviewRequired,
    VisitsOpen,
)
from app.work_orders.ledger import OpenLedger, open_ledger
from app.work_orders.models import WorkOrder
from app.work_orders.schemas import (
    CancelIn,
    CannotCompleteIn,
    EventsOut,
    HoldIn,
    NotesOut,
    ReasonIn,
    RejectIn,
    RemoteCompletionIn,
    SendBackIn,
    WorkOrderIn,
    WorkOrderOut,
    WorkOrderPage,
    WorkOrderPatch,
    WorkOrderQuery,
)

router = api_router("/v1/work-orders", "work orders")

EDITS = refuses(NotFound, InvalidTransition, Stale, VersionRequired)
Command = Callable[[OpenLedger], None]


def shown(order: WorkOrder, me: Caller) -> WorkOrderOut:
    return WorkOrderOut.model_validate(queries.described(order, me))


def perform(db: Session, me: Caller, work_order_id: UUID, if_match: str | None, command: Command) -> Response:
    """The one way in which every office action runs: find, lock, compare versions, act, show."""
    order = queries.work_order_for(db, me, work_order_id)
    ledger = open_ledger(db, me.organization_id, order.id)
    db.refresh(order)
    check_version(if_match, ledger.version, current=lambda: shown(order, me))
    command(ledger)
    db.refresh(order)
    return versioned(shown(order, me), order.version)


@router.get("", response_model=WorkOrderPage, responses=refuses(CursorUnreadable))
def list_work_orders(wanted: Annotated[WorkOrderQuery, Query()], me: Me, db: Db) -> dict[str, Any]:
    """The work orders that I reach, newest first."""
    found, next_cursor = queries.work_order_page(db, me, wanted)
    return {"items": [queries.described(order, me) for order in found], "next_cursor": next_cursor}


@router.post(
    "",
    response_model=WorkOrderOut,
    status_code=201,
    responses=refuses(NotFound, IdReused, ExternalRefTaken, *commands.REFERENCES),
)
def create_work_order(given: WorkOrderIn, me: Me, db: Db) -> Response:
    """Ask for work. Safe to repeat with an `id` of your own."""
    order = commands.create_work_order(db, given, by=me, at=clock.now())
    return versioned(shown(order, me), order.version, status_code=201)


@router.get("/{work_order_id}", response_model=WorkOrderOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_work_order(work_order_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One work order, with what I may do to it now."""
    order = queries.work_order_for(db, me, work_order_id)
    return not_modified(known, order.version) or versioned(shown(order, me), order.version)


@router.patch("/{work_order_id}", response_model=WorkOrderOut, responses=EDITS | refuses(Stale, *commands.REFERENCES))
def update_work_order(work_order_id: UUID, given: WorkOrderPatch, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Change what the office owns: title, priority, contact, due time."""
    at = clock.now()
    return perform(db, me, work_order_id, if_match, lambda it: commands.update_work_order(db, it, given, by=me, at=at))


@router.get("/{work_order_id}/events", response_model=EventsOut, responses=refuses(NotFound))
def get_work_order_events(work_order_id: UUID, me: Me, db: Db) -> dict[str, Any]:
    """Everything that happened to it, in the order in which we learned of it."""
    return {"items": queries.events_of_work_order(db, me, work_order_id)}


@router.get("/{work_order_id}/notes", response_model=NotesOut, responses=refuses(NotFound))
def list_work_order_notes(work_order_id: UUID, me: Me, db: Db) -> dict[str, Any]:
    """What was written down about it."""
    return {"items": queries.notes_of(db, me, work_order_id)}


@router.post("/{work_order_id}/approval", response_model=WorkOrderOut, responses=EDITS)
def approve_work_order(work_order_id: UUID, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Accept the request: it is in the backlog from now on."""
    at = clock.now()
    return perform(db, me, work_order_id, if_match, lambda it: commands.approve(db, it, by=me, at=at))


@router.post(
    "/{work_order_id}/rejection",
    response_model=WorkOrderOut,
    responses=EDITS | refuses(InvalidTransition, NoSuchMergeTarget),
)
def reject_work_order(work_order_id: UUID, given: RejectIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Refuse the request, or merge it into another."""
    at = clock.now()
    return perform(
        db, me, work_order_id, if_match, lambda it: commands.reject(db, it, **given.model_dump(), by=me, at=at)
    )


@router.post("/{work_order_id}/hold", response_model=WorkOrderOut, responses=EDITS)
def hold_work_order(work_order_id: UUID, given: HoldIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Stop working on it for a reason; a reason that the SLA lists stops its clock."""
    at = clock.now()
    return perform(
        db, me, work_order_id, if_match, lambda it: commands.hold(db, it, **given.model_dump(), by=me, at=at)
    )


@router.post("/{work_order_id}/release", response_model=WorkOrderOut, responses=EDITS)
def release_work_order(work_order_id: UUID, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """End the hold."""
    at = clock.now()
    return perform(db, me, work_order_id, if_match, lambda it: commands.release(db, it, by=me, at=at))


@router.post(
    "/{work_order_id}/completion", response_model=WorkOrderOut, responses=EDITS | refuses(InvalidTransition, VisitsOpen)
)
def complete_work_order(
    work_order_id: UUID, given: RemoteCompletionIn, me: Me, db: Db, if_match: IfMatch = None
) -> Response:
    """Solved remotely, without a trip."""
    at = clock.now()
    return perform(
        db,
        me,
        work_order_id,
        if_match,
        lambda it: commands.complete_remotely(db, it, **given.model_dump(), by=me, at=at),
    )


@router.post(
    "/{work_order_id}/close",
    response_model=WorkOrderOut,
    responses=EDITS | refuses(InvalidTransition, ReviewRequired),
)
def close_work_order(work_order_id: UUID, given: ReasonIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Close completed work for which no proof was asked; the reason is kept."""
    at = clock.now()

    def close(ledger: OpenLedger) -> None:
        commands.check_no_review(db, ledger)
        commands.close(db, ledger, by=me, at=at, data={"reason": given.reason})

    return perform(db, me, work_order_id, if_match, close)


@router.post(
    "/{work_order_id}/send-back",
    response_model=WorkOrderOut,
    responses=EDITS | refuses(InvalidTransition, ReviewRequired),
)
def send_back_work_order(work_order_id: UUID, given: SendBackIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Send back work for which no proof was asked: ask for changes, or for another trip."""
    at = clock.now()

    def send_back(ledger: OpenLedger) -> None:
        commands.check_no_review(db, ledger)
        commands.send_back(db, ledger, **given.model_dump(), by=me, at=at)

    return perform(db, me, work_order_id, if_match, send_back)


@router.post("/{work_order_id}/cannot-complete", response_model=WorkOrderOut, responses=EDITS)
def mark_work_order_cannot_complete(
    work_order_id: UUID, given: CannotCompleteIn, me: Me, db: Db, if_match: IfMatch = None
) -> Response:
    """It cannot be done; the customer was told, or not."""
    at = clock.now()
    return perform(
        db,
        me,
        work_order_id,
        if_match,
        lambda it: commands.cannot_complete(db, it, **given.model_dump(), by=me, at=at),
    )


@router.post(
    "/{work_order_id}/reopening",
    response_model=WorkOrderOut,
    responses=EDITS | refuses(InvalidTransition, ReopenWindowPassed),
)
def reopen_work_order(work_order_id: UUID, given: ReasonIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Open it again within the window; what happened stays as it was."""
    at = clock.now()
    return perform(
        db, me, work_order_id, if_match, lambda it: commands.reopen(db, it, reason=given.reason, by=me, at=at)
    )


@router.post("/{work_order_id}/cancellation", response_model=WorkOrderOut, responses=EDITS)
def cancel_work_order(work_order_id: UUID, given: CancelIn, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Call it off, with who caused it; its open visits are canceled with it."""
    at = clock.now()
    return perform(
        db,
        me,
        work_order_id,
        if_match,
        lambda it: commands.cancel(db, it, cause=given.cause, reason=given.reason, by=me, at=at),
    )
