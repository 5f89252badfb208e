"""Attachments as they are shown, with addresses that work without a token for a quarter of an hour."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from itsdangerous import BadSignature
from sqlmodel import Session

from app.attachments import queries
from app.attachments.models import Attachment
from app.attachments.schemas import AttachmentOut
from app.kit.database import enter
from app.kit.objects import key_of
from app.kit.problems import Gone, NotFound, RuleBroken
from app.kit.ranges import FILE_HEADERS, object_response
from app.kit.runtime import Runtime, runtime_of
from app.kit.schemas import Coordinates

SIGNED_FOR = timedelta(minutes=15)
THUMBNAIL_PX = 320
ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "application/pdf": "pdf",
    "video/mp4": "mp4",
}


class AttachmentNotReady(RuleBroken):
    """There is nothing to serve: its bytes are not all here, are being made safe, or were rejected."""

    code = "attachment-not-ready"


class LinkExpired(Gone):
    """Ask for the attachment again: the new answer has a new address."""

    code = "link-expired"


def shown(
    db: Session, organization_id: UUID, attachments: Sequence[Attachment], *, at: datetime
) -> list[AttachmentOut]:
    """In their order."""
    received = queries.received_of(db, organization_id, attachments)
    runtime = runtime_of(db)
    return [_shown(runtime, one, received.get(one.id, 0), at) for one in attachments]


def _shown(runtime: Runtime, one: Attachment, received_bytes: int, at: datetime) -> AttachmentOut:
    url = expires_at = None
    if one.object_sha256 is not None:
        expires_at = (at + SIGNED_FOR).replace(microsecond=0)
        url = f"/v1/signed-attachments/{_token(runtime, one, expires_at)}"
    same = ("id", "visit_id", "work_order_id", "role", "signer_name", "sha256", "mime", "state", "reason",
            "captured_at", "width", "height", "recorded_at", "stored_at")  # fmt: skip
    place = None
    if one.latitude is not None and one.longitude is not None:
        place = Coordinates(lat=one.latitude, lng=one.longitude)
    facts: dict[str, Any] = {name: getattr(one, name) for name in same}
    return AttachmentOut(
        **facts,
        bytes=one.size_bytes,
        received_bytes=received_bytes,
        location=place,
        preview=base64.b64encode(one.preview).decode() if one.preview is not None else None,
        url=url,
        thumbnail_url=f"{url}?w={THUMBNAIL_PX}" if url is not None and one.thumbnail_sha256 is not None else None,
        urls_expire_at=expires_at,
    )


def _token(runtime: Runtime, attachment: Attachment, expires_at: datetime) -> str:
    said = [attachment.organization_id.hex, attachment.id.hex, int(expires_at.timestamp())]
    return str(runtime.signer("attachment").dumps(said))


def attachment_by_token(db: Session, token: str, *, at: datetime) -> Attachment:
    """What a signed address is about; the transaction enters its organization.

    Raises:
        NotFound: we did not sign this, or the attachment is no more.
        LinkExpired: its time is over.
    """
    try:
        organization, attachment, expires = runtime_of(db).signer("attachment").loads(token)
    except BadSignature:
        raise NotFound("There is no such attachment.") from None
    if datetime.fromtimestamp(expires, UTC) <= at:
        raise LinkExpired("This address has expired: ask for the attachment again.")
    enter(db, UUID(organization), read_only=True)
    found = db.get(Attachment, (UUID(organization), UUID(attachment)))
    if found is None:
        raise NotFound("There is no such attachment.")
    return found


def file_response(request: Request, runtime: Runtime, attachment: Attachment, *, width: int | None) -> Response:
    """The file, or its thumbnail where `width` (pixels) is small enough for that and there is one.

    Raises:
        AttachmentNotReady: there is nothing to serve.
        RangeNotSatisfiable: it has no such bytes.
    """
    if attachment.object_sha256 is None or attachment.object_mime is None:
        raise AttachmentNotReady("There is nothing to serve (yet).", state=attachment.state)
    sha256, mime = attachment.object_sha256, attachment.object_mime
    if width is not None and width <= THUMBNAIL_PX and attachment.thumbnail_sha256 is not None:
        sha256 = attachment.thumbnail_sha256
    name = f'attachment; filename="{attachment.id}.{ENDINGS[mime]}"'
    headers = {**FILE_HEADERS, "Content-Disposition": name}
    key = key_of(attachment.organization_id, sha256)
    return object_response(request, runtime.objects, key, sha256=sha256, mime=mime, headers=headers)
