from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.domain.roles import Role
from app.identity.models import Person
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.visits.models import VisitMember
from tests.conftest import Cast, Somebody
from tests.field import Job, another_visit, just_now

#: Shown, and blocking nothing.
AFTER = {"id": "after", "kind": "photo", "severity": "warn", "params": {"tag": "after"}}


@pytest.fixture
def waiting(api: TestClient, new_job: Callable[..., Job], ana: Somebody) -> Job:
    """Ana says that she is done, and a supervisor has to look."""
    job = new_job(policy={"rules": [AFTER], "review": {"always": True}})
    submit(api, job, ana)
    return job


def submit(api: TestClient, job: Job, who: Somebody, **more: Any) -> Any:
    body = {"id": str(uuid7()), "occurred_at": just_now(), **more}
    return api.post(f"/v1/visits/{job.visit_id}/closure", json=body, headers=who.headers)


def decide(api: TestClient, job: Job, who: Somebody, decision: str, version: int | None = None, **more: Any) -> Any:
    known = job.work_order().version if version is None else version
    return api.post(
        f"/v1/work-orders/{job.work_order_id}/reviews",
        json={"decision": decision, **more},
        headers=who.headers | {"If-Match": f'"{known}"'},
    )


def test_what_waits_is_listed_with_the_reason_until_it_is_decided(api: TestClient, waiting: Job, sam: Somebody) -> None:
    before = api.get("/v1/reviews", headers=sam.headers).json()["items"]
    decide(api, waiting, sam, "approve")
    after = api.get("/v1/reviews", headers=sam.headers).json()["items"]

    assert [(one["work_order_id"], one["reasons"]) for one in before] == [(str(waiting.work_order_id), ["always"])]
    assert after == []


def test_an_approval_closes_the_work(api: TestClient, waiting: Job, sam: Somebody) -> None:
    answer = decide(api, waiting, sam, "approve", text="Well done")

    assert answer.status_code == 201
    assert (answer.json()["work_order_status"], answer.json()["closure"]["verdict"]) == ("closed", "verified")
    assert answer.json()["closure"]["review"]["decided_by"] == str(sam.id)
    order = waiting.work_order()
    assert (waiting.visit().verification, order.status) == ("passed", "closed")
    assert (order.outcome, order.resolved_at) == ("resolved", order.first_completed_at)


def test_a_send_back_asks_for_changes_which_a_supervisor_looks_at_again(
    api: TestClient, waiting: Job, ana: Somebody, sam: Somebody
) -> None:
    answer = decide(api, waiting, sam, "send_back", text="The photo is dark", rule_ids=["after"])

    order = waiting.work_order()
    assert answer.json()["closure"]["verdict"] == "changes_requested"
    assert (order.status, order.changes_requested, waiting.visit().verification) == ("completed", True, "failed")

    again = submit(api, waiting, ana)
    assert again.json()["verdict"] == "pending_review"
    assert again.json()["findings"][-1]["facts"]["reasons"] == ["sent_back", "always"]
    assert waiting.work_order().changes_requested is False

    decide(api, waiting, sam, "approve")
    assert (waiting.work_order().status, waiting.visit().verification) == ("closed", "passed")


def test_a_send_back_with_a_revisit_puts_the_work_in_progress_again(
    api: TestClient, waiting: Job, sam: Somebody
) -> None:
    first_completed_at = waiting.work_order().first_completed_at

    answer = decide(api, waiting, sam, "send_back", text="It still leaks", revisit=True)

    assert answer.json()["work_order_status"] == "in_progress"
    assert waiting.work_order().first_completed_at == first_completed_at


def test_after_a_revisit_the_new_closure_closes_the_work(
    api: TestClient, waiting: Job, ben: Somebody, sam: Somebody
) -> None:
    assert ben.technician is not None
    decide(api, waiting, sam, "send_back", text="It still leaks", revisit=True)
    revisit = another_visit(waiting, ben.technician.id)

    submit(api, revisit, ben)
    decide(api, revisit, sam, "approve")

    assert waiting.work_order().status == "closed"
    assert (waiting.visit().verification, revisit.visit().verification) == ("failed", "passed")


def test_of_two_visits_each_waiting_one_is_decided_after_the_other(
    api: TestClient, waiting: Job, new_job: Callable[..., Job], ana: Somebody, ben: Somebody, sam: Somebody
) -> None:
    assert ben.technician is not None
    job = new_job(policy={"review": {"always": True}})
    other = another_visit(job, ben.technician.id)
    submit(api, job, ana)
    submit(api, other, ben)

    decide(api, job, sam, "approve")
    assert job.work_order().status == "completed"

    decide(api, job, sam, "approve")
    assert job.work_order().status == "closed"
    assert (job.visit().verification, other.visit().verification) == ("passed", "passed")


def test_nobody_reviews_a_visit_that_they_were_on(
    api: TestClient, runtime: Runtime, waiting: Job, ana: Somebody, sam: Somebody
) -> None:
    with runtime.transaction(waiting.organization_id) as db:
        both = db.get_one(Person, (waiting.organization_id, ana.id))
        both.roles = [Role.TECHNICIAN, Role.SUPERVISOR]
        db.add(both)

    refused = decide(api, waiting, ana, "approve")

    assert (refused.status_code, refused.json()["code"]) == (403, "reviewer-is-crew")
    assert waiting.work_order().status == "completed"
    assert decide(api, waiting, sam, "approve").status_code == 201


def test_an_old_version_is_refused_with_the_work_order_as_it_is(api: TestClient, waiting: Job, sam: Somebody) -> None:
    version = waiting.work_order().version

    stale = decide(api, waiting, sam, "approve", version=version - 1)
    silent = api.post(
        f"/v1/work-orders/{waiting.work_order_id}/reviews", json={"decision": "approve"}, headers=sam.headers
    )

    assert (stale.status_code, stale.json()["current"]["version"]) == (412, version)
    assert silent.status_code == 428
    assert waiting.work_order().status == "completed"


def test_what_has_been_decided_is_not_decided_again(api: TestClient, waiting: Job, sam: Somebody) -> None:
    decide(api, waiting, sam, "send_back", text="Again, please")

    answer = decide(api, waiting, sam, "approve")

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-review")


def test_what_waits_for_photos_cannot_be_approved_but_can_be_sent_back(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [{"id": "after", "kind": "photo", "params": {"tag": "after"}}]})
    submit(api, job, ana, evidence=[{"id": str(uuid7()), "kind": "photo", "tag": "after"}])

    refused = decide(api, job, sam, "approve")
    sent_back = decide(api, job, sam, "send_back", text="Where is the photo?")

    assert (refused.status_code, refused.json()["code"]) == (409, "evidence-missing")
    assert sent_back.status_code == 201


@pytest.mark.parametrize(
    "body", [{"decision": "send_back"}, {"decision": "maybe"}, {"decision": "approve", "revisit": True}]
)
def test_a_decision_that_is_not_well_formed_is_refused(
    api: TestClient, waiting: Job, sam: Somebody, body: dict[str, Any]
) -> None:
    answer = api.post(
        f"/v1/work-orders/{waiting.work_order_id}/reviews", json=body, headers=sam.headers | {"If-Match": '"1"'}
    )

    assert answer.status_code == 422


def test_only_supervisors_review(api: TestClient, waiting: Job, ana: Somebody, dana: Somebody, cast: Cast) -> None:
    for somebody in (ana, dana, cast("Fay", Role.FINANCE)):
        assert decide(api, waiting, somebody, "approve").status_code == 403
        assert api.get("/v1/reviews", headers=somebody.headers).status_code == 403


@pytest.mark.parametrize("decision", ["send_back", "reject"])
def test_only_rules_that_the_closure_was_judged_by_can_be_named(
    api: TestClient, waiting: Job, sam: Somebody, decision: str
) -> None:
    refused = decide(api, waiting, sam, decision, text="No", rule_ids=["after", "before", "review", "nonsense"])

    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-rule")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/body/rule_ids/1", "/body/rule_ids/3"]
    assert waiting.work_order().changes_requested is False
    assert decide(api, waiting, sam, decision, text="No", rule_ids=["after", "review"]).status_code == 201


def test_a_rejection_says_why(api: TestClient, waiting: Job, sam: Somebody) -> None:
    assert decide(api, waiting, sam, "reject").status_code == 422
    assert waiting.work_order().status == "completed"


def test_who_went_along_and_left_again_does_not_review(
    api: TestClient, runtime: Runtime, new_job: Callable[..., Job], ana: Somebody, ben: Somebody, sam: Somebody
) -> None:
    assert ben.technician is not None
    job = new_job(policy={"review": {"always": True}}, crew=(ben.technician.id,))
    with runtime.transaction(job.organization_id) as db:
        both = db.get_one(Person, (job.organization_id, ben.id))
        both.roles = [Role.TECHNICIAN, Role.SUPERVISOR]
        left = select(VisitMember).where(col(VisitMember.visit_id) == job.visit_id)
        db.exec(left).one().left_at = job.arrived_at
    submit(api, job, ana)

    refused = decide(api, job, ben, "approve")

    assert (refused.status_code, refused.json()["code"]) == (403, "reviewer-is-crew")
    assert decide(api, job, sam, "approve").status_code == 201


def test_who_sent_it_for_the_technician_does_not_review_it(
    api: TestClient, new_job: Callable[..., Job], sam: Somebody, cast: Cast
) -> None:
    job = new_job(policy={"review": {"always": True}})
    submit(api, job, sam, reason="Ana's phone is broken")

    refused = decide(api, job, sam, "approve")

    assert (refused.status_code, refused.json()["code"]) == (403, "reviewer-is-crew")
    assert decide(api, job, cast("Sia", Role.SUPERVISOR), "approve").status_code == 201
