"""Each of the seven verdicts, what it does to the visit and to the work, and by when it should be another one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.closure.models import ClosureSubmission
from app.kit.ids import uuid7
from app.visits.models import Visit
from app.work_orders.models import WorkOrder
from app.work_orders.terms import kept
from tests.closure.acts import a_promise, closure_of, decide, submit, upload, waive
from tests.conftest import Somebody
from tests.field import Job, another_visit, just_now

AFTER = {"id": "after", "kind": "photo", "params": {"tag": "after"}, "waivable_by": "supervisor"}
CODES = {"id": "codes", "kind": "resolution_codes"}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def state_of(job: Job) -> tuple[str, str | None, str]:
    """Visit, its verification, work order."""
    visit = job.visit()
    return visit.status, visit.verification, job.work_order().status


def test_verified_closes_the_work_and_is_decided_at_once(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job(policy={"rules": [CODES]})

    told = submit(api, job, ana, resolution_code="fixed").json()

    assert (told["verdict"], told["waived"], told["evidence_due_at"], told["review_due_at"]) == (
        "verified",
        [],
        None,
        None,
    )
    assert told["decided_at"] == told["recorded_at"]
    assert told["terms_id"] == str(job.visit().terms_id)
    assert state_of(job) == ("completed", "passed", "closed")


def test_unmet_is_a_draft_that_nobody_has_decided(api: TestClient, new_job: Callable[..., Job], ana: Somebody) -> None:
    job = new_job(policy={"rules": [CODES]})

    told = submit(api, job, ana).json()

    assert (told["verdict"], told["decided_at"]) == ("unmet", None)
    assert state_of(job) == ("in_progress", None, "in_progress")
    assert "closure.submitted" not in job.events()


@pytest.mark.parametrize(("policy", "hours"), [({}, 48), ({"evidence_within_hours": 6}, 6)])
def test_awaiting_evidence_is_due_after_the_hours_of_the_policy_and_keeps_the_time_of_the_work(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, policy: dict[str, Any], hours: int
) -> None:
    job, photo = new_job(policy={"rules": [AFTER], **policy}), a_promise()

    told = submit(api, job, ana, evidence=[photo]).json()

    assert (told["verdict"], told["decided_at"]) == ("awaiting_evidence", None)
    assert moment(told["evidence_due_at"]) - moment(told["recorded_at"]) == timedelta(hours=hours)
    assert state_of(job) == ("completed", None, "completed")
    assert job.work_order().first_completed_at == job.visit().ended_at == moment(told["effective_at"])

    upload(api, job, photo, ana)
    later = closure_of(api, job, ana)["submissions"][0]
    assert (later["verdict"], later["effective_at"]) == ("verified", told["effective_at"])
    assert moment(later["decided_at"]) > moment(told["recorded_at"])
    assert job.visit().ended_at == moment(told["effective_at"])


@pytest.mark.parametrize(("review", "hours"), [({"always": True}, 24), ({"always": True, "within_hours": 2}, 2)])
def test_pending_review_is_due_after_the_hours_of_the_policy(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, review: dict[str, Any], hours: int
) -> None:
    job = new_job(policy={"review": review})

    told = submit(api, job, ana).json()

    assert (told["verdict"], told["decided_at"]) == ("pending_review", None)
    assert moment(told["review_due_at"]) - moment(told["recorded_at"]) == timedelta(hours=hours)
    assert state_of(job) == ("completed", None, "completed")


def test_changes_requested_is_decided_by_a_person_and_can_be_mended(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [CODES], "review": {"always": True}})
    submit(api, job, ana, resolution_code="fixed")

    told = decide(api, job, sam, "send_back", text="Which pump?", rule_ids=["codes"]).json()["closure"]

    assert (told["verdict"], told["decided_at"]) == ("changes_requested", told["review"]["decided_at"])
    assert state_of(job) == ("completed", "failed", "completed")
    assert submit(api, job, ana).json()["verdict"] == "unmet"
    assert submit(api, job, ana, resolution_code="pump").json()["verdict"] == "pending_review", "a draft blocks nothing"


def test_what_comes_and_is_not_what_was_promised_asks_for_changes(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody
) -> None:
    named = {"id": "sign", "kind": "signature", "params": {"name_required": True}}
    job = new_job(policy={"rules": [named]})
    promise = a_promise("customer", "signature", signer_name="Cleo")
    assert submit(api, job, ana, evidence=[promise]).json()["verdict"] == "awaiting_evidence"

    upload(api, job, promise | {"signer_name": None}, ana)

    told = closure_of(api, job, ana)["submissions"][0]
    assert (told["verdict"], told["decided_at"] is not None) == ("changes_requested", True)
    assert job.work_order().changes_requested is True
    assert job.events()[-1] == "work_order.sent_back"


def test_waived_closes_the_work_as_verified_does(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [AFTER]})
    waive(api, job, sam, "after")

    told = submit(api, job, ana).json()

    assert (told["verdict"], told["waived"]) == ("waived", ["after"])
    assert told["decided_at"] == told["recorded_at"]
    assert state_of(job) == ("completed", "passed", "closed")


def test_a_rejected_closure_needs_another_visit_and_takes_no_other_submission(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"review": {"always": True}})
    submit(api, job, ana)

    answer = decide(api, job, sam, "reject", text="Nobody was there")
    again = submit(api, job, ana)

    assert (answer.status_code, answer.json()["work_order_status"]) == (201, "in_progress")
    assert state_of(job) == ("completed", "failed", "in_progress")
    kept = db.exec(select(ClosureSubmission)).one()
    assert (kept.verdict, kept.decided_at, kept.review_text) == ("rejected", kept.reviewed_at, "Nobody was there")
    assert (again.status_code, again.json()["code"]) == (409, "closure-already-submitted")


def test_after_a_rejection_a_new_visit_is_looked_at_again(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, ben: Somebody, sam: Somebody
) -> None:
    assert ben.technician is not None
    job = new_job(policy={"review": {"sample_percent": 0, "always": False}, "rules": [CODES]})
    submit(api, job, ana, resolution_code="fixed")
    assert job.work_order().status == "closed"

    job = new_job(policy={"review": {"always": True}})
    submit(api, job, ana)
    decide(api, job, sam, "reject", text="Nobody was there")
    other = another_visit(job, ben.technician.id)
    told = submit(api, other, ben).json()

    assert told["findings"][-1]["facts"]["reasons"] == ["sent_back", "always"]


def test_approving_what_has_a_waiver_leaves_it_waived(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [AFTER], "review": {"risk": ["waiver_used"]}})
    waive(api, job, sam, "after")

    told = submit(api, job, ana).json()
    approved = decide(api, job, sam, "approve").json()

    assert (told["verdict"], told["findings"][-1]["facts"]["reasons"]) == ("pending_review", ["waiver_used"])
    assert (approved["closure"]["verdict"], approved["work_order_status"]) == ("waived", "closed")


def test_a_visit_that_needs_no_proof_does_not_close_the_work_while_another_waits_for_some(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, ben: Somebody
) -> None:
    assert ben.technician is not None
    job, photo = new_job(policy={"rules": [AFTER]}), a_promise()
    easy = another_visit(job, ben.technician.id)
    free_of_rules(easy)
    assert submit(api, job, ana, evidence=[photo]).json()["verdict"] == "awaiting_evidence"

    report = {"id": str(uuid7()), "action": "complete", "occurred_at": just_now()}
    done = api.post(f"/v1/visits/{easy.visit_id}/status-updates", json=report, headers=ben.headers)
    between = job.work_order().status
    upload(api, job, photo, ana)

    assert (done.status_code, between, job.work_order().status) == (201, "completed", "closed"), done.text


def test_what_was_left_open_before_a_reopening_does_not_keep_the_work_from_closing(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, ben: Somebody, sam: Somebody
) -> None:
    assert ben.technician is not None
    job, photo = new_job(policy={"rules": [AFTER]}), a_promise()
    submit(api, job, ana, evidence=[a_promise()])
    reopening = api.post(
        f"/v1/work-orders/{job.work_order_id}/reopening",
        json={"reason": "It leaks again"},
        headers=sam.headers | {"If-Match": f'"{job.work_order().version}"'},
    )
    again = another_visit(job, ben.technician.id)
    upload(api, again, photo, ben)

    assert reopening.status_code == 200, reopening.text
    assert submit(api, again, ben, evidence=[photo]).json()["verdict"] == "verified"
    assert job.work_order().status == "closed"


def free_of_rules(job: Job) -> None:
    """The visit is held to terms that ask for nothing."""
    with job.runtime.transaction(job.organization_id) as db:
        kind = db.get_one(WorkOrder, (job.organization_id, job.work_order_id)).work_type_id
        nothing = {"policy_id": None, "policy_version": 1, "work_type_id": kind, "work_type_version": 1}
        terms = {**nothing, "forms": {}, "checklist": [], "policy": {}}
        visit = db.get_one(Visit, (job.organization_id, job.visit_id))
        visit.terms_id = kept(db, job.organization_id, terms, at=job.arrived_at)
        db.add(visit)
