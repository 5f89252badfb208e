"""A visit that was given away goes back to who did it after all, with what they had reported meanwhile."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.ledger import EventType
from app.identity.access import Caller
from app.kit.database import rows
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
    data |= _terms_held_by(db, ledger, visit_id, to.technician_id)
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


PLANS = """
SELECT e.type, e.data ->> 'technician_id' AS technician_id, e.data ->> 'terms_id' AS terms_id
FROM events e
WHERE e.organization_id = %(o)s AND e.visit_id = %(visit)s AND e.type = ANY(%(types)s)
ORDER BY e.seq
"""
PLANNED_BY = (EventType.VISIT_SCHEDULED, EventType.VISIT_REASSIGNED, EventType.VISIT_DISPATCHED)


def _terms_held_by(db: Session, ledger: OpenLedger, visit_id: UUID, technician_id: UUID) -> dict[str, Any]:
    """What the technician was held to when they went: their work is not judged by what came after it."""
    lead, held = None, {}
    for plan in rows(db, PLANS, o=ledger.organization_id, visit=visit_id, types=[str(one) for one in PLANNED_BY]):
        lead = plan["technician_id"] or lead
        if lead == str(technician_id):
            held = {"terms_id": plan["terms_id"]}
    return held


def _take_effect(db: Session, ledger: OpenLedger, visit_id: UUID, issue: Issue, *, by: Caller, at: datetime) -> None:
    """A report that does not fit even now stays what it is: written down."""
    told = StatusUpdateIn.model_validate({**(issue.report or {}), "id": uuid7()})
    try:
        with db.begin_nested():
            attach_report(db, ledger, visit_id, told, effective_at=issue.effective_at, by=by, at=at)
    except Refusal:
        return
