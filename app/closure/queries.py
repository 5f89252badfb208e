"""Reading proof of work: what is asked for, what there is, what waits for a supervisor."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.closure.confirmations import confirmations_of
from app.closure.evidence_facts import evidence_of
from app.closure.evidence_schemas import EvidenceOut
from app.closure.material import material_of
from app.closure.models import ClosureSubmission, ClosureWaiver, Evidence
from app.closure.schemas import ClosureOut, ConfirmationOut, VisitClosureOut, WaiverOut
from app.domain.closure import VerdictKind
from app.domain.lifecycle import WorkOrderStatus
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.paging import PageQuery, make_cursor, read_cursor
from app.kit.problems import NotFound
from app.visits.models import Visit
from app.visits.queries import visits_of
from app.work_orders.models import WorkOrder


def submissions_of(db: Session, organization_id: UUID, visit_id: UUID) -> Sequence[ClosureSubmission]:
    """The newest first."""
    return db.exec(
        select(ClosureSubmission)
        .where(ClosureSubmission.organization_id == organization_id, ClosureSubmission.visit_id == visit_id)
        .order_by(col(ClosureSubmission.recorded_at).desc(), col(ClosureSubmission.id).desc())
    ).all()


def last_verdict(db: Session, organization_id: UUID, visit_id: UUID) -> VerdictKind | None:
    """Of the visit's newest submission; None when there is none."""
    found = db.exec(
        select(ClosureSubmission.verdict)
        .where(ClosureSubmission.organization_id == organization_id, ClosureSubmission.visit_id == visit_id)
        .order_by(col(ClosureSubmission.recorded_at).desc(), col(ClosureSubmission.id).desc())
        .limit(1)
    ).first()
    return VerdictKind(found) if found is not None else None


def status_of_work(db: Session, visit: Visit, *, lock: bool = False) -> WorkOrderStatus:
    """`lock`: it stays so until the transaction ends."""
    query = select(WorkOrder.status).where(
        WorkOrder.organization_id == visit.organization_id, WorkOrder.id == visit.work_order_id
    )
    return WorkOrderStatus(db.exec(query.with_for_update() if lock else query).one())


def was_sent_before(db: Session, visit: Visit, original_sha256: str) -> bool:
    """Whether the very same picture proves another work order already."""
    other = select(Evidence.id).where(
        Evidence.organization_id == visit.organization_id,
        Evidence.original_sha256 == original_sha256,
        Evidence.work_order_id != visit.work_order_id,
    )
    return db.exec(other.limit(1)).first() is not None


def standing_submission(db: Session, organization_id: UUID, visit_id: UUID) -> ClosureSubmission | None:
    """The visit's newest submission that is no draft."""
    taken = (one for one in submissions_of(db, organization_id, visit_id) if one.verdict != VerdictKind.UNMET)
    return next(taken, None)


def standing_verdict(db: Session, organization_id: UUID, visit_id: UUID) -> VerdictKind | None:
    """Of the visit's newest submission that is no draft."""
    found = standing_submission(db, organization_id, visit_id)
    return VerdictKind(found.verdict) if found is not None else None


def latest_submission(db: Session, organization_id: UUID, visit_id: UUID) -> ClosureSubmission | None:
    return next(iter(submissions_of(db, organization_id, visit_id)), None)


def reviewable(db: Session, organization_id: UUID, work_order_id: UUID) -> ClosureSubmission | None:
    """What a supervisor decides about next: a submission that waits for one, else the newest that is no draft."""
    return db.exec(
        select(ClosureSubmission)
        .where(
            ClosureSubmission.organization_id == organization_id,
            ClosureSubmission.work_order_id == work_order_id,
            ClosureSubmission.verdict != VerdictKind.UNMET,
        )
        .order_by(
            (col(ClosureSubmission.verdict) == VerdictKind.PENDING_REVIEW).desc(),
            col(ClosureSubmission.recorded_at).desc(),
            col(ClosureSubmission.id).desc(),
        )
        .limit(1)
    ).first()


UNDECIDED = """
SELECT last.visit_id FROM (
    SELECT DISTINCT ON (visit_id) visit_id, verdict FROM closure_submissions
    WHERE organization_id = %(o)s AND work_order_id = %(id)s AND verdict <> 'unmet'
    ORDER BY visit_id, recorded_at DESC, id DESC
) AS last
JOIN visits v ON v.organization_id = %(o)s AND v.id = last.visit_id
JOIN work_orders w ON w.organization_id = %(o)s AND w.id = %(id)s AND w.reopen_count = v.round
WHERE last.verdict IN ('awaiting_evidence', 'pending_review')
"""


def undecided_visits(db: Session, organization_id: UUID, work_order_id: UUID) -> set[UUID]:
    """Visits since the last reopening whose last submission waits for evidence or for a supervisor.

    What was sent back, later work replaces; what was left open when the work was reopened, no longer matters.
    """
    return {row["visit_id"] for row in rows(db, UNDECIDED, o=organization_id, id=work_order_id)}


def waivers_of(db: Session, organization_id: UUID, visit_id: UUID) -> Sequence[ClosureWaiver]:
    """In the order in which they were granted."""
    return db.exec(
        select(ClosureWaiver)
        .where(ClosureWaiver.organization_id == organization_id, ClosureWaiver.visit_id == visit_id)
        .order_by(col(ClosureWaiver.granted_at), col(ClosureWaiver.id))
    ).all()


def closure_of(db: Session, visit: Visit) -> VisitClosureOut:
    """What must be proven on the visit, and all that was sent."""
    material = material_of(db, visit.organization_id, visit.id)
    submissions = [ClosureOut.of(one) for one in submissions_of(db, visit.organization_id, visit.id)]
    return VisitClosureOut(
        visit_id=visit.id,
        terms_id=material["terms_id"],
        policy=material["closure_policy"],
        checklist=material["checklist"],
        verdict=submissions[0].verdict if submissions else None,
        submissions=submissions,
        evidence=[EvidenceOut.of(one) for one in evidence_of(db, visit.organization_id, visit.id)],
        waivers=[WaiverOut.model_validate(one) for one in waivers_of(db, visit.organization_id, visit.id)],
        confirmations=[
            ConfirmationOut.model_validate(one) for one in confirmations_of(db, visit.organization_id, visit.id)
        ],
    )


def evidence_for(db: Session, caller: Caller, evidence_id: UUID) -> Evidence:
    """A photo or signature of a visit that the caller reaches.

    Raises:
        NotFound: there is none, or the visit is out of the caller's reach.
    """
    query = select(Evidence).where(Evidence.organization_id == caller.organization_id, Evidence.id == evidence_id)
    if caller.scope is not Scope.ALL:
        query = query.where(col(Evidence.visit_id).in_(visits_of(caller).with_only_columns(col(Visit.id))))
    evidence = db.exec(query).one_or_none()
    if evidence is None:
        raise NotFound("There is no such evidence.", evidence_id=str(evidence_id))
    return evidence


PENDING = """
SELECT c.id AS submission_id, c.work_order_id, w.number AS work_order_number, w.version AS work_order_version, w.title,
       c.visit_id, v.technician_id, c.findings, c.recorded_at, c.review_due_at AS due_at,
       coalesce(c.review_due_at, c.recorded_at) <= %(now)s AS overdue,
       (SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.granted_at, x.id), '[]') FROM closure_waivers x
        WHERE x.organization_id = c.organization_id AND x.visit_id = c.visit_id) AS waivers
FROM closure_submissions c
JOIN work_orders w ON w.organization_id = c.organization_id AND w.id = c.work_order_id
JOIN visits v ON v.organization_id = c.organization_id AND v.id = c.visit_id
WHERE c.organization_id = %(o)s AND c.verdict = 'pending_review' AND w.status = 'completed'
      AND (%(at)s::timestamptz IS NULL
           OR (coalesce(c.review_due_at, c.recorded_at), c.id) > (%(at)s::timestamptz, %(id)s::uuid))
ORDER BY coalesce(c.review_due_at, c.recorded_at), c.id
LIMIT %(limit)s
"""


def pending_reviews(
    db: Session, caller: Caller, page: PageQuery, *, now: datetime
) -> tuple[list[dict[str, Any]], str | None]:
    """Closures that wait for a supervisor, those first that are due first; and the cursor of the next page."""
    at, after = read_cursor(db, page.cursor, "reviews") or (None, None)
    found = rows(db, PENDING, o=caller.organization_id, at=at, id=after, limit=page.limit + 1, now=now)
    items = found[: page.limit]
    for item in items:
        asked = [one for one in item["findings"] if one["rule_id"] == "review"]
        item["reasons"] = [reason for one in asked for reason in one["facts"]["reasons"]]
    if len(found) <= page.limit:
        return items, None
    last = items[-1]
    due_at = last["due_at"] or last["recorded_at"]
    return items, make_cursor(db, "reviews", [due_at.isoformat(), str(last["submission_id"])])
