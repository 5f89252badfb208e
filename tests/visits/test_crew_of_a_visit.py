"""Somebody of the crew beside the lead: times of their own; the visit follows its lead."""

from datetime import timedelta
from uuid import UUID

import time_machine

from app.kit import clock
from app.kit.runtime import Runtime
from app.replay import differences
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene


def with_crew(scene: Scene, lead: Somebody, *crew: Somebody) -> str:
    return str(scene.dispatched(lead, crew=[technician_id(one) for one in crew])["id"])


def technician_id(who: Somebody) -> str:
    assert who.technician is not None
    return str(who.technician.id)


def times(scene: Scene, visit_id: str, who: Somebody) -> list[tuple[str, float | None]]:
    """Kind and minutes (None: still running) of somebody's time entries."""
    items = scene.get(f"/v1/visits/{visit_id}/time-entries")["items"]
    moment = clock.now().fromisoformat
    return [
        (one["kind"], (moment(one["ended_at"]) - moment(one["started_at"])).seconds / 60 if one["ended_at"] else None)
        for one in items
        if one["technician_id"] == technician_id(who)
    ]


def test_a_members_reports_make_their_own_time_and_do_not_move_the_visit(
    scene: Scene, api: CheckedClient, runtime: Runtime, ana: Somebody, ben: Somebody
) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        visit_id = with_crew(scene, ana, ben)
        steps = (("depart", {}), ("pause", {"reason": "break"}), ("resume", {}), ("arrive", {}), ("leave", {}))
        for action, more in steps:
            now.shift(timedelta(minutes=10))
            answer = scene.report(visit_id, action, ben, **more)
            assert (answer["status"], answer["result"]) == ("dispatched", "applied")

    assert times(scene, visit_id, ben) == [("travel", 10), ("break", 10), ("travel", 10), ("work", 10)]
    assert times(scene, visit_id, ana) == []
    visit = scene.get(f"/v1/visits/{visit_id}")
    assert (visit["status"], visit["departed_at"], visit["arrived_at"], visit["crew"]) == ("dispatched", None, None, [])
    assert scene.order(visit["work_order_id"])["status"] == "scheduled"
    assert in_step(runtime, visit["work_order_id"], ana)


def in_step(runtime: Runtime, work_order_id: str, somebody: Somebody) -> bool:
    o = somebody.person.organization_id
    with runtime.transaction(o) as db:
        return list(differences(db, o, UUID(work_order_id))) == []


def test_the_visits_end_ends_everybodys_time(scene: Scene, runtime: Runtime, ana: Somebody, ben: Somebody) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        visit_id = with_crew(scene, ana, ben)
        scene.report(visit_id, "arrive", ana)
        scene.report(visit_id, "arrive", ben)
        now.shift(timedelta(minutes=30))
        done = scene.report(visit_id, "complete", ana)
        now.shift(timedelta(minutes=5))
        late = scene.report(visit_id, "pause", ben, reason="break")

    assert times(scene, visit_id, ana) == times(scene, visit_id, ben) == [("work", 30)]
    assert (late["result"], late["code"]) == ("noted", "visit_completed")
    assert in_step(runtime, done["work_order_id"], ana)


def test_a_member_is_offered_and_may_do_only_what_members_do(
    scene: Scene, api: CheckedClient, ana: Somebody, ben: Somebody
) -> None:
    visit_id = with_crew(scene, ana, ben)

    [job] = api.get("/v1/me/jobs", headers=ben.headers).json()["items"]
    answer = scene.report(visit_id, "depart", ben)

    assert job["role"] == "member"
    assert [one["action"] for one in job["allowed_actions"]] == ["depart", "arrive", "start", "leave"]
    assert [one["action"] for one in answer["allowed_actions"]] == ["arrive", "start", "pause", "leave"]
    assert scene.report(visit_id, "accept", ben, status=403)["code"] == "not-allowed"
    assert scene.report(visit_id, "resume", ben, status=409)["code"] == "invalid-transition"
    assert scene.report(visit_id, "pause", ben, status=422)["code"] == "missing-data"


def test_a_departure_that_a_member_reports_late_is_still_travel(
    scene: Scene, runtime: Runtime, ana: Somebody, ben: Somebody
) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        visit_id = with_crew(scene, ana, ben)
        now.shift(timedelta(minutes=30))
        scene.report(visit_id, "arrive", ben)
        now.shift(timedelta(minutes=10))
        answer = scene.report(visit_id, "depart", ben, at=clock.now() - timedelta(minutes=30))
        now.shift(timedelta(minutes=10))
        scene.report(visit_id, "leave", ben)

    assert [one["action"] for one in answer["allowed_actions"]] == ["start", "pause", "leave"]
    assert times(scene, visit_id, ben) == [("travel", 20), ("work", 20)]
    assert in_step(runtime, answer["work_order_id"], ana)


def test_the_lead_named_among_the_crew_is_the_lead(scene: Scene, ana: Somebody, ben: Somebody) -> None:
    visit_id = with_crew(scene, ana, ana, ben, ben)

    assert scene.get(f"/v1/visits/{visit_id}")["crew"] == [technician_id(ben)]
    assert scene.report(visit_id, "accept", ana)["status"] == "accepted"


def test_somebody_of_the_crew_can_become_the_lead(scene: Scene, ana: Somebody, ben: Somebody) -> None:
    visit_id = with_crew(scene, ana, ben)
    body = {"technician_id": technician_id(ben), "reason_code": "ill", "force_reason": "now"}
    changed = scene.plan(visit_id, "reassignment", body)

    assert (changed["technician_id"], changed["crew"]) == (technician_id(ben), [])
    assert scene.report(visit_id, "depart", ben)["status"] == "en_route"


def test_nobody_joins_a_visit_that_is_over(scene: Scene, api: CheckedClient, ana: Somebody, ben: Somebody) -> None:
    visit_id = with_crew(scene, ana)
    canceled = scene.plan(visit_id, "cancellation", {"cause": "customer", "reason": "sold"})
    headers = {**scene.office.headers, "If-Match": f'"{canceled["version"]}"'}

    answer = api.post(f"/v1/visits/{visit_id}/crew", json={"technician_id": technician_id(ben)}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid-transition")
    assert api.get("/v1/me/jobs", headers=ben.headers).json()["items"] == []


def test_a_member_reads_the_notes_and_one_who_was_sent_home_reports_for_the_dispatcher(
    scene: Scene, api: CheckedClient, ana: Somebody, ben: Somebody
) -> None:
    visit_id = with_crew(scene, ana, ben)
    visit = scene.get(f"/v1/visits/{visit_id}")
    notes = f"/v1/work-orders/{visit['work_order_id']}/notes"
    assert api.get(notes, headers=ben.headers).status_code == 200
    headers = {**scene.office.headers, "If-Match": f'"{visit["version"]}"'}
    gone = api.delete(f"/v1/visits/{visit_id}/crew/{technician_id(ben)}", headers=headers)

    answer = scene.report(visit_id, "arrive", ben)

    assert gone.json()["crew"] == []
    assert (answer["result"], answer["code"]) == ("noted", "reassigned")
    assert api.get(f"/v1/me/jobs/{visit_id}", headers=ben.headers).status_code == 404
