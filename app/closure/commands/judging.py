"""The verdict on a submission: now, and again when something comes that it waited for."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.closure import queries
from app.closure.binding import bound_hashes
from app.closure.codes import check_code
from app.closure.commands.accepting import accept, ask_for_changes, settle_issues
from app.closure.confirmations import confirmation_of
from app.closure.material import HandedIn, Judged, known_of, material_of
from app.closure.models import ClosureSubmission
from app.closure.schemas import ClosureIn
from app.domain.closure import VerdictKind, evaluate
from app.domain.closure_case import facts_json, submission_json
from app.domain.closure_facts import Finding, Met
from app.domain.closure_policy import ClosurePolicy, RuleKind, WaivableBy, policy_of
from app.domain.lifecycle import VISIT_MOVES, VisitAction, VisitStatus, WorkOrderStatus
from app.visits.models import Visit
from app.work_orders.ledger import SYSTEM, Actor, OpenLedger, open_ledger

V = VerdictKind


def judge(
    db: Session,
    ledger: OpenLedger,
    submission: ClosureSubmission,
    given: ClosureIn,
    *,
    terms_id: UUID | None = None,
    digits: str | None = None,
) -> Judged:
    """Judge what was given by what the visit is held to, or by the terms that its device went by.

    `digits`: the customer's code, when it is looked at for the first time.
    """
    visit = ledger.visits[submission.visit_id]
    material = material_of(db, ledger.organization_id, visit.id, terms_id=terms_id)
    policy = policy_of(material["closure_policy"])
    handed_in = HandedIn(
        id=submission.id,
        given=given,
        ended_at=submission.effective_at,
        code=_code(db, submission, digits) if policy.rule(RuleKind.CUSTOMER_CODE) else None,
        confirmation=confirmation_of(db, submission) if policy.rule(RuleKind.CUSTOMER_CONFIRM) else None,
        bound=bound_hashes(given.shown),
    )
    known = known_of(db, ledger, visit, handed_in, policy=policy, material=material)
    verdict = evaluate(policy, known.said, known.facts)
    findings = [*verdict.findings, *_policy_changed(material), *_waivers_refused(policy, given)]
    return Judged(
        policy=policy,
        stored_policy=material["closure_policy"],
        terms_id=material["terms_id"],
        known=known,
        verdict=verdict,
        findings=[asdict(one) for one in findings],
    )


def _code(db: Session, submission: ClosureSubmission, digits: str | None) -> Mapping[str, Any] | None:
    """What the customer's code is worth; what came of it before stays, unless the server has accepted one since."""
    org, visit_id = submission.organization_id, submission.visit_id
    looked_at = check_code(db, org, visit_id, digits, effective_at=submission.effective_at)
    return looked_at or (submission.facts or {}).get("code")


def _policy_changed(material: dict[str, Any]) -> Iterable[Finding]:
    """What was done under an older policy is judged by that; the difference is noted."""
    if material["terms_id"] == material["own_terms_id"]:
        return
    versions = {
        "judged_by": {"terms_id": material["terms_id"], "version": material["policy_version"]},
        "now": {"terms_id": material["own_terms_id"], "version": material["own_policy_version"]},
    }
    text = "What must be proven was changed after the device last heard of it; what it knew is what counts."
    facts = {name: {**one, "terms_id": one["terms_id"] and str(one["terms_id"])} for name, one in versions.items()}
    yield Finding("policy", "policy_changed", "warn", Met.YES, text, "", facts)


def why_not_waivable(policy: ClosurePolicy, rule_id: str, *, by_technician: bool) -> str | None:
    """`unknown` or `not-waivable`; None when it may be waived. Evidence that never comes is a supervisor's to waive."""
    if rule_id == "evidence":
        return "not-waivable" if by_technician else None
    rule = next((one for one in policy.rules if one.id == rule_id), None)
    if rule is None:
        return "unknown"
    enough = {WaivableBy.TECHNICIAN} if by_technician else {WaivableBy.TECHNICIAN, WaivableBy.SUPERVISOR}
    return None if rule.waivable_by in enough else "not-waivable"


def _waivers_refused(policy: ClosurePolicy, given: ClosureIn) -> Iterable[Finding]:
    """What a technician without a network said in vain is told, and never lost."""
    for one in given.waivers:
        why = why_not_waivable(policy, one.rule_id, by_technician=True)
        if why is not None:
            facts = {"rule_id": one.rule_id, "reason": one.reason, "why": why}
            text = f"“{one.rule_id}” is not a technician's to waive."
            yield Finding("waiver", "waiver_refused", "warn", Met.NO, text, "Ask a supervisor.", facts)


def write_verdict(submission: ClosureSubmission, judged: Judged, kind: VerdictKind, *, at: datetime) -> None:
    """The submission says from now on what was judged, and by when what it waits for should be there."""
    if kind != submission.verdict:
        submission.escalated_at = None
    submission.verdict, submission.findings = kind, judged.findings
    submission.policy, submission.terms_id = judged.stored_policy, judged.terms_id
    submission.facts = {**facts_json(judged.known.facts), "submission": submission_json(judged.known.said)}
    if kind is V.AWAITING_EVIDENCE and judged.verdict.missing and submission.evidence_due_at is None:
        submission.evidence_due_at = submission.recorded_at + timedelta(hours=judged.policy.evidence_within_hours)
    if kind is V.PENDING_REVIEW and submission.review_due_at is None:
        submission.review_due_at = at + timedelta(hours=judged.policy.review.within_hours)
    if kind in DECIDED:
        submission.decided_at = at


DECIDED = frozenset({V.VERIFIED, V.WAIVED, V.CHANGES_REQUESTED, V.REJECTED})
MAY_COMPLETE = VISIT_MOVES[VisitAction.COMPLETE].sources


def judge_again(db: Session, visit: Visit, *, at: datetime) -> None:
    """Something has come that the visit's last submission may have waited for: it gets the verdict it has now.

    The work order is locked first, so that of two pictures that come at once the second sees the first.
    """
    if queries.last_verdict(db, visit.organization_id, visit.id) is None:
        return
    ledger = open_ledger(db, visit.organization_id, visit.work_order_id)
    submission = queries.standing_submission(db, visit.organization_id, visit.id)
    if submission is not None and submission.verdict == V.AWAITING_EVIDENCE:
        rejudge(db, ledger, submission, at=at)


def judge_waived(
    db: Session, ledger: OpenLedger, visit_id: UUID, rule_id: str, *, by: Actor, at: datetime
) -> ClosureSubmission | None:
    """A rule was waived: what it was an obstacle to is judged again; None when it was to nothing."""
    latest = queries.latest_submission(db, ledger.organization_id, visit_id)
    if latest is None:
        return None
    status = ledger.visits[visit_id].status
    if status is VisitStatus.COMPLETED and latest.verdict == V.UNMET:
        latest = queries.standing_submission(db, ledger.organization_id, visit_id) or latest
    if latest.verdict == V.UNMET:
        is_obstacle = status in MAY_COMPLETE
    elif latest.verdict == V.CHANGES_REQUESTED:
        wrong = {one["rule_id"] for one in latest.findings if one["met"] == Met.NO} | set(latest.review_rule_ids)
        is_obstacle = rule_id in wrong and ledger.order.status is WorkOrderStatus.COMPLETED
    else:
        is_obstacle = latest.verdict == V.AWAITING_EVIDENCE
    if is_obstacle:
        rejudge(db, ledger, latest, by=by, at=at)
    return latest


def rejudge(
    db: Session, ledger: OpenLedger, submission: ClosureSubmission, *, by: Actor = SYSTEM, at: datetime
) -> None:
    """Judge it by what is known now, and let follow what follows."""
    given = ClosureIn.model_validate(submission.body)
    visit = ledger.visits[submission.visit_id]
    before = submission.verdict
    judged = judge(db, ledger, submission, given, terms_id=submission.terms_id)
    is_over = visit.status is VisitStatus.COMPLETED
    kind = judged.verdict.kind
    if kind is V.UNMET and is_over:
        kind = V.CHANGES_REQUESTED
    write_verdict(submission, judged, kind, at=at)
    db.add(submission)
    db.flush()
    if kind != before:
        settle_issues(db, submission, at=at)
    if kind is V.CHANGES_REQUESTED and before != V.CHANGES_REQUESTED:
        ask_for_changes(db, ledger, judged.findings, at=at)
    if kind not in (V.UNMET, V.CHANGES_REQUESTED):
        anew = before not in (V.AWAITING_EVIDENCE, V.PENDING_REVIEW)
        accept(db, ledger, submission, given, judged, anew=anew, by=by, at=at)
