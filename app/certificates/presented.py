"""What somebody shows us as a certificate: is it ours, and is what it speaks of still so?"""

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from sqlmodel import Session

from app.certificates import keys
from app.certificates.finding import find_link
from app.certificates.models import Certificate, CertificateKind
from app.certificates.schemas import VerificationOut, VerifiedOut, VerifyIn
from app.certificates.verifying import verify
from app.kit.canonical import canonical_json

UNREADABLE = VerifiedOut(
    valid=False,
    differences=[],
    later=[],
    newer_code=None,
    code=None,
    kind=None,
    revision=None,
    sealed_at=None,
    reasons=["document_unreadable"],
)


def judge_presented(db: Session, given: VerifyIn, *, address: str, at: datetime) -> VerifiedOut:
    """
    Raises:
        CertificateUnknown: no certificate has the code, given or in the document.
        TooManyCodes: too many that came from this address were not there.
    """
    document = None if given.document is None else _bytes_of(given.document)
    code = given.code if document is None else _code_in(document)
    if code is None:
        return UNREADABLE
    link = find_link(db, code, address=address, at=at)
    found = verify(db, link)
    reasons: list[Any] = [] if document is None else list(_objections(db, link, document, given))
    reasons += [] if found.is_valid else ["changed"]
    told = VerificationOut.of(found).model_dump()
    return VerifiedOut(
        **{**told, "valid": not reasons},
        code=link.code,
        kind=CertificateKind(link.kind),
        revision=link.revision,
        sealed_at=link.sealed_at,
        reasons=reasons,
    )


def _objections(db: Session, link: Certificate, document: bytes, given: VerifyIn) -> Iterator[str]:
    if document != link.document:
        yield "document_differs"
    if given.signature is None and given.key_id is None:
        return
    name = given.key_id or link.key_id
    key = next((one for one in keys.keys_of(db, link.organization_id) if one.key_id == name), None)
    if key is None:
        yield "key_unknown"
    elif given.signature is not None and not keys.is_signed(key.public_key, _decoded(given.signature), document):
        yield "signature_invalid"


def _bytes_of(document: dict[str, Any] | str) -> bytes:
    return _decoded(document) if isinstance(document, str) else canonical_json(document)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _code_in(document: bytes) -> str | None:
    """The code in it; None when it is no JSON object with one."""
    try:
        read = orjson.loads(document)
    except ValueError:
        return None
    code = read.get("code") if isinstance(read, dict) else None
    return code if isinstance(code, str) else None
