"""Attachments are announced, their bytes come in, and the two meet, whichever is first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from app.attachments import queries
from app.attachments.models import Attachment, AttachmentState, Upload, UploadChunk
from app.attachments.queries import Chunk
from app.attachments.schemas import AttachmentLinkIn, UploadWayOut
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.database import rows
from app.kit.problems import NotFound, Refusal, RuleBroken
from app.kit.queue import enqueue
from app.visits.models import Visit
from app.work_orders.commands import IdReused

PREPARE = "attachments.prepare"
PREVIEW = "attachments.preview"
#: Bytes that nobody announced, and those of an upload that stands still, are kept this long.
KEPT = timedelta(days=30)
SHARED = ("object_sha256", "object_mime", "object_bytes", "width", "height", "thumbnail_sha256")


class OffsetConflict(RuleBroken):
    """The upload stands at another byte (another request may have moved it): ask where, and go on from there."""

    code = "offset-conflict"


class UploadFinished(RuleBroken):
    """All of its bytes are here; they are neither replaced nor taken away."""

    code = "upload-finished"


class ChecksumMismatch(Refusal):
    """The bytes are not what was announced, and are not kept: send them again."""

    status, code, title = 460, "checksum-mismatch", "Checksum mismatch"


@dataclass(frozen=True, slots=True)
class LinkResult:
    """An attachment that is announced, and whether the device need not send its bytes."""

    attachment: Attachment
    replayed: bool

    @property
    def upload(self) -> Literal["not_needed"] | UploadWayOut:
        if self.attachment.stored_at is not None:
            return "not_needed"
        return UploadWayOut(url=f"/v1/attachments/{self.attachment.id}/content", protocol=["tus-1.0.0"])


def link(db: Session, caller: Caller, visit: Visit, given: AttachmentLinkIn, *, at: datetime) -> LinkResult:
    """Announce a file of this visit, which the caller was found to have (or to have had) to do with.

    The same announcement again is the same attachment. Bytes that came before it are taken when they are what it says.

    Raises:
        IdReused: the id came earlier with another file, or for another visit.
    """
    _one_at_a_time(db, caller.organization_id, given.attachment_id)
    earlier = db.get(Attachment, (caller.organization_id, given.attachment_id))
    if earlier is not None:
        said = (earlier.visit_id, earlier.role, earlier.sha256, earlier.size_bytes, earlier.mime)
        if said != (visit.id, given.role, given.sha256, given.bytes, given.mime):
            raise IdReused("This id came earlier with another file.", id=str(given.attachment_id))
        return LinkResult(earlier, replayed=True)
    made = _announced(caller, visit, given, at=at)
    db.add(made)
    db.flush()
    if (twin := queries.twin_of(db, caller, visit, given)) is not None:
        for name in SHARED:
            setattr(made, name, getattr(twin, name))
        _store(db, made, at=at)
    elif (upload := db.get(Upload, (caller.organization_id, made.id))) is not None:
        _meet(db, made, upload, at=at)
    if made.stored_at is None and given.preview is not None:
        enqueue(db, PREVIEW, organization_id=made.organization_id, attachment_id=made.id, preview=given.preview)
    _say(db, made)
    return LinkResult(made, replayed=False)


def _announced(caller: Caller, visit: Visit, given: AttachmentLinkIn, *, at: datetime) -> Attachment:
    return Attachment(
        organization_id=caller.organization_id,
        id=given.attachment_id,
        work_order_id=visit.work_order_id,
        visit_id=visit.id,
        technician_id=caller.technician_id,
        uploaded_by=caller.id,
        role=given.role,
        signer_name=given.signer_name,
        document_hash=given.document_hash,
        sha256=given.sha256,
        mime=given.mime,
        size_bytes=given.bytes,
        captured_at=given.captured_at,
        latitude=given.location.lat if given.location else None,
        longitude=given.location.lng if given.location else None,
        recorded_at=at,
    )


def _meet(db: Session, attachment: Attachment, upload: Upload, *, at: datetime) -> None:
    """The bytes, or some of them, were here first."""
    if upload.length_bytes != attachment.size_bytes or upload.sha256 not in (None, attachment.sha256):
        drop_upload(db, upload)
    elif upload.sha256 is not None:
        _store(db, attachment, at=at)
    else:
        attachment.state = AttachmentState.UPLOADING


def create_upload(
    db: Session, caller: Caller, upload_id: UUID, *, length: int, metadata: str = "", anew: bool = False, at: datetime
) -> Upload:
    """Begin to send the bytes of an attachment, announced or not; the same again is the same upload, as far as it is.

    `anew`: what came of it before, if that was not all, is forgotten.

    Raises:
        NotFound: the attachment is somebody else's.
        IdReused: it was announced, or begun, with another length.
    """
    organization_id = caller.organization_id
    _one_at_a_time(db, organization_id, upload_id)
    attachment = db.get(Attachment, (organization_id, upload_id))
    if attachment is not None:
        queries.attachment_to_send(db, caller, upload_id)
    upload = db.get(Upload, (organization_id, upload_id))
    if upload is not None and attachment is None and caller.scope is not Scope.ALL and upload.uploaded_by != caller.id:
        raise NotFound("There is no such upload.", upload_id=str(upload_id))
    if upload is not None and upload.sha256 is None and (anew or upload.expires_at <= at):
        drop_upload(db, upload)
        upload = None
    known = upload.length_bytes if upload is not None else attachment.size_bytes if attachment is not None else length
    if length != known:
        raise IdReused("This id came earlier with another length.", id=str(upload_id), length_bytes=known)
    if upload is not None:
        upload.uploaded_by = caller.id
        return upload
    return _begun(db, caller, upload_id, attachment, length=length, metadata=metadata, at=at)


def _begun(
    db: Session,
    caller: Caller,
    upload_id: UUID,
    attachment: Attachment | None,
    *,
    length: int,
    metadata: str,
    at: datetime,
) -> Upload:
    upload = Upload(
        organization_id=caller.organization_id,
        id=upload_id,
        uploaded_by=caller.id,
        length_bytes=length,
        metadata_text=metadata,
        created_at=at,
        received_at=at,
        expires_at=at + KEPT,
    )
    if attachment is not None and attachment.stored_at is not None:
        upload.received_bytes, upload.sha256 = length, attachment.sha256
    elif attachment is not None:
        attachment.state = AttachmentState.UPLOADING
        _say(db, attachment)
    db.add(upload)
    db.flush()
    return upload


APPEND = """
WITH moved AS (
    UPDATE uploads SET received_bytes = received_bytes + %(size)s, received_at = %(at)s, expires_at = %(expires_at)s
    WHERE organization_id = %(o)s AND id = %(id)s AND received_bytes = %(start)s
          AND round = %(round)s AND sha256 IS NULL
    RETURNING id
)
INSERT INTO upload_chunks (organization_id, id, upload_id, start, size_bytes)
SELECT %(o)s, c.id, moved.id, c.start, c.size_bytes
FROM moved CROSS JOIN unnest(%(ids)s::uuid[], %(starts)s::bigint[], %(sizes)s::integer[]) AS c (id, start, size_bytes)
RETURNING id
"""


def append(db: Session, upload: Upload, chunks: Sequence[Chunk], *, at: datetime) -> None:
    """Write down chunks that follow one another and are in the object store. Of two at once, one wins.

    Raises:
        OffsetConflict: the upload does not stand where the first begins, or was asked for since `upload` was read.
    """
    written = rows(
        db,
        APPEND,
        o=upload.organization_id,
        id=upload.id,
        start=chunks[0].start,
        round=upload.round,
        size=sum(one.size_bytes for one in chunks),
        at=at,
        expires_at=at + KEPT,
        ids=[one.id for one in chunks],
        starts=[one.start for one in chunks],
        sizes=[one.size_bytes for one in chunks],
    )
    if not written:
        raise OffsetConflict("The upload does not stand there (any more).")


def finish(
    db: Session, organization_id: UUID, upload_id: UUID, *, sha256: str, read: Sequence[Chunk], at: datetime
) -> bool:
    """All bytes are here, and `read` (all chunks) gave this hash: keep them, or begin from the first byte again.

    False: the bytes are not what was announced; nothing of them counts any more. To finish again changes nothing.

    Raises:
        OffsetConflict: meanwhile the upload has begun anew.
    """
    _one_at_a_time(db, organization_id, upload_id)
    upload = db.get(Upload, (organization_id, upload_id), populate_existing=True)
    if upload is None or queries.chunks_of(db, organization_id, upload_id) != list(read):
        raise OffsetConflict("The upload has begun anew.")
    if upload.sha256 is not None:
        return True
    attachment = db.get(Attachment, (organization_id, upload_id), populate_existing=True)
    if attachment is not None and attachment.sha256 != sha256:
        _forget_chunks(db, upload)
        upload.received_bytes = 0
        return False
    upload.sha256 = sha256
    if attachment is not None:
        _store(db, attachment, at=at)
        _say(db, attachment)
    return True


def take_over(db: Session, upload: Upload) -> None:
    """Whoever asks how far an upload is goes on from there: what an earlier request still holds does not count."""
    upload.round = col(Upload.round) + 1  # type: ignore[assignment]
    db.flush()
    db.refresh(upload)


def terminate(db: Session, upload: Upload) -> None:
    """The device gives up; the attachment, when it was announced, waits for bytes again.

    Raises:
        UploadFinished: all bytes are here, and are what somebody did.
    """
    _one_at_a_time(db, upload.organization_id, upload.id)
    db.refresh(upload)
    if upload.sha256 is not None:
        raise UploadFinished("All bytes of this upload are here already.")
    attachment = db.get(Attachment, (upload.organization_id, upload.id))
    if attachment is not None and attachment.state == AttachmentState.UPLOADING:
        attachment.state = AttachmentState.PENDING
        _say(db, attachment)
    drop_upload(db, upload)


def drop_upload(db: Session, upload: Upload) -> None:
    """Forget an upload. Its objects are garbage from now on: whoever can deletes them, or else the nightly sweep."""
    _forget_chunks(db, upload)
    db.delete(upload)
    db.flush()


def _forget_chunks(db: Session, upload: Upload) -> None:
    db.exec(
        sa.delete(UploadChunk).where(
            col(UploadChunk.organization_id) == upload.organization_id, col(UploadChunk.upload_id) == upload.id
        )
    )


def _store(db: Session, attachment: Attachment, *, at: datetime) -> None:
    attachment.state, attachment.stored_at = AttachmentState.STORED, at
    enqueue(db, PREPARE, organization_id=attachment.organization_id, attachment_id=attachment.id)


def _say(db: Session, attachment: Attachment) -> None:
    touch(db, attachment.organization_id, Kind.WORK_ORDER, attachment.work_order_id)


def _one_at_a_time(db: Session, organization_id: UUID, attachment_id: UUID) -> None:
    """Who announces, begins or finishes one attachment waits for the other who does: they see each other's rows."""
    said = f"attachment:{organization_id}:{attachment_id}"
    rows(db, "SELECT pg_advisory_xact_lock(hashtextextended(%(said)s, 0))", said=said)
