"""A supervisor decides about a closure: approve it, or send it back."""

from datetime import datetime

from sqlmodel import Session

from app.closure import queries
from app.closure.commands.submit import close_when_proven, verified
from app.closure.models import ClosureSubmission
from app.closure.schemas import ReviewIn
from app.domain.closure import VerdictKind
from app.domain.lifecycle import WorkOrderAction
from app.identity.access import Caller
from app.kit.problems import NotAllowed, RuleBroken
from app.work_orders.commands import actor_of, check_move, happen, send_back
from app.work_orders.ledger import OpenLedger


class ReviewerIsCrew(NotAllowed):
    """Nobody reviews their own visit."""

    code = "reviewer-is-crew"


class NothingToReview(RuleBroken):
    """No closure of this work order waits for a decision."""

    code = "nothing-to-review"


class EvidenceMissing(RuleBroken):
    """Promised evidence has not arrived: it cannot be approved, only sent back."""

    code = "evidence-missing"


def review(db: Session, ledger: OpenLedger, given: ReviewIn, *, by: Caller, at: datetime) -> ClosureSubmission:
    """Approve the last closure, which closes the work; or send it back, with another visit when that is needed.

    Raises:
        ReviewerIsCrew: the caller went there.
        NothingToReview: no closure waits for a decision.
        EvidenceMissing: what is approved must be complete.
        InvalidTransition: the work order is not completed.
    """
    action = WorkOrderAction.CLOSE if given.decision == "approve" else WorkOrderAction.SEND_BACK
    check_move(ledger, action, by.roles)
    submission = queries.reviewable(db, ledger.organization_id, ledger.id)
    if submission is None or submission.verdict == VerdictKind.CHANGES_REQUESTED:
        raise NothingToReview("No closure of this work order waits for a decision.")
    _check_not_crew(ledger, submission, by)
    approved = given.decision == "approve"
    if approved and submission.verdict == VerdictKind.AWAITING_EVIDENCE:
        raise EvidenceMissing("Promised photos or signatures have not arrived.")
    submission.verdict = VerdictKind.VERIFIED if approved else VerdictKind.CHANGES_REQUESTED
    submission.reviewed_at, submission.reviewed_by = at, by.person_id
    submission.review_text, submission.review_rule_ids = given.text, given.rule_ids
    db.add(submission)
    db.flush()
    happen(db, ledger, [verified(submission, passed=approved, at=at)], by=actor_of(by), at=at)
    if approved:
        close_when_proven(db, ledger, submission_id=submission.id, by=by, at=at)
    else:
        send_back(db, ledger, rule_ids=given.rule_ids, text=given.text, revisit=given.revisit, by=by, at=at)
    return submission


def _check_not_crew(ledger: OpenLedger, submission: ClosureSubmission, by: Caller) -> None:
    visit = ledger.visit_rows[submission.visit_id]
    crew = {visit["technician_id"], *visit["members"]}
    if submission.submitted_by == by.person_id or (by.technician_id is not None and by.technician_id in crew):
        raise ReviewerIsCrew("Somebody who was not there must review this.", visit_id=str(submission.visit_id))
