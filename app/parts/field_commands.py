"""What technicians report about parts from where there may be no network: facts, counts, and what they need."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, select

from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.database import plain
from app.kit.problems import NotFound
from app.kit.repeats import fingerprint_of
from app.parts.commands import add_movement, own_or_named_location, record_use, touch_van, values_of
from app.parts.models import MovementKind, Part, PartMovement, PartRequest
from app.parts.schemas import PartRequestIn, PartRequestPatch, StockCountIn, VisitPartIn
from app.visits.commands.assignment import field_ledger
from app.visits.commands.issues import raise_issue
from app.visits.events import PartsNeeded
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, Owner, Severity, Visit
from app.work_orders.commands import IdReused

STORES_CHOICES = ("done", "dismiss")


def report_use(
    db: Session, visit_id: UUID, given: VisitPartIn, *, effective_at: datetime, by: Caller, at: datetime
) -> tuple[PartMovement, Issue | None]:
    """Record parts as used or put back by somebody who has or had the visit; and what the stores should look at.

    Raises:
        NotFound: the visit never was the technician's; no such part id, or no such location for this caller.
        NotAssigned: it was not theirs yet.
        IdReused: the id belongs to something else.
    """
    field_ledger(db, visit_id, by=by, effective_at=effective_at)
    visit = db.get_one(Visit, (by.organization_id, visit_id))
    movement, known = record_use(db, visit, given, by=by, at=at, as_fact=True, effective_at=effective_at)
    return movement, None if known else _trouble(db, movement, by=by, at=at)


def _trouble(db: Session, movement: PartMovement, *, by: Caller, at: datetime) -> Issue | None:
    """What does not fit the books."""
    if movement.part_id is not None and not movement.went_negative:
        return None
    return raise_issue(
        db,
        movement.organization_id,
        IssueCode.STOCK_NEGATIVE if movement.part_id is not None else IssueCode.UNKNOWN_PART,
        owner=Owner.STORES,
        severity=Severity.WARNING,
        choices=STORES_CHOICES,
        at=at,
        effective_at=movement.effective_at,
        op_id=movement.id,
        technician_id=movement.technician_id,
        work_order_id=movement.work_order_id,
        visit_id=movement.visit_id,
        params={
            "part": movement.part_number,
            "quantity": float(movement.quantity),
            "kind": movement.kind,
            "by": by.name,
        },
    )


def count_own_stock(
    db: Session, given: StockCountIn, *, effective_at: datetime, by: Caller, at: datetime
) -> tuple[PartMovement, Issue | None]:
    """How many the technician counted in the own van; from then on the level follows from this count.

    Raises:
        NotFound: the caller has no van because no technician.
        IdReused: the id belongs to something else.
    """
    if by.technician_id is None:
        raise NotFound("Only a technician has a van.")
    said = fingerprint_of(given, about=(by.technician_id,))
    van = own_or_named_location(db, by, by.technician_id, None)
    assert van is not None
    part = _part_of_number(db, by.organization_id, given.part_number)
    values = values_of(
        part,
        organization_id=by.organization_id,
        id=given.id,
        kind=MovementKind.COUNTED,
        part_number=given.part_number,
        location_id=van.id,
        technician_id=by.technician_id,
        quantity=given.quantity,
        serials=[],
        occurred_at=effective_at,
        effective_at=effective_at,
        recorded_at=at,
        body_hash=said,
    )
    touch_van(db, van)
    movement, known = add_movement(db, values, subject_id=None)
    return movement, None if known or part is not None else _trouble(db, movement, by=by, at=at)


def _part_of_number(db: Session, organization_id: UUID, number: str) -> Part | None:
    return db.exec(select(Part).where(Part.organization_id == organization_id, Part.number == number)).one_or_none()


def request_part(
    db: Session, visit_id: UUID, given: PartRequestIn, *, effective_at: datetime, by: Caller, at: datetime
) -> PartRequest:
    """Ask the store for parts for the work order of the visit. The same request again is the same request.

    Raises:
        NotFound: the visit never was the technician's.
        NotAssigned: it was not theirs yet.
        IdReused: the id came earlier with something else.
    """
    ledger = field_ledger(db, visit_id, by=by, effective_at=effective_at)
    wanted = PartRequest(
        organization_id=by.organization_id,
        **given.model_dump(),
        work_order_id=ledger.id,
        visit_id=visit_id,
        technician_id=by.technician_id,
        effective_at=effective_at,
        recorded_at=at,
    )
    return _request(db, wanted)


def request_needed_parts(db: Session, event: PartsNeeded) -> None:
    """A trip ended without a solution for want of parts: ask for one of each."""
    for position, number in enumerate(event.part_numbers):
        wanted = PartRequest(
            organization_id=event.organization_id,
            id=uuid5(event.report_id, f"part {position}"),
            part_number=number,
            quantity=Decimal(1),
            work_order_id=event.work_order_id,
            visit_id=event.visit_id,
            technician_id=event.technician_id,
            effective_at=event.at,
            recorded_at=event.recorded_at,
        )
        _request(db, wanted)


def _request(db: Session, wanted: PartRequest) -> PartRequest:
    part = _part_of_number(db, wanted.organization_id, wanted.part_number)
    values = {**plain(wanted), "part_id": part.id if part else None}
    made = db.scalars(insert(PartRequest).values(values).on_conflict_do_nothing().returning(PartRequest)).one_or_none()
    if made is not None:
        touch(db, made.organization_id, Kind.WORK_ORDER, made.work_order_id)
        return made
    earlier = db.get_one(PartRequest, (wanted.organization_id, wanted.id))
    if any(getattr(earlier, name) != values[name] for name in ("visit_id", "part_number", "quantity", "note")):
        raise IdReused("This id came earlier with another request.", id=str(wanted.id))
    return earlier


def update_part_request(request: PartRequest, given: PartRequestPatch, *, by: Caller, at: datetime) -> None:
    """How far the store has come with it."""
    request.state = given.state
    request.changed_by, request.changed_at = by.id, at
    request.version += 1
