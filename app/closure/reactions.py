"""What closure does when others say that something happened."""

from sqlmodel import Session

from app.attachments.events import AttachmentStored
from app.attachments.models import Attachment
from app.attachments.schemas import SIGNATURE
from app.closure import queries
from app.closure.commands.keep_evidence import Proof, record_evidence
from app.closure.models import EvidenceKind
from app.domain.closure_policy import policy_of
from app.domain.lifecycle import WorkOrderStatus
from app.visits.models import Visit
from app.work_orders.commands import close
from app.work_orders.events import WorkOrderCompleted
from app.work_orders.ledger import open_ledger


def close_without_rules(db: Session, event: WorkOrderCompleted) -> None:
    """Work whose policy asks for nothing closes when it is completed: two taps are enough in a small shop."""
    if event.visit_id is None:
        return
    if queries.last_verdict(db, event.organization_id, event.visit_id) is not None:
        return
    policy = policy_of(queries.material_of(db, event.organization_id, event.visit_id)["closure_policy"])
    if policy.asks_for_nothing and policy.auto_close:
        ledger = open_ledger(db, event.organization_id, event.work_order_id)
        if ledger.order.status is WorkOrderStatus.COMPLETED:
            close(db, ledger, by=None, at=event.at, data={"policy": policy.id})


#: Pictures of this role are papers, not proof.
DOCUMENT = "document"


def keep_attached_evidence(db: Session, event: AttachmentStored) -> None:
    """A picture that proves something proves it now: a signature by its role, any other by its tag.

    The evidence has the attachment's id. What comes after the work was closed stays an attachment.
    """
    visit = db.get_one(Visit, (event.organization_id, event.visit_id))
    attachment = db.get_one(Attachment, (event.organization_id, event.attachment_id))
    if attachment.role == DOCUMENT or attachment.width is None:
        return
    if queries.status_of_work(db, visit) is WorkOrderStatus.CLOSED:
        return
    record_evidence(db, visit, _proof(attachment), at=event.at)


def _proof(attachment: Attachment) -> Proof:
    assert attachment.object_sha256 is not None
    assert attachment.object_mime is not None
    assert attachment.object_bytes is not None
    assert attachment.width is not None
    assert attachment.height is not None
    signed = attachment.role.startswith(SIGNATURE)
    return Proof(
        id=attachment.id,
        kind=EvidenceKind.SIGNATURE if signed else EvidenceKind.PHOTO,
        tag=attachment.role.removeprefix(SIGNATURE),
        signer_name=attachment.signer_name,
        sha256=attachment.object_sha256,
        original_sha256=attachment.sha256,
        mime=attachment.object_mime,
        size_bytes=attachment.object_bytes,
        width=attachment.width,
        height=attachment.height,
        captured_at=attachment.captured_at,
        latitude=attachment.latitude,
        longitude=attachment.longitude,
        uploaded_by=attachment.uploaded_by,
    )
