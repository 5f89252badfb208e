"""Who may hold what: a job that leaves, leaves every device; what is somebody else's is never sent."""

from typing import Any

import orjson
from sqlmodel import Session

from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.test_positions import entries_of, revs_of, technician_of


def test_i04_a_job_that_leaves_is_taken_from_every_device_of_the_technician(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody, db: Session
) -> None:
    """Given away, called off, taken out of the crew: each says why, on both devices."""
    given, canceled, left = (scene.dispatched(who) for who in (ana, ana, ben))
    member = {"technician_id": str(technician_of(ana))}
    scene.plan(left["id"], "crew", member)
    devices = [Phone(api, ana), Phone(api, ana)]
    for device in devices:
        device.pull()
        assert {id_ for kind, id_ in device.held if kind == "job"} == {given["id"], canceled["id"], left["id"]}

    body = {"technician_id": str(technician_of(ben)), "reason_code": "closer", "force_reason": "closer"}
    scene.plan(given["id"], "reassignment", body)
    scene.plan(canceled["id"], "cancellation", {"cause": "customer", "reason": "sold"})
    version = scene.get(f"/v1/visits/{left['id']}")["version"]
    path = f"/v1/visits/{left['id']}/crew/{member['technician_id']}"
    answer = api.delete(path, headers={**scene.office.headers, "If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text

    for device in devices:
        device.pull()
        assert not [id_ for kind, id_ in device.held if kind == "job"]
        assert {id_: reason for (kind, id_), reason in device.removed.items() if kind == "job"} == {
            given["id"]: "reassigned",
            canceled["id"]: "canceled",
            left["id"]: "unassigned",
        }
        assert revs_of(device) == entries_of(db, ana)


def test_i04_nothing_of_somebody_elses_is_ever_sent(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    """Ben asks in every way there is, with Ana's cursor and Ana's ids, and learns nothing."""
    visit = scene.dispatched(ana)
    phone, stranger = Phone(api, ana), Phone(api, ben)
    phone.pull()
    stranger.pull()
    heard: list[Any] = []

    def ask(method: str, path: str, **more: Any) -> Any:
        answer = api.request(method, path, headers=ben.headers, **more)
        heard.append(answer.content)
        return answer

    foreign = ask("GET", "/v1/sync/changes", params={"cursor": phone.cursor})
    ask("GET", "/v1/sync/changes")
    ask("POST", "/v1/sync/reconcile", json={"have": {"job": {visit["id"]: phone.held["job", visit["id"]][0]}}})
    pushed = ask(
        "POST",
        "/v1/sync",
        json={
            "sent_at": "2026-11-21T10:00:00Z",
            "cursor": phone.cursor,
            "operations": [stranger.operation("note.add", visit["id"], text="who are you?")],
        },
    )

    assert (foreign.status_code, foreign.json()["code"]) == (410, "cursor_foreign")
    assert pushed.json()["reset"] == {"code": "cursor_foreign", "recovery": "reconcile"}
    assert [one["code"] for one in pushed.json()["results"]] == ["target_not_found"]
    said = b"".join(heard)
    document = phone.job(visit["id"])
    for secret in (document["no"], document["site"]["address"], document["contact"]["phone"]):
        assert orjson.dumps(secret)[1:-1] not in said
    there = [change for body in heard for change in orjson.loads(body).get("changes") or () if change["op"] == "put"]
    assert {change["kind"] for change in there} <= {"me", "manifest", "stock"}
