"""Reading certificates: of a work order, of a closure, by their code, by their place in the chain."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session, col, select

from app.certificates.models import Certificate, CertificateKind
from app.closure.models import ClosureSubmission
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.problems import NotFound
from app.visits.models import Visit
from app.visits.queries import visits_of
from app.work_orders.queries import work_order_for


def certificate_of(
    db: Session, organization_id: UUID, work_order_id: UUID, *, revision: int | None = None
) -> Certificate | None:
    """The certificate of the last closing of a work order, or of the one that is named by its revision."""
    query = select(Certificate).where(
        Certificate.organization_id == organization_id,
        Certificate.work_order_id == work_order_id,
        Certificate.kind == CertificateKind.CLOSING,
    )
    if revision is not None:
        query = query.where(Certificate.revision == revision)
    return db.exec(query.order_by(col(Certificate.revision).desc()).limit(1)).one_or_none()


def address_of(base_url: str, code: str) -> str:
    """Where anybody who has the code reads what was certified."""
    return f"{base_url}/certificates/{code}"


def certificate_for(db: Session, caller: Caller, work_order_id: UUID, *, revision: int | None = None) -> Certificate:
    """
    Raises:
        NotFound: it was never closed here, has no such revision, or is out of the caller's reach.
    """
    order = work_order_for(db, caller, work_order_id)
    found = certificate_of(db, caller.organization_id, order.id, revision=revision)
    if found is None:
        raise NotFound("There is no such certificate.", work_order_id=str(work_order_id))
    return found


def certificate_for_closure(db: Session, caller: Caller, closure_id: UUID) -> Certificate:
    """The newest certificate that names this submission.

    Raises:
        NotFound: the submission is not certified, or out of the caller's reach.
    """
    query = select(ClosureSubmission).where(
        ClosureSubmission.organization_id == caller.organization_id, ClosureSubmission.id == closure_id
    )
    if caller.scope is not Scope.ALL:
        query = query.where(col(ClosureSubmission.visit_id).in_(visits_of(caller).with_only_columns(col(Visit.id))))
    submission = db.exec(query).one_or_none()
    found = links_of(db, caller.organization_id, submission.work_order_id) if submission is not None else ()
    for one in reversed(found):
        if one.kind == CertificateKind.CLOSING and str(closure_id).encode() in one.document:
            return one
    raise NotFound("There is no such certificate.", closure_id=str(closure_id))


def links_of(db: Session, organization_id: UUID, work_order_id: UUID) -> Sequence[Certificate]:
    """All closings and amendments of a work order, in the order of the chain."""
    return db.exec(
        select(Certificate)
        .where(Certificate.organization_id == organization_id, Certificate.work_order_id == work_order_id)
        .order_by(col(Certificate.position))
    ).all()


def link_by_code(db: Session, organization_id: UUID, code: str) -> Certificate | None:
    return db.exec(
        select(Certificate).where(Certificate.organization_id == organization_id, Certificate.code == code)
    ).one_or_none()


def link_at(db: Session, organization_id: UUID, position: int) -> Certificate | None:
    return db.exec(
        select(Certificate).where(Certificate.organization_id == organization_id, Certificate.position == position)
    ).one_or_none()


def document_of(link: Certificate) -> dict[str, Any] | None:
    """What the link says; None when it is no JSON object any more."""
    try:
        read = orjson.loads(link.document)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def amendments_of(links: Sequence[Certificate], code: str) -> list[Certificate]:
    """Those of these links that amend the closing with this code."""
    return [one for one in links if one.kind == CertificateKind.AMENDMENT and amended_by(one) == code]


def amended_by(amendment: Certificate) -> str | None:
    """The code of the closing that the link says it amends."""
    code = part_of(document_of(amendment), "amends").get("code")
    return code if isinstance(code, str) else None


def part_of(document: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    """An object in a document; empty when it has none, whatever somebody has made of it."""
    found = (document or {}).get(name)
    return found if isinstance(found, dict) else {}
