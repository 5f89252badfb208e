"""`Sync-Chaos`: what may go wrong on the way and at the server goes wrong on demand, over real sockets."""

import time
from uuid import uuid4

import httpx
import pytest

from tests.conftest import CheckedClient, Somebody
from tests.sandbox.conftest import Sandbox, a_note


def a_visit(sandbox: Sandbox, by: str = "Ana") -> str:
    page = sandbox.get("/v1/sync/changes", by=by, params={"limit": 500}).json()
    return str(next(one["id"] for one in page["changes"] if one["kind"] == "job"))


def test_outside_of_a_sandbox_chaos_is_refused(api: CheckedClient, ana: Somebody) -> None:
    for path in ("/v1/sync/changes", "/v1/uploads"):
        method = "GET" if path.startswith("/v1/sync") else "POST"
        answer = super(CheckedClient, api).request(method, path, headers={**ana.headers, "Sync-Chaos": "truncate"})

        assert (answer.status_code, answer.json()["code"]) == (400, "chaos_not_allowed")
        assert answer.headers["sync-protocol"] == "1"


def test_outside_of_a_sandbox_there_is_no_scenario(api: CheckedClient, ana: Somebody) -> None:
    for answer in (
        api.get("/v1/sandbox/expected", headers=ana.headers),
        api.post("/v1/sandbox/scenario/lost-push", headers=ana.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_an_unknown_trouble_is_named(sandbox: Sandbox) -> None:
    for header in ("explode", "delay=soon", "status=200", "truncate=half", "poison="):
        answer = sandbox.get("/v1/sync/changes", headers={"Sync-Chaos": header})
        assert (answer.status_code, answer.json()["code"]) == (400, "chaos_unknown"), header
        assert "drop-response" in answer.json()["known"]


def test_without_a_token_the_answer_is_the_usual_one(sandbox: Sandbox) -> None:
    answer = sandbox.http.get("/v1/sync/changes", headers={"Sync-Chaos": "truncate"})

    assert answer.status_code == 401


def test_a_dropped_response_has_no_byte_and_the_work_is_done(sandbox: Sandbox) -> None:
    operation = a_note(a_visit(sandbox))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response") as lost:
        sandbox.push(operation, **{"Sync-Chaos": "drop-response"})
    [again] = sandbox.push(operation).json()["results"]

    assert lost.value.request.url.path == "/v1/sync"
    assert (again["status"], again["replayed"]) == ("applied", True)


def test_a_truncated_response_ends_in_the_middle_and_the_work_is_done(sandbox: Sandbox) -> None:
    operation = a_note(a_visit(sandbox))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        sandbox.push(operation, **{"Sync-Chaos": "truncate"})
    [again] = sandbox.push(operation).json()["results"]

    assert again["replayed"] is True


def test_a_delayed_answer_comes_late(sandbox: Sandbox) -> None:
    began = time.monotonic()

    answer = sandbox.get("/v1/sync/changes", headers={"Sync-Chaos": "delay=400"})

    assert time.monotonic() - began >= 0.4
    assert answer.status_code == 200


@pytest.mark.parametrize(("status", "code"), [(503, "unavailable"), (401, "token_expired"), (426, "app_too_old")])
def test_a_status_comes_instead_of_the_work(sandbox: Sandbox, status: int, code: str) -> None:
    operation = a_note(a_visit(sandbox))

    refused = sandbox.push(operation, **{"Sync-Chaos": f"status={status}"})
    [after] = sandbox.push(operation).json()["results"]

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["sync-protocol"] == "1"
    assert "replayed" not in after


def test_a_captive_portal_has_no_marker(sandbox: Sandbox) -> None:
    answer = sandbox.get("/v1/sync/changes", headers={"Sync-Chaos": "captive-portal"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "sync-protocol" not in answer.headers


@pytest.mark.parametrize(("trouble", "code"), [("expire-cursor", "cursor_expired"), ("rotate-epoch", "epoch_changed")])
def test_a_cursor_is_good_no_more_until_a_reconcile(sandbox: Sandbox, trouble: str, code: str) -> None:
    cursor = sandbox.cursor()

    refused = sandbox.get("/v1/sync/changes", params={"cursor": cursor}, headers={"Sync-Chaos": trouble})
    pushed = sandbox.push(cursor=cursor).json()
    held: dict[str, dict[str, str]] = {}
    for one in sandbox.get("/v1/sandbox/expected").json()["replica"]:
        held.setdefault(one["kind"], {})[one["id"]] = one["rev"]
    compared = sandbox.post("/v1/sync/reconcile", {"have": held}).json()

    assert (refused.status_code, refused.json()["code"], refused.json()["recovery"]) == (410, code, "reconcile")
    assert pushed["reset"] == {"code": code, "recovery": "reconcile"}
    assert compared["changes"] == []
    assert sandbox.get("/v1/sync/changes", params={"cursor": compared["cursor"]}).status_code == 204


def test_purged_tombstones_reset_who_has_not_seen_them(sandbox: Sandbox) -> None:
    before = sandbox.cursor("Ben")
    sandbox.post("/v1/sandbox/scenario/cancel-while-offline", by="Ben")
    after = sandbox.cursor("Ben")

    told = [
        sandbox.get("/v1/sync/changes", by="Ben", params={"cursor": cursor}, headers={"Sync-Chaos": "purge-tombstones"})
        for cursor in (before, after)
    ]

    assert [answer.status_code for answer in told] == [410, 204]
    assert told[0].json()["code"] == "cursor_expired"


def test_a_poisoned_type_is_put_aside_after_five_attempts_and_holds_up_no_other(sandbox: Sandbox) -> None:
    visit = a_visit(sandbox)
    bad, good = a_note(visit, seq=1), a_note(visit, seq=2, type="visit.seen", args={})

    answers = [sandbox.push(bad, good, **{"Sync-Chaos": "poison=note.add"}).json()["results"] for _ in range(5)]

    assert [(one["status"], one["code"]) for one, _ in answers] == [
        *[("deferred", "internal_error")] * 4,
        ("quarantined", "internal_error"),
    ]
    assert [other["status"] for _, other in answers] == ["applied"] * 5
    assert sandbox.push(a_note(visit)).json()["results"][0]["status"] == "applied", "the next request is well again"


def test_a_skewed_server_says_another_time_and_believes_an_age(sandbox: Sandbox) -> None:
    visit = a_visit(sandbox)

    answer = sandbox.push(a_note(visit, age_ms=60_000), **{"Sync-Chaos": "skew=+3600"}).json()

    assert answer["server_time"] == "2026-11-21T11:00:00.000Z"
    assert answer["results"][0]["effective_at"] == "2026-11-21T10:59:00Z"
    assert sandbox.push().json()["server_time"] == "2026-11-21T10:00:00.000Z"


def test_a_skewed_clock_makes_no_token_expire(sandbox: Sandbox) -> None:
    device = {"device_id": str(uuid4()), "platform": "android", "app_version": "1"}
    token = sandbox.post("/v1/devices", device, by="Cem").json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Sync-Chaos": "skew=+7200"}

    assert sandbox.http.get("/v1/sync/changes", headers=headers).status_code == 200


def test_several_troubles_come_at_once(sandbox: Sandbox) -> None:
    began = time.monotonic()

    answer = sandbox.get("/v1/sync/changes", headers={"Sync-Chaos": "delay=200, status=503"})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert time.monotonic() - began >= 0.2
