"""From planning to the end of a trip, through the API."""

from datetime import timedelta
from uuid import uuid4

import time_machine
from sqlmodel import Session

from app.kit import clock
from app.kit.database import rows
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene


def test_a_job_goes_from_dispatch_to_closed(scene: Scene, ana: Somebody, db: Session) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        visit = scene.dispatched(ana)
        assert visit["status"] == "dispatched"
        for action, minutes in (("accept", 1), ("depart", 10), ("arrive", 20), ("start", 5)):
            now.shift(timedelta(minutes=minutes))
            answer = scene.report(visit["id"], action, ana)
        assert answer["status"] == "in_progress"
        assert answer["work_order_status"] == "in_progress"
        now.shift(timedelta(minutes=60))
        answer = scene.report(visit["id"], "complete", ana, resolution_code="replaced")

    assert answer["status"] == "completed"
    order = scene.order(answer["work_order_id"])
    assert order["status"] in ("completed", "closed")
    assert order["resolution_code"] == "replaced"
    times = scene.get(f"/v1/visits/{visit['id']}/time-entries")
    assert (times["travel_seconds"], times["work_seconds"]) == (20 * 60, 65 * 60)
    statuses = rows(
        db,
        "SELECT status FROM status_intervals WHERE organization_id = %(o)s ORDER BY seq",
        o=db.connection().exec_driver_sql("SELECT current_setting('app.organization')::uuid").scalar(),
    )
    assert [row["status"] for row in statuses][:5] == ["new", "approved", "scheduled", "in_progress", "completed"]


def test_a_repeat_gets_the_stored_answer_and_another_body_is_refused(
    scene: Scene, api: CheckedClient, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    body = {"id": str(uuid4()), "action": "accept", "occurred_at": clock.now().isoformat()}
    path = f"/v1/visits/{visit['id']}/status-updates"
    first = api.post(path, json=body, headers=ana.headers)
    again = api.post(path, json={**body, "age_ms": 5}, headers=ana.headers)
    other = api.post(path, json={**body, "action": "depart"}, headers=ana.headers)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "id-reused")


def test_an_impossible_move_is_refused_with_what_is_allowed(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    visit = scene.dispatched(ana)

    refusal = scene.report(visit["id"], "resume", ana, status=409)

    assert refusal["code"] == "invalid-transition"
    assert refusal["status_now"] == "dispatched"
    assert "accept" in [one["action"] for one in refusal["allowed_actions"]]


def test_ben_never_sees_anas_job(scene: Scene, api: CheckedClient, ana: Somebody, ben: Somebody) -> None:
    visit = scene.dispatched(ana)

    assert api.get("/v1/me/jobs", headers=ben.headers).json()["items"] == []
    assert api.get(f"/v1/me/jobs/{visit['id']}", headers=ben.headers).status_code == 404
    assert scene.report(visit["id"], "accept", ben, status=404)["code"] == "not-found"


def test_my_jobs_hold_everything_that_is_needed_on_site(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    visit = scene.dispatched(ana)

    answer = api.get("/v1/me/jobs", headers=ana.headers)

    [job] = answer.json()["items"]
    assert job["id"] == visit["id"]
    assert job["site"]["access_notes"] == "Ring twice"
    assert job["contact"] == {"name": "Cleo", "phone": "+4915112345678", "email": "cleo@example.org"}
    assert job["asset"]["serial"] == "SN1"
    assert [one["action"] for one in job["allowed_actions"]] == ["accept", "decline", "depart", "arrive", "start"]
    same = api.get("/v1/me/jobs", headers={**ana.headers, "If-None-Match": answer.headers["etag"]})
    assert same.status_code == 304


def test_the_contact_is_hidden_before_dispatch(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    scene.schedule(scene.work_order(), ana)

    [job] = api.get("/v1/me/jobs", headers=ana.headers).json()["items"]

    assert job["contact"] is None


def test_a_start_without_travel_implies_it_and_gives_no_travel_time(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)

    answer = scene.report(visit["id"], "start", ana)

    assert answer["implied"] == ["visit.departed", "visit.arrived"]
    assert scene.get(f"/v1/visits/{visit['id']}/time-entries")["travel_seconds"] == 0


def test_a_late_report_of_a_reassigned_visit_is_noted_and_shown_to_the_dispatcher(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    assert ben.technician is not None
    scene.plan(
        visit["id"],
        "reassignment",
        {"technician_id": str(ben.technician.id), "reason_code": "sick", "force_reason": "now"},
    )

    answer = scene.report(visit["id"], "arrive", ana)

    assert (answer["result"], answer["code"]) == ("noted", "reassigned")
    [issue] = scene.get("/v1/issues", owner="dispatcher")["items"]
    assert (issue["severity"], issue["report"]["action"], issue["technician_name"]) == ("high", "arrive", "Ana")
    assert issue["text"]["en"] == "Arrive by Ana was recorded, but the visit had been given to Ben."
    decided = scene.post(f"/v1/issues/{issue['id']}/resolution", {"choice": "discard", "reason": "Ben did it"})
    assert (decided["state"], decided["resolved_by_name"]) == ("resolved", "Dana")


def test_a_report_from_before_the_cancellation_is_noted_and_one_from_after_is_refused(
    scene: Scene, ana: Somebody
) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(timedelta(minutes=10))
        earlier = clock.now()
        now.shift(timedelta(minutes=10))
        scene.plan(visit["id"], "cancellation", {"cause": "customer", "reason": "not at home"})
        now.shift(timedelta(minutes=10))

        late = scene.report(visit["id"], "depart", ana, at=earlier)
        never = scene.report(visit["id"], "depart", ana, status=409)

    assert (late["result"], late["code"]) == ("noted", "job_cancelled")
    assert never["code"] == "invalid-transition"


def test_a_skewed_clock_is_put_right_by_the_age_of_the_report(scene: Scene, ana: Somebody) -> None:
    with time_machine.travel(clock.now(), tick=False):
        asked = (clock.now() - timedelta(hours=1)).isoformat()
        visit = scene.dispatched(ana, scene.work_order(requested_at=asked))
        wrong = clock.now() + timedelta(minutes=47)

        answer = scene.report(visit["id"], "arrive", ana, at=wrong, age_ms=60_000)

    assert answer["clock_source"] == "age"
    arrived = clock.now().fromisoformat(scene.get(f"/v1/visits/{visit['id']}")["arrived_at"])
    assert arrived == wrong - timedelta(minutes=48)


def test_a_note_of_somebody_who_had_the_visit_before_is_kept(
    scene: Scene, api: CheckedClient, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    assert ben.technician is not None
    body = {"technician_id": str(ben.technician.id), "reason_code": "sick", "force_reason": "now"}
    scene.plan(visit["id"], "reassignment", body)
    note = {"id": str(uuid4()), "occurred_at": clock.now().isoformat(), "text": "The valve is behind the shelf"}

    answer = api.post(f"/v1/visits/{visit['id']}/notes", json=note, headers=ana.headers)

    assert answer.status_code == 201
    [kept] = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")["items"]
    assert kept["text"] == note["text"]


def test_a_late_arrival_takes_effect_on_the_visit_that_the_dispatcher_names(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(timedelta(minutes=10))
        really = clock.now()
        now.shift(timedelta(minutes=10))
        scene.plan(visit["id"], "cancellation", {"cause": "us", "reason": "wrong button"})
        now.shift(timedelta(minutes=10))
        scene.report(visit["id"], "arrive", ana, at=really)
        another = scene.dispatched(ana, scene.order(visit["work_order_id"]))
        [issue] = scene.get("/v1/issues", owner="dispatcher")["items"]
        body = {"choice": "attach", "visit_id": another["id"], "reason": "she was there"}

        scene.post(f"/v1/issues/{issue['id']}/resolution", body)
        again = scene.post(f"/v1/issues/{issue['id']}/resolution", body, status=409)

    after = scene.get(f"/v1/visits/{another['id']}")
    assert (after["status"], after["arrived_at"]) == ("on_site", really.isoformat().replace("+00:00", "Z"))
    assert again["code"] == "issue-resolved"


def test_a_visit_that_nobody_came_to_is_proposed_as_a_no_show(scene: Scene, ana: Somebody) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        scene.at = clock.now()
        missed = scene.dispatched(ana)
        later = (clock.now() + timedelta(days=2)).isoformat(), (clock.now() + timedelta(days=2, hours=1)).isoformat()
        scene.dispatched(ana, scheduled_start=later[0], scheduled_end=later[1])
        now.shift(timedelta(hours=3, minutes=10))
        assert scene.get("/v1/visits", no_show_due="true")["items"] == []
        now.shift(timedelta(minutes=6))

        [proposed] = scene.get("/v1/visits", no_show_due="true")["items"]
        confirmed = scene.plan(proposed["id"], "no-show")

    assert (proposed["id"], confirmed["status"]) == (missed["id"], "no_show")
    assert "no_show" in [one["action"] for one in proposed["allowed_actions"]]
