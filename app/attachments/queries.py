"""Reading attachments and uploads: always for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.attachments.models import Attachment, AttachmentState, Upload, UploadChunk
from app.attachments.schemas import SIGNATURE, AttachmentLinkIn
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.problems import Gone, NotFound
from app.visits.models import Visit
from app.visits.queries import visits_of


class UploadExpired(Gone):
    """Its bytes were kept for 30 days and are no more: begin a new upload."""

    code = "upload-expired"


@dataclass(frozen=True, slots=True)
class Chunk:
    id: UUID
    start: int
    size_bytes: int


def attachment_for(db: Session, caller: Caller, attachment_id: UUID) -> Attachment:
    """An attachment of a visit that the caller reaches.

    Raises:
        NotFound: there is none, or the visit is out of the caller's reach.
    """
    query = select(Attachment).where(
        Attachment.organization_id == caller.organization_id, Attachment.id == attachment_id
    )
    if caller.scope is not Scope.ALL:
        query = query.where(col(Attachment.visit_id).in_(visits_of(caller).with_only_columns(col(Visit.id))))
    found = db.exec(query).one_or_none()
    if found is None:
        raise NotFound("There is no such attachment.", attachment_id=str(attachment_id))
    return found


def attachment_to_send(db: Session, caller: Caller, attachment_id: UUID) -> Attachment:
    """An attachment whose bytes the caller may send: announced by them, be the visit theirs still or not, or reached.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = db.get(Attachment, (caller.organization_id, attachment_id))
    if found is not None and found.uploaded_by == caller.id:
        return found
    return attachment_for(db, caller, attachment_id)


def attachments_of(db: Session, organization_id: UUID, visit_id: UUID) -> Sequence[Attachment]:
    """In the order in which they were announced."""
    return db.exec(
        select(Attachment)
        .where(Attachment.organization_id == organization_id, Attachment.visit_id == visit_id)
        .order_by(col(Attachment.recorded_at), col(Attachment.id))
    ).all()


def received_of(db: Session, organization_id: UUID, attachments: Sequence[Attachment]) -> dict[UUID, int]:
    """From attachment to how many of its bytes are here."""
    waiting = [one.id for one in attachments if one.stored_at is None]
    found = db.exec(
        select(Upload.id, Upload.received_bytes).where(
            Upload.organization_id == organization_id, col(Upload.id).in_(waiting)
        )
    ).all()
    whole = {one.id: one.size_bytes for one in attachments if one.stored_at is not None}
    return whole | dict(found)


def twin_of(db: Session, caller: Caller, visit: Visit, given: AttachmentLinkIn) -> Attachment | None:
    """The same file, here already: in the same job, or from the same technician, and nowhere else, because to be told
    that we have it is to be told that somebody has it."""
    ours = col(Attachment.work_order_id) == visit.work_order_id
    if caller.technician_id is not None:
        ours = sa.or_(ours, col(Attachment.technician_id) == caller.technician_id)
    query = select(Attachment).where(
        Attachment.organization_id == caller.organization_id,
        Attachment.sha256 == given.sha256,
        Attachment.size_bytes == given.bytes,
        Attachment.mime == given.mime,
        Attachment.state == AttachmentState.STORED,
        col(Attachment.prepared_at).is_not(None),
        col(Attachment.role).startswith(SIGNATURE) == given.role.startswith(SIGNATURE),
        ours,
    )
    return db.exec(query.order_by(col(Attachment.id)).limit(1)).first()


def upload_for(db: Session, caller: Caller, upload_id: UUID, *, at: datetime) -> Upload:
    """An upload that the caller began.

    Raises:
        NotFound: there is none, or it is somebody else's.
        UploadExpired: its time is over; what had come is on its way out.
    """
    query = select(Upload).where(Upload.organization_id == caller.organization_id, Upload.id == upload_id)
    if caller.scope is not Scope.ALL:
        query = query.where(Upload.uploaded_by == caller.id)
    found = db.exec(query).one_or_none()
    if found is None:
        raise NotFound("There is no such upload.", upload_id=str(upload_id))
    if found.expires_at <= at and found.sha256 is None:
        raise UploadExpired("This upload has expired: begin a new one.")
    return found


def chunks_of(db: Session, organization_id: UUID, upload_id: UUID) -> list[Chunk]:
    """In their order, which leaves no gap."""
    found = db.exec(
        select(UploadChunk.id, UploadChunk.start, UploadChunk.size_bytes)
        .where(UploadChunk.organization_id == organization_id, UploadChunk.upload_id == upload_id)
        .order_by(col(UploadChunk.start))
    ).all()
    return [Chunk(*one) for one in found]


def key_of_chunk(organization_id: UUID, upload_id: UUID, chunk: Chunk) -> str:
    """Where a chunk's bytes are; two that begin at the same byte never meet."""
    return f"{chunk_folder(organization_id)}/{upload_id}/{chunk.start}-{chunk.id}"


def chunk_folder(organization_id: UUID) -> str:
    return f"{organization_id}/uploads"
