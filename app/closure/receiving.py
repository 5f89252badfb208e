"""Photos and signatures come in: nothing is held while they come, nor while another process makes them safe."""

import hashlib
from datetime import datetime
from functools import partial
from uuid import UUID

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from app.closure.commands.keep_evidence import check_evidence, keep_evidence
from app.closure.evidence_schemas import EvidenceIn
from app.closure.models import Evidence, EvidenceKind
from app.identity.access import Caller, seat
from app.identity.streamed import in_transaction
from app.kit.images import Image, ImageTooLarge, Limits, reencode
from app.kit.objects import Objects
from app.kit.runtime import Runtime

UPLOAD_BYTES = 15_000_000


async def receive_evidence(
    request: Request, caller: Caller, visit_id: UUID, given: EvidenceIn, *, at: datetime
) -> tuple[Evidence, bool]:
    """Keep a photo or signature of a visit; and whether it was kept already.

    Raises:
        ImageTypeRefused, ImageTooLarge, ImageUnreadable: it is no picture that we keep; nothing is stored.
        NotFound, WorkOrderClosed, IdReused: as `check_evidence` says.
        Unavailable: too many pictures are being read.
    """
    runtime: Runtime = request.app.state.runtime
    if (size := given.file.size or 0) > UPLOAD_BYTES:
        raise ImageTooLarge("This picture has too many bytes.", size_bytes=size, limit_bytes=UPLOAD_BYTES)
    sha256 = await run_in_threadpool(_sha256_of, given)
    check = partial(check_evidence, caller=caller, visit_id=visit_id, given=given, original_sha256=sha256)
    known = await in_transaction(request, caller.organization_id, check)
    if known is not None:
        return known, True
    async with seat(request.app.state.image_seats):
        image = await run_in_threadpool(_made_safe, runtime.objects, caller.organization_id, given)
    keep = partial(keep_evidence, caller=caller, visit_id=visit_id, given=given, image=image, at=at)
    return await in_transaction(request, caller.organization_id, keep)


def _sha256_of(given: EvidenceIn) -> str:
    given.file.file.seek(0)
    return hashlib.file_digest(given.file.file, "sha256").hexdigest()  # type: ignore[arg-type]


def _made_safe(objects: Objects, organization_id: UUID, given: EvidenceIn) -> Image:
    """The new picture, kept."""
    given.file.file.seek(0)
    image = reencode(
        given.file.file.read(),
        declared=given.file.content_type,
        keep_png=given.kind is EvidenceKind.SIGNATURE,
        limits=Limits(upload_bytes=UPLOAD_BYTES),
    )
    objects.keep(organization_id, image.bytes)
    return image
