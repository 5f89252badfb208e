"""What closure does when others say that something happened."""

from sqlmodel import Session

from app.closure import queries
from app.domain.closure_policy import policy_of
from app.domain.lifecycle import WorkOrderStatus
from app.work_orders.commands import close
from app.work_orders.events import WorkOrderCompleted
from app.work_orders.ledger import open_ledger


def close_without_rules(db: Session, event: WorkOrderCompleted) -> None:
    """Work whose policy asks for nothing closes when it is completed: two taps are enough in a small shop."""
    if event.visit_id is None:
        return
    if queries.last_verdict(db, event.organization_id, event.visit_id) is not None:
        return
    policy = policy_of(queries.material_of(db, event.organization_id, event.visit_id)["closure_policy"])
    if policy.asks_for_nothing and policy.auto_close:
        ledger = open_ledger(db, event.organization_id, event.work_order_id)
        if ledger.order.status is WorkOrderStatus.COMPLETED:
            close(db, ledger, by=None, at=event.at, data={"policy": policy.id})
