"""What technicians propose, find and confirm: the plan and the records are the office's."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.kit import clock
from app.kit.database import utc_iso
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import (
    ABOUT_A_VISIT,
    answer_of,
    cancel,
    events,
    give_to,
    holding,
    issue,
    issues,
    set_organization,
    technician_id,
)

APPLIED = ("applied", None, False)


def test_a_field_that_says_what_was_seen_is_put_right_on_every_device(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    mine, theirs = scene.dispatched(ana), scene.dispatched(ben)
    phone, other = holding(scene, ana, ben)

    told = phone.do("asset.correct", mine["id"], field="serial", old="SN1", new="SN-1-B")
    other.pull()

    assert answer_of(told) == APPLIED
    assert phone.job(mine["id"])["asset"]["serial"] == other.job(theirs["id"])["asset"]["serial"] == "SN-1-B"


@pytest.mark.parametrize(
    ("type_", "args"),
    [
        ("asset.correct", {"field": "serial", "old": "SN0", "new": "SN2"}),
        ("site.correct", {"field": "access_notes", "old": "Ring once", "new": "Ring three times"}),
        ("site.correct", {"field": "address", "old": "Main St 1", "new": "Main St 2"}),
    ],
)
def test_a_field_that_says_something_else_by_now_becomes_a_suggestion_that_the_office_takes(
    scene: Scene, ana: Somebody, type_: str, args: dict[str, str]
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    kind = type_.partition(".")[0]

    told = phone.do(type_, visit["id"], **args)

    assert answer_of(told) == ("noted", "field_changed", False)
    assert phone.job(visit["id"])[kind][args["field"]] != args["new"]
    suggestion = issue(scene, "field_changed")
    assert suggestion["choices"] == ["accept", "keep"]
    scene.post(f"/v1/issues/{suggestion['id']}/resolution", {"choice": "accept"})
    phone.pull()
    assert phone.job(visit["id"])[kind][args["field"]] == args["new"]


@pytest.mark.parametrize("meanwhile", ["unchanged", "reassigned", "canceled"])
def test_another_time_is_proposed_and_the_plan_stays(
    scene: Scene, ana: Somebody, ben: Somebody, meanwhile: str
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    if meanwhile == "reassigned":
        give_to(scene, visit["id"], ben)
    if meanwhile == "canceled":
        cancel(scene, visit["id"])
    start = clock.now() + timedelta(days=1)
    times = {"start": utc_iso(start), "end": utc_iso(start + timedelta(hours=1))}

    assert answer_of(phone.do("schedule.propose", visit["id"], **times)) == APPLIED

    assert scene.get(f"/v1/visits/{visit['id']}")["scheduled_start"] == visit["scheduled_start"]
    assert issues(scene) == [("dispatcher", "schedule_proposed", "info")]
    if meanwhile != "unchanged":
        return
    scene.post(f"/v1/issues/{issue(scene, 'schedule_proposed')['id']}/resolution", {"choice": "accept", "reason": "ok"})
    phone.pull()
    assert phone.job(visit["id"])["scheduled"]["start"] == times["start"]


def found(**more: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "title": "Valve leaks", "work_type": "repair", **more}


def test_work_that_is_found_on_site_is_a_work_order_that_nobody_is_sent_to(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    args = found(start=utc_iso(clock.now()))

    result = phone.do("work_order.create", visit["id"], **args)

    assert answer_of(result) == APPLIED
    order = scene.order(args["id"])
    assert (order["status"], order["channel"], order["site_id"]) == ("new", "technician", str(scene.site_id))
    assert result["work_order"] == {"id": args["id"], "number": order["number"]}
    assert [kind for kind, _ in phone.held].count("job") == 1


def test_who_may_send_themselves_gets_the_job_that_they_found(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    set_organization(scene, self_dispatch=True)
    (phone,) = holding(scene, ana)

    result = phone.do("work_order.create", visit["id"], **found(start=utc_iso(clock.now())))

    assert answer_of(result) == APPLIED
    assert phone.job(result["visit_id"])["status"] == "dispatched"
    assert scene.get(f"/v1/visits/{result['visit_id']}")["technician_id"] == technician_id(ana)


def test_work_of_a_kind_that_there_is_not_is_rejected(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    result = phone.do("work_order.create", visit["id"], **found(work_type="alchemy"))

    assert (answer_of(result), result["pointer"]) == (("rejected", "invalid_args", False), "/args/work_type")


def test_work_is_found_on_what_stands_there_and_nowhere_else(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    elsewhere = scene.post("/v1/assets", {"name": "Somebody else's boiler"}, status=201)
    wrong = found(asset_id=elsewhere["id"])

    assert answer_of(phone.do("work_order.create", visit["id"], **wrong)) == ("rejected", "target_not_found", False)
    assert answer_of(phone.do("work_order.create", visit["id"], **found(asset_id=str(scene.asset_id)))) == APPLIED
    assert scene.api.get(f"/v1/work-orders/{wrong['id']}", headers=scene.office.headers).status_code == 404


def test_a_confirmation_waits_for_the_completion_that_it_names_and_is_refused_without_one(
    scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    done = phone.operation("visit.complete", visit["id"])
    named = phone.operation("closure.verify", visit["id"], depends_on=[done["op_id"]], method="code")
    alone = phone.operation("closure.verify", visit["id"], method="code")

    before = phone.push(named, alone)
    after = phone.push(done, named)

    assert [answer_of(one) for one in before] == [
        ("deferred", "dependency_missing", False),
        ("rejected", "invalid_transition", False),
    ]
    assert [answer_of(one) for one in after] == [APPLIED, APPLIED]
    assert events(scene, visit)[-1] == "closure.confirmed"


def test_an_issue_that_was_resolved_before_is_resolved_without_effect(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    cancel(scene, visit["id"])
    noted = phone.do("visit.depart", visit["id"])

    choose = {"issue_id": noted["issue_id"], "choice": "ok"}
    first, second = phone.do("issue.resolve", **choose), phone.do("issue.resolve", **choose)

    assert (answer_of(first), answer_of(second)) == (APPLIED, ("applied", None, True))
    assert ("issue", noted["issue_id"]) not in phone.held
    assert issues(scene) == [("dispatcher", "job_cancelled", "high")]


def test_an_issue_of_somebody_else_is_not_there_and_a_choice_must_be_offered(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone, other = holding(scene, ana, ben)
    cancel(scene, visit["id"])
    noted = phone.do("visit.depart", visit["id"])

    theirs = other.do("issue.resolve", issue_id=noted["issue_id"], choice="ok")
    unknown = phone.do("issue.resolve", issue_id=noted["issue_id"], choice="attach")
    office = phone.do("issue.resolve", issue_id=issue(scene, "job_cancelled")["id"], choice="attach")

    assert [answer_of(one)[:2] for one in (theirs, unknown, office)] == [
        ("rejected", "target_not_found"),
        ("rejected", "choice_not_offered"),
        ("rejected", "target_not_found"),
    ]


def test_a_visit_of_somebody_else_is_not_there_whatever_is_said_about_it(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    from app.sync.operations import HANDLERS

    assert {type_ for type_, _ in HANDLERS} == ABOUT_A_VISIT.keys() | {"stock.count", "issue.resolve"}
    visit = scene.dispatched(ben)
    (phone,) = holding(scene, ana)
    before = scene.get(f"/v1/visits/{visit['id']}")

    theirs = phone.push(*(phone.operation(type_, visit["id"], **args) for type_, args in ABOUT_A_VISIT.items()))
    nobodys = phone.push(*(phone.operation(type_, uuid4(), **args) for type_, args in ABOUT_A_VISIT.items()))

    assert {answer_of(one) for one in theirs} == {("rejected", "target_not_found", False)}
    assert [said(one) for one in theirs] == [said(one) for one in nobodys], "neither tells whether there is one"
    assert scene.get(f"/v1/visits/{visit['id']}") == before
    assert [data["target"] for (kind, _), (_, data) in phone.held.items() if kind == "issue"] == [None] * 4
    assert events(scene, visit)[-1] == "visit.dispatched"


def said(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what differs from one sending to the next."""
    same = {name: value for name, value in result.items() if name not in ("op_id", "effective_at")}
    return same | ({"issue_id": "one"} if "issue_id" in same else {})


def test_an_unknown_type_about_somebody_elses_visit_tells_nothing_about_it(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ben)
    (phone,) = holding(scene, ana)

    theirs, nobodys = phone.do("visit.teleport", visit["id"]), phone.do("visit.teleport", uuid4())

    assert said(theirs) == said(nobodys)


def test_what_is_about_something_says_what(scene: Scene, ana: Somebody) -> None:
    (phone,) = holding(scene, ana)

    told = phone.push(*(phone.operation(type_, **args) for type_, args in ABOUT_A_VISIT.items()))

    assert {(answer_of(one), one["pointer"]) for one in told} == {(("rejected", "invalid_args", False), "/target")}
