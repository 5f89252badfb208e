"""What was used on a visit, the catalog of parts, and stock."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotFound, Stale, VersionRequired, refuses
from app.kit.schemas import Page
from app.kit.versions import UNCHANGED, IfMatch, IfNoneMatch, check_version, content_tag, not_modified, versioned
from app.parts import commands, queries
from app.parts.models import StockLocation
from app.parts.schemas import (
    PartIn,
    PartMovementOut,
    PartMovementsOut,
    PartOut,
    PartPatch,
    StockLevelOut,
    StockLocationIn,
    StockLocationOut,
    StockLocationsOut,
    StockMovementIn,
    VisitPartIn,
)
from app.visits.queries import visit_for
from app.work_orders.commands import IdReused
from app.work_orders.queries import work_order_for

router = api_router("/v1", "parts")
REPLAYED = "Idempotent-Replayed"


@router.post(
    "/visits/{visit_id}/parts",
    status_code=201,
    responses=refuses(NotFound, commands.NotArrived, commands.WorkOrderClosed, IdReused),
)
def post_visit_part(visit_id: UUID, given: VisitPartIn, response: Response, me: Me, db: Db) -> PartMovementOut:
    """Say what was used on a visit, or put back unused. Safe to repeat: the id is the key."""
    visit = visit_for(db, me, visit_id)
    movement, replayed = commands.record_use(db, visit, given, by=me, at=clock.now())
    response.headers.update({REPLAYED: "true"} if replayed else {})
    return PartMovementOut.of(movement, me)


@router.get("/visits/{visit_id}/parts", responses=refuses(NotFound))
def list_visit_parts(visit_id: UUID, me: Me, db: Db) -> PartMovementsOut:
    """What was used on a visit, in the order in which it happened."""
    visit = visit_for(db, me, visit_id)
    return PartMovementsOut(items=[PartMovementOut.of(one, me) for one in queries.movements_of_visit(db, visit)])


@router.get("/work-orders/{work_order_id}/parts", responses=refuses(NotFound))
def list_work_order_parts(work_order_id: UUID, me: Me, db: Db) -> PartMovementsOut:
    """What was used on all visits of a work order, in the order in which it happened."""
    work_order = work_order_for(db, me, work_order_id)
    found = queries.movements_of_work_order(db, work_order)
    return PartMovementsOut(items=[PartMovementOut.of(one, me) for one in found])


@router.get("/parts", responses=refuses(CursorUnreadable))
def list_parts(page: Annotated[queries.CatalogQuery, Query()], me: Me, db: Db) -> Page[PartOut]:
    """The catalog of parts, the newest first."""
    found, next_cursor = queries.catalog(db, me, page)
    return Page(items=[PartOut.of(part, me) for part in found], next_cursor=next_cursor)


@router.post("/parts", status_code=201, responses=refuses(commands.PartNumberTaken))
def create_part(given: PartIn, me: Me, db: Db) -> PartOut:
    """Add a part to the catalog."""
    return PartOut.of(commands.create_part(db, given, by=me), me)


@router.get("/parts/{part_id}", response_model=PartOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_part(part_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One part of the catalog."""
    part = PartOut.of(queries.part_for(db, me, part_id), me)
    return not_modified(known, content_tag(part)) or versioned(part, content_tag(part))


@router.patch("/parts/{part_id}", response_model=PartOut, responses=refuses(NotFound, Stale, VersionRequired))
def update_part(part_id: UUID, given: PartPatch, me: Me, db: Db, if_match: IfMatch = None) -> Response:
    """Change a part; what was used already keeps the cost of its day."""
    part = queries.part_for(db, me, part_id, lock=True)
    check_version(if_match, content_tag(PartOut.of(part, me)), current=lambda: PartOut.of(part, me))
    changed = PartOut.of(commands.change_part(db, part, given), me)
    return versioned(changed, content_tag(changed))


@router.get("/stock-locations", response_model=StockLocationsOut)
def list_stock_locations(me: Me, db: Db) -> dict[str, object]:
    """Depots, then vans."""
    return {"items": queries.locations(db, me)}


@router.post(
    "/stock-locations",
    status_code=201,
    response_model=StockLocationOut,
    responses=refuses(NotFound, commands.VanTaken),
)
def create_stock_location(given: StockLocationIn, me: Me, db: Db) -> StockLocation:
    """Add a depot, or the van of a technician."""
    return commands.create_location(db, given, by=me)


@router.get("/stock", response_model=Page[StockLevelOut], responses=refuses(CursorUnreadable))
def list_stock(page: Annotated[queries.StockQuery, Query()], me: Me, db: Db) -> dict[str, object]:
    """How many of which part lie where, now. A technician sees the own van."""
    items, next_cursor = queries.stock_levels(db, me, page)
    return {"items": items, "next_cursor": next_cursor}


@router.post(
    "/stock/movements",
    status_code=201,
    responses=refuses(NotFound, IdReused),
)
def post_stock_movement(given: StockMovementIn, response: Response, me: Me, db: Db) -> PartMovementsOut:
    """Say what the store did: received, transferred, counted. Safe to repeat: the id is the key."""
    made, replayed = commands.record_stock_movement(db, given, by=me, at=clock.now())
    response.headers.update({REPLAYED: "true"} if replayed else {})
    return PartMovementsOut(items=[PartMovementOut.of(one, me) for one in made])
