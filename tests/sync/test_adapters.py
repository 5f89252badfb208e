"""`/v1/adapters`: the same feed and the same outbox as under `/v1/sync`, in the words of two libraries."""

import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app.sync import pulling
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone

COLLECTIONS = ("job", "stock", "issue", "manifest", "me")
RXDB, WATERMELON = "/v1/adapters/rxdb", "/v1/adapters/watermelon"


@pytest.fixture
def phone(api: CheckedClient, ana: Somebody) -> Phone:
    return Phone(api, ana)


def pages_of(phone: Phone, collection: str, cursor: str = "", *, limit: int = 2) -> list[dict[str, Any]]:
    """All pages from there on, as RxDB asks for them: until one is not full."""
    pages = []
    while True:
        answer = phone.get(f"{RXDB}/{collection}/pull", cursor=cursor, limit=limit)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        cursor = pages[-1]["checkpoint"]["cursor"]
        if len(pages[-1]["documents"]) < limit:
            return pages


def test_the_collections_together_are_the_feed_and_only_the_last_page_is_not_full(
    phone: Phone, scene: Scene, ana: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        scene.dispatched(ana)
    phone.pull()

    found = {
        (collection, one["id"]): (one["rev"], one["data"])
        for collection in COLLECTIONS
        for page in pages_of(phone, collection)
        for one in page["documents"]
    }

    assert found == phone.held
    assert [len(page["documents"]) for page in pages_of(phone, "job")] == [2, 2, 1]
    monkeypatch.setattr(pulling, "PAGE_BYTES", 1)
    assert [len(page["documents"]) for page in pages_of(phone, "job")] == [2, 2, 1], "large ones fill a page too"
    assert phone.last.headers["sync-protocol"] == "1"


def test_what_changes_is_found_behind_what_is_of_another_kind(
    phone: Phone, scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visits = [scene.dispatched(ana) for _ in range(4)]
    job, me = (pages_of(phone, name)[-1]["checkpoint"]["cursor"] for name in ("job", "me"))
    for visit in visits[1:]:
        scene.report(visit["id"], "depart", ana)
    assert ben.technician is not None
    body = {"technician_id": str(ben.technician.id), "reason_code": "closer", "force_reason": "closer"}
    scene.plan(visits[0]["id"], "reassignment", body)

    empty = pages_of(phone, "me", me)
    changed = [one for page in pages_of(phone, "job", job) for one in page["documents"]]

    assert [page["documents"] for page in empty] == [[]]
    assert empty[0]["checkpoint"]["cursor"] != me, "the cursor moves over what is of another kind"
    assert {one["id"]: one.get("data", {}).get("status") for one in changed} == {
        visits[0]["id"]: None,
        **{visit["id"]: "en_route" for visit in visits[1:]},
    }
    assert next(one for one in changed if one["id"] == visits[0]["id"]) == {"id": visits[0]["id"], "_deleted": True}
    phone.pull()
    assert pages_of(phone, "job", phone.cursor or "")[0]["documents"] == []


def test_a_job_counts_as_delivered_when_the_jobs_were_pulled_and_not_when_something_else_was(
    phone: Phone, scene: Scene, ana: Somebody
) -> None:
    phone.register()
    cursors = {name: pages_of(phone, name)[-1]["checkpoint"]["cursor"] for name in ("job", "me")}
    visit = scene.dispatched(ana)

    def is_delivered() -> bool:
        return bool(scene.get(f"/v1/visits/{visit['id']}/receipt")["delivered"])

    for name in ("me", "job"):
        cursors[name] = pages_of(phone, name, cursors[name], limit=100)[-1]["checkpoint"]["cursor"]
    pages_of(phone, "me", cursors["me"])
    assert not is_delivered()

    pages_of(phone, "job", cursors["job"])
    assert is_delivered()


def test_many_rows_are_worked_off_and_one_that_is_no_operation_holds_up_none(
    phone: Phone, scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    rows = []
    for n in range(120):
        operation = phone.operation("note.add", visit["id"], text=f"note {n}")
        rows.append({**operation, "id": operation.pop("op_id"), "state": "pending", "mine": n})
    rows[3] |= {"args": {"text": "\ud800"}}
    rows[4] |= {"id": "no uuid", "type": ""}
    thrown_away = {**rows[5], "_deleted": True}
    given = [{"newDocumentState": one} for one in (*rows[:5], thrown_away, *rows[6:])]

    headers = {**phone.who.headers, "Content-Type": "application/json"}
    answer = phone.api.post(f"{RXDB}/operation/push", content=json.dumps(given), headers=headers)

    assert answer.status_code == 200
    known = answer.json()
    assert [one["id"] for one in known] == [one["id"] for one in (*rows[:5], *rows[6:])]
    assert {n: one["result"]["code"] for n, one in enumerate(known) if one["state"] != "applied"} == {
        3: "malformed",
        4: "malformed",
    }
    assert {"pointer": "/op_id", "code": "uuid_parsing"} in known[4]["result"]["errors"]
    assert known[0] == {**rows[0], "state": "applied", "result": known[0]["result"]}
    assert phone.api.post(f"{RXDB}/operation/push", content=json.dumps(given), headers=headers).json() == known
    notes = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes", limit=200)["items"]
    assert len(notes) == 117


def test_a_comparison_brings_what_differs_and_one_document_at_least(phone: Phone, scene: Scene, ana: Somebody) -> None:
    visits = [scene.dispatched(ana)["id"] for _ in range(3)]
    phone.pull()
    revs = {id_: rev for (kind, id_), (rev, _) in phone.held.items() if kind == "job"}
    path = f"{RXDB}/job/reconcile"

    def compare(have: dict[str, str]) -> list[tuple[str, bool]]:
        answer = phone.api.post(path, json={"have": have}, headers=phone.who.headers).json()
        assert pages_of(phone, "job", answer["checkpoint"]["cursor"])[0]["documents"] == []
        return [(one["id"], one["_deleted"]) for one in answer["documents"]]

    gone = str(uuid4())
    assert sorted(compare({})) == sorted((one, False) for one in visits)
    assert compare(revs) == [(next(iter(revs)), False)]
    assert (gone, True) in compare({**revs, gone: "1.1"})
    assert sorted(compare({visits[0]: revs[visits[0]], visits[1]: "1.1"})) == sorted((one, False) for one in visits)


@pytest.mark.parametrize("stale", ["epoch", "ahead", "expired", "nonsense"])
def test_a_timestamp_that_leads_nowhere_is_answered_with_everything(
    phone: Phone, dsn: str, scene: Scene, ana: Somebody, stale: str
) -> None:
    visit = scene.dispatched(ana)
    first = phone.get(f"{WATERMELON}/pull", last_pulled_at="null", schema_version=1, migration="null").json()
    assert "experimentalStrategy" not in first
    same = phone.get(f"{WATERMELON}/pull", last_pulled_at=first["timestamp"]).json()
    assert (same["changes"], same["timestamp"]) == ({}, first["timestamp"])
    asked = {"epoch": first["timestamp"], "ahead": first["timestamp"] + 9, "expired": first["timestamp"], "nonsense": 7}
    change = {"epoch": "epoch = epoch + 1", "expired": "floor = head + 1, head = head + 1"}.get(stale)
    if change:
        assert ana.technician is not None
        with psycopg.connect(dsn) as connection:
            connection.execute(f"UPDATE feeds SET {change} WHERE id = %s", (ana.technician.id,))

    anew = phone.get(f"{WATERMELON}/pull", last_pulled_at=asked[stale]).json()

    assert anew["experimentalStrategy"]["default"] == "incremental"
    assert set(anew["experimentalStrategy"]["override"]) == set(anew["changes"]) == {
        "jobs", "stock", "issues", "manifests", "me"
    }  # fmt: skip
    assert [one["id"] for one in anew["changes"]["jobs"]["updated"]] == [visit["id"]]
    assert phone.get(f"{WATERMELON}/pull", last_pulled_at=anew["timestamp"]).json()["changes"] == {}


def test_results_are_told_to_who_sent_the_operations_and_only_final_ones(
    phone: Phone, api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    done = phone.operation("note.add", visit["id"], text="done")
    waits = phone.operation("note.add", visit["id"], text="waits", depends_on=[uuid4()])
    phone.push(done, waits)
    asked = {"operations": f"{done['op_id']},{waits['op_id']}"}

    mine = phone.get(f"{WATERMELON}/pull", **asked).json()["changes"]["operations"]
    bens = Phone(api, ben).get(f"{WATERMELON}/pull", **asked).json()["changes"]

    assert [(one["id"], one["state"]) for one in mine["updated"]] == [(done["op_id"], "applied")]
    assert "operations" not in bens


def test_a_device_that_was_taken_out_of_use_hands_in_what_it_has_and_gets_nothing(
    phone: Phone, scene: Scene, ana: Somebody, ada: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone.register()
    operation = phone.operation("note.add", visit["id"], text="the last word")
    answer = phone.api.request("DELETE", f"/v1/devices/{phone.device_id}", headers=ada.headers)
    assert answer.status_code in (200, 204), answer.text

    row = {**operation, "id": operation["op_id"]}
    refused = phone.get(f"{RXDB}/job/pull")
    pushed = phone.api.post(f"{RXDB}/operation/push", json=[{"newDocumentState": row}], headers=phone.who.headers)
    again = phone.api.post(f"{WATERMELON}/push", json={"operations": {"created": [row]}}, headers=phone.who.headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "device_revoked")
    assert [one["state"] for one in pushed.json()] == ["quarantined"]
    assert again.json()["experimentalRejectedIds"] == {"operations": []}
    assert again.json()["results"][0]["status"] == "quarantined"


def test_no_bytes_make_the_adapters_fail(phone: Phone) -> None:
    for path in (f"{RXDB}/operation/push", f"{WATERMELON}/push", f"{RXDB}/job/reconcile"):
        for body in (b"", b"{", b"null", b"[" * 100_000, b'[{"newDocumentState":' + b"[" * 2000, b'{"a":' * 900):
            headers = {**phone.who.headers, "Content-Type": "application/json"}
            answer = phone.api.post(path, content=body, headers=headers)
            assert answer.status_code in (400, 413, 422), (path, body[:30], answer.status_code)
    deep = b'[{"newDocumentState":{"id":"x","args":' + b'{"a":' * 800 + b"1" + b"}" * 800 + b"}}]"
    headers = {**phone.who.headers, "Content-Type": "application/json"}
    assert phone.api.post(f"{RXDB}/operation/push", content=deep, headers=headers).status_code in (200, 400, 422)
