"""A technician says that the work is done: judge it, complete the visit, close the work when it is proven."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.closure import queries
from app.closure.models import ClosureSubmission
from app.closure.schemas import ClosureIn
from app.domain.closure import Verdict, VerdictKind, evaluate
from app.domain.closure_policy import ClosurePolicy, policy_of
from app.domain.ledger import EventType, VisitState
from app.domain.lifecycle import VISIT_MOVES, VisitAction, VisitStatus, WorkOrderStatus
from app.domain.time_rule import ClockSource, effective_time
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.problems import NotAllowed, RuleBroken, Unprocessable
from app.kit.repeats import fingerprint_of
from app.visits.commands.planning import check_visit_move
from app.visits.models import Visit
from app.work_orders.commands import IdReused, actor_of, close, happen
from app.work_orders.ledger import SYSTEM, NewEvent, OpenLedger, open_ledger

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


def submit_closure(
    db: Session, visit: Visit, given: ClosureIn, *, by: Caller, at: datetime
) -> tuple[ClosureSubmission, bool]:
    """Judge a submission by the policy of the visit, and let follow what follows; and whether it came before.

    An unmet one is kept as a draft and the visit stays open. Any other completes the visit with the time when it
    happened; a verified one closes the work order too, when the policy says so.

    Raises:
        InvalidTransition: the visit cannot be completed from where it is.
        ClosureAlreadySubmitted: the visit is completed and nobody asked for changes.
        WorkOrderClosed: the work is closed.
        ReasonRequired: a supervisor submits for the technician and does not say why.
        IdReused: the id came earlier with something else.
    """
    ledger = open_ledger(db, by.organization_id, visit.work_order_id)
    said = fingerprint_of(given)
    earlier = db.get(ClosureSubmission, (by.organization_id, given.id))
    if earlier is not None:
        if (earlier.visit_id, earlier.body_hash) != (visit.id, said):
            raise IdReused("This id came earlier with something else.", id=str(given.id))
        return earlier, True
    state = ledger.visits[visit.id]
    _check_may_submit(db, ledger, state, given, by)
    effective_at, clock_source = effective_time(
        given.occurred_at, sent_at=given.sent_at, age_ms=given.age_ms, received_at=at
    )
    policy, verdict, stored_policy = judge(db, ledger, state, given, ended_at=effective_at)
    submission = ClosureSubmission(
        organization_id=by.organization_id,
        id=given.id,
        work_order_id=visit.work_order_id,
        visit_id=visit.id,
        submitted_by=by.person_id,
        body=given.model_dump(mode="json", exclude={"age_ms", "sent_at"}),
        body_hash=said,
        policy=stored_policy,
        verdict=verdict.kind,
        findings=findings_of(verdict),
        occurred_at=given.occurred_at,
        effective_at=effective_at,
        recorded_at=at,
    )
    db.add(submission)
    db.flush()
    touch(db, by.organization_id, Kind.WORK_ORDER, ledger.id)
    if verdict.kind is not VerdictKind.UNMET:
        complete(db, ledger, submission, given, by=by, at=at, clock_source=clock_source)
        verify_and_close(db, ledger, submission, policy, at=at)
    return submission, False


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
    last = queries.last_verdict(db, ledger.organization_id, visit.id)
    if last is not None and last not in MAY_TRY_AGAIN:
        raise ClosureAlreadySubmitted("The closure of this visit was taken already.", verdict=last.value)


def judge(
    db: Session, ledger: OpenLedger, visit: VisitState, given: ClosureIn, *, ended_at: datetime
) -> tuple[ClosurePolicy, Verdict, dict[str, Any]]:
    """The policy that the visit is pinned to, the verdict, and the policy as it is stored.

    What the submission leaves out of the checklist was perhaps ticked on site before.
    """
    material = queries.material_of(db, ledger.organization_id, visit.id)
    given = given.model_copy(update={"answers": {**material["ticked"], **given.answers}})
    policy = policy_of(material["closure_policy"])
    facts = queries.facts_of(db, ledger, visit, given, ended_at=ended_at, material=material)
    return policy, evaluate(policy, queries.submission_from(given), facts), material["closure_policy"]


def findings_of(verdict: Verdict) -> list[dict[str, Any]]:
    return [asdict(finding) for finding in verdict.findings]


def complete(
    db: Session,
    ledger: OpenLedger,
    submission: ClosureSubmission,
    given: ClosureIn,
    *,
    by: Caller,
    at: datetime,
    clock_source: ClockSource,
) -> None:
    """The visit ended when the technician says; a visit that is completed already only has a new submission."""
    about = {"submission_id": submission.id, "verdict": submission.verdict, "reason": given.reason}
    when = {"at": submission.effective_at, "occurred_at": given.occurred_at, "clock_source": clock_source}
    events = [NewEvent(type=EventType.CLOSURE_SUBMITTED, visit_id=submission.visit_id, data=about, **when)]  # type: ignore[arg-type]
    if ledger.visits[submission.visit_id].status is not VisitStatus.COMPLETED:
        codes = {"resolution_code": given.resolution_code, "cause_code": given.cause_code}
        data = {**codes, "outcome": given.outcome, "submission_id": submission.id}
        events.append(NewEvent(type=EventType.VISIT_COMPLETED, visit_id=submission.visit_id, data=data, **when))  # type: ignore[arg-type]
    happen(db, ledger, events, by=actor_of(by), at=at)


def verify_and_close(
    db: Session, ledger: OpenLedger, submission: ClosureSubmission, policy: ClosurePolicy, *, at: datetime
) -> None:
    """A verified visit is marked so; when all of the work is proven, the policy closes it."""
    if submission.verdict != VerdictKind.VERIFIED:
        return
    happen(db, ledger, [verified(submission, passed=True, at=at)], by=SYSTEM, at=at)
    if policy.auto_close:
        close_when_proven(db, ledger, submission_id=submission.id, by=None, at=at)


def verified(submission: ClosureSubmission, *, passed: bool, at: datetime) -> NewEvent:
    data = {"verification": "passed" if passed else "failed", "submission_id": submission.id}
    return NewEvent(type=EventType.VISIT_VERIFIED, at=at, visit_id=submission.visit_id, data=data)


def close_when_proven(db: Session, ledger: OpenLedger, *, submission_id: UUID, by: Caller | None, at: datetime) -> None:
    """Close completed work when no visit of it waits for evidence or for a supervisor."""
    if ledger.order.status is not WorkOrderStatus.COMPLETED:
        return
    if queries.undecided_visits(db, ledger.organization_id, ledger.id):
        return
    close(db, ledger, by=by, at=at, data={"verdict": VerdictKind.VERIFIED.value, "submission_id": submission_id})
