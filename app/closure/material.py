"""What a submission is judged by, and what it is judged with beside itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.closure.evidence_facts import Place, counted_as, distance, evidence_facts, evidence_of
from app.closure.risks import BUSY_FOR, NEW_JOBS, Signs, risks_of
from app.closure.schemas import ClosureIn
from app.domain.checklist import items_of, judge
from app.domain.closure import Verdict, draw_of
from app.domain.closure_facts import Facts, Submission
from app.domain.closure_policy import ClosurePolicy, RuleKind
from app.domain.intervals import Interval, total_seconds
from app.domain.ledger import VisitState, instant
from app.kit.database import rows
from app.kit.runtime import runtime_of
from app.visits.queries import TASKS
from app.visits.schemas import Location
from app.work_orders.ledger import OpenLedger

#: By what the visit is held to, or by other terms that it was held to before (`terms`).
#: `ticked`: from checklist item to the answer that was given on site last; done without a value is a yes.
MATERIAL = f"""
SELECT coalesce(ct.checklist, t.checklist, '[]') AS checklist,
       coalesce(ct.policy, t.closure_policy, '{{}}') AS closure_policy, ct.id AS terms_id, ct.policy_version,
       own.id AS own_terms_id, own.policy_version AS own_policy_version,
       coalesce(t.purpose, v.purpose) AS purpose, s.latitude, s.longitude,
       a.name AS asset_name, a.model AS asset_model, a.serial AS asset_serial, a.retired_at,
       (SELECT coalesce(jsonb_object_agg(r.task_id, coalesce(r.value, 'true')), '{{}}')
        FROM ({TASKS}) AS r WHERE r.done) AS ticked
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN work_type_versions t ON t.organization_id = v.organization_id AND t.work_type_id = w.work_type_id
     AND t.version = coalesce(v.work_type_version, w.work_type_version)
LEFT JOIN closure_terms own ON own.organization_id = v.organization_id AND own.id = v.terms_id
LEFT JOIN closure_terms ct ON ct.organization_id = v.organization_id AND ct.id = coalesce(%(terms)s::uuid, v.terms_id)
LEFT JOIN sites s ON s.organization_id = v.organization_id AND s.id = w.site_id
LEFT JOIN assets a ON a.organization_id = v.organization_id AND a.id = w.asset_id
WHERE v.organization_id = %(o)s AND v.id = %(visit)s
"""


def material_of(db: Session, organization_id: UUID, visit_id: UUID, *, terms_id: UUID | None = None) -> dict[str, Any]:
    """The checklist and policy that the visit is held to, or that other terms say, and what the policy speaks of."""
    return rows(db, MATERIAL, o=organization_id, visit=visit_id, ids=[visit_id], terms=terms_id)[0]


WAS_PINNED = """
SELECT 1 AS one FROM events
WHERE organization_id = %(o)s AND visit_id = %(visit)s AND data ->> 'terms_id' = %(terms)s::text
      AND seq >= (SELECT min(e.seq) FROM events e WHERE e.organization_id = %(o)s AND e.visit_id = %(visit)s
                  AND e.data ->> 'technician_id' = %(technician)s::text)
LIMIT 1
"""


def terms_of_device(db: Session, ledger: OpenLedger, visit: VisitState, given: ClosureIn) -> UUID | None:
    """The terms that the device went by, when the visit was held to them since it first was its technician's.

    None where the visit's own count: what somebody else was held to before, their device never heard of.
    """
    if given.terms_id in (None, visit.terms_id):
        return None
    who = {"visit": visit.id, "technician": visit.technician_id}
    found = rows(db, WAS_PINNED, o=ledger.organization_id, terms=given.terms_id, **who)
    return given.terms_id if found else None


#: `work`: the hours that were worked, [from, until or null]; `places`: where those who arrived were.
AROUND = """
SELECT (SELECT count(*) FROM part_movements m
        WHERE m.organization_id = %(o)s AND m.work_order_id = %(id)s AND m.visit_id = %(visit)s
              AND m.kind IN ('used', 'returned')) AS movements,
       EXISTS (SELECT FROM closure_submissions c
               WHERE c.organization_id = %(o)s AND c.work_order_id = %(id)s
                     AND c.verdict IN ('changes_requested', 'rejected')
                     AND (c.id <> %(submission)s OR c.reviewed_at IS NOT NULL)) AS sent_back,
       (SELECT count(*) FROM part_requests r
        WHERE r.organization_id = %(o)s AND r.work_order_id = %(id)s AND r.state IN ('open', 'ordered')) AS requests,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(e.started_at, e.ended_at)), '[]') FROM time_entries e
        WHERE e.organization_id = %(o)s AND e.visit_id = %(visit)s AND e.kind = 'work') AS work,
       (SELECT coalesce(jsonb_agg(e.data -> 'location'), '[]') FROM events e
        WHERE e.organization_id = %(o)s AND e.visit_id = %(visit)s
              AND e.type IN ('visit.arrived', 'visit.member_arrived') AND e.data ? 'location') AS places,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('label', r.label, 'value', r.value, 'unit', r.unit)
                                  ORDER BY r.effective_at, r.id), '[]')
        FROM asset_readings r WHERE r.organization_id = %(o)s AND r.asset_id = %(asset)s::uuid
             AND r.visit_id = %(visit)s) AS readings,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('rule_id', x.rule_id, 'reason', x.reason, 'role', x.role)
                                  ORDER BY x.granted_at, x.id), '[]')
        FROM closure_waivers x WHERE x.organization_id = %(o)s AND x.visit_id = %(visit)s) AS waivers,
       (SELECT count(*) FROM work_orders b
        WHERE b.organization_id = %(o)s AND b.asset_id = %(asset)s::uuid AND b.id <> %(id)s
              AND b.closed_at > %(ended)s - %(busy_for)s::interval AND b.status = 'closed') AS closed_on_asset,
       (SELECT count(*) FROM (
            SELECT FROM visits d WHERE d.organization_id = %(o)s AND d.technician_id = %(technician)s::uuid
                   AND d.id <> %(visit)s AND d.status = 'completed' LIMIT %(new_jobs)s) d) AS jobs_done
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What a policy is judged with: what was said, with what was ticked and read before, and what we know beside it."""

    said: Submission
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict with all that it was made from. `findings`: those of the rules, and what else is to be said."""

    policy: ClosurePolicy
    stored_policy: dict[str, Any]
    terms_id: UUID | None
    known: Known
    verdict: Verdict
    findings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """The submission that is judged: which, when the work ended, and what came of the customer's part of it."""

    id: UUID
    given: ClosureIn
    ended_at: datetime
    code: Mapping[str, Any] | None = None
    confirmation: Mapping[str, Any] | None = None
    bound: frozenset[str] = frozenset()
    """The hashes of the documents that were shown."""


def known_of(
    db: Session,
    ledger: OpenLedger,
    visit: VisitState,
    handed: HandedIn,
    *,
    policy: ClosurePolicy,
    material: Mapping[str, Any],
) -> Known:
    """All that counts when this submission is judged by this policy; what is dear to find out, only where it asks."""
    around = rows(
        db,
        AROUND,
        o=ledger.organization_id,
        id=ledger.id,
        visit=visit.id,
        submission=handed.id,
        asset=ledger.row["asset_id"],
        technician=visit.technician_id,
        ended=handed.ended_at,
        busy_for=BUSY_FOR,
        new_jobs=NEW_JOBS,
    )[0]
    site, stored = (material["latitude"], material["longitude"]), evidence_of(db, ledger.organization_id, visit.id)
    said = _said(handed.given, material, around, counted_as(stored, handed.given))
    evidence = evidence_facts(stored, handed.given, handed.bound, site)
    worked = _worked_seconds(around["work"], handed.ended_at)
    presence = _presence_m(site, None if _arrival_counts(policy) else handed.given.location, around["places"])
    facts = Facts(
        ended_at=handed.ended_at,
        arrived_at=visit.arrived_at,
        work_order=_of_work_order(ledger, material),
        asset={name: material[f"asset_{name}"] for name in ("name", "model", "serial")},
        checklist=material["checklist"],
        evidence=evidence,
        movements=around["movements"],
        waivers=[one for one in around["waivers"] if one["role"] == "supervisor"],
        code=handed.code,
        confirmation=handed.confirmation,
        worked_seconds=worked,
        estimated_minutes=ledger.row["estimated_minutes"],
        presence_m=presence,
        open_items={"tasks": 0, "returns": 0, "requests": around["requests"]},
        risks=risks_of(
            db,
            ledger,
            visit,
            Signs(
                purpose=material["purpose"],
                retired=material["retired_at"] is not None and material["retired_at"] <= handed.ended_at,
                closed_on_asset=around["closed_on_asset"],
                jobs_done=around["jobs_done"],
                worked_seconds=worked,
                distances=(presence, *(one.distance_m for one in evidence)),
            ),
            policy=policy,
        ),
        sent_back=around["sent_back"],
        draw=draw_of(f"{runtime_of(db).secret}:{ledger.organization_id}:".encode(), str(ledger.id)),
    )
    open_tasks = _open_tasks(said, facts)
    return Known(said, replace(facts, open_items={**facts.open_items, "tasks": open_tasks}))


def _said(
    given: ClosureIn, material: Mapping[str, Any], around: Mapping[str, Any], pictures: Mapping[str, str]
) -> Submission:
    """What the submission leaves out was perhaps ticked, read or waived on this visit before."""
    by_technician = [one for one in around["waivers"] if one["role"] == "technician"]
    return Submission(
        answers={item: _named(said, pictures) for item, said in {**material["ticked"], **given.answers}.items()},
        resolution_code=given.resolution_code,
        cause_code=given.cause_code,
        no_parts_used=given.no_parts_used,
        refusals={one.role: one.reason for one in given.refused_signatures},
        waivers=[
            *({"rule_id": one["rule_id"], "reason": one["reason"]} for one in by_technician),
            *(one.model_dump() for one in given.waivers),
        ],
        readings=[*around["readings"], *(one.model_dump() for one in given.readings)],
        scans=[one.model_dump() for one in given.scans],
        tests=[one.model_dump() for one in given.tests],
    )


def _named(answer: Any, pictures: Mapping[str, str]) -> Any:
    """An answer that names pictures, by the ids under which they count."""
    if isinstance(answer, list):
        return [_named(one, pictures) for one in answer]
    return pictures.get(answer, answer) if isinstance(answer, str) else answer


OF_WORK_ORDER = ("priority", "type", "work_class", "channel", "territory", "problem_code", "reopen_count")


def _of_work_order(ledger: OpenLedger, material: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ledger.row[name] for name in OF_WORK_ORDER} | {"purpose": material["purpose"]}


def _worked_seconds(work: Iterable[Sequence[str | None]], ended_at: datetime) -> int | None:
    """What lies in the hours of several people counts once; None when nobody worked."""
    hours = [(instant(start), instant(end)) for start, end in work]
    known = [Interval(start, min(end or ended_at, ended_at)) for start, end in hours if start is not None]
    return int(total_seconds(known)) if known else None


def _arrival_counts(policy: ClosurePolicy) -> bool:
    """Whether some rule wants to know where they were when they arrived, not when they say that they are done."""
    return any(rule.kind is RuleKind.GEO_PRESENCE and rule.params.get("source") == "arrival" for rule in policy.rules)


def _presence_m(site: Place, at_end: Location | None, places: Iterable[Mapping[str, Any] | None]) -> float | None:
    """How near to the site somebody of the crew is known to have been; None when nobody said."""
    seen: list[Place] = [(one.get("lat"), one.get("lng")) for one in places if one]
    if at_end is not None:
        seen.append((at_end.lat, at_end.lng))
    distances = [distance(site, lat, lng) for lat, lng in seen]
    return min((one for one in distances if one is not None), default=None)


def _open_tasks(said: Submission, facts: Facts) -> int:
    """Required items of the checklist that are asked and have no answer."""
    evidence = {one.id: one.kind for one in facts.evidence}
    return len(judge(items_of(facts.checklist), said.answers, facts.values_with(said), evidence).missing)
