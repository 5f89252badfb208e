"""Uploads are hostile until they were written anew."""

import io
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image as Pillow

from app.kit.images import ImageTooLarge, ImageTypeRefused, ImageUnreadable, Limits, kind_of, reencode

ROOT = Path(__file__).parents[2]


def a_picture(kind: str = "JPEG", size: tuple[int, int] = (300, 200), mode: str = "RGB", **more: object) -> bytes:
    out = io.BytesIO()
    picture = Pillow.new(mode, size, "red" if mode != "L" else 90)
    picture.paste("blue" if mode != "L" else 10, (0, 0, size[0] // 3, size[1] // 3))
    picture.save(out, kind, **more)
    return out.getvalue()


def opened(data: bytes) -> Pillow.Image:
    picture = Pillow.open(io.BytesIO(data))
    picture.load()
    return picture


def with_location() -> bytes:
    exif = Pillow.Exif()
    exif[0x010F] = "Some Phone Maker"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return a_picture(exif=exif.tobytes())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_accepted_kind_becomes_a_jpeg(kind: str) -> None:
    image = reencode(a_picture(kind), declared=f"image/{kind.lower()}")

    assert (image.mime, image.width, image.height) == ("image/jpeg", 300, 200)
    assert kind_of(image.bytes) == "image/jpeg"
    assert opened(image.bytes).size == (300, 200)
    assert len(image.sha256) == len(image.original_sha256) == 64
    assert image.sha256 != image.original_sha256


def test_the_location_is_gone() -> None:
    original = with_location()
    assert 0x8825 in opened(original).getexif()

    image = reencode(original)

    assert dict(opened(image.bytes).getexif()) == {}
    assert b"Exif" not in image.bytes
    assert b"Some Phone Maker" not in image.bytes


def test_the_jpeg_comment_is_gone() -> None:
    image = reencode(a_picture(comment=b"home of Cleo"))

    assert b"home of Cleo" not in image.bytes
    assert "comment" not in opened(image.bytes).info


def test_png_texts_are_gone_from_a_png_that_stays_a_png() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Author", "Cleo of Main Street")
    image = reencode(a_picture("PNG", mode="RGBA", pnginfo=notes), keep_png=True)

    assert image.mime == "image/png"
    assert b"Cleo" not in image.bytes
    assert opened(image.bytes).mode == "RGBA"


def test_the_picture_is_turned_upright() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6

    image = reencode(a_picture(exif=exif.tobytes()))

    assert (image.width, image.height) == (200, 300)


def test_a_large_picture_is_made_smaller_and_keeps_its_shape() -> None:
    image = reencode(a_picture(size=(4000, 3000)))

    assert (image.width, image.height) == (2560, 1920)


def test_transparency_becomes_white_in_a_jpeg() -> None:
    out = io.BytesIO()
    Pillow.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")

    assert opened(reencode(out.getvalue()).bytes).getpixel((5, 5)) == (255, 255, 255)


def test_a_foreign_colour_profile_is_applied_and_dropped() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = reencode(a_picture(icc_profile=profile))

    assert "icc_profile" not in opened(image.bytes).info
    assert reencode(a_picture(icc_profile=b"no profile at all" * 20)).width == 300


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_hides_behind_the_picture_does_not_survive(kind: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("evil.html", "<script>alert(1)</script>")

    image = reencode(a_picture(kind) + archive.getvalue())

    assert not zipfile.is_zipfile(io.BytesIO(image.bytes))
    assert b"evil" not in image.bytes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a" + bytes(50),
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"BM" + bytes(60),
        b"\x00" * 99,
    ],
)
def test_other_kinds_are_refused(data: bytes) -> None:
    with pytest.raises(ImageTypeRefused) as refusal:
        reencode(data)

    assert refusal.value.status == 415


def test_a_picture_that_is_not_what_it_was_declared_as_is_refused() -> None:
    with pytest.raises(ImageTypeRefused) as refusal:
        reencode(a_picture("PNG"), declared="image/jpeg")

    assert refusal.value.facts == {"declared": "image/jpeg", "found": "image/png"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_picture_that_was_cut_short_is_refused(kind: str, share: float) -> None:
    data = a_picture(kind, size=(600, 600))

    with pytest.raises(ImageUnreadable) as refusal:
        reencode(data[: int(len(data) * share)])

    assert refusal.value.status == 422


def test_a_file_that_only_begins_like_a_picture_is_refused() -> None:
    for head in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x00\x00\x00\x00WEBP"):
        with pytest.raises(ImageUnreadable):
            reencode(head + b"<script>" * 200)


def a_png_that_claims(width: int, height: int) -> bytes:
    """Small in bytes, enormous once decoded."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_pixel_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(ImageTooLarge) as refusal:
        reencode(a_png_that_claims(30_000, 30_000))

    assert refusal.value.facts["limit_pixels"] == 50_000_000
    assert refusal.value.status == 413


def test_the_largest_allowed_picture_passes_and_one_line_more_does_not() -> None:
    limits = Limits(pixels=60_000)

    assert reencode(a_picture(size=(300, 200)), limits=limits).width == 300
    with pytest.raises(ImageTooLarge):
        reencode(a_picture(size=(300, 201)), limits=limits)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(ImageTooLarge):
        reencode(a_picture() + bytes(2000), limits=Limits(upload_bytes=2000))


def test_a_picture_that_needs_too_much_memory_is_refused_and_we_live_on() -> None:
    data = a_picture("PNG", size=(6000, 6000), mode="RGBA")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ImageUnreadable) as refusal:
        reencode(data, limits=Limits(memory_bytes=200 * 1024 * 1024))

    assert refusal.value.facts["reason"] in ("memory", "resources", "damaged")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_fifty_megapixels_fit_into_the_memory_that_is_allowed() -> None:
    """In a process of its own, so that nothing else counts among its children."""
    code = """
import resource, sys
from app.kit.images import reencode
image = reencode(sys.stdin.buffer.read())
print(image.width, image.height, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    picture = a_picture("PNG", size=(8000, 6250), mode="RGBA")

    said = subprocess.run([sys.executable, "-c", code], input=picture, capture_output=True, check=True, cwd=ROOT)

    width, height, kilobytes = map(int, said.stdout.split())
    assert (width, height) == (2560, 2000)
    assert kilobytes < 1024 * 1024


def test_a_picture_that_takes_too_long_is_refused() -> None:
    with pytest.raises(ImageUnreadable) as refusal:
        reencode(a_picture(size=(4000, 4000)), limits=Limits(wall_seconds=0.01))

    assert refusal.value.facts["reason"] == "time"


def test_the_worker_gets_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.kit import images

    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")

    assert "DATABASE_URL" not in images._ENVIRONMENT
