"""What customers were told about a work order, for the office."""

from typing import Any
from uuid import UUID

from app.identity.access import Db, Me, api_router
from app.kit.paging import CursorUnreadable, Paging
from app.kit.problems import NotFound, refuses
from app.kit.schemas import Page
from app.messages import queries
from app.messages.schemas import MessageOut

router = api_router("/v1/work-orders", "messages")


@router.get("/{work_order_id}/messages", response_model=Page[MessageOut], responses=refuses(NotFound, CursorUnreadable))
def list_work_order_messages(work_order_id: UUID, page: Paging, me: Me, db: Db) -> Any:
    """What the customer was told about this work order, or was not and why; the newest first."""
    items, next_cursor = queries.messages_page(db, me, work_order_id, page)
    return {"items": items, "next_cursor": next_cursor}
