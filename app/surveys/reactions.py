"""What surveys do when something happens to a work order; `app/wiring.py` calls them in the same transaction."""

from sqlmodel import Session

from app.domain.surveys import Trigger
from app.surveys.commands import make_survey
from app.work_orders.events import WorkOrderClosed, WorkOrderCompleted


def invite_customer(db: Session, event: WorkOrderClosed) -> None:
    """The work order was closed: ask the customer, once."""
    make_survey(db, event.organization_id, event.work_order_id, trigger=Trigger.CLOSED, at=event.at)


def invite_customer_early(db: Session, event: WorkOrderCompleted) -> None:
    """The same for organizations that ask as soon as the work is completed."""
    make_survey(db, event.organization_id, event.work_order_id, trigger=Trigger.COMPLETED, at=event.at)
