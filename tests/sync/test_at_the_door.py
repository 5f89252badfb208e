"""What is refused before any operation is looked at: none of it empties an outbox, and all of it is marked."""

import gzip
from datetime import timedelta
from typing import Any

import orjson
import pytest
import time_machine
from sqlmodel import Session

from app.kit import clock
from app.kit.database import rows, utc_iso
from app.sync.door import numbers_of
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import answer_of, events, holding, issue, issues, set_organization


def send(phone: Phone, body: Any, **headers: str) -> Any:
    """Send whatever bytes these are."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    kind = {"Content-Type": "application/json"}
    return phone.api.post("/v1/sync", content=content, headers={**phone.who.headers, **kind, **headers})


def envelope(*operations: Any, **more: Any) -> dict[str, Any]:
    return {"sent_at": utc_iso(clock.now()), "operations": list(operations), **more}


def check_refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["sync-protocol"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["retryable"] is (status in (401, 503))


@pytest.fixture
def phone(scene: Scene, ana: Somebody) -> Phone:
    return holding(scene, ana)[0]


def test_an_envelope_that_cannot_be_understood_is_malformed(phone: Phone, db: Session) -> None:
    good = phone.operation("note.add", None, text="x")
    for body in (
        b"{not json",
        b"[]",
        {"operations": [good]},
        envelope({**good, "op_id": "one"}),
        envelope(good, {name: value for name, value in good.items() if name != "type"}),
        envelope({**good, "seq": -1}),
        envelope({**good, "type": "note\0add"}),
        envelope({**good, "occurred_at": "yesterday"}),
        envelope({**good, "depends_on": "that one"}),
        envelope("a note"),
    ):
        answer = send(phone, body)
        assert answer.json()["code"] == "malformed", (body, answer.text)
        assert answer.status_code in (400, 422)
        assert answer.headers["sync-protocol"] == "1"
    assert rows(db, "SELECT id FROM operations") == []


def test_what_is_no_text_and_what_is_no_number_is_refused_and_nothing_breaks(phone: Phone) -> None:
    for have in ({"a\0": "1.1"}, {"a": "1.\0"}):
        for path, body in (("sync/reconcile", {"job": have}), ("adapters/rxdb/job/reconcile", have)):
            answer = phone.api.post(f"/v1/{path}", json={"have": body}, headers=phone.who.headers)
            assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), answer.text
    for path, code in (
        ("manifests/%00", "not_found"),
        ("changes?cursor=AA&wait=%C2%B2", "malformed"),
        ("changes?cursor=AA&limit=%C2%B2", "malformed"),
        (f"changes?cursor=AA&wait={'9' * 5000}", "malformed"),
    ):
        answer = phone.api.get(f"/v1/sync/{path}", headers=phone.who.headers)
        assert answer.json()["code"] == code, answer.text


def test_the_place_of_the_flaw_is_told(phone: Phone) -> None:
    flawed = {**phone.operation("note.add", None, text="x"), "seq": -1}

    answer = send(phone, envelope(phone.operation("note.add", None, text="y"), flawed))

    check_refused(answer, 400, "malformed")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/body/operations/1/seq"]


def test_more_than_a_hundred_operations_are_too_many(phone: Phone, db: Session) -> None:
    operations = [phone.operation("note.add", None, text="x") for _ in range(101)]

    check_refused(send(phone, envelope(*operations)), 413, "too_large")
    assert rows(db, "SELECT id FROM operations") == []
    assert send(phone, envelope(*operations[:100])).status_code == 200


def test_too_many_bytes_are_refused_packed_or_not(phone: Phone) -> None:
    long = orjson.dumps(envelope()) + b" " * 262_144
    packed = gzip.compress(orjson.dumps(envelope()) + b" " * 1_048_576)

    check_refused(send(phone, long), 413, "too_large")
    assert len(packed) < 10_000
    check_refused(send(phone, packed, **{"Content-Encoding": "gzip"}), 413, "too_large")


def test_a_packed_body_is_unpacked_and_a_broken_one_is_malformed(phone: Phone, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    packed = gzip.compress(orjson.dumps(envelope(phone.operation("visit.depart", visit["id"]))))

    assert send(phone, packed, **{"Content-Encoding": "gzip"}).json()["results"][0]["status"] == "applied"
    for broken in (packed[:-12], b"not packed at all"):
        check_refused(send(phone, broken, **{"Content-Encoding": "gzip"}), 400, "malformed")


def test_an_app_that_is_too_old_is_refused_until_it_is_updated(scene: Scene, ana: Somebody, db: Session) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(scene.api, ana).register(app_version="3.9.1")
    phone.pull()
    operation = phone.operation("visit.depart", visit["id"])
    set_organization(scene, min_app_version="3.10")

    for answer in (
        send(phone, envelope(operation)),
        phone.get("/v1/sync/changes"),
        phone.get("/v1/sync/changes", cursor=phone.cursor),
        scene.api.post("/v1/sync/reconcile", json={"have": {}}, headers=ana.headers),
    ):
        check_refused(answer, 426, "app_too_old")
        assert answer.json()["min_app_version"] == "3.10"
    assert rows(db, "SELECT id FROM operations") == []

    phone.register(app_version="3.10.0")
    assert phone.push(operation)[0]["status"] == "applied"
    set_organization(scene, min_app_version=None)
    phone.register(app_version="1")
    assert phone.get("/v1/sync/changes", cursor=phone.cursor).status_code in (200, 204)


@pytest.mark.parametrize("wrong", ["three", "3.", "3.1.2.3.4", ""])
def test_a_version_to_ask_for_is_numbers_and_dots(scene: Scene, wrong: str) -> None:
    headers = scene.boss.headers
    version = scene.api.get("/v1/organization", headers=headers).headers["etag"]
    body = {"settings": {"min_app_version": wrong}}

    assert scene.api.patch("/v1/organization", json=body, headers={**headers, "If-Match": version}).status_code == 422


@pytest.mark.parametrize(
    ("older", "newer"),
    [("3.9", "3.10"), ("3", "3.0.1"), ("", "1"), ("dev", "0.1"), ("2.9.9-beta", "10"), ("3.4-a", "3.5")],
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    assert numbers_of(older) < numbers_of(newer)
    assert numbers_of(newer) == numbers_of(f"{newer}.0.0")


def test_a_device_that_was_taken_out_of_use_is_told_so_and_hands_in_what_it_has(
    scene: Scene, ana: Somebody, phone: Phone
) -> None:
    visit = scene.dispatched(ana)
    phone.pull()
    done = phone.operation("visit.complete", visit["id"])
    note = phone.operation("note.add", visit["id"], text="the key is under the mat", depends_on=[done["op_id"]])
    revoked = scene.api.delete(f"/v1/devices/{phone.device_id}", headers=scene.boss.headers)
    assert revoked.status_code == 204, revoked.text

    for path in ("/v1/sync/changes", f"/v1/sync/changes?cursor={phone.cursor}"):
        check_refused(scene.api.get(path, headers=ana.headers), 403, "device_revoked")
    answer = send(phone, envelope(done, note, cursor=phone.cursor))
    again = send(phone, envelope(done)).json()["results"]

    assert [answer_of(one) for one in answer.json()["results"]] == [("quarantined", "device_revoked", False)] * 2
    assert "changes" not in answer.json()
    assert again == [{**answer.json()["results"][0], "replayed": True}]
    assert events(scene, visit)[-1] == "visit.dispatched"
    assert {one for one in issues(scene) if one[0] == "dispatcher"} == {("dispatcher", "quarantined", "high")}
    with time_machine.travel(clock.now() + timedelta(hours=71)):
        assert send(phone, envelope(phone.operation("note.add", visit["id"], text="x"))).status_code == 200
    with time_machine.travel(clock.now() + timedelta(hours=73)):
        check_refused(send(phone, envelope(phone.operation("note.add", visit["id"], text="x"))), 403, "device_revoked")


def test_what_somebody_who_was_dismissed_has_done_is_kept_too(scene: Scene, ana: Somebody, phone: Phone) -> None:
    visit = scene.dispatched(ana)
    scene.api.patch(f"/v1/people/{ana.id}", json={"active": False}, headers=scene.boss.headers)

    check_refused(phone.get("/v1/sync/changes"), 403, "device_revoked")
    kept = send(phone, envelope(phone.operation("visit.complete", visit["id"]))).json()["results"][0]

    assert answer_of(kept) == ("quarantined", "device_revoked", False)
    assert issue(scene, "quarantined")["technician_name"] == "Ana"


def test_who_signed_out_is_nobody(api: CheckedClient, ana: Somebody, phone: Phone) -> None:
    session = api.get("/v1/me", headers=ana.headers).json()["session_id"]
    assert api.delete(f"/v1/me/sessions/{session}", headers=ana.headers).status_code == 204

    check_refused(send(phone, envelope()), 401, "not_signed_in")


def test_a_token_that_has_expired_is_to_be_refreshed(scene: Scene, ana: Somebody, phone: Phone) -> None:
    visit = scene.dispatched(ana)
    operation = phone.operation("visit.depart", visit["id"])

    with time_machine.travel(clock.now() + timedelta(days=901)):
        check_refused(phone.get("/v1/sync/changes", cursor=phone.cursor), 401, "token_expired")
        check_refused(send(phone, envelope(operation)), 401, "token_expired")

    assert phone.push(operation)[0]["status"] == "applied"
