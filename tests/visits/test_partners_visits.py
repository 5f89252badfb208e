"""Pia manages Acme, Tom is its technician: they reach what is Acme's, and nothing else."""

import pytest
from sqlmodel import Session

from app.domain.roles import Role
from app.identity.models import Partner
from app.kit.runtime import Runtime
from tests.conftest import Cast, CheckedClient, Somebody
from tests.scene import Scene


@pytest.fixture
def acmes(scene: Scene, tom: Somebody) -> dict[str, object]:
    """A dispatched visit of Acme's technician."""
    return scene.dispatched(tom)


@pytest.fixture
def zeno(runtime: Runtime, cast: Cast, tom: Somebody) -> Somebody:
    """The manager of another partner."""
    with runtime.transaction(tom.person.organization_id) as db:
        other = Partner(organization_id=tom.person.organization_id, name="Zeta")
        db.add(other)
    return cast("Zeno", Role.PARTNER_MANAGER, partner=other)


def test_a_partner_reaches_only_what_is_assigned_to_it(
    scene: Scene, api: CheckedClient, acmes: dict[str, str], pia: Somebody, zeno: Somebody, ana: Somebody
) -> None:
    ours = scene.dispatched(ana)

    for who, mine in ((pia, [acmes]), (zeno, [])):
        assert [one["id"] for one in scene.get("/v1/visits", by=who)["items"]] == [one["id"] for one in mine]
        listed = [one["id"] for one in scene.get("/v1/work-orders", by=who)["items"]]
        assert listed == [one["work_order_id"] for one in mine]
    for path in (f"/v1/visits/{ours['id']}", f"/v1/work-orders/{ours['work_order_id']}"):
        assert api.get(path, headers=pia.headers).status_code == 404
    assert scene.report(ours["id"], "accept", pia, status=404)["code"] == "not-found"
    assert scene.report(acmes["id"], "accept", zeno, status=404)["code"] == "not-found"


def test_a_partners_manager_accepts_and_declines_but_does_not_travel(
    scene: Scene, acmes: dict[str, str], pia: Somebody
) -> None:
    shown = scene.get(f"/v1/visits/{acmes['id']}", by=pia)
    offered = [one["action"] for one in shown["allowed_actions"]]

    assert offered == ["reschedule", "reassign", "accept", "decline"]
    assert scene.report(acmes["id"], "depart", pia, status=403)["code"] == "not-allowed"
    assert scene.report(acmes["id"], "accept", pia)["status"] == "accepted"
    assert scene.report(acmes["id"], "decline", pia, status=422)["code"] == "missing-data"
    assert scene.report(acmes["id"], "decline", pia, reason_code="no-capacity")["status"] == "declined"
    assert scene.order(acmes["work_order_id"])["status"] == "approved"


def test_a_partner_gives_its_visits_to_its_own_people_only(
    scene: Scene, api: CheckedClient, acmes: dict[str, str], pia: Somebody, ana: Somebody, cast: Cast, acme: Partner
) -> None:
    tina = cast("Tina", Role.PARTNER_TECHNICIAN, partner=acme)
    assert tina.technician is not None
    assert ana.technician is not None
    path = f"/v1/visits/{acmes['id']}/reassignment"
    headers = {**pia.headers, "If-Match": f'"{acmes["version"]}"'}

    def reassign(technician_id: object) -> tuple[int, dict[str, object]]:
        body = {"technician_id": str(technician_id), "reason_code": "ill", "force_reason": "now"}
        answer = api.post(path, json=body, headers=headers)
        return answer.status_code, answer.json()

    status, refusal = reassign(ana.technician.id)
    assert (status, refusal["code"]) == (422, "no-such-technician")
    status, moved = reassign(tina.technician.id)
    assert (status, moved["technician_id"], moved["partner_id"]) == (200, str(tina.technician.id), str(acme.id))


def test_a_partner_sees_nothing_of_a_visit_that_was_taken_away(
    scene: Scene, api: CheckedClient, acmes: dict[str, str], pia: Somebody, tom: Somebody, ana: Somebody
) -> None:
    assert ana.technician is not None
    body = {"technician_id": str(ana.technician.id), "reason_code": "price", "force_reason": "now"}
    scene.plan(acmes["id"], "reassignment", body)

    assert api.get(f"/v1/visits/{acmes['id']}", headers=pia.headers).status_code == 404
    assert scene.report(acmes["id"], "accept", pia, status=404)["code"] == "not-found"
    assert api.get(f"/v1/me/jobs/{acmes['id']}", headers=tom.headers).status_code == 404
    assert scene.report(acmes["id"], "accept", tom)["result"] == "noted"


def test_a_partners_manager_without_a_partner_reaches_nothing(
    scene: Scene, cast: Cast, ana: Somebody, db: Session
) -> None:
    scene.dispatched(ana)
    nobody = cast("Nil", Role.PARTNER_MANAGER)

    assert scene.get("/v1/visits", by=nobody)["items"] == []
    assert scene.get("/v1/work-orders", by=nobody)["items"] == []


def test_a_partner_plans_another_trip_for_its_work_and_with_its_own_people(
    scene: Scene, api: CheckedClient, acmes: dict[str, str], pia: Somebody, tom: Somebody, ana: Somebody
) -> None:
    scene.report(acmes["id"], "start", tom)
    scene.report(acmes["id"], "end_incomplete", tom, reason="parts")
    ours = scene.work_order()
    assert tom.technician is not None
    assert ana.technician is not None
    when = {"scheduled_start": "2027-03-01T08:00:00Z", "scheduled_end": "2027-03-01T10:00:00Z"}
    path = f"/v1/work-orders/{acmes['work_order_id']}/visits"

    foreign = scene.post(path, {"technician_id": str(ana.technician.id), **when}, by=pia, status=422)
    planned = scene.post(path, {"technician_id": str(tom.technician.id), **when}, by=pia, status=201)

    assert foreign["code"] == "no-such-technician"
    assert (planned["status"], planned["number"]) == ("scheduled", 2)
    body = {"technician_id": str(tom.technician.id), **when}
    assert api.post(f"/v1/work-orders/{ours['id']}/visits", json=body, headers=pia.headers).status_code == 404
