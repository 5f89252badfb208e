"""A few pictures that stand for all photos and signatures of the past."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from PIL import Image, ImageDraw

from app.kit.objects import Objects

PHOTO_SIZE, SIGNATURE_SIZE = (960, 720), (600, 200)


@dataclass(frozen=True, slots=True)
class Picture:
    sha256: str
    mime: str
    size_bytes: int
    width: int
    height: int


def photo(caption: str, color: tuple[int, int, int] = (84, 110, 122)) -> bytes:
    """A JPEG of a boiler, more or less, with a caption."""
    image = Image.new("RGB", PHOTO_SIZE, color)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((320, 120, 640, 560), 24, fill=(236, 239, 241), outline=(69, 90, 100), width=6)
    draw.ellipse((440, 220, 520, 300), fill=(255, 193, 7), outline=(69, 90, 100), width=4)
    for left in (380, 460, 540):
        draw.line((left, 560, left, 680), fill=(191, 54, 12), width=16)
    draw.text((24, 24), caption, fill=(255, 255, 255))
    return _saved(image, "JPEG")


def signature(name: str) -> bytes:
    """A PNG of a line that somebody may have written."""
    image = Image.new("RGB", SIGNATURE_SIZE, (255, 255, 255))
    draw = ImageDraw.Draw(image)
    points = [(40 + 12 * step, 100 + (step * 7919 + len(name) * 104729) % 61 - 30) for step in range(42)]
    draw.line(points, fill=(13, 71, 161), width=4, joint="curve")
    draw.text((40, 170), name, fill=(97, 97, 97))
    return _saved(image, "PNG")


def _saved(image: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def keep_pictures(objects: Objects, organization_id: UUID) -> Mapping[str, Picture]:
    """Keep one picture for each tag, where evidence is kept; from tag to picture."""
    made = {"before": photo("before", (120, 100, 90)), "after": photo("after"), "customer": signature("customer")}
    return {tag: _kept(objects, organization_id, tag, data) for tag, data in made.items()}


def _kept(objects: Objects, organization_id: UUID, tag: str, data: bytes) -> Picture:
    signed = tag == "customer"
    width, height = SIGNATURE_SIZE if signed else PHOTO_SIZE
    sha256 = objects.keep(organization_id, data)
    return Picture(sha256, "image/png" if signed else "image/jpeg", len(data), width, height)
