"""A supervisor says why a rule need not be met on a visit; what it was an obstacle to moves on."""

from datetime import datetime

from sqlmodel import Session

from app.closure import queries
from app.closure.commands.accepting import keep_waiver
from app.closure.commands.crew import check_not_crew
from app.closure.commands.judging import judge_waived, why_not_waivable
from app.closure.commands.review import UnknownRule
from app.closure.commands.submit import WorkOrderClosed
from app.closure.material import material_of
from app.closure.models import ClosureSubmission, ClosureWaiver, WaivedBy
from app.closure.schemas import WaiverIn
from app.domain.closure_policy import policy_of
from app.domain.lifecycle import WorkOrderStatus
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.problems import RuleBroken
from app.visits.models import Visit
from app.work_orders.commands import actor_of
from app.work_orders.ledger import open_ledger


class RuleNotWaivable(RuleBroken):
    """The policy lets nobody waive this rule."""

    code = "rule-not-waivable"


class AlreadyWaived(RuleBroken):
    """The rule is waived on this visit, by somebody else or for another reason."""

    code = "already-waived"


def waive(
    db: Session, visit: Visit, given: WaiverIn, *, by: Caller, at: datetime
) -> tuple[ClosureWaiver, ClosureSubmission | None, bool]:
    """Waive a rule on a visit: the waiver, the visit's last submission as it is now, and whether it was so already.

    A draft whose only obstacle it was completes the visit with the time when its technician sent it.

    Raises:
        WorkOrderClosed: what proves closed work is never changed.
        ReviewerIsCrew: nobody waives what they were to do.
        UnknownRule, RuleNotWaivable: by the policy that the visit, or its last submission, is judged by.
        AlreadyWaived: it was, otherwise.
    """
    ledger = open_ledger(db, by.organization_id, visit.work_order_id)
    if ledger.order.status is WorkOrderStatus.CLOSED:
        known = _waiver_of(db, visit, given)
        if known is not None and _is_same(known, given, by):
            return known, queries.latest_submission(db, by.organization_id, visit.id), True
        raise WorkOrderClosed("The work order is closed.")
    check_not_crew(db, ledger, visit.id, by)
    _check_rule(db, visit, given)
    actor = actor_of(by)
    made = keep_waiver(
        db,
        ledger,
        visit.id,
        given.rule_id,
        given.reason,
        role=WaivedBy.SUPERVISOR,
        by=actor,
        granted_by=by.id,
        at=at,
    )
    if made is None:
        known = _waiver_of(db, visit, given)
        assert known is not None, "what was not added is there"
        if not _is_same(known, given, by):
            raise AlreadyWaived("This rule is waived on this visit already.", reason=known.reason, role=known.role)
        return known, queries.latest_submission(db, by.organization_id, visit.id), True
    touch(db, by.organization_id, Kind.WORK_ORDER, ledger.id)
    return made, judge_waived(db, ledger, visit.id, given.rule_id, by=actor, at=at), False


def _check_rule(db: Session, visit: Visit, given: WaiverIn) -> None:
    """
    Raises:
        UnknownRule, RuleNotWaivable
    """
    last = queries.latest_submission(db, visit.organization_id, visit.id)
    terms_id = last.terms_id if last is not None else None
    policy = policy_of(material_of(db, visit.organization_id, visit.id, terms_id=terms_id)["closure_policy"])
    why = why_not_waivable(policy, given.rule_id, by_technician=False)
    if why == "unknown":
        error = {"pointer": "/body/rule_id", "code": UnknownRule.code, "detail": "The policy has no such rule."}
        raise UnknownRule("The policy of this visit has no such rule.", errors=[error])
    if why is not None:
        raise RuleNotWaivable("The policy lets nobody waive this rule.", rule_id=given.rule_id)


def _waiver_of(db: Session, visit: Visit, given: WaiverIn) -> ClosureWaiver | None:
    found = queries.waivers_of(db, visit.organization_id, visit.id)
    return next((one for one in found if one.rule_id == given.rule_id), None)


def _is_same(known: ClosureWaiver, given: WaiverIn, by: Caller) -> bool:
    return (known.role, known.reason, known.granted_by) == (WaivedBy.SUPERVISOR, given.reason, by.id)
