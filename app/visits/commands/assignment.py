"""Who a visit was given to, and when: what somebody reports counts only from then on."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.ledger import EventType
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.problems import RuleBroken
from app.visits.commands.reports import ledger_of_visit
from app.work_orders.ledger import OpenLedger, is_holding

#: Clocks that were put right still differ a little.
TOLERANCE = timedelta(minutes=5)


class NotAssigned(RuleBroken):
    """The visit was not the technician's yet when this is said to have happened."""

    code = "not-assigned"


FIRST_ASSIGNED = """
SELECT min(effective_at) AS at FROM events
WHERE organization_id = %(o)s AND visit_id = %(v)s AND (
    (type = ANY(%(to_lead)s) AND data ->> 'technician_id' = %(t)s::text)
    OR (type = 'visit.member_joined' AND data ->> 'member_id' = %(t)s::text))
"""
TO_LEAD = [EventType.VISIT_SCHEDULED.value, EventType.VISIT_REASSIGNED.value, EventType.VISIT_IMPORTED.value]


def check_assigned(
    db: Session, organization_id: UUID, visit_id: UUID, technician_id: UUID | None, *, effective_at: datetime
) -> None:
    """Let pass what somebody reports who was to go, alone or along, by then; also when somebody else is to go now.

    Raises:
        NotAssigned: by the history of assignments it was not theirs until five minutes after `effective_at`.
    """
    first = _first_assigned(db, organization_id, visit_id, technician_id)
    if first is None or first > effective_at + TOLERANCE:
        raise NotAssigned("The visit was not yours then.", visit_id=str(visit_id))


def _first_assigned(db: Session, organization_id: UUID, visit_id: UUID, technician_id: UUID | None) -> datetime | None:
    """Looked up once for a batch of reports: what they say does not change it."""
    known: dict[Any, datetime | None] = db.info.setdefault("first_assigned", {}) if is_holding(db) else {}
    key = visit_id, technician_id
    if key not in known:
        found = rows(db, FIRST_ASSIGNED, o=organization_id, v=visit_id, t=technician_id, to_lead=TO_LEAD)
        known[key] = found[0]["at"]
    return known[key]


def field_ledger(db: Session, visit_id: UUID, *, by: Caller, effective_at: datetime) -> OpenLedger:
    """Lock the work order of a visit that is or was the technician's at that time.

    Raises:
        NotFound: there is no such visit, or it never was the technician's.
        NotAssigned: it was not yet.
    """
    ledger = ledger_of_visit(db, by, visit_id)
    check_assigned(db, by.organization_id, visit_id, by.technician_id, effective_at=effective_at)
    return ledger


def is_of_crew(ledger: OpenLedger, visit_id: UUID, technician_id: UUID | None) -> bool:
    """Whether the technician is to go now, alone or along; what others report is kept, and noted."""
    crew = (ledger.visits[visit_id].technician_id, *ledger.visit_rows[visit_id]["members"])
    return technician_id is not None and technician_id in crew
