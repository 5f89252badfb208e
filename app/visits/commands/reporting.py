"""The crew's half: what technicians report, often hours later, and what becomes of it.

A report is applied; or it is noted, when the plan had changed meanwhile, and shown to the dispatcher; or it is
refused, when it could not have happened. It is never dropped. The same report again gets the same answer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.crew import MEMBER_MOVES, MemberState, MemberStatus, crew_of
from app.domain.ledger import Event, EventType, corrected, fold
from app.domain.lifecycle import (
    CREW,
    OPEN_VISIT,
    PLANNED,
    VISIT_MOVES,
    VisitAction,
    VisitStatus,
)
from app.domain.roles import Scope
from app.domain.time_rule import ClockSource
from app.identity.access import Caller
from app.kit.problems import NotAllowed
from app.kit.repeats import fingerprint_of
from app.visits.commands.checks import check_correction, check_data, check_no_proof_needed, may_happen, possible
from app.visits.commands.crew import set_member
from app.visits.commands.reports import (
    EVENT_OF,
    Report,
    answer_of,
    data_of,
    earlier_answer,
    ledger_of_visit,
    own_id,
    read_report,
    reported,
)
from app.visits.models import Orphan
from app.visits.queries import actions_of_member, actions_on_visit
from app.visits.schemas import StatusUpdateIn
from app.work_orders.commands import InvalidTransition, actor_of, happen
from app.work_orders.ledger import NewEvent, OpenLedger, events_of, record

V, A = VisitStatus, VisitAction


def post_status_update(
    db: Session, visit_id: UUID, given: StatusUpdateIn, *, by: Caller, at: datetime
) -> tuple[dict[str, Any], bool]:
    """Record what is reported about a visit and move it along.

    Returns:
        the answer, and whether it is the stored one of an earlier sending.

    Raises:
        NotFound: the visit is not the caller's and never was.
        InvalidTransition: it could not happen from where the visit was.
        IdReused: the id came earlier with another content.
        MissingData, ClosureRequired, NotAllowed, TooLateToCorrect, TimesOutOfOrder
    """
    ledger = ledger_of_visit(db, by, visit_id, repeat_of=given.id)
    report = read_report(given, visit_id, by=by, at=at, not_before=ledger.order.requested_at)
    if (answer := earlier_answer(ledger, report)) is not None:
        return answer, True
    is_lead = by.technician_id is not None and by.technician_id == ledger.visits[visit_id].technician_id
    is_member = not is_lead and by.technician_id in ledger.visit_rows[visit_id]["members"]
    if is_member and (by.scope is Scope.OWN or given.action in MEMBER_MOVES):
        return _member_reports(db, ledger, visit_id, report, given, by=by, at=at), False
    if by.scope is Scope.OWN and not is_lead:
        return _note(db, ledger, visit_id, report, given, code="reassigned", by=by, at=at), False
    action = VisitAction(given.action) if given.action != "leave" else None
    roles = by.roles if is_lead else by.roles - CREW
    if action is None or not roles & VISIT_MOVES[action].roles:
        raise NotAllowed(f"Your role may not {given.action} a visit.", action=given.action)
    check_data(given, action, for_somebody=not is_lead)
    report = possible(ledger, visit_id, action, report)
    if not may_happen(ledger, visit_id, action, report):
        return _refuse_or_note(db, ledger, visit_id, report, given, by=by, at=at), False
    new = _events(db, ledger, visit_id, action, report, given, by=by, at=at)
    return _tell(db, ledger, visit_id, report, given, new, by=by, at=at), False


def attach_report(
    db: Session,
    ledger: OpenLedger,
    visit_id: UUID,
    given: StatusUpdateIn,
    *,
    effective_at: datetime,
    by: Caller,
    at: datetime,
) -> None:
    """Let a report that came too late for its own visit take effect on another one, at its own time.

    Raises:
        InvalidTransition: that visit does not take it either.
        ClosureRequired: it completes a visit whose policy asks for proof.
    """
    action = VisitAction(given.action)
    report = Report(given, effective_at, ClockSource.DEVICE, fingerprint_of(given, about=(visit_id, by.id)))
    report = possible(ledger, visit_id, action, report)
    if not may_happen(ledger, visit_id, action, report):
        status = ledger.visits[visit_id].status
        raise InvalidTransition(f"A visit that is {status} does not take {action}.", status_now=status.value)
    new = _events(db, ledger, visit_id, action, report, given, by=by, at=at)
    happen(db, ledger, new, by=actor_of(by), at=at)


def _events(
    db: Session,
    ledger: OpenLedger,
    visit_id: UUID,
    action: VisitAction,
    report: Report,
    given: StatusUpdateIn,
    *,
    by: Caller,
    at: datetime,
) -> list[NewEvent]:
    """The events of a report: what it leaves out between is implied, without being counted as travel."""
    visit = ledger.visits[visit_id]
    if action is A.COMPLETE:
        check_no_proof_needed(db, ledger, visit_id)
    if action is A.CORRECT_TIME:
        check_correction(ledger, visit_id, given, by=by, at=at)
    before: list[EventType] = []
    if action is A.ARRIVE and visit.status is V.NO_SHOW:
        before = [EventType.VISIT_NO_SHOW_WITHDRAWN, EventType.VISIT_DEPARTED]
    elif action in (A.ARRIVE, A.START) and visit.status in PLANNED:
        before = [EventType.VISIT_DEPARTED]
    if action is A.START and visit.status in PLANNED | {V.EN_ROUTE}:
        before.append(EventType.VISIT_ARRIVED)
    implied = [NewEvent(type=kind, at=report.effective_at, visit_id=visit_id, implied=True) for kind in before]
    return [*implied, reported(EVENT_OF[action], visit_id, report, data_of(given))]


def _tell(
    db: Session,
    ledger: OpenLedger,
    visit_id: UUID,
    report: Report,
    given: StatusUpdateIn,
    new: Sequence[NewEvent],
    *,
    by: Caller,
    at: datetime,
    member: MemberStatus | None = None,
) -> dict[str, Any]:
    """Let the events happen; the answer that is given is the one that is stored.

    `member`: where the sender stands now, when it is somebody of the crew beside the lead.
    """
    told: list[dict[str, Any]] = []

    def answer() -> dict[str, Any]:
        told.append(
            answer_of(ledger, visit_id, report, given.action, by=by, implied=[e.type for e in new if e.implied])
        )
        if member is not None:
            told[0]["allowed_actions"] = actions_of_member(ledger.visits[visit_id].status, member)
        return told[0]

    with own_id(report):
        happen(db, ledger, new, by=actor_of(by), at=at, answer=answer)
    return told[0]


def _member_reports(
    db: Session,
    ledger: OpenLedger,
    visit_id: UUID,
    report: Report,
    given: StatusUpdateIn,
    *,
    by: Caller,
    at: datetime,
) -> dict[str, Any]:
    """Somebody of the crew beside the lead: it is their own time; the visit follows its lead.

    Raises:
        NotAllowed: only the lead may do this.
        InvalidTransition: it could not happen from where this person was then.
    """
    move = MEMBER_MOVES.get(given.action)
    if move is None:
        raise NotAllowed("The visit follows its lead: only the lead may do this.", action=given.action)
    if move.requires:
        check_data(given, VisitAction(given.action))
    me = by.technician_id
    assert me is not None
    visit = ledger.visits[visit_id]
    told = [event for event in events_of(db, ledger.organization_id, ledger.id) if event.visit_id == visit_id]
    before = crew_of(event for event in told if event.at <= report.effective_at).get(me, MemberState())
    if visit.status not in OPEN_VISIT and (visit.ended_at is None or report.effective_at >= visit.ended_at):
        return _note(db, ledger, visit_id, report, given, code=f"visit_{visit.status}", by=by, at=at)
    if before.status not in move.sources:
        raise InvalidTransition(
            f"Somebody of the crew who is {before.status} does not {given.action}.",
            status_now=before.status.value,
            allowed_actions=actions_of_member(visit.status, before.status),
        )
    data = {**data_of(given), "member_id": str(me)}
    if move.event is EventType.MEMBER_RESUMED:
        data["resumes"] = before.paused_from.value
    happened = Event(ledger.order.event_count + 1, move.event, report.effective_at, data, visit_id)
    now = crew_of([*told, happened])[me]
    set_member(db, ledger.organization_id, visit_id, me, now)
    new = [reported(move.event, visit_id, report, data)]
    return _tell(db, ledger, visit_id, report, given, new, by=by, at=at, member=now.status)


def _refuse_or_note(
    db: Session,
    ledger: OpenLedger,
    visit_id: UUID,
    report: Report,
    given: StatusUpdateIn,
    *,
    by: Caller,
    at: datetime,
) -> dict[str, Any]:
    """A report that was right when it happened is noted for the dispatcher; one that never was is refused.

    Raises:
        InvalidTransition: with the status now and what the caller may do instead.
    """
    status = ledger.visits[visit_id].status
    told = [
        event
        for event in corrected(events_of(db, ledger.organization_id, ledger.id))
        if event.at <= report.effective_at
    ]
    _, then = fold(told)
    was = then[visit_id].status if visit_id in then else None
    if was is not None and was is not status and was in VISIT_MOVES[VisitAction(given.action)].sources:
        return _note(db, ledger, visit_id, report, given, code=f"visit_{status}", by=by, at=at)
    raise InvalidTransition(
        f"A visit that is {status} does not take {given.action}.",
        status_now=status.value,
        allowed_actions=actions_on_visit(status, by.roles),
    )


def _note(
    db: Session,
    ledger: OpenLedger,
    visit_id: UUID,
    report: Report,
    given: StatusUpdateIn,
    *,
    code: str,
    by: Caller,
    at: datetime,
) -> dict[str, Any]:
    """Keep a report that changes nothing any more, and show it to the dispatcher."""
    answer = answer_of(ledger, visit_id, report, given.action, by=by, code=code)
    body = given.model_dump(mode="json", exclude_none=True)
    orphaned = reported(EventType.ORPHANED, visit_id, report, {"report": body, "code": code})
    with own_id(report):
        record(db, ledger, [orphaned], by=actor_of(by), at=at, answer=lambda: answer)
    db.add(
        Orphan(
            organization_id=ledger.organization_id,
            id=given.id,
            work_order_id=ledger.id,
            visit_id=visit_id,
            technician_id=by.technician_id,
            action=given.action,
            body=body,
            effective_at=report.effective_at,
            recorded_at=at,
            code=code,
        )
    )
    return answer
