"""What waits for too long is shown to the office, once each time; nothing is ever approved because time has passed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.closure.models import ClosureSubmission
from app.domain.closure import EVIDENCE, VerdictKind
from app.domain.closure_facts import Met
from app.domain.lifecycle import WorkOrderStatus
from app.identity.queries import every_organization
from app.kit import clock
from app.kit.database import rows
from app.kit.queue import Sweep
from app.kit.runtime import Runtime
from app.visits.commands.issues import raise_issue, tell_both
from app.visits.issue_texts import IssueCode
from app.visits.models import Owner, Severity
from app.work_orders.models import WorkOrder

AT_ONCE = 200


def escalate(runtime: Runtime) -> None:
    for organization_id in every_organization(runtime):
        while escalate_organization(runtime, organization_id, at=clock.now()):
            pass


def escalate_organization(runtime: Runtime, organization_id: UUID, *, at: datetime) -> bool:
    """One transaction's worth; whether there may be more."""
    with runtime.transaction(organization_id) as db:
        late = [*_overdue(db, organization_id, at=at)]
        for submission in late:
            submission.escalated_at = at
            db.add(submission)
            db.flush()
            _tell(db, submission, at=at)
        return len(late) >= AT_ONCE


#: Nobody waits for proof of this any more.
OVER = (WorkOrderStatus.CLOSED, WorkOrderStatus.CANCELED, WorkOrderStatus.CANNOT_COMPLETE)


def _overdue(db: Session, organization_id: UUID, *, at: datetime) -> list[ClosureSubmission]:
    """Of each visit the submission that counts. The work orders are locked too: an issue names one, and who decides
    about a closure locks the work order first."""
    verdict = col(ClosureSubmission.verdict)
    missing = col(ClosureSubmission.findings).contains([{"rule_id": EVIDENCE, "met": Met.AWAITING}])
    awaiting = [verdict == VerdictKind.AWAITING_EVIDENCE, col(ClosureSubmission.evidence_due_at) <= at, missing]
    pending = [verdict == VerdictKind.PENDING_REVIEW, col(ClosureSubmission.review_due_at) <= at]
    newer = aliased(ClosureSubmission)
    replaced = (
        select(newer.id)
        .where(
            newer.organization_id == organization_id,
            newer.visit_id == ClosureSubmission.visit_id,
            newer.verdict != VerdictKind.UNMET,
            sa.tuple_(newer.recorded_at, newer.id) > sa.tuple_(ClosureSubmission.recorded_at, ClosureSubmission.id),
        )
        .exists()
    )
    query = (
        select(ClosureSubmission)
        .join(
            WorkOrder,
            sa.and_(
                col(WorkOrder.organization_id) == ClosureSubmission.organization_id,
                col(WorkOrder.id) == ClosureSubmission.work_order_id,
            ),
        )
        .where(
            ClosureSubmission.organization_id == organization_id,
            col(ClosureSubmission.escalated_at).is_(None),
            sa.or_(sa.and_(*awaiting), sa.and_(*pending)),
            ~replaced,
            col(WorkOrder.status).not_in(OVER),
        )
        .order_by(col(ClosureSubmission.recorded_at))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=(ClosureSubmission, WorkOrder))
    )
    return list(db.exec(query).all())


WHO = """
SELECT w.number, t.name, v.technician_id
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN technicians t ON t.organization_id = v.organization_id AND t.id = v.technician_id
WHERE v.organization_id = %(o)s AND v.id = %(visit)s
"""


def _tell(db: Session, submission: ClosureSubmission, *, at: datetime) -> None:
    who = rows(db, WHO, o=submission.organization_id, visit=submission.visit_id)[0]
    about = {
        "at": at,
        "effective_at": submission.effective_at,
        "op_id": submission.id,
        "technician_id": who["technician_id"],
        "work_order_id": submission.work_order_id,
        "visit_id": submission.visit_id,
    }
    params = {"by": who["name"], "number": who["number"], "verdict": str(submission.verdict)}
    if submission.verdict == VerdictKind.PENDING_REVIEW:
        raise_issue(
            db,
            submission.organization_id,
            IssueCode.REVIEW_OVERDUE,
            owner=Owner.DISPATCHER,
            severity=Severity.HIGH,
            choices=("ok",),
            params=params,
            **about,
        )
        return
    missing = [len(one["facts"].get("missing", ())) for one in submission.findings if one["rule_id"] == EVIDENCE]
    tell_both(
        db,
        submission.organization_id,
        IssueCode.EVIDENCE_OVERDUE,
        severity=Severity.WARNING,
        choices=("ok",),
        params={**params, "missing": sum(missing)},
        **about,
    )


SWEEPS = [Sweep("closure.escalate", "*/5 * * * *", escalate)]
