"""Certificates are found by their code, without an account; whoever guesses codes is slowed down, by their address."""

import hashlib
from datetime import datetime

from sqlmodel import Session

from app.certificates.codes import read_code, tag_of
from app.certificates.models import Certificate
from app.certificates.queries import link_by_code
from app.identity.passwords import SlowDownPlease, check_pace, count_failure
from app.identity.queries import organization_ids
from app.kit.database import enter
from app.kit.problems import NotFound, TooManyRequests


class CertificateUnknown(NotFound):
    """No certificate has this code."""

    code = "certificate-unknown"
    keeps_changes = True


class TooManyCodes(TooManyRequests):
    """Too many codes from this address were of no certificate."""

    code = "too-many-codes"


def find_link(db: Session, typed: str, *, address: str, at: datetime) -> Certificate:
    """The link with this code; enters its organization.

    Raises:
        CertificateUnknown: there is none.
        TooManyCodes: too many that came from this address were not there.
    """
    keys = [hashlib.sha256(f"certificate codes:{address}".encode()).digest()]
    try:
        check_pace(db, keys, at=at)
    except SlowDownPlease as slow:
        raise TooManyCodes("Too many of these codes are not there: wait a little.", headers=slow.headers) from None
    code = read_code(typed)
    found = _by_code(db, code) if code else None
    if found is None:
        count_failure(db, keys, at=at)
        raise CertificateUnknown("There is no certificate with this code.")
    return found


def _by_code(db: Session, code: str) -> Certificate | None:
    for organization_id in [one for one in organization_ids(db) if tag_of(one) == code[:4]]:
        enter(db, organization_id)
        found = link_by_code(db, organization_id, code)
        if found is not None:
            return found
    return None
