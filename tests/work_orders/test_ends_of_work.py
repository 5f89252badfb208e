"""How work ends, and what of an earlier end is left when it goes on."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from app.kit import clock
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene


def with_one_trip_done_and_one_planned(scene: Scene, ana: Somebody) -> dict[str, Any]:
    order = scene.work_order()
    first = scene.dispatched(ana, order)["id"]
    scene.schedule(order, ana)
    scene.report(first, "arrive", ana)
    assert scene.report(first, "complete", ana)["work_order_status"] == "in_progress"
    return order


@pytest.mark.parametrize(
    ("noun", "body", "status"),
    [
        ("cancellation", {"cause": "customer", "reason": "sold the house"}, "canceled"),
        ("cannot-complete", {"reason": "no spare part exists", "customer_told": True}, "cannot_complete"),
    ],
)
def test_work_that_is_called_off_was_never_completed(
    scene: Scene, ana: Somebody, noun: str, body: dict[str, Any], status: str
) -> None:
    """The trip that is called off with it does not make the other one the last word."""
    order = with_one_trip_done_and_one_planned(scene, ana)

    after = scene.act(order["id"], noun, body)

    assert after["status"] == status
    assert (after["first_completed_at"], after["resolved_at"], after["outcome"]) == (None, None, None)
    assert {one["status"] for one in scene.get("/v1/visits", work_order_id=order["id"])["items"]} == {
        "completed",
        "canceled",
    }


def test_a_remote_fix_keeps_its_resolution_code_whatever_was_planned(
    scene: Scene, ana: Somebody, sam: Somebody
) -> None:
    order = with_one_trip_done_and_one_planned(scene, ana)

    done = scene.act(order["id"], "completion", {"resolution_code": "talked-through"}, by=sam)

    assert done["resolution_code"] == "talked-through"


def test_a_trip_that_is_called_off_on_site_leaves_the_last_outcome(scene: Scene, ana: Somebody) -> None:
    order = scene.work_order()
    with time_machine.travel(scene.at, tick=False) as now:
        first = scene.dispatched(ana, order)["id"]
        second = scene.schedule(order, ana)["id"]
        scene.report(first, "arrive", ana)
        now.shift(timedelta(hours=1))
        scene.report(first, "complete", ana)
        scene.report(second, "arrive", ana)
        now.shift(timedelta(hours=1))
        scene.plan(second, "cancellation", {"cause": "customer", "reason": "it works"})

    assert scene.order(order["id"])["first_completed_at"] is not None


def test_work_that_is_sent_back_for_another_trip_is_not_resolved(scene: Scene, sam: Somebody, ana: Somebody) -> None:
    kind = scene.work_type("proven", closure_policy={"review": {"always": True}})
    order = scene.work_order(work_type_id=str(kind))
    done = scene.act(order["id"], "completion", {"resolution_code": "ok"}, by=sam)

    again = scene.act(order["id"], "send-back", {"rule_ids": [], "text": "go there", "revisit": True}, by=sam)

    assert again["status"] == "in_progress"
    assert (again["resolved_at"], again["outcome"]) == (None, None)
    assert again["first_completed_at"] == done["first_completed_at"]


def test_the_window_to_reopen_counts_from_the_day_when_it_could_not_be_done(scene: Scene) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        order = scene.work_order()
        scene.act(order["id"], "cannot-complete", {"reason": "no part", "customer_told": True})
        now.shift(timedelta(days=31))
        headers = {"If-Match": f'"{scene.order(order["id"])["version"]}"'}

        late = scene.post(f"/v1/work-orders/{order['id']}/reopening", {"reason": "found one"}, status=409, **headers)

    assert late["code"] == "reopen-window-passed"


@pytest.mark.parametrize("field", ["title", "description", "priority", "unrelated"])
def test_what_must_be_there_cannot_be_emptied(scene: Scene, api: CheckedClient, field: str) -> None:
    order = scene.work_order()
    headers = {**scene.office.headers, "If-Match": f'"{order["version"]}"'}

    answer = api.patch(f"/v1/work-orders/{order['id']}", json={field: None}, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/body/{field}")


def test_what_may_be_empty_can_be_emptied(scene: Scene, api: CheckedClient) -> None:
    order = scene.work_order(problem_code="cold")
    headers = {**scene.office.headers, "If-Match": f'"{order["version"]}"'}

    answer = api.patch(f"/v1/work-orders/{order['id']}", json={"contact_id": None, "due_at": None}, headers=headers)

    assert (answer.json()["contact_id"], answer.json()["due_at"], answer.json()["problem_code"]) == (None, None, "cold")


def test_an_external_reference_is_taken_once(scene: Scene, api: CheckedClient) -> None:
    scene.work_order(external_ref="CRM-1")
    body = {"title": "Leak", "work_type_id": str(scene.work_type_id), "external_ref": "CRM-1"}

    answer = api.post("/v1/work-orders", json=body, headers=scene.office.headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "external-ref-taken")


def test_a_trip_can_be_planned_for_the_version_that_was_read(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    order = scene.work_order()
    assert ana.technician is not None
    body = {
        "technician_id": str(ana.technician.id),
        "scheduled_start": scene.at.isoformat(),
        "scheduled_end": (scene.at + timedelta(hours=1)).isoformat(),
    }
    path = f"/v1/work-orders/{order['id']}/visits"

    stale = api.post(path, json=body, headers={**scene.office.headers, "If-Match": '"1"'})
    planned = api.post(path, json=body, headers={**scene.office.headers, "If-Match": f'"{order["version"]}"'})

    assert (stale.status_code, planned.status_code) == (412, 201)
    assert stale.json()["current"]["version"] == order["version"]
