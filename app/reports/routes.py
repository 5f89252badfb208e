"""The service report for the office and the crew, and behind the customer's link.

Laying one out takes seconds: it is read in a short transaction, and nothing of the database is held after that.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from app.identity.access import Db, Operation, Running, seat
from app.identity.streamed import Admitted, StreamedOperation, in_transaction
from app.kit import clock
from app.kit.objects import key_of
from app.kit.pages import page_headers
from app.kit.problems import NotFound, Unavailable, refuses
from app.kit.ranges import FILE_HEADERS, object_response
from app.kit.tokens import organization_of
from app.reports import pages, queries
from app.reports.models import ServiceReport
from app.reports.pdf import PdfFailed, PdfNotInstalled
from app.work_orders.queries import work_order_for

router = APIRouter(prefix="/v1", tags=["reports"], route_class=StreamedOperation)
links = APIRouter(route_class=Operation, include_in_schema=False)
papers = APIRouter(include_in_schema=False)

Format = Literal["html", "pdf"]
Lang = Annotated[str, Query(max_length=20)]


@router.get(
    "/work-orders/{work_order_id}/service-report",
    response_class=Response,
    responses={
        200: {
            "description": "The report, in the contact's language when `lang` (`en`, `de`) does not say another.",
            "content": {"text/html": {"schema": {"type": "string"}}, "application/pdf": {}},
        },
        **refuses(NotFound, PdfNotInstalled, PdfFailed, Unavailable),
    },
)
async def get_service_report(
    work_order_id: UUID,
    request: Request,
    me: Admitted,
    format: Format | None = None,
    lang: Lang = "",
) -> Response:
    """The customer's copy of what was done, as it is now: one HTML page with its pictures inside, or a PDF.

    Without `format` the Accept header decides. Costs, internal notes and the reasons of waivers are not in it.
    """
    at = clock.now()

    def read(db: Session) -> pages.Material:
        order = work_order_for(db, me, work_order_id)
        return pages.material_for(db, me.organization_id, order.id, wished=lang, at=at)

    material = await in_transaction(request, me.organization_id, read)
    return await _laid_out(request, material, as_pdf=wants_pdf(format, request.headers.get("accept", "")), at=at)


async def _laid_out(request: Request, material: pages.Material, *, as_pdf: bool, at: datetime) -> Response:
    state = request.app.state
    async with seat(state.report_seats):
        return await run_in_threadpool(pages.laid_out, state.runtime.objects, material, as_pdf=as_pdf, at=at)


def wants_pdf(said: Format | None, accepted: str) -> bool:
    if said is not None:
        return said == "pdf"
    return "application/pdf" in accepted and "text/html" not in accepted


@links.api_route("/r/{token}", methods=["GET", "HEAD"])
def show_report(token: str, request: Request, db: Db, lang: str = "") -> Response:
    """Opening it records nothing."""
    found = _found(db, token, lang, request)
    if isinstance(found, Response):
        return found
    content = pages.content_for(db, found.organization_id, found.work_order_id, wished=lang, at=clock.now())
    return pages.linked_page(content, token)


@papers.api_route("/r/{token}/report.pdf", methods=["GET", "HEAD"])
async def show_report_pdf(token: str, request: Request, lang: str = "") -> Response:
    at = clock.now()

    def read(db: Session) -> pages.Material | Response:
        found = _found(db, token, lang, request)
        if isinstance(found, Response):
            return found
        return pages.material_for(db, found.organization_id, found.work_order_id, wished=lang, at=at)

    organization_id = organization_of(token, queries.REPORT)
    if organization_id is None:
        return pages.unknown_page(lang, request.headers.get("accept-language"))
    material = await in_transaction(request, organization_id, read)
    if isinstance(material, Response):
        return material
    try:
        return await _laid_out(request, material, as_pdf=True, at=at)
    except PdfNotInstalled:
        return pages.no_pdf_page(lang, request.headers.get("accept-language"))


@links.api_route("/r/{token}/evidence/{evidence_id}", methods=["GET", "HEAD"])
def show_report_picture(
    token: str, evidence_id: UUID, request: Request, db: Db, running: Running, lang: str = ""
) -> Response:
    """A picture that this report shows; no other."""
    found = _found(db, token, lang, request)
    if isinstance(found, Response):
        return found
    known = queries.pictures(db, found.organization_id, found.work_order_id, [evidence_id])
    if not known:
        return Response(status_code=404, headers=page_headers())
    [picture] = known.values()
    key = key_of(found.organization_id, picture["sha256"])
    headers = {**FILE_HEADERS, "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"}
    return object_response(
        request, running.objects, key, sha256=picture["sha256"], mime=picture["mime"], headers=headers
    )


def _found(db: Db, token: str, lang: str, request: Request) -> ServiceReport | Response:
    """The report of the link, or the page that says why there is none."""
    accepted = request.headers.get("accept-language")
    report = queries.find_report(db, token)
    if report is None:
        return pages.unknown_page(lang, accepted)
    if pages.has_expired(report, clock.now()):
        return pages.expired_page(lang, accepted)
    return report
