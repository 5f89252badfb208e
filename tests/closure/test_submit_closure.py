from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from fastapi import UploadFile
from sqlmodel import Session, select
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from app.closure.commands.keep_evidence import keep_evidence
from app.closure.evidence_schemas import EvidenceIn
from app.closure.models import ClosureSubmission, EvidenceKind
from app.identity.models import Organization
from app.kit import clock
from app.kit.ids import uuid7
from app.kit.images import Limits, reencode
from app.kit.runtime import Runtime
from app.visits.commands.field_reports import set_task
from app.visits.schemas import TaskIn
from tests.conftest import Somebody
from tests.field import Job, a_picture, another_visit, just_now, the_office
from tests.visits.conftest import Send

CHECKLIST = [{"id": "safe", "label": "Power is off", "kind": "yes_no", "required": True, "pass": True}]
POLICY = {
    "id": "standard",
    "version": 3,
    "rules": [
        {"id": "list", "kind": "checklist"},
        {"id": "after", "kind": "photo", "params": {"tag": "after"}},
        {"id": "sign", "kind": "signature", "params": {"name_required": True, "refusal_allowed": True}},
        {"id": "codes", "kind": "resolution_codes", "params": {"codes": ["fixed", "replaced"]}},
        {"id": "parts", "kind": "parts_declared"},
    ],
}


def a_closure(**changes: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "occurred_at": just_now(minutes=5), **changes}


def a_promise(kind: str, tag: str, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "kind": kind, "tag": tag, **more}


PHOTO = a_promise("photo", "after")
SIGNATURE = a_promise("signature", "customer", signer_name="Cleo")
PROVEN = {
    "answers": {"safe": True},
    "evidence": [PHOTO, SIGNATURE],
    "resolution_code": "fixed",
    "no_parts_used": True,
}


@pytest.fixture
def strict(new_job: Callable[..., Job]) -> Job:
    """Ana is at work where everything must be proven."""
    return new_job(policy=POLICY, checklist=CHECKLIST)


def submit(api: TestClient, job: Job, body: dict[str, Any], who: Somebody) -> Any:
    return api.post(f"/v1/visits/{job.visit_id}/closure", json=body, headers=who.headers)


def upload(api: TestClient, job: Job, promise: dict[str, Any], who: Somebody, color: str = "red") -> Any:
    fields = {name: promise[name] for name in ("id", "kind", "tag", "signer_name") if promise.get(name)}
    files = {"file": ("picture.jpg", a_picture(color), "image/jpeg")}
    return api.post(f"/v1/visits/{job.visit_id}/evidence", data=fields, files=files, headers=who.headers)


def test_what_is_unmet_is_kept_as_a_draft_and_says_how_to_fix_it(
    api: TestClient, db: Session, strict: Job, ana: Somebody
) -> None:
    answer = submit(api, strict, a_closure(answers={"safe": False}), ana)

    assert answer.status_code == 201
    assert answer.json()["verdict"] == "unmet"
    assert {one["rule_id"]: one["met"] for one in answer.json()["findings"]} == {
        "list": "no",
        "after": "no",
        "sign": "no",
        "codes": "no",
        "parts": "no",
    }
    assert all(one["how_to_fix"] for one in answer.json()["findings"])
    assert strict.visit().status == "in_progress"
    assert db.exec(select(ClosureSubmission.body)).one()["answers"] == {"safe": False}


def test_all_proven_with_the_bytes_here_closes_the_work_at_once(api: TestClient, strict: Job, ana: Somebody) -> None:
    assert upload(api, strict, PHOTO, ana).status_code == 201
    assert upload(api, strict, SIGNATURE, ana, "blue").status_code == 201

    answer = submit(api, strict, a_closure(**PROVEN), ana)

    assert answer.json()["verdict"] == "verified"
    visit, order = strict.visit(), strict.work_order()
    assert (visit.status, visit.verification, visit.resolution_code) == ("completed", "passed", "fixed")
    assert (order.status, order.resolution_code) == ("closed", "fixed")
    assert strict.events()[-4:] == [
        "closure.submitted",
        "visit.completed",
        "visit.verified",
        "work_order.closed",
    ]


def test_the_visit_ends_when_it_ended_not_when_the_phone_found_signal(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job()

    answer = submit(api, job, a_closure(occurred_at=just_now(hours=-3), age_ms=45 * 60_000), ana)

    submitted = answer.json()
    visit, order = job.visit(), job.work_order()
    assert visit.ended_at is not None
    assert order.closed_at is not None
    assert timedelta(minutes=44) < order.closed_at - visit.ended_at < timedelta(minutes=46)
    assert order.first_completed_at == visit.ended_at
    assert submitted["effective_at"] < submitted["recorded_at"] < submitted["occurred_at"]


def test_evidence_still_on_the_phone_completes_the_visit_and_keeps_the_work_open(
    api: TestClient, strict: Job, ana: Somebody
) -> None:
    answer = submit(api, strict, a_closure(**PROVEN), ana)

    assert answer.json()["verdict"] == "awaiting_evidence"
    assert sorted(answer.json()["missing_evidence"]) == sorted([PHOTO["id"], SIGNATURE["id"]])
    assert (strict.visit().status, strict.work_order().status) == ("completed", "completed")

    upload(api, strict, PHOTO, ana)
    assert strict.work_order().status == "completed"

    upload(api, strict, SIGNATURE, ana, "blue")
    assert strict.work_order().status == "closed"
    seen = api.get(f"/v1/visits/{strict.visit_id}/closure", headers=ana.headers).json()
    assert (seen["verdict"], seen["submissions"][0]["missing_evidence"]) == ("verified", [])


def test_the_same_submission_again_is_answered_the_same(
    api: TestClient, db: Session, strict: Job, ana: Somebody
) -> None:
    body = a_closure(**PROVEN)
    first = submit(api, strict, body, ana)
    again = submit(api, strict, {**body, "age_ms": 9000}, ana)
    other = submit(api, strict, {**body, "resolution_code": "replaced"}, ana)

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "id-reused")
    assert len(db.exec(select(ClosureSubmission)).all()) == 1


def test_a_policy_with_no_rules_closes_on_complete(api: TestClient, job: Job, ana: Somebody) -> None:
    answer = submit(api, job, a_closure(), ana)

    assert answer.json()["verdict"] == "verified"
    assert job.work_order().status == "closed"
    assert job.events().count("work_order.closed") == 1


def complete(api: TestClient, job: Job, who: Somebody) -> Any:
    update = {"id": str(uuid7()), "action": "complete", "resolution_code": "fixed", "occurred_at": just_now()}
    return api.post(f"/v1/visits/{job.visit_id}/status-updates", json=update, headers=who.headers)


def test_two_taps_are_enough_where_nothing_must_be_proven(api: TestClient, job: Job, ana: Somebody) -> None:
    answer = complete(api, job, ana)

    assert answer.status_code < 300
    assert job.work_order().status == "closed"


@pytest.mark.parametrize("policy", [POLICY, {"review": {"always": True}}])
def test_a_tap_is_not_enough_where_something_must_be_proven(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, policy: dict[str, Any]
) -> None:
    job = new_job(policy=policy, checklist=CHECKLIST)

    answer = complete(api, job, ana)

    assert (answer.status_code, answer.json()["code"]) == (409, "closure-required")
    assert job.visit().status == "in_progress"


def test_a_photo_that_is_not_what_was_promised_is_asked_for_again(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job(policy={"rules": [{"id": "after", "kind": "photo", "params": {"tag": "after"}}]})
    submit(api, job, a_closure(evidence=[PHOTO]), ana)

    upload(api, job, {**PHOTO, "tag": "before"}, ana)

    seen = api.get(f"/v1/visits/{job.visit_id}/closure", headers=ana.headers).json()
    assert (seen["verdict"], seen["submissions"][0]["findings"][0]["met"]) == ("changes_requested", "no")
    assert (job.work_order().status, job.work_order().changes_requested) == ("completed", True)
    upload(api, job, a_promise("photo", "after"), ana, "blue")
    assert submit(api, job, a_closure(), ana).json()["verdict"] == "pending_review"


def test_one_picture_sent_or_promised_twice_is_one_picture(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job(policy={"rules": [{"id": "two", "kind": "photo", "params": {"min": 2}}]})
    upload(api, job, a_promise("photo", "after"), ana)
    upload(api, job, a_promise("photo", "after"), ana)

    sent_twice = submit(api, job, a_closure(), ana)
    promised_twice = submit(api, job, a_closure(evidence=[PHOTO, PHOTO]), ana)

    assert sent_twice.json()["verdict"] == "unmet"
    assert promised_twice.json()["findings"][0]["facts"]["promised"] == 1


def test_of_two_photos_that_arrive_at_once_the_second_closes_the_work(
    api: TestClient, runtime: Runtime, strict: Job, ana: Somebody
) -> None:
    submit(api, strict, a_closure(**PROVEN), ana)
    office = the_office(strict.organization_id)
    picture = UploadFile(BytesIO(a_picture()), headers=Headers({"content-type": "image/jpeg"}))

    with ThreadPoolExecutor(1) as other, runtime.transaction(strict.organization_id) as db:
        given = EvidenceIn(id=PHOTO["id"], kind=EvidenceKind.PHOTO, tag="after", file=picture)
        image = reencode(a_picture(), declared="image/jpeg", keep_png=False, limits=Limits())
        runtime.objects.keep(strict.organization_id, image.bytes)
        keep_evidence(db, office, strict.visit_id, given, image, at=clock.now())
        second = other.submit(upload, api, strict, SIGNATURE, ana, "blue")
        with pytest.raises(TimeoutError):
            second.result(timeout=1.5)
        db.commit()
        assert second.result().status_code == 201

    assert strict.work_order().status == "closed"
    assert strict.events().count("work_order.closed") == 1


def test_the_policy_of_the_dispatch_counts_although_there_is_a_newer_one(
    api: TestClient, strict: Job, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    kind = strict.work_order().work_type_id
    newer = {"name": "Repair", "closure_policy": {"rules": [{"id": "r", "kind": "photo", "params": {"tag": "x"}}]}}
    made = api.post(f"/v1/work-types/{kind}/versions", json=newer, headers=sam.headers)

    answer = submit(api, strict, a_closure(**PROVEN), ana)

    assert made.status_code == 201
    assert answer.json()["verdict"] == "awaiting_evidence"


def test_without_auto_close_a_verified_closure_waits_for_the_office(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job(policy={"auto_close": False})

    assert submit(api, job, a_closure(), ana).json()["verdict"] == "verified"
    assert job.work_order().status == "completed"


def test_work_with_another_visit_open_is_not_closed_yet(
    api: TestClient, job: Job, ana: Somebody, ben: Somebody
) -> None:
    assert ben.technician is not None
    other = another_visit(job, ben.technician.id)

    submit(api, job, a_closure(), ana)
    assert (job.visit().status, job.work_order().status) == ("completed", "in_progress")

    submit(api, other, a_closure(), ben)
    assert job.work_order().status == "closed"


def test_work_is_not_closed_while_another_visit_waits_for_its_photos(
    api: TestClient, job: Job, ana: Somebody, ben: Somebody
) -> None:
    assert ben.technician is not None
    other = another_visit(job, ben.technician.id)
    submit(api, other, a_closure(evidence=[PHOTO]), ben)

    submit(api, job, a_closure(), ana)
    assert job.work_order().status == "completed"

    upload(api, other, PHOTO, ben)
    assert job.work_order().status == "closed"


def test_a_completed_visit_takes_no_second_closure(api: TestClient, new_job: Callable[..., Job], ana: Somebody) -> None:
    job = new_job(policy={"review": {"always": True}})
    submit(api, job, a_closure(), ana)

    again = submit(api, job, a_closure(), ana)

    assert (again.status_code, again.json()["code"]) == (409, "closure-already-submitted")


def test_a_visit_nobody_has_arrived_at_cannot_be_completed(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody
) -> None:
    answer = submit(api, new_job(status="dispatched"), a_closure(), ana)

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid-transition")
    assert db.exec(select(ClosureSubmission)).all() == []


def test_ben_cannot_close_anas_visit(api: TestClient, db: Session, job: Job, ben: Somebody) -> None:
    assert submit(api, job, a_closure(), ben).status_code == 404
    assert api.get(f"/v1/visits/{job.visit_id}/closure", headers=ben.headers).status_code == 404
    assert db.exec(select(ClosureSubmission)).all() == []


def test_a_supervisor_who_closes_for_the_technician_says_why(api: TestClient, job: Job, sam: Somebody) -> None:
    silent = submit(api, job, a_closure(), sam)
    told = submit(api, job, a_closure(reason="Ana's phone is broken"), sam)

    assert (silent.status_code, silent.json()["code"]) == (422, "reason-required")
    assert told.status_code == 201


def test_contractors_are_looked_at_when_the_policy_says_so(
    api: TestClient, runtime: Runtime, organization: Organization, tom: Somebody, new_job: Callable[..., Job]
) -> None:
    from tests.field import make_job

    assert tom.technician is not None
    job = make_job(runtime, organization.id, tom.technician.id, policy={"review": {"risk": ["contractor"]}})

    answer = submit(api, job, a_closure(), tom)

    assert answer.json()["verdict"] == "pending_review"
    assert answer.json()["findings"][0]["facts"] == {"reasons": ["contractor"]}


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": {"a": {"deep": 1}}},
        {"answers": {"a": float("1e308") * 10}},
        {"answers": {"": 1}},
        {"answers": {"a\0": 1}},
        {"answers": {"a": "\0"}},
        {"answers": {"a": "\ud800"}},
        {"outcome": "not_resolved"},
        {"evidence": [{"id": "1", "kind": "photo", "tag": "after"}]},
        {"evidence": [a_promise("photo", "after", sha256="xyz")]},
        {"refused_signatures": [{"role": "boss", "reason": "no"}]},
        {"occurred_at": "yesterday"},
        {"verdict": "verified"},
    ],
)
def test_a_closure_that_is_not_well_formed_is_refused(
    api: TestClient, db: Session, job: Job, ana: Somebody, changes: dict[str, Any]
) -> None:
    import json

    answer = api.post(
        f"/v1/visits/{job.visit_id}/closure",
        content=json.dumps(a_closure(**changes)),
        headers=ana.headers | {"Content-Type": "application/json"},
    )

    assert answer.status_code == 422
    assert db.exec(select(ClosureSubmission)).all() == []


#: What is closed for the first time gets a service report, and a certificate with a key of its own.
REPORTED_AND_CERTIFIED = 10


def test_closing_takes_no_more_statements_than_it_may(
    api: TestClient, strict: Job, ana: Somebody, statements: Callable[[], list[str]]
) -> None:
    upload(api, strict, PHOTO, ana)
    upload(api, strict, SIGNATURE, ana, "blue")
    statements().clear()

    assert submit(api, strict, a_closure(**PROVEN), ana).json()["verdict"] == "verified"

    assert len(statements()) <= 20 + REPORTED_AND_CERTIFIED, "\n".join(statements())


def test_what_was_ticked_on_site_answers_what_the_submission_leaves_out(
    api: TestClient, strict: Job, send: Send, ana: Somebody
) -> None:
    """A submission that says otherwise is what counts."""
    upload(api, strict, PHOTO, ana)
    upload(api, strict, SIGNATURE, ana, "blue")
    said = {**PROVEN, "answers": {}}
    unmet = submit(api, strict, a_closure(**said), ana).json()
    ticked = TaskIn(id=uuid7(), task_id="safe", done=True, value=None)
    with send(ana) as sent:
        set_task(sent.db, strict.visit_id, ticked, effective_at=sent.at, by=sent.by, at=sent.at)

    otherwise = submit(api, strict, a_closure(**said | {"answers": {"safe": False}}), ana).json()
    left_out = submit(api, strict, a_closure(**said), ana).json()

    assert [one["verdict"] for one in (unmet, otherwise, left_out)] == ["unmet", "unmet", "verified"]


def test_what_was_unticked_again_is_no_answer(api: TestClient, strict: Job, send: Send, ana: Somebody) -> None:
    for done, ago in ((True, 2), (False, 1)):
        with send(ana) as sent:
            given = TaskIn(id=uuid7(), task_id="safe", done=done, value=None)
            when = sent.at - timedelta(minutes=ago)
            set_task(sent.db, strict.visit_id, given, effective_at=when, by=sent.by, at=sent.at)

    answer = submit(api, strict, a_closure(**PROVEN | {"answers": {}}), ana).json()

    assert {one["rule_id"]: one["met"] for one in answer["findings"]}["list"] == "no"
