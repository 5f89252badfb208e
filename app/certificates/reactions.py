"""What certificates do when others say that something happened."""

from sqlmodel import Session

from app.kit.changes import Kind, touch
from app.work_orders.events import WorkOrderClosed


def note_closing(db: Session, event: WorkOrderClosed) -> None:
    """It is sealed as one of the last things of the transaction, when all that belongs to it is written."""
    touch(db, event.organization_id, Kind.CLOSING, event.work_order_id)
