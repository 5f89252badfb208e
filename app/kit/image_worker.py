"""Decodes one picture in a process of its own: stdin → stdout, with limits set before a byte is read.

Run by `images.py` as a file, never imported by the application; it knows nothing of it.
Answer: one line of JSON (`width`, `height`, or `refused`: pixels | damaged | memory), then the new picture.
"""

import io
import json
import resource
import sys
from typing import Any


def main() -> int:
    job: dict[str, Any] = json.loads(sys.argv[1])
    sys.path.extend(sys.argv[2:])
    _limit_ourselves(job)
    try:
        facts, encoded = _reencoded(sys.stdin.buffer.read(), job)
    except MemoryError:
        facts, encoded = {"refused": "memory"}, b""
    except Exception:  # whatever a hostile file makes the decoder raise, the answer is no
        facts, encoded = {"refused": "damaged"}, b""
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + encoded)
    return 0


def _limit_ourselves(job: dict[str, Any]) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, job["memory_bytes"]),
        (resource.RLIMIT_CPU, job["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, job["output_bytes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        _soft, hard = resource.getrlimit(limit)
        new = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (new, new))


def _reencoded(data: bytes, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # our own limit, below, is checked first and is exact
    with Image.open(io.BytesIO(data), formats=[job["format"]]) as im:
        width, height = im.size
        if width * height > job["pixels"]:
            return {"refused": "pixels", "width": width, "height": height}, b""
        edge = job["edge_px"]
        im.draft("RGB", (edge, edge))  # a JPEG four times too large is decoded at a quarter: memory stays low
        profile = im.info.get("icc_profile")
        im.thumbnail((edge, edge), Image.Resampling.LANCZOS)  # before anything that copies it
        upright = ImageOps.exif_transpose(im)
    upright = _in_srgb(upright, profile)
    upright = _keep_png_modes(upright) if job["output"] == "PNG" else _on_white(upright)
    upright.info.clear()  # Pillow would write the JPEG comment and the PNG texts again
    out = io.BytesIO()
    if job["output"] == "PNG":
        upright.save(out, "PNG", optimize=True)
    else:
        upright.save(out, "JPEG", quality=job["jpeg_quality"], optimize=True, progressive=True)
    return {"width": upright.width, "height": upright.height}, out.getvalue()


def _in_srgb(im: Any, profile: bytes | None) -> Any:
    """Phones photograph in wider colour spaces; converted, the picture looks right without its profile."""
    if not profile or im.mode not in ("RGB", "RGBA"):
        return im
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(im, source, ImageCms.createProfile("sRGB"), outputMode=im.mode)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return im


def _keep_png_modes(im: Any) -> Any:
    return im if im.mode in ("L", "LA", "RGB", "RGBA") else im.convert("RGBA")


def _on_white(im: Any) -> Any:
    from PIL import Image

    if im.mode in ("L", "RGB"):
        return im
    if im.mode in ("LA", "PA", "RGBA", "RGBa", "P") or "transparency" in im.info:
        layered = im.convert("RGBA")
        ground = Image.new("RGB", layered.size, "white")
        ground.paste(layered, mask=layered.getchannel("A"))
        return ground
    return im.convert("RGB")


if __name__ == "__main__":
    sys.exit(main())
