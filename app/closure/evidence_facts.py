"""The photos and signatures of a visit as a policy looks at them: those we have, and those that are promised."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.closure.evidence_schemas import PromisedEvidenceIn
from app.closure.models import Evidence
from app.closure.schemas import ClosureIn
from app.domain.closure_facts import EvidenceFact
from app.domain.geo import distance_m

Place = tuple[float | None, float | None]


def evidence_facts(
    stored: Sequence[Evidence], given: ClosureIn, shown: frozenset[str], site: Place
) -> list[EvidenceFact]:
    """What we have, and what the device promises beside it; a picture that comes twice is one picture."""
    promises = {one.id: one for one in given.evidence}
    distinct = {(one.kind, one.tag, one.original_sha256): one for one in reversed(stored)}
    facts = [
        EvidenceFact(
            id=str(one.id),
            kind=one.kind,
            tag=one.tag,
            captured_at=one.captured_at,
            distance_m=distance(site, one.latitude, one.longitude),
            signer_name=one.signer_name,
            reused=one.reused,
            **_document(one.document_hash or _hash_of(promises.get(one.id)), shown),
        )
        for one in distinct.values()
    ]
    seen: set[UUID | str] = {one.id for one in stored}
    seen |= {sha256 for one in stored for sha256 in (one.original_sha256, one.sha256)}
    for promised in given.evidence:
        names = {promised.id, promised.sha256 or promised.id}
        if names & seen:
            continue
        seen |= names
        place = promised.location
        facts.append(
            EvidenceFact(
                id=str(promised.id),
                kind=promised.kind,
                tag=promised.tag,
                stored=False,
                captured_at=promised.captured_at,
                distance_m=distance(site, place.lat, place.lng) if place else None,
                signer_name=promised.signer_name,
                **_document(promised.document_hash, shown),
            )
        )
    return facts


def counted_as(stored: Sequence[Evidence], given: ClosureIn) -> dict[str, str]:
    """From the id of each picture to the id under which it counts: another one for what came, or is promised, twice."""
    first: dict[object, str] = {}
    ids: dict[str, str] = {}
    for one in stored:
        ids[str(one.id)] = kept = first.setdefault((one.kind, one.tag, one.original_sha256), str(one.id))
        for sha256 in (one.original_sha256, one.sha256):
            first.setdefault(sha256, kept)
    for promised in given.evidence:
        name = str(promised.id)
        ids.setdefault(name, first.setdefault(promised.sha256, name) if promised.sha256 else name)
    return ids


def _hash_of(promised: PromisedEvidenceIn | None) -> str | None:
    return promised.document_hash if promised is not None else None


def _document(name: str | None, shown: frozenset[str]) -> dict[str, Any]:
    """What was signed, and whether it is one of the documents that were shown; both unknown when it does not say."""
    return {"document_hash": name, "bound": None if name is None else name in shown}


def distance(site: Place, lat: float | None, lng: float | None) -> float | None:
    if site[0] is None or site[1] is None or lat is None or lng is None:
        return None
    return distance_m(site[0], site[1], lat, lng)


def evidence_of(db: Session, organization_id: UUID, visit_id: UUID) -> Sequence[Evidence]:
    """In the order in which it came."""
    return db.exec(
        select(Evidence)
        .where(Evidence.organization_id == organization_id, Evidence.visit_id == visit_id)
        .order_by(col(Evidence.recorded_at), col(Evidence.id))
    ).all()
