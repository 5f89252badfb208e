from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Somebody
from tests.scene import Scene

MakePolicy = Callable[..., dict[str, Any]]
MakeForm = Callable[..., dict[str, Any]]

YES_NO = {"kind": "yes_no", "label": "Done?", "required": True}
CODES = {"id": "codes", "kind": "resolution_codes"}
PHOTO = {"id": "photo", "kind": "photo", "params": {"tag": "after"}}


def asking(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rules": list(rules), **more}


@pytest.fixture
def policy(scene: Scene, sam: Somebody) -> MakePolicy:
    """Makes a closure policy: `policy("strict", {"rules": […]}, priority=1)`."""

    def make(key: str, rules: dict[str, Any] | None = None, *, active: bool = True, **match: Any) -> dict[str, Any]:
        body = {"key": key, "name": key.title(), "match": match, "policy": rules or asking(CODES), "active": active}
        return dict(scene.post("/v1/closure-policies", body, by=sam, status=201))

    return make


@pytest.fixture
def form(scene: Scene, sam: Somebody) -> MakeForm:
    """Makes a form: `form("safety", "gloves", "helmet")`, with a question an item."""

    def make(key: str, *items: str) -> dict[str, Any]:
        listed = [{"id": item, **YES_NO} for item in items]
        return dict(scene.post("/v1/forms", {"key": key, "title": key.title(), "items": listed}, by=sam, status=201))

    return make
