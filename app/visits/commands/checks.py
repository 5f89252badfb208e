"""What is asked of a report before it takes effect."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from app.domain.ledger import VisitState
from app.domain.lifecycle import (
    PLANNED,
    SUPERVISE,
    VISIT_MOVES,
    IncompleteReason,
    PauseReason,
    VisitAction,
    VisitStatus,
)
from app.identity.access import Caller
from app.kit.problems import RuleBroken, Unprocessable
from app.visits.commands.reports import EVENT_OF, Report
from app.visits.schemas import StatusUpdateIn
from app.work_orders.ledger import OpenLedger, possible_time
from app.work_orders.terms import held_to

V, A = VisitStatus, VisitAction

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


def possible(ledger: OpenLedger, visit_id: UUID, action: VisitAction, report: Report) -> Report:
    """The report with the time that its event will have."""
    return replace(report, effective_at=possible_time(ledger, EVENT_OF[action], visit_id, report.effective_at))


def check_data(given: StatusUpdateIn, action: VisitAction, *, for_somebody: bool = False) -> None:
    """`for_somebody`: the office completes a visit for its technician, and must say why."""
    needed = ("reason",) if for_somebody and action is A.COMPLETE else VISIT_MOVES[action].requires
    missing = [name for name in needed if getattr(given, name) is None]
    errors = [{"pointer": f"/body/{name}", "code": "missing", "detail": f"{action} needs it"} for name in missing]
    if action in REASONS and not missing and given.reason not in list(REASONS[action]):
        allowed = ", ".join(REASONS[action])
        errors.append({"pointer": "/body/reason", "code": "enum", "detail": f"one of: {allowed}"})
    if errors:
        raise MissingData(f"{action} needs more data.", errors=errors)


def may_happen(ledger: OpenLedger, visit_id: UUID, action: VisitAction, report: Report) -> bool:
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


def check_no_proof_needed(db: Session, ledger: OpenLedger, visit_id: UUID) -> None:
    """
    Raises:
        ClosureRequired: the policy that is pinned on the visit has rules.
    """
    policy = held_to(db, ledger, visit_id).policy
    if policy.get("rules") or policy.get("review"):
        raise ClosureRequired("This work asks for proof: send a closure.", closure=f"/v1/visits/{visit_id}/closure")


def check_correction(ledger: OpenLedger, visit_id: UUID, given: StatusUpdateIn, *, by: Caller, at: datetime) -> None:
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
