"""What is written down about a photo or a signature whose bytes are kept."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from app.closure import queries
from app.closure.models import Evidence, EvidenceKind
from app.kit.changes import Kind, touch
from app.visits.models import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A picture that is kept already, and what is said about it. `uploaded_by`: None for a program."""

    id: UUID
    kind: EvidenceKind
    tag: str
    signer_name: str | None
    document_hash: str | None
    sha256: str
    original_sha256: str
    mime: str
    size_bytes: int
    width: int
    height: int
    captured_at: datetime | None
    latitude: float | None
    longitude: float | None
    uploaded_by: UUID | None


def write_evidence(db: Session, visit: Visit, proof: Proof, *, at: datetime) -> Evidence | None:
    """Write it down; None when that was done already."""
    made = db.scalars(
        insert(Evidence)
        .values(
            **asdict(proof),
            organization_id=visit.organization_id,
            work_order_id=visit.work_order_id,
            visit_id=visit.id,
            reused=queries.was_sent_before(db, visit, proof.original_sha256),
            recorded_at=at,
        )
        .on_conflict_do_nothing()
        .returning(Evidence)
    ).one_or_none()
    if made is not None:
        touch(db, visit.organization_id, Kind.WORK_ORDER, visit.work_order_id)
    return made
