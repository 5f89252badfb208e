"""A technician says that the work is done: judge it, complete the visit, close the work when it is proven."""

from datetime import datetime

from sqlmodel import Session

from app.closure import queries
from app.closure.commands.accepting import accept, settle_issues
from app.closure.commands.drawn_signatures import keep_drawn
from app.closure.commands.judging import judge, why_not_waivable, write_verdict
from app.closure.material import Judged, terms_of_device
from app.closure.models import ClosureSubmission
from app.closure.schemas import ClosureIn
from app.domain.closure import VerdictKind
from app.domain.ledger import VisitState
from app.domain.lifecycle import VISIT_MOVES, VisitAction, VisitStatus, WorkOrderStatus
from app.domain.time_rule import effective_time
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.problems import NotAllowed, RuleBroken, Unprocessable
from app.kit.repeats import fingerprint_of
from app.visits.commands.planning import check_visit_move
from app.visits.models import Visit
from app.work_orders.commands import IdReused, actor_of
from app.work_orders.ledger import OpenLedger, open_ledger

#: A visit that is completed takes another submission only while the last one is one of these.
MAY_TRY_AGAIN = frozenset({VerdictKind.AWAITING_EVIDENCE, VerdictKind.CHANGES_REQUESTED})


class WorkOrderClosed(RuleBroken):
    """What proves closed work is never changed."""

    code = "work-order-closed"


class ClosureAlreadySubmitted(RuleBroken):
    """The visit's closure waits for a supervisor, or is verified already."""

    code = "closure-already-submitted"


class ReasonRequired(Unprocessable):
    """Who completes a visit for its technician says why."""

    code = "reason-required"


class WaiverRefused(Unprocessable):
    """The policy has no such rule, or does not let this person waive it."""

    code = "waiver-refused"


#: Stamped anew at each attempt: no part of what is said.
STAMPS = {"age_ms", "sent_at"}


def submit_closure(
    db: Session, visit: Visit, given: ClosureIn, *, by: Caller, at: datetime, offline: bool = False
) -> tuple[ClosureSubmission, bool]:
    """Judge a submission by what the visit is held to, and let follow what follows; and whether it came before.

    An unmet one is kept as a draft and the visit stays open. Any other completes the visit with the time when it
    happened; a verified one closes the work order too, when the policy says so.

    Args:
        offline: it was said where nobody could answer: what the technician may not waive is noted, not refused.

    Raises:
        InvalidTransition: the visit cannot be completed from where it is.
        ClosureAlreadySubmitted: the visit is completed and nobody asked for changes.
        WorkOrderClosed: the work is closed.
        ReasonRequired: a supervisor submits for the technician and does not say why.
        WaiverRefused: a rule is waived that is none, or no technician's to waive.
        IdReused: the id came earlier with something else.
    """
    ledger = open_ledger(db, by.organization_id, visit.work_order_id)
    earlier = db.get(ClosureSubmission, (by.organization_id, given.id), populate_existing=True)
    if earlier is not None:
        return _same(earlier, visit, given), True
    state = ledger.visits[visit.id]
    _check_may_submit(db, ledger, state, given, by)
    effective_at, clock_source = effective_time(
        given.occurred_at, sent_at=given.sent_at, age_ms=given.age_ms, received_at=at
    )
    submission = ClosureSubmission(
        organization_id=by.organization_id,
        id=given.id,
        work_order_id=visit.work_order_id,
        visit_id=visit.id,
        submitted_by=by.person_id,
        body=given.model_dump(mode="json", exclude=STAMPS),
        body_hash=fingerprint_of(given),
        verdict=VerdictKind.UNMET,
        occurred_at=given.occurred_at,
        effective_at=effective_at,
        clock_source=clock_source,
        recorded_at=at,
    )
    digits = given.customer_code.code if given.customer_code is not None else None
    terms_id = terms_of_device(db, ledger, state, given)
    keep_drawn(db, visit, given.evidence, by_id=by.person_id, at=at)
    judged = judge(db, ledger, submission, given, terms_id=terms_id, digits=digits)
    if not offline:
        _check_waivers(judged, given)
    write_verdict(submission, judged, judged.verdict.kind, at=at)
    db.add(submission)
    db.flush()
    touch(db, by.organization_id, Kind.WORK_ORDER, ledger.id)
    if judged.verdict.kind is not VerdictKind.UNMET:
        settle_issues(db, submission, at=at)
        accept(db, ledger, submission, given, judged, anew=True, by=actor_of(by), at=at)
    return submission, False


def _same(earlier: ClosureSubmission, visit: Visit, given: ClosureIn) -> ClosureSubmission:
    """What was sent before, read as we read it now: an older program knew less of it.

    Raises:
        IdReused: it says something else.
    """
    said = given.model_copy(update=dict.fromkeys(STAMPS))
    if earlier.visit_id != visit.id or ClosureIn.model_validate(earlier.body) != said:
        raise IdReused("This id came earlier with something else.", id=str(given.id))
    return earlier


def _check_waivers(judged: Judged, given: ClosureIn) -> None:
    """
    Raises:
        WaiverRefused: with a pointer to each that is.
    """
    wrong = {n: why_not_waivable(judged.policy, one.rule_id, by_technician=True) for n, one in enumerate(given.waivers)}
    errors = [
        {"pointer": f"/body/waivers/{n}/rule_id", "code": why, "detail": f"{given.waivers[n].rule_id} is {why}"}
        for n, why in wrong.items()
        if why is not None
    ]
    if errors:
        raise WaiverRefused("This is not a technician's to waive.", errors=errors)


def _check_may_submit(db: Session, ledger: OpenLedger, visit: VisitState, given: ClosureIn, by: Caller) -> None:
    move = VISIT_MOVES[VisitAction.COMPLETE]
    if not by.roles & move.roles:
        raise NotAllowed("Your role may not complete visits.", operation="submit_closure")
    if by.technician_id is None and not given.reason:
        raise ReasonRequired("Say why you complete the visit for its technician.")
    if ledger.order.status is WorkOrderStatus.CLOSED:
        raise WorkOrderClosed("The work order is closed.")
    if visit.status is not VisitStatus.COMPLETED:
        check_visit_move(ledger, visit.id, VisitAction.COMPLETE, by)
        return
    last = queries.standing_verdict(db, ledger.organization_id, visit.id)
    if last is not None and last not in MAY_TRY_AGAIN:
        raise ClosureAlreadySubmitted("The closure of this visit was taken already.", verdict=last.value)
