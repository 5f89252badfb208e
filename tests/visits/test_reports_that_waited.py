"""What a device reports that was without a network: what nobody could know is no reason to refuse it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine

from app.kit import clock
from app.visits.commands.assignment import NotAssigned
from app.visits.commands.reporting import report_status
from app.visits.schemas import StatusUpdateIn
from app.work_orders.commands import IdReused, InvalidTransition
from tests.conftest import Somebody
from tests.scene import Scene
from tests.visits.conftest import Report, Send, event_types, given_to

HOUR = timedelta(hours=1)
InStep = Callable[[str], bool]


def test_what_is_so_already_is_applied_without_effect_and_its_time_is_kept(
    scene: Scene, offline: Report, in_step: InStep, ana: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        scene.report(visit["id"], "start", ana)
        before = scene.get(f"/v1/visits/{visit['id']}")
        now.shift(HOUR)

        answer = offline(visit["id"], "arrive", ana)

    assert (answer["result"], answer["noop"], answer["code"]) == ("applied", True, None)
    after = scene.get(f"/v1/visits/{visit['id']}")
    assert (after["status"], after["arrived_at"]) == ("in_progress", before["arrived_at"])
    [said] = [
        one
        for one in scene.get(f"/v1/work-orders/{visit['work_order_id']}/events")["items"]
        if one["type"] == "visit.reported"
    ]
    assert (said["data"]["action"], said["effective_at"]) == ("arrive", answer["effective_at"])
    assert in_step(visit["work_order_id"])


def test_a_departure_whose_time_was_unknown_still_fills_it(
    scene: Scene, offline: Report, in_step: InStep, ana: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        left = clock.now()
        now.shift(HOUR)
        scene.report(visit["id"], "arrive", ana)
        scene.report(visit["id"], "complete", ana)

        answer = offline(visit["id"], "depart", ana, at=left)

    assert (answer["result"], answer["noop"]) == ("applied", False)
    assert scene.get(f"/v1/visits/{visit['id']}/time-entries")["travel_seconds"] == 3600
    assert in_step(visit["work_order_id"])


@pytest.mark.parametrize("action", ["accept", "depart", "arrive", "start", "pause", "resume", "complete"])
def test_after_the_same_crew_has_completed_the_visit_nothing_changes_any_more(
    scene: Scene, offline: Report, ana: Somebody, action: str
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        scene.report(visit["id"], "start", ana)
        now.shift(HOUR)
        scene.report(visit["id"], "complete", ana)
        before = scene.get(f"/v1/visits/{visit['id']}")
        now.shift(HOUR)

        answer = offline(visit["id"], action, ana, **({"reason": "break"} if action == "pause" else {}))

    assert (answer["result"], answer["noop"]) == ("applied", True)
    after = scene.get(f"/v1/visits/{visit['id']}")
    assert {**after, "version": 0} == {**before, "version": 0}
    assert scene.get("/v1/issues")["items"] == []


def test_an_end_that_contradicts_the_recorded_one_is_noted(scene: Scene, offline: Report, ana: Somebody) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        scene.report(visit["id"], "start", ana)
        scene.report(visit["id"], "end_incomplete", scene.office, reason="time")
        now.shift(HOUR)

        answer = offline(visit["id"], "complete", ana)

    assert (answer["result"], answer["code"], answer["status"]) == ("noted", "visit_incomplete", "incomplete")


@pytest.mark.parametrize("action", ["depart", "complete"])
def test_what_happened_on_a_canceled_visit_is_noted_even_when_it_was_canceled_before(
    scene: Scene, offline: Report, ana: Somebody, action: str
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        scene.plan(visit["id"], "cancellation", {"cause": "customer", "reason": "not at home"})
        now.shift(HOUR)

        answer = offline(visit["id"], action, ana)

    assert (answer["result"], answer["code"]) == ("noted", "job_cancelled")
    [issue] = scene.get("/v1/issues", owner="dispatcher")["items"]
    [mine] = scene.get("/v1/issues", owner="technician")["items"]
    assert (issue["severity"], issue["op_id"]) == ("high", answer["id"])
    in_vain = ["bill", "reopen", "waive"] if action == "complete" else []
    assert issue["choices"] == [*in_vain, "attach", "new_visit", "discard"]
    assert (mine["id"], mine["severity"], mine["choices"]) == (answer["issue_id"], "info", ["ok", "call_dispatch"])
    assert ana.technician is not None
    assert mine["technician_id"] == str(ana.technician.id)


def test_what_somebody_reports_whose_visit_was_given_away_is_noted(
    scene: Scene, offline: Report, in_step: InStep, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    given_to(scene, visit["id"], ben)

    answer = offline(visit["id"], "arrive", ana)

    assert (answer["result"], answer["code"], answer["status"]) == ("noted", "reassigned", "scheduled")
    assert in_step(visit["work_order_id"])


def test_what_happened_before_the_visit_was_given_to_the_technician_is_refused(
    scene: Scene, offline: Report, ana: Somebody, ben: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        asked = (clock.now() - 3 * HOUR).isoformat()
        visit = scene.dispatched(ana, scene.work_order(requested_at=asked))
        now.shift(HOUR)
        given_to(scene, visit["id"], ben)
        scene.plan(visit["id"], "dispatch")
        given_at = clock.now()
        now.shift(HOUR)

        with pytest.raises(NotAssigned):
            offline(visit["id"], "depart", ben, at=given_at - timedelta(minutes=6))
        answer = offline(visit["id"], "depart", ben, at=given_at - timedelta(minutes=4))

    assert (answer["result"], answer["status"]) == ("applied", "en_route")
    assert event_types(scene, visit["work_order_id"]).count("visit.departed") == 1


def test_what_was_never_possible_is_refused(scene: Scene, offline: Report, ana: Somebody) -> None:
    visit = scene.dispatched(ana)

    for action, more in (("pause", {"reason": "break"}), ("complete", {}), ("resume", {})):
        with pytest.raises(InvalidTransition):
            offline(visit["id"], action, ana, **more)

    assert scene.get("/v1/issues")["items"] == []


def test_accepting_what_was_moved_to_another_day_meanwhile_is_noted(
    scene: Scene, offline: Report, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    start = scene.at + 24 * HOUR
    times = {"scheduled_start": start.isoformat(), "scheduled_end": (start + HOUR).isoformat()}
    more = {"reason_code": "late", "requested_by": "customer", "force_reason": "test"}
    scene.plan(visit["id"], "reschedule", {**times, **more})

    answer = offline(visit["id"], "accept", ana)

    assert (answer["result"], answer["code"], answer["status"]) == ("noted", "visit_moved_on", "scheduled")


def test_the_same_report_again_is_answered_the_same_and_another_one_of_its_id_is_refused(
    scene: Scene, send: Send, ana: Somebody
) -> None:
    visit = UUID(scene.dispatched(ana)["id"])
    given = StatusUpdateIn(id=uuid4(), action="accept", occurred_at=clock.now())
    for again in (given, given.model_copy(update={"age_ms": 7})):
        with send(ana) as sent:
            answer = report_status(sent.db, visit, again, by=sent.by, at=sent.at)
        assert (answer["result"], answer["noop"]) == ("applied", False)

    with send(ana) as sent, pytest.raises(IdReused):
        report_status(sent.db, visit, given.model_copy(update={"action": "depart"}), by=sent.by, at=sent.at)


def test_somebody_of_the_crew_who_is_there_already_arrives_without_effect(
    scene: Scene, offline: Report, in_step: InStep, ana: Somebody, ben: Somebody
) -> None:
    assert ben.technician is not None
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana, crew=[str(ben.technician.id)])
        now.shift(HOUR)
        first = offline(visit["id"], "arrive", ben)
        now.shift(HOUR)
        again = offline(visit["id"], "arrive", ben)
        scene.report(visit["id"], "start", ana)
        scene.report(visit["id"], "complete", ana)
        after = offline(visit["id"], "leave", ben)

    assert [one["noop"] for one in (first, again, after)] == [False, True, True]
    assert {one["result"] for one in (first, again, after)} == {"applied"}
    assert in_step(visit["work_order_id"])
