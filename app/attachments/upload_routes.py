"""Uploads that go on where they were cut: tus 1.0.0 with creation, checksum, expiration and termination."""

import base64
import binascii
from collections.abc import Callable, Coroutine
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from app.attachments import commands, queries
from app.attachments.commands import ChecksumMismatch, OffsetConflict, UploadFinished
from app.attachments.models import Upload
from app.attachments.queries import UploadExpired
from app.attachments.receiving import ALGORITHMS, Checksum, ChecksumUnreadable, Receiver, finish, objects_of
from app.attachments.schemas import MOST_BYTES
from app.identity.access import api_router
from app.identity.streamed import Admitted, StreamedOperation, in_transaction
from app.kit import clock
from app.kit.problems import BadRequest, NotFound, Refusal, TooLarge, UnsupportedMedia, refuses
from app.work_orders.commands import IdReused

VERSION = "1.0.0"
BODY_TYPE = "application/offset+octet-stream"
BODY = {"required": True, "content": {BODY_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


class TusVersionNotSupported(Refusal):
    """Say `Tus-Resumable: 1.0.0`."""

    status, code, title = 412, "tus-version-not-supported", "Precondition failed"


class MetadataUnreadable(BadRequest):
    """`Upload-Metadata` must have `attachment_id`, a UUID, in base64, and be no longer than 2,000 characters."""

    code = "metadata-unreadable"


class BodyTypeRefused(UnsupportedMedia):
    """Bytes of an upload are `application/offset+octet-stream`."""

    code = "body-type-refused"


class TusOperation(StreamedOperation):
    """Both sides speak tus 1.0.0, and say so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def run(request: Request) -> Response:
            try:
                if request.headers.get("tus-resumable") != VERSION:
                    raise TusVersionNotSupported("Say Tus-Resumable: 1.0.0.", headers={"Tus-Version": VERSION})
                answer = await handle(request)
            except Refusal as refusal:
                refusal.headers["Tus-Resumable"] = VERSION
                raise
            answer.headers["Tus-Resumable"] = VERSION
            return answer

        return run


router = APIRouter(prefix="/v1/uploads", tags=["attachments"], route_class=TusOperation)
options = api_router("/v1/uploads", "attachments")

TusResumable = Annotated[str | None, Header(description="1.0.0")]


@options.options("", status_code=204, response_class=Response)
def get_upload_options() -> Response:
    """What this server speaks: tus 1.0.0 with its extensions, and how large an upload may be."""
    return Response(
        status_code=204,
        headers={
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,checksum,expiration,termination",
            "Tus-Max-Size": str(MOST_BYTES),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        },
    )


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses={
        **refuses(TusVersionNotSupported, MetadataUnreadable, NotFound, IdReused, TooLarge),
        201: {"description": "`Location` is the upload's address; the same id again has the same address."},
    },
)
async def create_upload(
    request: Request,
    me: Admitted,
    upload_length: Annotated[int, Header(ge=1, le=2**53 - 1)],
    upload_metadata: Annotated[str, Header(max_length=2000)],
    tus_resumable: TusResumable = None,
) -> Response:
    """Begin to upload the bytes of an attachment: `Upload-Metadata` has its id as `attachment_id`. Safe to repeat."""
    if upload_length > MOST_BYTES:
        raise TooLarge(f"An upload may have {MOST_BYTES} bytes at most.", limit_bytes=MOST_BYTES)
    begin = partial(
        commands.create_upload,
        caller=me,
        upload_id=attachment_id_of(upload_metadata),
        length=upload_length,
        metadata=upload_metadata,
        at=clock.now(),
    )
    upload = await in_transaction(request, me.organization_id, begin)
    headers = {"Location": f"/v1/uploads/{upload.id}", "Upload-Offset": str(upload.received_bytes)}
    return Response(status_code=201, headers={**headers, **expiry(upload)})


@router.head(
    "/{upload_id}",
    response_class=Response,
    responses=refuses(TusVersionNotSupported, NotFound, UploadExpired, OffsetConflict, ChecksumMismatch),
)
async def get_upload_offset(
    upload_id: UUID, request: Request, me: Admitted, tus_resumable: TusResumable = None
) -> Response:
    """How far an upload is, in `Upload-Offset`. When that is all of it, its hash is checked first.

    Whoever asks goes on: a request that still sends, on a line that is dead perhaps, is told 409 and adds nothing.
    """
    at = clock.now()

    def take_over(db: Session) -> Upload:
        upload = queries.upload_for(db, me, upload_id, at=at)
        commands.take_over(db, upload)
        return upload

    upload = await in_transaction(request, me.organization_id, take_over)
    if upload.received_bytes == upload.length_bytes:
        await finish(request, me.organization_id, upload_id, at=at)
    headers = {
        "Upload-Offset": str(upload.received_bytes),
        "Upload-Length": str(upload.length_bytes),
        "Cache-Control": "no-store",
    }
    if upload.metadata_text:
        headers["Upload-Metadata"] = upload.metadata_text
    return Response(status_code=200, headers={**headers, **expiry(upload)})


@router.patch(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    responses=refuses(
        TusVersionNotSupported, NotFound, UploadExpired, OffsetConflict, ChecksumMismatch, ChecksumUnreadable,
        BodyTypeRefused, TooLarge,
    ),
    openapi_extra={"requestBody": BODY},
)  # fmt: skip
async def append_to_upload(
    upload_id: UUID,
    request: Request,
    me: Admitted,
    upload_offset: Annotated[int, Header(ge=0, le=2**53 - 1)],
    upload_checksum: Annotated[str | None, Header(max_length=200)] = None,
    tus_resumable: TusResumable = None,
) -> Response:
    """More bytes, from `Upload-Offset` on. A cut keeps what had come, but with `Upload-Checksum` all or nothing."""
    if request.headers.get("content-type") != BODY_TYPE:
        raise BodyTypeRefused(f"Send {BODY_TYPE}.")
    checksum = Checksum.of(upload_checksum)
    upload = await _upload(request, me, upload_id, at := clock.now())
    if upload_offset != upload.received_bytes:
        raise OffsetConflict(
            "The upload stands at another byte.", headers={"Upload-Offset": str(upload.received_bytes)}
        )
    if upload.received_bytes + _announced(request) > upload.length_bytes:
        raise TooLarge("There are more bytes than were announced.", limit_bytes=upload.length_bytes)
    offset = await Receiver(request, upload, at, checksum).take()
    if offset == upload.length_bytes:
        await finish(request, me.organization_id, upload_id, at=at)
    return Response(status_code=204, headers={"Upload-Offset": str(offset), **expiry(upload)})


@router.delete(
    "/{upload_id}",
    status_code=204,
    response_class=Response,
    responses=refuses(TusVersionNotSupported, NotFound, UploadExpired, UploadFinished),
)
async def terminate_upload(
    upload_id: UUID, request: Request, me: Admitted, tus_resumable: TusResumable = None
) -> Response:
    """Give an upload up; what had come of it is deleted."""
    at = clock.now()

    def give_up(db: Session) -> list[str]:
        upload = queries.upload_for(db, me, upload_id, at=at)
        chunks = queries.chunks_of(db, me.organization_id, upload_id)
        commands.terminate(db, upload)
        return [queries.key_of_chunk(me.organization_id, upload_id, one) for one in chunks]

    keys = await in_transaction(request, me.organization_id, give_up)
    await run_in_threadpool(objects_of(request).delete, *keys)
    return Response(status_code=204)


async def _upload(request: Request, me: Admitted, upload_id: UUID, at: datetime) -> Upload:
    find = partial(queries.upload_for, caller=me, upload_id=upload_id, at=at)
    return await in_transaction(request, me.organization_id, find)


def _announced(request: Request) -> int:
    said = request.headers.get("content-length", "0")
    return int(said) if said.isascii() and said.isdigit() else 0


def expiry(upload: Upload) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


def attachment_id_of(metadata: str) -> UUID:
    """
    Raises:
        MetadataUnreadable: it names no attachment.
    """
    pairs = dict(one.strip().partition(" ")[::2] for one in metadata.split(","))
    try:
        return UUID(base64.b64decode(pairs["attachment_id"], validate=True).decode("ascii"))
    except (KeyError, ValueError, binascii.Error):
        raise MetadataUnreadable("Upload-Metadata has no attachment_id.") from None
