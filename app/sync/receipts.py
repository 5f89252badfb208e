"""`/v1/visits/{id}/receipt`: whether a job has reached the technician who is to go, and whether they have read it."""

from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.identity.access import Db, Me, api_router
from app.kit.database import rows
from app.kit.problems import NotFound, refuses
from app.kit.schemas import Out, UtcTime
from app.visits.models import Visit
from app.visits.queries import visit_for

router = api_router("/v1/visits", "visits")


class DeliveredToOut(Out):
    device_id: UUID
    last_seen_at: UtcTime


class ReceiptOut(Out):
    """`delivered`: a device of the technician has it; `seen_at`: when the technician first looked at it.

    `delivered_to`: the devices that have it, with when each was last heard of.
    """

    technician_id: UUID | None
    delivered: bool
    delivered_to: list[DeliveredToOut]
    seen_at: UtcTime | None


@router.get("/{visit_id}/receipt", response_model=ReceiptOut, responses=refuses(NotFound))
def get_visit_receipt(visit_id: UUID, me: Me, db: Db) -> dict[str, Any]:
    """Whether the visit has arrived with its technician, without a word from them."""
    visit = visit_for(db, me, visit_id)
    delivered_to = devices_that_have(db, visit)
    return {
        "technician_id": visit.technician_id,
        "delivered": bool(delivered_to),
        "delivered_to": delivered_to,
        "seen_at": visit.seen_at,
    }


#: A position that was acknowledged before a restore says nothing about what came after it.
HAVE_IT = """
SELECT d.id AS device_id, d.last_seen_at
FROM feeds f
JOIN feed_entries e ON e.organization_id = f.organization_id AND e.feed_id = f.id AND e.kind = 'job'
     AND e.entity_id = %(visit)s::text AND NOT e.removed
JOIN people p ON p.organization_id = f.organization_id AND p.technician_id = f.id
JOIN devices d ON d.organization_id = p.organization_id AND d.person_id = p.id AND d.revoked_at IS NULL
     AND d.acked_epoch = f.epoch AND d.acked_seq >= e.entered_seq
WHERE f.organization_id = %(o)s AND f.id = %(technician)s
ORDER BY d.last_seen_at DESC, d.id
"""


def devices_that_have(db: Session, visit: Visit) -> list[dict[str, Any]]:
    """The technician's devices in use that acknowledged a position at or after the one at which the visit came."""
    if visit.technician_id is None:
        return []
    return rows(db, HAVE_IT, o=visit.organization_id, visit=visit.id, technician=visit.technician_id)
