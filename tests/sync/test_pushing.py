"""`POST /v1/sync`: every operation gets one final answer, for ever, and none holds up another."""

from datetime import timedelta
from uuid import uuid4

from sqlmodel import Session, select, update

from app.identity.models import Organization
from app.kit import clock
from app.kit.database import enter
from app.kit.runtime import Runtime
from app.sync.models import SentOperation
from app.sync.upkeep import purge
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone


def test_an_operation_takes_effect_and_the_answer_carries_what_it_changed(
    api: CheckedClient, scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana).register()
    phone.pull()

    result = phone.do("visit.depart", visit["id"])

    assert (result["status"], result["clock"]) == ("applied", "device")
    assert result["version"] == scene.get(f"/v1/visits/{visit['id']}")["version"]
    assert phone.job(visit["id"])["status"] == "en_route"
    assert scene.order(visit["work_order_id"])["status"] == "in_progress"


def test_the_same_operation_again_gets_the_same_answer_and_has_one_effect(
    api: CheckedClient, scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)
    phone.pull()
    operation = phone.operation("visit.depart", visit["id"])

    first, again = phone.push(operation)[0], phone.push({**operation, "age_ms": 5000})[0]

    assert again == {**first, "replayed": True}
    events = scene.get(f"/v1/work-orders/{visit['work_order_id']}/events")["items"]
    assert [event["type"] for event in events].count("visit.departed") == 1


def test_a_reused_id_tells_nothing_about_the_first_one(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone, other = Phone(api, ana), Phone(api, ben)
    operation = phone.operation("visit.depart", visit["id"])
    phone.push(operation)

    changed = phone.push({**operation, "type": "visit.arrive"})[0]
    theirs = other.push(operation)[0]

    assert changed == theirs == {"op_id": operation["op_id"], "status": "rejected", "code": "op_id_reused"}


def test_an_unknown_type_is_kept_for_later(api: CheckedClient, scene: Scene, ana: Somebody, db: Session) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)
    operation = phone.operation("visit.teleport", visit["id"], to="Mars")

    result, after = phone.push(operation, phone.operation("visit.depart", visit["id"]))

    assert (result["status"], result["code"], after["status"]) == ("quarantined", "unknown_type", "applied")
    kept = db.exec(select(SentOperation).where(SentOperation.id == operation["op_id"])).one()
    assert kept.body["args"] == {"to": "Mars"}
    assert phone.held["issue", result["issue_id"]][1]["code"] == "quarantined"


def test_dependents_wait_for_what_is_missing_and_go_with_what_failed(
    api: CheckedClient, scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)
    first = phone.operation("visit.depart", visit["id"])
    second = phone.operation("visit.arrive", visit["id"], depends_on=[first["op_id"]])
    bad = phone.operation("visit.depart", uuid4())
    after_bad = phone.operation("visit.start", visit["id"], depends_on=[bad["op_id"]])

    waiting = phone.push(second)[0]
    gone = phone.push(bad, after_bad)
    done = phone.push(first, second)

    assert (waiting["status"], waiting["code"]) == ("deferred", "dependency_missing")
    assert [(one["status"], one["code"]) for one in gone] == [
        ("rejected", "target_not_found"),
        ("rejected", "dependency_rejected"),
    ]
    assert [one["status"] for one in done] == ["applied", "applied"]


def test_age_is_believed_before_any_clock(api: CheckedClient, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)
    wrong = clock.now() - timedelta(days=400)

    operation = {**phone.operation("visit.depart", visit["id"], at=wrong), "age_ms": 2000}
    result = phone.push(operation)[0]

    assert result["clock"] == "age"
    shown = scene.get(f"/v1/visits/{visit['id']}")["departed_at"]
    assert abs((clock.now() - timedelta(seconds=2)).timestamp() - _seconds(shown)) < 5


def _seconds(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


def test_an_id_that_comes_twice_in_one_request_is_the_first_of_the_two(
    api: CheckedClient, scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)
    operation = phone.operation("note.add", visit["id"], text="The first")

    same, other = phone.push(operation, {**operation, "args": {"text": "The second"}})

    assert (same["status"], other["status"], other["code"]) == ("applied", "rejected", "op_id_reused")
    assert [note["text"] for note in phone.job(visit["id"])["notes"]] == ["The first"]


def test_what_was_said_is_forgotten_after_half_a_year_and_how_it_ended_is_not(
    api: CheckedClient, scene: Scene, ana: Somebody, db: Session, runtime: Runtime, organization: Organization
) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)
    operation = phone.operation("note.add", visit["id"], text="The key is under the mat")
    phone.push(operation)
    db.exec(update(SentOperation).values(finished_at=clock.now() - timedelta(days=181)))  # type: ignore[call-overload]
    db.commit()

    purge(runtime)
    again = phone.push(operation)[0]

    assert again == {"op_id": operation["op_id"], "status": "applied", "result_expired": True, "replayed": True}
    enter(db, organization.id)
    assert db.exec(select(SentOperation.body)).all() == [{}]


def test_nobody_learns_what_became_of_somebody_elses_operation(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    mine, theirs = Phone(api, ana), Phone(api, ben)
    failed = mine.operation("visit.depart", uuid4())
    mine.push(failed)
    visit = scene.dispatched(ben)

    result = theirs.do("visit.depart", visit["id"], depends_on=[failed["op_id"]])

    assert (result["status"], result["code"]) == ("deferred", "dependency_missing")
