"""The customer's part of a closure: their code, what they sign, and the pages behind their links."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.closure import customer_pages as pages
from app.closure import summary
from app.closure.commands.customer_codes import (
    CodeIsTheCustomers,
    CustomerCodeUsed,
    NoCustomerCode,
    NotOnSite,
    TooManyCodes,
    check_online,
    read_out,
    send_new_code,
)
from app.closure.commands.sign import sign
from app.closure.commands.submit import WorkOrderClosed
from app.closure.customer_schemas import CustomerCodeCheckIn, CustomerCodeOut, CustomerCodeToldOut, VisitSummaryOut
from app.closure.evidence_schemas import EvidenceOut, SignatureIn
from app.identity.access import Db, Me, Operation, api_router
from app.kit import clock
from app.kit.canonical import canonical_sha256, plain_json
from app.kit.forms import Fields
from app.kit.problems import NotAllowed, NotFound, refuses
from app.visits.queries import visit_for
from app.work_orders.commands import IdReused

router = api_router("/v1/visits", "closure")
links = APIRouter(route_class=Operation, include_in_schema=False)
REPLAYED = "Idempotent-Replayed"


@router.get("/{visit_id}/customer-code", responses=refuses(NotAllowed, NotFound, NoCustomerCode, CodeIsTheCustomers))
def get_customer_code(visit_id: UUID, response: Response, me: Me, db: Db) -> CustomerCodeToldOut:
    """The code of a visit, for the office to tell the customer. Never for who does the work."""
    visit = visit_for(db, me, visit_id)
    now, digits = read_out(db, visit, by=me, at=clock.now())
    response.headers["Cache-Control"] = "no-store"
    return CustomerCodeToldOut.of(now, code=digits)


@router.post(
    "/{visit_id}/customer-codes",
    status_code=201,
    responses=refuses(NotAllowed, NotFound, NoCustomerCode, CustomerCodeUsed, NotOnSite, WorkOrderClosed, TooManyCodes),
)
def send_customer_code(visit_id: UUID, me: Me, db: Db) -> CustomerCodeOut:
    """Send the customer a new code; the one before is good for nothing any more."""
    visit = visit_for(db, me, visit_id)
    return CustomerCodeOut.of(send_new_code(db, visit, by=me, at=clock.now()))


@router.post("/{visit_id}/customer-code-checks", responses=refuses(NotAllowed, NotFound, NoCustomerCode))
def check_customer_code(visit_id: UUID, given: CustomerCodeCheckIn, me: Me, db: Db) -> CustomerCodeOut:
    """Try the code that the customer told. It is right once; wrong tries are counted."""
    visit = visit_for(db, me, visit_id)
    return CustomerCodeOut.of(check_online(db, visit, given.code, at=clock.now()))


@router.post("/{visit_id}/signatures", status_code=201, responses=refuses(NotFound, IdReused, WorkOrderClosed))
def post_signature(visit_id: UUID, given: SignatureIn, response: Response, me: Me, db: Db) -> EvidenceOut:
    """Send a signature as the lines of a pen; it becomes a picture. Safe to repeat: the id is the key."""
    visit = visit_for(db, me, visit_id)
    kept, replayed = sign(db, visit, given, by=me, at=clock.now())
    response.headers.update({REPLAYED: "true"} if replayed else {})
    return EvidenceOut.of(kept)


@router.get("/{visit_id}/summary", responses=refuses(NotFound))
def get_visit_summary(visit_id: UUID, me: Me, db: Db) -> VisitSummaryOut:
    """What was done on a visit, as a customer signs it: show it, and send its hash with the signature."""
    visit = visit_for(db, me, visit_id)
    document = plain_json(summary.summary_from(summary.material_of(db, visit)))
    return VisitSummaryOut(visit_id=visit.id, document=document, sha256=canonical_sha256(document))


@links.api_route("/confirm/{token}", methods=["GET", "HEAD"])
def show_confirmation(token: str, request: Request, db: Db) -> Response:
    confirmation = pages.find_confirmation(db, token, write=False)
    if confirmation is None:
        return pages.unknown_page(request.headers.get("accept-language"))
    return pages.confirmation_page(db, confirmation, token, at=clock.now())


@links.post("/confirm/{token}")
def answer_confirmation(token: str, request: Request, db: Db, fields: Fields) -> Response:
    confirmation = pages.find_confirmation(db, token, write=True)
    if confirmation is None:
        return pages.unknown_page(request.headers.get("accept-language"))
    return pages.answer_page(db, confirmation, token, dict(fields), at=clock.now())


@links.api_route("/code/{token}", methods=["GET", "HEAD"])
def show_customer_code(token: str, request: Request, db: Db) -> Response:
    code = pages.find_code(db, token)
    if code is None:
        return pages.unknown_page(request.headers.get("accept-language"))
    return pages.code_page(db, code, at=clock.now())
