"""The traps that come from the field: played by technicians through the API, not written into tables."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from app.domain.roles import Role
from app.kit import clock
from tests.conftest import Cast, CheckedClient, Somebody
from tests.kpis.conftest import Ask
from tests.scene import Scene


def test_t10_a_device_clock_that_is_47_minutes_fast_arrives_on_time(scene: Scene, ana: Somebody, ask: Ask) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(
            ana,
            window_start=(scene.at + timedelta(hours=1)).isoformat(),
            window_end=(scene.at + timedelta(hours=2)).isoformat(),
        )
        fast = timedelta(minutes=47)
        arrived_by_device = scene.at + timedelta(hours=2, minutes=31)
        now.shift(timedelta(hours=8))
        report = scene.report(
            visit["id"], "arrive", ana, at=arrived_by_device, sent_at=(clock.now() + fast).isoformat()
        )
        answer = ask("on_time_arrival")

    assert report["clock_source"] == "offset"
    assert (answer["value"], answer["breakdown"]["on_time"]) == (100.0, 1)


def test_t10_without_the_correction_the_same_arrival_would_be_late(scene: Scene, ana: Somebody, ask: Ask) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(
            ana,
            window_start=(scene.at + timedelta(hours=1)).isoformat(),
            window_end=(scene.at + timedelta(hours=2)).isoformat(),
        )
        now.shift(timedelta(hours=8))
        scene.report(visit["id"], "arrive", ana, at=scene.at + timedelta(hours=2, minutes=31))

        assert ask("on_time_arrival")["breakdown"]["late_16_60"] == 1


def test_t11_a_price_that_rises_later_changes_no_cost(
    scene: Scene, api: CheckedClient, ana: Somebody, ada: Somebody, ask: Ask
) -> None:
    part = api.post(
        "/v1/parts",
        json={"number": "P-7", "name": "Relay", "unit_cost_minor": 1000, "currency": "EUR"},
        headers=ada.headers,
    )
    visit = scene.dispatched(ana)
    for action in ("arrive", "start"):
        scene.report(visit["id"], action, ana)
    used = {"id": str(uuid4()), "part_number": "P-7", "quantity": 2, "occurred_at": clock.now().isoformat()}
    scene.post(f"/v1/visits/{visit['id']}/parts", used, by=ana, status=201)
    scene.report(visit["id"], "complete", ana)
    dearer = {"unit_cost_minor": 1500, "currency": "EUR"}
    path = f"/v1/parts/{part.json()['id']}"
    etag = {"If-Match": api.get(path, headers=ada.headers).headers["ETag"]}
    assert api.patch(path, json=dearer, headers=ada.headers | etag).status_code == 200

    assert ask("cost_per_work_order")["components"]["parts"] == 2000


def test_t13_a_crew_of_two_on_one_visit_is_one_trip_and_four_labor_hours(
    scene: Scene, ana: Somebody, cast: Cast, ask: Ask
) -> None:
    ben = cast("Ben", Role.TECHNICIAN)
    assert ben.technician is not None
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana, crew=[str(ben.technician.id)])
        for technician in (ana, ben):
            scene.report(visit["id"], "arrive", technician)
        now.shift(timedelta(hours=2))
        scene.report(visit["id"], "complete", ana)
        fixed, cost = ask("first_time_fix_rate"), ask("cost_per_work_order")

    assert (fixed["value"], fixed["denominator"]) == (100.0, 1)
    assert cost["components"]["labor"] == 4 * 6000


def test_t4_work_that_is_done_on_hold_has_its_pause_taken_out(scene: Scene, ana: Somebody, ask: Ask) -> None:
    """On hold from hour 1 to hour 30 of an eight-hour promise, and completed straight from there."""
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        for action in ("arrive", "start"):
            scene.report(visit["id"], action, ana)
        now.shift(timedelta(hours=1))
        scene.report(visit["id"], "pause", ana, reason="parts", hold_reason="parts")
        now.shift(timedelta(hours=29))
        scene.report(visit["id"], "complete", ana)
        sla, net, gross = ask("sla_compliance"), ask("cycle_time", net="true"), ask("cycle_time")

    assert (sla["value"], sla["numerator"], sla["excluded"]) == (100.0, 1, {})
    assert (net["value"], gross["value"]) == (3600, 30 * 3600)


def test_t14_a_visit_that_the_customer_calls_off_is_a_cancellation(scene: Scene, ana: Somebody, ask: Ask) -> None:
    done, off = scene.dispatched(ana), scene.dispatched(ana)
    scene.report(done["id"], "arrive", ana)
    scene.report(done["id"], "complete", ana)
    scene.plan(off["id"], "cancellation", {"cause": "customer", "reason": "nobody at home"})

    answer: dict[str, Any] = ask("cancellation_rate")

    assert (answer["value"], answer["denominator"]) == (50.0, 2)
    assert answer["breakdown"] == {"completed": 1, "customer": 1}


@pytest.mark.parametrize("times", [1, 2])
def test_t6_a_reopen_changes_the_verdict_and_never_the_period(
    scene: Scene, ana: Somebody, ask: Ask, times: int
) -> None:
    visit = scene.dispatched(ana)
    for action in ("arrive", "complete"):
        report = scene.report(visit["id"], action, ana)
    before = ask("first_time_fix_rate", group_by="work_order")
    for _ in range(times):
        scene.act(report["work_order_id"], "reopening", {"reason": "still cold"})
        again = scene.dispatched(ana, scene.order(report["work_order_id"]))
        for action in ("arrive", "complete"):
            scene.report(again["id"], action, ana)
    after = ask("first_time_fix_rate", group_by="work_order")

    assert (before["value"], after["value"]) == (100.0, 0.0)
    assert after["breakdown"] == {"reopened": 1}
    assert ask("reopen_rate")["value"] == 100.0
    assert after["denominator"] == 1
