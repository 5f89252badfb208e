"""What a device is told when the server cannot go on from where it stands: never silence, and then all is well."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from app.identity.models import Organization
from app.kit import clock
from app.kit.database import enter, rows
from app.kit.runtime import Runtime
from app.sync import upkeep
from app.sync.epochs import rotate_epochs
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.backup import backup_of
from tests.sync.conftest import drift_of
from tests.sync.phone import Phone
from tests.sync.test_positions import entries_of, revs_of, technician_of


def sync(phone: Phone) -> str | None:
    """As a client does it; the code of the reset that was needed, if one was."""
    answer = phone.get("/v1/sync/changes", cursor=phone.cursor)
    if answer.status_code == 410:
        assert answer.json()["recovery"] == "reconcile"
        phone.reconcile()
        return str(answer.json()["code"])
    phone.pull()
    return None


def give_to(scene: Scene, visit: dict[str, Any], who: Somebody) -> None:
    body = {"technician_id": str(technician_of(who)), "reason_code": "closer", "force_reason": "closer"}
    scene.plan(visit["id"], "reassignment", body)


@dataclass(frozen=True)
class Restored:
    """The phone has seen `ghosts`, which the restored backup does not know; after the restore there are `new` jobs."""

    phone: Phone
    ghosts: set[tuple[str, str]]
    new: set[tuple[str, str]]


def after_a_restore(
    scene: Scene, runtime: Runtime, organization: Organization, ana: Somebody, ben: Somebody, *, rotate: bool
) -> Restored:
    phone = Phone(scene.api, ana)
    kept = [scene.dispatched(ana) for _ in range(3)]
    phone.pull()
    with backup_of(runtime.dsn, organization.id) as backup:
        ghosts = [scene.dispatched(ana) for _ in range(2)]
        give_to(scene, scene.dispatched(ana), ben)
        scene.report(kept[0]["id"], "depart", ana)
        phone.pull()
        backup.restore()
    if rotate:
        rotate_epochs(runtime.dsn)
    new = [scene.dispatched(ana) for _ in range(6)]
    scene.plan(kept[1]["id"], "cancellation", {"cause": "customer", "reason": "sold"})
    return Restored(phone, {("job", one["id"]) for one in ghosts}, {("job", one["id"]) for one in new})


def test_i12_after_a_restore_with_new_epochs_devices_converge(
    scene: Scene, ana: Somebody, ben: Somebody, runtime: Runtime, db: Session, organization: Organization
) -> None:
    restored = after_a_restore(scene, runtime, organization, ana, ben, rotate=True)
    phone = restored.phone

    assert sync(phone) == "epoch_changed"
    assert revs_of(phone) == entries_of(db, ana)
    assert not restored.ghosts & phone.held.keys()
    assert restored.new <= phone.held.keys()
    assert phone.get("/v1/sync/changes", cursor=phone.cursor).status_code == 204


def test_i12_without_new_epochs_they_do_not(
    scene: Scene, ana: Somebody, ben: Somebody, runtime: Runtime, db: Session, organization: Organization
) -> None:
    """What the runbook's first step is for: the same history without it leaves ghosts and gaps, in silence."""
    restored = after_a_restore(scene, runtime, organization, ana, ben, rotate=False)
    phone = restored.phone

    assert sync(phone) is None
    assert restored.ghosts <= phone.held.keys()
    assert restored.new - phone.held.keys()


def test_i13_the_same_rev_never_says_two_things_though_the_server_forgot_what_it_had_said(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody, runtime: Runtime, organization: Organization
) -> None:
    said: dict[tuple[str, str, str], Any] = {}

    class Remembering(Phone):
        def apply(self, page: dict[str, Any]) -> None:
            for change in page.get("changes") or ():
                if change["op"] == "put":
                    key = (change["kind"], change["id"], change["rev"])
                    assert said.setdefault(key, change["data"]) == change["data"], key
            super().apply(page)

    visit = scene.dispatched(ana)
    phone = Remembering(api, ana)
    phone.pull()
    with backup_of(runtime.dsn, organization.id) as backup:
        scene.report(visit["id"], "depart", ana)
        phone.pull()
        backup.restore()
    rotate_epochs(runtime.dsn)
    scene.report(visit["id"], "arrive", ana)
    sync(phone)

    assert phone.job(visit["id"])["status"] == "on_site"
    of_the_job = [doc for (kind, _, _), doc in said.items() if kind == "job"]
    assert sorted(doc["status"] for doc in of_the_job) == ["dispatched", "en_route", "on_site"]
    versions = [doc["version"] for doc in of_the_job]
    assert len(versions) > len(set(versions)), "comparing by version would have kept the lost one"


def test_i14_a_cursor_below_purged_tombstones_is_told_so(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody, runtime: Runtime, organization: Organization,
    db: Session,
) -> None:  # fmt: skip
    visits = [scene.dispatched(ana) for _ in range(2)]
    away, here = Phone(api, ana), Phone(api, ana)
    away.pull()
    give_to(scene, visits[0], ben)
    here.pull()
    scene.report(visits[1]["id"], "depart", ana)

    upkeep.purge_organization(runtime, organization.id, before=clock.now() + timedelta(seconds=1))

    assert sync(away) == "cursor_expired"
    assert sync(here) is None
    for phone in (away, here):
        assert revs_of(phone) == entries_of(db, ana)
        assert {kind_id for kind_id in phone.held if kind_id[0] == "job"} == {("job", visits[1]["id"])}


def test_i14_what_is_not_old_enough_stays_and_nobody_is_sent_away(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody, runtime: Runtime, organization: Organization
) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)
    phone.pull()
    give_to(scene, visit, ben)

    upkeep.purge(runtime)

    assert sync(phone) is None
    assert phone.removed == {("job", visit["id"]): "reassigned"}


DRIFTS = {
    "a job changed": ("UPDATE work_orders SET title = 'by hand' WHERE organization_id = %(o)s", 1),
    "a site changed": ("UPDATE sites SET access_notes = 'by hand' WHERE organization_id = %(o)s", 1),
    "an entry lost": ("DELETE FROM feed_entries WHERE organization_id = %(o)s AND kind = 'job'", 1),
    "a name changed": ("UPDATE technicians SET name = 'By Hand' WHERE organization_id = %(o)s", 1),
}


@pytest.mark.usefixtures("may_drift")
@pytest.mark.parametrize("what", DRIFTS)
def test_i30_the_audit_finds_what_was_written_behind_our_back_and_mends_it(
    what: str,
    api: CheckedClient,
    scene: Scene,
    ana: Somebody,
    runtime: Runtime,
    organization: Organization,
    db: Session,
) -> None:
    scene.dispatched(ana)
    phone = Phone(api, ana)
    phone.pull()
    assert drift_of(runtime, organization) == {}
    phone.pull()

    query, entries = DRIFTS[what]
    enter(db, organization.id)
    rows(db, query, o=organization.id)
    db.commit()
    phone.pull()

    assert drift_of(runtime, organization) == {str(technician_of(ana)): entries}
    assert upkeep.audit(runtime, repair=True)[UUID(str(technician_of(ana)))] == entries
    assert drift_of(runtime, organization) == {}
    phone.pull()
    assert revs_of(phone) == entries_of(db, ana)
