"""Certificates of closed work: reading them, amending what they say, and checking one that somebody shows."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Request, Response

from app.certificates import keys, queries
from app.certificates.commands import NotClosed, amend
from app.certificates.finding import CertificateUnknown, TooManyCodes
from app.certificates.models import Certificate
from app.certificates.presented import judge_presented
from app.certificates.schemas import (
    AmendmentIn,
    AmendmentOut,
    CertificateOut,
    KeyOut,
    KeysOut,
    VerifiedOut,
    VerifyIn,
)
from app.certificates.verifying import verify
from app.identity.access import Db, Me, Running, api_router
from app.kit import clock
from app.kit.problems import NotFound, refuses
from app.kit.runtime import Runtime
from app.work_orders.commands import IdReused
from app.work_orders.queries import work_order_for

router = api_router("/v1", "certificates")

#: Who asks for this type gets the very bytes that were signed.
EXACT = "application/vnd.firstfix.certificate+json"
BOTH: dict[int | str, dict[str, Any]] = {
    200: {"description": "The certificate; as the signed bytes alone when asked for by type.", "content": {EXACT: {}}}
}
Accepts = Annotated[str, Header(alias="Accept", include_in_schema=False)]


@router.get("/closures/{closure_id}/certificate", response_model=CertificateOut, responses=BOTH | refuses(NotFound))
def get_closure_certificate(closure_id: UUID, me: Me, db: Db, running: Running, accept: Accepts = "") -> Any:
    """The newest certificate that names this submission, checked against the books and the stored bytes."""
    return _shown(db, running, queries.certificate_for_closure(db, me, closure_id), accept)


@router.get(
    "/work-orders/{work_order_id}/certificate", response_model=CertificateOut, responses=BOTH | refuses(NotFound)
)
def get_work_order_certificate(
    work_order_id: UUID,
    me: Me,
    db: Db,
    running: Running,
    revision: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    accept: Accepts = "",
) -> Any:
    """The certificate of the last closing, or of the one that `revision` counts, checked anew."""
    return _shown(db, running, queries.certificate_for(db, me, work_order_id, revision=revision), accept)


def _shown(db: Db, running: Runtime, link: Certificate, accept: str) -> Any:
    if EXACT in accept:
        return Response(link.document, media_type=EXACT, headers={"Vary": "Accept"})
    url = queries.address_of(running.settings.base_url, link.code)
    return CertificateOut.described(verify(db, link), url=url)


@router.post(
    "/work-orders/{work_order_id}/amendments",
    status_code=201,
    response_model=AmendmentOut,
    responses=refuses(NotFound, NotClosed, IdReused),
)
def amend_work_order(work_order_id: UUID, given: AmendmentIn, response: Response, me: Me, db: Db) -> Any:
    """Say what must be said about closed work: added to it and signed, nothing is edited. The id is the key."""
    order = work_order_for(db, me, work_order_id)
    answer, replayed = amend(db, me.organization_id, order.id, given, by=me, at=clock.now())
    response.headers.update({"Idempotent-Replayed": "true"} if replayed else {})
    return answer


@router.get("/certificate-keys")
def list_certificate_keys(me: Me, db: Db) -> KeysOut:
    """The public keys of the organization: a JSON Web Key Set."""
    return KeysOut(keys=[KeyOut.of(key) for key in keys.keys_of(db, me.organization_id)])


@router.post("/certificates/verify", responses=refuses(CertificateUnknown, TooManyCodes))
def verify_certificate(given: VerifyIn, request: Request, db: Db) -> VerifiedOut:
    """Is it ours, and is everything still as it was sealed? By its code or by the document itself, without account."""
    address = request.client.host if request.client else ""
    return judge_presented(db, given, address=address, at=clock.now())
