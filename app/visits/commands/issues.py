"""The field is not as the plan says: somebody is told, and it stays with them until they have chosen what to do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, select

from app.kit.changes import Kind, touch
from app.kit.ids import uuid7
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, IssueState, Owner, Severity

#: What a technician can answer: it is seen, or somebody should call.
TECHNICIANS_CHOICES = ("ok", "call_dispatch")


def raise_issue(
    db: Session,
    organization_id: UUID,
    code: IssueCode,
    *,
    owner: Owner,
    severity: Severity,
    choices: Sequence[str],
    at: datetime,
    effective_at: datetime | None = None,
    op_id: UUID | None = None,
    technician_id: UUID | None = None,
    work_order_id: UUID | None = None,
    visit_id: UUID | None = None,
    params: Mapping[str, Any] | None = None,
    report: Mapping[str, Any] | None = None,
) -> Issue:
    """Tell the owner. The same code about the same report (`op_id`) for the same owner is the same issue.

    Args:
        technician_id: whose report it is about; an issue that a technician owns shows in this technician's feed.
        params: plain JSON that the text of the code names, see `app/visits/issue_texts.py`.
        effective_at: when it happened in the field; when it is raised, if nothing is said.
    """
    made = db.scalars(
        insert(Issue)
        .values(
            organization_id=organization_id,
            id=uuid7(),
            severity=severity,
            code=code,
            owner=owner,
            technician_id=technician_id,
            op_id=op_id,
            work_order_id=work_order_id,
            visit_id=visit_id,
            params=dict(params or {}),
            choices=list(choices),
            report=dict(report) if report is not None else None,
            effective_at=effective_at or at,
            recorded_at=at,
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "op_id", "owner", "code"])
        .returning(Issue)
    ).one_or_none()
    if made is None:
        same = select(Issue).where(
            Issue.organization_id == organization_id, Issue.op_id == op_id, Issue.owner == owner, Issue.code == code
        )
        return db.exec(same).one()
    touch(db, organization_id, Kind.ISSUE, made.id)
    return made


def tell_both(
    db: Session, organization_id: UUID, code: IssueCode, *, severity: Severity, choices: Sequence[str], **about: Any
) -> Issue | None:
    """Tell the dispatcher, who chooses what follows, and the technician whose report it is about, if one's it is.

    `about`: see `raise_issue`. The technician's issue.
    """
    raise_issue(db, organization_id, code, owner=Owner.DISPATCHER, severity=severity, choices=choices, **about)
    if about["technician_id"] is None:
        return None
    about |= {"owner": Owner.TECHNICIAN, "severity": Severity.INFO, "choices": TECHNICIANS_CHOICES}
    return raise_issue(db, organization_id, code, **about)


def settle(
    db: Session, issue: Issue, choice: str, *, reason: str | None = None, by_id: UUID | None = None, at: datetime
) -> None:
    """The issue is resolved; it leaves the devices too."""
    issue.state, issue.choice, issue.reason = IssueState.RESOLVED, choice, reason
    issue.resolved_by, issue.resolved_at = by_id, at
    issue.version += 1
    db.flush()
    touch(db, issue.organization_id, Kind.ISSUE, issue.id)
