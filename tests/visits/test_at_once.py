"""Several devices, or one that does not wait, at the same moment: one wins, and nothing is done twice."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from app.kit import clock
from app.kit.database import rows
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene

AT_ONCE = 12


def at_once(send: Callable[[int], Any]) -> list[Any]:
    """What `send(0)` to `send(11)` answer, begun in the same moment."""
    ready = Barrier(AT_ONCE)

    def one(number: int) -> Any:
        ready.wait()
        return send(number)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


def events_of_type(db: Session, kind: str) -> int:
    """In the test's own organization, which `db` is in."""
    return int(rows(db, "SELECT count(*) AS n FROM events WHERE type = %(t)s", t=kind)[0]["n"])


def test_of_twelve_devices_that_report_the_same_step_one_is_heard(
    scene: Scene, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    visit = scene.dispatched(ana)
    path = f"/v1/visits/{visit['id']}/status-updates"
    said = {"action": "accept", "occurred_at": clock.now().isoformat()}

    answers = at_once(lambda _: api.post(path, json={**said, "id": str(uuid4())}, headers=ana.headers))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: AT_ONCE - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"invalid-transition"}
    assert events_of_type(db, "visit.accepted") == 1


def test_twelve_sendings_of_one_report_have_one_effect_and_one_answer(
    scene: Scene, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    visit = scene.dispatched(ana)
    path = f"/v1/visits/{visit['id']}/status-updates"
    body = {"id": str(uuid4()), "action": "depart", "occurred_at": clock.now().isoformat()}

    answers = at_once(lambda number: api.post(path, json={**body, "age_ms": number}, headers=ana.headers))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: AT_ONCE - 1}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert events_of_type(db, "visit.departed") == 1


def test_one_report_id_for_two_work_orders_at_once_is_heard_once(
    scene: Scene, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    visits = [scene.dispatched(ana)["id"] for _ in range(AT_ONCE)]
    body = {"id": str(uuid4()), "action": "accept", "occurred_at": clock.now().isoformat()}

    answers = at_once(
        lambda number: api.post(f"/v1/visits/{visits[number]}/status-updates", json=body, headers=ana.headers)
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: AT_ONCE - 1}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"id-reused"}
    assert events_of_type(db, "visit.accepted") == 1


def test_twelve_sendings_of_one_note_are_one_note(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    body = {"id": str(uuid4()), "text": "Key is at the neighbor's", "occurred_at": clock.now().isoformat()}

    answers = at_once(lambda _: api.post(f"/v1/visits/{visit['id']}/notes", json=body, headers=ana.headers))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: AT_ONCE - 1}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert len(scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")["items"]) == 1


@pytest.mark.parametrize("key", ["id", "header"])
def test_twelve_sendings_of_one_request_for_work_are_one_work_order(scene: Scene, api: CheckedClient, key: str) -> None:
    mine = str(uuid4())
    body: dict[str, Any] = {"title": "Leak", "work_type_id": str(scene.work_type_id)}
    headers = dict(scene.office.headers)
    if key == "id":
        body["id"] = mine
    else:
        headers["Idempotency-Key"] = mine

    answers = at_once(lambda _: api.post("/v1/work-orders", json=body, headers=headers))

    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert len(scene.get("/v1/work-orders")["items"]) == 1


def test_of_twelve_edits_of_one_version_one_passes(scene: Scene, api: CheckedClient) -> None:
    order = scene.work_order()
    headers = {**scene.office.headers, "If-Match": f'"{order["version"]}"'}

    answers = at_once(
        lambda number: api.patch(f"/v1/work-orders/{order['id']}", json={"title": f"Edit {number}"}, headers=headers)
    )

    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: AT_ONCE - 1}
    [won] = [answer.json()["title"] for answer in answers if answer.status_code == 200]
    assert scene.order(order["id"])["title"] == won


def test_of_accept_and_withdraw_at_once_both_tell_the_same_story(
    scene: Scene, api: CheckedClient, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    path = f"/v1/visits/{visit['id']}"
    version = scene.get(path)["version"]
    later = (clock.now() + timedelta(seconds=1)).isoformat()

    def send(number: int) -> Any:
        if number % 2:
            body = {"id": str(uuid4()), "action": "accept", "occurred_at": later}
            return api.post(f"{path}/status-updates", json=body, headers=ana.headers)
        headers = {**scene.office.headers, "If-Match": f'"{version}"'}
        return api.post(f"{path}/cancellation", json={"cause": "customer", "reason": "sold"}, headers=headers)

    answers = at_once(send)

    applied = [answer for number, answer in enumerate(answers) if answer.status_code in (200, 201)]
    winners = [a for a in applied if a.json().get("result", "applied") == "applied"]
    assert len(winners) == 1
    assert scene.get(path)["status"] == winners[0].json()["status"]
    assert UUID(scene.get(path)["id"])
