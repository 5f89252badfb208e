"""The hot routes send few statements, and as many for twenty jobs as for one. BEGIN and COMMIT are not counted."""

from typing import Any
from uuid import uuid4

import pytest

from app.identity.models import Organization
from app.kit import clock
from app.kit.runtime import Runtime
from app.parts.models import Part
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.statements import statements

#: Every change looks whether a device holds a copy (2); where one does, its document is read and written (2 more).
LOOKS_FOR_DEVICES, TELLS_A_DEVICE = 2, 4


def count(api: CheckedClient, method: str, path: str, *, by: Somebody, json: Any = None) -> int:
    """How many statements the second of two such requests sends: the first one warms what is kept per connection."""
    with statements() as sent:
        answer = api.request(method, path, headers=by.headers, json=json)
    assert answer.status_code in (200, 201), answer.text
    return len(sent)


@pytest.mark.parametrize("jobs", [1, 5, 20])
def test_my_jobs_take_two_statements_however_many_there_are(
    api: CheckedClient, scene: Scene, ana: Somebody, jobs: int
) -> None:
    for _ in range(jobs):
        scene.dispatched(ana)

    assert count(api, "GET", "/v1/me/jobs", by=ana) <= 2
    assert len(scene.get("/v1/me/jobs", by=ana)["items"]) == jobs


def test_one_of_my_jobs_takes_two_statements(api: CheckedClient, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)

    assert count(api, "GET", f"/v1/me/jobs/{visit['id']}", by=ana) <= 2


@pytest.mark.parametrize("has_device", [False, True])
@pytest.mark.parametrize("action", ["accept", "depart", "arrive", "start"])
def test_a_status_update_takes_four_statements_and_those_of_the_feeds(
    api: CheckedClient, scene: Scene, ana: Somebody, action: str, has_device: bool
) -> None:
    visit = scene.dispatched(ana)
    if has_device:
        assert api.get("/v1/sync/changes", headers=ana.headers).status_code == 200
    report = {"id": str(uuid4()), "action": action, "occurred_at": clock.now().isoformat()}
    path = f"/v1/visits/{visit['id']}/status-updates"

    most = 4 + (TELLS_A_DEVICE if has_device else LOOKS_FOR_DEVICES)
    assert count(api, "POST", path, by=ana, json=report) <= most
    assert count(api, "POST", path, by=ana, json=report) <= 3, "a repeat writes nothing"


def test_a_note_takes_four_statements_and_those_of_the_feeds(api: CheckedClient, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    note = {"id": str(uuid4()), "text": "The key is under the mat.", "occurred_at": clock.now().isoformat()}

    assert count(api, "POST", f"/v1/visits/{visit['id']}/notes", by=ana, json=note) <= 4 + LOOKS_FOR_DEVICES


def test_a_used_part_takes_six_statements_and_those_of_the_feeds(
    api: CheckedClient, scene: Scene, runtime: Runtime, organization: Organization, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    scene.report(visit["id"], "start", ana)
    with runtime.transaction(organization.id) as db:
        db.add(Part(organization_id=organization.id, number="P-1", name="Pump", unit_cost_minor=4500, currency="EUR"))
    use = {"id": str(uuid4()), "part_number": "P-1", "quantity": 1, "occurred_at": clock.now().isoformat()}

    assert count(api, "POST", f"/v1/visits/{visit['id']}/parts", by=ana, json=use) <= 6 + LOOKS_FOR_DEVICES


@pytest.mark.parametrize("orders", [1, 12])
def test_the_list_of_work_orders_takes_two_statements(
    api: CheckedClient, scene: Scene, dana: Somebody, orders: int
) -> None:
    for _ in range(orders):
        scene.work_order(approved=False)

    assert count(api, "GET", "/v1/work-orders", by=dana) <= 2


@pytest.mark.parametrize(
    ("key", "at_most"),
    [("cycle_time", 4), ("csat", 4), ("on_time_arrival", 4), ("first_time_fix_rate", 6), ("backlog", 4)],
)
def test_a_kpi_takes_as_many_statements_however_much_work_there_is(
    api: CheckedClient, scene: Scene, ana: Somebody, max_: Somebody, key: str, at_most: int
) -> None:
    path = f"/v1/kpis/{key}?from=2026-01-01&to=2026-12-31&pair=false"
    before = count(api, "GET", path, by=max_)
    for _ in range(3):
        visit = scene.dispatched(ana)
        scene.report(visit["id"], "start", ana)
        scene.report(visit["id"], "complete", ana)

    assert count(api, "GET", path, by=max_) == before <= at_most
