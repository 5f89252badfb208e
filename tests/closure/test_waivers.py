"""A rule need not be met when somebody who may says why: a technician in the submission, a supervisor any time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.closure.models import ClosureSubmission, ClosureWaiver
from app.domain.roles import Role
from app.identity.models import Person
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.work_orders.ledger import open_ledger
from tests.closure.acts import a_closure, a_promise, closure_of, decide, submit, upload, waive
from tests.conftest import Cast, Somebody
from tests.field import Job, just_now


def photo(waivable_by: str, tag: str = "after") -> dict[str, Any]:
    return {"id": tag, "kind": "photo", "params": {"tag": tag}, "waivable_by": waivable_by}


REASON = "The customer was away"


def test_a_draft_whose_only_obstacle_is_waived_completes_the_visit_when_its_technician_sent_it(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("supervisor")]})
    draft = submit(api, job, ana, occurred_at=just_now(minutes=40), age_ms=40 * 60_000).json()
    assert (draft["verdict"], job.visit().status) == ("unmet", "in_progress")

    answer = waive(api, job, sam, "after")

    assert answer.status_code == 201
    assert answer.json()["waiver"] | {"id": None, "granted_at": None} == {
        "id": None,
        "visit_id": str(job.visit_id),
        "rule_id": "after",
        "role": "supervisor",
        "reason": REASON,
        "granted_by": str(sam.id),
        "granted_at": None,
    }
    assert (answer.json()["closure"]["id"], answer.json()["closure"]["verdict"]) == (draft["id"], "waived")
    assert job.visit().ended_at == datetime.fromisoformat(draft["effective_at"])
    assert job.work_order().status == "closed"
    assert job.events()[-5:] == [
        "closure.waived",
        "closure.submitted",
        "visit.completed",
        "visit.verified",
        "work_order.closed",
    ]


def test_the_time_of_a_draft_keeps_where_it_came_from(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("supervisor")]})
    submit(api, job, ana, occurred_at=just_now(hours=-3), age_ms=45 * 60_000)
    waive(api, job, sam, "after")

    events = api.get(f"/v1/work-orders/{job.work_order_id}/events", headers=sam.headers).json()["items"]

    (completed,) = [one for one in events if one["type"] == "visit.completed"]
    assert (completed["clock_source"], completed["actor_id"]) == ("age", str(sam.id))
    assert completed["effective_at"] < completed["recorded_at"] < completed["occurred_at"]


def test_a_draft_with_another_obstacle_stays_a_draft(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("supervisor"), {"id": "codes", "kind": "resolution_codes"}]})
    submit(api, job, ana)

    closure = waive(api, job, sam, "after").json()["closure"]

    assert (closure["verdict"], {one["rule_id"]: one["met"] for one in closure["findings"]}) == (
        "unmet",
        {"after": "waived", "codes": "no"},
    )
    assert job.visit().status == "in_progress"


def test_what_waits_for_a_photo_that_is_waived_waits_no_more(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("none")]})
    submit(api, job, ana, evidence=[a_promise()])
    refused = waive(api, job, sam, "after")

    closure = waive(api, job, sam, "evidence", "The phone fell into the boiler").json()["closure"]

    assert (refused.status_code, refused.json()["code"]) == (409, "rule-not-waivable")
    assert closure["verdict"] == "changes_requested", "a photo is a rule, and that was not waived"


def test_the_phone_that_fell_into_the_water_is_waived_where_the_rule_is_too(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("supervisor")]})
    submit(api, job, ana, evidence=[a_promise()])

    assert waive(api, job, sam, "after").json()["closure"]["verdict"] == "awaiting_evidence"
    assert waive(api, job, sam, "evidence").json()["closure"]["verdict"] == "waived"
    assert job.work_order().status == "closed"


def test_what_was_sent_back_for_a_rule_is_looked_at_again_when_that_is_waived(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody, cast: Cast
) -> None:
    boss = cast("Sia", Role.SUPERVISOR)
    warned = photo("supervisor") | {"severity": "block"}
    job = new_job(policy={"rules": [warned], "review": {"always": True}})
    promise = a_promise()
    submit(api, job, ana, evidence=[promise])
    upload(api, job, promise, ana)
    decide(api, job, sam, "send_back", text="Too dark", rule_ids=["after"])
    assert job.work_order().changes_requested is True

    told = waive(api, job, boss, "after").json()["closure"]

    assert told["verdict"] == "pending_review"
    assert job.work_order().changes_requested is False
    assert decide(api, job, sam, "approve").json()["work_order_status"] == "closed"


def test_what_a_technician_may_waive_is_waived_in_the_submission_and_written_down(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("technician")]})

    told = submit(api, job, ana, waivers=[{"rule_id": "after", "reason": REASON}]).json()

    assert (told["verdict"], told["waived"]) == ("waived", ["after"])
    assert told["findings"][0]["facts"]["waived"] == {"reason": REASON, "role": "technician"}
    row = db.exec(select(ClosureWaiver)).one()
    assert (row.rule_id, row.role, row.reason, row.granted_by) == ("after", "technician", REASON, ana.id)
    assert job.events().count("closure.waived") == 1


@pytest.mark.parametrize(
    ("waivable_by", "rule_id", "code"),
    [
        ("supervisor", "after", "not-waivable"),
        ("technician", "before", "unknown"),
        ("technician", "evidence", "not-waivable"),
    ],
)
def test_what_is_no_technicians_to_waive_is_refused_with_a_pointer(
    api: TestClient,
    db: Session,
    new_job: Callable[..., Job],
    ana: Somebody,
    waivable_by: str,
    rule_id: str,
    code: str,
) -> None:
    job = new_job(policy={"rules": [photo(waivable_by)]})

    answer = submit(api, job, ana, waivers=[{"rule_id": rule_id, "reason": REASON}])

    assert (answer.status_code, answer.json()["code"]) == (422, "waiver-refused")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/body/waivers/0/rule_id", code)]
    assert db.exec(select(ClosureSubmission)).all() == []


def test_a_waiver_of_a_rule_that_is_met_changes_nothing(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("technician")]})
    promise = a_promise()
    upload(api, job, promise, ana)

    told = submit(api, job, ana, evidence=[promise], waivers=[{"rule_id": "after", "reason": REASON}]).json()

    assert (told["verdict"], told["waived"]) == ("verified", [])
    assert db.exec(select(ClosureWaiver)).all() == []


@pytest.mark.parametrize(
    ("rule_id", "answer"), [("none", (422, "unknown-rule")), ("fixed", (409, "rule-not-waivable"))]
)
def test_a_supervisor_waives_only_what_the_policy_has_and_lets_go(
    api: TestClient,
    db: Session,
    new_job: Callable[..., Job],
    sam: Somebody,
    rule_id: str,
    answer: tuple[int, str],
) -> None:
    job = new_job(policy={"rules": [photo("none", "fixed")]})

    refused = waive(api, job, sam, rule_id)

    assert (refused.status_code, refused.json()["code"]) == answer
    assert db.exec(select(ClosureWaiver)).all() == []


def test_the_same_waiver_again_is_the_same_and_another_is_refused(
    api: TestClient, db: Session, new_job: Callable[..., Job], sam: Somebody, cast: Cast
) -> None:
    job = new_job(policy={"rules": [photo("supervisor")]})

    first, again = waive(api, job, sam, "after"), waive(api, job, sam, "after")
    other = waive(api, job, cast("Sia", Role.SUPERVISOR), "after")

    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert (other.status_code, other.json()["code"]) == (409, "already-waived")
    assert len(db.exec(select(ClosureWaiver)).all()) == job.events().count("closure.waived") == 1


def test_nobody_waives_what_they_were_to_prove_themselves(
    api: TestClient, runtime: Runtime, db: Session, new_job: Callable[..., Job], ana: Somebody, ben: Somebody
) -> None:
    assert ben.technician is not None
    job = new_job(policy={"rules": [photo("supervisor")]}, crew=(ben.technician.id,))
    with runtime.transaction(job.organization_id) as writing:
        for who in (ana, ben):
            both = writing.get_one(Person, (job.organization_id, who.id))
            both.roles = [Role.TECHNICIAN, Role.SUPERVISOR]

    for who in (ana, ben):
        refused = waive(api, job, who, "after")
        assert (refused.status_code, refused.json()["code"]) == (403, "reviewer-is-crew")
    assert db.exec(select(ClosureWaiver)).all() == []


def test_closed_work_is_as_it_was_proven(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("technician")]})
    submit(api, job, ana, waivers=[{"rule_id": "after", "reason": REASON}])

    refused = waive(api, job, sam, "evidence")

    assert (refused.status_code, refused.json()["code"]) == (409, "work-order-closed")


def test_only_supervisors_waive(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, dana: Somebody, cast: Cast
) -> None:
    job = new_job(policy={"rules": [photo("supervisor")]})

    for who in (ana, dana, cast("Fay", Role.FINANCE)):
        assert waive(api, job, who, "after").status_code == 403


def test_waivers_are_shown_with_the_closure_and_in_the_list_of_reviews(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job = new_job(policy={"rules": [photo("supervisor")], "review": {"always": True}})
    waive(api, job, sam, "after")
    submit(api, job, ana)

    (listed,) = api.get("/v1/reviews", headers=sam.headers).json()["items"]

    assert [(one["rule_id"], one["reason"]) for one in listed["waivers"]] == [("after", REASON)]
    assert closure_of(api, job, ana)["waivers"] == listed["waivers"]


def test_a_waiver_and_a_submission_at_the_same_moment_both_count(
    api: TestClient, runtime: Runtime, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    """Whichever comes second sees the first: they wait for one another at the work order."""
    job = new_job(policy={"rules": [photo("supervisor")]})
    with ThreadPoolExecutor(2) as crowd:
        with runtime.transaction(job.organization_id) as db:
            open_ledger(db, job.organization_id, job.work_order_id)
            said = crowd.submit(submit, api, job, ana)
            waived = crowd.submit(waive, api, job, sam, "after")
            with pytest.raises(TimeoutError):
                said.result(timeout=0.5)
        assert (said.result().status_code, waived.result().status_code) == (201, 201)

    assert job.work_order().status == "closed"
    assert closure_of(api, job, ana)["verdict"] == "waived"
    assert job.events().count("visit.completed") == job.events().count("work_order.closed") == 1


def test_a_submission_is_answered_the_same_after_a_waiver_has_completed_it(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    job, body = new_job(policy={"rules": [photo("supervisor")]}), a_closure()
    path = f"/v1/visits/{job.visit_id}/closure"
    api.post(path, json=body, headers=ana.headers)
    waive(api, job, sam, "after")

    again = api.post(path, json=body, headers=ana.headers)
    other = api.post(path, json={**body, "id": str(uuid7())}, headers=ana.headers)

    assert (again.json()["verdict"], again.headers["Idempotent-Replayed"]) == ("waived", "true")
    assert (other.status_code, other.json()["code"]) == (409, "work-order-closed")
