"""Shapes of the routes of attachments."""

import base64
import binascii
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator

from app.attachments.models import AttachmentState
from app.kit.images import kind_of
from app.kit.schemas import Code, Coordinates, In, Line, Out, Time, UtcTime

MOST_BYTES = 50 * 1024 * 1024
MOST_PREVIEW_BYTES = 8 * 1024
SIGNATURE = "signature:"
SIGNERS = ("customer", "technician", "witness")

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Mime = Literal["image/jpeg", "image/png", "image/webp", "application/pdf", "video/mp4"]


class AttachmentLinkIn(In):
    """What a device announces before the bytes come; `attachment_id` is made there.

    `role`: before, after, serial, damage, document, …, or signature:customer, signature:technician, signature:witness.
    `sha256` (lower-case hex), `bytes` and `mime` are of the file as it will be uploaded. `preview`: a small JPEG, PNG
    or WebP in base64, 8 KiB at most, to show (as a new picture) until the file is here.
    `document_hash`: of what was shown to who signs, SHA-256 of its canonical JSON (RFC 8785), in hex.
    """

    attachment_id: UUID
    role: Code
    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=MOST_BYTES)]
    mime: Mime
    captured_at: Time | None = None
    location: Coordinates | None = None
    signer_name: Line | None = None
    document_hash: Sha256 | None = None
    preview: Annotated[str, StringConstraints(max_length=4 * MOST_PREVIEW_BYTES // 3 + 4)] | None = None

    @field_validator("role")
    @classmethod
    def _a_signer(cls, value: str) -> str:
        if value.startswith(SIGNATURE) and value.removeprefix(SIGNATURE) not in SIGNERS:
            raise ValueError("a signature is the customer's, the technician's or the witness's")
        return value

    @field_validator("preview")
    @classmethod
    def _a_small_picture(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            data = base64.b64decode(value, validate=True)
        except binascii.Error:
            raise ValueError("is not base64") from None
        if len(data) > MOST_PREVIEW_BYTES:
            raise ValueError(f"has more than {MOST_PREVIEW_BYTES} bytes")
        if kind_of(data) is None:
            raise ValueError("is neither JPEG, PNG nor WebP")
        return value


class UploadWayOut(Out):
    """Where the bytes go. `url` takes small files in one PUT; larger ones go to /v1/uploads by the protocol."""

    url: str
    protocol: list[str]


class AttachmentLinkOut(Out):
    """An attachment that is announced; `upload` is `not_needed` when we have its bytes already."""

    attachment_id: UUID
    state: AttachmentState
    upload: Literal["not_needed"] | UploadWayOut


class AttachmentOut(Out):
    """A photo, signature or document of a visit.

    `sha256`, `bytes` and `mime` are of the file as it was announced. Pictures are served as new pictures without
    anything but their pixels, so `url` (and `thumbnail_url`: 320 pixels at most) gives other bytes; both work without
    a token until `urls_expire_at`, and are null while there is nothing to serve. `reason`: why it was rejected.
    """

    id: UUID
    visit_id: UUID
    work_order_id: UUID
    role: str
    signer_name: str | None
    sha256: str
    bytes: int
    mime: str
    state: AttachmentState
    reason: str | None
    received_bytes: int
    captured_at: UtcTime | None
    location: Coordinates | None
    preview: str | None
    width: int | None
    height: int | None
    recorded_at: UtcTime
    stored_at: UtcTime | None
    url: str | None
    thumbnail_url: str | None
    urls_expire_at: UtcTime | None


class AttachmentsOut(Out):
    items: list[AttachmentOut]
