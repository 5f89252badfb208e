"""Parts that a device reports after hours: facts are taken, and who keeps the books is told what does not fit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from app.identity.models import Organization
from app.kit import clock
from app.kit.ids import uuid7
from app.kit.problems import NotFound
from app.kit.runtime import Runtime
from app.parts.field_commands import count_own_stock, report_use, request_part
from app.parts.models import Part, PartMovement, PartRequest
from app.parts.queries import van_levels
from app.parts.schemas import PartRequestIn, StockCountIn, VisitPartIn
from app.visits.models import Issue
from app.work_orders.commands import IdReused
from tests.conftest import CheckedClient, Somebody
from tests.field import Job
from tests.scene import Scene
from tests.visits.conftest import Send, given_to

MINUTE = timedelta(minutes=1)


@pytest.fixture
def pump(runtime: Runtime, organization: Organization) -> Part:
    with runtime.transaction(organization.id) as db:
        part = Part(organization_id=organization.id, number="P-100", name="Pump")
        db.add(part)
        return part


def use(
    send: Send, visit_id: UUID, who: Somebody, *, ago: timedelta = MINUTE, **more: Any
) -> tuple[PartMovement, Issue | None]:
    given = {"id": uuid7(), "part_number": "P-100", "quantity": 1, "occurred_at": clock.now() - ago, **more}
    with send(who) as sent:
        told = VisitPartIn.model_validate(given)
        return report_use(sent.db, visit_id, told, effective_at=sent.at - ago, by=sent.by, at=sent.at)


def count(send: Send, who: Somebody, number: str, quantity: float, *, ago: timedelta = MINUTE) -> Issue | None:
    given = StockCountIn(id=uuid7(), part_number=number, quantity=quantity)
    with send(who) as sent:
        return count_own_stock(sent.db, given, effective_at=sent.at - ago, by=sent.by, at=sent.at)[1]


def van_of(db: Session, who: Somebody) -> dict[str, float]:
    assert who.technician is not None
    found = van_levels(db, who.technician.organization_id, [who.technician.id])
    return {one["part_number"]: float(one["quantity"]) for one in found}


def test_parts_are_taken_as_used_before_the_arrival_was_reported_and_after_the_work_was_closed(
    scene: Scene, send: Send, new_job: Callable[..., Job], pump: Part, db: Session, ana: Somebody
) -> None:
    dispatched, done = new_job(status="dispatched"), new_job()
    scene.report(str(done.visit_id), "complete", ana)
    assert done.work_order().status == "closed"

    for job in (dispatched, done):
        use(send, job.visit_id, ana)

    assert len(db.exec(select(PartMovement)).all()) == 2


def test_somebody_who_had_the_visit_before_tells_what_was_used(
    scene: Scene, send: Send, pump: Part, db: Session, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    given_to(scene, visit["id"], ben)

    use(send, UUID(visit["id"]), ana)

    assert van_of(db, ana) == {"P-100": -1}
    assert van_of(db, ben) == {}


def test_the_time_that_was_found_out_before_is_the_one_that_counts(
    send: Send, job: Job, pump: Part, ana: Somebody
) -> None:
    movement, _ = use(send, job.visit_id, ana, ago=20 * MINUTE, occurred_at="2031-01-01T00:00:00Z")

    assert movement.recorded_at - movement.effective_at == 20 * MINUTE


def test_what_the_books_do_not_have_is_an_issue_of_the_stores(
    scene: Scene, send: Send, job: Job, pump: Part, ana: Somebody
) -> None:
    count(send, ana, "P-100", 1, ago=5 * MINUTE)

    in_stock, one_too_many, unknown = (
        use(send, job.visit_id, ana)[1],
        use(send, job.visit_id, ana)[1],
        use(send, job.visit_id, ana, part_number="PP-1OO")[1],
    )

    assert in_stock is None
    assert one_too_many is not None
    assert unknown is not None
    found = {one["id"]: one for one in scene.get("/v1/issues")["items"]}
    assert {one["code"] for one in found.values()} == {"stock_negative", "unknown_part"}
    shown = found[str(one_too_many.id)]
    assert (shown["owner"], shown["severity"], shown["code"]) == ("stores", "warning", "stock_negative")
    assert found[str(unknown.id)]["text"]["en"] == "Ana used 1 of PP-1OO, which is not in the catalog."


def test_a_use_again_is_one_use_and_one_issue(
    scene: Scene, send: Send, job: Job, pump: Part, db: Session, ana: Somebody
) -> None:
    same: dict[str, Any] = {"id": uuid7(), "occurred_at": clock.now()}
    first, again = use(send, job.visit_id, ana, **same), use(send, job.visit_id, ana, **same)

    assert first[0].id == again[0].id
    assert len(scene.get("/v1/issues")["items"]) == 1
    with pytest.raises(IdReused):
        use(send, job.visit_id, ana, **same, quantity=3)
    assert van_of(db, ana) == {"P-100": -1}


def test_a_count_of_ones_own_van_sets_the_level_as_of_its_time(
    send: Send, job: Job, pump: Part, db: Session, ana: Somebody
) -> None:
    use(send, job.visit_id, ana, ago=30 * MINUTE)
    use(send, job.visit_id, ana, ago=10 * MINUTE)

    issue = count(send, ana, "P-100", 5, ago=20 * MINUTE)

    assert issue is None
    assert van_of(db, ana) == {"P-100": 4}


def test_counting_what_nobody_knows_is_kept_and_told(send: Send, db: Session, ana: Somebody, dana: Somebody) -> None:
    issue = count(send, ana, "X-1", 5)

    assert issue is not None
    assert issue.code == "unknown_part"
    assert db.exec(select(PartMovement.part_number)).all() == ["X-1"]
    with pytest.raises(NotFound):
        count(send, dana, "X-1", 5)


def ask(send: Send, job: Job, who: Somebody, **more: Any) -> PartRequest:
    given = PartRequestIn(**{"id": uuid7(), "part_number": "P-100", "quantity": 2, "note": "for Friday", **more})
    with send(who) as sent:
        return request_part(sent.db, job.visit_id, given, effective_at=sent.at, by=sent.by, at=sent.at)


def test_the_store_sees_what_is_asked_for_and_says_how_far_it_has_come(
    api: CheckedClient, scene: Scene, send: Send, job: Job, pump: Part, ana: Somebody, max_: Somebody
) -> None:
    wanted = ask(send, job, ana)
    ask(send, job, ana, id=wanted.id)
    with pytest.raises(IdReused):
        ask(send, job, ana, id=wanted.id, quantity=3)

    [shown] = scene.get("/v1/part-requests", state="open")["items"]
    path = f"/v1/part-requests/{wanted.id}"
    changed = api.patch(path, json={"state": "ordered"}, headers={**max_.headers, "If-Match": '"1"'})
    stale = api.patch(path, json={"state": "canceled"}, headers={**max_.headers, "If-Match": '"1"'})

    assert (shown["part_id"], shown["quantity"], shown["note"]) == (str(pump.id), 2, "for Friday")
    assert (changed.json()["state"], changed.json()["changed_by"], changed.json()["version"]) == (
        "ordered",
        str(max_.id),
        2,
    )
    assert stale.status_code == 412
    assert scene.get("/v1/part-requests", state="open")["items"] == []
    assert api.get("/v1/part-requests", headers=ana.headers).status_code == 403


def test_a_trip_that_ends_for_want_of_parts_asks_for_them(scene: Scene, job: Job, pump: Part, ana: Somebody) -> None:
    scene.report(str(job.visit_id), "end_incomplete", ana, reason="parts", parts_needed=["P-100", "X-1"])

    found = scene.get("/v1/part-requests", work_order_id=str(job.work_order_id))["items"]
    assert ana.technician is not None
    assert [
        (one["part_number"], one["part_id"], one["quantity"]) for one in sorted(found, key=lambda o: o["part_number"])
    ] == [
        ("P-100", str(pump.id), 1),
        ("X-1", None, 1),
    ]
    assert {one["technician_id"] for one in found} == {str(ana.technician.id)}
