"""Files that somebody means harm with, made here byte by byte; and what an honest picture looks like when served."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

#: Is in every file that says or runs something; in nothing that is ever served.
PLANTED = b"planted-by-a-stranger"
PAGE = b"<html><body onload=\"alert('" + PLANTED + b"')\"><script>alert(1)</script></body></html>"
SIGNS = (PLANTED, b"<script", b"<html", b"Exif", b"http://ns.adobe.com", b"PK\x03\x04", b"ICC_PROFILE", b"JFXX")


@dataclass(frozen=True)
class File:
    """`mime`: what the sender says it is."""

    data: bytes
    mime: str = "image/jpeg"


def picture(kind: str = "JPEG", size: tuple[int, int] = (320, 200), mode: str = "RGB", **more: object) -> bytes:
    out = io.BytesIO()
    drawn = Image.new(mode, size)
    drawn.paste(Image.linear_gradient("L").resize(size).convert(mode))
    drawn.save(out, kind, **more)
    return out.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + segment(marker, content) + jpeg[2:]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """After IHDR, which ends at byte 33."""
    return png[:33] + b"".join(chunks) + png[33:]


def archive(name: str = "META-INF/MANIFEST.MF") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        bundle.writestr(name, PLANTED)
        bundle.writestr("evil.html", PAGE)
    return out.getvalue()


def a_phones_photo() -> bytes:
    """GPS, a comment, a thumbnail of the whole, a color profile, XMP, and an archive behind the end."""
    exif = Image.Exif()
    exif[0x010F] = PLANTED.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + PLANTED
    whole = bytearray(exif.tobytes())
    small = with_segment(picture(size=(32, 20)), 0xFE, PLANTED)
    place = len(whole) - 6
    directory = struct.unpack_from("<I" if whole[6:8] == b"II" else ">I", whole, 10)[0] + 6
    order = "<" if whole[6:8] == b"II" else ">"
    count = struct.unpack_from(order + "H", whole, directory)[0]
    entries = struct.pack(order + "H", 2)
    entries += struct.pack(order + "HHII", 0x0201, 4, 1, place + 30) + struct.pack(
        order + "HHII", 0x0202, 4, 1, len(small)
    )
    whole += entries + struct.pack(order + "I", 0) + small
    struct.pack_into(order + "I", whole, directory + 2 + 12 * count, place)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = picture(exif=bytes(whole), icc_profile=profile, comment=PLANTED)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + PLANTED + b"</x:xmpmeta>"
    return with_segment(made, 0xE1, xmp) + archive()


def png_header(width: int, height: int, *, depth: int = 8, color: int = 2) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))


def one_color_png(width: int, height: int, *, depth: int = 8, color: int = 2) -> bytes:
    """Zeros, packed a thousand to one, whatever its size."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    row = bytes(1 + (width * samples * depth + 7) // 8)
    squeeze = zlib.compressobj(9)
    packed = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    palette = chunk(b"PLTE", bytes(3)) if color == 3 else b""
    return png_header(width, height, depth=depth, color=color) + palette + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def text_bomb(kind: bytes, *, megabytes: int = 200) -> bytes:
    squeeze = zlib.compressobj(9)
    packed = b"".join(squeeze.compress(bytes(1_000_000)) for _ in range(megabytes)) + squeeze.flush()
    begin = {b"zTXt": b"Comment\0\0", b"iTXt": b"Comment\0\1\0\0\0", b"iCCP": b"profile\0\0"}[kind]
    return with_chunks(picture("PNG"), chunk(kind, begin + packed))


def animated(kind: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (120, 90), color) for color in ("red", "green", "blue")]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=40, loop=0)
    return out.getvalue()


def texts() -> PngInfo:
    notes = PngInfo()
    notes.add_text("Author", PLANTED.decode())
    notes.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{PLANTED.decode()}</x:xmpmeta>")
    notes.add_text("Zipped", PLANTED.decode() * 40, zip=True)
    return notes


def many_scans() -> bytes:
    """A progressive JPEG that goes over the same pixels again and again: cheap to send, dear to decode."""
    made = picture(size=(3000, 3000), mode="L", progressive=True)
    begins = [place for place in range(len(made)) if made[place : place + 2] == b"\xff\xda"]
    again = made[begins[1] : begins[2]]
    return made[: begins[2]] + again * 20_000 + made[begins[2] :]


def pictures() -> dict[str, File]:
    """Pictures with something beside their pixels; each is taken, and nothing of that is kept."""
    jpeg, png, webp = picture(), picture("PNG"), picture("WEBP")
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x>" + PLANTED + b"</x>")
    riff = webp[12:] + b"EXIF" + struct.pack("<I", len(PAGE)) + PAGE + bytes(len(PAGE) % 2)
    return {
        "a phone's photo with place, comment, thumbnail, profile, XMP and an archive": File(a_phones_photo()),
        "a page in the comment": File(with_segment(jpeg, 0xFE, PAGE)),
        "a page behind the end": File(jpeg + PAGE),
        "a jar behind the end": File(jpeg + archive()),
        "a page in every APP segment": File(_in_every_segment(jpeg)),
        "a color profile that is a page": File(with_segment(jpeg, 0xE2, b"ICC_PROFILE\0\1\1" + PAGE)),
        "a png with texts": File(picture("PNG", pnginfo=texts()), "image/png"),
        "a png with a page behind the end": File(png + PAGE, "image/png"),
        "a png with chunks of its own": File(with_chunks(png, chunk(b"evIl", PAGE), xmp), "image/png"),
        "a png with a palette of pages": File(_png_palette(), "image/png"),
        "an animated png": File(animated("PNG"), "image/png"),
        "a webp with a page": File(b"RIFF" + struct.pack("<I", len(riff) + 4) + b"WEBP" + riff, "image/webp"),
        "an animated webp": File(animated("WEBP"), "image/webp"),
        "a photo said to be image/jpg with a parameter": File(jpeg, 'image/jpg; name="a.html"'),
    }


def _in_every_segment(jpeg: bytes) -> bytes:
    for number in range(0xE0, 0xF0):
        jpeg = with_segment(jpeg, number, PAGE)
    return jpeg


def _png_palette() -> bytes:
    """The colors of the palette spell a page; nobody uses most of them."""
    drawn = Image.new("P", (64, 48))
    drawn.putpalette((PAGE + bytes(768))[:768])
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()


def refused() -> dict[str, tuple[File, int]]:
    """Files of which nothing is kept, and the status that says so."""
    jpeg, png = picture(), picture("PNG")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>' + PLANTED + b"</script></svg>"
    return {
        "nothing": (File(b""), 415),
        "one byte": (File(b"\xff"), 415),
        "a gif that is a script": (File(b"GIF89a/*" + bytes(40) + b"*/=1;alert(1)//" + PLANTED, "image/gif"), 415),
        "a gif said to be a jpeg": (File(b"GIF89a" + bytes(60)), 415),
        "an svg": (File(svg, "image/svg+xml"), 415),
        "an svg said to be a jpeg": (File(svg), 415),
        "a page said to be a jpeg": (File(PAGE), 415),
        "xml with an entity": (File(b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'), 415),
        "a pdf said to be a jpeg": (File(a_pdf_that_runs()), 415),
        "a jpeg said to be a page": (File(jpeg, "text/html"), 415),
        "a jpeg said to be a png": (File(jpeg, "image/png"), 415),
        "an archive": (File(archive(), "application/zip"), 415),
        "a bmp": (File(picture("BMP"), "image/bmp"), 415),
        "a tiff": (File(picture("TIFF"), "image/tiff"), 415),
        "the beginning of a jpeg and then a page": (File(b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + PAGE), 422),
        "the beginning of a png and then a page": (File(png[:40] + PAGE, "image/png"), 422),
        "the beginning of a webp and then a page": (File(b"RIFF\x00\x01\x00\x00WEBP" + PAGE, "image/webp"), 422),
        "half a jpeg": (File(picture(size=(900, 900))[:3000]), 422),
        "half a png": (File(png[: len(png) // 2], "image/png"), 422),
        "half a webp": (File(picture("WEBP", (900, 900))[:400], "image/webp"), 422),
        "a png of twenty thousand by twenty thousand": (
            File(one_color_png(20_000, 20_000, depth=1, color=0), "image/png"),
            413,
        ),
        "a png that says it has four milliards of rows": (
            File(png_header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", b""), "image/png"),
            413,
        ),
        "a jpeg that says it has 65,500 rows of 65,500": (File(_resized(jpeg, 65_500, 65_500)), 413),
        "a png without rows": (File(png_header(0, 0) + chunk(b"IEND", b""), "image/png"), 422),
        "a png with a text that unpacks to 200 MB": (File(text_bomb(b"zTXt"), "image/png"), 422),
        "a png with a note that unpacks to 200 MB": (File(text_bomb(b"iTXt"), "image/png"), 422),
    }


def _resized(jpeg: bytes, width: int, height: int) -> bytes:
    """The same file with another size in its frame header."""
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]


def a_pdf_that_runs() -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj << /Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert('"
        + PLANTED
        + b"')) >> >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF"
    )


def only_pixels(data: bytes) -> bool:
    """Whether a JPEG or PNG has the parts that a decoder needs, and nothing before, between or behind them."""
    return set(_parts(data)) <= ({"IHDR", "PLTE", "tRNS", "IDAT", "IEND"} | {"JFIF", "DQT", "SOF", "DHT", "SOS"})


def _parts(data: bytes) -> Iterator[str]:
    yield from _png_parts(data) if data.startswith(b"\x89PNG") else _jpeg_parts(data)


def _png_parts(data: bytes) -> Iterator[str]:
    place = 8
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        yield kind.decode("ascii")
        place += 12 + length
        if kind == b"IEND" and place != len(data):
            yield "something behind the end"


JPEG_PARTS = {0xDB: "DQT", 0xC0: "SOF", 0xC2: "SOF", 0xC4: "DHT", 0xDA: "SOS"}


def _jpeg_parts(data: bytes) -> Iterator[str]:
    place = 2
    while place < len(data):
        marker = data[place + 1]
        if marker == 0xD9:
            if place + 2 != len(data):
                yield "something behind the end"
            return
        length = struct.unpack_from(">H", data, place + 2)[0]
        content = data[place + 4 : place + 2 + length]
        is_jfif = marker == 0xE0 and content[:5] == b"JFIF\0" and length == 16
        yield "JFIF" if is_jfif else JPEG_PARTS.get(marker, f"segment {marker:x}")
        place += 2 + length
        while marker == 0xDA and (data[place] != 0xFF or data[place + 1] in (0, *range(0xD0, 0xD8))):
            place += 1
    yield "no end"
