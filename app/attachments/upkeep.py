"""What becomes of attachments without a request: written down when they are safe, missed when they do not come."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.attachments.commands import PREPARE, drop_upload
from app.attachments.events import AttachmentMissing, AttachmentStored
from app.attachments.models import Attachment, AttachmentState, Upload, UploadChunk
from app.attachments.queries import Chunk, key_of_chunk
from app.kit.changes import Kind, touch
from app.kit.events import publish
from app.kit.queue import enqueue

#: What was announced and did not come in this time (or stood still for it) is missing.
MISSED_AFTER = timedelta(days=14)
#: Stored and not prepared: the task was lost, or failed too often.
NUDGE_AFTER = timedelta(hours=1)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Made:
    """What is served of an attachment; or `reason`: why nothing is."""

    object_sha256: str | None = None
    object_mime: str | None = None
    object_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    thumbnail_sha256: str | None = None
    reason: str | None = None


def show_meanwhile(db: Session, organization_id: UUID, attachment_id: UUID, preview: bytes) -> None:
    """A small picture to show until the real one is here; nothing when that is so already."""
    attachment = db.get(Attachment, (organization_id, attachment_id), with_for_update=True)
    if attachment is not None and attachment.prepared_at is None:
        attachment.preview = preview


def write_down(db: Session, organization_id: UUID, attachment_id: UUID, made: Made | None, *, at: datetime) -> None:
    """It is safe to look at, or rejected. `made`: None where it shares the object of its twin. Once only."""
    attachment = db.get_one(Attachment, (organization_id, attachment_id), with_for_update=True)
    if attachment.prepared_at is not None:
        return
    attachment.prepared_at, attachment.preview = at, None
    for name, value in asdict(made).items() if made is not None else ():
        setattr(attachment, name, value)
    db.exec(
        sa.delete(UploadChunk).where(
            col(UploadChunk.organization_id) == organization_id, col(UploadChunk.upload_id) == attachment_id
        )
    )
    touch(db, organization_id, Kind.WORK_ORDER, attachment.work_order_id)
    if attachment.reason is not None:
        attachment.state = AttachmentState.REJECTED
        return
    db.flush()
    publish(
        db,
        AttachmentStored(
            organization_id=organization_id,
            at=at,
            attachment_id=attachment.id,
            visit_id=attachment.visit_id,
            work_order_id=attachment.work_order_id,
        ),
    )


def report_missing(db: Session, organization_id: UUID, *, at: datetime) -> None:
    """Announced 14 days ago, and since then no byte came."""
    came = sa.and_(col(Upload.organization_id) == organization_id, col(Upload.id) == col(Attachment.id))
    late = db.exec(
        select(Attachment)
        .outerjoin(Upload, came)
        .where(
            Attachment.organization_id == organization_id,
            col(Attachment.state).in_([AttachmentState.PENDING, AttachmentState.UPLOADING]),
            Attachment.recorded_at < at - MISSED_AFTER,
            sa.func.coalesce(Upload.received_at, Attachment.recorded_at) < at - MISSED_AFTER,
        )
        .limit(AT_ONCE)
        .with_for_update(of=Attachment, skip_locked=True)
    ).all()
    for one in late:
        one.state = AttachmentState.MISSING
        touch(db, organization_id, Kind.WORK_ORDER, one.work_order_id)
        publish(
            db,
            AttachmentMissing(
                organization_id=organization_id,
                at=at,
                attachment_id=one.id,
                visit_id=one.visit_id,
                work_order_id=one.work_order_id,
                technician_id=one.technician_id,
            ),
        )


def nudge_unprepared(db: Session, organization_id: UUID, *, at: datetime) -> None:
    found = db.exec(
        select(Attachment.id)
        .where(
            Attachment.organization_id == organization_id,
            Attachment.state == AttachmentState.STORED,
            col(Attachment.prepared_at).is_(None),
            col(Attachment.stored_at) < at - NUDGE_AFTER,
        )
        .limit(AT_ONCE)
    ).all()
    for attachment_id in found:
        enqueue(db, PREPARE, organization_id=organization_id, attachment_id=attachment_id)


def drop_expired(db: Session, organization_id: UUID, *, at: datetime) -> None:
    """Forget uploads whose time is over, but for those whose bytes are still to be made safe."""
    waits = select(Attachment.id).where(
        Attachment.organization_id == organization_id,
        Attachment.state == AttachmentState.STORED,
        col(Attachment.prepared_at).is_(None),
    )
    found = db.exec(
        select(Upload)
        .where(Upload.organization_id == organization_id, Upload.expires_at < at, col(Upload.id).not_in(waits))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for upload in found:
        drop_upload(db, upload)


def wanted_keys(db: Session, organization_id: UUID) -> set[str]:
    """Of all chunks that count."""
    found = db.exec(
        select(UploadChunk.upload_id, UploadChunk.id, UploadChunk.start, UploadChunk.size_bytes).where(
            UploadChunk.organization_id == organization_id
        )
    ).all()
    return {
        key_of_chunk(organization_id, upload_id, Chunk(name, start, size)) for upload_id, name, start, size in found
    }
