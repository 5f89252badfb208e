"""What the office does to work orders, through the API."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from app.kit import clock
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene


def test_a_request_starts_its_clocks_when_it_was_asked_for(scene: Scene) -> None:
    asked = clock.now() - timedelta(hours=1)

    order = scene.work_order(approved=False, requested_at=asked.isoformat())

    assert (order["status"], order["number"][:3]) == ("new", "WO-")
    due = clock.now().fromisoformat(order["due_at"])
    assert due - clock.now().fromisoformat(order["requested_at"]) == timedelta(minutes=480)
    assert {one["action"] for one in order["allowed_actions"]} == {"approve", "reject", "cancel"}


def test_the_same_id_twice_is_one_work_order(scene: Scene, api: CheckedClient) -> None:
    mine = str(uuid4())
    first = scene.work_order(approved=False, id=mine)
    again = scene.work_order(approved=False, id=mine)
    assert first["number"] == again["number"]

    body = {"id": mine, "title": "Something else", "work_type_id": str(scene.work_type_id)}
    other = api.post("/v1/work-orders", json=body, headers=scene.office.headers)

    assert (other.status_code, other.json()["code"]) == (409, "id-reused")


def test_an_idempotency_key_replays_the_answer_and_refuses_another_body(scene: Scene, api: CheckedClient) -> None:
    headers = {**scene.office.headers, "Idempotency-Key": str(uuid4())}
    body = {"title": "Leak", "work_type_id": str(scene.work_type_id)}
    first = api.post("/v1/work-orders", json=body, headers=headers)
    again = api.post("/v1/work-orders", json=body, headers=headers)
    other = api.post("/v1/work-orders", json={**body, "title": "Flood"}, headers=headers)

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "idempotency-key-reused")
    assert len(scene.get("/v1/work-orders")["items"]) == 1


@pytest.mark.parametrize(("if_match", "status"), [(None, 428), ('"99"', 412), ("*", 428)])
def test_an_edit_must_name_the_version_that_it_means(
    scene: Scene, api: CheckedClient, if_match: str | None, status: int
) -> None:
    order = scene.work_order()
    headers = {**scene.office.headers, **({"If-Match": if_match} if if_match else {})}

    answer = api.post(f"/v1/work-orders/{order['id']}/hold", json={"hold_reason": "parts"}, headers=headers)

    assert answer.status_code == status
    if status == 412:
        assert answer.json()["current"]["version"] == order["version"]
    assert scene.order(order["id"])["status"] == "approved"


def test_a_hold_is_released_to_where_the_visits_say(scene: Scene, ana: Somebody) -> None:
    order = scene.work_order()
    scene.schedule(order, ana)
    assert scene.act(order["id"], "hold", {"hold_reason": "parts"})["status"] == "on_hold"

    assert scene.act(order["id"], "release")["status"] == "scheduled"


def test_canceling_takes_the_open_visits_along(scene: Scene, ana: Somebody) -> None:
    order = scene.work_order()
    visit = scene.schedule(order, ana)

    canceled = scene.act(order["id"], "cancellation", {"cause": "customer", "reason": "sold the house"})

    assert canceled["status"] == "canceled"
    after = scene.get(f"/v1/visits/{visit['id']}")
    assert (after["status"], after["cancel_cause"]) == ("canceled", "customer")


def test_a_remote_fix_completes_without_a_trip(scene: Scene, sam: Somebody) -> None:
    order = scene.work_order()

    done = scene.act(order["id"], "completion", {"resolution_code": "talked-through"}, by=sam)

    assert done["status"] in ("completed", "closed")
    assert done["first_completed_at"] is not None


def test_a_merged_request_points_at_the_one_that_stays(scene: Scene) -> None:
    stays, goes = scene.work_order(), scene.work_order(approved=False)

    merged = scene.act(goes["id"], "rejection", {"reason": "same boiler", "merged_into": stays["id"]})

    assert (merged["status"], merged["merged_into"], merged["cancel_cause"]) == ("canceled", stays["id"], "duplicate")


def test_reopening_is_possible_for_thirty_days_and_keeps_the_first_completion(scene: Scene, sam: Somebody) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        order = scene.work_order()
        done = scene.act(order["id"], "completion", {"resolution_code": "ok"}, by=sam)
        now.shift(timedelta(days=29))
        opened = scene.act(order["id"], "reopening", {"reason": "cold again"})
        assert (opened["status"], opened["reopen_count"]) == ("approved", 1)
        assert opened["first_completed_at"] == done["first_completed_at"]
        scene.act(order["id"], "completion", {"resolution_code": "ok"}, by=sam)
        now.shift(timedelta(days=31))
        version = scene.order(order["id"])["version"]

        late = scene.post(
            f"/v1/work-orders/{order['id']}/reopening", {"reason": "again"}, status=409, **{"If-Match": f'"{version}"'}
        )

    assert (late["code"], late["callback_of"]) == ("reopen-window-passed", order["id"])


def test_every_event_says_who_and_by_which_clock(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    scene.report(visit["id"], "depart", ana, age_ms=1000)

    events = scene.get(f"/v1/work-orders/{visit['work_order_id']}/events")["items"]

    assert [one["type"] for one in events] == [
        "work_order.created",
        "work_order.approved",
        "visit.scheduled",
        "visit.dispatched",
        "visit.departed",
    ]
    assert [one["seq"] for one in events] == [1, 2, 3, 4, 5]
    assert (events[-1]["actor_id"], events[-1]["clock_source"]) == (str(ana.id), "age")


def test_a_dispatched_visit_keeps_its_version_of_the_work_type(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    body: dict[str, Any] = {"name": "Repair 2", "checklist": [{"id": "gas", "label": "Gas off?", "kind": "yes_no"}]}
    scene.post(f"/v1/work-types/{scene.work_type_id}/versions", body, by=scene.boss, status=201)

    [job] = api.get("/v1/me/jobs", headers=ana.headers).json()["items"]

    assert visit["work_type_version"] == 1
    assert job["checklist"] == []


def test_a_busy_technician_is_planned_only_with_a_reason(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    scene.schedule(scene.work_order(), ana)
    order = scene.work_order()
    assert ana.technician is not None
    start = scene.at + timedelta(hours=1)
    body = {
        "technician_id": str(ana.technician.id),
        "scheduled_start": start.isoformat(),
        "scheduled_end": (start + timedelta(hours=1)).isoformat(),
    }

    refusal = scene.post(f"/v1/work-orders/{order['id']}/visits", body, status=409)
    forced = scene.post(f"/v1/work-orders/{order['id']}/visits", {**body, "force_reason": "emergency"}, status=201)

    assert refusal["code"] == "technician-not-available"
    assert refusal["in_the_way"][0]["kind"] == "visit"
    assert forced["status"] == "scheduled"


def test_lists_page_by_signed_cursors_and_refuse_what_they_do_not_know(scene: Scene, api: CheckedClient) -> None:
    made = [scene.work_order(approved=False)["id"] for _ in range(5)]
    first = scene.get("/v1/work-orders", limit=3)
    second = scene.get("/v1/work-orders", limit=3, cursor=first["next_cursor"])

    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None
    for params, status in (({"cursor": "made-up"}, 400), ({"limit": "-1"}, 422), ({"colour": "red"}, 422)):
        assert api.get("/v1/work-orders", params=params, headers=scene.office.headers).status_code == status
