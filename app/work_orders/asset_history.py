"""What was done on an asset before: its work orders, without prices."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from sqlmodel import Session, col, select

from app.customers.queries import asset_for
from app.domain.lifecycle import WorkOrderStatus
from app.identity.access import Caller, Db, Me, api_router
from app.kit.paging import CursorUnreadable, PageQuery, make_cursor, read_cursor
from app.kit.problems import NotFound, refuses
from app.kit.schemas import Out, Page, UtcTime
from app.work_orders.models import WorkOrder

router = api_router("/v1", "customers")


class PastWorkOut(Out):
    id: UUID
    number: str
    title: str
    type: str | None
    status: WorkOrderStatus
    requested_at: UtcTime
    closed_at: UtcTime | None
    outcome: str | None
    resolution_code: str | None


def asset_history(db: Session, caller: Caller, asset_id: UUID, page: PageQuery) -> dict[str, Any]:
    """One page of the asset's work orders, the newest request first, the running ones included.

    Raises:
        NotFound: the caller's organization has no such asset.
    """
    asset = asset_for(db, caller, asset_id)
    query = select(WorkOrder).where(WorkOrder.organization_id == caller.organization_id, WorkOrder.asset_id == asset.id)
    place = sa.tuple_(col(WorkOrder.requested_at), col(WorkOrder.id))
    purpose = f"history:{asset.id}"
    if (after := read_cursor(db, page.cursor, purpose)) is not None:
        query = query.where(place < sa.tuple_(datetime.fromisoformat(after[0]), UUID(after[1])))
    newest = query.order_by(col(WorkOrder.requested_at).desc(), col(WorkOrder.id).desc())
    found = db.exec(newest.limit(page.limit + 1)).all()
    items, last = found[: page.limit], found[: page.limit][-1:]
    more = len(found) > page.limit
    position = [last[0].requested_at.isoformat(), str(last[0].id)] if more else None
    return {"items": items, "next_cursor": make_cursor(db, purpose, position) if more else None}


@router.get(
    "/assets/{asset_id}/history", response_model=Page[PastWorkOut], responses=refuses(NotFound, CursorUnreadable)
)
def get_asset_history(asset_id: UUID, page: Annotated[PageQuery, Query()], me: Me, db: Db) -> dict[str, Any]:
    """The work orders of an asset, the newest first."""
    return asset_history(db, me, asset_id, page)
