"""What anybody who has its code reads of a certificate: what was done, when, and whether it is still as it was sealed.

No names, no words that somebody wrote, nothing of the customer: only the work order's number, kinds, times and counts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import segno
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from app.certificates.codes import read_code
from app.certificates.models import Certificate, CertificateKind
from app.certificates.queries import address_of, amended_by, part_of
from app.certificates.texts import LANGUAGES, Texts
from app.certificates.verifying import Verification, verify
from app.identity.models import Organization
from app.kit.pages import best_language, page, page_headers
from app.kit.runtime import runtime_of

TEMPLATES = Path(__file__).parent / "templates"


def unknown_page(accepted: str | None) -> HTMLResponse:
    language, texts = _texts(accepted)
    return _notice(language, texts.unknown_title, texts.unknown, status=404)


def certificate_page(db: Session, link: Certificate, accepted: str | None) -> Response:
    """The page of a closing; the code of an amendment leads to the closing that it amends."""
    language, texts = _texts(accepted)
    if link.kind == CertificateKind.AMENDMENT:
        amended = read_code(amended_by(link) or "")
        if amended is None:
            return _notice(language, texts.amendment_title, texts.amendment)
        return RedirectResponse(f"/certificates/{amended}", status_code=303, headers=page_headers())
    organization = db.get_one(Organization, link.organization_id)
    found = verify(db, link)
    return page(TEMPLATES, "certificate.html", language=language, **_shown(db, found, organization, texts))


def _texts(accepted: str | None) -> tuple[str, Texts]:
    language = best_language(accepted, tuple(LANGUAGES), fallback="en")
    return language, LANGUAGES[language]


def _notice(language: str, title: str, text: str, *, status: int = 200) -> HTMLResponse:
    return page(TEMPLATES, "message.html", language=language, status=status, title=title, text=text)


def _shown(db: Session, found: Verification, organization: Organization, texts: Texts) -> dict[str, Any]:
    link, zone = found.link, ZoneInfo(organization.time_zone)
    url = address_of(runtime_of(db).settings.base_url, link.code)
    document = found.document if found.document is not None and found.is_authentic else {}
    number = part_of(document, "work_order").get("number", "")
    return {
        "t": texts,
        "title": texts.title.format(code=link.code),
        "heading": texts.closed.format(number=number.replace("-", "\N{NON-BREAKING HYPHEN}")) if number else texts.bad,
        "company": organization.name,
        "valid": found.is_valid,
        "differences": _differences(found, texts),
        "newer": found.newer.code if found.newer else "",
        "facts": list(_facts(found, document, texts, zone)),
        "amendments": [
            texts.amended.format(n=one.revision, at=_day(one.sealed_at, texts, zone)) for one in found.amendments
        ],
        "later": texts.later.format(n=len(found.later)) if found.later else "",
        "code": link.code,
        "url": url,
        "qr": qr_of(url),
    }


def _differences(found: Verification, texts: Texts) -> list[dict[str, Any]]:
    """Each part once, with how often."""
    counted = Counter((one.part, one.what) for one in found.differences)
    return [
        {"part": texts.parts[part], "what": texts.what[what], "times": times} for (part, what), times in counted.items()
    ]


def _facts(found: Verification, document: Mapping[str, Any], texts: Texts, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What the page lists. A document that is not what was sealed tells nothing of the work."""
    link = found.link
    if document:
        yield from _work(document, texts, zone)
    revisions = found.newer.revision if found.newer else link.revision
    yield texts.revision, texts.of_revisions.format(n=link.revision, total=revisions)
    yield texts.sealed, _day(link.sealed_at, texts, zone)
    yield texts.position, str(link.position)
    yield texts.sha256, link.sha256.hex()
    yield texts.key, link.key_id


def _work(document: Mapping[str, Any], texts: Texts, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    order = document["work_order"]
    yield texts.number, order["number"]
    if order["type"]:
        yield texts.kind_of_work, order["type"]
    times = {
        texts.requested: order["requested_at"],
        texts.completed: order["first_completed_at"],
        texts.closed_at: order["closed_at"],
    }
    for name, moment in times.items():
        if moment is not None:
            yield name, _day(datetime.fromisoformat(moment), texts, zone)
    yield texts.verdict, texts.verdicts[verdict_of(document)]
    yield texts.visits, str(len(document["visits"]))
    if proof := _proof(document, texts):
        yield texts.proof, proof
    if document["waivers"]:
        yield texts.waivers, str(len(document["waivers"]))


def _proof(document: Mapping[str, Any], texts: Texts) -> str:
    kinds = Counter(entry["kind"] for entry in document["evidence"])
    refused = sum(entry["refused"] is not None for entry in document["signatures"])
    counts = {texts.photos: kinds["photo"], texts.signatures: kinds["signature"], texts.refused: refused}
    return ", ".join(text.format(n=n) for text, n in counts.items() if n)


def verdict_of(document: Mapping[str, Any]) -> str:
    """The weakest of the verdicts that counted in the end; `none` where nothing was submitted."""
    counted = [entry["verdict"] for entry in document["closures"] if entry["verdict"] in ("verified", "waived")]
    if counted:
        return "waived" if "waived" in counted else "verified"
    others = [entry["verdict"] for entry in document["closures"] if entry["verdict"] != "unmet"]
    return others[-1] if others else "none"


def _day(moment: datetime, texts: Texts, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime(texts.date)


def qr_of(url: str) -> str:
    """The address as a picture that phones read (SVG)."""
    made = segno.make(url, error="m", micro=False)
    return str(made.svg_inline(omitsize=True, border=3, dark="#000", light="#fff", svgclass=None, lineclass=None))
