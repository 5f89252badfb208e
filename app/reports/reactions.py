"""What reports do when something happens to a work order; `app/wiring.py` calls them in the same transaction."""

from sqlmodel import Session

from app.reports.commands import make_report
from app.work_orders.events import WorkOrderClosed


def prepare_report(db: Session, event: WorkOrderClosed) -> None:
    """The work order was closed: its report gets a link, before anybody is told."""
    make_report(db, event.organization_id, event.work_order_id, at=event.at)
