"""Trying out other rules on closures that were decided."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine

from app.closure.dry_run import dry_run
from app.closure.dry_run_schemas import DryRunIn
from app.domain.roles import Role
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import rows
from app.kit.runtime import Runtime
from tests.conftest import CheckedClient, Somebody
from tests.field import a_picture, caller_of, just_now
from tests.scene import Scene

PATH = "/v1/closure-policies/dry-runs"
CODES = {"id": "codes", "kind": "resolution_codes"}
PHOTO = {"id": "photo", "kind": "photo", "params": {"tag": "after"}}
Closed = Callable[..., dict[str, Any]]


@pytest.fixture
def closed(api: CheckedClient, scene: Scene, ana: Somebody) -> Closed:
    """A job of Ana's that she has closed: `closed(photo=True, priority=1)`; its work order."""
    scene.work_type_id = scene.work_type("service", closure_policy={"rules": [CODES]})

    def close(*, photo: bool = False, answers: dict[str, Any] | None = None, **order: Any) -> dict[str, Any]:
        made = scene.work_order(**order)
        visit = scene.dispatched(ana, made)["id"]
        scene.report(visit, "start", ana)
        if photo:
            data = {"id": str(uuid4()), "kind": "photo", "tag": "after", "captured_at": just_now()}
            files = {"file": ("a.jpg", a_picture(), "image/jpeg")}
            sent = api.post(f"/v1/visits/{visit}/evidence", data=data, files=files, headers=ana.headers)
            assert sent.status_code == 201, sent.text
        body = {"id": str(uuid4()), "occurred_at": just_now(), "resolution_code": "solved", "answers": answers or {}}
        verdict = scene.post(f"/v1/visits/{visit}/closure", body, by=ana, status=201)["verdict"]
        assert verdict == "verified"
        return {**made, "visit_id": visit, "closure_id": body["id"]}

    return close


def tried(scene: Scene, by: Somebody, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(scene.post(PATH, {"policy": {"rules": list(rules)}, **more} if rules else more, by=by))


def test_a_dry_run_counts_the_verdicts_and_lists_what_would_have_failed_with_the_way_to_mend_it(
    scene: Scene, sam: Somebody, closed: Closed
) -> None:
    closed(photo=True)
    bare = closed()

    said = tried(scene, sam, CODES, PHOTO)

    assert (said["judged"], said["not_judged"], said["capped"], said["changed"]) == (2, 0, False, 1)
    assert said["verdicts"] == [
        {"before": "verified", "after": "unmet", "count": 1},
        {"before": "verified", "after": "verified", "count": 1},
    ]
    assert said["failing_count"] == 1
    [failing] = said["failing"]
    assert failing["work_order_number"] == bare["number"]
    assert [failing[name] for name in ("work_order_id", "visit_id", "closure_id", "before")] == [
        bare["id"], bare["visit_id"], bare["closure_id"], "verified",
    ]  # fmt: skip
    [broken] = failing["rules"]
    assert (broken["rule_id"], broken["kind"]) == ("photo", "photo")
    assert broken["how_to_fix"]


def test_rules_that_ask_for_a_second_look_change_the_verdict_without_failing(
    scene: Scene, sam: Somebody, closed: Closed
) -> None:
    closed()

    said = tried(scene, sam, policy={"review": {"always": True}})

    assert said["verdicts"] == [{"before": "verified", "after": "pending_review", "count": 1}]
    assert (said["changed"], said["failing_count"], said["failing"]) == (1, 0, [])


def test_nothing_is_changed_by_it(
    runtime: Runtime, organization: Organization, scene: Scene, sam: Somebody, closed: Closed
) -> None:
    order = closed()

    def everything() -> Any:
        with runtime.transaction(organization.id) as db:
            kept = rows(db, "SELECT c.verdict, c.findings, c.policy, c.decided_at FROM closure_submissions c")
            return kept, rows(db, "SELECT count(*) FROM events"), rows(db, "SELECT count(*) FROM closure_policies")

    before = everything()
    assert tried(scene, sam, PHOTO)["failing_count"] == 1

    assert everything() == before
    assert scene.order(order["id"])["status"] == "closed"


def test_it_looks_at_the_work_that_the_policy_is_for(scene: Scene, sam: Somebody, closed: Closed) -> None:
    urgent, _ = closed(priority=1), closed(priority=3)
    other = str(scene.work_type("other"))

    def failing(**match: Any) -> list[str]:
        return [one["work_order_id"] for one in tried(scene, sam, PHOTO, match=match)["failing"]]

    assert failing(priority=1) == [urgent["id"]]
    assert len(failing(work_type_id=str(scene.work_type_id), customer_id=str(scene.customer_id))) == 2
    assert failing(work_type_id=other) == failing(partner_id=str(uuid4())) == failing(customer_id=str(uuid4())) == []


def test_a_policy_that_there_is_is_tried_with_its_own_rules_on_its_own_work(
    scene: Scene, sam: Somebody, closed: Closed
) -> None:
    closed(priority=1), closed(priority=3)
    body = {"key": "strict", "name": "Strict", "match": {"priority": 1}, "policy": {"rules": [PHOTO]}, "active": False}
    policy = scene.post("/v1/closure-policies", body, by=sam, status=201)

    assert tried(scene, sam, policy_id=policy["id"])["failing_count"] == 1
    assert tried(scene, sam, CODES, policy_id=policy["id"])["verdicts"] == [
        {"before": "verified", "after": "verified", "count": 1}
    ]
    assert tried(scene, sam, policy_id=policy["id"], match={})["failing_count"] == 2


def test_a_form_that_was_never_asked_has_no_answers(scene: Scene, sam: Somebody, closed: Closed) -> None:
    items = [{"id": "gloves", "kind": "yes_no", "label": "Gloves?", "required": True}]
    scene.post("/v1/forms", {"key": "safety", "title": "Safety", "items": items}, by=sam, status=201)
    closed(), closed(answers={"safety.gloves": True})

    said = tried(scene, sam, {"id": "safe", "kind": "checklist", "params": {"form": "safety"}})

    assert said["failing_count"] == 1
    assert "Gloves?" in str(said["failing"][0]["rules"]) or "safety.gloves" in str(said["failing"][0]["rules"])
    open_work = tried(scene, sam, {"id": "open", "kind": "no_open_items", "params": {"of": ["tasks"]}})
    assert open_work["failing_count"] == 0, "without the form there is no open task"


def test_a_closure_of_which_too_little_is_stored_is_counted_as_not_judged(
    runtime: Runtime, organization: Organization, scene: Scene, sam: Somebody, closed: Closed
) -> None:
    closed()
    with runtime.transaction(organization.id) as db:
        rows(db, "UPDATE closure_submissions SET facts = '{}'")

    said = tried(scene, sam, PHOTO)

    assert (said["judged"], said["not_judged"], said["verdicts"]) == (0, 1, [])


def test_of_a_visit_the_closure_that_was_decided_last_counts(
    api: CheckedClient, scene: Scene, ana: Somebody, sam: Somebody
) -> None:
    scene.work_type_id = scene.work_type("service", closure_policy={"rules": [CODES], "review": {"always": True}})
    order = scene.work_order()
    visit = scene.dispatched(ana, order)["id"]
    scene.report(visit, "start", ana)
    ids = [str(uuid4()), str(uuid4())]
    for number, decision in enumerate(("send_back", "approve")):
        body = {"id": ids[number], "occurred_at": just_now(), "resolution_code": "solved"}
        scene.post(f"/v1/visits/{visit}/closure", body, by=ana, status=201)
        version = scene.order(order["id"])["version"]
        review = {"decision": decision, "text": "look again"}
        scene.post(f"/v1/work-orders/{order['id']}/reviews", review, by=sam, status=201, **{"If-Match": f'"{version}"'})

    [failing] = tried(scene, sam, PHOTO)["failing"]

    assert failing["closure_id"] == ids[1]


def test_a_period_is_the_last_month_or_what_is_asked_for(scene: Scene, sam: Somebody, closed: Closed) -> None:
    at = clock.now()
    closed()

    def judged(**period: Any) -> int:
        return int(tried(scene, sam, PHOTO, **period)["judged"])

    assert judged() == 1
    assert judged(**{"from": (at - timedelta(hours=1)).isoformat(), "to": clock.now().isoformat()}) == 1
    assert judged(to=at.isoformat()) == 0
    with time_machine.travel(at + timedelta(days=31)):
        assert judged() == 0
        assert judged(**{"from": at.isoformat()}) == 1
    backwards = {"policy": {}, "from": at.isoformat(), "to": at.isoformat()}
    assert scene.post(PATH, backwards, by=sam, status=422)["code"] == "period-not-well-formed"


def test_only_so_many_closures_are_looked_at_and_that_is_said(
    runtime: Runtime, organization: Organization, sam: Somebody, closed: Closed
) -> None:
    closed()
    newest = closed()
    given = DryRunIn(policy={"rules": [PHOTO]})
    by = caller_of(sam.person, None, Role.SUPERVISOR)

    with runtime.transaction(organization.id) as db:
        some = dry_run(db, given, by=by, at=clock.now(), most=1)
        everything = dry_run(db, given, by=by, at=clock.now(), most=2)

    assert (some.judged, some.capped, [one.visit_id for one in some.failing]) == (1, True, [UUID(newest["visit_id"])])
    assert (everything.judged, everything.capped) == (2, False)


def test_rules_that_cannot_be_understood_are_not_tried(scene: Scene, sam: Somebody) -> None:
    named = {"id": "safe", "kind": "checklist", "params": {"form": "nowhere"}}

    refused = scene.post(PATH, {"policy": {"rules": [named, {"id": "x", "kind": "magic"}]}}, by=sam, status=422)

    assert {one["pointer"] for one in refused["errors"]} == {
        "/body/policy/rules/0/params/form",
        "/body/policy/rules/1/kind",
    }
    assert scene.post(PATH, {}, by=sam, status=422)["code"] == "not-well-formed"
    assert scene.post(PATH, {"policy_id": str(uuid4())}, by=sam, status=404)["code"] == "not-found"


def test_work_that_took_unusually_long_is_found_though_its_own_policy_did_not_look(
    runtime: Runtime, scene: Scene, sam: Somebody, closed: Closed
) -> None:
    """Twenty others took an hour each, and one took two minutes."""
    orders = [closed() for _ in range(21)]
    with runtime.transaction(sam.person.organization_id) as db:
        visits = [one["visit_id"] for one in orders]
        for worked, some in ((3600, visits[1:]), (120, visits[:1])):
            values = {"worked": worked, "visits": some}
            rows(db, f"UPDATE time_entries SET ended_at = {WORKED_UNTIL} WHERE {THEIRS} AND kind = 'work'", **values)
            rows(db, f"UPDATE closure_submissions SET facts = {AS_LONG} WHERE {THEIRS}", **values)

    said = tried(scene, sam, policy={"review": {"risk": ["odd_duration"]}})

    assert said["verdicts"] == [
        {"before": "verified", "after": "pending_review", "count": 1},
        {"before": "verified", "after": "verified", "count": 20},
    ]


THEIRS = "visit_id = ANY(%(visits)s::uuid[])"
WORKED_UNTIL = "started_at + %(worked)s * interval '1 second'"
AS_LONG = "jsonb_set(facts, '{worked_seconds}', to_jsonb(%(worked)s::int))"
