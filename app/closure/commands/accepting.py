"""What follows when a submission is taken: the visit is over, what was found is kept, proven work is closed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.closure import queries
from app.closure.commands.following_up import keep_readings, open_follow_ups
from app.closure.confirmations import ask_customer
from app.closure.material import Judged
from app.closure.models import ClosureSubmission, ClosureWaiver, WaivedBy
from app.closure.schemas import ClosureIn
from app.domain.closure import VerdictKind
from app.domain.closure_policy import ClosurePolicy, RuleKind
from app.domain.ledger import EventType
from app.domain.lifecycle import VisitStatus, WorkOrderStatus
from app.domain.time_rule import ClockSource
from app.identity.access import Caller
from app.visits.commands.issues import settle
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, IssueState
from app.work_orders.commands import close, happen
from app.work_orders.ledger import SYSTEM, Actor, NewEvent, OpenLedger

#: With these the work is proven, or need not be.
TAKEN = frozenset({VerdictKind.VERIFIED, VerdictKind.WAIVED})


def accept(
    db: Session,
    ledger: OpenLedger,
    submission: ClosureSubmission,
    given: ClosureIn,
    judged: Judged,
    *,
    anew: bool,
    by: Actor,
    at: datetime,
) -> None:
    """Let follow what follows from a submission that is not unmet; what followed before does not follow twice.

    `anew`: it was not taken before, or had been sent back.
    """
    if anew:
        complete(db, ledger, submission, given, by=by, at=at)
    keep_waivers(db, ledger, submission, by=by, at=at)
    keep_readings(db, ledger, submission, given, at=at)
    open_follow_ups(db, ledger, submission.visit_id, judged.known, found_at=submission.effective_at, by=by, at=at)
    _ask_customer(db, submission, judged.policy, at=at)
    verify_and_close(db, ledger, submission, judged.policy, at=at)


def _ask_customer(db: Session, submission: ClosureSubmission, policy: ClosurePolicy, *, at: datetime) -> None:
    """Where the verdict waits for what the customer says, or shows it."""
    waits_for = {one["rule_id"] for one in submission.findings if one["met"] == "awaiting"}
    for rule in policy.rules:
        if rule.kind is RuleKind.CUSTOMER_CONFIRM and rule.id in waits_for:
            ask_customer(db, submission, rule, at=at)


def complete(
    db: Session, ledger: OpenLedger, submission: ClosureSubmission, given: ClosureIn, *, by: Actor, at: datetime
) -> None:
    """The visit ended when the technician says; a visit that is completed already only has a new submission."""
    about = {"submission_id": submission.id, "verdict": submission.verdict, "reason": given.reason}
    when: dict[str, Any] = {
        "at": submission.effective_at,
        "occurred_at": given.occurred_at,
        "clock_source": ClockSource(submission.clock_source),
        "visit_id": submission.visit_id,
    }
    events = [NewEvent(type=EventType.CLOSURE_SUBMITTED, data=about, **when)]
    if ledger.visits[submission.visit_id].status is not VisitStatus.COMPLETED:
        codes = {"resolution_code": given.resolution_code, "cause_code": given.cause_code}
        data = {**codes, "outcome": given.outcome, "submission_id": submission.id}
        events.append(NewEvent(type=EventType.VISIT_COMPLETED, data=data, **when))
    happen(db, ledger, events, by=by, at=at)


def keep_waivers(db: Session, ledger: OpenLedger, submission: ClosureSubmission, *, by: Actor, at: datetime) -> None:
    """Write down what the technician waived, once it counts."""
    for finding in submission.findings:
        waived = finding["facts"].get("waived") if finding["met"] == "waived" else None
        if waived is not None and waived["role"] == WaivedBy.TECHNICIAN:
            keep_waiver(
                db,
                ledger,
                submission.visit_id,
                finding["rule_id"],
                waived["reason"],
                role=WaivedBy.TECHNICIAN,
                by=by,
                granted_by=submission.submitted_by,
                at=at,
            )


def keep_waiver(
    db: Session,
    ledger: OpenLedger,
    visit_id: UUID,
    rule_id: str,
    reason: str,
    *,
    role: WaivedBy,
    by: Actor,
    granted_by: UUID | None,
    at: datetime,
) -> ClosureWaiver | None:
    """A rule of the visit is waived from now on; None when it was already."""
    made = db.scalars(
        insert(ClosureWaiver)
        .values(
            organization_id=ledger.organization_id,
            work_order_id=ledger.id,
            visit_id=visit_id,
            rule_id=rule_id,
            role=role,
            reason=reason,
            granted_by=granted_by,
            granted_at=at,
        )
        .on_conflict_do_nothing()
        .returning(ClosureWaiver)
    ).one_or_none()
    if made is not None:
        data = {"rule_id": rule_id, "role": role, "reason": reason}
        happen(db, ledger, [NewEvent(type=EventType.CLOSURE_WAIVED, at=at, data=data, visit_id=visit_id)], by=by, at=at)
    return made


def verify_and_close(
    db: Session, ledger: OpenLedger, submission: ClosureSubmission, policy: ClosurePolicy, *, at: datetime
) -> None:
    """A visit that is proven, or need not be, is marked so; when all of the work is, the policy closes it."""
    if submission.verdict not in TAKEN:
        return
    happen(db, ledger, [verified(submission, passed=True, at=at)], by=SYSTEM, at=at)
    if policy.auto_close:
        close_when_proven(db, ledger, submission, by=None, at=at)


def verified(submission: ClosureSubmission, *, passed: bool, at: datetime) -> NewEvent:
    verification = "passed" if passed else "failed"
    data = {"verification": verification, "submission_id": submission.id, "verdict": submission.verdict}
    return NewEvent(type=EventType.VISIT_VERIFIED, at=at, visit_id=submission.visit_id, data=data)


def close_when_proven(
    db: Session, ledger: OpenLedger, submission: ClosureSubmission, *, by: Caller | None, at: datetime
) -> None:
    """Close completed work when no visit of it waits for evidence or for a supervisor."""
    if ledger.order.status is not WorkOrderStatus.COMPLETED:
        return
    if queries.undecided_visits(db, ledger.organization_id, ledger.id):
        return
    close(db, ledger, by=by, at=at, data={"verdict": submission.verdict, "submission_id": submission.id})


def ask_for_changes(db: Session, ledger: OpenLedger, findings: Iterable[Mapping[str, Any]], *, at: datetime) -> None:
    """What came is not what was promised; the visit is over, so that the technician is asked for something else."""
    broken = [one for one in findings if one["met"] == "no" and one["severity"] == "block"]
    data = {"rule_ids": [one["rule_id"] for one in broken], "text": " ".join(one["how_to_fix"] for one in broken)}
    happen(db, ledger, [NewEvent(type=EventType.SENT_BACK, at=at, data=data)], by=SYSTEM, at=at)


#: What people were told about a submission, and what is so no more once it has another verdict.
TOLD = (IssueCode.CLOSURE_UNMET, IssueCode.EVIDENCE_OVERDUE, IssueCode.REVIEW_OVERDUE)


def settle_issues(db: Session, submission: ClosureSubmission, *, at: datetime) -> None:
    """Nobody has to do anything any more about what was missing, of this submission or of one that it replaces."""
    query = select(Issue).where(
        Issue.organization_id == submission.organization_id,
        Issue.work_order_id == submission.work_order_id,
        Issue.visit_id == submission.visit_id,
        col(Issue.code).in_(TOLD),
        Issue.state == IssueState.OPEN,
    )
    for issue in db.exec(query).all():
        settle(db, issue, "ok", reason=f"the closure is {submission.verdict}", at=at)
