from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.identity.models import Organization
from app.kit import clock
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.parts.commands import record_use
from app.parts.models import Part, PartMovement, StockLocation
from app.parts.schemas import VisitPartIn
from tests.conftest import Somebody
from tests.field import Job, just_now, the_office


@pytest.fixture
def pump(runtime: Runtime, organization: Organization) -> Part:
    """The catalog has a pump: it costs 45.00 euros."""
    with runtime.transaction(organization.id) as db:
        part = Part(organization_id=organization.id, number="P-100", name="Pump", unit_cost_minor=4500, currency="EUR")
        db.add(part)
        return part


def a_use(**changes: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "part_number": "P-100", "quantity": 1, "occurred_at": just_now(), **changes}


def test_what_was_used_is_recorded_with_the_cost_of_that_day(
    api: TestClient, db: Session, job: Job, pump: Part, ana: Somebody, sam: Somebody
) -> None:
    answer = api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(quantity=2.5), headers=ana.headers)

    assert answer.status_code == 201
    assert (answer.json()["part_id"], answer.json()["quantity"]) == (str(pump.id), 2.5)
    assert answer.json()["unit_cost"] is None
    row = db.exec(select(PartMovement)).one()
    assert (row.quantity, row.delta, row.unit_cost_minor) == (Decimal("2.5"), Decimal("-2.5"), 4500)
    assert ana.technician is not None
    assert (row.work_order_id, row.technician_id) == (job.work_order_id, ana.technician.id)

    changed = api.patch(
        f"/v1/parts/{pump.id}",
        json={"unit_cost_minor": 9900, "currency": "EUR"},
        headers=sam.headers | {"If-Match": api.get(f"/v1/parts/{pump.id}", headers=sam.headers).headers["ETag"]},
    )
    seen = api.get(f"/v1/work-orders/{job.work_order_id}/parts", headers=sam.headers).json()["items"]

    assert changed.json()["unit_cost"] == {"amount_minor": 9900, "currency": "EUR"}
    assert [one["unit_cost"] for one in seen] == [{"amount_minor": 4500, "currency": "EUR"}]


def test_the_same_use_again_is_answered_the_same_and_counted_once(
    api: TestClient, db: Session, job: Job, pump: Part, ana: Somebody
) -> None:
    use = a_use(age_ms=1000, sent_at=just_now())
    first = api.post(f"/v1/visits/{job.visit_id}/parts", json=use, headers=ana.headers)
    again = api.post(
        f"/v1/visits/{job.visit_id}/parts", json={**use, "age_ms": 5000, "sent_at": just_now()}, headers=ana.headers
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert len(db.exec(select(PartMovement)).all()) == 1


def test_an_id_that_was_used_for_something_else_is_refused(
    api: TestClient, db: Session, job: Job, pump: Part, ana: Somebody
) -> None:
    use = a_use()
    api.post(f"/v1/visits/{job.visit_id}/parts", json=use, headers=ana.headers)
    other = api.post(f"/v1/visits/{job.visit_id}/parts", json={**use, "quantity": 3}, headers=ana.headers)

    assert (other.status_code, other.json()["code"]) == (409, "id-reused")
    assert db.exec(select(PartMovement.quantity)).all() == [Decimal(1)]


def test_a_number_that_is_not_in_the_catalog_is_kept_and_flagged(
    api: TestClient, db: Session, job: Job, ana: Somebody
) -> None:
    answer = api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(part_number="PP-1OO"), headers=ana.headers)

    assert answer.status_code == 201
    assert (answer.json()["part_id"], answer.json()["part_number"]) == (None, "PP-1OO")
    assert db.exec(select(PartMovement.unit_cost_minor)).all() == [None]


def test_stock_may_go_negative_and_the_answer_says_so(
    api: TestClient, job: Job, pump: Part, ana: Somebody, dana: Somebody
) -> None:
    api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(kind="returned", quantity=2), headers=ana.headers)
    uses = [
        api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(), headers=ana.headers).json()["went_negative"]
        for _ in range(3)
    ]
    levels = api.get("/v1/stock", headers=ana.headers).json()["items"]

    assert uses == [False, False, True]
    assert [(one["part_number"], one["quantity"]) for one in levels] == [("P-100", -1)]


def test_of_two_who_take_the_last_one_at_once_exactly_one_gets_it(
    api: TestClient, runtime: Runtime, job: Job, pump: Part, ana: Somebody
) -> None:
    path = f"/v1/visits/{job.visit_id}/parts"
    api.post(path, json=a_use(kind="returned"), headers=ana.headers)

    with ThreadPoolExecutor(1) as other, runtime.transaction(job.organization_id) as db:
        given = VisitPartIn.model_validate(a_use())
        first, _ = record_use(db, job.visit(), given, by=the_office(job.organization_id), at=clock.now())
        second = other.submit(api.post, path, json=a_use(), headers=ana.headers)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        db.commit()
        went_negative = second.result().json()["went_negative"]

    assert (first.went_negative, went_negative) == (False, True)


def test_one_use_sent_by_many_threads_at_once_is_one_use(
    api: TestClient, db: Session, job: Job, pump: Part, ana: Somebody
) -> None:
    use = a_use()

    def send(_: int) -> Any:
        return api.post(f"/v1/visits/{job.visit_id}/parts", json=use, headers=ana.headers).json()

    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(send, range(6)))

    assert all(answer == answers[0] for answer in answers)
    assert len(db.exec(select(PartMovement)).all()) == 1


def test_parts_are_recorded_from_the_arrival_on(
    api: TestClient, db: Session, new_job: Callable[..., Job], pump: Part, ana: Somebody
) -> None:
    job = new_job(status="dispatched")

    answer = api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(), headers=ana.headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "not-arrived")
    assert db.exec(select(PartMovement)).all() == []


def test_after_closing_only_what_happened_before_is_taken(api: TestClient, job: Job, pump: Part, ana: Somebody) -> None:
    closed = api.post(
        f"/v1/visits/{job.visit_id}/closure",
        json={"id": str(uuid7()), "occurred_at": just_now(minutes=5)},
        headers=ana.headers,
    )
    late = api.post(
        f"/v1/visits/{job.visit_id}/parts", json=a_use(occurred_at=just_now(minutes=10)), headers=ana.headers
    )
    after = api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(age_ms=0), headers=ana.headers)

    assert closed.json()["verdict"] == "verified"
    assert job.work_order().status == "closed"
    assert late.status_code == 201
    assert (after.status_code, after.json()["code"]) == (409, "work-order-closed")


def test_the_age_says_when_whatever_the_wall_clock_says(
    api: TestClient, db: Session, job: Job, pump: Part, ana: Somebody
) -> None:
    api.post(
        f"/v1/visits/{job.visit_id}/parts",
        json=a_use(occurred_at="2031-01-01T00:00:00Z", age_ms=600_000),
        headers=ana.headers,
    )

    row = db.exec(select(PartMovement)).one()
    assert row.recorded_at - row.effective_at == timedelta(minutes=10)


def test_ben_cannot_see_or_touch_the_parts_of_anas_visit(
    api: TestClient, db: Session, job: Job, pump: Part, ben: Somebody
) -> None:
    path = f"/v1/visits/{job.visit_id}/parts"

    assert api.post(path, json=a_use(), headers=ben.headers).status_code == 404
    assert api.get(path, headers=ben.headers).status_code == 404
    assert db.exec(select(PartMovement)).all() == []


def test_nobody_takes_parts_out_of_another_technicians_van(
    api: TestClient, db: Session, job: Job, pump: Part, ana: Somebody, ben: Somebody, organization: Organization
) -> None:
    assert ben.technician is not None
    vans = StockLocation(organization_id=organization.id, name="Ben's van", kind="van", technician_id=ben.technician.id)
    depot = StockLocation(organization_id=organization.id, name="Depot", kind="depot")
    job.add(vans, depot)

    stolen = api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(location_id=str(vans.id)), headers=ana.headers)
    taken = api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(location_id=str(depot.id)), headers=ana.headers)

    assert (stolen.status_code, taken.status_code) == (404, 201)
    assert db.exec(select(PartMovement.location_id)).all() == [depot.id]


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 1.00001},
        {"part_id": str(uuid7())},
        {"part_number": None},
        {"quantity": 2, "serials": ["SN-1"]},
        {"kind": "counted"},
        {"occurred_at": "2026-05-04T10:00:00"},
        {"color": "red"},
    ],
)
def test_a_use_that_is_not_well_formed_is_refused(
    api: TestClient, db: Session, job: Job, pump: Part, ana: Somebody, changes: dict[str, Any]
) -> None:
    answer = api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(**changes), headers=ana.headers)

    assert answer.status_code == 422
    assert db.exec(select(PartMovement)).all() == []


def test_recording_a_use_takes_six_statements_and_two_that_look_for_devices(
    api: TestClient, runtime: Runtime, job: Job, pump: Part, ana: Somebody, statements: Callable[[], list[str]]
) -> None:
    api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(), headers=ana.headers)
    statements().clear()

    api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(), headers=ana.headers)

    assert len(statements()) <= 8, statements()


def test_a_movement_is_never_changed(db: Session, api: TestClient, job: Job, pump: Part, ana: Somebody) -> None:
    api.post(f"/v1/visits/{job.visit_id}/parts", json=a_use(), headers=ana.headers)

    with pytest.raises(sa.exc.ProgrammingError):
        db.connection().execute(sa.text("UPDATE part_movements SET quantity = 7"))
