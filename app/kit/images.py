"""Photos and signatures from strangers' phones, made safe to keep and to show.

Nothing that was uploaded is ever served: the picture is decoded and written anew by another process
(`image_worker.py`) which may use only so much memory, time and output. What comes back has its pixels upright and
nothing else: no location, no comment, no thumbnail, no trailing archive.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from app.kit.problems import TooLarge, Unavailable, Unprocessable, UnsupportedMedia

Mime = Literal["image/jpeg", "image/png", "image/webp"]

#: So many pictures are decoded at once in this process, whoever asks: each may take `Limits.memory_bytes`.
AT_ONCE = min(4, max(2, os.cpu_count() or 2))
ROOM_WAIT_SECONDS = 10
_room = threading.BoundedSemaphore(AT_ONCE)
_WORKER = Path(__file__).with_name("image_worker.py")
#: What the worker needs of the machine: nothing of our environment, least of all its secrets.
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}


class ImageTypeRefused(UnsupportedMedia):
    """Not one of the kinds we take, or not the kind it was said to be."""

    code = "image-type-refused"


class ImageTooLarge(TooLarge):
    """More bytes or more pixels than we take."""

    code = "image-too-large"


class ImageUnreadable(Unprocessable):
    """Damaged, cut short, or more work to decode than any honest photo is."""

    code = "image-unreadable"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one upload may cost. `memory_bytes` bounds the whole address space of the decoding process."""

    upload_bytes: int = 20 * 1024 * 1024
    pixels: int = 50_000_000
    edge_px: int = 2560
    jpeg_quality: int = 85
    memory_bytes: int = 640 * 1024 * 1024
    output_bytes: int = 40 * 1024 * 1024
    cpu_seconds: int = 10
    wall_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that is safe to keep. `sha256` is of `bytes`, `original_sha256` of the upload (lowercase hex)."""

    bytes: bytes
    mime: Mime
    width: int
    height: int
    sha256: str
    original_sha256: str


def kind_of(data: bytes) -> Mime | None:
    """What the first bytes say it is, whatever anyone else says."""
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def reencode(
    data: bytes, *, declared: str | None = None, keep_png: bool = False, limits: Limits | None = None
) -> Image:
    """The same picture, upright, without anything but its pixels, at most `limits.edge_px` on its longer side.

    Args:
        declared: the media type the sender gave; it must agree with the bytes.
        keep_png: a PNG stays a PNG (signatures: lines and transparency). Everything else becomes a JPEG on white.

    Raises:
        ImageTypeRefused: not JPEG, PNG or WebP, or not what `declared` says.
        ImageTooLarge: too many bytes, or too many pixels (refused before anything is decoded).
        ImageUnreadable: damaged, cut short, or over the limits of memory or time.
        Unavailable: too many are being read; nothing is wrong with this one.
    """
    limits = limits or Limits()
    if len(data) > limits.upload_bytes:
        raise ImageTooLarge("This picture has too many bytes.", size_bytes=len(data), limit_bytes=limits.upload_bytes)
    kind = _agreed_kind(data, declared)
    output: Literal["PNG", "JPEG"] = "PNG" if keep_png and kind == "image/png" else "JPEG"
    job = {**asdict(limits), "format": kind.removeprefix("image/").upper(), "output": output}
    with _a_place():
        facts, encoded = _run_worker(data, job, limits)
    return Image(
        bytes=encoded,
        mime="image/png" if output == "PNG" else "image/jpeg",
        width=facts["width"],
        height=facts["height"],
        sha256=hashlib.sha256(encoded).hexdigest(),
        original_sha256=hashlib.sha256(data).hexdigest(),
    )


@contextmanager
def _a_place() -> Iterator[None]:
    if not _room.acquire(timeout=ROOM_WAIT_SECONDS):
        raise Unavailable("Too many pictures are being read; try again.")
    try:
        yield
    finally:
        _room.release()


def _agreed_kind(data: bytes, declared: str | None) -> Mime:
    kind = kind_of(data)
    said = (declared or "").partition(";")[0].strip().lower()
    if said == "image/jpg":
        said = "image/jpeg"
    if kind is None:
        raise ImageTypeRefused("Pictures must be JPEG, PNG or WebP.", allowed=["image/jpeg", "image/png", "image/webp"])
    if said and said != kind:
        raise ImageTypeRefused("The file is not of the type it was declared as.", declared=said, found=kind)
    return kind


def _run_worker(data: bytes, job: dict[str, object], limits: Limits) -> tuple[dict[str, int], bytes]:
    """Files, not pipes: then the kernel bounds the output (RLIMIT_FSIZE) and we never hold more than that."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(data)
        source.seek(0)
        command = [sys.executable, "-I", "-S", str(_WORKER), json.dumps(job), *_package_folders()]
        try:
            done = subprocess.run(
                command,
                stdin=source,
                stdout=target,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd="/",
                timeout=limits.wall_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ImageUnreadable("This picture takes too long to read.", reason="time") from None
        target.seek(0)
        return _answer_of(target, done.returncode, limits)


def _answer_of(target: IO[bytes], returncode: int, limits: Limits) -> tuple[dict[str, int], bytes]:
    """First line: a JSON object of facts; then the picture. A worker that was killed says nothing."""
    if returncode != 0:
        raise ImageUnreadable("This picture cannot be read.", reason="resources")
    facts = json.loads(target.readline(4096))
    match facts.get("refused"):
        case None:
            return facts, target.read(limits.output_bytes)
        case "pixels":
            raise ImageTooLarge(
                "This picture has too many pixels.",
                width=facts["width"],
                height=facts["height"],
                limit_pixels=limits.pixels,
            )
        case reason:
            raise ImageUnreadable("This picture cannot be read.", reason=reason)


def _package_folders() -> list[str]:
    """Where Pillow is, for a worker that is started without `site` (a third of the start-up time)."""
    return [folder for folder in sys.path if folder.endswith(("site-packages", "dist-packages"))]
