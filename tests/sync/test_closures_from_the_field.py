"""All that proves the work travels with `visit.complete`; the job says what must be proven, and where that stands."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from app.closure.models import ClosureSubmission, ClosureWaiver
from app.domain.closure_case import evaluate_case
from app.identity.models import Organization
from app.kit.canonical import canonical_sha256
from app.kit.runtime import Runtime
from app.sync.documents import MOST_BYTES, dumps, job_document, jobs_of
from tests.conftest import Somebody
from tests.field import a_picture
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import holding, issues

AFTER = {
    "id": "after",
    "kind": "photo",
    "params": {"tag": "after"},
    "waivable_by": "technician",
    "message": {"de": "Foto der fertigen Arbeit"},
}
OFFICE = {"id": "codes", "kind": "resolution_codes", "waivable_by": "supervisor"}


def sent_to(scene: Scene, who: Somebody, **policy: Any) -> tuple[dict[str, Any], Phone]:
    """A visit held to this policy, and the technician's phone."""
    kind = scene.work_type(f"kind_{uuid4().hex[:8]}", closure_policy=policy)
    visit = scene.dispatched(who, scene.work_order(work_type_id=str(kind)))
    (phone,) = holding(scene, who)
    return visit, phone


def submission_of(db: Session, visit: dict[str, Any]) -> ClosureSubmission:
    db.expire_all()
    return db.exec(select(ClosureSubmission).where(col(ClosureSubmission.visit_id) == visit["id"])).one()


def test_a_job_says_all_that_a_device_needs_to_judge_by_itself(scene: Scene, ana: Somebody) -> None:
    review = {"sample_percent": 5, "risk": "default"}
    more = {"review": review, "evidence_within_hours": 6, "auto_close": False}
    visit, phone = sent_to(scene, ana, rules=[AFTER, OFFICE], **more)

    closure = phone.job(visit["id"])["closure"]

    assert UUID(closure["policy"].pop("terms_id"))
    assert closure == {
        "required": ["photo:after", "resolution_codes"],
        "state": "open",
        "changes_requested": False,
        "version": 1,
        "policy": {"version": 1},
        "rules": [AFTER, OFFICE],
        **more,
    }
    assert phone.job(visit["id"])["work_order"] == {
        "id": visit["work_order_id"],
        "status": "scheduled",
        "purpose": "service",
        "channel": "office",
        "territory": scene.order(visit["work_order_id"])["territory"],
        "reopen_count": 0,
    }


def test_everything_that_proves_the_work_arrives(scene: Scene, db: Session, ana: Somebody) -> None:
    rules = [
        {"id": "serial", "kind": "serial_scan", "params": {"expected": ["SN-1"]}},
        {"id": "fan", "kind": "functional_test", "params": {"name": "fan"}},
        {"id": "hours", "kind": "meter", "params": {"label": "hours", "min": 0, "max": 9000}},
        {"id": "near", "kind": "geo_presence", "params": {"radius_m": 100}},
        {"id": "sign", "kind": "signature", "params": {"bound": True}, "waivable_by": "none"},
    ]
    visit, phone = sent_to(scene, ana, rules=rules)
    document = {"title": "What was done", "total": 12.5}
    drawn = uuid4()
    place = phone.job(visit["id"])["site"]
    proof = {
        "scans": [{"value": "sn-1"}],
        "tests": [{"name": "fan", "value": True}],
        "readings": [{"label": "hours", "value": 1204.5, "unit": "h"}],
        "shown": [document],
        "location": {"lat": place["lat"] or 1, "lng": place["lng"] or 1},
        "policy_version": 1,
    }
    signature = {
        "attachment_id": str(drawn),
        "name": "Cleo",
        "document_hash": canonical_sha256(document),
        "strokes": {"width": 300, "height": 100, "strokes": [[[10, 10], [290, 90]]]},
    }

    result = phone.do("visit.complete", visit["id"], closure=proof, signature=signature)
    assert result["status"] == "applied", result

    kept = submission_of(db, visit)
    assert (result["status"], kept.verdict) == ("applied", "verified")
    assert {one["rule_id"]: one["met"] for one in kept.findings if one["severity"] == "block"} == {
        "serial": "yes",
        "fan": "yes",
        "hours": "yes",
        "sign": "yes",
    }
    assert kept.body["shown"] == [document]
    assert kept.facts["evidence"][0] | {"id": str(drawn), "bound": True} == kept.facts["evidence"][0]
    assert phone.job(visit["id"])["closure"]["state"] == "verified"


def test_a_waiver_that_is_the_technicians_counts_and_shows_in_the_job(scene: Scene, db: Session, ana: Somebody) -> None:
    visit, phone = sent_to(scene, ana, rules=[AFTER], review={"always": True})
    waiver = {"rule_id": "after", "reason": "The lens is broken"}

    result = phone.do("visit.complete", visit["id"], closure={"waivers": [waiver]})

    assert (result["status"], submission_of(db, visit).verdict) == ("applied", "pending_review")
    assert phone.job(visit["id"])["closure"]["waivers"] == [{**waiver, "role": "technician"}]
    assert db.exec(select(ClosureWaiver)).one().granted_by == ana.id


@pytest.mark.parametrize("rule_id", ["codes", "nonsense", "evidence"])
def test_a_waiver_that_is_not_the_technicians_is_noted_and_never_lost(
    scene: Scene, db: Session, ana: Somebody, rule_id: str
) -> None:
    visit, phone = sent_to(scene, ana, rules=[AFTER, OFFICE])
    waiver = {"rule_id": rule_id, "reason": "No time"}
    taken = {"rule_id": "after", "reason": "The lens is broken"}

    result = phone.do("visit.complete", visit["id"], resolution="fixed", closure={"waivers": [waiver, taken]})

    kept = submission_of(db, visit)
    assert (result["status"], kept.verdict) == ("applied", "waived")
    (noted,) = [one for one in kept.findings if one["kind"] == "waiver_refused"]
    assert (noted["severity"], noted["met"], noted["facts"]["reason"]) == ("warn", "no", "No time")
    assert [one.rule_id for one in db.exec(select(ClosureWaiver)).all()] == ["after"]


def test_a_draft_says_what_is_to_be_mended_and_nothing_else(scene: Scene, ana: Somebody) -> None:
    shown = {"id": "near", "kind": "geo_presence"}
    visit, phone = sent_to(scene, ana, rules=[OFFICE, shown, AFTER])
    waivers = [{"rule_id": "codes", "reason": "No time"}]

    result = phone.do("visit.complete", visit["id"], closure={"waivers": waivers})

    findings = result["closure"]["findings"]
    assert [(one["rule_id"], one["kind"]) for one in findings] == [
        ("codes", "resolution_codes"),
        ("after", "photo"),
        ("waiver", "waiver_refused"),
    ]
    assert all(one["how_to_fix"] for one in findings)


def test_a_draft_from_the_field_that_is_waived_completes_the_job_and_ends_its_issue(
    scene: Scene, ana: Somebody, sam: Somebody
) -> None:
    visit, phone = sent_to(scene, ana, rules=[OFFICE])
    result = phone.do("visit.complete", visit["id"])
    assert (result["status"], result["code"]) == ("noted", "closure_unmet")
    assert [code for _, code, _ in issues(scene)] == ["closure_unmet"]

    body = {"rule_id": "codes", "reason": "The code is on paper"}
    scene.post(f"/v1/visits/{visit['id']}/waivers", body, by=sam, status=201)
    phone.pull()

    assert phone.job(visit["id"])["status"] == "completed"
    assert phone.job(visit["id"])["times"]["ended_at"] == result["effective_at"]
    assert [one for one in phone.held if one[0] == "issue"] == []
    assert scene.order(visit["work_order_id"])["status"] == "closed"


def test_what_was_sent_back_says_which_rules_and_why_until_it_is_sent_again(
    scene: Scene, ana: Somebody, sam: Somebody
) -> None:
    visit, phone = sent_to(scene, ana, rules=[OFFICE], review={"always": True})
    phone.do("visit.complete", visit["id"], resolution="fixed")
    version = scene.order(visit["work_order_id"])["version"]
    body = {"decision": "send_back", "text": "Which pump?", "rule_ids": ["codes"]}
    path = f"/v1/work-orders/{visit['work_order_id']}/reviews"
    scene.post(path, body, by=sam, status=201, **{"If-Match": f'"{version}"'})
    phone.pull()

    closure = phone.job(visit["id"])["closure"]
    assert (closure["state"], closure["changes_requested"], closure["sent_back"]) == (
        "changes_requested",
        True,
        {"rule_ids": ["codes"], "text": "Which pump?"},
    )

    unmet = phone.do("visit.complete", visit["id"])
    again = phone.do("visit.complete", visit["id"], resolution="pump")

    assert (unmet["code"], again["status"]) == ("closure_unmet", "applied")
    assert "sent_back" not in phone.job(visit["id"])["closure"]


def test_a_phone_judges_as_the_server_does_by_what_its_job_says(scene: Scene, db: Session, ana: Somebody) -> None:
    visit, phone = sent_to(scene, ana, rules=[AFTER, OFFICE])
    job = phone.job(visit["id"])
    case = {
        "policy": {name: job["closure"][name] for name in ("rules", "auto_close")},
        "submission": {"resolution_code": None},
        "facts": {"ended_at": "2026-05-04T11:00:00.000Z", "checklist": job["tasks"]},
    }

    phone.do("visit.complete", visit["id"])

    here, there = evaluate_case(case), submission_of(db, visit)
    assert (here["verdict"], here["findings"]) == (there.verdict, there.findings)


def test_a_job_with_many_long_rules_still_fits(
    scene: Scene, db: Session, runtime: Runtime, organization: Organization, ana: Somebody
) -> None:
    long = [{**AFTER, "id": f"rule-{n}", "message": {"en": "Take a photo. " * 60}} for n in range(70)]
    visit, _ = sent_to(scene, ana, rules=long)

    row = jobs_of(db, organization.id, {UUID(visit["work_order_id"])}, [])[0]
    assert ana.technician is not None
    made = job_document(row, ana.technician.id, at=scene.at)

    assert len(dumps(long)) > MOST_BYTES - 6000
    assert len(made) <= MOST_BYTES
    rules = json.loads(made)["closure"]["rules"]
    assert [one["id"] for one in rules] == [one["id"] for one in long]


def test_photos_of_a_completion_close_the_work_when_they_arrive(scene: Scene, ana: Somebody) -> None:
    visit, phone = sent_to(scene, ana, rules=[AFTER])
    photo = str(uuid4())
    phone.do("visit.complete", visit["id"], closure={"evidence": [{"id": photo, "kind": "photo", "tag": "after"}]})
    assert phone.job(visit["id"])["closure"]["state"] == "awaiting_evidence"

    answer = scene.api.post(
        f"/v1/visits/{visit['id']}/evidence",
        data={"id": photo, "kind": "photo", "tag": "after"},
        files={"file": ("after.jpg", a_picture(), "image/jpeg")},
        headers=ana.headers,
    )
    phone.pull()

    assert answer.status_code == 201
    assert phone.job(visit["id"])["closure"]["state"] == "verified"
    assert scene.order(visit["work_order_id"])["status"] == "closed"
