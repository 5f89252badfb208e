"""Photos, signatures and documents of a visit: what was announced, and the bytes as they come in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, belongs_to, index, one_of, time_field


class AttachmentState(StrEnum):
    PENDING = "pending"
    """Announced; no bytes yet."""
    UPLOADING = "uploading"
    STORED = "stored"
    """All bytes are here and are what was announced."""
    MISSING = "missing"
    """No bytes for 14 days; it is stored as soon as they come after all."""
    REJECTED = "rejected"
    """The bytes are not what their media type says; `reason` says why."""


class Attachment(Table, table=True):
    """What a device says it has; the id is made there. It is announced first, the bytes follow (`Upload`).

    `sha256`, `mime` and `size_bytes` are of the bytes as announced. What is served (`object_…`, and `thumbnail_sha256`
    for pictures) is made from them when they are stored: until `prepared_at` there is nothing to serve.
    """

    __tablename__ = "attachments"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        belongs_to("technicians", "technician_id"),
        one_of(AttachmentState, "state"),
        index("visit_id", name="ix_attachments_visit_id"),
        index("work_order_id", name="ix_attachments_work_order_id"),
        index("technician_id", name="ix_attachments_technician_id"),
        index("sha256", name="ix_attachments_sha256"),
        index("recorded_at", where="state IN ('pending', 'uploading')", name="ix_attachments_waiting"),
        index("stored_at", where="state = 'stored' AND prepared_at IS NULL", name="ix_attachments_unprepared"),
    )

    work_order_id: UUID
    visit_id: UUID
    technician_id: UUID | None = None
    uploaded_by: UUID
    """The person, or the API client, that announced it."""
    role: str
    """before, after, serial, damage, document, …; `signature:customer`, `signature:technician`, `signature:witness`."""
    signer_name: str | None = None
    document_hash: str | None = None
    """Of what was shown to who signs: SHA-256 of its canonical JSON, in hex."""
    sha256: str
    mime: str
    size_bytes: int = Field(sa_type=sa.BigInteger)
    captured_at: datetime | None = time_field()
    latitude: float | None = None
    longitude: float | None = None
    preview: bytes | None = None
    """A small picture to show until the real one is here: a new one, made of what the device sent."""
    state: AttachmentState = Field(default=AttachmentState.PENDING, sa_type=sa.Text)
    reason: str | None = None
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    stored_at: datetime | None = time_field()
    prepared_at: datetime | None = time_field()
    object_sha256: str | None = None
    object_mime: str | None = None
    object_bytes: int | None = Field(default=None, sa_type=sa.BigInteger)
    width: int | None = None
    height: int | None = None
    thumbnail_sha256: str | None = None


class Upload(Table, table=True):
    """Bytes on their way; the id is the attachment's, which may be announced before, meanwhile, or later."""

    __tablename__ = "uploads"
    __table_args__ = (
        sa.CheckConstraint("received_bytes BETWEEN 0 AND length_bytes", name="received_bytes"),
        index("expires_at", name="ix_uploads_expires_at"),
    )

    uploaded_by: UUID
    length_bytes: int = Field(sa_type=sa.BigInteger)
    received_bytes: int = Field(default=0, sa_type=sa.BigInteger)
    round: int = 0
    """Goes up whenever somebody asks how far it is: who sent before that writes no more, or the answer would be old."""
    metadata_text: str = ""
    """The `Upload-Metadata` of its creation, word for word."""
    sha256: str | None = None
    """Of all bytes, once they are here."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    """When the last of its bytes came."""
    expires_at: datetime = Field(sa_type=UtcDateTime)


class UploadChunk(Table, table=True):
    """Bytes that are in the object store for good, from `start` on; see `receiving.key_of`."""

    __tablename__ = "upload_chunks"
    __table_args__ = (
        belongs_to("uploads", "upload_id"),
        index("upload_id", "start", unique=True, name="uq_upload_chunks_upload_id_start"),
    )

    upload_id: UUID
    start: int = Field(sa_type=sa.BigInteger)
    size_bytes: int
