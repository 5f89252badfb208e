"""RxDB, unmodified, with its own replication plugin, against a live server."""

import time
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
SOON = 20.0


@pytest.fixture
def app(handset: Handsets) -> Handset:
    """Pages are small, so that a collection takes several."""
    return handset("rxdb.mjs", batch=2)


def to_ben(scene: Scene, visit: dict[str, Any], ben: Somebody) -> None:
    assert ben.technician is not None
    body = {"technician_id": str(ben.technician.id), "reason_code": "closer", "force_reason": "closer"}
    scene.plan(visit["id"], "reassignment", body)


def sent(app: Handset) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in app.order("documents", collection="operation")}


def test_a_new_app_holds_what_the_server_says_and_a_job_given_away_leaves(
    app: Handset, scene: Scene, ana: Somebody, ben: Somebody, expected: Expected
) -> None:
    visits = [scene.dispatched(ana) for _ in range(5)]
    app.order("sync")
    assert app.order("held") == expected()
    assert {f"job|{visit['id']}" for visit in visits} <= app.order("held").keys()

    app.order("network", down=True)
    to_ben(scene, visits[0], ben)
    scene.report(visits[1]["id"], "depart", ana)
    app.order("network", down=False)
    app.order("sync")

    assert f"job|{visits[0]['id']}" not in app.order("held")
    assert app.order("held") == expected()
    jobs = {one["id"]: one["data"] for one in app.order("documents", collection="job")}
    assert jobs[visits[1]["id"]]["status"] == "en_route"
    assert jobs[visits[1]["id"]]["site"]["name"] == "Bakery"


def test_what_was_done_offline_takes_effect_once_though_the_answer_was_lost(
    app: Handset, scene: Scene, ana: Somebody, phone: Phone, expected: Expected
) -> None:
    visit = scene.dispatched(ana)
    app.order("sync")
    app.order("network", down=True)
    operations = [
        phone.operation("visit.depart", visit["id"]),
        phone.operation("note.add", visit["id"], text="The key is at the neighbor's."),
    ]
    for operation in operations:
        app.order("enqueue", operation=operation)
    app.order("network", down=False, lose=1)
    app.order("calls")

    app.order("sync")

    assert len(app.calls("POST", "operation/push")) >= 2
    states = sent(app)
    assert [states[one["op_id"]]["state"] for one in operations] == ["applied", "applied"]
    assert states[operations[0]["op_id"]]["result"]["clock"] == "age"
    notes = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")["items"]
    assert [one["text"] for one in notes] == ["The key is at the neighbor's."]
    assert app.order("held") == expected()
    app.order("sync")
    assert app.calls("POST", "operation/push") == [], "what has its answer is not sent again"


def test_what_the_server_says_of_an_operation_is_written_into_it(
    app: Handset, scene: Scene, ana: Somebody, phone: Phone
) -> None:
    visit = scene.dispatched(ana)
    first = phone.operation("note.add", visit["id"], text="first")
    waiting = phone.operation("note.add", visit["id"], text="second", depends_on=[first["op_id"]])
    wrong = phone.operation("part.use", visit["id"], part="nothing of the kind")
    nowhere = phone.operation("note.add", uuid4(), text="nowhere")
    broken = {**phone.operation("note.add", visit["id"], text="broken"), "occurred_at": "yesterday"}
    for operation in (waiting, wrong, nowhere, broken):
        app.order("enqueue", operation=operation)

    app.order("sync")

    states = sent(app)
    assert states[waiting["op_id"]]["state"] == "deferred"
    assert states[waiting["op_id"]]["result"]["code"] == "dependency_missing"
    assert (states[wrong["op_id"]]["state"], states[wrong["op_id"]]["result"]["code"]) == ("rejected", "invalid_args")
    assert states[nowhere["op_id"]]["state"] == "rejected"
    assert states[nowhere["op_id"]]["result"]["code"] == "target_not_found"
    assert (states[broken["op_id"]]["state"], states[broken["op_id"]]["result"]["code"]) == ("rejected", "malformed")

    app.order("enqueue", operation=first)
    app.order("sync")
    app.order("again")
    app.order("sync")

    assert [sent(app)[one["op_id"]]["state"] for one in (first, waiting)] == ["applied", "applied"]
    app.order("discard", id=first["op_id"])
    app.order("sync")
    assert first["op_id"] not in sent(app), "what has its answer may be thrown away"


def test_after_an_epoch_the_app_finds_out_what_it_lacks_and_what_is_gone(
    app: Handset, scene: Scene, ana: Somebody, expected: Expected, execute: Callable[..., int]
) -> None:
    visits = [scene.dispatched(ana) for _ in range(3)]
    app.order("sync")
    before = app.order("held")
    new = scene.dispatched(ana)
    lost = "DELETE FROM feed_entries WHERE feed_id = %s AND entity_id = %s"
    assert ana.technician is not None
    assert execute(lost, ana.technician.id, visits[0]["id"]) == 1
    assert execute("UPDATE feeds SET epoch = epoch + 100 WHERE id = %s", ana.technician.id) == 1

    app.order("calls")
    app.order("sync")

    held = app.order("held")
    assert held == expected()
    assert before.keys() - held.keys() == {f"job|{visits[0]['id']}"}
    assert held.keys() - before.keys() == {f"job|{new['id']}"}
    calls = app.order("calls")
    assert next(one["status"] for one in calls if one["path"] == "rxdb/job/pull") == 410
    app.order("sync")
    later = [one for one in app.order("calls") if one["status"] == 410]
    assert {one["path"] for one in later} <= {"rxdb/stock/pull", "rxdb/issue/pull"}, "empty ones keep no checkpoint"


def test_the_stream_says_only_that_there_is_something_to_pull(
    app: Handset, scene: Scene, ana: Somebody, expected: Expected
) -> None:
    app.order("sync")
    app.order("listen")

    visit = scene.dispatched(ana)

    began = time.monotonic()
    while f"job|{visit['id']}" not in (held := app.order("held")) or held != expected():
        assert time.monotonic() - began < SOON, "no hint came"
        time.sleep(0.05)
