"""The crew's half: what technicians report, often hours later, and what becomes of it.

A report is applied; or it is noted, when the plan had changed meanwhile, and shown to the dispatcher; or it is
refused, when it could not have happened. It is never dropped. The same report again gets the same answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.crew import MEMBER_MOVES
from app.domain.ledger import EventType, WorkOrderState, apply, corrected, fold
from app.domain.lifecycle import (
    CREW,
    OPEN_VISIT,
    PLANNED,
    UNDERWAY,
    VISIT_MOVES,
    VisitAction,
    VisitStatus,
)
from app.domain.roles import Scope
from app.domain.time_rule import ClockSource
from app.identity.access import Caller
from app.kit.events import publish
from app.kit.problems import NotAllowed
from app.kit.repeats import fingerprint_of
from app.visits.commands.assignment import check_assigned
from app.visits.commands.checks import check_correction, check_data, check_no_proof_needed, may_happen, possible
from app.visits.commands.effects import events_so_far, so_already, tell
from app.visits.commands.member_reporting import GONE_AND_BACK, member_reports
from app.visits.commands.noted import no_longer_theirs, note, overtaken_by
from app.visits.commands.reports import (
    EVENT_OF,
    Report,
    Sent,
    data_of,
    earlier_answer,
    ledger_of_visit,
    read_report,
    reported,
)
from app.visits.events import PartsNeeded
from app.visits.queries import actions_on_visit
from app.visits.schemas import StatusUpdateIn
from app.work_orders.commands import InvalidTransition, actor_of, happen
from app.work_orders.ledger import NewEvent, OpenLedger

V, A = VisitStatus, VisitAction

ARRIVED = frozenset({V.ON_SITE, V.IN_PROGRESS})
#: Where a visit stands when the action has nothing left to do: it was done, or something after it.
ALREADY: Mapping[VisitAction, frozenset[VisitStatus]] = {
    A.ACCEPT: frozenset({V.ACCEPTED}) | UNDERWAY | GONE_AND_BACK,
    A.DECLINE: frozenset({V.DECLINED}),
    A.DEPART: UNDERWAY | GONE_AND_BACK,
    A.ARRIVE: ARRIVED | GONE_AND_BACK,
    A.START: frozenset({V.IN_PROGRESS}) | GONE_AND_BACK,
    A.PAUSE: frozenset({V.PAUSED}) | GONE_AND_BACK,
    A.RESUME: frozenset({V.EN_ROUTE}) | ARRIVED | GONE_AND_BACK,
    A.COMPLETE: frozenset({V.COMPLETED}),
    A.END_INCOMPLETE: frozenset({V.INCOMPLETE}),
    A.NO_ACCESS: frozenset({V.INCOMPLETE}),
}


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
    return _take(db, visit_id, given, by=by, at=at, offline=False)


def report_status(db: Session, visit_id: UUID, given: StatusUpdateIn, *, by: Caller, at: datetime) -> dict[str, Any]:
    """The same for a report that waited on a device: what the technician could not know is no reason to refuse it.

    What is so already is applied without effect, with its time (`noop`); what happened to a visit that had been
    canceled, declined, missed, ended otherwise or given away is noted.

    Raises:
        NotAssigned: the visit was not the technician's by then.
        The same as `post_status_update`; InvalidTransition where it never was possible.
    """
    return _take(db, visit_id, given, by=by, at=at, offline=True)[0]


def _take(
    db: Session, visit_id: UUID, given: StatusUpdateIn, *, by: Caller, at: datetime, offline: bool
) -> tuple[dict[str, Any], bool]:
    ledger = ledger_of_visit(db, by, visit_id, repeat_of=given.id)
    report = read_report(given, visit_id, by=by, at=at, not_before=ledger.order.requested_at)
    if (answer := earlier_answer(ledger, report)) is not None:
        return answer, True
    if offline:
        check_assigned(db, by.organization_id, visit_id, by.technician_id, effective_at=report.effective_at)
    sent = Sent(db=db, ledger=ledger, visit_id=visit_id, given=given, report=report, by=by, at=at, offline=offline)
    if sent.is_member and (by.scope is Scope.OWN or given.action in MEMBER_MOVES):
        return member_reports(sent), False
    if by.scope is Scope.OWN and not sent.is_lead:
        return note(sent, no_longer_theirs(sent)), False
    return _lead_reports(sent), False


def _lead_reports(sent: Sent) -> dict[str, Any]:
    """Or the office for its technician.

    Raises:
        NotAllowed: the role does not have this action.
        InvalidTransition, MissingData
    """
    given = sent.given
    action = VisitAction(given.action) if given.action != "leave" else None
    roles = sent.by.roles if sent.is_lead else sent.by.roles - CREW
    if action is None or not roles & VISIT_MOVES[action].roles:
        raise NotAllowed(f"Your role may not {given.action} a visit.", action=given.action)
    check_data(given, action, for_somebody=not sent.is_lead)
    believed = replace(sent, report=possible(sent.ledger, sent.visit_id, action, sent.report))
    if not may_happen(sent.ledger, sent.visit_id, action, believed.report):
        return _overtaken_offline(sent, action) if sent.offline else _refuse_or_note(sent, action)
    answer = tell(believed, _events(believed, action))
    if action is A.END_INCOMPLETE and given.parts_needed:
        publish(sent.db, _parts_needed(believed, given.parts_needed))
    return answer


def _parts_needed(sent: Sent, numbers: Sequence[str]) -> PartsNeeded:
    return PartsNeeded(
        organization_id=sent.ledger.organization_id,
        at=sent.report.effective_at,
        work_order_id=sent.ledger.id,
        visit_id=sent.visit_id,
        technician_id=sent.visit.technician_id,
        report_id=sent.report.given.id,
        part_numbers=tuple(numbers),
        recorded_at=sent.at,
    )


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
        MissingData: the report does not say all that is needed.
        ClosureRequired: it completes a visit whose policy asks for proof.
    """
    if given.action == "leave":
        raise InvalidTransition(
            "Who has left has left: this changes no visit.", status_now=ledger.visits[visit_id].status
        )
    action = VisitAction(given.action)
    check_data(given, action)
    report = Report(given, effective_at, ClockSource.DEVICE, fingerprint_of(given, about=(visit_id, by.id)))
    report = possible(ledger, visit_id, action, report)
    if not may_happen(ledger, visit_id, action, report):
        status = ledger.visits[visit_id].status
        raise InvalidTransition(f"A visit that is {status} does not take {action}.", status_now=status.value)
    sent = Sent(db=db, ledger=ledger, visit_id=visit_id, given=given, report=report, by=by, at=at)
    happen(db, ledger, _events(sent, action), by=actor_of(by), at=at)


def _events(sent: Sent, action: VisitAction) -> list[NewEvent]:
    """The events of a report: what it leaves out between is implied, without being counted as travel."""
    visit, visit_id, report = sent.visit, sent.visit_id, sent.report
    if action is A.COMPLETE:
        check_no_proof_needed(sent.db, sent.ledger, visit_id)
    if action is A.CORRECT_TIME:
        check_correction(sent.ledger, visit_id, sent.given, by=sent.by, at=sent.at)
    before: list[EventType] = []
    if action is A.ARRIVE and visit.status is V.NO_SHOW:
        before = [EventType.VISIT_NO_SHOW_WITHDRAWN, EventType.VISIT_DEPARTED]
    elif action in (A.ARRIVE, A.START) and visit.status in PLANNED:
        before = [EventType.VISIT_DEPARTED]
    if action is A.START and visit.status in PLANNED | {V.EN_ROUTE}:
        before.append(EventType.VISIT_ARRIVED)
    implied = [NewEvent(type=kind, at=report.effective_at, visit_id=visit_id, implied=True) for kind in before]
    return [*implied, reported(EVENT_OF[action], visit_id, report, data_of(sent.given))]


def _refuse_or_note(sent: Sent, action: VisitAction) -> dict[str, Any]:
    """A report that was right when it happened is noted for the dispatcher; one that never was is refused.

    Raises:
        InvalidTransition: with the status now and what the caller may do instead.
    """
    told = [event for event in corrected(events_so_far(sent)) if event.at <= sent.report.effective_at]
    _, then = fold(told)
    was = then[sent.visit_id].status if sent.visit_id in then else None
    if was is not None and was is not sent.visit.status and was in VISIT_MOVES[action].sources:
        return note(sent, overtaken_by(sent))
    raise _impossible(sent)


def _overtaken_offline(sent: Sent, action: VisitAction) -> dict[str, Any]:
    """
    Raises:
        InvalidTransition: the visit never stood where this could have happened.
    """
    status = sent.visit.status
    reached = sent.visit.paused_from if status is V.PAUSED and action is not A.PAUSE else status
    if reached in ALREADY.get(action, ()):
        return so_already(sent)
    if status not in OPEN_VISIT or _was_possible(sent, action):
        return note(sent, overtaken_by(sent))
    raise _impossible(sent)


def _was_possible(sent: Sent, action: VisitAction) -> bool:
    """Whether the visit has ever stood where the action is allowed."""
    order, visits = WorkOrderState(), {}  # type: ignore[var-annotated]
    for event in events_so_far(sent):
        apply(order, visits, event)
        if event.visit_id == sent.visit_id and visits[sent.visit_id].status in VISIT_MOVES[action].sources:
            return True
    return False


def _impossible(sent: Sent) -> InvalidTransition:
    status = sent.visit.status
    return InvalidTransition(
        f"A visit that is {status} does not take {sent.given.action}.",
        status_now=status.value,
        allowed_actions=actions_on_visit(status, sent.by.roles),
    )
