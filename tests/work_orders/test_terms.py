"""Terms: what a visit is held to is settled when it is planned and dispatched, and nothing changes it then."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlmodel import Session

from app.identity.models import Organization, Partner
from app.kit import clock
from app.kit.canonical import canonical_sha256
from app.kit.database import rows
from app.kit.runtime import Runtime
from app.replay import differences, replay
from app.visits.commands.field_reports import set_task
from app.visits.commands.returning import return_visit
from app.visits.schemas import TaskIn
from app.work_orders.ledger import open_ledger
from app.work_orders.terms import pin_terms
from tests.conftest import Somebody
from tests.field import caller_of
from tests.scene import Scene
from tests.sync.storm import wait_until_somebody_waits
from tests.work_orders.conftest import CODES, PHOTO, YES_NO, MakeForm, MakePolicy, asking


def new_rules(scene: Scene, policy: dict[str, Any], by: Somebody, *rules: dict[str, Any]) -> None:
    scene.post(f"/v1/closure-policies/{policy['id']}/versions", {"policy": asking(*rules)}, by=by, status=201)


def asked_of(scene: Scene, visit_id: str) -> list[str]:
    """The ids of the rules, then those of the items, that the visit is held to."""
    held = scene.get(f"/v1/visits/{visit_id}/closure")
    return [*(one["id"] for one in held["policy"].get("rules", ())), *(item["id"] for item in held["checklist"])]


def terms_of(db: Session, visit_id: str) -> dict[str, Any]:
    [found] = rows(
        db,
        "SELECT t.* FROM visits v JOIN closure_terms t ON t.organization_id = v.organization_id AND t.id = v.terms_id "
        "WHERE v.id = %(v)s",
        v=UUID(visit_id),
    )
    return found


def given_to(scene: Scene, visit_id: str, who: Somebody) -> None:
    assert who.technician is not None
    body = {"technician_id": str(who.technician.id), "reason_code": "ill", "force_reason": "test"}
    scene.plan(visit_id, "reassignment", body)


def test_planning_settles_what_the_visit_is_held_to(
    db: Session, scene: Scene, ana: Somebody, sam: Somebody, policy: MakePolicy
) -> None:
    strict = policy("strict")
    visit = scene.schedule(scene.work_order(), ana)["id"]

    new_rules(scene, strict, sam, PHOTO)

    assert asked_of(scene, visit) == ["codes"]
    terms = terms_of(db, visit)
    assert (terms["policy_id"], terms["policy_version"]) == (UUID(strict["id"]), 1)
    assert (terms["work_type_id"], terms["work_type_version"]) == (scene.work_type_id, 1)


def test_dispatching_settles_it_anew_and_for_good(
    scene: Scene, ana: Somebody, sam: Somebody, policy: MakePolicy
) -> None:
    strict = policy("strict")
    visit = scene.schedule(scene.work_order(), ana)["id"]
    new_rules(scene, strict, sam, PHOTO)

    scene.plan(visit, "dispatch")
    assert asked_of(scene, visit) == ["photo"]
    new_rules(scene, strict, sam, CODES, PHOTO)
    scene.report(visit, "arrive", ana)

    assert asked_of(scene, visit) == ["photo"]


def test_a_visit_that_is_given_to_somebody_else_is_held_to_what_counts_now(
    scene: Scene, ana: Somebody, ben: Somebody, sam: Somebody, policy: MakePolicy
) -> None:
    strict = policy("strict")
    visit = scene.dispatched(ana)["id"]
    new_rules(scene, strict, sam, PHOTO)

    given_to(scene, visit, ben)

    assert asked_of(scene, visit) == ["photo"]


def test_the_partner_who_goes_decides_which_policy_counts(
    scene: Scene, ana: Somebody, tom: Somebody, acme: Partner, policy: MakePolicy
) -> None:
    policy("for_all", asking(CODES))
    policy("for_acme", asking(PHOTO), partner_id=str(acme.id))
    visit = scene.dispatched(ana)["id"]
    assert asked_of(scene, visit) == ["codes"]

    given_to(scene, visit, tom)
    assert asked_of(scene, visit) == ["photo"]
    scene.plan(visit, "dispatch")
    assert asked_of(scene, visit) == ["photo"]

    given_to(scene, visit, ana)
    assert asked_of(scene, visit) == ["codes"]


def test_a_visit_that_goes_back_to_who_did_it_is_held_to_what_they_were_told(
    runtime: Runtime, organization: Organization, scene: Scene, ana: Somebody, ben: Somebody, sam: Somebody,
    policy: MakePolicy,
) -> None:  # fmt: skip
    strict = policy("strict")
    visit = scene.dispatched(ana)["id"]
    new_rules(scene, strict, sam, PHOTO)
    given_to(scene, visit, ben)
    work_order_id = UUID(scene.get(f"/v1/visits/{visit}")["work_order_id"])

    with runtime.transaction(organization.id) as db:
        ledger = open_ledger(db, organization.id, work_order_id)
        return_visit(db, ledger, UUID(visit), caller_of(ana.person, ana.technician), at=clock.now())

    assert asked_of(scene, visit) == ["codes"]
    with runtime.transaction(organization.id) as db:
        assert list(differences(db, organization.id, work_order_id)) == []


def test_work_without_a_work_type_is_held_to_a_policy_for_all_or_to_nothing(
    runtime: Runtime, organization: Organization, scene: Scene, policy: MakePolicy
) -> None:
    order = UUID(scene.work_order()["id"])
    with runtime.transaction(organization.id) as db:
        rows(db, "UPDATE work_orders SET work_type_id = NULL, work_type_version = NULL")

    def pinned() -> UUID | None:
        with runtime.transaction(organization.id) as db:
            return pin_terms(db, open_ledger(db, organization.id, order), partner_id=None, at=clock.now())

    assert pinned() is None
    policy("for_all")
    assert pinned() is not None


def test_the_same_terms_are_kept_once(
    db: Session, scene: Scene, ana: Somebody, sam: Somebody, policy: MakePolicy
) -> None:
    strict = policy("strict")
    first, second = scene.dispatched(ana)["id"], scene.schedule(scene.work_order(), ana)["id"]

    assert terms_of(db, first) == terms_of(db, second)
    new_rules(scene, strict, sam, CODES)
    third = scene.schedule(scene.work_order(), ana)["id"]

    kept = rows(db, "SELECT * FROM closure_terms ORDER BY policy_version")
    assert [one["policy_version"] for one in kept] == [1, 2], "another version is other terms, whatever it says"
    assert kept[1]["id"] == terms_of(db, third)["id"]
    content = ("policy_id", "policy_version", "work_type_id", "work_type_version", "forms", "checklist", "policy")
    for one in kept:
        assert one["sha256"].hex() == canonical_sha256({name: one[name] for name in content})


def test_who_settles_terms_that_somebody_else_is_just_adding_waits_and_gets_the_same(
    runtime: Runtime, organization: Organization, scene: Scene, policy: MakePolicy
) -> None:
    policy("strict")
    first, second = (UUID(scene.work_order()["id"]) for _ in range(2))

    def pinned(order: UUID, before_the_end: Callable[[], Any]) -> UUID | None:
        with runtime.transaction(organization.id) as db:
            found = pin_terms(db, open_ledger(db, organization.id, order), partner_id=None, at=clock.now())
            before_the_end()
            return found

    with ThreadPoolExecutor(1) as pool:
        later: list[Future[UUID | None]] = []

        def let_the_other_begin() -> None:
            later.append(pool.submit(pinned, second, lambda: None))
            wait_until_somebody_waits(runtime)

        known = pinned(first, let_the_other_begin)
        assert known is not None
        assert later[0].result(timeout=10) == known


def test_the_items_of_the_forms_that_the_rules_name_follow_those_of_the_work_type(
    db: Session, scene: Scene, ana: Somebody, sam: Somebody, form: MakeForm, policy: MakePolicy
) -> None:
    safety, _, _ = form("safety", "gloves", "helmet"), form("handover", "manual"), form("unused", "nothing")
    scene.work_type_id = scene.work_type("service", checklist=[{"id": "leak", **YES_NO}])
    named = [{"id": key, "kind": "checklist", "params": {"form": key}} for key in ("handover", "safety")]
    policy("with_forms", asking(*named, {"id": "again", "kind": "checklist", "params": {"form": "safety"}}))
    visit = scene.dispatched(ana)["id"]
    newer = {"title": "Safety", "items": [{"id": "goggles", **YES_NO}]}
    scene.post(f"/v1/forms/{safety['id']}/versions", newer, by=sam, status=201)

    assert asked_of(scene, visit)[3:] == ["leak", "handover.manual", "safety.gloves", "safety.helmet"]
    terms = terms_of(db, visit)
    assert terms["forms"] == {"handover": 1, "safety": 1}
    assert [item.get("form") for item in terms["checklist"]] == [None, "handover", "safety", "safety"]

    later = scene.dispatched(ana)["id"]
    assert asked_of(scene, later)[3:] == ["leak", "handover.manual", "safety.goggles"]
    assert terms_of(db, later)["forms"] == {"handover": 1, "safety": 2}


def test_terms_cannot_be_changed_in_the_database(db: Session, scene: Scene, ana: Somebody) -> None:
    scene.schedule(scene.work_order(), ana)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(db, "UPDATE closure_terms SET policy = '{}'")


def test_everybody_who_asks_is_told_what_the_visit_is_held_to(
    runtime: Runtime, organization: Organization, scene: Scene, ana: Somebody, form: MakeForm, policy: MakePolicy
) -> None:
    form("safety", "gloves")
    policy("strict", asking({"id": "safe", "kind": "checklist", "params": {"form": "safety"}}))
    visit = scene.dispatched(ana)["id"]
    scene.report(visit, "start", ana)

    job = scene.get(f"/v1/me/jobs/{visit}", by=ana)
    assert [item["id"] for item in job["checklist"]] == ["safety.gloves"]
    assert [one["id"] for one in job["closure"]["rules"]] == ["safe"]
    changes = scene.get("/v1/sync/changes", by=ana)["changes"]
    [held] = [one["data"] for one in changes if one["kind"] == "job"]
    assert [item["id"] for item in held["tasks"]] == ["safety.gloves"]
    assert [one["id"] for one in held["closure"]["rules"]] == ["safe"]
    with runtime.transaction(organization.id) as db:
        by = caller_of(ana.person, ana.technician)
        for name, known in (("safety.gloves", True), ("gloves", False)):
            given = TaskIn(id=uuid4(), task_id=name, done=True)
            assert set_task(db, UUID(visit), given, effective_at=clock.now(), by=by, at=clock.now()) is known
    refused = scene.report(visit, "complete", ana, status=409)
    assert refused["code"] == "closure-required"


def test_a_spoiled_pin_is_found_and_put_right(
    runtime: Runtime, organization: Organization, scene: Scene, ana: Somebody, policy: MakePolicy
) -> None:
    policy("strict")
    visit = scene.dispatched(ana)["id"]
    with runtime.transaction(organization.id) as db:
        rows(db, "UPDATE visits SET terms_id = NULL")

    found = {one.where for one in replay(runtime, only=organization.id, mend=True)}

    assert found == {"visit 1.terms_id"}
    assert asked_of(scene, visit) == ["codes"]
