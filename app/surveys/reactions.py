"""What surveys do when something happens to a work order; `app/wiring.py` calls them in the same transaction."""

from sqlmodel import Session

from app.domain.surveys import Trigger
from app.reports.commands import send_report
from app.surveys.commands import make_survey
from app.surveys.queries import carries_report
from app.work_orders.events import WorkOrderClosed, WorkOrderCompleted


def invite_customer(db: Session, event: WorkOrderClosed) -> None:
    """The work order was closed: ask the customer, once. The service report goes with the invitation, or alone."""
    make_survey(db, event.organization_id, event.work_order_id, trigger=Trigger.CLOSED, at=event.at)
    if not carries_report(db, event.organization_id, event.work_order_id):
        send_report(db, event.organization_id, event.work_order_id, at=event.at)


def invite_customer_early(db: Session, event: WorkOrderCompleted) -> None:
    """The same for organizations that ask as soon as the work is completed."""
    make_survey(db, event.organization_id, event.work_order_id, trigger=Trigger.COMPLETED, at=event.at)
