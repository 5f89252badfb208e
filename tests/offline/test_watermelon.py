"""WatermelonDB, unmodified, with its own `synchronize`, against a live server."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Somebody
from tests.offline.handset import Handset
from tests.scene import Scene
from tests.sync.phone import Phone

Handsets = Callable[..., Handset]
Expected = Callable[[], dict[str, str]]


@pytest.fixture
def app(handset: Handsets) -> Handset:
    return handset("watermelon.mjs")


def to_ben(scene: Scene, visit: dict[str, Any], ben: Somebody) -> None:
    assert ben.technician is not None
    body = {"technician_id": str(ben.technician.id), "reason_code": "closer", "force_reason": "closer"}
    scene.plan(visit["id"], "reassignment", body)


def sent(app: Handset) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in app.order("rows", table="operations")}


def test_a_new_app_holds_what_the_server_says_and_a_job_given_away_leaves(
    app: Handset, scene: Scene, ana: Somebody, ben: Somebody, expected: Expected
) -> None:
    visits = [scene.dispatched(ana) for _ in range(2)]
    app.order("sync")
    assert app.order("held") == expected()

    to_ben(scene, visits[0], ben)
    scene.report(visits[1]["id"], "depart", ana)
    app.order("sync")

    assert app.order("held") == expected()
    (job,) = app.order("rows", table="jobs")
    assert (job["id"], job["status"], job["site_name"]) == (visits[1]["id"], "en_route", "Bakery")
    assert json.loads(job["data"])["site"]["address"] == "Main St 1"


def test_what_was_done_offline_takes_effect_once_though_the_answer_was_lost(
    app: Handset, scene: Scene, ana: Somebody, phone: Phone, expected: Expected
) -> None:
    visit = scene.dispatched(ana)
    app.order("sync")
    operations = [
        phone.operation("visit.depart", visit["id"]),
        phone.operation("note.add", visit["id"], text="The key is at the neighbor's."),
    ]
    for operation in operations:
        app.order("enqueue", operation=operation)
    app.order("network", lose=1)
    with pytest.raises(AssertionError, match="the connection broke"):
        app.order("sync")
    assert {one["_status"] for one in sent(app).values()} == {"created"}

    app.order("sync")
    app.order("sync")

    assert {(one["_status"], one["state"]) for one in sent(app).values()} == {("synced", "applied")}
    assert sent(app)[operations[0]["op_id"]]["type"] == "visit.depart", "a result leaves the rest of the row alone"
    notes = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")["items"]
    assert [one["text"] for one in notes] == ["The key is at the neighbor's."]
    assert app.order("held") == expected()
    app.order("calls")
    app.order("sync")
    assert app.calls("POST", "push") == [], "what has its answer is not sent again"


def test_what_the_server_says_of_an_operation_is_written_into_it(
    app: Handset, scene: Scene, ana: Somebody, phone: Phone
) -> None:
    visit = scene.dispatched(ana)
    first = phone.operation("note.add", visit["id"], text="first")
    waiting = phone.operation("note.add", visit["id"], text="second", depends_on=[first["op_id"]])
    wrong = phone.operation("part.use", visit["id"], part="nothing of the kind")
    broken = {**phone.operation("note.add", visit["id"], text="broken"), "occurred_at": "yesterday"}
    for operation in (waiting, wrong, broken):
        app.order("enqueue", operation=operation)

    app.order("sync")
    app.order("sync")

    rows = sent(app)
    assert (rows[wrong["op_id"]]["_status"], rows[wrong["op_id"]]["state"]) == ("synced", "rejected")
    assert json.loads(rows[wrong["op_id"]]["result"])["code"] == "invalid_args"
    for stays in (waiting, broken):
        assert (rows[stays["op_id"]]["_status"], rows[stays["op_id"]]["state"]) == ("created", "pending")

    app.order("enqueue", operation=first)
    app.order("sync")
    app.order("sync")

    rows = sent(app)
    assert [rows[one["op_id"]]["state"] for one in (first, waiting, broken)] == ["applied", "applied", "pending"]


def test_after_an_epoch_the_app_is_given_everything_anew_and_keeps_its_outbox(
    app: Handset, scene: Scene, ana: Somebody, phone: Phone, expected: Expected, execute: Callable[..., int]
) -> None:
    visits = [scene.dispatched(ana) for _ in range(2)]
    done = phone.operation("note.add", visits[1]["id"], text="done")
    app.order("enqueue", operation=done)
    app.order("sync")
    app.order("sync")
    new = scene.dispatched(ana)
    assert ana.technician is not None
    lost = "DELETE FROM feed_entries WHERE feed_id = %s AND entity_id = %s"
    assert execute(lost, ana.technician.id, visits[0]["id"]) == 1
    assert execute("UPDATE feeds SET epoch = epoch + 100 WHERE id = %s", ana.technician.id) == 1
    kept = phone.operation("note.add", visits[1]["id"], text="not sent yet")
    app.order("enqueue", operation=kept)

    app.order("sync")
    app.order("sync")

    held = app.order("held")
    assert held == expected()
    assert f"job|{visits[0]['id']}" not in held
    assert f"job|{new['id']}" in held
    assert {id_: one["state"] for id_, one in sent(app).items()} == {done["op_id"]: "applied", kept["op_id"]: "applied"}


def test_an_app_that_has_a_new_column_is_given_what_belongs_into_it(
    app: Handset, scene: Scene, ana: Somebody, ben: Somebody, expected: Expected
) -> None:
    gone, _ = scene.dispatched(ana), scene.dispatched(ana)
    app.order("sync")
    to_ben(scene, gone, ben)

    app.order("update")
    app.order("sync")

    (job,) = app.order("rows", table="jobs")
    assert job["type"] == "repair"
    assert app.order("held") == expected()


def test_part_numbers_may_have_any_characters(app: Handset, scene: Scene, ana: Somebody, expected: Expected) -> None:
    assert ana.technician is not None
    van = scene.post(
        "/v1/stock-locations",
        {"name": "Van", "kind": "van", "technician_id": str(ana.technician.id)},
        by=scene.boss,
        status=201,
    )
    part = scene.post("/v1/parts", {"number": 'A/1 "$"', "name": "Odd"}, by=scene.boss, status=201)
    movement = {
        "id": str(uuid4()),
        "occurred_at": scene.at.isoformat(),
        "kind": "received",
        "part_id": part["id"],
        "quantity": 2,
        "location_id": van["id"],
    }
    scene.post("/v1/stock/movements", movement, by=scene.boss, status=201)

    app.order("sync")

    assert [(one["part"], one["qty"]) for one in app.order("rows", table="stock")] == [('A/1 "$"', 2)]
    assert app.order("held") == expected()
