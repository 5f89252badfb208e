"""Attachments of visits: announced, listed, downloaded."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from sqlmodel import Session

from app.attachments import commands, queries
from app.attachments.commands import ChecksumMismatch, OffsetConflict, UploadFinished
from app.attachments.models import Upload
from app.attachments.receiving import Receiver, finish
from app.attachments.schemas import AttachmentLinkIn, AttachmentLinkOut, AttachmentOut, AttachmentsOut
from app.attachments.showing import AttachmentNotReady, LinkExpired, attachment_by_token, file_response, shown
from app.identity.access import Db, Me, Running, api_router
from app.identity.streamed import Admitted, StreamedOperation, in_transaction
from app.kit import clock
from app.kit.objects import sha256_of
from app.kit.problems import NotFound, TooLarge, refuses
from app.kit.ranges import RangeNotSatisfiable
from app.visits.queries import visit_for
from app.work_orders.commands import IdReused

router = api_router("/v1", "attachments")
bodies = APIRouter(prefix="/v1/attachments", tags=["attachments"], route_class=StreamedOperation)

REPLAYED = "Idempotent-Replayed"
ANYTHING = {"schema": {"type": "string", "format": "binary"}}
FILES = dict.fromkeys(("image/jpeg", "image/png", "application/pdf", "video/mp4"), ANYTHING)
A_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": FILES},
    206: {"description": "The part of it that `Range` asks for.", "content": FILES},
    304: {"description": "You have it: `If-None-Match`."},
}
Width = Annotated[int | None, Query(ge=1, le=10_000, description="320 and less: the thumbnail")]


@router.post("/visits/{visit_id}/attachments", status_code=201, responses=refuses(NotFound, IdReused))
def link_attachment(visit_id: UUID, given: AttachmentLinkIn, response: Response, me: Me, db: Db) -> AttachmentLinkOut:
    """Announce a photo, a signature or a document before its bytes come. Safe to repeat: the id is the key."""
    visit = visit_for(db, me, visit_id)
    made = commands.link(db, me, visit, given, at=clock.now())
    response.headers.update({REPLAYED: "true"} if made.replayed else {})
    return AttachmentLinkOut(attachment_id=made.attachment.id, state=made.attachment.state, upload=made.upload)


@router.get("/visits/{visit_id}/attachments", responses=refuses(NotFound))
def list_visit_attachments(visit_id: UUID, me: Me, db: Db) -> AttachmentsOut:
    """What was announced for a visit, and how far it is."""
    visit = visit_for(db, me, visit_id)
    found = queries.attachments_of(db, me.organization_id, visit.id)
    return AttachmentsOut(items=shown(db, me.organization_id, found, at=clock.now()))


@router.get("/attachments/{attachment_id}", responses=refuses(NotFound))
def get_attachment(attachment_id: UUID, me: Me, db: Db) -> AttachmentOut:
    """One attachment, with addresses of its file and thumbnail that work without a token for 15 minutes."""
    found = queries.attachment_for(db, me, attachment_id)
    return shown(db, me.organization_id, [found], at=clock.now())[0]


@router.get(
    "/attachments/{attachment_id}/content",
    response_class=Response,
    responses={**A_FILE, **refuses(NotFound, AttachmentNotReady, RangeNotSatisfiable)},
)
def get_attachment_content(
    attachment_id: UUID, request: Request, me: Me, db: Db, running: Running, w: Width = None
) -> Response:
    """The file, or a part of it."""
    found = queries.attachment_for(db, me, attachment_id)
    return file_response(request, running, found, width=w)


@router.get(
    "/signed-attachments/{token}",
    response_class=Response,
    responses={**A_FILE, **refuses(NotFound, LinkExpired, AttachmentNotReady, RangeNotSatisfiable)},
)
def get_signed_attachment(
    token: Annotated[str, Path(max_length=300)], request: Request, db: Db, running: Running, w: Width = None
) -> Response:
    """The file, for whoever was given its address."""
    found = attachment_by_token(db, token, at=clock.now())
    return file_response(request, running, found, width=w)


@bodies.put(
    "/{attachment_id}/content",
    status_code=204,
    response_class=Response,
    responses=refuses(NotFound, OffsetConflict, UploadFinished, ChecksumMismatch, IdReused, TooLarge),
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": ANYTHING}}},
)
async def put_attachment_content(attachment_id: UUID, request: Request, me: Admitted) -> Response:
    """Send a small file, 1 MiB at most, in one piece; larger ones go to /v1/uploads. Safe to repeat."""
    body, at = await request.body(), clock.now()

    def begin(db: Session) -> Upload:
        queries.attachment_to_send(db, me, attachment_id)
        return commands.create_upload(db, me, attachment_id, length=len(body), anew=True, at=at)

    upload = await in_transaction(request, me.organization_id, begin)
    if upload.sha256 is None:
        await Receiver(request, upload, at).take()
        await finish(request, me.organization_id, attachment_id, at=at)
    elif upload.sha256 != sha256_of(body):
        raise UploadFinished("Other bytes of this attachment are here already.")
    return Response(status_code=204)
