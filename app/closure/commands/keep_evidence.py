"""Photos and signatures are written down when they are safe and kept; what waited for them moves on."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.closure import queries
from app.closure.commands.evidence_rows import Proof, write_evidence
from app.closure.commands.judging import judge_again
from app.closure.commands.submit import WorkOrderClosed
from app.closure.evidence_schemas import EvidenceIn
from app.closure.models import Evidence
from app.domain.lifecycle import WorkOrderStatus
from app.identity.access import Caller
from app.kit.images import Image
from app.visits.models import Visit
from app.visits.queries import visit_for
from app.work_orders.commands import IdReused


def check_evidence(
    db: Session, caller: Caller, visit_id: UUID, given: EvidenceIn, *, original_sha256: str, lock: bool = False
) -> Evidence | None:
    """What was kept under this id before; None when the visit may take it; with `lock`, until the transaction ends.

    Raises:
        NotFound: there is no such visit in the caller's reach.
        WorkOrderClosed: the work is closed, and its evidence is what it is.
        IdReused: the id came earlier with another picture.
    """
    visit = visit_for(db, caller, visit_id)
    if (earlier := db.get(Evidence, (caller.organization_id, given.id))) is not None:
        return _same(earlier, visit.id, given, original_sha256)
    if queries.status_of_work(db, visit, lock=lock) is WorkOrderStatus.CLOSED:
        raise WorkOrderClosed("The work order is closed.")
    return None


def keep_evidence(
    db: Session,
    caller: Caller,
    visit_id: UUID,
    given: EvidenceIn,
    image: Image,
    *,
    at: datetime,
) -> tuple[Evidence, bool]:
    """Write down a picture of the visit whose bytes are kept; and whether it was written down already.

    A submission that waited for it is judged again.

    Raises:
        NotFound, WorkOrderClosed, IdReused: as `check_evidence` says.
    """
    visit = visit_for(db, caller, visit_id)
    known = check_evidence(db, caller, visit_id, given, original_sha256=image.original_sha256, lock=True)
    made = None if known is not None else record_evidence(db, visit, _proof(given, image, by=caller), at=at)
    if made is not None:
        return made, False
    earlier = db.get_one(Evidence, (caller.organization_id, given.id))
    return _same(earlier, visit.id, given, image.original_sha256), True


def record_evidence(db: Session, visit: Visit, proof: Proof, *, at: datetime) -> Evidence | None:
    """Write down a picture that is kept, and judge what waited for it; None when it was written down already.

    The work order is locked before: to insert the row locks it a little, and of two who did so neither could go on.
    """
    made = write_evidence(db, visit, proof, at=at)
    if made is not None:
        judge_again(db, visit, at=at)
    return made


def _proof(given: EvidenceIn, image: Image, *, by: Caller) -> Proof:
    return Proof(
        id=given.id,
        kind=given.kind,
        tag=given.tag,
        signer_name=given.signer_name,
        document_hash=given.document_hash,
        sha256=image.sha256,
        original_sha256=image.original_sha256,
        mime=image.mime,
        size_bytes=len(image.bytes),
        width=image.width,
        height=image.height,
        captured_at=given.captured_at,
        latitude=given.lat,
        longitude=given.lng,
        uploaded_by=by.person_id,
    )


def _same(earlier: Evidence, visit_id: UUID, given: EvidenceIn, original_sha256: str) -> Evidence:
    known = (earlier.visit_id, earlier.kind, earlier.tag, earlier.original_sha256)
    if known != (visit_id, given.kind, given.tag, original_sha256):
        raise IdReused("This id came earlier with another picture.", id=str(given.id))
    return earlier
