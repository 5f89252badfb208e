"""A bad answer opens the work that its item asks for, once; and what meters showed is kept with the asset."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, col, select
from starlette.testclient import TestClient

from app.customers.models import AssetReading
from app.customers.schemas import ReadingIn
from app.kit.ids import uuid7
from app.visits.commands.field_reports import set_task
from app.visits.commands.findings import report_reading
from app.visits.schemas import TaskIn
from app.work_orders.models import LedgerEvent, WorkOrder
from tests.closure.acts import a_closure, submit
from tests.conftest import Somebody
from tests.field import Job
from tests.scene import Scene
from tests.visits.conftest import Send

LEAK = {
    "id": "leak",
    "label": {"en": "No gas leak", "de": "Kein Gasleck"},
    "kind": "yes_no",
    "required": True,
    "pass": True,
    "on_fail": {
        "create_work_order": {"title": "Gas leak", "work_type": "emergency", "priority": 1, "problem_code": "gas"}
    },
}
NOTED = {"id": "list", "kind": "checklist", "params": {"failures": "note"}}


@pytest.fixture
def scene(scene: Scene) -> Scene:
    scene.work_type("emergency")
    return scene


def done(scene: Scene, who: Somebody, *, policy: dict[str, Any], checklist: list[dict[str, Any]], **said: Any) -> Any:
    """Who is sent there, and what they send; the work order, the visit and the answer."""
    kind = scene.work_type(f"check_{len(policy)}{len(checklist)}", closure_policy=policy, checklist=checklist)
    order = scene.work_order(work_type_id=str(kind))
    visit = scene.dispatched(who, order)
    scene.report(visit["id"], "start", who)
    return order, visit, closed(scene, visit["id"], who, **said)


def closed(scene: Scene, visit_id: str, who: Somebody, **said: Any) -> Any:
    answer = scene.api.post(f"/v1/visits/{visit_id}/closure", json=a_closure(**said), headers=who.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def found_on(db: Session, order: dict[str, Any]) -> list[WorkOrder]:
    return list(db.exec(select(WorkOrder).where(col(WorkOrder.follow_up_of) == order["id"])).all())


def test_a_bad_answer_opens_a_work_order_for_the_same_customer_place_and_asset(
    scene: Scene, db: Session, ana: Somebody
) -> None:
    order, visit, told = done(scene, ana, policy={"rules": [NOTED]}, checklist=[LEAK], answers={"leak": False})

    assert told["verdict"] == "verified"
    (found,) = found_on(db, order)
    shown = scene.order(str(found.id))
    same = ("customer_id", "site_id", "asset_id", "contact_id", "territory", "time_zone")
    assert {name: shown[name] for name in same} == {name: order[name] for name in same}
    assert (shown["title"], shown["type"], shown["priority"], shown["problem_code"], shown["status"]) == (
        "Gas leak",
        "emergency",
        1,
        "gas",
        "new",
    )
    assert (shown["follow_up_of"], shown["callback_of"], shown["channel"]) == (order["id"], None, "checklist")
    assert found.unrelated is True, "nothing was done wrong"
    event = db.exec(select(LedgerEvent).where(col(LedgerEvent.work_order_id) == found.id)).one()
    assert (event.data["item"], event.data["visit_id"], event.data["answer"]) == ("leak", visit["id"], False)


def test_what_the_item_does_not_say_is_as_it_was(scene: Scene, db: Session, ana: Somebody) -> None:
    bare = LEAK | {"on_fail": {"create_work_order": {}}}

    order, _, _ = done(scene, ana, policy={"rules": [NOTED]}, checklist=[bare], answers={"leak": False})

    (found,) = found_on(db, order)
    assert (found.title, found.type, found.priority, found.problem_code) == (
        "No gas leak",
        order["type"],
        order["priority"],
        None,
    )


@pytest.mark.parametrize(
    ("answers", "hidden"), [({"leak": True}, False), ({}, False), ({"leak": False, "gas": False}, True)]
)
def test_a_good_answer_none_and_one_to_a_hidden_item_open_nothing(
    scene: Scene, db: Session, ana: Somebody, answers: dict[str, Any], hidden: bool
) -> None:
    item = LEAK | {"required": False} | ({"show_if": {"eq": ["answers.gas", True]}} if hidden else {})
    gas = {"id": "gas", "label": "Gas?", "kind": "yes_no"}

    order, _, _ = done(scene, ana, policy={"rules": [NOTED]}, checklist=[gas, item], answers=answers)

    assert found_on(db, order) == []


def test_a_draft_opens_nothing_and_what_is_sent_again_opens_it_once(
    scene: Scene, db: Session, ana: Somebody, sam: Somebody
) -> None:
    policy = {"rules": [NOTED, {"id": "codes", "kind": "resolution_codes"}], "review": {"always": True}}
    order, visit, draft = done(scene, ana, policy=policy, checklist=[LEAK], answers={"leak": False})
    assert (draft["verdict"], found_on(db, order)) == ("unmet", [])

    closed(scene, visit["id"], ana, answers={"leak": False}, resolution_code="tight")
    version = scene.order(order["id"])["version"]
    body = {"decision": "send_back", "text": "Which valve?"}
    scene.post(f"/v1/work-orders/{order['id']}/reviews", body, by=sam, status=201, **{"If-Match": f'"{version}"'})
    again = closed(scene, visit["id"], ana, answers={"leak": False}, resolution_code="valve")

    assert again["verdict"] == "pending_review"
    assert len(found_on(db, order)) == 1


def test_a_failed_item_that_blocks_opens_its_work_when_it_is_waived(
    scene: Scene, db: Session, ana: Somebody, sam: Somebody
) -> None:
    strict = {"id": "list", "kind": "checklist", "waivable_by": "supervisor"}
    order, visit, draft = done(scene, ana, policy={"rules": [strict]}, checklist=[LEAK], answers={"leak": False})
    assert (draft["verdict"], found_on(db, order)) == ("unmet", [])

    body = {"rule_id": "list", "reason": "Fixed by the gas works"}
    scene.post(f"/v1/visits/{visit['id']}/waivers", body, by=sam, status=201)

    assert [one.title for one in found_on(db, order)] == ["Gas leak"]


def test_what_was_ticked_on_site_opens_work_where_nothing_has_to_be_proven(
    scene: Scene, db: Session, ana: Somebody, send: Send
) -> None:
    kind = scene.work_type("two_taps", checklist=[LEAK])
    order = scene.work_order(work_type_id=str(kind))
    visit = scene.dispatched(ana, order)
    scene.report(visit["id"], "start", ana)
    with send(ana) as sent:
        given = TaskIn(id=uuid7(), task_id="leak", done=True, value=False)
        set_task(sent.db, UUID(visit["id"]), given, effective_at=sent.at, by=sent.by, at=sent.at)

    scene.report(visit["id"], "complete", ana, resolution_code="tight")

    assert scene.order(order["id"])["status"] == "closed"
    assert [one.title for one in found_on(db, order)] == ["Gas leak"]


READINGS = [{"label": "hours", "value": 1204.5, "unit": "h"}, {"label": "pressure", "value": 0.1 + 0.2, "unit": "bar"}]


def test_readings_are_kept_with_the_asset_when_the_closure_is_taken(scene: Scene, db: Session, ana: Somebody) -> None:
    meter = {"id": "hours", "kind": "meter", "params": {"label": "hours", "min": 0, "max": 9000, "unit": "h"}}
    _, visit, told = done(scene, ana, policy={"rules": [meter]}, checklist=[], readings=READINGS)

    assert told["verdict"] == "verified"
    kept = db.exec(select(AssetReading).order_by(AssetReading.label)).all()
    assert [(one.label, one.value, one.unit) for one in kept] == [
        ("hours", Decimal("1204.5"), "h"),
        ("pressure", Decimal("0.3"), "bar"),
    ]
    assert {(str(one.asset_id), str(one.visit_id), one.technician_id) for one in kept} == {
        (str(scene.asset_id), visit["id"], ana.technician and ana.technician.id)
    }
    assert {one.effective_at.isoformat() for one in kept} == {
        kept[0].effective_at.fromisoformat(told["effective_at"]).isoformat()
    }


def test_readings_of_a_draft_are_not_kept_and_those_that_were_taken_before_count(
    scene: Scene, db: Session, ana: Somebody, send: Send
) -> None:
    policy = {"rules": [{"id": "hours", "kind": "meter", "params": {"label": "hours", "min": 0, "max": 9000}}]}
    _, visit, draft = done(scene, ana, policy=policy, checklist=[], readings=[{"label": "hours", "value": -4}])
    assert (draft["verdict"], db.exec(select(AssetReading)).all()) == ("unmet", [])

    with send(ana) as sent:
        given = ReadingIn(id=uuid7(), label="hours", value=Decimal(1204))
        report_reading(sent.db, UUID(visit["id"]), given, effective_at=sent.at, by=sent.by, at=sent.at)

    assert closed(scene, visit["id"], ana)["verdict"] == "verified"
    assert len(db.exec(select(AssetReading)).all()) == 1


def test_work_without_an_asset_takes_readings_for_what_they_say(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody
) -> None:
    job = new_job()

    told = submit(api, job, ana, readings=READINGS).json()

    assert (told["verdict"], told["submitted"]["readings"]) == ("verified", READINGS)
    assert db.exec(select(AssetReading)).all() == []


@pytest.mark.parametrize("value", [1_000_000_000_001, -1e13, 2**53 - 1])
def test_a_reading_that_no_meter_shows_is_refused_and_nothing_of_the_submission_is_kept(
    scene: Scene, db: Session, ana: Somebody, value: float
) -> None:
    visit = scene.dispatched(ana)
    scene.report(visit["id"], "start", ana)
    body = a_closure(readings=[{"label": "Gas", "value": value, "unit": "m3"}])

    answer = scene.api.post(f"/v1/visits/{visit['id']}/closure", json=body, headers=ana.headers)

    assert answer.status_code == 422
    assert db.exec(select(AssetReading)).all() == []


def test_the_title_is_one_line_and_nought_is_a_priority(scene: Scene, db: Session, ana: Somebody) -> None:
    urgent = LEAK | {"on_fail": {"create_work_order": {"title": "Gas\nleak\t!", "priority": 0}}}

    order, _, _ = done(scene, ana, policy={"rules": [NOTED]}, checklist=[urgent], answers={"leak": False})

    (found,) = found_on(db, order)
    assert (found.title, found.priority) == ("Gas leak !", 0)
