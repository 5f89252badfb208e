from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.domain.stock import Movement, level_at
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import utc_iso
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.parts.models import Part, PartMovement
from tests.conftest import Somebody
from tests.field import Job, just_now


@pytest.fixture
def pump(runtime: Runtime, organization: Organization) -> Part:
    with runtime.transaction(organization.id) as db:
        part = Part(organization_id=organization.id, number="P-100", name="Pump")
        db.add(part)
        return part


@pytest.fixture
def depot(api: TestClient, sam: Somebody) -> str:
    made = api.post("/v1/stock-locations", json={"name": "Depot North"}, headers=sam.headers)
    return str(made.json()["id"])


def move(api: TestClient, who: Somebody, part: Part, depot: str, kind: str, quantity: float, **more: Any) -> Any:
    body = {
        "id": str(uuid7()),
        "kind": kind,
        "part_id": str(part.id),
        "quantity": quantity,
        "location_id": depot,
        "occurred_at": just_now(),
        **more,
    }
    return api.post("/v1/stock/movements", json=body, headers=who.headers)


def levels(api: TestClient, who: Somebody, **filters: Any) -> dict[str, float]:
    """Location → quantity."""
    found = api.get("/v1/stock", params=filters, headers=who.headers).json()["items"]
    return {one["location_id"]: one["quantity"] for one in found}


def test_what_the_store_does_changes_the_levels(
    api: TestClient, sam: Somebody, ana: Somebody, pump: Part, depot: str
) -> None:
    assert ana.technician is not None
    van = api.post(
        "/v1/stock-locations",
        json={"name": "Ana's van", "kind": "van", "technician_id": str(ana.technician.id)},
        headers=sam.headers,
    ).json()["id"]

    received = move(api, sam, pump, depot, "received", 10)
    transferred = move(api, sam, pump, depot, "transferred", 4, to_location_id=van)

    assert (received.status_code, transferred.status_code) == (201, 201)
    assert [one["kind"] for one in transferred.json()["items"]] == ["transferred_out", "transferred_in"]
    assert levels(api, sam) == {depot: 6, van: 4}
    assert levels(api, sam, location_id=van) == {van: 4}
    assert levels(api, ana) == {van: 4}


def test_a_use_that_comes_late_but_was_before_the_count_changes_nothing(
    api: TestClient, sam: Somebody, ana: Somebody, pump: Part, job: Job
) -> None:
    use = {"part_number": "P-100", "quantity": 1}
    path = f"/v1/visits/{job.visit_id}/parts"
    first = api.post(path, json={"id": str(uuid7()), "occurred_at": just_now(minutes=50), **use}, headers=ana.headers)
    van = first.json()["location_id"]
    move(api, sam, pump, van, "counted", 7, occurred_at=just_now(minutes=30))

    late = api.post(path, json={"id": str(uuid7()), "occurred_at": just_now(minutes=40), **use}, headers=ana.headers)
    assert (levels(api, sam), late.json()["went_negative"]) == ({van: 7}, False)

    api.post(path, json={"id": str(uuid7()), "occurred_at": just_now(minutes=20), **use}, headers=ana.headers)
    assert levels(api, sam) == {van: 6}


def test_the_same_movement_again_is_recorded_once(
    api: TestClient, db: Session, sam: Somebody, pump: Part, depot: str
) -> None:
    again = {"id": str(uuid7()), "occurred_at": just_now()}
    first = move(api, sam, pump, depot, "received", 3, **again)
    second = move(api, sam, pump, depot, "received", 3, **again)
    other = move(api, sam, pump, depot, "received", 4, **again)

    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "id-reused")
    assert len(db.exec(select(PartMovement)).all()) == 1


def test_the_levels_of_the_database_are_those_of_the_rule(
    api: TestClient, db: Session, organization: Organization, job: Job, sam: Somebody, pump: Part, depot: str
) -> None:
    chance, start, known = Random(7), clock.now() - timedelta(days=1), []
    for number in range(60):
        at: datetime = start + timedelta(minutes=chance.randrange(30))
        counted = chance.random() < 0.2
        quantity = chance.randrange(1, 9)
        body = {"occurred_at": utc_iso(at), "id": str(uuid7())}
        kind = "counted" if counted else "received"
        answer = move(api, sam, pump, depot, kind, quantity, **body).json()["items"][0]
        name = UUID(answer["id"])
        known.append(Movement(at, name, 0 if counted else quantity, quantity if counted else None))  # type: ignore[arg-type]
        if number % 10 == 9:
            assert levels(api, sam) == {depot: float(level_at(known))}


def test_the_catalog_is_searched_and_read_page_by_page(api: TestClient, sam: Somebody) -> None:
    for number in ("A-1", "A-2", "B-1"):
        api.post("/v1/parts", json={"number": number, "name": f"Thing {number}"}, headers=sam.headers)

    first = api.get("/v1/parts", params={"limit": 2}, headers=sam.headers).json()
    rest = api.get("/v1/parts", params={"limit": 2, "cursor": first["next_cursor"]}, headers=sam.headers).json()
    found = api.get("/v1/parts", params={"q": "a-"}, headers=sam.headers).json()

    assert [one["number"] for one in first["items"] + rest["items"]] == ["B-1", "A-2", "A-1"]
    assert rest["next_cursor"] is None
    assert [one["number"] for one in found["items"]] == ["A-2", "A-1"]


@pytest.mark.parametrize("params", [{"q": "a\0"}, {"number": ""}, {"limit": 0}, {"color": "red"}])
def test_a_search_that_is_not_well_formed_is_refused(api: TestClient, sam: Somebody, params: dict[str, Any]) -> None:
    assert api.get("/v1/parts", params=params, headers=sam.headers).status_code == 422


def test_a_part_number_is_unique_and_an_edit_says_which_version(api: TestClient, sam: Somebody, pump: Part) -> None:
    twice = api.post("/v1/parts", json={"number": "P-100", "name": "Pump"}, headers=sam.headers)
    blind = api.patch(f"/v1/parts/{pump.id}", json={"name": "Big pump"}, headers=sam.headers)
    stale = api.patch(f"/v1/parts/{pump.id}", json={"name": "Big pump"}, headers=sam.headers | {"If-Match": '"x"'})

    assert (twice.status_code, twice.json()["code"]) == (409, "part-number-taken")
    assert (blind.status_code, stale.status_code) == (428, 412)
    assert stale.json()["current"]["name"] == "Pump"


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0},
        {"kind": "transferred"},
        {"kind": "lost"},
        {"to_location_id": str(uuid7())},
        {"quantity": -1},
    ],
)
def test_a_movement_that_is_not_well_formed_is_refused(
    api: TestClient, db: Session, sam: Somebody, pump: Part, depot: str, changes: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"kind": "received", "quantity": 1, **changes}
    answer = move(api, sam, pump, depot, **given)

    assert answer.status_code == 422
    assert db.exec(select(PartMovement)).all() == []


def test_a_van_belongs_to_one_technician_who_exists(api: TestClient, sam: Somebody, ana: Somebody) -> None:
    assert ana.technician is not None
    van = {"name": "Van", "kind": "van", "technician_id": str(ana.technician.id)}

    answers = [
        api.post("/v1/stock-locations", json=body, headers=sam.headers)
        for body in (van, van, {**van, "technician_id": str(uuid7())})
    ]

    assert [answer.status_code for answer in answers] == [201, 409, 404]


def test_technicians_see_the_catalog_without_costs_and_change_nothing(
    api: TestClient, sam: Somebody, ana: Somebody, dana: Somebody
) -> None:
    body = {"number": "P-1", "name": "Pump", "unit_cost_minor": 4500, "currency": "EUR"}
    assert api.post("/v1/parts", json=body, headers=ana.headers).status_code == 403
    api.post("/v1/parts", json=body, headers=sam.headers)

    seen = {who.person.name: api.get("/v1/parts", headers=who.headers).json()["items"] for who in (ana, dana, sam)}

    assert [items[0]["unit_cost"] for items in seen.values()] == [None, None, {"amount_minor": 4500, "currency": "EUR"}]
