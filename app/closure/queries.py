"""Reading proof of work: what is asked for, what there is, what waits for a supervisor."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.closure.models import ClosureSubmission, Evidence
from app.closure.schemas import ClosureIn, ClosureOut, EvidenceOut, VisitClosureOut
from app.domain.closure import VerdictKind
from app.domain.closure_policy import Risk
from app.domain.closure_rules import EvidenceFact, Facts, Submission
from app.domain.geo import distance_m
from app.domain.ledger import VisitState
from app.domain.lifecycle import WorkOrderStatus
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.paging import PageQuery, make_cursor, read_cursor
from app.kit.problems import NotFound
from app.kit.runtime import runtime_of
from app.visits.models import Visit
from app.visits.queries import TASKS, visits_of
from app.work_orders.ledger import OpenLedger
from app.work_orders.models import WorkOrder

#: A photo taken further away than this from the site is worth a second look.
FAR_M = 500

#: `ticked`: from checklist item to the answer that was given on site last; done without a value is a yes.
MATERIAL = f"""
SELECT coalesce(t.checklist, '[]') AS checklist, coalesce(t.closure_policy, '{{}}') AS closure_policy,
       coalesce(t.purpose, v.purpose) AS purpose, s.latitude, s.longitude,
       a.name AS asset_name, a.model AS asset_model, a.serial AS asset_serial,
       (SELECT count(*) FROM part_movements m
        WHERE m.organization_id = v.organization_id AND m.work_order_id = w.id AND m.visit_id = v.id
              AND m.kind IN ('used', 'returned')) AS movements,
       EXISTS (SELECT FROM closure_submissions c
               WHERE c.organization_id = v.organization_id AND c.work_order_id = w.id
                     AND c.verdict = 'changes_requested') AS sent_back,
       (SELECT coalesce(jsonb_object_agg(r.task_id, coalesce(r.value, 'true')), '{{}}')
        FROM ({TASKS}) AS r WHERE r.done) AS ticked
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN work_type_versions t ON t.organization_id = v.organization_id AND t.work_type_id = w.work_type_id
     AND t.version = coalesce(v.work_type_version, w.work_type_version)
LEFT JOIN sites s ON s.organization_id = v.organization_id AND s.id = w.site_id
LEFT JOIN assets a ON a.organization_id = v.organization_id AND a.id = w.asset_id
WHERE v.organization_id = %(o)s AND v.id = %(visit)s
"""


def material_of(db: Session, organization_id: UUID, visit_id: UUID) -> dict[str, Any]:
    """The checklist and policy that the visit is pinned to, and what they are judged with."""
    return rows(db, MATERIAL, o=organization_id, visit=visit_id, ids=[visit_id])[0]


def facts_of(
    db: Session, ledger: OpenLedger, visit: VisitState, given: ClosureIn, *, ended_at: Any, material: dict[str, Any]
) -> Facts:
    """Everything but the submission itself that a policy is judged with."""
    stored = evidence_of(db, ledger.organization_id, visit.id)
    evidence = _evidence_facts(stored, given, (material["latitude"], material["longitude"]))
    order, row = ledger.row, ledger.visit_rows[visit.id]
    risks = {
        Risk.INSTALL: material["purpose"] == "installation",
        Risk.CONTRACTOR: row["employment"] == "contractor",
        Risk.GEO_MISMATCH: any(one.distance_m is not None and one.distance_m > FAR_M for one in evidence),
    }
    return Facts(
        work_order_id=str(ledger.id),
        salt=f"{runtime_of(db).secret}:{ledger.organization_id}:".encode(),
        ended_at=ended_at,
        arrived_at=visit.arrived_at,
        work_order={
            name: order[name]
            for name in ("priority", "type", "work_class", "channel", "territory", "problem_code", "reopen_count")
        }
        | {"purpose": material["purpose"]},
        asset={name: material[f"asset_{name}"] for name in ("name", "model", "serial")},
        checklist=material["checklist"],
        evidence=evidence,
        movements=material["movements"],
        risks=frozenset(risk.value for risk, is_so in risks.items() if is_so),
        sent_back=material["sent_back"],
    )


def _evidence_facts(
    stored: Sequence[Evidence], given: ClosureIn, site: tuple[float | None, float | None]
) -> list[EvidenceFact]:
    """What we have, and what the device promises beside it; a picture that comes twice is one picture."""
    distinct = {(one.kind, one.tag, one.original_sha256): one for one in reversed(stored)}
    facts = [
        EvidenceFact(
            id=str(one.id),
            kind=one.kind,
            tag=one.tag,
            captured_at=one.captured_at,
            distance_m=_distance(site, one.latitude, one.longitude),
            signer_name=one.signer_name,
            reused=one.reused,
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
                distance_m=_distance(site, place.lat, place.lng) if place else None,
                signer_name=promised.signer_name,
            )
        )
    return facts


def _distance(site: tuple[float | None, float | None], lat: float | None, lng: float | None) -> float | None:
    if site[0] is None or site[1] is None or lat is None or lng is None:
        return None
    return distance_m(site[0], site[1], lat, lng)


def submission_from(given: ClosureIn) -> Submission:
    return Submission(
        answers=given.answers,
        resolution_code=given.resolution_code,
        cause_code=given.cause_code,
        no_parts_used=given.no_parts_used,
        refusals={one.role: one.reason for one in given.refused_signatures},
    )


def evidence_of(db: Session, organization_id: UUID, visit_id: UUID) -> Sequence[Evidence]:
    """In the order in which it came."""
    return db.exec(
        select(Evidence)
        .where(Evidence.organization_id == organization_id, Evidence.visit_id == visit_id)
        .order_by(col(Evidence.recorded_at), col(Evidence.id))
    ).all()


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


def status_of_work(db: Session, visit: Visit) -> WorkOrderStatus:
    found = db.exec(
        select(WorkOrder.status).where(
            WorkOrder.organization_id == visit.organization_id, WorkOrder.id == visit.work_order_id
        )
    ).one()
    return WorkOrderStatus(found)


def was_sent_before(db: Session, visit: Visit, original_sha256: str) -> bool:
    """Whether the very same picture proves another work order already."""
    other = select(Evidence.id).where(
        Evidence.organization_id == visit.organization_id,
        Evidence.original_sha256 == original_sha256,
        Evidence.work_order_id != visit.work_order_id,
    )
    return db.exec(other.limit(1)).first() is not None


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
WHERE last.verdict IN ('awaiting_evidence', 'pending_review')
"""


def undecided_visits(db: Session, organization_id: UUID, work_order_id: UUID) -> set[UUID]:
    """Visits whose last submission waits for evidence or for a supervisor; what was sent back, later work replaces."""
    return {row["visit_id"] for row in rows(db, UNDECIDED, o=organization_id, id=work_order_id)}


def closure_of(db: Session, visit: Visit) -> VisitClosureOut:
    """What must be proven on the visit, and all that was sent."""
    material = material_of(db, visit.organization_id, visit.id)
    submissions = [ClosureOut.of(one) for one in submissions_of(db, visit.organization_id, visit.id)]
    return VisitClosureOut(
        visit_id=visit.id,
        policy=material["closure_policy"],
        checklist=material["checklist"],
        verdict=submissions[0].verdict if submissions else None,
        submissions=submissions,
        evidence=[EvidenceOut.of(one) for one in evidence_of(db, visit.organization_id, visit.id)],
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
       c.visit_id, v.technician_id, c.findings, c.recorded_at
FROM closure_submissions c
JOIN work_orders w ON w.organization_id = c.organization_id AND w.id = c.work_order_id
JOIN visits v ON v.organization_id = c.organization_id AND v.id = c.visit_id
WHERE c.organization_id = %(o)s AND c.verdict = 'pending_review' AND w.status = 'completed'
      AND (%(at)s::timestamptz IS NULL OR (c.recorded_at, c.id) > (%(at)s::timestamptz, %(id)s::uuid))
ORDER BY c.recorded_at, c.id
LIMIT %(limit)s
"""


def pending_reviews(db: Session, caller: Caller, page: PageQuery) -> tuple[list[dict[str, Any]], str | None]:
    """Closures that wait for a supervisor, the longest waiting first; and the cursor of the next page."""
    at, after = read_cursor(db, page.cursor, "reviews") or (None, None)
    found = rows(db, PENDING, o=caller.organization_id, at=at, id=after, limit=page.limit + 1)
    items = found[: page.limit]
    for item in items:
        asked = [one for one in item["findings"] if one["rule_id"] == "review"]
        item["reasons"] = [reason for one in asked for reason in one["facts"]["reasons"]]
    if len(found) <= page.limit:
        return items, None
    last = items[-1]
    return items, make_cursor(db, "reviews", [last["recorded_at"].isoformat(), str(last["submission_id"])])
