"""Reading parts: the catalog, what was used, and how much lies where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.domain.lifecycle import WorkOrderStatus
from app.domain.roles import Scope
from app.identity.access import Caller
from app.identity.models import Technician
from app.kit.database import rows
from app.kit.paging import PageQuery, make_cursor, page_by_id, read_cursor
from app.kit.problems import NotFound
from app.kit.schemas import Line
from app.parts.models import LocationKind, Part, PartMovement, PartRequest, RequestState, StockLocation
from app.visits.models import Visit
from app.work_orders.models import WorkOrder


class CatalogQuery(PageQuery):
    """`q` finds parts whose number or name begins with it."""

    q: Line | None = None
    number: Line | None = None


class StockQuery(PageQuery):
    location_id: UUID | None = None
    part_id: UUID | None = None


class RequestQuery(PageQuery):
    state: RequestState | None = None
    work_order_id: UUID | None = None
    technician_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """What there is already when a use is recorded; `earlier` is what came with that id before."""

    work_order_status: WorkOrderStatus
    closed_at: datetime | None
    part: Part | None
    earlier: PartMovement | None


def use_on(
    db: Session, visit: Visit, movement_id: UUID, *, part_id: UUID | None = None, part_number: str | None = None
) -> Use:
    """All that recording a use on this visit has to know, in one statement."""
    named = Part.id == part_id if part_id is not None else Part.number == part_number
    query = (
        select(WorkOrder.status, WorkOrder.closed_at, Part, PartMovement)
        .select_from(WorkOrder)
        .outerjoin(Part, sa.and_(col(Part.organization_id) == WorkOrder.organization_id, sa.literal(True) & named))
        .outerjoin(
            PartMovement,
            sa.and_(
                col(PartMovement.organization_id) == WorkOrder.organization_id,
                col(PartMovement.id) == movement_id,
            ),
        )
        .where(WorkOrder.organization_id == visit.organization_id, WorkOrder.id == visit.work_order_id)
    )
    status, closed_at, part, earlier = db.exec(query).one()
    return Use(WorkOrderStatus(status), closed_at, part, earlier)


def location_of_use(
    db: Session, caller: Caller, technician_id: UUID | None, location_id: UUID | None
) -> StockLocation | None:
    """Where the parts come from, locked: the named location, else the technician's van; None when there is no van yet.

    From the field only depots and one's own van can be named.

    Raises:
        NotFound: there is no such location, or it is somebody else's van.
    """
    query = select(StockLocation).where(StockLocation.organization_id == caller.organization_id)
    if location_id is None:
        query = query.where(StockLocation.technician_id == technician_id)
    else:
        query = query.where(StockLocation.id == location_id)
        if caller.scope is not Scope.ALL:
            query = query.where(
                sa.or_(
                    col(StockLocation.kind) == LocationKind.DEPOT,
                    col(StockLocation.technician_id) == caller.technician_id,
                )
            )
    found = db.exec(query.with_for_update(key_share=True)).one_or_none()
    if found is None and location_id is not None:
        raise NotFound("There is no such stock location.", location_id=str(location_id))
    return found


def movement_of(db: Session, caller: Caller, movement_id: UUID) -> PartMovement | None:
    return db.get(PartMovement, (caller.organization_id, movement_id))


def movements_of_visit(db: Session, visit: Visit) -> Sequence[PartMovement]:
    """In the order in which they happened."""
    return db.exec(
        select(PartMovement)
        .where(PartMovement.organization_id == visit.organization_id, PartMovement.visit_id == visit.id)
        .order_by(col(PartMovement.effective_at), col(PartMovement.id))
    ).all()


def movements_of_work_order(db: Session, work_order: WorkOrder) -> Sequence[PartMovement]:
    """All visits together, in the order in which they happened."""
    return db.exec(
        select(PartMovement)
        .where(
            PartMovement.organization_id == work_order.organization_id,
            PartMovement.work_order_id == work_order.id,
        )
        .order_by(col(PartMovement.effective_at), col(PartMovement.id))
    ).all()


def part_for(db: Session, caller: Caller, part_id: UUID, *, lock: bool = False) -> Part:
    """
    Raises:
        NotFound: the organization has no such part.
    """
    query = select(Part).where(Part.organization_id == caller.organization_id, Part.id == part_id)
    part = db.exec(query.with_for_update() if lock else query).one_or_none()
    if part is None:
        raise NotFound("There is no such part.", part_id=str(part_id))
    return part


def catalog(db: Session, caller: Caller, page: CatalogQuery) -> tuple[Sequence[Part], str | None]:
    query = select(Part).where(Part.organization_id == caller.organization_id)
    if page.number is not None:
        query = query.where(Part.number == page.number)
    if page.q:
        query = query.where(
            sa.or_(
                col(Part.number).istartswith(page.q, autoescape=True),
                col(Part.name).istartswith(page.q, autoescape=True),
            )
        )
    return page_by_id(db, query, Part.id, page, "parts")


def locations(db: Session, caller: Caller) -> Sequence[StockLocation]:
    """Depots first, then vans, by name."""
    return db.exec(
        select(StockLocation)
        .where(StockLocation.organization_id == caller.organization_id)
        .order_by(col(StockLocation.kind), col(StockLocation.name), col(StockLocation.id))
    ).all()


def location_for(db: Session, caller: Caller, location_id: UUID) -> StockLocation:
    """
    Raises:
        NotFound: the organization has no such location.
    """
    found = db.exec(
        select(StockLocation).where(
            StockLocation.organization_id == caller.organization_id, StockLocation.id == location_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such stock location.", location_id=str(location_id))
    return found


def check_technician(db: Session, caller: Caller, technician_id: UUID) -> None:
    """
    Raises:
        NotFound: the organization has no such technician.
    """
    known = select(Technician.id).where(
        Technician.organization_id == caller.organization_id, Technician.id == technician_id
    )
    if db.exec(known).one_or_none() is None:
        raise NotFound("There is no such technician.", technician_id=str(technician_id))


#: `app.domain.stock.level_at`, said in SQL; a test compares the two.
LEVELS = """
WITH counts AS (
    SELECT DISTINCT ON (location_id, part_id) location_id, part_id, quantity, effective_at
    FROM part_movements
    WHERE organization_id = %(o)s AND kind = 'counted' AND location_id IS NOT NULL AND part_id IS NOT NULL
    ORDER BY location_id, part_id, effective_at DESC, id DESC
)
SELECT m.location_id, m.part_id, p.number AS part_number, p.name AS part_name, c.effective_at AS counted_at,
       coalesce(c.quantity, 0) + coalesce(sum(m.delta) FILTER (
           WHERE m.kind <> 'counted' AND (c.effective_at IS NULL OR m.effective_at > c.effective_at)), 0) AS quantity
FROM part_movements m
JOIN parts p ON p.organization_id = m.organization_id AND p.id = m.part_id
JOIN stock_locations l ON l.organization_id = m.organization_id AND l.id = m.location_id
LEFT JOIN counts c ON c.location_id = m.location_id AND c.part_id = m.part_id
WHERE m.organization_id = %(o)s
      AND (%(location)s::uuid IS NULL OR m.location_id = %(location)s)
      AND (%(part)s::uuid IS NULL OR m.part_id = %(part)s)
      AND (%(technician)s::uuid IS NULL OR l.technician_id = %(technician)s)
      AND (%(after_location)s::uuid IS NULL OR (m.location_id, m.part_id) > (%(after_location)s, %(after_part)s::uuid))
GROUP BY m.location_id, m.part_id, p.number, p.name, c.quantity, c.effective_at
ORDER BY m.location_id, m.part_id
LIMIT %(limit)s
"""


def stock_levels(db: Session, caller: Caller, page: StockQuery) -> tuple[list[dict[str, Any]], str | None]:
    """Levels now, by location and part; a technician sees the own van only. And the cursor of the next page."""
    after = read_cursor(db, page.cursor, "stock") or (None, None)
    found = rows(
        db,
        LEVELS,
        o=caller.organization_id,
        location=page.location_id,
        part=page.part_id,
        technician=None if caller.scope is Scope.ALL else caller.technician_id or caller.id,
        after_location=after[0],
        after_part=after[1],
        limit=page.limit + 1,
    )
    items = found[: page.limit]
    if len(found) <= page.limit:
        return items, None
    last = items[-1]
    return items, make_cursor(db, "stock", [str(last["location_id"]), str(last["part_id"])])


VAN_LEVELS = """
WITH counts AS (
    SELECT DISTINCT ON (m.location_id, m.part_id) m.location_id, m.part_id, m.quantity, m.effective_at
    FROM part_movements m JOIN stock_locations l ON l.organization_id = m.organization_id AND l.id = m.location_id
    WHERE m.organization_id = %(o)s AND m.kind = 'counted' AND m.part_id IS NOT NULL
          AND l.technician_id = ANY(%(technicians)s)
    ORDER BY m.location_id, m.part_id, m.effective_at DESC, m.id DESC
)
SELECT l.technician_id, p.number AS part_number, p.name AS part_name,
       coalesce(c.quantity, 0) + coalesce(sum(m.delta) FILTER (
           WHERE m.kind <> 'counted' AND (c.effective_at IS NULL OR m.effective_at > c.effective_at)), 0) AS quantity
FROM stock_locations l
JOIN part_movements m ON m.organization_id = l.organization_id AND m.location_id = l.id
JOIN parts p ON p.organization_id = m.organization_id AND p.id = m.part_id
LEFT JOIN counts c ON c.location_id = m.location_id AND c.part_id = m.part_id
WHERE l.organization_id = %(o)s AND l.technician_id = ANY(%(technicians)s)
GROUP BY l.technician_id, p.number, p.name, c.quantity, c.effective_at
ORDER BY l.technician_id, p.number
"""


def van_levels(db: Session, organization_id: UUID, technicians: Sequence[UUID]) -> list[dict[str, Any]]:
    """What lies in these technicians' vans: technician_id, part_number, part_name, quantity; none for none."""
    return rows(db, VAN_LEVELS, o=organization_id, technicians=list(technicians))


WHO_HAS = """
SELECT DISTINCT l.technician_id FROM stock_locations l
WHERE l.organization_id = %(o)s AND l.technician_id IS NOT NULL AND EXISTS (
    SELECT FROM part_movements m
    WHERE m.organization_id = l.organization_id AND m.location_id = l.id AND m.part_id = %(part)s)
"""


def technicians_with(db: Session, part: Part) -> list[UUID]:
    """Whose vans have, or had, the part."""
    return [row["technician_id"] for row in rows(db, WHO_HAS, o=part.organization_id, part=part.id)]


def requests(db: Session, caller: Caller, wanted: RequestQuery) -> tuple[Sequence[PartRequest], str | None]:
    """One page of what the field asked for, the newest first."""
    query = select(PartRequest).where(PartRequest.organization_id == caller.organization_id)
    for name, value in wanted.model_dump(exclude={"limit", "cursor"}, exclude_none=True).items():
        query = query.where(getattr(PartRequest, name) == value)
    return page_by_id(db, query, col(PartRequest.id), wanted, "part-requests")


def request_for(db: Session, caller: Caller, request_id: UUID) -> PartRequest:
    """The request, locked.

    Raises:
        NotFound: the organization has no such request.
    """
    query = select(PartRequest).where(
        PartRequest.organization_id == caller.organization_id, PartRequest.id == request_id
    )
    found = db.exec(query.with_for_update()).one_or_none()
    if found is None:
        raise NotFound("There is no such part request.", request_id=str(request_id))
    return found
