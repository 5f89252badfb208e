"""The report as a page: for the customer behind a link, and in one piece for whoever asks the API for it."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import segno
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from PIL import Image
from sqlmodel import Session

from app.certificates.queries import address_of, certificate_of
from app.domain.lifecycle import WorkOrderStatus
from app.kit.objects import Objects, key_of
from app.kit.pages import best_language, page, page_headers, rendered
from app.kit.runtime import runtime_of
from app.reports import pdf, queries
from app.reports.content import Content, Seal, content_of, pictures_of, words_for
from app.reports.facts import facts_of
from app.reports.models import ServiceReport
from app.reports.texts import LANGUAGES, language_of

TEMPLATES = Path(__file__).parent / "templates"
#: The longer side of pictures that are inside a page.
INSIDE_EDGE_PX = 1280
#: It says on top whose report it is anyway.
FIRST_PAGE = "@page :first { @top-left { content: none; } @top-right { content: none; } }\n"


def content_for(
    db: Session, organization_id: UUID, work_order_id: UUID, *, wished: str | None, at: datetime
) -> Content:
    """The report as it is now; work that was opened again has no certificate until it is closed again."""
    facts = facts_of(db, organization_id, work_order_id)
    certificate = certificate_of(db, organization_id, work_order_id)
    seal = None
    if certificate is not None and facts.order["status"] == WorkOrderStatus.CLOSED:
        seal = Seal(certificate.code, address_of(runtime_of(db).settings.base_url, certificate.code))
    return content_of(facts, words_for(facts, wished), seal=seal, at=at)


def linked_page(content: Content, token: str) -> HTMLResponse:
    """The customer's page: its pictures come through the same link."""
    other = next(language for language in LANGUAGES if language != content["language"])
    pdf_url = f"/r/{token}/report.pdf?lang={content['language']}" if pdf.is_installed() else ""
    return _page(
        content,
        lambda picture_id: f"/r/{token}/evidence/{picture_id}",
        images="'self'",
        pdf_url=pdf_url,
        other=other,
    )


def whole_page(content: Content, pictures: Mapping[str, bytes]) -> HTMLResponse:
    """The same in one piece: the pictures are inside it, so that it can be kept or shown anywhere."""

    def source(picture_id: str) -> str:
        data = pictures.get(picture_id)
        if data is None:
            return ""
        mime = "image/png" if data.startswith(pdf.PNG) else "image/jpeg"
        return f"data:{mime};base64,{base64.b64encode(smaller(data)).decode()}"

    return _page(content, source, images="data:", pdf_url="", other="")


def smaller(data: bytes) -> bytes:
    """A picture of ours with no more pixels than a screen needs; a small one stays what it is."""
    with Image.open(BytesIO(data), formats=["JPEG", "PNG"]) as picture:
        kind = picture.format
        if max(picture.size) <= INSIDE_EDGE_PX:
            return data
        picture.draft("RGB", (INSIDE_EDGE_PX, INSIDE_EDGE_PX))
        picture.thumbnail((INSIDE_EDGE_PX, INSIDE_EDGE_PX))
        out = BytesIO()
        picture.save(out, kind)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Material:
    """All that the database has to say for a report. `keys`: from the id of a picture to where its bytes are kept."""

    content: Content
    keys: Mapping[str, str]


def material_for(
    db: Session, organization_id: UUID, work_order_id: UUID, *, wished: str | None, at: datetime
) -> Material:
    content = content_for(db, organization_id, work_order_id, wished=wished, at=at)
    ids = [UUID(picture_id) for picture_id in pictures_of(content)]
    known = queries.pictures(db, organization_id, work_order_id, ids)
    return Material(content, {name: key_of(organization_id, row["sha256"]) for name, row in known.items()})


def pictures_in(objects: Objects, material: Material) -> dict[str, bytes]:
    """The bytes of the pictures that it shows, as they are kept: made anew by us when they came in."""
    return {name: objects.get(key) for name, key in material.keys.items() if objects.size(key) is not None}


def laid_out(objects: Objects, material: Material, *, as_pdf: bool, at: datetime) -> Response:
    """The report in one piece, with its pictures.

    Raises:
        PdfNotInstalled, PdfFailed, Unavailable: see `report_pdf`.
    """
    pictures = pictures_in(objects, material)
    if as_pdf:
        return pdf_response(material.content, pictures, at=at)
    return whole_page(material.content, pictures)


def pdf_response(content: Content, pictures: Mapping[str, bytes], *, at: datetime) -> Response:
    """
    Raises:
        PdfNotInstalled, PdfFailed, Unavailable: see `report_pdf`.
    """
    name = "".join(one if one.isascii() and one.isalnum() else "-" for one in content["number"])[:60]
    headers = {
        **page_headers("default-src 'none'; frame-ancestors 'none'"),
        "Content-Disposition": f'inline; filename="{name}.pdf"',
        "Content-Language": content["language"],
    }
    return Response(pdf.report_pdf(content, pictures, at=at), media_type="application/pdf", headers=headers)


def has_expired(report: ServiceReport, at: datetime) -> bool:
    return report.expires_at <= at


def unknown_page(wished: str, accepted: str | None) -> HTMLResponse:
    texts = LANGUAGES[language := _guessed(wished, accepted)]
    return _notice(language, 404, texts.unknown_title, texts.unknown)


def expired_page(wished: str, accepted: str | None) -> HTMLResponse:
    texts = LANGUAGES[language := _guessed(wished, accepted)]
    return _notice(language, 410, texts.expired_title, texts.expired)


def no_pdf_page(wished: str, accepted: str | None) -> HTMLResponse:
    texts = LANGUAGES[language := _guessed(wished, accepted)]
    return _notice(language, 501, texts.no_pdf_title, texts.no_pdf)


def _guessed(wished: str, accepted: str | None) -> str:
    return language_of(wished, best_language(accepted, tuple(LANGUAGES), fallback="en"))


def _notice(language: str, status: int, title: str, text: str) -> HTMLResponse:
    return page(TEMPLATES, "message.html", language=language, status=status, title=title, text=text)


def _page(content: Content, source: Callable[[str], str], *, images: str, pdf_url: str, other: str) -> HTMLResponse:
    style = _style(content)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src {images}; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    values: dict[str, Any] = {
        "report": content,
        "t": LANGUAGES[content["language"]],
        "source": source,
        "style": Markup(style),
        "code": _square(content),
        "pdf_url": pdf_url,
        "other_url": f"?lang={other}" if other else "",
        "other_language": other,
    }
    return HTMLResponse(
        rendered(TEMPLATES, "report.html", language=content["language"], **values),
        headers={**page_headers(policy), "Content-Language": content["language"]},
    )


@cache
def _stylesheet() -> str:
    return (TEMPLATES / "report.css").read_text()


def _style(content: Content) -> str:
    """The sheet, and what stands in the margins of each printed page: whose report it is, and its pages counted."""
    texts = LANGUAGES[content["language"]]
    margins = {
        "top-left": _css_text(content["company"][:80]),
        "top-right": _css_text(f"{content['title']} {content['number']}"[:80]),
        "bottom-left": _css_text(content["made"]),
        "bottom-right": f'{_css_text(texts.page + " ")} counter(page) " / " counter(pages)',
    }
    boxes = " ".join(
        f"@{place} {{ content: {said}; font: 8pt sans-serif; color: #51606f; }}" for place, said in margins.items()
    )
    return f"{_stylesheet()}@page {{ margin: 20mm 15mm; {boxes} }}\n{FIRST_PAGE}"


def _css_text(text: str) -> str:
    """A string of CSS that is that text and can be nothing else: every character by its number."""
    return '"' + "".join(f"\\{ord(character):x} " for character in text) + '"'


def _square(content: Content) -> Markup:
    """The certificate's address as a QR code, drawn here; empty without a certificate."""
    seal = content["certificate"]
    if seal is None:
        return Markup("")
    drawn = segno.make(seal["url"], error="m").svg_inline(
        border=0, omitsize=True, dark="#000", svgclass=None, lineclass=None
    )
    return Markup(drawn.replace("<svg", '<svg role="img" aria-label="QR"', 1))
