"""What was done under an older policy is judged by that one, if the visit was ever held to it; the change is noted."""

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from app.closure.models import ClosureSubmission
from tests.closure.acts import a_closure
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import give_to, holding

STRICT = {"rules": [{"id": "after", "kind": "photo", "params": {"tag": "after"}, "waivable_by": "supervisor"}]}


@pytest.fixture
def easy(scene: Scene) -> UUID:
    """A kind of work with one rule that is easily met."""
    policy = {"rules": [{"id": "codes", "kind": "resolution_codes"}]}
    return scene.work_type("easy", closure_policy=policy)


def make_strict(scene: Scene, kind: UUID) -> None:
    body = {"name": "Easy no more", "closure_policy": STRICT}
    scene.post(f"/v1/work-types/{kind}/versions", body, by=scene.boss, status=201)


def held_to_another(scene: Scene, visit_id: str, kind: UUID, ana: Somebody, ben: Somebody) -> None:
    """The office changes the policy, and the visit goes to Ben and back: Ana's phone knows nothing of that."""
    make_strict(scene, kind)
    give_to(scene, visit_id, ben)
    give_to(scene, visit_id, ana)


def terms_of(phone: Phone, visit_id: str) -> str:
    known: str = phone.job(visit_id)["closure"]["policy"]["terms_id"]
    return known


def closed(scene: Scene, visit_id: str, who: Somebody, **said: Any) -> Any:
    scene.report(visit_id, "start", who)
    answer = scene.api.post(
        f"/v1/visits/{visit_id}/closure", json=a_closure(resolution_code="fixed", **said), headers=who.headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_policy_that_changed_while_the_device_was_offline_rejects_nothing(
    scene: Scene, db: Session, easy: UUID, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana, scene.work_order(work_type_id=str(easy)))
    (phone,) = holding(scene, ana)
    known = terms_of(phone, visit["id"])
    held_to_another(scene, visit["id"], easy, ana, ben)

    done = phone.operation("visit.complete", visit["id"], resolution="fixed", closure={"terms_id": known})
    result = phone.push(done)[0]

    assert result["status"] == "applied"
    row = db.exec(select(ClosureSubmission)).one()
    now = terms_of(phone, visit["id"])
    assert (row.verdict, str(row.terms_id), now != known) == ("verified", known, True)
    (changed,) = [one for one in row.findings if one["rule_id"] == "policy"]
    assert (changed["kind"], changed["severity"], changed["met"]) == ("policy_changed", "warn", "yes")
    assert changed["facts"] == {
        "judged_by": {"terms_id": known, "version": 1},
        "now": {"terms_id": now, "version": 2},
    }


def test_a_device_that_does_not_say_what_it_went_by_is_judged_by_what_the_visit_is_held_to(
    scene: Scene, easy: UUID, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana, scene.work_order(work_type_id=str(easy)))
    held_to_another(scene, visit["id"], easy, ana, ben)

    told = closed(scene, visit["id"], ana)

    assert (told["verdict"], [one["rule_id"] for one in told["findings"]]) == ("unmet", ["after"])


def test_terms_that_the_visit_was_never_held_to_count_for_nothing(
    scene: Scene, easy: UUID, ana: Somebody, ben: Somebody
) -> None:
    """Somebody who likes another visit's terms better does not get them."""
    liked = scene.dispatched(ana, scene.work_order(work_type_id=str(easy)))
    (phone,) = holding(scene, ana)
    make_strict(scene, easy)
    visit = scene.dispatched(ana, scene.work_order(work_type_id=str(easy)))

    told = closed(scene, visit["id"], ana, terms_id=terms_of(phone, liked["id"]))

    assert (told["verdict"], [one["rule_id"] for one in told["findings"]]) == ("unmet", ["after"])


def test_what_is_judged_again_is_judged_by_the_same_terms(
    scene: Scene, easy: UUID, ana: Somebody, ben: Somebody, sam: Somebody
) -> None:
    visit = scene.dispatched(ana, scene.work_order(work_type_id=str(easy)))
    (phone,) = holding(scene, ana)
    known = terms_of(phone, visit["id"])
    held_to_another(scene, visit["id"], easy, ana, ben)
    promise = {"id": "01890000-0000-7000-8000-000000000001", "kind": "photo", "tag": "before"}
    assert closed(scene, visit["id"], ana, terms_id=known, evidence=[promise])["verdict"] == "awaiting_evidence"

    body = {"rule_id": "evidence", "reason": "The phone is gone"}
    told = scene.post(f"/v1/visits/{visit['id']}/waivers", body, by=sam, status=201)["closure"]

    assert (told["verdict"], told["terms_id"]) == ("waived", known)
    assert [one["kind"] for one in told["findings"]] == ["resolution_codes", "evidence", "policy_changed"]


def test_a_policy_that_changes_after_the_dispatch_does_not_touch_the_visit(
    scene: Scene, easy: UUID, ana: Somebody
) -> None:
    visit = scene.dispatched(ana, scene.work_order(work_type_id=str(easy)))
    make_strict(scene, easy)

    told = closed(scene, visit["id"], ana)

    assert (told["verdict"], len(told["findings"])) == ("verified", 1)


def test_terms_that_only_somebody_else_was_held_to_count_for_nothing(
    scene: Scene, easy: UUID, ana: Somebody, ben: Somebody
) -> None:
    """Ben's device never heard of them: he is not judged by what was easier for Ana."""
    visit = scene.dispatched(ana, scene.work_order(work_type_id=str(easy)))
    (phone,) = holding(scene, ana)
    known = terms_of(phone, visit["id"])
    make_strict(scene, easy)
    give_to(scene, visit["id"], ben)

    told = closed(scene, visit["id"], ben, terms_id=known)

    assert (told["verdict"], [one["rule_id"] for one in told["findings"]]) == ("unmet", ["after"])
