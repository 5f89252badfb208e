"""A completed fact is never lost: `visit.complete` in every status of the visit, whoever it belongs to by then.

Each ends as applied, or noted with issues; and in each the parts and hours of who did it count.
"""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.lifecycle import PLANNED, UNDERWAY, VisitStatus
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import utc_iso
from app.kit.runtime import Runtime
from app.parts.models import Part
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import (
    V,
    answer_of,
    bring,
    events,
    give_to,
    holding,
    hours_of,
    issues,
    long_ago,
    parts_of,
    technician_id,
)

Answer = tuple[str, str | None, bool]
OPEN = PLANNED | UNDERWAY

#: Somebody's own visit, alone or in a crew: what became of it → what they are told.
MINE: dict[VisitStatus, Answer] = {
    **dict.fromkeys(OPEN, ("applied", None, False)),
    V.COMPLETED: ("applied", None, True),
    V.INCOMPLETE: ("noted", "visit_incomplete", False),
    V.DECLINED: ("noted", "visit_declined", False),
    V.NO_SHOW: ("noted", "visit_no_show", False),
    V.CANCELED: ("noted", "job_cancelled", False),
}
#: One that was given to somebody else, who brought it into this status.
GIVEN_AWAY: dict[VisitStatus, Answer] = {
    **dict.fromkeys(PLANNED, ("applied", "completed_after_reassign", False)),
    **dict.fromkeys(UNDERWAY, ("noted", "reassigned", False)),
    V.COMPLETED: ("noted", "already_done_by_other", False),
    V.INCOMPLETE: ("noted", "already_done_by_other", False),
    V.DECLINED: ("noted", "reassigned", False),
    V.NO_SHOW: ("noted", "reassigned", False),
    V.CANCELED: ("noted", "job_cancelled", False),
}


@pytest.fixture(autouse=True)
def _pump(runtime: Runtime, organization: Organization) -> None:
    with runtime.transaction(organization.id) as db:
        db.add(Part(organization_id=organization.id, number="P-1", name="Pump"))


def work_done(phone: Phone, visit_id: str) -> dict[str, Any]:
    """Half an hour of work and a pump."""
    now = clock.now()
    labour = {"kind": "work", "started_at": utc_iso(now - timedelta(minutes=31)), "ended_at": utc_iso(now)}
    return phone.operation(
        "visit.complete", visit_id, resolution="repaired", parts=[{"part": "P-1", "qty": 1}], labour=[labour]
    )


def check_kept(scene: Scene, visit: dict[str, Any], who: Somebody, done: dict[str, Any]) -> None:
    assert ("used", "P-1", 1) in parts_of(scene, visit["id"])
    assert done["args"]["labour"][0]["started_at"] in [start for _, start, _ in hours_of(scene, visit["id"], who)]


def check_shown(scene: Scene, done: dict[str, Any], told: Answer) -> None:
    """Whatever is not simply applied is before the dispatcher and before who sent it."""
    status, code, _ = told
    shown = {(owner, what) for owner, what, _ in issues(scene, done["op_id"])} | {
        (owner, what) for owner, what, _ in issues(scene) if what == "stock_negative"
    }
    expected = {("dispatcher", code), ("technician", code)} if code else set()
    assert shown - {("stores", "stock_negative"), ("dispatcher", "double_work")} == expected, status


@pytest.mark.parametrize("status", list(V))
def test_who_is_to_go_completes(scene: Scene, ana: Somebody, status: VisitStatus) -> None:
    visit = scene.schedule(scene.work_order(), ana, **long_ago(scene))
    (phone,) = holding(scene, ana)
    bring(scene, visit["id"], ana, status)

    done = work_done(phone, visit["id"])
    told = answer_of(phone.push(done)[0])

    assert told == MINE[status]
    check_kept(scene, visit, ana, done)
    check_shown(scene, done, told)
    now = scene.get(f"/v1/visits/{visit['id']}")
    assert now["status"] == (V.COMPLETED if status in OPEN else status)
    assert events(scene, visit).count("visit.completed") == (status in OPEN or status is V.COMPLETED)
    if status in OPEN:
        assert phone.job(visit["id"])["status"] == "completed"
        assert scene.order(visit["work_order_id"])["status"] == "closed"


@pytest.mark.parametrize("status", list(V))
def test_who_is_not_to_go_any_more_completes(scene: Scene, ana: Somebody, ben: Somebody, status: VisitStatus) -> None:
    visit = scene.dispatched(ana, **long_ago(scene))
    phone, other = holding(scene, ana, ben)
    give_to(scene, visit["id"], ben)
    bring(scene, visit["id"], ben, status)
    other.pull()

    done = work_done(phone, visit["id"])
    told = answer_of(phone.push(done)[0])
    other.pull()

    assert told == GIVEN_AWAY[status]
    check_kept(scene, visit, ana, done)
    check_shown(scene, done, told)
    now = scene.get(f"/v1/visits/{visit['id']}")
    if status in PLANNED:
        assert (now["status"], now["technician_id"]) == ("completed", technician_id(ana))
        assert other.removed["job", visit["id"]] == "completed_by_other"
        assert phone.job(visit["id"])["status"] == "completed"
        assert scene.order(visit["work_order_id"])["status"] == "closed"
        assert ("dispatcher", "completed_after_reassign", "high") in issues(scene, done["op_id"])
        return
    assert (now["status"], now["technician_id"]) == (status, technician_id(ben))
    assert "visit.orphaned" in events(scene, visit)
    assert ("job", visit["id"]) not in phone.held
    worked = status in UNDERWAY | {V.COMPLETED, V.INCOMPLETE}
    assert (("dispatcher", "double_work", "high") in issues(scene, done["op_id"])) is worked


@pytest.mark.parametrize("status", list(V))
def test_somebody_of_the_crew_completes(scene: Scene, ana: Somebody, ben: Somebody, status: VisitStatus) -> None:
    visit = scene.schedule(scene.work_order(), ben, crew=[technician_id(ana)], **long_ago(scene))
    phone, lead = holding(scene, ana, ben)
    bring(scene, visit["id"], ben, status)

    done = work_done(phone, visit["id"])
    told = answer_of(phone.push(done)[0])
    lead.pull()

    assert told == MINE[status]
    check_kept(scene, visit, ana, done)
    check_shown(scene, done, told)
    if status in OPEN:
        assert phone.job(visit["id"])["status"] == lead.job(visit["id"])["status"] == "completed"


def test_one_that_cannot_be_taken_at_all_is_rejected_and_two_people_are_told(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    unclear = phone.operation("visit.complete", visit["id"], resolution=7)
    result = phone.push(unclear)[0]

    assert answer_of(result) == ("rejected", "invalid_args", False)
    assert result["pointer"] == "/args/resolution"
    assert issues(scene, unclear["op_id"]) == [
        ("dispatcher", "completion_rejected", "high"),
        ("technician", "completion_rejected", "warning"),
    ]
    assert phone.held["issue", result["issue_id"]][1]["code"] == "completion_rejected"
    kept = scene.get("/v1/issues", owner="dispatcher")["items"][0]["report"]
    assert (kept["op_id"], kept["args"]) == (unclear["op_id"], {"resolution": 7})


def test_one_about_a_visit_that_was_never_theirs_is_rejected_and_shown(
    scene: Scene, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ben)
    (phone,) = holding(scene, ana)

    done = phone.operation("visit.complete", visit["id"])

    assert answer_of(phone.push(done)[0]) == ("rejected", "target_not_found", False)
    assert ("dispatcher", "completion_rejected", "high") in issues(scene, done["op_id"])
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "dispatched"


def test_the_hours_of_a_clock_that_is_two_hours_ahead_are_put_right_with_it(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    wrong = clock.now() + timedelta(hours=2)

    labour = {"started_at": utc_iso(wrong - timedelta(minutes=30)), "ended_at": utc_iso(wrong)}
    done = {**phone.operation("visit.complete", visit["id"], at=wrong, labour=[labour]), "age_ms": 60_000}
    result = phone.push(done)[0]

    assert answer_of(result) == ("applied", None, False)
    ends = [end for _, _, end in hours_of(scene, visit["id"], ana)]
    assert result["effective_at"] in ends


def test_hours_that_are_typed_on_a_clock_that_is_two_hours_ahead_are_put_right_too(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    wrong = clock.now() + timedelta(hours=2)

    hours = {"kind": "work", "started_at": utc_iso(wrong - timedelta(minutes=30)), "ended_at": utc_iso(wrong)}
    typed = {**phone.operation("time.add", visit["id"], at=wrong, **hours), "age_ms": 60_000}
    result = phone.push(typed)[0]

    assert answer_of(result) == ("applied", None, False)
    assert result["effective_at"] in [end for _, _, end in hours_of(scene, visit["id"], ana)]
