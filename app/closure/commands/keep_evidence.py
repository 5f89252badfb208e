"""Photos and signatures come in: made safe, kept as objects, then written down; what waited for them moves on."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from app.closure import queries
from app.closure.commands.submit import WorkOrderClosed, findings_of, judge, verify_and_close
from app.closure.models import Evidence, EvidenceKind
from app.closure.schemas import ClosureIn, EvidenceIn
from app.domain.closure import Verdict, VerdictKind
from app.domain.closure_rules import Met
from app.domain.ledger import EventType
from app.domain.lifecycle import WorkOrderStatus
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.images import Image, Limits, reencode
from app.kit.objects import sha256_of
from app.kit.runtime import runtime_of
from app.visits.models import Visit
from app.work_orders.commands import IdReused, happen
from app.work_orders.ledger import SYSTEM, NewEvent, OpenLedger, open_ledger

UPLOAD_BYTES = 15_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A picture that is kept already, and what is said about it. `uploaded_by`: None for a program."""

    id: UUID
    kind: EvidenceKind
    tag: str
    signer_name: str | None
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


def keep_evidence(
    db: Session, visit: Visit, given: EvidenceIn, data: bytes, *, by: Caller, at: datetime
) -> tuple[Evidence, bool]:
    """Keep a photo or signature of the visit; and whether it was kept already.

    The bytes are kept before the row is written. A submission that waited for it is judged again.

    Raises:
        ImageTypeRefused, ImageTooLarge, ImageUnreadable: it is no picture that we keep; nothing is stored.
        WorkOrderClosed: the work is closed, and its evidence is what it is.
        IdReused: the id came earlier with another picture.
    """
    original = sha256_of(data)
    if (earlier := db.get(Evidence, (by.organization_id, given.id))) is not None:
        return _same(earlier, visit.id, given, original), True
    if queries.status_of_work(db, visit) is WorkOrderStatus.CLOSED:
        raise WorkOrderClosed("The work order is closed.")
    image = reencode(
        data,
        declared=given.file.content_type,
        keep_png=given.kind is EvidenceKind.SIGNATURE,
        limits=Limits(upload_bytes=UPLOAD_BYTES),
    )
    runtime_of(db).objects.keep(by.organization_id, image.bytes)
    made = record_evidence(db, visit, _proof(given, image, by=by), at=at)
    if made is None:
        earlier = db.get_one(Evidence, (by.organization_id, given.id))
        return _same(earlier, visit.id, given, original), True
    return made, False


def record_evidence(db: Session, visit: Visit, proof: Proof, *, at: datetime) -> Evidence | None:
    """Write down a picture that is kept, and judge what waited for it; None when it was written down already."""
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
        judge_again(db, visit, at=at)
    return made


def _proof(given: EvidenceIn, image: Image, *, by: Caller) -> Proof:
    return Proof(
        id=given.id,
        kind=given.kind,
        tag=given.tag,
        signer_name=given.signer_name,
        sha256=image.sha256,
        original_sha256=image.original_sha256,
        mime=image.mime,
        size_bytes=len(image.bytes),
        width=image.width,
        height=image.height,
        captured_at=given.captured_at,
        latitude=given.lat,
        longitude=given.lng,
        uploaded_by=by.person_id,
    )


def _same(earlier: Evidence, visit_id: UUID, given: EvidenceIn, original_sha256: str) -> Evidence:
    known = (earlier.visit_id, earlier.kind, earlier.tag, earlier.original_sha256)
    if known != (visit_id, given.kind, given.tag, original_sha256):
        raise IdReused("This id came earlier with another picture.", id=str(given.id))
    return earlier


def judge_again(db: Session, visit: Visit, *, at: datetime) -> None:
    """New bytes have come: the visit's last submission, when it waited for some, gets the verdict it has now.

    The work order is locked first, so that of two pictures that come at once the second sees the first.
    """
    if queries.last_verdict(db, visit.organization_id, visit.id) is None:
        return
    ledger: OpenLedger = open_ledger(db, visit.organization_id, visit.work_order_id)
    submission = queries.latest_submission(db, visit.organization_id, visit.id)
    if submission is None or submission.verdict != VerdictKind.AWAITING_EVIDENCE:
        return
    given = ClosureIn.model_validate(submission.body)
    state = ledger.visits[visit.id]
    policy, verdict, _ = judge(db, ledger, state, given, ended_at=submission.effective_at)
    unmet = verdict.kind is VerdictKind.UNMET
    submission.verdict = VerdictKind.CHANGES_REQUESTED if unmet else verdict.kind
    submission.findings = findings_of(verdict)
    db.add(submission)
    db.flush()
    if unmet:
        _ask_for_changes(db, ledger, verdict, at=at)
    verify_and_close(db, ledger, submission, policy, at=at)


def _ask_for_changes(db: Session, ledger: OpenLedger, verdict: Verdict, *, at: datetime) -> None:
    """What came is not what was promised; the visit is over, so that the technician is asked for something else."""
    broken = [one for one in verdict.findings if one.met is Met.NO]
    data = {"rule_ids": [one.rule_id for one in broken], "text": " ".join(one.how_to_fix for one in broken)}
    happen(db, ledger, [NewEvent(type=EventType.SENT_BACK, at=at, data=data)], by=SYSTEM, at=at)
