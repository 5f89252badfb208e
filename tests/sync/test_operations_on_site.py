"""What is added on site and never taken back: each counts, whatever became of the job meanwhile."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from app.identity.models import Organization
from app.kit import clock
from app.kit.database import rows, utc_iso
from app.kit.runtime import Runtime
from app.parts.models import Part
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import answer_of, cancel, events, give_to, holding, hours_of, issue, issues, parts_of

APPLIED = ("applied", None, False)
TASK = {"id": "gas", "label": "Is the gas off?", "kind": "yes_no"}


@pytest.fixture(autouse=True)
def _pump(runtime: Runtime, organization: Organization) -> None:
    with runtime.transaction(organization.id) as db:
        db.add(Part(organization_id=organization.id, number="P-1", name="Pump"))


def minutes_ago(minutes: int) -> datetime:
    return clock.now() - timedelta(minutes=minutes)


def stock(phone: Any, part: str = "P-1") -> float:
    return float(phone.held["stock", part][1]["qty"])


def items(scene: Scene, path: str, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in scene.get(path)["items"]]


#: What is added, and how it is seen afterwards.
ADDED: dict[str, dict[str, Any]] = {
    "note.add": {"text": "The key is at the baker's."},
    "part.request": {"part": "P-1", "qty": 2, "note": "soon"},
    "time.add": {"kind": "work", "started_at": "2026-01-05T08:00:00Z", "ended_at": "2026-01-05T09:00:00Z"},
    "asset.reading": {"label": "heat meter", "value": 1234.5, "unit": "kWh"},
}


@pytest.mark.parametrize("type_", ADDED)
@pytest.mark.parametrize("meanwhile", ["unchanged", "canceled", "reassigned"])
def test_what_is_added_counts_whatever_became_of_the_job(
    scene: Scene, ana: Somebody, ben: Somebody, type_: str, meanwhile: str
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    if meanwhile == "canceled":
        cancel(scene, visit["id"])
    if meanwhile == "reassigned":
        give_to(scene, visit["id"], ben)

    told = answer_of(phone.do(type_, visit["id"], **ADDED[type_]))

    assert told == (("noted", "reassigned", False) if meanwhile == "reassigned" else APPLIED)
    seen = {
        "note.add": lambda: items(scene, f"/v1/work-orders/{visit['work_order_id']}/notes", "text"),
        "part.request": lambda: items(scene, "/v1/part-requests", "part_number", "quantity"),
        "time.add": lambda: [(start,) for _, start, _ in hours_of(scene, visit["id"], ana)],
        "asset.reading": lambda: items(scene, f"/v1/assets/{scene.asset_id}/readings", "value"),
    }[type_]()
    expected = {
        "note.add": [("The key is at the baker's.",)],
        "part.request": [("P-1", 2)],
        "time.add": [("2026-01-05T08:00:00Z",)],
        "asset.reading": [(1234.5,)],
    }
    assert seen == expected[type_]
    assert issues(scene) == []


def test_of_two_answers_to_one_task_the_later_counts_and_both_are_kept(
    scene: Scene, runtime: Runtime, organization: Organization, ana: Somebody, ben: Somebody
) -> None:
    scene.work_type_id = scene.work_type("service", checklist=[TASK])
    visit = scene.dispatched(ana, crew=[str(ben.technician.id)])  # type: ignore[union-attr]
    phone, mate = holding(scene, ana, ben)

    later = phone.operation("task.set", visit["id"], at=minutes_ago(0), task_id="gas", done=True, value="no")
    earlier = mate.operation("task.set", visit["id"], at=minutes_ago(3), task_id="gas", done=True, value="yes")
    results = [*phone.push(later), *mate.push(earlier)]
    phone.pull()

    assert [answer_of(one) for one in results] == [APPLIED, APPLIED]
    assert [(one["id"], one["value"]) for one in phone.job(visit["id"])["tasks"]] == [("gas", "no")]
    assert [one["value"] for one in mate.job(visit["id"])["tasks"]] == ["no"]
    with runtime.transaction(organization.id) as db:
        assert len(rows(db, "SELECT 1 FROM task_results WHERE visit_id = %(v)s", v=visit["id"])) == 2


def test_an_answer_to_a_task_that_the_checklist_has_not_is_noted(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    result = phone.do("task.set", visit["id"], task_id="of another version", done=True)

    assert answer_of(result) == ("noted", "unknown_task", False)


def test_a_part_that_is_not_in_the_van_by_our_books_is_used_all_the_same(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    result = phone.do("part.use", visit["id"], part="P-1", qty=1, serial="S-7", **{"from": "van"})

    assert answer_of(result) == ("applied", "stock_negative", False)
    assert stock(phone) == -1
    assert (result["issue_id"], issue(scene, "stock_negative", "stores")["severity"]) == (
        issue(scene, "stock_negative", "stores")["id"],
        "warning",
    )
    assert parts_of(scene, visit["id"]) == [("used", "P-1", 1)]
    assert phone.job(visit["id"])["parts_used"][0]["serials"] == ["S-7"]


def test_a_part_that_no_catalog_has_is_kept_under_its_number(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    result = phone.do("part.use", visit["id"], part="X-99", qty=1)

    assert answer_of(result) == ("applied", "unknown_part", False)
    assert issues(scene) == [("stores", "unknown_part", "warning")]
    assert parts_of(scene, visit["id"]) == [("used", "X-99", 1)]


@pytest.mark.parametrize("meanwhile", ["canceled", "reassigned", "completed"])
def test_parts_are_deltas_and_count_whatever_became_of_the_job(
    scene: Scene, ana: Somebody, ben: Somebody, meanwhile: str
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    assert answer_of(phone.do("stock.count", part="P-1", counted=5)) == APPLIED
    if meanwhile == "canceled":
        cancel(scene, visit["id"])
    if meanwhile == "reassigned":
        give_to(scene, visit["id"], ben)
    if meanwhile == "completed":
        scene.report(visit["id"], "start", ana)
        scene.report(visit["id"], "complete", ana)

    used = phone.do("part.use", visit["id"], part="P-1", qty=3)
    returned = phone.do("part.return", visit["id"], part="P-1", qty=1)

    assert (answer_of(used), answer_of(returned)) == (APPLIED, APPLIED)
    assert stock(phone) == 3
    assert sorted(parts_of(scene, visit["id"])) == [("returned", "P-1", 1), ("used", "P-1", 3)]


def test_a_count_is_the_level_of_its_own_moment(scene: Scene, ana: Somebody) -> None:
    scene.at = scene.at - timedelta(hours=2)
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    before = phone.operation("part.use", visit["id"], at=minutes_ago(4), part="P-1", qty=4)
    counted = phone.operation("stock.count", at=minutes_ago(3), part="P-1", counted=10)
    after = phone.operation("part.use", visit["id"], at=minutes_ago(1), part="P-1", qty=1)

    phone.push(after)
    phone.push(counted)
    phone.push(before)

    assert stock(phone) == 9


def test_an_attachment_is_announced_and_shown_at_once(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    cancel(scene, visit["id"])
    photo = {"attachment_id": str(uuid4()), "role": "after", "sha256": sha256(b"photo").hexdigest(), "bytes": 5}

    add = phone.operation("attachment.add", visit["id"], **photo, mime="image/jpeg", captured_at=utc_iso(clock.now()))
    result, again = phone.push(add)[0], phone.push(add)[0]

    assert answer_of(result) == APPLIED
    assert result["upload"] == {"url": f"/v1/attachments/{photo['attachment_id']}/content", "protocol": ["tus-1.0.0"]}
    assert again == {**result, "replayed": True}
    shown = scene.get(f"/v1/visits/{visit['id']}/attachments")["items"]
    assert [(one["id"], one["state"], one["role"]) for one in shown] == [(photo["attachment_id"], "pending", "after")]


def test_an_attachment_that_is_no_file_is_rejected_with_the_place(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    result = phone.do("attachment.add", visit["id"], attachment_id=str(uuid4()), role="after", sha256="x", bytes=5)

    assert (answer_of(result), result["pointer"]) == (("rejected", "invalid_args", False), "/args/sha256")
    assert events(scene, visit)[-1] == "visit.dispatched"
