"""What the worker does with attachments: makes what came safe to look at, and tidies up at night."""

import base64
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from typing import IO
from uuid import UUID

from app.attachments import queries, upkeep
from app.attachments.commands import PREPARE, PREVIEW
from app.attachments.models import Attachment, AttachmentState
from app.attachments.schemas import SIGNATURE
from app.attachments.upkeep import Made
from app.identity.queries import every_organization
from app.kit import clock
from app.kit.images import ImageTooLarge, ImageTypeRefused, ImageUnreadable, Limits, reencode
from app.kit.objects import Objects, key_of
from app.kit.queue import Sweep, Task
from app.kit.runtime import Runtime

THUMBNAIL = Limits(edge_px=320)
SMALL = Limits(edge_px=160, jpeg_quality=60)
NO_PICTURE = (ImageTypeRefused, ImageTooLarge, ImageUnreadable)
MOST_PICTURE_BYTES = Limits().upload_bytes
#: Files that are kept as they are, for download only: what they begin with, and where.
KEPT_AS_THEY_ARE = {"application/pdf": (0, b"%PDF-"), "video/mp4": (4, b"ftyp")}
#: An object that no row points to is nobody's after so long: no request lasts that long.
GARBAGE_AFTER = timedelta(days=1)


def prepare_attachment(runtime: Runtime, *, organization_id: str, attachment_id: str) -> None:
    """Make the stored bytes of an attachment into what is served. Safe to run twice, and at the same time."""
    owner, subject = UUID(organization_id), UUID(attachment_id)
    with runtime.transaction(owner) as db:
        attachment = db.get(Attachment, (owner, subject))
        if attachment is None or attachment.state != AttachmentState.STORED or attachment.prepared_at is not None:
            return
        keys = [queries.key_of_chunk(owner, subject, one) for one in queries.chunks_of(db, owner, subject)]
    made: Made | None = None
    if attachment.object_sha256 is None:
        made = make_safe(runtime.objects, attachment, keys)
    with runtime.transaction(owner) as db:
        upkeep.write_down(db, owner, subject, made, at=clock.now())
    runtime.objects.delete(*keys)


def make_safe(objects: Objects, attachment: Attachment, keys: Sequence[str]) -> Made:
    """Keep what is to be served of these bytes, or say why nothing is."""
    with tempfile.TemporaryFile() as whole:
        for key in keys:
            for piece in objects.stream(key):
                whole.write(piece)
        whole.seek(0)
        if attachment.mime in KEPT_AS_THEY_ARE:
            return _kept_as_it_is(objects, attachment, whole)
        try:
            return _picture(objects, attachment, whole.read(MOST_PICTURE_BYTES + 1))
        except NO_PICTURE as refusal:
            return Made(reason=refusal.code)


def _kept_as_it_is(objects: Objects, attachment: Attachment, whole: IO[bytes]) -> Made:
    place, sign = KEPT_AS_THEY_ARE[attachment.mime]
    if not whole.read(64)[place:].startswith(sign):
        return Made(reason="file-type-refused")
    whole.seek(0)
    key = key_of(attachment.organization_id, attachment.sha256)
    if objects.size(key) is None:
        objects.put(key, whole)
    return Made(object_sha256=attachment.sha256, object_mime=attachment.mime, object_bytes=attachment.size_bytes)


def _picture(objects: Objects, attachment: Attachment, data: bytes) -> Made:
    signed = attachment.role.startswith(SIGNATURE)
    picture = reencode(data, declared=attachment.mime, keep_png=signed)
    small = reencode(picture.bytes, declared=picture.mime, keep_png=signed, limits=THUMBNAIL)
    objects.keep(attachment.organization_id, picture.bytes)
    objects.keep(attachment.organization_id, small.bytes)
    return Made(
        object_sha256=picture.sha256,
        object_mime=picture.mime,
        object_bytes=len(picture.bytes),
        width=picture.width,
        height=picture.height,
        thumbnail_sha256=small.sha256,
    )


def make_preview(runtime: Runtime, *, organization_id: str, attachment_id: str, preview: str) -> None:
    """Show, until the file is here, what the device sent in its place: written anew like any other picture."""
    owner, subject = UUID(organization_id), UUID(attachment_id)
    try:
        small = reencode(base64.b64decode(preview), limits=SMALL)
    except NO_PICTURE:
        return
    with runtime.transaction(owner) as db:
        upkeep.show_meanwhile(db, owner, subject, small.bytes)


def tidy(runtime: Runtime) -> None:
    """Say what is missing, nudge what was forgotten, and take away what nobody wants, organization by organization."""
    for organization_id in every_organization(runtime):
        tidy_organization(runtime, organization_id)


def tidy_organization(runtime: Runtime, organization_id: UUID) -> None:
    at = clock.now()
    with runtime.transaction(organization_id) as db:
        upkeep.report_missing(db, organization_id, at=at)
        upkeep.nudge_unprepared(db, organization_id, at=at)
        upkeep.drop_expired(db, organization_id, at=at)
    listed = [
        one
        for one in runtime.objects.below(queries.chunk_folder(organization_id))
        if one.changed_at < at - GARBAGE_AFTER
    ]
    if listed:
        with runtime.transaction(organization_id) as db:
            wanted = upkeep.wanted_keys(db, organization_id)
        runtime.objects.delete(*(one.key for one in listed if one.key not in wanted))


TASKS = [Task(PREPARE, prepare_attachment), Task(PREVIEW, make_preview)]
SWEEPS = [Sweep("attachments.tidy", "23 3 * * *", tidy)]
