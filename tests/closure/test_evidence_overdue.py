"""What waits for too long is shown to the office once; it is never approved because time has passed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select
from starlette.testclient import TestClient

from app.closure.models import ClosureSubmission
from app.closure.upkeep import escalate, escalate_organization
from app.identity.models import Organization
from app.kit import clock
from app.kit.runtime import Runtime
from app.work_orders.ledger import open_ledger
from app.work_orders.models import WorkOrder
from tests.closure.acts import a_promise, closure_of, decide, issues_of, submit, upload, waive
from tests.conftest import Somebody
from tests.field import Job

AFTER = {"id": "after", "kind": "photo", "params": {"tag": "after"}, "waivable_by": "supervisor"}
OVERDUE = ("dispatcher", "evidence_overdue", "warning")
TOLD = ("technician", "evidence_overdue", "info")


Sweep = Callable[..., None]


@pytest.fixture
def sweep(runtime: Runtime, organization: Organization) -> Sweep:
    """The office's clock, so many hours on."""

    def run(**later: float) -> None:
        escalate_organization(runtime, organization.id, at=clock.now() + timedelta(**later))

    return run


def long_ago(runtime: Runtime, job: Job, column: str) -> None:
    with runtime.transaction(job.organization_id) as db:
        submission = db.exec(select(ClosureSubmission).where(col(ClosureSubmission.visit_id) == job.visit_id)).one()
        setattr(submission, column, clock.now() - timedelta(minutes=1))
        db.add(submission)


def test_evidence_that_has_not_come_in_time_is_shown_once_to_the_office_and_to_its_technician(
    api: TestClient, db: Session, new_job: Callable[..., Job], sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    job = new_job(policy={"rules": [AFTER]})
    submit(api, job, ana, evidence=[a_promise()])

    sweep(hours=47)
    before = issues_of(api, dana)
    sweep(hours=49)
    told_at = db.exec(select(ClosureSubmission.escalated_at)).one()
    sweep(hours=60)

    assert told_at is not None
    assert db.exec(select(ClosureSubmission.escalated_at)).one() == told_at

    assert before == []
    assert sorted(issues_of(api, dana)) == [OVERDUE, TOLD]
    (issue, _) = api.get("/v1/issues", headers=dana.headers).json()["items"]
    assert issue["text"]["en"].endswith("1 photos or signatures that Ana promised have not arrived in time.")
    assert (closure_of(api, job, ana)["verdict"], job.work_order().status) == ("awaiting_evidence", "completed")


def test_when_the_evidence_comes_after_all_nobody_has_to_do_anything(
    api: TestClient, new_job: Callable[..., Job], sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    job, photo = new_job(policy={"rules": [AFTER]}), a_promise()
    submit(api, job, ana, evidence=[photo])
    sweep(hours=49)

    upload(api, job, photo, ana)

    assert issues_of(api, dana) == []
    assert job.work_order().status == "closed"


def test_a_review_that_is_overdue_is_shown_once_and_approves_nothing(
    api: TestClient,
    new_job: Callable[..., Job],
    sweep: Callable[..., None],
    ana: Somebody,
    dana: Somebody,
    sam: Somebody,
) -> None:
    job = new_job(policy={"review": {"always": True, "within_hours": 2}})
    submit(api, job, ana)

    sweep(hours=1)
    before = issues_of(api, dana)
    for days in (1, 30, 365):
        sweep(days=days)

    assert before == []
    assert issues_of(api, dana) == [("dispatcher", "review_overdue", "high")]
    assert (closure_of(api, job, ana)["verdict"], job.work_order().status) == ("pending_review", "completed")

    decide(api, job, sam, "approve")
    assert issues_of(api, dana) == []


def test_what_waited_for_evidence_and_then_waits_for_a_review_is_shown_for_both(
    api: TestClient, new_job: Callable[..., Job], sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    job, photo = new_job(policy={"rules": [AFTER], "review": {"always": True}}), a_promise()
    submit(api, job, ana, evidence=[photo])
    sweep(hours=49)
    upload(api, job, photo, ana)

    sweep(hours=25)

    assert issues_of(api, dana) == [("dispatcher", "review_overdue", "high")]


def test_a_waiver_ends_the_waiting(
    api: TestClient,
    new_job: Callable[..., Job],
    sweep: Callable[..., None],
    ana: Somebody,
    dana: Somebody,
    sam: Somebody,
) -> None:
    job = new_job(policy={"rules": [AFTER]})
    submit(api, job, ana, evidence=[a_promise()])
    sweep(hours=49)

    waive(api, job, sam, "after")
    waive(api, job, sam, "evidence")

    assert issues_of(api, dana) == []
    assert job.work_order().status == "closed"


def test_the_sweep_looks_after_every_organization(
    api: TestClient, runtime: Runtime, new_job: Callable[..., Job], ana: Somebody, dana: Somebody
) -> None:
    job = new_job(policy={"rules": [AFTER]})
    submit(api, job, ana, evidence=[a_promise()])
    long_ago(runtime, job, "evidence_due_at")

    escalate(runtime)

    assert sorted(issues_of(api, dana)) == [OVERDUE, TOLD]


def test_reviews_are_listed_by_when_they_are_due_over_pages_and_say_what_is_overdue(
    api: TestClient, runtime: Runtime, new_job: Callable[..., Job], ana: Somebody, sam: Somebody
) -> None:
    later, late, soon = (new_job(policy={"review": {"always": True, "within_hours": h}}) for h in (30, 40, 3))
    for job in (later, late, soon):
        submit(api, job, ana)
    long_ago(runtime, late, "review_due_at")

    first = api.get("/v1/reviews", params={"limit": 2}, headers=sam.headers).json()
    rest = api.get("/v1/reviews", params={"cursor": first["next_cursor"]}, headers=sam.headers).json()

    listed = [*first["items"], *rest["items"]]
    assert [one["visit_id"] for one in listed] == [str(job.visit_id) for job in (late, soon, later)]
    assert [one["overdue"] for one in listed] == [True, False, False]
    assert all(one["due_at"] > one["recorded_at"] for one in listed[1:])
    assert rest["next_cursor"] is None


def test_a_closure_that_another_has_replaced_is_waited_for_no_more(
    api: TestClient, new_job: Callable[..., Job], sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    job = new_job(policy={"rules": [AFTER]})
    submit(api, job, ana, evidence=[a_promise()])
    sweep(hours=49)
    late = issues_of(api, dana)
    photo = a_promise()
    upload(api, job, photo, ana)

    told = submit(api, job, ana, evidence=[photo]).json()
    settled = issues_of(api, dana)
    sweep(hours=99)

    assert (sorted(late), told["verdict"]) == ([OVERDUE, TOLD], "verified")
    assert (settled, issues_of(api, dana)) == ([], [])


def test_of_two_submissions_that_wait_only_the_newer_is_late(
    api: TestClient, new_job: Callable[..., Job], sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    job = new_job(policy={"rules": [AFTER]})
    for _ in range(2):
        assert submit(api, job, ana, evidence=[a_promise()]).json()["verdict"] == "awaiting_evidence"

    sweep(hours=49)

    assert sorted(issues_of(api, dana)) == [OVERDUE, TOLD]


def test_who_waits_for_the_customers_word_is_not_asked_for_pictures(
    api: TestClient, new_job: Callable[..., Job], sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    asking = {"id": "confirm", "kind": "customer_confirm", "params": {"hours": 1000}}
    job, photo = new_job(policy={"rules": [AFTER, asking]}), a_promise()
    submit(api, job, ana, evidence=[photo])
    upload(api, job, photo, ana)

    sweep(hours=49)

    assert closure_of(api, job, ana)["verdict"] == "awaiting_evidence"
    assert issues_of(api, dana) == []


def test_work_that_was_given_up_is_waited_for_no_more(
    api: TestClient, new_job: Callable[..., Job], sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    job = new_job(policy={"rules": [AFTER]})
    submit(api, job, ana, evidence=[a_promise()])
    with job.runtime.transaction(job.organization_id) as db:
        order = db.get_one(WorkOrder, (job.organization_id, job.work_order_id))
        order.status = "cannot_complete"
        db.add(order)

    sweep(hours=49)

    assert issues_of(api, dana) == []


def test_the_sweep_leaves_alone_what_somebody_decides_about_at_this_moment(
    api: TestClient, new_job: Callable[..., Job], runtime: Runtime, sweep: Sweep, ana: Somebody, dana: Somebody
) -> None:
    """Who decides locks the work order first: were the sweep to wait for it with a closure in hand, neither went on."""
    job = new_job(policy={"review": {"always": True}})
    submit(api, job, ana)

    with runtime.transaction(job.organization_id) as deciding:
        open_ledger(deciding, job.organization_id, job.work_order_id)
        deciding.connection().exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '10s'")
        sweep(hours=49)
        during = issues_of(api, dana)
    sweep(hours=49)

    assert during == []
    assert issues_of(api, dana) == [("dispatcher", "review_overdue", "high")]
