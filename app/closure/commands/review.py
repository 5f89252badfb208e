"""A supervisor decides about a closure: approve it, send it back, or reject it."""

from datetime import datetime

from sqlmodel import Session

from app.closure import queries
from app.closure.commands.accepting import close_when_proven, settle_issues, verified
from app.closure.commands.crew import ReviewerIsCrew, check_not_crew
from app.closure.models import ClosureSubmission
from app.closure.schemas import ReviewIn
from app.domain.closure import VerdictKind
from app.domain.lifecycle import WorkOrderAction
from app.identity.access import Caller
from app.kit.problems import RuleBroken, Unprocessable
from app.work_orders.commands import actor_of, check_move, happen, send_back
from app.work_orders.ledger import OpenLedger

V = VerdictKind


class NothingToReview(RuleBroken):
    """No closure of this work order waits for a decision."""

    code = "nothing-to-review"


class EvidenceMissing(RuleBroken):
    """Promised evidence, or the customer's answer, has not arrived: it cannot be approved, only sent back or waived."""

    code = "evidence-missing"


class UnknownRule(Unprocessable):
    """The closure was not judged by such a rule."""

    code = "unknown-rule"


def review(db: Session, ledger: OpenLedger, given: ReviewIn, *, by: Caller, at: datetime) -> ClosureSubmission:
    """Approve the last closure, which closes the work; send it back, with another visit when that is needed; reject it.

    What is rejected is proven by another visit or not at all.

    Raises:
        ReviewerIsCrew: the caller went there, or sent it.
        NothingToReview: no closure waits for a decision.
        EvidenceMissing: what is approved must be complete.
        UnknownRule: a rule is named that the closure was not judged by.
        InvalidTransition: the work order is not completed.
    """
    approved = given.decision == "approve"
    check_move(ledger, WorkOrderAction.CLOSE if approved else WorkOrderAction.SEND_BACK, by.roles)
    submission = queries.reviewable(db, ledger.organization_id, ledger.id)
    if submission is None or submission.verdict in (V.CHANGES_REQUESTED, V.REJECTED):
        raise NothingToReview("No closure of this work order waits for a decision.")
    _check_may_decide(db, ledger, submission, by)
    if approved and submission.verdict == V.AWAITING_EVIDENCE:
        raise EvidenceMissing("Promised photos or signatures, or the customer's answer, have not arrived.")
    _check_rules(submission, given)
    submission.verdict = _verdict(submission, given)
    submission.decided_at = submission.reviewed_at = at
    submission.reviewed_by = by.person_id
    submission.review_text, submission.review_rule_ids = given.text, given.rule_ids
    db.add(submission)
    db.flush()
    settle_issues(db, submission, at=at)
    happen(db, ledger, [verified(submission, passed=approved, at=at)], by=actor_of(by), at=at)
    if approved:
        close_when_proven(db, ledger, submission, by=by, at=at)
    else:
        again = given.revisit or given.decision == "reject"
        send_back(db, ledger, rule_ids=given.rule_ids, text=given.text, revisit=again, by=by, at=at)
    return submission


def _check_may_decide(db: Session, ledger: OpenLedger, submission: ClosureSubmission, by: Caller) -> None:
    check_not_crew(db, ledger, submission.visit_id, by)
    if submission.submitted_by == by.person_id:
        raise ReviewerIsCrew("Somebody who did not send this must review it.", visit_id=str(submission.visit_id))


def _check_rules(submission: ClosureSubmission, given: ReviewIn) -> None:
    """
    Raises:
        UnknownRule: with a pointer to each.
    """
    known = {rule["id"] for rule in submission.policy.get("rules") or ()}
    known |= {finding["rule_id"] for finding in submission.findings}
    errors = [
        {"pointer": f"/body/rule_ids/{n}", "code": UnknownRule.code, "detail": f"It was not judged by {name}."}
        for n, name in enumerate(given.rule_ids)
        if name not in known
    ]
    if errors:
        raise UnknownRule("The closure was not judged by such a rule.", errors=errors)


def _verdict(submission: ClosureSubmission, given: ReviewIn) -> VerdictKind:
    if given.decision == "approve":
        return V.WAIVED if any(one["met"] == "waived" for one in submission.findings) else V.VERIFIED
    return V.REJECTED if given.decision == "reject" else V.CHANGES_REQUESTED
