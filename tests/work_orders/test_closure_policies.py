"""Closure policies: which one counts for which work, how they change, and what is refused."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlmodel import Session

from app.identity.models import Partner
from app.kit.database import rows
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.work_orders.conftest import CODES, MakePolicy, asking

PATH = "/v1/closure-policies"

#: The fields that a policy names, and the order in which sixteen policies that all match count.
FIELDS = {"c": "customer_id", "a": "partner_id", "w": "work_type_id", "p": "priority"}
IN_ORDER = ["cawp", "caw", "cap", "cwp", "awp", "ca", "cw", "cp", "aw", "ap", "wp", "c", "a", "w", "p", ""]


def the_work(scene: Scene, acme: Partner) -> dict[str, Any]:
    return {
        "customer_id": str(scene.customer_id),
        "partner_id": str(acme.id),
        "work_type_id": str(scene.work_type_id),
        "priority": 2,
    }


def some_of(work: dict[str, Any], letters: str) -> dict[str, Any]:
    return {FIELDS[one]: work[FIELDS[one]] for one in letters}


def counted(scene: Scene, work: dict[str, Any]) -> list[str]:
    """The keys of the policies that match the work, the one that counts first."""
    return [one["key"] for one in scene.get(f"{PATH}/match", **work)["items"]]


def edited(scene: Scene, policy: dict[str, Any], by: Somebody, **fields: Any) -> dict[str, Any]:
    newest = scene.get(f"{PATH}/{policy['id']}")
    answer = scene.api.patch(
        f"{PATH}/{policy['id']}", json=fields, headers={**by.headers, "If-Match": f'"{newest["version"]}"'}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_more_a_policy_names_the_sooner_it_counts_and_ties_go_by_customer_partner_work_type_priority(
    scene: Scene, acme: Partner, policy: MakePolicy, sam: Somebody
) -> None:
    work = the_work(scene, acme)
    made = {letters: policy(f"on_{letters}", **some_of(work, letters)) for letters in reversed(IN_ORDER)}

    found = scene.get(f"{PATH}/match", **work)["items"]

    assert [one["key"] for one in found] == [*(f"on_{letters}" for letters in IN_ORDER), "repair"]
    assert [one["specificity"] for one in found] == [*(len(letters) for letters in IN_ORDER), -1]
    assert [one["matched"] for one in found[:16]] == [[FIELDS[one] for one in letters] for letters in IN_ORDER]
    for letters in IN_ORDER:
        assert counted(scene, work)[0] == f"on_{letters}"
        edited(scene, made[letters], sam, active=False)
    assert counted(scene, work) == ["repair"]


@pytest.mark.parametrize("letters", IN_ORDER)
def test_a_policy_matches_exactly_the_work_that_has_all_that_it_names(
    scene: Scene, acme: Partner, policy: MakePolicy, letters: str
) -> None:
    work = the_work(scene, acme)
    policy("it", **some_of(work, letters))
    others = {"customer_id": str(uuid4()), "partner_id": str(uuid4()), "work_type_id": str(uuid4()), "priority": 4}

    assert "it" in counted(scene, work)
    for letter, field in FIELDS.items():
        matches = letter not in letters
        assert ("it" in counted(scene, {**work, field: others[field]})) is matches, field
        assert ("it" in counted(scene, {name: one for name, one in work.items() if name != field})) is matches, field


def test_of_two_policies_that_name_the_same_the_newer_counts(scene: Scene, policy: MakePolicy, sam: Somebody) -> None:
    policy("older", priority=2)
    newer = policy("newer", priority=2)

    assert counted(scene, {"priority": 2}) == ["newer", "older"]
    edited(scene, newer, sam, active=False)
    assert counted(scene, {"priority": 2}) == ["older"]


def test_a_work_types_own_policy_ranks_as_a_match_on_it_alone_behind_a_policy_for_just_that(
    scene: Scene, acme: Partner, policy: MakePolicy
) -> None:
    own = str(scene.work_type("inspection", closure_policy=asking(CODES)))
    work = {**the_work(scene, acme), "work_type_id": own}
    policy("for_all")
    policy("for_priority", priority=2)

    assert counted(scene, work) == ["inspection", "for_priority", "for_all"]

    policy("for_type", work_type_id=own)
    policy("for_partner", partner_id=work["partner_id"])
    assert counted(scene, work) == ["for_partner", "for_type", "inspection", "for_priority", "for_all"]


def test_a_work_types_own_policy_that_is_empty_ranks_behind_one_for_all(scene: Scene, policy: MakePolicy) -> None:
    policy("for_all")

    assert counted(scene, {"work_type_id": str(scene.work_type_id)}) == ["for_all", "repair"]


def test_matching_takes_one_statement(scene: Scene, acme: Partner, policy: MakePolicy, max_: Somebody) -> None:
    from tests.statements import statements

    for letters in IN_ORDER:
        policy(f"on_{letters}", **some_of(the_work(scene, acme), letters))
    scene.get(f"{PATH}/match", by=max_)
    with statements() as sent:
        scene.get(f"{PATH}/match", by=max_, **the_work(scene, acme))

    assert len(sent) <= 2, "the caller and the match"


def test_versions_are_added_and_the_older_ones_stay(scene: Scene, policy: MakePolicy, sam: Somebody) -> None:
    first = policy("strict", asking(CODES))

    second = scene.post(f"{PATH}/{first['id']}/versions", {"policy": {"auto_close": False}}, by=sam, status=201)

    assert (second["policy_version"], second["current_version"]) == (2, 2)
    assert second["policy"] == {"auto_close": False, "id": "strict", "version": 2}
    assert second["version"] > first["version"], "what a reader holds is no longer what there is"
    old = scene.get(f"{PATH}/{first['id']}", version=1)
    assert (old["policy"], old["policy_version"]) == ({"rules": [CODES], "id": "strict", "version": 1}, 1)
    assert scene.get(f"{PATH}/{first['id']}") == second
    missing = scene.api.get(f"{PATH}/{first['id']}", params={"version": 3}, headers=sam.headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


def test_the_rules_of_a_version_cannot_be_changed_in_the_database(
    db: Session, scene: Scene, policy: MakePolicy
) -> None:
    policy("strict")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(db, "UPDATE closure_policy_versions SET policy = '{}'")


def test_a_policy_is_renamed_matched_to_other_work_and_switched_off_as_it_was_read(
    api: CheckedClient, scene: Scene, policy: MakePolicy, sam: Somebody
) -> None:
    made = policy("strict", priority=1)
    path = f"{PATH}/{made['id']}"

    moved = edited(scene, made, sam, name="Very strict", match={"customer_id": str(scene.customer_id)}, active=False)

    assert (moved["name"], moved["active"]) == ("Very strict", False)
    assert moved["match"] == {
        "work_type_id": None, "customer_id": str(scene.customer_id), "partner_id": None, "priority": None,
    }  # fmt: skip
    assert edited(scene, made, sam, name="Very strict")["version"] == moved["version"], "nothing was changed"
    late = api.patch(path, json={"active": True}, headers={**sam.headers, "If-Match": f'"{made["version"]}"'})
    assert (late.status_code, late.json()["current"]["name"]) == (412, "Very strict")
    blind = api.patch(path, json={"active": True}, headers=sam.headers)
    assert (blind.status_code, blind.json()["code"]) == (428, "version-required")


def test_a_key_is_used_once(scene: Scene, policy: MakePolicy, sam: Somebody) -> None:
    policy("strict")

    again = scene.post(PATH, {"key": "strict", "name": "Another", "policy": {}}, by=sam, status=409)

    assert again["code"] == "closure-policy-key-taken"


def test_every_mistake_of_the_rules_is_listed_with_its_place(scene: Scene, policy: MakePolicy, sam: Somebody) -> None:
    rules = asking(
        {"id": "a", "kind": "photo", "params": {"tag": 3, "min": -1}},
        {"id": "a", "kind": "magic"},
        {"id": "b", "kind": "checklist", "params": {"form": "nowhere"}},
        {"id": "c", "kind": "checklist", "when": {"xor": []}, "params": "no"},
        colour="red",
    )
    made = policy("good")

    for path, body in (
        (PATH, {"key": "bad", "name": "Bad", "policy": rules}),
        (f"{PATH}/{made['id']}/versions", {"policy": rules}),
    ):
        refused = scene.post(path, body, by=sam, status=422)
        assert refused["code"] == "policy-not-well-formed"
        pointers = {error["pointer"] for error in refused["errors"]}
        assert {
            "/body/policy/colour",
            "/body/policy/rules/0/params/tag",
            "/body/policy/rules/0/params/min",
            "/body/policy/rules/1/id",
            "/body/policy/rules/1/kind",
            "/body/policy/rules/2/params/form",
            "/body/policy/rules/3/params",
        } <= pointers
        assert any(one.startswith("/body/policy/rules/3/when") for one in pointers)
    assert scene.get(f"{PATH}/{made['id']}")["current_version"] == 1


def test_a_work_type_cannot_name_a_form_that_is_not_there(scene: Scene, sam: Somebody) -> None:
    rules = asking({"id": "b", "kind": "checklist", "params": {"form": "nowhere"}})

    refused = scene.post("/v1/work-types", {"key": "odd", "name": "Odd", "closure_policy": rules}, by=sam, status=422)

    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [
        ("/body/closure_policy/rules/0/params/form", "unknown-form")
    ]


def test_what_a_policy_is_for_must_be_there(scene: Scene, sam: Somebody) -> None:
    for field, code in (
        ("work_type_id", "no-such-work-type"),
        ("customer_id", "no-such-customer"),
        ("partner_id", "no-such-partner"),
    ):
        body = {"key": "strict", "name": "Strict", "policy": {}, "match": {field: str(uuid4())}}
        refused = scene.post(PATH, body, by=sam, status=422)
        assert (refused["code"], refused["errors"][0]["pointer"]) == (code, f"/body/match/{field}")


def test_policies_come_page_by_page_and_by_what_they_are_for(scene: Scene, policy: MakePolicy, sam: Somebody) -> None:
    kind = str(scene.work_type_id)
    for number in range(3):
        policy(f"plain_{number}")
    policy("typed", work_type_id=kind, active=False)

    first = scene.get(PATH, limit=3)
    rest = scene.get(PATH, limit=3, cursor=first["next_cursor"])

    assert [one["key"] for one in first["items"]] == ["typed", "plain_2", "plain_1"]
    assert ([one["key"] for one in rest["items"]], rest["next_cursor"]) == (["plain_0"], None)
    assert [one["key"] for one in scene.get(PATH, work_type_id=kind)["items"]] == ["typed"]
    assert [one["key"] for one in scene.get(PATH, active=False)["items"]] == ["typed"]
    assert [one["key"] for one in scene.get(PATH, customer_id=str(scene.customer_id))["items"]] == []
