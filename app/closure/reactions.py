"""What closure does when others say that something happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.attachments.events import AttachmentStored
from app.attachments.models import Attachment
from app.attachments.schemas import SIGNATURE
from app.closure import queries
from app.closure.codes import ensure_code
from app.closure.commands.evidence_rows import Proof
from app.closure.commands.following_up import open_follow_ups
from app.closure.commands.keep_evidence import record_evidence
from app.closure.material import HandedIn, known_of, material_of
from app.closure.models import EvidenceKind
from app.closure.schemas import ClosureIn
from app.domain.closure_policy import ClosurePolicy, policy_of
from app.domain.lifecycle import WorkOrderStatus
from app.visits.events import VisitDispatched
from app.visits.models import Visit
from app.work_orders.commands import close
from app.work_orders.events import WorkOrderCompleted
from app.work_orders.ledger import SYSTEM, OpenLedger, open_ledger


def give_customer_code(db: Session, event: VisitDispatched) -> None:
    """Somebody is sent: where the policy asks for the customer's code, the customer gets one."""
    ensure_code(db, event.organization_id, event.visit_id, at=event.at)


def close_without_rules(db: Session, event: WorkOrderCompleted) -> None:
    """Work whose policy asks for nothing closes when it is completed: two taps are enough in a small shop.

    Not while another visit of it waits for evidence or a supervisor.
    """
    if event.visit_id is None:
        return
    if queries.last_verdict(db, event.organization_id, event.visit_id) is not None:
        return
    material = material_of(db, event.organization_id, event.visit_id)
    policy = policy_of(material["closure_policy"])
    if not policy.asks_for_nothing:
        return
    ledger = open_ledger(db, event.organization_id, event.work_order_id)
    if any(item.get("on_fail") for item in material["checklist"]):
        _open_follow_ups(db, ledger, event.visit_id, material, at=event.at)
    waited_for = queries.undecided_visits(db, event.organization_id, event.work_order_id)
    if policy.auto_close and ledger.order.status is WorkOrderStatus.COMPLETED and not waited_for:
        close(db, ledger, by=None, at=event.at, data={"policy": policy.id})


def _open_follow_ups(
    db: Session, ledger: OpenLedger, visit_id: UUID, material: Mapping[str, Any], *, at: datetime
) -> None:
    """What was ticked on site may open work too where nobody submits anything."""
    said = ClosureIn(id=visit_id, occurred_at=at)
    handed_in = HandedIn(id=visit_id, given=said, ended_at=at)
    known = known_of(db, ledger, ledger.visits[visit_id], handed_in, policy=ClosurePolicy(), material=material)
    open_follow_ups(db, ledger, visit_id, known, found_at=at, by=SYSTEM, at=at)


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
    if queries.status_of_work(db, visit, lock=True) is WorkOrderStatus.CLOSED:
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
        document_hash=attachment.document_hash,
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
