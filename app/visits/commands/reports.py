"""A report from the field: read, its time put right, recognized when it came before, and answered."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlmodel import Session

from app.domain.ledger import EventType, VisitState
from app.domain.lifecycle import VisitAction
from app.domain.roles import Scope
from app.domain.time_rule import ClockSource, effective_time
from app.identity.access import Caller
from app.kit.database import rows, utc_iso
from app.kit.problems import NotFound
from app.kit.repeats import fingerprint_of
from app.visits.queries import actions_on_visit
from app.visits.schemas import Reported, StatusUpdateIn
from app.work_orders.commands import IdReused
from app.work_orders.ledger import NewEvent, OpenLedger, held_ledger, hold, opened

EVENT_OF = {
    VisitAction.ACCEPT: EventType.VISIT_ACCEPTED,
    VisitAction.DECLINE: EventType.VISIT_DECLINED,
    VisitAction.DEPART: EventType.VISIT_DEPARTED,
    VisitAction.ARRIVE: EventType.VISIT_ARRIVED,
    VisitAction.START: EventType.VISIT_STARTED,
    VisitAction.PAUSE: EventType.VISIT_PAUSED,
    VisitAction.RESUME: EventType.VISIT_RESUMED,
    VisitAction.COMPLETE: EventType.VISIT_COMPLETED,
    VisitAction.END_INCOMPLETE: EventType.VISIT_ENDED_INCOMPLETE,
    VisitAction.NO_ACCESS: EventType.VISIT_NO_ACCESS,
    VisitAction.CORRECT_TIME: EventType.VISIT_TIME_CORRECTED,
}


@dataclass(frozen=True, slots=True)
class Report:
    """A report with its times put right and a hash of all that it says."""

    given: Reported
    effective_at: datetime
    clock_source: ClockSource
    body_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A report about a visit whose work order is locked, with all that is known about its sending.

    `offline`: it may have waited for hours on a device whose technician could not know of a new plan.
    """

    db: Session
    ledger: OpenLedger
    visit_id: UUID
    given: StatusUpdateIn
    report: Report
    by: Caller
    at: datetime
    offline: bool = False

    @property
    def visit(self) -> VisitState:
        return self.ledger.visits[self.visit_id]

    @property
    def is_lead(self) -> bool:
        return self.by.technician_id is not None and self.by.technician_id == self.visit.technician_id

    @property
    def is_member(self) -> bool:
        return not self.is_lead and self.by.technician_id in self.ledger.visit_rows[self.visit_id]["members"]


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
    if (held := held_ledger(db, visit_id)) is not None:
        return held
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
    hold(db, visit_id, ledger)
    return ledger


def read_report(
    given: Reported, visit_id: UUID, *, by: Caller, at: datetime, not_before: datetime | None = None
) -> Report:
    """Put the report's time right and make its fingerprint; what is stamped at each attempt is no part of that.

    `not_before`: when the work was asked for; whatever a clock says, nothing was done about it earlier.
    """
    effective_at, source = effective_time(given.occurred_at, sent_at=given.sent_at, age_ms=given.age_ms, received_at=at)
    effective_at = max(effective_at, not_before or effective_at)
    return Report(given, effective_at, source, fingerprint_of(given, about=(visit_id, by.id)))


def earlier_answer(ledger: OpenLedger, report: Report) -> dict[str, Any] | None:
    """The stored answer of a report that came before; None when it is new.

    Raises:
        IdReused: the id came with another body, or from somebody else.
    """
    if ledger.repeat is None:
        return None
    if ledger.repeat["body_hash"] != "\\x" + report.body_hash.hex() or ledger.repeat["answer"] is None:
        raise IdReused("This id came earlier with another content.", id=str(report.given.id))
    answer: dict[str, Any] = {"noop": False, "issue_id": None, **ledger.repeat["answer"]}
    return answer


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


@contextmanager
def own_id(report: Report) -> Iterator[None]:
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
    sent: Sent,
    *,
    implied: Sequence[str] = (),
    code: str | None = None,
    noop: bool = False,
    issue_id: UUID | None = None,
) -> dict[str, Any]:
    """What the sender of a report is told, as plain JSON."""
    status = sent.visit.status
    return {
        "id": str(sent.report.given.id),
        "visit_id": str(sent.visit_id),
        "work_order_id": str(sent.ledger.id),
        "action": sent.given.action,
        "result": "noted" if code else "applied",
        "code": code,
        "noop": noop,
        "issue_id": str(issue_id) if issue_id else None,
        "status": status.value,
        "work_order_status": sent.ledger.order.status.value,
        "effective_at": utc_iso(sent.report.effective_at),
        "clock_source": sent.report.clock_source.value,
        "implied": list(implied),
        "allowed_actions": [] if code else actions_on_visit(status, sent.by.roles),
    }
