"""What people do about a closure, each through the API."""

from typing import Any

from starlette.testclient import TestClient

from app.kit.ids import uuid7
from tests.conftest import Somebody
from tests.field import Job, a_picture, just_now


def a_closure(**said: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "occurred_at": just_now(minutes=5), **said}


def a_promise(tag: str = "after", kind: str = "photo", **more: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "kind": kind, "tag": tag, **more}


def submit(api: TestClient, job: Job, who: Somebody, **said: Any) -> Any:
    return api.post(f"/v1/visits/{job.visit_id}/closure", json=a_closure(**said), headers=who.headers)


def upload(api: TestClient, job: Job, promise: dict[str, Any], who: Somebody, color: str = "red") -> Any:
    fields = {name: promise[name] for name in ("id", "kind", "tag", "signer_name", "captured_at") if promise.get(name)}
    files = {"file": ("picture.jpg", a_picture(color), "image/jpeg")}
    answer = api.post(f"/v1/visits/{job.visit_id}/evidence", data=fields, files=files, headers=who.headers)
    assert answer.status_code == 201, answer.text
    return answer


def waive(api: TestClient, job: Job, who: Somebody, rule_id: str, reason: str = "The customer was away") -> Any:
    body = {"rule_id": rule_id, "reason": reason}
    return api.post(f"/v1/visits/{job.visit_id}/waivers", json=body, headers=who.headers)


def decide(api: TestClient, job: Job, who: Somebody, decision: str, **more: Any) -> Any:
    return api.post(
        f"/v1/work-orders/{job.work_order_id}/reviews",
        json={"decision": decision, **more},
        headers=who.headers | {"If-Match": f'"{job.work_order().version}"'},
    )


def closure_of(api: TestClient, job: Job, who: Somebody) -> Any:
    answer = api.get(f"/v1/visits/{job.visit_id}/closure", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def issues_of(api: TestClient, who: Somebody, **wanted: Any) -> list[tuple[str, str, str]]:
    """Open ones: owner, code, severity."""
    found = api.get("/v1/issues", params={"state": "open", **wanted}, headers=who.headers).json()["items"]
    return [(one["owner"], one["code"], one["severity"]) for one in found]
