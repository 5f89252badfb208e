"""Nobody decides about their own work."""

from uuid import UUID

from sqlmodel import Session

from app.identity.access import Caller
from app.kit.database import rows
from app.kit.problems import NotAllowed
from app.work_orders.ledger import OpenLedger


class ReviewerIsCrew(NotAllowed):
    """Nobody reviews their own visit, or waives what it asks for."""

    code = "reviewer-is-crew"


ALONG = """
SELECT technician_id FROM visit_members WHERE organization_id = %(o)s AND visit_id = %(visit)s
"""


def check_not_crew(db: Session, ledger: OpenLedger, visit_id: UUID, by: Caller) -> None:
    """Let somebody pass who neither leads the visit nor ever went along.

    Raises:
        ReviewerIsCrew: the caller went there.
    """
    if by.technician_id is None:
        return
    crew = {row["technician_id"] for row in rows(db, ALONG, o=ledger.organization_id, visit=visit_id)}
    if by.technician_id in crew | {ledger.visits[visit_id].technician_id}:
        raise ReviewerIsCrew("Somebody who was not there must decide this.", visit_id=str(visit_id))
