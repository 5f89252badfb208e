"""What becomes of each report by what became of the job while the phone was away, row by row."""

from typing import Any

import pytest

from app.domain.lifecycle import VisitStatus
from app.identity.models import Organization
from app.kit.runtime import Runtime
from app.parts.models import Part
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import (
    V,
    answer_of,
    bring,
    cancel,
    events,
    give_to,
    holding,
    issues,
    technician_id,
)

APPLIED, NOOP = ("applied", None, False), ("applied", None, True)
HIGH_ISSUES = {
    code: [("dispatcher", code, "high"), ("technician", code, "info")] for code in ("reassigned", "job_cancelled")
}

#: Report → what it needs, where the visit stands when it is made, where it stands then, and the event.
REPORTS: dict[str, tuple[dict[str, Any], VisitStatus, VisitStatus, str]] = {
    "visit.accept": ({}, V.DISPATCHED, V.ACCEPTED, "visit.accepted"),
    "visit.decline": ({"reason": "sick"}, V.ACCEPTED, V.DECLINED, "visit.declined"),
    "visit.depart": ({}, V.ACCEPTED, V.EN_ROUTE, "visit.departed"),
    "visit.arrive": ({"lat": 52.5, "lng": 13.4, "acc_m": 8}, V.EN_ROUTE, V.ON_SITE, "visit.arrived"),
    "visit.start": ({}, V.ON_SITE, V.IN_PROGRESS, "visit.started"),
    "visit.pause": ({"reason": "parts"}, V.IN_PROGRESS, V.PAUSED, "visit.paused"),
    "visit.resume": ({}, V.PAUSED, V.IN_PROGRESS, "visit.resumed"),
    "visit.end_incomplete": (
        {"reason": "parts", "revisit": True}, V.IN_PROGRESS, V.INCOMPLETE, "visit.ended_incomplete"
    ),
    "visit.no_access": ({"wait_minutes": 10, "call_attempts": 2}, V.ON_SITE, V.INCOMPLETE, "visit.no_access"),
}  # fmt: skip


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_about_a_job_that_is_unchanged_is_applied(scene: Scene, ana: Somebody, report: str) -> None:
    args, before, after, event = REPORTS[report]
    visit = scene.schedule(scene.work_order(), ana)
    bring(scene, visit["id"], ana, before)
    (phone,) = holding(scene, ana)

    operation = phone.operation(report, visit["id"], **args)
    result = phone.push(operation)[0]

    assert answer_of(result) == APPLIED
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == after
    assert events(scene, visit)[-1] == event
    assert issues(scene) == []
    held = ("job", visit["id"]) in phone.held
    assert held is (after is not V.DECLINED), "a visit that was declined is nobody's"
    if held:
        assert (phone.job(visit["id"])["status"], phone.job(visit["id"])["version"]) == (after, result["version"])


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("meanwhile", ["reassigned", "job_cancelled"])
def test_a_report_about_a_job_that_is_not_theirs_any_more_is_noted(
    scene: Scene, ana: Somebody, ben: Somebody, report: str, meanwhile: str
) -> None:
    args, before, _, _ = REPORTS[report]
    visit = scene.dispatched(ana)
    phone, other = holding(scene, ana, ben)
    if meanwhile == "reassigned":
        give_to(scene, visit["id"], ben)
        bring(scene, visit["id"], ben, before)
    else:
        cancel(scene, visit["id"])
    now = scene.get(f"/v1/visits/{visit['id']}")
    other.pull()

    operation = phone.operation(report, visit["id"], **args)
    result = phone.push(operation)[0]

    is_end = (report, meanwhile) == ("visit.end_incomplete", "reassigned")
    also = [("dispatcher", "double_work", "high")] if is_end else []
    assert answer_of(result) == ("noted", meanwhile, False)
    assert {**scene.get(f"/v1/visits/{visit['id']}"), "version": 0} == {**now, "version": 0}
    assert events(scene, visit)[-1] == "visit.orphaned"
    assert issues(scene, operation["op_id"]) == sorted([*HIGH_ISSUES[meanwhile], *also])
    assert phone.held["issue", result["issue_id"]][1]["code"] == meanwhile
    assert phone.removed["job", visit["id"]] == {"reassigned": "reassigned", "job_cancelled": "canceled"}[meanwhile]
    other.pull()
    assert [kind for kind, _ in other.held if kind == "issue"] == []


@pytest.mark.parametrize("report", ["visit.accept", "visit.depart", "visit.arrive", "visit.start", "visit.resume"])
def test_what_was_reached_before_is_applied_without_effect_and_its_time_is_kept(
    scene: Scene, ana: Somebody, report: str
) -> None:
    visit = scene.schedule(scene.work_order(), ana)
    bring(scene, visit["id"], ana, V.IN_PROGRESS)
    (phone,) = holding(scene, ana)
    before = scene.get(f"/v1/visits/{visit['id']}")

    result = phone.do(report, visit["id"])

    assert answer_of(result) == NOOP
    now = scene.get(f"/v1/visits/{visit['id']}")
    assert {**now, "version": 0} == {**before, "version": 0}
    assert events(scene, visit)[-1] == "visit.reported"
    assert issues(scene) == []


@pytest.mark.parametrize(
    ("report", "implied"),
    [("visit.arrive", ["visit.departed"]), ("visit.start", ["visit.departed", "visit.arrived"])],
)
def test_steps_that_were_skipped_are_implied_and_are_nobodys_travel(
    scene: Scene, ana: Somebody, report: str, implied: list[str]
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    assert answer_of(phone.do(report, visit["id"])) == APPLIED

    assert events(scene, visit, implied=True) == implied
    assert scene.get(f"/v1/visits/{visit['id']}")["departed_at"] is None
    assert scene.get(f"/v1/visits/{visit['id']}/time-entries")["travel_seconds"] == 0


def test_what_never_was_possible_is_rejected(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    result = phone.do("visit.resume", visit["id"])

    assert answer_of(result) == ("rejected", "invalid_transition", False)
    assert (result["status_now"], events(scene, visit)[-1]) == ("dispatched", "visit.dispatched")


@pytest.mark.parametrize("meanwhile", ["unchanged", "reassigned", "canceled", "completed"])
def test_that_it_was_seen_is_always_a_receipt(scene: Scene, ana: Somebody, ben: Somebody, meanwhile: str) -> None:
    visit = scene.schedule(scene.work_order(), ana)
    bring(scene, visit["id"], ana, V.COMPLETED if meanwhile == "completed" else V.DISPATCHED)
    (phone,) = holding(scene, ana)
    if meanwhile == "reassigned":
        give_to(scene, visit["id"], ben)
    if meanwhile == "canceled":
        cancel(scene, visit["id"])

    result = phone.do("visit.seen", visit["id"])

    assert answer_of(result) == (NOOP if meanwhile == "reassigned" else APPLIED)
    assert issues(scene) == []
    receipt = scene.get(f"/v1/visits/{visit['id']}/receipt")
    assert (receipt["seen_at"] is not None) is (meanwhile != "reassigned")


def test_an_end_that_is_reported_before_the_other_has_begun_brings_the_visit_back(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.schedule(scene.work_order(), ana)
    bring(scene, visit["id"], ana, V.DISPATCHED)
    phone, other = holding(scene, ana, ben)
    give_to(scene, visit["id"], ben)
    other.pull()

    started = phone.operation("visit.start", visit["id"])
    ended = phone.operation("visit.end_incomplete", visit["id"], reason="skill", parts_needed=["P-9"])
    results = phone.push(started, ended)
    other.pull()

    assert [answer_of(one) for one in results] == [
        ("noted", "reassigned", False),
        ("applied", "completed_after_reassign", False),
    ]
    now = scene.get(f"/v1/visits/{visit['id']}")
    assert (now["status"], now["technician_id"], now["incomplete_reason"]) == (
        "incomplete",
        technician_id(ana),
        "skill",
    )
    assert now["started_at"] is not None, "what was noted before takes effect with it"
    assert scene.order(visit["work_order_id"])["status"] == "approved"
    assert other.removed["job", visit["id"]] == "completed_by_other"
    assert [one for one in issues(scene) if one[1] == "reassigned"] == []
    assert [one["part_number"] for one in scene.get("/v1/part-requests")["items"]] == ["P-9"]


def test_both_of_a_crew_complete_and_both_their_facts_are_kept(
    scene: Scene, runtime: Runtime, organization: Organization, ana: Somebody, ben: Somebody
) -> None:
    with runtime.transaction(organization.id) as db:
        db.add(Part(organization_id=organization.id, number="P-1", name="Pump"))
    visit = scene.dispatched(ana, crew=[technician_id(ben)])
    phone, mate = holding(scene, ana, ben)

    first = mate.do("visit.complete", visit["id"], resolution="sealed", parts=[{"part": "P-1", "qty": 1}])
    second = phone.do("visit.complete", visit["id"], resolution="replaced", parts=[{"part": "P-1", "qty": 2}])

    assert (answer_of(first), answer_of(second)) == (APPLIED, NOOP)
    used = scene.get(f"/v1/visits/{visit['id']}/parts")["items"]
    assert sorted((one["technician_id"], one["quantity"]) for one in used) == sorted(
        [(technician_id(ben), 1), (technician_id(ana), 2)]
    )
    assert scene.get(f"/v1/visits/{visit['id']}")["resolution_code"] == "sealed"
    assert events(scene, visit).count("visit.completed") == 1
