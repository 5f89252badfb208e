"""Uploaded bytes on disk, named by their hash inside their organization's folder.

A file is complete or not there: it is written under another name, flushed to the disk, then renamed. It is kept
before the row that points to it is committed; a file whose row never came is garbage that harms nobody.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from uuid import UUID


def path_of(folder: Path, organization_id: UUID, sha256: str) -> Path:
    return folder / str(organization_id) / sha256[:2] / sha256


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keep(folder: Path, organization_id: UUID, data: bytes) -> str:
    """Keep the bytes for good; their SHA-256 in hex, which finds them again."""
    sha256 = sha256_of(data)
    target = path_of(folder, organization_id, sha256)
    if target.exists():
        return sha256
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    for changed in (target.parent, target.parent.parent):
        _flush_folder(changed)
    return sha256


def read(folder: Path, organization_id: UUID, sha256: str) -> bytes:
    """
    Raises:
        FileNotFoundError: nothing was kept under this hash.
    """
    return path_of(folder, organization_id, sha256).read_bytes()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
