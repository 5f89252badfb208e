"""Keep a signature that somebody draws on a device, now."""

from datetime import datetime

from sqlmodel import Session

from app.closure import queries
from app.closure.commands.drawn_signatures import keep_drawn
from app.closure.commands.judging import judge_again
from app.closure.commands.submit import WorkOrderClosed
from app.closure.evidence_schemas import PromisedEvidenceIn, SignatureIn
from app.closure.models import Evidence, EvidenceKind
from app.domain.lifecycle import WorkOrderStatus
from app.identity.access import Caller
from app.visits.models import Visit
from app.work_orders.commands import IdReused


def sign(db: Session, visit: Visit, given: SignatureIn, *, by: Caller, at: datetime) -> tuple[Evidence, bool]:
    """Keep the signature, and whether it was kept already. A submission that waited for it is judged again.

    Raises:
        WorkOrderClosed: the work is closed, and its evidence is what it is.
        IdReused: the id came earlier with something else.
    """
    name = (visit.organization_id, given.id)
    if (earlier := db.get(Evidence, name)) is not None:
        return _same(earlier, visit, given), True
    if queries.status_of_work(db, visit, lock=True) is WorkOrderStatus.CLOSED:
        raise WorkOrderClosed("The work order is closed.")
    said = given.model_dump(exclude={"role"})
    promised = PromisedEvidenceIn.model_validate({**said, "kind": EvidenceKind.SIGNATURE, "tag": given.role})
    keep_drawn(db, visit, [promised], by_id=by.person_id, at=at)
    judge_again(db, visit, at=at)
    return _same(db.get_one(Evidence, name), visit, given), False


def _same(kept: Evidence, visit: Visit, given: SignatureIn) -> Evidence:
    known = (kept.visit_id, kept.kind, kept.tag, kept.original_sha256)
    if known != (visit.id, EvidenceKind.SIGNATURE, given.role, given.strokes.sha256):
        raise IdReused("This id came earlier with another picture.", id=str(given.id))
    return kept
