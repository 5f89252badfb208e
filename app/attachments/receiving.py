"""Bytes come in: chunk by chunk into the object store, then into the database, with nothing held in between.

What a request brings is written down every 256 KiB and when it ends, however it ends, so that a cut costs the device
one chunk at most. Only with a checksum does a request count as a whole or not at all.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.attachments import commands, queries
from app.attachments.commands import ChecksumMismatch
from app.attachments.models import Upload
from app.attachments.queries import Chunk
from app.identity.streamed import in_transaction
from app.kit.ids import uuid7
from app.kit.objects import Objects
from app.kit.problems import BadRequest, TooLarge
from app.kit.runtime import Runtime

CHUNK_BYTES = 256 * 1024
ALGORITHMS = ("sha1", "sha256")


class ChecksumUnreadable(BadRequest):
    """`Upload-Checksum` is an algorithm that we know (sha1, sha256), a space, and the digest in base64."""

    code = "checksum-unreadable"


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a request says its body hashes to."""

    algorithm: str
    digest: bytes

    @classmethod
    def of(cls, header: str | None) -> "Checksum | None":
        """
        Raises:
            ChecksumUnreadable: it is there and cannot be checked.
        """
        if header is None:
            return None
        algorithm, _, encoded = header.partition(" ")
        try:
            digest = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            digest = b""
        if algorithm not in ALGORITHMS or not digest:
            raise ChecksumUnreadable("This checksum cannot be checked.", algorithms=ALGORITHMS)
        return cls(algorithm, digest)


@dataclass(slots=True)
class Receiver:
    """Takes the body of one request that goes on where `upload` stands."""

    request: Request
    upload: Upload
    at: datetime
    checksum: Checksum | None = None
    written: int = 0
    """Bytes that are in the database."""
    held: list[Chunk] = field(default_factory=list)
    """Chunks that are in the object store only."""

    async def take(self) -> int:
        """The byte at which the upload stands now.

        Raises:
            TooLarge: more bytes than were announced; those before them count, unless there is a checksum.
            ChecksumMismatch: nothing of this body counts.
            OffsetConflict: another request was faster.
        """
        digest = hashlib.new(self.checksum.algorithm if self.checksum else "sha1", usedforsecurity=False)
        try:
            whole = await self._take_all(digest)
            if self.checksum is not None and whole:
                self._check(digest.digest())
                await self._write()
        finally:
            await self._let_go()
        return self.upload.received_bytes + self.written

    async def _take_all(self, digest: Any) -> bool:
        """Read to the end; False when the connection was cut before it."""
        buffer, room, whole = bytearray(), self.upload.length_bytes - self.upload.received_bytes, True
        try:
            async for piece in self.request.stream():
                buffer += piece[:room]
                room -= len(piece)
                digest.update(piece)
                while len(buffer) >= CHUNK_BYTES:
                    await self._keep(bytes(buffer[:CHUNK_BYTES]))
                    del buffer[:CHUNK_BYTES]
                if room < 0:
                    break
        except ClientDisconnect:
            whole = False
        if buffer:
            await self._keep(bytes(buffer))
        if room < 0:
            raise TooLarge("There are more bytes than were announced.", limit_bytes=self.upload.length_bytes)
        return whole

    async def _keep(self, data: bytes) -> None:
        """Into the object store; and into the database too, unless a checksum of the whole is to be waited for."""
        start = self.upload.received_bytes + self.written + sum(one.size_bytes for one in self.held)
        chunk = Chunk(uuid7(), start, len(data))
        self.held.append(chunk)
        await run_in_threadpool(objects_of(self.request).put, self._key(chunk), data)
        if self.checksum is None:
            await self._write()

    async def _write(self) -> None:
        if not self.held:
            return
        add = partial(commands.append, upload=self.upload, chunks=list(self.held), at=self.at)
        await in_transaction(self.request, self.upload.organization_id, add)
        self.written += sum(one.size_bytes for one in self.held)
        self.held.clear()

    def _check(self, digest: bytes) -> None:
        if self.checksum is not None and digest != self.checksum.digest:
            raise ChecksumMismatch("The body is not what its checksum says; nothing of it was kept.")

    async def _let_go(self) -> None:
        """Of what does not count, no object stays."""
        if self.held:
            await run_in_threadpool(objects_of(self.request).delete, *(self._key(one) for one in self.held))

    def _key(self, chunk: Chunk) -> str:
        return queries.key_of_chunk(self.upload.organization_id, self.upload.id, chunk)


def objects_of(request: Request) -> Objects:
    runtime: Runtime = request.app.state.runtime
    return runtime.objects


async def finish(request: Request, organization_id: UUID, upload_id: UUID, *, at: datetime) -> None:
    """All bytes of an upload are here: see whether they are what was announced. Harmless to repeat.

    Raises:
        ChecksumMismatch: they are not; the upload stands at 0 again.
    """

    def look(db: Session) -> tuple[bool, list[Chunk]]:
        upload = db.get(Upload, (organization_id, upload_id))
        return upload is None or upload.sha256 is not None, queries.chunks_of(db, organization_id, upload_id)

    finished, chunks = await in_transaction(request, organization_id, look)
    if finished:
        return
    keys = [queries.key_of_chunk(organization_id, upload_id, one) for one in chunks]
    objects = objects_of(request)
    sha256 = await run_in_threadpool(_sha256_of_all, objects, keys)
    kept = await in_transaction(
        request,
        organization_id,
        lambda db: commands.finish(db, organization_id, upload_id, sha256=sha256, read=chunks, at=at),
    )
    if not kept:
        await run_in_threadpool(objects.delete, *keys)
        raise ChecksumMismatch(
            "The file is not what was announced; send it again from the first byte.", headers={"Upload-Offset": "0"}
        )


def _sha256_of_all(objects: Objects, keys: list[str]) -> str:
    digest = hashlib.sha256()
    for key in keys:
        for piece in objects.stream(key):
            digest.update(piece)
    return digest.hexdigest()
