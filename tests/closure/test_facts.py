"""What a closure is judged with beside what its technician says, as it is kept with it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, col, select
from starlette.testclient import TestClient

from app.closure.models import ClosureSubmission
from app.closure.risks import BUSY_ORDERS
from app.customers.models import Asset
from app.domain.closure_case import evaluate_case
from app.domain.ledger import EventType
from app.identity.models import Employment, Technician
from app.kit import clock
from app.kit.runtime import Runtime
from app.visits.models import TimeEntryRow
from app.work_orders.commands import happen
from app.work_orders.ledger import SYSTEM, NewEvent, open_ledger
from app.work_orders.models import WorkOrder
from tests.closure.acts import a_closure, a_promise, submit, upload
from tests.conftest import Somebody
from tests.field import Job
from tests.scene import Scene

DEFAULT = {"review": {"risk": "default"}}


def facts_of(db: Session, visit_id: UUID | str) -> dict[str, Any]:
    db.expire_all()
    return db.exec(select(ClosureSubmission).where(col(ClosureSubmission.visit_id) == visit_id)).one().facts


def sent(scene: Scene, visit_id: str, who: Somebody, **said: Any) -> Any:
    answer = scene.api.post(f"/v1/visits/{visit_id}/closure", json=a_closure(**said), headers=who.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def begun(scene: Scene, who: Somebody, **order: Any) -> dict[str, Any]:
    visit = scene.dispatched(who, scene.work_order(**order))
    scene.report(visit["id"], "start", who)
    return visit


def test_work_is_counted_until_the_technician_says_it_ended_and_overlaps_once(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody, ben: Somebody
) -> None:
    """Ana has worked for two hours, until five minutes ago; Ben beside her, then on his own; a break is no work."""
    assert ben.technician is not None
    job = new_job()

    def entry(kind: str, start: int, minutes: int) -> TimeEntryRow:
        began = job.arrived_at + timedelta(minutes=start)
        return TimeEntryRow(
            organization_id=job.organization_id,
            work_order_id=job.work_order_id,
            visit_id=job.visit_id,
            technician_id=ben.technician.id,
            kind=kind,
            started_at=began,
            ended_at=began + timedelta(minutes=minutes),
        )

    job.add(entry("work", 30, 60), entry("break", -60, 30), entry("work", -30, 15), entry("work", 100, 300))

    told = submit(api, job, ana).json()

    until = datetime.fromisoformat(told["effective_at"])
    expected = int((until - job.arrived_at).total_seconds()) + 15 * 60
    assert facts_of(db, job.visit_id)["worked_seconds"] == expected


def test_who_only_arrived_has_not_worked(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody
) -> None:
    rule = {"id": "work", "kind": "labor_present", "severity": "warn"}
    job = new_job(status="on_site", policy={"rules": [rule]})
    with job.runtime.transaction(job.organization_id) as writing:
        writing.connection().exec_driver_sql("DELETE FROM time_entries")

    told = submit(api, job, ana).json()

    assert facts_of(db, job.visit_id)["worked_seconds"] is None
    assert told["findings"][0]["met"] == "no"


HERE, AWAY = {"lat": 52.52, "lng": 13.405}, {"lat": 52.53, "lng": 13.405}


def at(scene: Scene, place: dict[str, float]) -> None:
    version = scene.get(f"/v1/sites/{scene.site_id}")["version"]
    answer = scene.api.patch(
        f"/v1/sites/{scene.site_id}",
        json={"coordinates": place},
        headers={**scene.office.headers, "If-Match": f'"{version}"'},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("arrival", "submission", "metres"),
    [(HERE, AWAY, 0), (AWAY, HERE, 0), (AWAY, None, 1112), (None, AWAY, 1112), (None, None, None)],
)
def test_presence_is_the_nearest_place_that_somebody_reported(
    scene: Scene,
    db: Session,
    ana: Somebody,
    arrival: dict[str, float] | None,
    submission: dict[str, float] | None,
    metres: int | None,
) -> None:
    at(scene, HERE)
    visit = scene.dispatched(ana)
    scene.report(visit["id"], "arrive", ana, **({"location": arrival} if arrival else {}))

    sent(scene, visit["id"], ana, location=submission)

    found = facts_of(db, visit["id"])
    assert found["presence_m"] == (None if metres is None else pytest.approx(metres, abs=1))
    assert ("geo_mismatch" in found["risks"]) is (metres == 1112)


def test_open_tasks_and_parts_that_are_still_wanted_are_counted(scene: Scene, db: Session, ana: Somebody) -> None:
    items = [
        {"id": "a", "label": "A", "kind": "text", "required": True},
        {"id": "b", "label": "B", "kind": "text", "required": True, "show_if": {"eq": ["answers.a", "yes"]}},
        {"id": "c", "label": "C", "kind": "text"},
    ]
    kind = scene.work_type("open", checklist=items)
    visit = begun(scene, ana, work_type_id=str(kind))
    from tests.sync.stories import holding

    (phone,) = holding(scene, ana)
    for part in ("P-1", "P-2"):
        phone.do("part.request", visit["id"], part=part, qty=1)

    sent(scene, visit["id"], ana, answers={"a": "yes"})

    assert facts_of(db, visit["id"])["open_items"] == {"tasks": 1, "returns": 0, "requests": 2}


def test_an_installation_by_a_contractor_on_a_retired_asset_has_a_risk_for_each(
    scene: Scene, db: Session, runtime: Runtime, ana: Somebody
) -> None:
    with runtime.transaction(ana.person.organization_id) as writing:
        assert ana.technician is not None
        who = writing.get_one(Technician, (ana.person.organization_id, ana.technician.id))
        who.employment = Employment.CONTRACTOR
        asset = writing.get_one(Asset, (ana.person.organization_id, scene.asset_id))
        asset.retired_at = clock.now() - timedelta(days=1)
    kind = scene.work_type("new", purpose="installation", closure_policy=DEFAULT)
    visit = begun(scene, ana, work_type_id=str(kind))

    told = sent(scene, visit["id"], ana)

    assert told["verdict"] == "pending_review"
    assert told["findings"][-1]["facts"]["reasons"] == ["contractor", "install", "new_technician", "retired_asset"]


@pytest.mark.parametrize("jobs", [9, 10])
def test_the_first_ten_jobs_of_a_technician_are_looked_at(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody, jobs: int
) -> None:
    for _ in range(jobs):
        submit(api, new_job(), ana)
    job = new_job()

    submit(api, job, ana)

    assert ("new_technician" in facts_of(db, job.visit_id)["risks"]) is (jobs < 10)


@pytest.mark.parametrize(("closed", "days"), [(BUSY_ORDERS, 5), (BUSY_ORDERS - 1, 5), (BUSY_ORDERS, 31)])
def test_an_asset_that_much_was_done_on_in_a_month_is_looked_at(
    scene: Scene, db: Session, runtime: Runtime, ana: Somebody, closed: int, days: int
) -> None:
    for _ in range(closed):
        visit = begun(scene, ana)
        sent(scene, visit["id"], ana)
    visit = begun(scene, ana)
    with runtime.transaction(ana.person.organization_id) as writing:
        for order in writing.exec(select(WorkOrder).where(col(WorkOrder.status) == "closed")).all():
            order.requested_at = order.closed_at = clock.now() - timedelta(days=days)
            writing.add(order)

    sent(scene, visit["id"], ana)

    assert ("busy_asset" in facts_of(db, visit["id"])["risks"]) is (closed == BUSY_ORDERS and days < 30)


def done_in(job: Job, minutes: int) -> None:
    """The visit took so long, and is over."""
    ended = job.arrived_at + timedelta(minutes=minutes)
    with job.runtime.transaction(job.organization_id) as db:
        over = NewEvent(type=EventType.VISIT_COMPLETED, at=ended, visit_id=job.visit_id)
        happen(db, open_ledger(db, job.organization_id, job.work_order_id), [over], by=SYSTEM, at=ended)


@pytest.mark.parametrize(
    ("known", "minutes", "is_odd"), [(20, 3, True), (20, 60, False), (20, 119, True), (19, 3, False)]
)
def test_a_visit_that_took_unusually_short_or_long_is_looked_at_once_the_usual_is_known(
    api: TestClient,
    db: Session,
    runtime: Runtime,
    new_job: Callable[..., Job],
    ana: Somebody,
    known: int,
    minutes: int,
    is_odd: bool,
) -> None:
    """The others took 50 to 69 minutes each."""
    assert ana.technician is not None
    asked = {"review": {"risk": ["odd_duration"]}}
    jobs = [new_job(policy=asked), *(new_job() for _ in range(known))]
    with runtime.transaction(ana.person.organization_id) as writing:
        kind = writing.get_one(WorkOrder, (ana.person.organization_id, jobs[0].work_order_id)).work_type_id
        for job in jobs:
            order = writing.get_one(WorkOrder, (job.organization_id, job.work_order_id))
            order.work_type_id = kind
            writing.add(order)
    for n, job in enumerate(jobs[1:]):
        done_in(job, 50 + n)
    mine = jobs[0]
    ended = mine.arrived_at + timedelta(minutes=minutes)

    told = submit(api, mine, ana, occurred_at=ended.isoformat()).json()

    assert told["verdict"] == ("pending_review" if is_odd else "verified")
    assert ("odd_duration" in facts_of(db, mine.visit_id)["risks"]) is is_odd


def test_what_is_kept_is_enough_to_come_to_the_same_verdict_again(
    api: TestClient, db: Session, new_job: Callable[..., Job], ana: Somebody
) -> None:
    items = [{"id": "n", "label": "N", "kind": "number", "required": True, "min": 1}]
    rules = [
        {"id": "list", "kind": "checklist", "params": {"failures": "note"}},
        {"id": "after", "kind": "photo", "params": {"tag": "after"}},
        {"id": "scan", "kind": "serial_scan", "params": {"expected": ["S-1"]}},
        {"id": "test", "kind": "functional_test", "params": {"name": "fan"}},
        {"id": "left", "kind": "no_open_items"},
    ]
    job = new_job(policy={"rules": rules, "review": {"sample_percent": 50}}, checklist=items)
    said = {
        "answers": {"n": 0},
        "evidence": [a_promise(location=HERE, sha256="0" * 64)],
        "scans": [{"value": "s-1"}],
        "tests": [{"name": "fan", "value": True}],
        "refused_signatures": [{"role": "customer", "reason": "away"}],
    }

    told = submit(api, job, ana, **said).json()

    row = db.exec(select(ClosureSubmission)).one()
    case = {"policy": row.policy, "facts": row.facts, "submission": row.facts["submission"]}
    again = evaluate_case(case)
    assert told["verdict"] == again["verdict"] == "awaiting_evidence"
    assert told["findings"] == again["findings"]


def test_the_lot_of_a_work_order_is_always_the_same_and_not_that_of_another(
    api: TestClient, db: Session, runtime: Runtime, new_job: Callable[..., Job], ana: Somebody
) -> None:
    import hashlib

    job = new_job(policy={"rules": [{"id": "after", "kind": "photo"}]})
    for _ in range(2):
        submit(api, job, ana)

    salt = f"{runtime.secret}:{job.organization_id}:".encode()
    digest = hashlib.sha256(salt + str(job.work_order_id).encode()).digest()
    draws = [one.facts["draw"] for one in db.exec(select(ClosureSubmission)).all()]
    assert draws == [int.from_bytes(digest[:4], "big") % 10_000] * 2


@pytest.mark.parametrize(
    ("policy", "is_looked_at"),
    [
        ({}, False),
        ({"review": {"always": True, "risk": ["install"]}}, False),
        ({"review": {"risk": "default"}}, True),
        ({"rules": [{"id": "look", "kind": "supervisor_review", "params": {"risk": ["odd_duration"]}}]}, True),
    ],
)
def test_what_is_usual_is_looked_up_only_where_the_policy_minds(
    api: TestClient,
    new_job: Callable[..., Job],
    ana: Somebody,
    statements: Callable[[], list[str]],
    policy: dict[str, Any],
    is_looked_at: bool,
) -> None:
    job = new_job(policy=policy)
    statements().clear()

    submit(api, job, ana)

    assert any("percentile_cont" in one for one in statements()) is is_looked_at


def test_where_the_arrival_counts_a_place_that_is_said_at_the_end_does_not(
    scene: Scene, db: Session, ana: Somebody
) -> None:
    at(scene, HERE)
    rule = {"id": "near", "kind": "geo_presence", "severity": "block", "params": {"source": "arrival"}}
    kind = scene.work_type("near", closure_policy={"rules": [rule]})
    visit = scene.dispatched(ana, scene.work_order(work_type_id=str(kind)))
    scene.report(visit["id"], "arrive", ana, location=AWAY)

    told = sent(scene, visit["id"], ana, location=HERE)

    assert (told["verdict"], facts_of(db, visit["id"])["presence_m"]) == ("unmet", pytest.approx(1112, abs=1))


@pytest.mark.parametrize("is_here", [True, False])
def test_one_picture_may_answer_two_questions_though_it_came_under_two_ids(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, is_here: bool
) -> None:
    items = [{"id": name, "label": name, "kind": "photo", "required": True} for name in ("left", "right")]
    job = new_job(policy={"rules": [{"id": "list", "kind": "checklist"}]}, checklist=items)
    left, right = (a_promise(sha256="a" * 64) for _ in range(2))
    if is_here:
        for one in (left, right):
            upload(api, job, one, ana)

    said = {"left": [left["id"]], "right": [right["id"]]}
    told = submit(api, job, ana, answers=said, evidence=[] if is_here else [left, right]).json()

    assert told["verdict"] == ("verified" if is_here else "awaiting_evidence"), told["findings"]
