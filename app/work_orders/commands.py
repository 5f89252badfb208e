"""What may be done to a work order. The order is always: rule, event, effect, then those who react."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.ledger import EventType, open_visits
from app.domain.lifecycle import (
    REOPEN_WINDOW_DAYS,
    UNDERWAY,
    WORK_ORDER_MOVES,
    WorkOrderAction,
    WorkOrderStatus,
    allowed_on_work_order,
)
from app.domain.roles import Role
from app.identity.access import Caller
from app.kit.database import next_number, plain, rows
from app.kit.events import publish
from app.kit.problems import RuleBroken
from app.kit.references import (
    ExternalRefTaken,
    NoSuchAsset,
    NoSuchCallbackOrigin,
    NoSuchContact,
    NoSuchCustomer,
    NoSuchMergeTarget,
    NoSuchSite,
    check_references,
    unique,
)
from app.kit.repeats import fingerprint_of
from app.work_orders.events import WorkOrderClosed, WorkOrderCompleted
from app.work_orders.ledger import SYSTEM, Actor, NewEvent, OpenLedger, opened, record
from app.work_orders.models import WorkOrder
from app.work_orders.queries import actions, work_type_of
from app.work_orders.schemas import WorkOrderIn, WorkOrderPatch


class InvalidTransition(RuleBroken):
    """It cannot go there from where it is; the answer says from where, and what may be done instead."""

    code = "invalid-transition"


class ReopenWindowPassed(RuleBroken):
    """Too late to reopen: make a new work order with `callback_of`."""

    code = "reopen-window-passed"


class VisitsOpen(RuleBroken):
    """A visit is still under way."""

    code = "visits-open"


class ReviewRequired(RuleBroken):
    """A closure was submitted for it: decide by a review, which looks at the proof."""

    code = "review-required"


class IdReused(RuleBroken):
    """The id came earlier with another content."""

    code = "id-reused"


def actor_of(caller: Caller) -> Actor:
    kind = "person" if caller.person_id else "api_client"
    return Actor(kind=kind, id=caller.id, device_id=caller.device_id)


def check_move(ledger: OpenLedger, action: WorkOrderAction, roles: Iterable[Role]) -> None:
    """Let an allowed action pass and refuse any other.

    Raises:
        InvalidTransition: with the status now and `allowed_actions` of these roles.
    """
    status = ledger.order.status
    if status not in WORK_ORDER_MOVES[action].sources:
        raise InvalidTransition(
            f"A work order that is {status} does not take {action}.",
            status_now=status.value,
            allowed_actions=[actions(one) for one in allowed_on_work_order(status, roles)],
        )


def create_work_order(db: Session, given: WorkOrderIn, *, by: Caller, at: datetime) -> WorkOrder:
    """Make a work order from a request; its clocks start at `requested_at`. The same id again is the same order.

    Raises:
        IdReused: the id is another request's.
        NotFound: there is no such work type.
        NoSuchReference: a customer, site, asset or contact is not the organization's.
        ExternalRefTaken: another work order has this `external_ref`.
    """
    if given.id is not None and (known := _made_before(db, given.id, given, by=by)) is not None:
        return known
    kind = work_type_of(db, by.organization_id, given.work_type_id)
    check_named(db, by.organization_id, given.model_dump())
    requested_at = min(given.requested_at or at, at)
    order = WorkOrder(
        organization_id=by.organization_id,
        number=f"WO-{20_000 + next_number(db, by.organization_id, 'work_order')}",
        type=kind["key"],
        requested_at=requested_at,
        recorded_at=at,
        **from_work_type(kind, requested_at),
        **from_site(db, by.organization_id, given.site_id),
        **given.model_dump(exclude={"id", "requested_at", "due_at"}),
    )
    if given.id is not None:
        order.id = given.id
    order.due_at = given.due_at or order.due_at
    with unique(db, {"uq_work_orders_external_ref": ExternalRefTaken}):
        db.add(order)
    ledger = opened(db, by.organization_id, plain(order))
    created = NewEvent(
        type=EventType.CREATED,
        at=requested_at,
        data={"channel": given.channel},
        body_hash=fingerprint_of(given, about=(by.id,)),
    )
    record(db, ledger, [created], by=actor_of(by), at=at)
    db.refresh(order)
    return order


#: Held until the transaction ends, so that a second sending begins where the first one ended.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%(id)s::text, 1))"
SAID = "SELECT body_hash FROM events WHERE organization_id = %(o)s AND work_order_id = %(id)s AND seq = 1"


def _made_before(db: Session, id: UUID, given: WorkOrderIn, *, by: Caller) -> WorkOrder | None:
    """The work order that an earlier sending of this request made.

    Raises:
        IdReused: the id came with another request.
    """
    rows(db, ONE_AT_A_TIME, id=id)
    known = db.get(WorkOrder, (by.organization_id, id))
    if known is None:
        return None
    said = rows(db, SAID, o=by.organization_id, id=id)
    if not said or said[0]["body_hash"] != fingerprint_of(given, about=(by.id,)):
        raise IdReused("This id belongs to another work order.", id=str(id))
    return known


def from_work_type(kind: Mapping[str, Any], requested_at: datetime) -> dict[str, Any]:
    sla = kind["sla"]
    within = {name: sla.get(f"{name}_minutes") for name in ("resolution", "response")}
    due = {name: requested_at + timedelta(minutes=minutes) for name, minutes in within.items() if minutes}
    return {
        "due_at": due.get("resolution"),
        "response_due_at": due.get("response"),
        "sla_pause_reasons": sla.get("pause_reasons", []),
        "estimated_minutes": kind["estimated_minutes"],
        "counts_ftf": kind["counts_ftf"],
        "planned_trips": kind["planned_trips"],
        "overhead_minor": kind["overhead_minor"],
        "work_type_version": kind["version"],
    }


def from_site(db: Session, organization_id: UUID, site_id: UUID | None) -> dict[str, Any]:
    found = rows(
        db,
        "SELECT territory, time_zone FROM sites WHERE organization_id = %(o)s AND id = %(s)s",
        o=organization_id,
        s=site_id,
    )
    return found[0] if found else {}


def check_named(db: Session, organization_id: UUID, body: Mapping[str, Any]) -> None:
    """
    Raises:
        NoSuchReference: the body names a customer, site, asset, contact or work order that is not there.
    """
    check_references(db, organization_id, {kind: body.get(kind.field) for kind in REFERENCES})


REFERENCES = (NoSuchCustomer, NoSuchSite, NoSuchAsset, NoSuchContact, NoSuchCallbackOrigin)


def update_work_order(db: Session, ledger: OpenLedger, given: WorkOrderPatch, *, by: Caller, at: datetime) -> None:
    """Edit what the office owns; what changed is an event too."""
    order = db.get_one(WorkOrder, (ledger.organization_id, ledger.id))
    named = given.model_dump(exclude_unset=True)
    check_named(db, by.organization_id, named)
    for name, value in named.items():
        setattr(order, name, value)
    db.add(order)
    db.flush()
    edited = NewEvent(type=EventType.EDITED, at=at, data={"changes": given.model_dump(exclude_unset=True, mode="json")})
    record(db, ledger, [edited], by=actor_of(by), at=at)


def act(
    db: Session,
    ledger: OpenLedger,
    action: WorkOrderAction,
    event: EventType,
    data: Mapping[str, Any],
    *,
    by: Caller,
    at: datetime,
) -> None:
    """Check the move, record the event, tell those who react."""
    check_move(ledger, action, by.roles)
    happen(db, ledger, [NewEvent(type=event, at=at, data=data)], by=actor_of(by), at=at)


def happen(
    db: Session,
    ledger: OpenLedger,
    new: Iterable[NewEvent],
    *,
    by: Actor,
    at: datetime,
    answer: Callable[[], dict[str, Any]] | None = None,
) -> None:
    """Record events and publish what they mean for the work order."""
    before = ledger.order.status
    closed_before = ledger.order.first_closed_at is not None
    events = list(new)
    record(db, ledger, events, by=by, at=at, answer=answer)
    after = ledger.order.status
    where = {"organization_id": ledger.organization_id, "work_order_id": ledger.id}
    if after is WorkOrderStatus.COMPLETED and before is not after:
        last = events[-1]
        publish(db, WorkOrderCompleted(**where, at=last.at, visit_id=last.visit_id))
    if after is WorkOrderStatus.CLOSED and before is not after:
        publish(db, WorkOrderClosed(**where, at=events[-1].at, first_time=not closed_before))


def approve(db: Session, ledger: OpenLedger, *, by: Caller, at: datetime) -> None:
    """The backlog starts here."""
    act(db, ledger, WorkOrderAction.APPROVE, EventType.APPROVED, {}, by=by, at=at)


def reject(db: Session, ledger: OpenLedger, *, reason: str, merged_into: UUID | None, by: Caller, at: datetime) -> None:
    """Not to be done: refused, or the same as another work order."""
    check_references(db, ledger.organization_id, {NoSuchMergeTarget: merged_into})
    cause = "duplicate" if merged_into else "us"
    data = {"reason": reason, "cause": cause, "merged_into": merged_into}
    act(db, ledger, WorkOrderAction.REJECT, EventType.REJECTED, data, by=by, at=at)
    if merged_into is not None:
        rows(
            db,
            "UPDATE work_orders SET merged_into = %(into)s WHERE organization_id = %(o)s AND id = %(id)s",
            into=merged_into,
            o=ledger.organization_id,
            id=ledger.id,
        )


def hold(
    db: Session, ledger: OpenLedger, *, hold_reason: str, expected_until: datetime | None, by: Caller, at: datetime
) -> None:
    data = {"hold_reason": hold_reason, "expected_until": expected_until}
    act(db, ledger, WorkOrderAction.HOLD, EventType.HELD, data, by=by, at=at)


def release(db: Session, ledger: OpenLedger, *, by: Caller, at: datetime) -> None:
    act(db, ledger, WorkOrderAction.RELEASE, EventType.RELEASED, {}, by=by, at=at)


def complete_remotely(
    db: Session, ledger: OpenLedger, *, resolution_code: str, note: str, by: Caller, at: datetime
) -> None:
    """Solved without a trip; a remote fix is neither a success nor a failure of the first-time fix rate.

    Raises:
        VisitsOpen: a visit is under way.
    """
    check_move(ledger, WorkOrderAction.COMPLETE, by.roles)
    if any(visit.status in UNDERWAY for visit in ledger.visits.values()):
        raise VisitsOpen("A visit is under way: let it end first.")
    data = {"resolution_code": resolution_code, "note": note, "cause": "us", "reason": "solved remotely"}
    new = [*_visits_canceled(ledger, data, at=at), NewEvent(type=EventType.COMPLETED_REMOTELY, at=at, data=data)]
    happen(db, ledger, new, by=actor_of(by), at=at)


def close(db: Session, ledger: OpenLedger, *, by: Caller | None, at: datetime, data: Mapping[str, Any]) -> None:
    """Close completed work: by the system when its policy is satisfied (`by` is None), or after a review."""
    roles = by.roles if by else frozenset({Role.SUPERVISOR})
    check_move(ledger, WorkOrderAction.CLOSE, roles)
    actor = actor_of(by) if by else SYSTEM
    happen(db, ledger, [NewEvent(type=EventType.CLOSED, at=at, data=data)], by=actor, at=at)


#: Named here, not imported from above: what was submitted as proof is decided by a review.
SUBMITTED = """
SELECT FROM closure_submissions WHERE organization_id = %(o)s AND work_order_id = %(id)s AND verdict <> 'unmet' LIMIT 1
"""


def check_no_review(db: Session, ledger: OpenLedger) -> None:
    """
    Raises:
        ReviewRequired: a closure was submitted; only a review looks at its proof and at who may decide.
    """
    found = db.connection().exec_driver_sql(SUBMITTED, {"o": ledger.organization_id, "id": ledger.id})
    if found.first() is not None:
        raise ReviewRequired("Decide by a review.", reviews=f"/v1/work-orders/{ledger.id}/reviews")


def send_back(
    db: Session, ledger: OpenLedger, *, rule_ids: list[str], text: str, revisit: bool, by: Caller, at: datetime
) -> None:
    """Not proven: ask for changes, or for another trip."""
    data = {"rule_ids": rule_ids, "text": text, "revisit": revisit}
    act(db, ledger, WorkOrderAction.SEND_BACK, EventType.SENT_BACK, data, by=by, at=at)


def cannot_complete(
    db: Session, ledger: OpenLedger, *, reason: str, customer_told: bool, by: Caller, at: datetime
) -> None:
    check_move(ledger, WorkOrderAction.CANNOT_COMPLETE, by.roles)
    data = {"reason": reason, "customer_told": customer_told, "cause": "us"}
    new = [NewEvent(type=EventType.CANNOT_COMPLETE, at=at, data=data), *_visits_canceled(ledger, data, at=at)]
    happen(db, ledger, new, by=actor_of(by), at=at)


def reopen(
    db: Session, ledger: OpenLedger, *, reason: str, by: Caller, at: datetime, also_canceled: bool = False
) -> None:
    """Open it again; nothing of its history changes.

    `also_canceled`: for work that was done before anybody there knew that it was canceled.

    Raises:
        ReopenWindowPassed: it ended more than 30 days ago.
    """
    if not (also_canceled and ledger.order.status is WorkOrderStatus.CANCELED):
        check_move(ledger, WorkOrderAction.REOPEN, by.roles)
    ended = ledger.order.closed_at or ledger.order.resolved_at or _so_since(db, ledger)
    if ended is not None and at - ended > timedelta(days=REOPEN_WINDOW_DAYS):
        raise ReopenWindowPassed(
            f"It ended more than {REOPEN_WINDOW_DAYS} days ago: make a new work order that is its callback.",
            callback_of=str(ledger.id),
        )
    happen(db, ledger, [NewEvent(type=EventType.REOPENED, at=at, data={"reason": reason})], by=actor_of(by), at=at)


SO_SINCE = """
SELECT entered_at FROM status_intervals
WHERE organization_id = %(o)s AND work_order_id = %(id)s AND left_at IS NULL
"""


def _so_since(db: Session, ledger: OpenLedger) -> datetime | None:
    """Since when the work order has had its status."""
    found = rows(db, SO_SINCE, o=ledger.organization_id, id=ledger.id)
    return found[0]["entered_at"] if found else None


def cancel(db: Session, ledger: OpenLedger, *, cause: str, reason: str, by: Caller, at: datetime) -> None:
    """Call it off, its open visits with it; what was traveled stays in the cost."""
    check_move(ledger, WorkOrderAction.CANCEL, by.roles)
    data = {"cause": cause, "reason": reason}
    new = [NewEvent(type=EventType.CANCELED, at=at, data=data), *_visits_canceled(ledger, data, at=at)]
    happen(db, ledger, new, by=actor_of(by), at=at)


def _visits_canceled(ledger: OpenLedger, data: Mapping[str, Any], *, at: datetime) -> list[NewEvent]:
    """The ends of the open visits. Where the work ends with them they come after its own end: it is not completed."""
    why = {"cause": data.get("cause"), "reason": data["reason"]}
    return [
        NewEvent(type=EventType.VISIT_CANCELED, at=at, data=why, visit_id=visit.id)
        for visit in open_visits(ledger.visits.values())
    ]
