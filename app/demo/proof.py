"""What the technicians of the demo sent in as proof: parts, photos, signatures, closures; and what Sam said to it."""

from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.closure.evidence_schemas import PromisedEvidenceIn
from app.closure.models import ClosureSubmission, ClosureWaiver, Evidence, EvidenceKind, WaivedBy
from app.closure.schemas import ClosureIn, WaiverIn
from app.demo.cast import CURRENCY
from app.demo.catalog import BIG, CAUSES, CODES
from app.demo.story import Story, Trip
from app.domain.closure import VerdictKind, evaluate
from app.domain.closure_case import facts_json, submission_json
from app.domain.closure_facts import EvidenceFact, Facts, Submission
from app.domain.closure_policy import Risk, RuleKind, policy_of
from app.domain.ledger import EventType
from app.domain.roles import Role
from app.identity.models import Employment
from app.kit.repeats import fingerprint_of
from app.parts.models import MovementKind, PartMovement

FILLED_IN: dict[str, Any] = {
    "gas_tight": True, "co_ppm": 24, "cleaned": True, "pressure_bar": 1.6, "filter": "replaced", "flushed": True,
    "serial": "HP-2231-8",
}  # fmt: skip
PROVEN = (VerdictKind.VERIFIED, VerdictKind.WAIVED)
REVIEWED_WITHIN = timedelta(hours=24)
BROKEN = "The camera of my phone is broken."


def use_parts(story: Story, trip: Trip, at: datetime) -> None:
    """Most planned parts, and now and then one more, from the van; what is too big for it from the depot."""
    chance, catalog = story.stage.chance, story.stage.catalog
    wanted = {
        one["part_number"]: int(one["quantity"]) for one in story.kind.version.planned_parts if chance.happens(75)
    }
    if chance.happens(15):
        wanted.setdefault(chance.choice(sorted(catalog.parts.keys() - BIG)), 1)
    for number, count in wanted.items():
        part, quantity, used_at = catalog.parts[number], Decimal(count), at - chance.minutes(5, 20)
        story.add(
            PartMovement(
                organization_id=story.organization_id,
                id=chance.id(used_at),
                kind=MovementKind.USED,
                part_id=part.id,
                part_number=number,
                location_id=catalog.depot_id if number in BIG else catalog.vans[trip.worker.technician.id],
                work_order_id=story.id,
                visit_id=trip.id,
                technician_id=trip.worker.technician.id,
                quantity=quantity,
                delta=-quantity,
                unit_cost_minor=part.unit_cost_minor,
                currency=CURRENCY,
                occurred_at=used_at,
                effective_at=used_at,
                recorded_at=used_at,
            )
        )


def asks_for_proof(story: Story) -> bool:
    return not policy_of(story.kind.version.closure_policy).asks_for_nothing


def submit(
    story: Story,
    trip: Trip,
    at: datetime,
    *,
    forgets_checklist: bool = False,
    photos_on_device: bool = False,
    camera_broken: bool = False,
) -> ClosureSubmission:
    """Send in a closure at `at`, with the verdict that the policy gives; the visit and the order follow it.

    Args:
        forgets_checklist: nothing is filled in: the verdict is unmet, and it stays a draft.
        photos_on_device: they are promised, their bytes have not come.
        camera_broken: there is no photo, and the technician waives the rule.
    """
    first = all(event.type != EventType.VISIT_COMPLETED or event.visit_id != trip.id for event in story.events)
    evidence = []
    if first and not forgets_checklist:
        evidence = _evidence(story, trip, at, promised=photos_on_device, without_photo=camera_broken)
    given = _given(story, at, evidence, forgets_checklist=forgets_checklist, waives=camera_broken)
    policy = story.kind.version.closure_policy
    stored = [one for one in story.more if isinstance(one, Evidence) and one.visit_id == trip.id]
    said = Submission(
        given.answers,
        given.resolution_code,
        given.cause_code,
        given.no_parts_used,
        waivers=[one.model_dump() for one in given.waivers],
    )
    facts = _facts(story, trip, at, evidence, stored)
    verdict = evaluate(policy_of(policy), said, facts)
    submission = ClosureSubmission(
        organization_id=story.organization_id,
        id=given.id,
        work_order_id=story.id,
        visit_id=trip.id,
        submitted_by=trip.worker.person_id,
        body=given.model_dump(mode="json", exclude={"age_ms", "sent_at"}),
        body_hash=fingerprint_of(given),
        policy=policy,
        facts={**facts_json(facts), "submission": submission_json(said)},
        verdict=verdict.kind,
        findings=[asdict(finding) for finding in verdict.findings],
        occurred_at=at,
        effective_at=at,
        recorded_at=at,
        decided_at=at if verdict.kind in PROVEN else None,
        review_due_at=at + REVIEWED_WITHIN if verdict.kind is VerdictKind.PENDING_REVIEW else None,
    )
    if verdict.kind is not VerdictKind.UNMET:
        about = {"submission_id": submission.id, "verdict": verdict.kind, "reason": None}
        story.happen(EventType.CLOSURE_SUBMITTED, at, trip.crew, trip, **about)
        if first:
            complete(story, trip, at, given.resolution_code, given.cause_code, submission_id=submission.id)
    story.add(submission)
    for waiver in given.waivers:
        _waive(story, trip, waiver.rule_id, waiver.reason, at=at)
    if verdict.kind in PROVEN:
        known: dict[str, Any] = {"verdict": verdict.kind, "submission_id": submission.id}
        story.happen(EventType.VISIT_VERIFIED, at, trip=trip, verification="passed", **known)
        story.happen(EventType.CLOSED, at, **known)
    return submission


def _waive(story: Story, trip: Trip, rule_id: str, reason: str, *, at: datetime) -> None:
    told: dict[str, Any] = {"rule_id": rule_id, "role": WaivedBy.TECHNICIAN, "reason": reason}
    story.happen(EventType.CLOSURE_WAIVED, at, trip.crew, trip, **told)
    story.add(
        ClosureWaiver(
            organization_id=story.organization_id,
            id=story.stage.chance.id(at),
            work_order_id=story.id,
            visit_id=trip.id,
            granted_by=trip.worker.person_id,
            granted_at=at,
            **told,
        )
    )


def complete(
    story: Story, trip: Trip, at: datetime, resolution_code: str | None, cause_code: str | None, **more: Any
) -> None:
    codes = {"resolution_code": resolution_code, "cause_code": cause_code, "outcome": "resolved"}
    story.happen(EventType.VISIT_COMPLETED, at, trip.crew, trip, **codes, **more)


def review(story: Story, trip: Trip, submission: ClosureSubmission, at: datetime, *, approve: bool) -> None:
    """Sam approves it, which closes the work, or sends it back."""
    sam = story.stage.somebody(Role.SUPERVISOR)
    verification = "passed" if approve else "failed"
    story.happen(EventType.VISIT_VERIFIED, at, sam, trip, verification=verification, submission_id=submission.id)
    submission.verdict = VerdictKind.VERIFIED if approve else VerdictKind.CHANGES_REQUESTED
    submission.reviewed_at, submission.reviewed_by, submission.decided_at = at, sam.id, at
    submission.review_text = "" if approve else "The photo shows the wrong side of the unit."
    submission.review_rule_ids = [] if approve else ["photo-after"]
    if approve:
        story.happen(EventType.CLOSED, at, sam, verdict=VerdictKind.VERIFIED, submission_id=submission.id)
    else:
        told: dict[str, Any] = {
            "rule_ids": submission.review_rule_ids,
            "text": submission.review_text,
            "revisit": False,
        }
        story.happen(EventType.SENT_BACK, at, sam, **told)


def _given(story: Story, at: datetime, evidence: list[Evidence], *, forgets_checklist: bool, waives: bool) -> ClosureIn:
    chance, version = story.stage.chance, story.kind.version
    asked = [item["id"] for item in version.checklist if item["id"] in FILLED_IN]
    coded = any(rule["kind"] == RuleKind.RESOLUTION_CODES for rule in version.closure_policy["rules"])
    return ClosureIn(
        id=chance.id(at),
        occurred_at=at,
        resolution_code=chance.choice(CODES),
        cause_code=chance.choice(CAUSES) if coded else None,
        answers={} if forgets_checklist else {name: FILLED_IN[name] for name in asked},
        evidence=[
            PromisedEvidenceIn(id=one.id, kind=one.kind, tag=one.tag, captured_at=at, signer_name=one.signer_name)
            for one in evidence
        ],
        waivers=[WaiverIn(rule_id="photo-after", reason=BROKEN)] if waives else [],
        no_parts_used=not any(isinstance(one, PartMovement) for one in story.more),
    )


def _evidence(story: Story, trip: Trip, at: datetime, *, promised: bool, without_photo: bool) -> list[Evidence]:
    """The photo and the signature that the policy asks for; what is only promised is no row yet."""
    wanted: list[tuple[EvidenceKind, str, str | None]] = []
    for rule in story.kind.version.closure_policy["rules"]:
        if rule["kind"] == RuleKind.PHOTO and not without_photo:
            wanted.append((EvidenceKind.PHOTO, rule["params"]["tag"], None))
        elif rule["kind"] == RuleKind.SIGNATURE:
            wanted.append((EvidenceKind.SIGNATURE, "customer", story.place.contact.name))
    made = []
    for kind, tag, signer in wanted:
        picture, taken_at = story.stage.pictures[tag], at - timedelta(minutes=2)
        one = Evidence(
            organization_id=story.organization_id,
            id=story.stage.chance.id(taken_at),
            work_order_id=story.id,
            visit_id=trip.id,
            kind=kind,
            tag=tag,
            signer_name=signer,
            sha256=picture.sha256,
            original_sha256=f"{story.stage.chance.getrandbits(256):064x}",
            mime=picture.mime,
            size_bytes=picture.size_bytes,
            width=picture.width,
            height=picture.height,
            captured_at=taken_at,
            latitude=story.place.site.latitude,
            longitude=story.place.site.longitude,
            uploaded_by=trip.worker.person_id,
            recorded_at=at,
        )
        made.append(one)
        if not (promised and kind is EvidenceKind.PHOTO):
            story.add(one)
    return made


def _facts(story: Story, trip: Trip, at: datetime, named: list[Evidence], stored: list[Evidence]) -> Facts:
    ids = {one.id for one in stored}
    known = [*stored, *(one for one in named if one.id not in ids)]
    install = story.kind.version.purpose == "installation"
    contractor = trip.worker.technician.employment is Employment.CONTRACTOR
    return Facts(
        ended_at=at,
        checklist=story.kind.version.checklist,
        evidence=[
            EvidenceFact(str(one.id), one.kind, one.tag, one.id in ids, one.captured_at, 0.0, one.signer_name)
            for one in known
        ],
        movements=sum(isinstance(one, PartMovement) and one.visit_id == trip.id for one in story.more),
        risks=frozenset(risk for risk, is_so in {Risk.INSTALL: install, Risk.CONTRACTOR: contractor}.items() if is_so),
        sent_back=any(event.type == EventType.SENT_BACK for event in story.events),
    )
