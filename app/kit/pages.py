"""The few pages people see in a browser: rendered here, styled by one file of ours, and with no script at all.

The policy of each page forbids everything that is not needed, so nothing that a customer or a technician wrote can run.
"""

import hashlib
from collections.abc import Container, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_KIT = Path(__file__).parent
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: For mail shown as it was written: its own inline styles, nothing else, in an origin of its own.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; base-uri 'none'; frame-ancestors 'none'"

router = APIRouter(include_in_schema=False)


@cache
def stylesheet() -> tuple[str, bytes]:
    """Where the style file is (its name changes with its content, so it may be cached for ever) and the file."""
    content = (_KIT / "static" / "pages.css").read_bytes()
    return f"/assets/pages-{hashlib.sha256(content).hexdigest()[:16]}.css", content


@router.get("/assets/{name}")
def get_page_asset(name: str) -> Response:
    path, content = stylesheet()
    if name != path.removeprefix("/assets/"):
        return Response(status_code=404, headers=page_headers())
    caching = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="text/css; charset=utf-8", headers=caching)


@cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader([folder, _KIT / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_headers(policy: str = POLICY) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex, nofollow",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def page(folder: Path, template: str, *, language: str = "en", status: int = 200, **values: Any) -> HTMLResponse:
    """The template of that folder as an answer; what it uses and is not given is an error, never an empty place."""
    return HTMLResponse(
        rendered(folder, template, language=language, stylesheet=stylesheet()[0], **values),
        status_code=status,
        headers={**page_headers(), "Content-Language": language, "Vary": "Accept-Language"},
    )


def rendered(folder: Path, template: str, *, language: str = "en", **values: Any) -> str:
    """The template's text; for names ending in `.html` (and every other) values are escaped."""
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return _environment(folder).get_template(template).render(language=language, direction=direction, **values)


def language_among(offered: Container[str], *wished: str | None) -> str:
    """The first of the wishes that is offered (`de-AT` is: it is `de`), else English."""
    codes = ((one or "").partition("-")[0].lower() for one in wished)
    return next((code for code in codes if code in offered), "en")


def best_language(accepted: str | None, offered: Sequence[str], *, fallback: str) -> str:
    """The offered language that an `Accept-Language` header likes best; `de-AT` is content with `de`."""
    wishes: list[tuple[float, int, str]] = []
    for place, wish in enumerate((accepted or "")[:500].split(",")):
        name, _, parameter = wish.strip().partition(";")
        wishes.append((-_weight(parameter), place, name.strip().lower()))
    for weight, _, name in sorted(wishes):
        primary = name.partition("-")[0]
        if weight < 0 and primary in offered:
            return primary
    return fallback


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    digits = value.strip()
    return float(digits) if digits.replace(".", "", 1).isascii() and digits.replace(".", "", 1).isdigit() else 0.0
