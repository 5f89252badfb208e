"""Forms: checklists that are written once and asked in several kinds of work."""

import psycopg
import pytest
from sqlmodel import Session

from app.kit.database import rows
from tests.conftest import Somebody
from tests.scene import Scene
from tests.work_orders.conftest import YES_NO, MakeForm


def test_a_form_has_versions_and_each_stays_as_it_was(scene: Scene, form: MakeForm, sam: Somebody) -> None:
    first = form("safety", "gloves")
    newer = {"title": "Safety first", "items": [{"id": "helmet", **YES_NO}]}

    second = scene.post(f"/v1/forms/{first['id']}/versions", newer, by=sam, status=201)

    assert (second["version"], second["current_version"], second["title"]) == (2, 2, "Safety first")
    assert scene.get(f"/v1/forms/{first['id']}") == second
    old = scene.get(f"/v1/forms/{first['id']}", version=1)
    assert (old["title"], [item["id"] for item in old["items"]], old["version"]) == ("Safety", ["gloves"], 1)
    missing = scene.api.get(f"/v1/forms/{first['id']}", params={"version": 3}, headers=sam.headers)
    assert missing.status_code == 404


def test_every_mistake_of_the_items_is_listed_with_its_place(scene: Scene, form: MakeForm, sam: Somebody) -> None:
    made = form("good", "gloves")
    items = [{"id": "a", "kind": "magic"}, {"id": "b", **YES_NO}, {"id": "b", "kind": "choice"}, {"kind": "text"}]

    for path, body in (
        ("/v1/forms", {"key": "bad", "title": "Bad", "items": items}),
        (f"/v1/forms/{made['id']}/versions", {"title": "Bad", "items": items}),
    ):
        refused = scene.post(path, body, by=sam, status=422)
        assert refused["code"] == "policy-not-well-formed"
        assert {error["pointer"] for error in refused["errors"]} == {
            "/body/items/0/kind", "/body/items/2/id", "/body/items/2/choices", "/body/items/3/id",
        }  # fmt: skip
    assert scene.get(f"/v1/forms/{made['id']}")["current_version"] == 1


def test_a_key_is_used_once(scene: Scene, form: MakeForm, sam: Somebody) -> None:
    form("safety")

    again = scene.post("/v1/forms", {"key": "safety", "title": "Other", "items": []}, by=sam, status=409)

    assert again["code"] == "form-key-taken"


def test_forms_come_page_by_page_the_newest_first(scene: Scene, form: MakeForm) -> None:
    for number in range(3):
        form(f"form_{number}", "item")

    first = scene.get("/v1/forms", limit=2)
    rest = scene.get("/v1/forms", limit=2, cursor=first["next_cursor"])

    assert [one["key"] for one in first["items"]] == ["form_2", "form_1"]
    assert ([one["key"] for one in rest["items"]], rest["next_cursor"]) == (["form_0"], None)


def test_a_version_cannot_be_changed_in_the_database(db: Session, scene: Scene, form: MakeForm) -> None:
    form("safety", "gloves")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(db, "UPDATE form_versions SET items = '[]'")
