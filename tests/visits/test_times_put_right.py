"""No-shows that an arrival withdraws, times that are corrected, clocks that cannot be right."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlmodel import Session, update

from app.domain.roles import Role
from app.identity.models import Person, Technician
from app.kit import clock
from app.kit.database import rows
from app.kit.runtime import Runtime
from app.replay import differences
from tests.conftest import Cast, CheckedClient, Somebody
from tests.scene import Scene

HOUR = timedelta(hours=1)


def in_step(runtime: Runtime, work_order_id: str, somebody: Somebody) -> bool:
    o = somebody.person.organization_id
    with runtime.transaction(o) as db:
        return list(differences(db, o, UUID(work_order_id))) == []


@pytest.mark.parametrize("window", [True, False])
def test_an_arrival_within_the_window_withdraws_the_no_show(
    scene: Scene, runtime: Runtime, ana: Somebody, window: bool
) -> None:
    """Without a window the planned time is what was promised."""
    with time_machine.travel(scene.at, tick=False) as now:
        promised = {"window_start": (scene.at + HOUR).isoformat(), "window_end": (scene.at + 3 * HOUR).isoformat()}
        visit = scene.dispatched(ana, **(promised if window else {}))
        now.shift(2 * HOUR)
        arrived = clock.now()
        now.shift(2 * HOUR)
        missed = scene.plan(visit["id"], "no-show")
        now.shift(HOUR)

        answer = scene.report(visit["id"], "arrive", ana, at=arrived)

    assert missed["status"] == "no_show"
    assert (answer["result"], answer["status"], answer["work_order_status"]) == ("applied", "on_site", "in_progress")
    order = scene.order(visit["work_order_id"])
    assert order["status"] == "in_progress"
    assert scene.get(f"/v1/visits/{visit['id']}")["arrived_at"] == answer["effective_at"]
    with runtime.transaction(ana.person.organization_id) as db:
        lived = rows(
            db, "SELECT status, left_at FROM status_intervals WHERE work_order_id = %(w)s ORDER BY seq", w=order["id"]
        )
    assert [one["status"] for one in lived] == ["new", "approved", "scheduled", "in_progress"]
    assert lived[-1]["left_at"] is None
    [entry] = scene.get(f"/v1/visits/{visit['id']}/time-entries")["items"]
    assert (entry["kind"], entry["ended_at"]) == ("work", None)
    assert in_step(runtime, visit["work_order_id"], ana)


@pytest.mark.parametrize("window", [True, False])
def test_an_arrival_after_the_window_leaves_the_no_show_and_is_kept(scene: Scene, ana: Somebody, window: bool) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        promised = {"window_start": (scene.at + HOUR).isoformat(), "window_end": (scene.at + 3 * HOUR).isoformat()}
        visit = scene.dispatched(ana, **(promised if window else {}))
        now.shift(3.5 * HOUR)
        too_late = clock.now()
        now.shift(HOUR)
        scene.plan(visit["id"], "no-show")

        noted = scene.report(visit["id"], "arrive", ana, at=too_late)
        now.shift(HOUR)
        refused = scene.report(visit["id"], "arrive", ana, status=409)

    assert (noted["result"], noted["code"]) == ("noted", "visit_no_show")
    assert refused["code"] == "invalid-transition"
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "no_show"


def test_an_arrival_does_not_bring_work_back_that_was_called_off(scene: Scene, runtime: Runtime, ana: Somebody) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(2 * HOUR)
        arrived = clock.now()
        now.shift(2 * HOUR)
        scene.plan(visit["id"], "no-show")
        scene.act(visit["work_order_id"], "cancellation", {"cause": "customer", "reason": "waited in vain"})

        answer = scene.report(visit["id"], "arrive", ana, at=arrived)

    assert (answer["result"], answer["work_order_status"]) == ("noted", "canceled")
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "no_show"
    assert in_step(runtime, visit["work_order_id"], ana)


def correction(value: Any, field: str = "arrived_at") -> dict[str, Any]:
    return {"field": field, "value": value.isoformat(), "reason": "typed late"}


def test_a_technician_corrects_a_time_within_a_day_and_the_time_entries_follow(
    scene: Scene, runtime: Runtime, ana: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit_id = scene.dispatched(ana)["id"]
        now.shift(HOUR)
        scene.report(visit_id, "depart", ana)
        now.shift(HOUR)
        scene.report(visit_id, "arrive", ana)
        now.shift(HOUR)
        done = scene.report(visit_id, "complete", ana)
        now.shift(22 * HOUR)

        answer = scene.report(visit_id, "correct_time", ana, **correction(scene.at + 1.5 * HOUR))

    assert answer["result"] == "applied"
    times = scene.get(f"/v1/visits/{visit_id}/time-entries")
    assert (times["travel_seconds"], times["work_seconds"]) == (1800, 5400)
    events = scene.get(f"/v1/work-orders/{done['work_order_id']}/events")["items"]
    assert [one["type"] for one in events].count("visit.arrived") == 1
    assert events[-1]["type"] == "visit.time_corrected"
    assert in_step(runtime, done["work_order_id"], ana)


def test_after_a_day_only_a_supervisor_corrects_a_time(
    scene: Scene, ana: Somebody, sam: Somebody, cast: Cast, runtime: Runtime
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit_id = scene.dispatched(ana)["id"]
        now.shift(HOUR)
        scene.report(visit_id, "arrive", ana)
        scene.report(visit_id, "complete", ana)
        now.shift(25 * HOUR)
        earlier = correction(scene.at + HOUR / 2)

        own = scene.report(visit_id, "correct_time", ana, status=409, **earlier)
        with runtime.transaction(ana.person.organization_id) as db:
            db.exec(
                update(Person).where(Person.id == ana.id).values(roles=[Role.TECHNICIAN.value, Role.DISPATCHER.value])  # type: ignore[arg-type]
            )
        as_dispatcher = scene.report(visit_id, "correct_time", ana, status=409, **earlier)
        supervised = scene.report(visit_id, "correct_time", sam, **earlier)

    assert own["code"] == as_dispatcher["code"] == "too-late-to-correct"
    assert supervised["result"] == "applied"
    assert clock.now().fromisoformat(scene.get(f"/v1/visits/{visit_id}")["arrived_at"]) == scene.at + HOUR / 2


def test_a_correction_must_be_possible(scene: Scene, ana: Somebody) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit_id = scene.dispatched(ana)["id"]
        now.shift(HOUR)
        scene.report(visit_id, "depart", ana)
        now.shift(HOUR)
        scene.report(visit_id, "arrive", ana)

        for value in (scene.at - HOUR, scene.at + HOUR / 2, clock.now() + HOUR):
            answer = scene.report(visit_id, "correct_time", ana, status=409, **correction(value))
            assert answer["code"] == "times-out-of-order"
        never = scene.report(visit_id, "correct_time", ana, status=409, **correction(clock.now(), "ended_at"))
        assert never["code"] == "times-out-of-order"


def test_an_end_that_a_clock_puts_before_the_arrival_ends_the_work_all_the_same(
    scene: Scene, runtime: Runtime, ana: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit_id = scene.dispatched(ana)["id"]
        now.shift(2 * HOUR)
        arrived = scene.report(visit_id, "arrive", ana)
        now.shift(HOUR)
        answer = scene.report(visit_id, "complete", ana, at=scene.at + HOUR)

    assert answer["effective_at"] == arrived["effective_at"]
    assert all(one["ended_at"] for one in scene.get(f"/v1/visits/{visit_id}/time-entries")["items"])
    assert in_step(runtime, answer["work_order_id"], ana)


def test_a_departure_after_the_arrival_is_no_late_fact(scene: Scene, ana: Somebody) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit_id = scene.dispatched(ana)["id"]
        now.shift(HOUR)
        scene.report(visit_id, "start", ana)
        now.shift(2 * HOUR)
        scene.report(visit_id, "pause", ana, reason="break")

        refused = scene.report(visit_id, "depart", ana, at=scene.at + 2 * HOUR, status=409)
        applied = scene.report(visit_id, "depart", ana, at=scene.at + HOUR / 2)

    assert refused["code"] == "invalid-transition"
    assert (applied["result"], applied["status"]) == ("applied", "paused")
    assert scene.get(f"/v1/visits/{visit_id}/time-entries")["travel_seconds"] == 1800


@pytest.mark.parametrize("path", ["status-updates", "notes"])
def test_an_age_beyond_all_time_is_no_trouble(scene: Scene, api: CheckedClient, ana: Somebody, path: str) -> None:
    visit = scene.dispatched(ana)
    said = {"action": "accept"} if path == "status-updates" else {"text": "hello"}
    body = {"id": str(uuid4()), "occurred_at": clock.now().isoformat(), "age_ms": 2**53 - 1, **said}

    answer = api.post(f"/v1/visits/{visit['id']}/{path}", json=body, headers=ana.headers)

    assert answer.status_code == 201


def test_a_late_report_keeps_the_rate_of_each_trip(scene: Scene, ana: Somebody, db: Session, runtime: Runtime) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        order = scene.work_order()
        first = scene.dispatched(ana, order)["id"]
        scene.report(first, "arrive", ana)
        now.shift(HOUR)
        scene.report(first, "end_incomplete", ana, reason="parts")
        with runtime.transaction(ana.person.organization_id) as raise_:
            raise_.exec(update(Technician).values(hourly_rate_minor=9000))
        second = scene.dispatched(ana, scene.order(order["id"]))["id"]
        now.shift(2 * HOUR)
        scene.report(second, "arrive", ana)
        now.shift(HOUR)
        scene.report(second, "depart", ana, at=clock.now() - 2 * HOUR)

    found = rows(db, "SELECT visit_id, kind, rate_minor FROM time_entries ORDER BY started_at")
    assert [(str(one["visit_id"]), one["kind"], one["rate_minor"]) for one in found] == [
        (first, "work", 6000),
        (second, "travel", 9000),
        (second, "work", 9000),
    ]


def test_the_office_completes_for_a_technician_only_with_a_reason(scene: Scene, ana: Somebody, sam: Somebody) -> None:
    visit_id = scene.dispatched(ana)["id"]
    scene.report(visit_id, "arrive", ana)

    assert scene.report(visit_id, "complete", sam, status=422)["errors"][0]["pointer"] == "/body/reason"
    assert scene.report(visit_id, "complete", sam, reason="phone is broken")["status"] == "completed"


def test_somebody_with_two_roles_is_a_technician_on_their_own_visits_only(
    scene: Scene, ana: Somebody, ben: Somebody, runtime: Runtime
) -> None:
    with runtime.transaction(ana.person.organization_id) as db:
        db.exec(update(Person).where(Person.id == ben.id).values(roles=["technician", "dispatcher"]))  # type: ignore[arg-type]
    hers, his = scene.dispatched(ana)["id"], scene.dispatched(ben)["id"]

    assert scene.report(hers, "accept", ben, status=403)["code"] == "not-allowed"
    assert scene.report(his, "accept", ben)["status"] == "accepted"
