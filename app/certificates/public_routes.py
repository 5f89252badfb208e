"""What needs no account: the page of a certificate, and the public keys to check it with."""

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from app.certificates import keys, pages
from app.certificates.finding import CertificateUnknown, TooManyCodes, find_link
from app.certificates.schemas import KeyOut, KeysOut
from app.identity.access import Db, api_router
from app.kit import clock
from app.kit.problems import refuses

router = api_router("", "certificates")


@router.get(
    "/certificates/{code}",
    response_class=HTMLResponse,
    responses={
        303: {"description": "The code is an amendment's: see the certificate."},
        404: {"description": "There is none; the page says so.", "content": {"text/html": {}}},
        **refuses(TooManyCodes),
    },
)
def show_certificate(code: str, request: Request, db: Db) -> Response:
    """The page of a certificate, checked anew each time: for people, and for whoever scans its code."""
    accepted = request.headers.get("accept-language")
    try:
        link = find_link(db, code, address=_address(request), at=clock.now())
    except CertificateUnknown:
        return pages.unknown_page(accepted)
    return pages.certificate_page(db, link, accepted)


@router.get("/certificates/{code}/keys", responses=refuses(CertificateUnknown, TooManyCodes))
def get_certificate_keys(code: str, request: Request, db: Db) -> KeysOut:
    """The public keys of the organization that the certificate is of: a JSON Web Key Set."""
    link = find_link(db, code, address=_address(request), at=clock.now())
    return KeysOut(keys=[KeyOut.of(key) for key in keys.keys_of(db, link.organization_id)])


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
