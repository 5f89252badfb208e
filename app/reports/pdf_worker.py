"""Lays out one report as PDF (or pages as PNG) in a process of its own, with limits set before a byte is read.

Run by `pdf.py` as a file, never imported by the application: `pdf_worker.py <folder> <job as JSON> <package folders…>`.
In the folder: `report.typ`, `data.json` and the pictures. What comes out is `report.pdf`, or `page-1.png` and so on.
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    folder, job = Path(sys.argv[1]), json.loads(sys.argv[2])
    sys.path.extend(sys.argv[3:])
    _limit_ourselves(job)
    for picture in sorted(folder.glob("picture-*")):
        _shrink(picture, job["edge_px"])
    import typst

    fonts = typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)
    wanted: dict[str, Any] = {"output": str(folder / "report.pdf"), "format": "pdf", "timestamp": job["timestamp"]}
    if job["format"] == "png":
        wanted = {"output": str(folder / "page-{p}.png"), "format": "png", "ppi": 100.0}
    typst.compile(
        str(folder / "report.typ"),
        root=str(folder),
        font_paths=fonts,
        package_path=str(folder / "no-packages"),
        package_cache_path=str(folder / "no-packages"),
        **wanted,
    )
    return 0


def _limit_ourselves(job: dict[str, Any]) -> None:
    os.environ["RAYON_NUM_THREADS"] = "1"
    for limit, value in (
        (resource.RLIMIT_AS, job["memory_bytes"]),
        (resource.RLIMIT_CPU, job["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, job["output_bytes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        _soft, hard = resource.getrlimit(limit)
        new = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (new, new))


def _shrink(path: Path, edge_px: int) -> None:
    """Paper shows no more than so many pixels. Photos become JPEG, and signatures keep their transparency."""
    from PIL import Image

    with Image.open(path, formats=["JPEG", "PNG"]) as im:
        kind = im.format
        if kind == "JPEG":
            im.draft("RGB", (edge_px, edge_px))
        im.load()
        if max(im.size) <= edge_px:
            return
        im.thumbnail((edge_px, edge_px))
        im.save(path, kind, **({"quality": 82} if kind == "JPEG" else {}))


if __name__ == "__main__":
    sys.exit(main())
