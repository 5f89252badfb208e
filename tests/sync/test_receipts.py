"""`GET /v1/visits/{id}/receipt`: whether a job has arrived with its technician, and whether they have looked at it."""

from sqlmodel import Session

from app.identity.models import Organization
from app.kit.runtime import Runtime
from app.sync.epochs import rotate_epochs
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import give_to, holding, technician_id


def receipt(scene: Scene, visit_id: str) -> tuple[bool, list[str], bool]:
    """(delivered, to which devices, seen)."""
    found = scene.get(f"/v1/visits/{visit_id}/receipt")
    return found["delivered"], [one["device_id"] for one in found["delivered_to"]], found["seen_at"] is not None


def test_a_job_is_delivered_when_a_device_says_that_it_has_what_came_with_it(scene: Scene, ana: Somebody) -> None:
    (phone,) = holding(scene, ana)
    visit = scene.dispatched(ana)
    assert receipt(scene, visit["id"]) == (False, [], False)

    phone.get("/v1/sync/changes", cursor=phone.cursor)
    assert receipt(scene, visit["id"]) == (False, [], False), "it was sent, who knows whether it arrived"
    phone.pull()
    phone.pull()

    assert receipt(scene, visit["id"]) == (True, [str(phone.device_id)], False)
    assert scene.get(f"/v1/visits/{visit['id']}/receipt")["technician_id"] == technician_id(ana)


def test_a_push_says_so_too_and_what_changes_later_does_not_undo_it(scene: Scene, ana: Somebody) -> None:
    (phone,) = holding(scene, ana)
    visit = scene.dispatched(ana)
    phone.pull()

    phone.do("visit.seen", visit["id"])
    scene.report(visit["id"], "depart", ana)

    assert receipt(scene, visit["id"]) == (True, [str(phone.device_id)], True)


def test_each_device_is_told_of_and_one_that_was_taken_out_of_use_is_not(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    old = holding(scene, ana)[0]
    old.pull()
    new = Phone(scene.api, ana).register()
    new.pull()
    new.pull()

    assert set(receipt(scene, visit["id"])[1]) == {str(old.device_id), str(new.device_id)}

    scene.api.delete(f"/v1/devices/{old.device_id}", headers=scene.boss.headers)
    assert receipt(scene, visit["id"]) == (True, [str(new.device_id)], False)


def test_a_job_that_is_given_to_somebody_else_begins_anew(scene: Scene, ana: Somebody, ben: Somebody) -> None:
    visit = scene.dispatched(ana)
    phone, other = holding(scene, ana, ben)
    phone.pull()
    phone.do("visit.seen", visit["id"])
    give_to(scene, visit["id"], ben)
    assert receipt(scene, visit["id"]) == (False, [], False)

    other.pull()
    other.pull()
    assert receipt(scene, visit["id"]) == (True, [str(other.device_id)], False)

    give_to(scene, visit["id"], ana)
    assert receipt(scene, visit["id"]) == (False, [], False), "she had it before, not now"


def test_what_was_acknowledged_before_a_restore_says_nothing(
    scene: Scene, runtime: Runtime, organization: Organization, ana: Somebody, db: Session
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    phone.pull()
    assert receipt(scene, visit["id"])[0]

    rotate_epochs(runtime.dsn)
    assert receipt(scene, visit["id"]) == (False, [], False)
    phone.reconcile()
    phone.pull()
    assert receipt(scene, visit["id"])[0]


def test_somebody_without_an_app_has_received_nothing(scene: Scene, ana: Somebody) -> None:
    assert receipt(scene, scene.dispatched(ana)["id"]) == (False, [], False)


def test_a_technician_is_not_told_of_receipts(api: CheckedClient, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)

    assert api.get(f"/v1/visits/{visit['id']}/receipt", headers=ana.headers).status_code == 403
