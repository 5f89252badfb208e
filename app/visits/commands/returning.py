"""A visit that was given away goes back to who did it after all, with what they had reported meanwhile."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.ledger import EventType
from app.identity.access import Caller
from app.kit.ids import uuid7
from app.kit.problems import Refusal
from app.visits.commands.issues import settle
from app.visits.commands.planning import technician_snapshot
from app.visits.commands.reporting import attach_report
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, IssueState, Owner
from app.visits.schemas import StatusUpdateIn
from app.work_orders.commands import happen
from app.work_orders.ledger import SYSTEM, NewEvent, OpenLedger

REASON = IssueCode.COMPLETED_AFTER_REASSIGN.value


def return_visit(db: Session, ledger: OpenLedger, visit_id: UUID, to: Caller, *, at: datetime) -> None:
    """Make the technician its lead again; what was noted of them as overtaken takes effect, in its order."""
    assert to.technician_id is not None
    visit = ledger.visits[visit_id]
    who = technician_snapshot(db, ledger, to.technician_id)
    data = {**who, "reason_code": REASON, "before": visit.technician_id}
    returned = NewEvent(type=EventType.VISIT_REASSIGNED, at=at, data=data, visit_id=visit_id)
    happen(db, ledger, [returned], by=SYSTEM, at=at)
    noted = db.exec(
        select(Issue)
        .where(
            Issue.organization_id == ledger.organization_id,
            Issue.visit_id == visit_id,
            Issue.technician_id == to.technician_id,
            Issue.code == IssueCode.REASSIGNED,
            Issue.state == IssueState.OPEN,
        )
        .order_by(col(Issue.effective_at), col(Issue.id))
        .with_for_update()
    ).all()
    for issue in noted:
        if issue.owner == Owner.DISPATCHER and issue.report is not None:
            _take_effect(db, ledger, visit_id, issue, by=to, at=at)
        settle(db, issue, "attach", reason=REASON, at=at)


def _take_effect(db: Session, ledger: OpenLedger, visit_id: UUID, issue: Issue, *, by: Caller, at: datetime) -> None:
    """A report that does not fit even now stays what it is: written down."""
    told = StatusUpdateIn.model_validate({**(issue.report or {}), "id": uuid7()})
    try:
        with db.begin_nested():
            attach_report(db, ledger, visit_id, told, effective_at=issue.effective_at, by=by, at=at)
    except Refusal:
        return
