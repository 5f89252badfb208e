"""The crew's half: what technicians report, often hours later, and what becomes of it.

A report is applied; or it is noted, when the plan had changed meanwhile, and shown to the dispatcher; or it is
refused, when it could not have happened. It is never dropped. The same report again gets the same answer.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from psycopg.errors import UniqueViolation
from sqlmodel import Session

from app.domain.crew import MEMBER_MOVES, MemberState, MemberStatus, crew_of
from app.domain.ledger import Event, EventType, VisitState, corrected, fold
from app.domain.lifecycle import (
    CREW,
    OPEN_VISIT,
    PLANNED,
    SUPERVISE,
    VISIT_MOVES,
    IncompleteReason,
    PauseReason,
    VisitAction,
    VisitStatus,
)
from app.domain.roles import Scope
from app.domain.time_rule import ClockSource, effective_time
from app.identity.access import Caller
from app.kit.database import rows, utc_iso
from app.kit.problems import NotAllowed, NotFound, RuleBroken, Unprocessable
from app.visits.models import Orphan
from app.visits.queries import actions_of_member, actions_on_visit
from app.visits.schemas import Reported, StatusUpdateIn
from app.work_orders.commands import IdReused, InvalidTransition, actor_of, happen
from app.work_orders.ledger import NewEvent, OpenLedger, events_of, opened, possible_time, record
from app.work_orders.queries import work_type_of

V, A = VisitStatus, VisitAction

EVENT_OF = {
    A.ACCEPT: EventType.VISIT_ACCEPTED,
    A.DECLINE: EventType.VISIT_DECLINED,
    A.DEPART: EventType.VISIT_DEPARTED,
    A.ARRIVE: EventType.VISIT_ARRIVED,
    A.START: EventType.VISIT_STARTED,
    A.PAUSE: EventType.VISIT_PAUSED,
    A.RESUME: EventType.VISIT_RESUMED,
    A.COMPLETE: EventType.VISIT_COMPLETED,
    A.END_INCOMPLETE: EventType.VISIT_ENDED_INCOMPLETE,
    A.NO_ACCESS: EventType.VISIT_NO_ACCESS,
    A.CORRECT_TIME: EventType.VISIT_TIME_CORRECTED,
}
#: A time that is reported when the visit is further on already is still a fact.
LATE_FACTS = {A.DEPART: "departed_at", A.ARRIVE: "arrived_at", A.START: "started_at"}
REASONS = {A.PAUSE: PauseReason, A.END_INCOMPLETE: IncompleteReason}
OWN_CORRECTIONS = timedelta(hours=24)
TIMES_IN_ORDER = ("departed_at", "arrived_at", "started_at", "ended_at")


class MissingData(Unprocessable):
    """The action needs more than was sent; `errors` names each field."""

    code = "missing-data"


class ClosureRequired(RuleBroken):
    """The closure policy asks for proof: send a closure instead."""

    code = "closure-required"


class TooLateToCorrect(RuleBroken):
    """A technician may correct a time for 24 hours; after that a supervisor does."""

    code = "too-late-to-correct"


class TimesOutOfOrder(RuleBroken):
    """Departure, arrival, start and end would no longer follow one another."""

    code = "times-out-of-order"


@dataclass(frozen=True, slots=True)
class Report:
    """A report with its times put right and a hash of all that it says."""

    given: Reported
    effective_at: datetime
    clock_source: ClockSource
    body_hash: bytes


LOCK_BY_VISIT = """
SELECT w.* FROM visits v JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
WHERE v.organization_id = %(o)s AND v.id = %(v)s AND (
    %(scope)s = 3
    OR (%(scope)s = 2 AND v.partner_id = %(p)s)
    OR v.technician_id = %(t)s
    OR EXISTS (SELECT FROM visit_members m WHERE m.organization_id = v.organization_id AND m.visit_id = v.id
               AND m.technician_id = %(t)s)
    OR EXISTS (SELECT FROM events e WHERE e.organization_id = v.organization_id AND e.visit_id = v.id
               AND e.type IN ('visit.scheduled', 'visit.reassigned') AND e.data ->> 'technician_id' = %(t)s::text)
) FOR UPDATE OF w
"""


def ledger_of_visit(db: Session, caller: Caller, visit_id: UUID, *, repeat_of: UUID | None = None) -> OpenLedger:
    """Lock the work order of a visit that the caller reaches, or had before it was given to somebody else.

    Raises:
        NotFound: there is no such visit, or it was never the caller's; the two look the same on purpose.
    """
    found = rows(
        db,
        LOCK_BY_VISIT,
        o=caller.organization_id,
        v=visit_id,
        scope=int(caller.scope),
        p=caller.partner_id,
        t=caller.technician_id,
    )
    if not found:
        raise NotFound("There is no such visit.", visit_id=str(visit_id))
    ledger = opened(db, caller.organization_id, found[0], repeat_of=repeat_of)
    if caller.scope is Scope.ASSIGNED and ledger.visits[visit_id].partner_id != caller.partner_id:
        raise NotFound("There is no such visit.", visit_id=str(visit_id))
    return ledger


def read_report(
    given: Reported, visit_id: UUID, *, by: Caller, at: datetime, not_before: datetime | None = None
) -> Report:
    """Put the report's time right and make its fingerprint; what is stamped at each attempt is no part of that.

    `not_before`: when the work was asked for; whatever a clock says, nothing was done about it earlier.
    """
    effective_at, source = effective_time(given.occurred_at, sent_at=given.sent_at, age_ms=given.age_ms, received_at=at)
    effective_at = max(effective_at, not_before or effective_at)
    said = given.model_dump(mode="json", exclude={"sent_at", "age_ms"})
    body = orjson.dumps([str(visit_id), str(by.id), said], option=orjson.OPT_SORT_KEYS)
    return Report(given, effective_at, source, hashlib.sha256(body).digest())


def earlier_answer(ledger: OpenLedger, report: Report) -> dict[str, Any] | None:
    """The stored answer of a report that came before; None when it is new.

    Raises:
        IdReused: the id came with another body, or from somebody else.
    """
    if ledger.repeat is None:
        return None
    if ledger.repeat["body_hash"] != "\\x" + report.body_hash.hex() or ledger.repeat["answer"] is None:
        raise IdReused("This id came earlier with another content.", id=str(report.given.id))
    answer: dict[str, Any] = ledger.repeat["answer"]
    return answer


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
    _check_data(given, action, for_somebody=not is_lead)
    report = _possible(ledger, visit_id, action, report)
    if not _may_happen(ledger, visit_id, action, report):
        return _refuse_or_note(db, ledger, visit_id, report, given, by=by, at=at), False
    new = _events(db, ledger, visit_id, action, report, given, by=by, at=at)
    return _tell(db, ledger, visit_id, report, given, new, by=by, at=at), False


def _possible(ledger: OpenLedger, visit_id: UUID, action: VisitAction, report: Report) -> Report:
    """The report with the time that its event will have."""
    return replace(report, effective_at=possible_time(ledger, EVENT_OF[action], visit_id, report.effective_at))


def _check_data(given: StatusUpdateIn, action: VisitAction, *, for_somebody: bool = False) -> None:
    """`for_somebody`: the office completes a visit for its technician, and must say why."""
    needed = ("reason",) if for_somebody and action is A.COMPLETE else VISIT_MOVES[action].requires
    missing = [name for name in needed if getattr(given, name) is None]
    errors = [{"pointer": f"/body/{name}", "code": "missing", "detail": f"{action} needs it"} for name in missing]
    if action in REASONS and not missing and given.reason not in list(REASONS[action]):
        allowed = ", ".join(REASONS[action])
        errors.append({"pointer": "/body/reason", "code": "enum", "detail": f"one of: {allowed}"})
    if errors:
        raise MissingData(f"{action} needs more data.", errors=errors)


def _may_happen(ledger: OpenLedger, visit_id: UUID, action: VisitAction, report: Report) -> bool:
    visit = ledger.visits[visit_id]
    if action is A.ARRIVE and visit.status is V.NO_SHOW:
        until = visit.window_end or visit.scheduled_end
        goes_on = ledger.order.ended_as is None and visit.round == ledger.order.reopen_count
        return goes_on and (until is None or report.effective_at <= until)
    if visit.status in VISIT_MOVES[action].sources:
        return True
    if (name := LATE_FACTS.get(action)) is None or visit.status in PLANNED | {V.CANCELED, V.DECLINED, V.NO_SHOW}:
        return False
    known = getattr(visit, name)
    late = ledger.order.last_event_at is not None and report.effective_at < ledger.order.last_event_at
    return late and (known is None or report.effective_at < known) and _in_order(visit, name, report.effective_at)


def _in_order(visit: VisitState, name: str, value: datetime) -> bool:
    """Whether departure, arrival, start and end follow one another when this one of them is `value`."""
    times = [value if one == name else getattr(visit, one) for one in TIMES_IN_ORDER]
    known = [time for time in times if time is not None]
    return known == sorted(known)


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
        _check_correction(ledger, visit_id, given, by=by, at=at)
    before: list[EventType] = []
    if action is A.ARRIVE and visit.status is V.NO_SHOW:
        before = [EventType.VISIT_NO_SHOW_WITHDRAWN, EventType.VISIT_DEPARTED]
    elif action in (A.ARRIVE, A.START) and visit.status in PLANNED:
        before = [EventType.VISIT_DEPARTED]
    if action is A.START and visit.status in PLANNED | {V.EN_ROUTE}:
        before.append(EventType.VISIT_ARRIVED)
    implied = [NewEvent(type=kind, at=report.effective_at, visit_id=visit_id, implied=True) for kind in before]
    return [*implied, reported(EVENT_OF[action], visit_id, report, data_of(given))]


def reported(kind: EventType, visit_id: UUID, report: Report, data: dict[str, Any]) -> NewEvent:
    """The event that a report makes, under the report's own id."""
    return NewEvent(
        type=kind,
        at=report.effective_at,
        data=data,
        visit_id=visit_id,
        id=report.given.id,
        occurred_at=report.given.occurred_at,
        clock_source=report.clock_source,
        body_hash=report.body_hash,
    )


def data_of(given: StatusUpdateIn) -> dict[str, Any]:
    return given.model_dump(
        mode="json", exclude={"id", "occurred_at", "sent_at", "age_ms", "action"}, exclude_none=True
    )


def check_no_proof_needed(db: Session, ledger: OpenLedger, visit_id: UUID) -> None:
    """
    Raises:
        ClosureRequired: the policy that is pinned on the visit has rules.
    """
    if ledger.row["work_type_id"] is None:
        return
    version = ledger.visits[visit_id].work_type_version or ledger.row["work_type_version"]
    kind = work_type_of(db, ledger.organization_id, ledger.row["work_type_id"], version=version)
    if kind["closure_policy"].get("rules") or kind["closure_policy"].get("review"):
        raise ClosureRequired("This work asks for proof: send a closure.", closure=f"/v1/visits/{visit_id}/closure")


def _check_correction(ledger: OpenLedger, visit_id: UUID, given: StatusUpdateIn, *, by: Caller, at: datetime) -> None:
    visit = ledger.visits[visit_id]
    assert given.field is not None
    assert given.value is not None
    known = getattr(visit, given.field)
    if known is None or not ledger.order.requested_at <= given.value <= at:  # type: ignore[operator]
        raise TimesOutOfOrder("There is no such time to correct, or it cannot be the new one.", field=given.field)
    if not by.roles & SUPERVISE and at - known > OWN_CORRECTIONS:
        raise TooLateToCorrect("Ask a supervisor: it is more than 24 hours ago.", field=given.field)
    if not _in_order(visit, given.field, given.value):
        raise TimesOutOfOrder("Departure, arrival, start and end must follow one another.", field=given.field)


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

    with _own_id(report):
        happen(db, ledger, new, by=actor_of(by), at=at, answer=answer)
    return told[0]


@contextmanager
def _own_id(report: Report) -> Iterator[None]:
    """
    Raises:
        IdReused: at the same moment the id came for another work order, whose lock is another one.
    """
    try:
        yield
    except UniqueViolation as taken:
        if taken.diag.constraint_name != "pk_events":
            raise
        raise IdReused("This id came for something else.", id=str(report.given.id)) from None


def answer_of(
    ledger: OpenLedger,
    visit_id: UUID,
    report: Report,
    action: str,
    *,
    by: Caller,
    implied: Sequence[str] = (),
    code: str | None = None,
) -> dict[str, Any]:
    """What the sender of a report is told, as plain JSON."""
    status = ledger.visits[visit_id].status
    return {
        "id": str(report.given.id),
        "visit_id": str(visit_id),
        "work_order_id": str(ledger.id),
        "action": action,
        "result": "noted" if code else "applied",
        "code": code,
        "status": status.value,
        "work_order_status": ledger.order.status.value,
        "effective_at": utc_iso(report.effective_at),
        "clock_source": report.clock_source.value,
        "implied": list(implied),
        "allowed_actions": [] if code else actions_on_visit(status, by.roles),
    }


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
        _check_data(given, VisitAction(given.action))
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
    _set_member(db, ledger, visit_id, me, now)
    new = [reported(move.event, visit_id, report, data)]
    return _tell(db, ledger, visit_id, report, given, new, by=by, at=at, member=now.status)


def _set_member(db: Session, ledger: OpenLedger, visit_id: UUID, technician_id: UUID, now: MemberState) -> None:
    rows(
        db,
        "UPDATE visit_members SET status = %(s)s, left_at = %(left)s "
        "WHERE organization_id = %(o)s AND visit_id = %(v)s AND technician_id = %(t)s",
        s=now.status.value,
        left=now.left_at,
        o=ledger.organization_id,
        v=visit_id,
        t=technician_id,
    )


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
    with _own_id(report):
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
