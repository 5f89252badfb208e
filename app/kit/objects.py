"""Uploaded bytes, each under a key, on the local disk or in a bucket (`FIRSTFIX_OBJECT_STORE_URL`).

An object is complete or not there, and what was put is kept: on the disk it is written beside its place, flushed, and
then renamed, and the folders are flushed too. What is kept for good is named by its hash inside its organization.
Objects are put before the row that points to them is committed; one whose row never came is garbage that harms nobody.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

import structlog
from obstore import list as objects_below
from obstore.exceptions import BaseError, GenericError
from obstore.store import LocalStore, ObjectStore, from_url

from app.kit.ids import uuid7
from app.kit.problems import Unavailable
from app.kit.settings import Settings

if TYPE_CHECKING:
    from obstore import GetOptions

log = structlog.get_logger("firstfix.objects")
READ_BYTES = 256 * 1024
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
#: A bucket that does not answer must not hold a request for minutes.
RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def key_of(organization_id: UUID, sha256: str) -> str:
    """Where bytes are kept for good."""
    return f"{organization_id}/{sha256[:2]}/{sha256}"


@dataclass(frozen=True, slots=True)
class Listed:
    key: str
    size_bytes: int
    changed_at: datetime


class Objects:
    """Puts, gets and lists objects. A store that cannot be reached is `Unavailable`: 503, and a task tries again."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    def put(self, key: str, data: bytes | IO[bytes]) -> None:
        """Put an object, in place of one that is there."""
        with _reached():
            if self._folder is not None:
                self._put_durably(self._folder, key, data)
                return
            try:
                self._store.put(key, data)
            except FileNotFoundError as missing:
                raise GenericError(f"there is no such bucket: {missing}") from None

    def _put_durably(self, folder: Path, key: str, data: bytes | IO[bytes]) -> None:
        beside = f"{key}.part-{uuid7()}"
        try:
            self._store.put(beside, data)
            _flush(folder / beside)
            self._store.rename(beside, key)
        except BaseException:
            with suppress(FileNotFoundError):
                self._store.delete(beside)
            raise
        for parent in (folder / key).parents:
            _flush(parent)
            if parent == folder:
                break

    def keep(self, organization_id: UUID, data: bytes) -> str:
        """Keep the bytes for good; their SHA-256 in hex, which finds them again."""
        sha256 = sha256_of(data)
        key = key_of(organization_id, sha256)
        if self.size(key) is None:
            self.put(key, data)
        return sha256

    def size(self, key: str) -> int | None:
        """In bytes; None when there is no such object."""
        with _reached(), suppress(FileNotFoundError):
            return int(self._store.head(key)["size"])
        return None

    def get(self, key: str) -> bytes:
        """
        Raises:
            FileNotFoundError: there is no such object.
        """
        with _reached():
            return bytes(self._store.get(key).bytes())

    def stream(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `end`, piece by piece; the range must not be empty.

        Raises:
            FileNotFoundError: there is no such object, said before the first piece.
        """
        with _reached():
            wanted: GetOptions = {"range": (start, end) if end is not None else {"offset": start}}
            found = self._store.get(key, options=wanted)
        return _pieces(found.stream(min_chunk_size=READ_BYTES))

    def delete(self, *keys: str) -> None:
        """Take these away; one that is not there is no harm."""
        for key in keys:
            with _reached(), suppress(FileNotFoundError):
                self._store.delete(key)

    def below(self, prefix: str) -> Iterator[Listed]:
        """Every object in the folder `prefix`, in no order."""
        with _reached():
            for batch in objects_below(self._store, prefix):
                for one in batch:
                    yield Listed(one["path"], one["size"], one["last_modified"])


def make_objects(settings: Settings) -> Objects:
    """
    Raises:
        ValueError: the setting names no store that we know; the program should not start.
    """
    url = settings.object_store_url
    if url is None or url.startswith("file://"):
        folder = settings.data_dir.absolute() / "files" if url is None else Path(url.removeprefix("file://"))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Objects(LocalStore(folder), folder)
    plain_http = any(os.environ.get(name, "").startswith("http://") for name in ENDPOINTS)
    options = {"timeout": "60s", "allow_http": plain_http}
    try:
        store = from_url(url, retry_config=RETRIES, client_options=options)  # type: ignore[call-overload]
    except BaseError as error:
        raise ValueError(f"FIRSTFIX_OBJECT_STORE_URL: {str(error).splitlines()[0]}") from None
    return Objects(store)


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except BaseError as trouble:
        log.warning("the object store cannot be used", error=str(trouble).splitlines()[0])
        raise Unavailable("The object store cannot be reached; try again.") from trouble


def _pieces(found: Iterator[bytes]) -> Iterator[bytes]:
    with _reached():
        for piece in found:
            yield bytes(piece)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
