"""The report as PDF, laid out by typst (the optional extra `pdf`) in a process that may use only so much.

What people wrote reaches typst as JSON in a file beside the template: data, never markup. The embedded fonts have Latin
(German and its neighbours), Greek and Cyrillic; for other scripts and emoji the fonts of the machine are used, and
where it has none either, an empty box stands in the PDF. The page in the browser is not concerned.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import segno

from app.kit.problems import Refusal, Unavailable
from app.reports.content import Content
from app.reports.texts import LANGUAGES

_HERE = Path(__file__).parent
_WORKER = _HERE / "pdf_worker.py"
_TEMPLATE = _HERE / "templates" / "report.typ"
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
#: So many are laid out at the same time; who comes then waits for a while.
AT_ONCE = 2
_PLACES = threading.BoundedSemaphore(AT_ONCE)
WAIT_SECONDS = 5.0
#: Without a space in it for so long, a word is broken anywhere.
LONG_WORD = re.compile(r"\S{32,}")
BREAK_HERE = "\u200b"
PNG = b"\x89PNG"


class PdfNotInstalled(Refusal):
    """This server was installed without the extra `pdf`."""

    status, code, title = 501, "pdf-not-installed", "Not implemented"


class PdfFailed(Unavailable):
    """The report could not be laid out within the limits."""

    code = "pdf-failed"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one PDF may cost. `memory_bytes` bounds the whole address space, which threads and fonts fill quickly."""

    memory_bytes: int = 3 * 1024**3
    output_bytes: int = 60 * 1024**2
    cpu_seconds: int = 20
    wall_seconds: float = 25.0
    edge_px: int = 1400


def is_installed() -> bool:
    return find_spec("typst") is not None


def report_pdf(content: Content, pictures: Mapping[str, bytes], *, at: datetime, limits: Limits | None = None) -> bytes:
    """The PDF of this content; `pictures`: JPEG or PNG by the ids that the content names. One that is not there is
    left out.

    Raises:
        PdfNotInstalled: typst is not there.
        PdfFailed: it took too long or too much memory, or does not come out.
        Unavailable: too many are being made.
    """
    return laid_out(content, pictures, at=at, limits=limits)[0]


def laid_out(
    content: Content,
    pictures: Mapping[str, bytes],
    *,
    at: datetime,
    as_png: bool = False,
    limits: Limits | None = None,
) -> list[bytes]:
    """As `report_pdf`: one PDF, or a PNG of each page."""
    if not is_installed():
        raise PdfNotInstalled("This server makes no PDF. Open the report as HTML and print it.")
    if not _PLACES.acquire(timeout=WAIT_SECONDS):
        raise Unavailable("Too many reports are being made; try again.")
    try:
        with tempfile.TemporaryDirectory(prefix="report-") as made:
            folder = Path(made)
            _lay_ready(folder, content, pictures)
            _run(folder, as_png, int(at.timestamp()), limits or Limits())
            if not as_png:
                return [(folder / "report.pdf").read_bytes()]
            pages = sorted(folder.glob("page-*.png"), key=lambda page: int(page.stem.removeprefix("page-")))
            return [page.read_bytes() for page in pages]
    finally:
        _PLACES.release()


def _lay_ready(folder: Path, content: Content, pictures: Mapping[str, bytes]) -> None:
    names = {}
    for number, (picture_id, data) in enumerate(pictures.items(), start=1):
        name = f"picture-{number}.{'png' if data.startswith(PNG) else 'jpg'}"
        (folder / name).write_bytes(data)
        names[picture_id] = name
    if content["certificate"] is not None:
        segno.make(content["certificate"]["url"], error="m").save(str(folder / "code.svg"), border=0, scale=4)
    texts = LANGUAGES[content["language"]]
    words = {name: getattr(texts, name) for name in texts.__slots__ if isinstance(getattr(texts, name), str)}
    told = {"content": breakable(content), "pictures": names, "words": words, "tags": dict(texts.tag_words)}
    (folder / "data.json").write_text(json.dumps(told))
    shutil.copy(_TEMPLATE, folder / "report.typ")


def breakable(value: Any) -> Any:
    """The same JSON; words that no line can hold have places where they may be broken."""
    if isinstance(value, str):
        return LONG_WORD.sub(_with_breaks, value)
    if isinstance(value, list):
        return [breakable(one) for one in value]
    if isinstance(value, dict):
        return {name: one if name in ("id", "url", "code") else breakable(one) for name, one in value.items()}
    return value


def _with_breaks(word: re.Match[str]) -> str:
    text = word.group()
    return BREAK_HERE.join(text[start : start + 12] for start in range(0, len(text), 12))


def _run(folder: Path, as_png: bool, timestamp: int, limits: Limits) -> None:
    job = {
        "format": "png" if as_png else "pdf",
        "timestamp": timestamp,
        "edge_px": limits.edge_px,
        "memory_bytes": limits.memory_bytes,
        "output_bytes": limits.output_bytes,
        "cpu_seconds": limits.cpu_seconds,
    }
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_WORKER), str(folder), json.dumps(job), *packages],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd=folder,
            timeout=limits.wall_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PdfFailed("This report takes too long to lay out.", reason="time") from None
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["killed"]
        why = "resources" if done.returncode < 0 else "layout"
        raise PdfFailed("This report could not be laid out.", reason=why) from RuntimeError(last[0][:500])
