"""Signatures that come as the lines of a pen: drawn, kept and written down like any other."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.closure.commands.evidence_rows import Proof, write_evidence
from app.closure.evidence_schemas import PromisedEvidenceIn
from app.closure.models import EvidenceKind
from app.closure.strokes import drawn
from app.kit.objects import sha256_of
from app.kit.runtime import runtime_of
from app.visits.models import Visit


def keep_drawn(
    db: Session, visit: Visit, promised: Iterable[PromisedEvidenceIn], *, by_id: UUID | None, at: datetime
) -> None:
    """Of what a submission promises, that which came along as strokes is here: judge after this."""
    for one in promised:
        if one.strokes is not None:
            write_evidence(db, visit, _kept(db, visit, one, by_id), at=at)


def _kept(db: Session, visit: Visit, one: PromisedEvidenceIn, by_id: UUID | None) -> Proof:
    assert one.strokes is not None
    picture, (width, height) = drawn(one.strokes)
    runtime_of(db).objects.keep(visit.organization_id, picture)
    return Proof(
        id=one.id,
        kind=EvidenceKind.SIGNATURE,
        tag=one.tag,
        signer_name=one.signer_name,
        document_hash=one.document_hash,
        sha256=sha256_of(picture),
        original_sha256=one.strokes.sha256,
        mime="image/png",
        size_bytes=len(picture),
        width=width,
        height=height,
        captured_at=one.captured_at,
        latitude=one.location.lat if one.location else None,
        longitude=one.location.lng if one.location else None,
        uploaded_by=by_id,
    )
