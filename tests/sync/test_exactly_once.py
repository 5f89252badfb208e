"""Every operation has one effect and one answer, however often and at whatever moment it is sent, in whatever order."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Barrier
from typing import Any

import pytest
from sqlmodel import Session, select

from app.domain.roles import Role
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import rows, utc_iso
from app.kit.runtime import Runtime
from app.parts.models import Part
from app.sync.models import SentOperation
from tests.conftest import Cast, CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import answer_of, cancel, events, holding, hours_of, parts_of

THREADS, ROUNDS = 16, 10


@pytest.fixture(autouse=True)
def _pump(runtime: Runtime, organization: Organization) -> None:
    with runtime.transaction(organization.id) as db:
        db.add(Part(organization_id=organization.id, number="P-1", name="Pump"))


def test_sixteen_sendings_at_once_have_one_effect_and_one_answer(
    api: CheckedClient, scene: Scene, ana: Somebody, db: Session
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    ready = Barrier(THREADS)

    def send(operation: dict[str, Any]) -> dict[str, Any]:
        ready.wait()
        body = {"sent_at": utc_iso(clock.now()), "cursor": phone.cursor, "operations": [operation]}
        answer = api.post("/v1/sync", json=body, headers=ana.headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["results"][0])

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(ROUNDS):
            operation = phone.operation("part.use", visit["id"], part="P-1", qty=1)
            answers = list(threads.map(send, [operation] * THREADS))
            assert Counter(one.pop("replayed", False) for one in answers) == {False: 1, True: THREADS - 1}
            assert [one for one in answers if one != answers[0]] == []

    phone.pull()
    assert phone.held["stock", "P-1"][1]["qty"] == -ROUNDS
    assert len(parts_of(scene, visit["id"])) == ROUNDS
    assert len(db.exec(select(SentOperation)).all()) == ROUNDS


def test_each_final_answer_is_given_again_in_the_same_words(scene: Scene, ana: Somebody) -> None:
    visit, canceled = scene.dispatched(ana), scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    cancel(scene, canceled["id"])
    operations = [
        phone.operation("visit.depart", visit["id"]),
        phone.operation("visit.depart", canceled["id"]),
        phone.operation("note.add", visit["id"]),
        phone.operation("visit.fly", visit["id"]),
        phone.operation("visit.complete", canceled["id"]),
    ]

    first = phone.push(*operations)
    phone.do("visit.arrive", visit["id"])
    again = phone.push(*reversed(operations))[::-1]

    assert [one["status"] for one in first] == ["applied", "noted", "rejected", "quarantined", "noted"]
    assert again == [{**one, "replayed": True} for one in first]


def test_after_half_a_year_the_status_alone_is_told(scene: Scene, ana: Somebody, db: Session) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    operation = phone.operation("visit.depart", visit["id"])
    phone.push(operation)
    rows(db, "UPDATE operations SET result = NULL WHERE id = %(i)s", i=operation["op_id"])
    db.commit()

    expired = {"status": "applied", "result_expired": True, "replayed": True}
    assert phone.push(operation) == [{"op_id": operation["op_id"], **expired}]


def test_an_answer_that_was_not_final_is_no_answer(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    first = phone.operation("visit.depart", visit["id"])
    second = phone.operation("visit.arrive", visit["id"], depends_on=[first["op_id"]])

    waiting, still = phone.push(second)[0], phone.push(second)[0]
    done = phone.push(first, second)

    assert answer_of(waiting) == answer_of(still) == ("deferred", "dependency_missing", False)
    assert "replayed" not in still
    assert waiting["retry_after_s"] > 0
    assert [answer_of(one) for one in done] == [("applied", None, False)] * 2


def test_what_happened_before_the_visit_was_theirs_is_rejected(scene: Scene, ana: Somebody) -> None:
    scene.at -= timedelta(hours=3)
    order = scene.work_order(requested_at=(clock.now() - timedelta(hours=2)).isoformat())
    visit = scene.dispatched(ana, order)
    (phone,) = holding(scene, ana)

    early = phone.do("visit.depart", visit["id"], at=clock.now() - timedelta(hours=1))

    assert answer_of(early) == ("rejected", "not_assigned", False)
    assert events(scene, visit)[-1] == "visit.dispatched"


def things_done(phone: Phone, visit_id: str, at: Any) -> list[dict[str, Any]]:
    """Operations that do not depend on one another, with times of their own."""

    def ago(seconds: int) -> Any:
        return at - timedelta(seconds=seconds)

    hours = {"kind": "work", "started_at": "2026-01-05T08:00:00Z", "ended_at": "2026-01-05T09:00:00Z"}
    return [
        phone.operation("stock.count", at=ago(90), part="P-1", counted=10),
        phone.operation("part.use", visit_id, at=ago(120), part="P-1", qty=4),
        phone.operation("part.use", visit_id, at=ago(60), part="P-1", qty=2),
        phone.operation("part.return", visit_id, at=ago(30), part="P-1", qty=1),
        phone.operation("task.set", visit_id, at=ago(80), task_id="gas", done=True, value="yes"),
        phone.operation("task.set", visit_id, at=ago(40), task_id="gas", done=True, value="no"),
        phone.operation("note.add", visit_id, at=ago(50), text="Key at the baker's"),
        phone.operation("time.add", visit_id, at=ago(45), **hours),
        phone.operation("visit.seen", visit_id, at=ago(100)),
        phone.operation("asset.reading", visit_id, at=ago(70), label="meter", value=7, unit="kWh"),
    ]


def held_in_the_end(scene: Scene, phone: Phone, visit_id: str) -> Mapping[str, Any]:
    job = phone.job(visit_id)
    return {
        "tasks": job["tasks"],
        "notes": [(one["text"], one["at"]) for one in job["notes"]],
        "parts": [(one["kind"], one["part"], one["qty"]) for one in job["parts_used"]],
        "stock": phone.held["stock", "P-1"][1],
        "hours": hours_of(scene, visit_id, phone.who),
        "seen": scene.get(f"/v1/visits/{visit_id}/receipt")["seen_at"] is not None,
        "allowed": job["allowed"],
    }


def test_the_order_of_arrival_makes_no_difference_to_what_does_not_depend_on_each_other(
    scene: Scene, cast: Cast
) -> None:
    scene.work_type_id = scene.work_type("service", checklist=[{"id": "gas", "label": "Gas?", "kind": "yes_no"}])
    at = clock.now()
    ends = []
    for seed in range(6):
        chance = Random(seed)
        who = cast(f"Ana{seed}", Role.TECHNICIAN)
        visit = scene.dispatched(who)
        (phone,) = holding(scene, who)
        operations = things_done(phone, visit["id"], at)
        if seed:
            chance.shuffle(operations)
            for place, one in enumerate(operations):
                one["seq"] = place
        results = []
        while operations:
            size = chance.randint(1, 4)
            results += phone.push(*operations[:size])
            del operations[:size]
        assert {one["status"] for one in results} == {"applied"}, results
        ends.append(held_in_the_end(scene, phone, visit["id"]))

    assert [one for one in ends if one != ends[0]] == []
    assert ends[0]["stock"]["qty"] == 9
    assert [one["value"] for one in ends[0]["tasks"]] == ["no"]


def test_an_operation_that_is_twice_in_one_request_has_one_effect(scene: Scene, ana: Somebody, db: Session) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    operation = phone.operation("part.use", visit["id"], part="P-1", qty=1)

    twice = phone.push(operation, operation)

    assert [one["op_id"] for one in twice] == [operation["op_id"]] * 2
    assert parts_of(scene, visit["id"]) == [("used", "P-1", 1)]
    assert [str(one) for one in db.exec(select(SentOperation.id)).all()] == [operation["op_id"]]
