"""`GET /v1/sync/changes` and `POST /v1/sync/reconcile`: what a device is sent, and that it then holds just that."""

import time
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from app.sync import pulling
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.test_positions import technician_of


def test_a_new_device_gets_everything_and_then_only_what_changes(
    api: CheckedClient, scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana)

    phone.pull()

    assert {kind for kind, _ in phone.held} == {"me", "job", "manifest"}
    assert phone.job(visit["id"])["status"] == "dispatched"
    assert phone.job(visit["id"])["contact"]["phone"] == "+4915112345678"
    assert phone.get("/v1/sync/changes", cursor=phone.cursor).status_code == 204

    scene.report(visit["id"], "depart", ana)
    answer = phone.get("/v1/sync/changes", cursor=phone.cursor)

    assert [(one["kind"], one["op"]) for one in answer.json()["changes"]] == [("job", "put")]
    assert answer.json()["changes"][0]["data"]["status"] == "en_route"
    assert answer.headers["sync-protocol"] == "1"
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_job_given_to_somebody_else_leaves_with_a_reason(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    phone, other = Phone(api, ana), Phone(api, ben)
    phone.pull()
    other.pull()

    body = {"technician_id": str(ben.technician.id), "reason_code": "closer", "force_reason": "closer"}
    scene.plan(visit["id"], "reassignment", body)
    phone.pull()
    other.pull()

    assert phone.removed == {("job", visit["id"]): "reassigned"}
    assert ("job", visit["id"]) not in phone.held
    assert other.job(visit["id"])["status"] == "scheduled"


def test_what_the_office_changes_about_the_technician_the_firm_and_a_part_reaches_the_device(
    scene: Scene, ana: Somebody
) -> None:
    part = scene.post("/v1/parts", {"number": "P-1", "name": "Pump"}, by=scene.boss, status=201)
    visit = scene.dispatched(ana)
    phone = Phone(scene.api, ana)
    phone.pull()
    phone.do("part.use", visit["id"], part="P-1", qty=1)
    assert phone.held["stock", "P-1"][1]["name"] == "Pump"

    for path, body in (
        (f"/v1/technicians/{technician_of(ana)}", {"name": "Ana the Second", "skills": ["gas"]}),
        ("/v1/organization", {"name": "Cold & Co", "time_zone": "Europe/Madrid"}),
        (f"/v1/parts/{part['id']}", {"name": "Old pump"}),
    ):
        headers = scene.boss.headers | {"If-Match": scene.api.get(path, headers=scene.boss.headers).headers["etag"]}
        answer = scene.api.patch(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    phone.pull()

    me = phone.held["me", str(technician_of(ana))][1]
    assert (me["name"], me["skills"], me["organization"]["name"]) == ("Ana the Second", ["gas"], "Cold & Co")
    assert phone.held["stock", "P-1"][1]["name"] == "Old pump"


def test_a_job_with_long_notes_fits_and_says_that_there_are_more(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(scene.api, ana)
    phone.pull()
    for number in range(8):
        phone.do("note.add", visit["id"], text=f"{number} " + 9_990 * "x")

    job = phone.job(visit["id"])

    assert len(orjson.dumps(job)) <= 65_536
    assert job["more"] == {"notes": True}
    assert [note["text"][0] for note in job["notes"]] == ["7", "6", "5", "4", "3", "2"]


def test_a_page_ends_where_it_is_large_enough_and_the_next_ones_bring_the_rest(
    scene: Scene, ana: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = [scene.dispatched(ana) for _ in range(4)]
    whole = Phone(scene.api, ana)
    assert whole.pull() == 1
    monkeypatch.setattr(pulling, "PAGE_BYTES", 3_000)
    phone = Phone(scene.api, ana)

    pages = phone.pull()
    for visit in visits:
        scene.report(visit["id"], "depart", ana)
    later = phone.pull()
    whole.pull()

    assert (pages > 2, later > 1) == (True, True)
    assert phone.held == whole.held


def test_a_long_poll_is_answered_as_soon_as_there_is_something(api: CheckedClient, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    phone = Phone(api, ana).register()
    phone.pull()
    assert phone.get("/v1/sync/changes", cursor=phone.cursor).status_code == 204

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(
            api.get, "/v1/sync/changes", params={"cursor": phone.cursor, "wait": 20}, headers=ana.headers
        )
        began = time.monotonic()
        while waiting.running() is False and not waiting.done():
            pass
        scene.report(visit["id"], "depart", ana)
        answer = waiting.result(timeout=15)

    assert answer.json()["changes"][0]["data"]["status"] == "en_route"
    assert time.monotonic() - began < 10


def test_a_glance_says_the_same_as_the_ordinary_way(
    api: CheckedClient, scene: Scene, ana: Somebody, ben: Somebody, dana: Somebody
) -> None:
    scene.dispatched(ana)
    phone = Phone(api, ana).register()
    phone.pull()
    fine = phone.cursor or ""

    def both(cursor: str, headers: dict[str, str]) -> set[tuple[int, str | None]]:
        """The answer of a glance, and of the ordinary way, which a digest asks for."""
        told = set()
        for more in ({}, {"limit": 100}, {"wait": 0}):
            answer = api.get("/v1/sync/changes", params={"cursor": cursor, **more}, headers=headers)
            told.add((answer.status_code, answer.json()["code"] if answer.content else None))
        ordinary = api.get("/v1/sync/changes", params={"cursor": cursor, "digest": 1}, headers=headers)
        code = ordinary.json().get("code")
        told.add((204, None) if ordinary.status_code == 200 and not ordinary.json()["changes"] else
                 (ordinary.status_code, code))  # fmt: skip
        return told

    assert both(fine, ana.headers) == {(204, None)}
    assert both(fine, ben.headers) == {(410, "cursor_foreign")}
    assert both(fine[:-2] + "AA", ana.headers) == {(410, "cursor_unreadable")}
    assert both(fine, dana.headers) == {(403, "not_allowed")}
    assert both(fine, {"Authorization": "Bearer nonsense"}) == {(401, "not_signed_in")}
