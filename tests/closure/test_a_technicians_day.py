"""Ana's Tuesday: four jobs, four ways to close them, and the figures of the evening, counted by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from app.kit import clock
from tests.conftest import CheckedClient, Somebody
from tests.field import a_picture
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import holding

CHECKLIST = [{"id": "safe", "label": "Power is off", "kind": "yes_no", "required": True, "pass": True}]
LISTED = {"id": "list", "kind": "checklist"}
AFTER = {"id": "after", "kind": "photo", "params": {"tag": "after"}, "waivable_by": "supervisor"}


class Day:
    """Tomorrow, by a clock that stands wherever it is set."""

    def __init__(self, traveller: Any) -> None:
        self.traveller = traveller
        self.midnight = datetime.combine(clock.now().date() + timedelta(days=1), time(), UTC)

    def at(self, hour: int, minute: int = 0) -> datetime:
        self.traveller.move_to(self.midnight + timedelta(hours=hour, minutes=minute))
        return clock.now()


@pytest.fixture
def day() -> Iterator[Day]:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield Day(traveller)


def order_of(scene: Scene, who: Somebody, **policy: Any) -> dict[str, Any]:
    """A visit of hers that has been sent out, of work with this policy."""
    kind = scene.work_type(f"kind_{uuid4().hex[:8]}", checklist=CHECKLIST, closure_policy=policy)
    return scene.dispatched(who, scene.work_order(work_type_id=str(kind)))


def submit(scene: Scene, visit: dict[str, Any], who: Somebody, **said: Any) -> dict[str, Any]:
    body = {"id": str(uuid4()), "occurred_at": clock.now().isoformat(), "answers": {"safe": True}, **said}
    return dict(scene.post(f"/v1/visits/{visit['id']}/closure", body, by=who, status=201))


def a_photo() -> dict[str, Any]:
    return {"id": str(uuid4()), "kind": "photo", "tag": "after"}


def upload(api: CheckedClient, visit: dict[str, Any], photo: dict[str, Any], who: Somebody, color: str) -> None:
    files = {"file": ("after.jpg", a_picture(color), "image/jpeg")}
    answer = api.post(f"/v1/visits/{visit['id']}/evidence", data=photo, files=files, headers=who.headers)
    assert answer.status_code == 201, answer.text


def decide(scene: Scene, visit: dict[str, Any], who: Somebody, decision: str, **more: Any) -> dict[str, Any]:
    path = f"/v1/work-orders/{visit['work_order_id']}"
    version = scene.order(visit["work_order_id"])["version"]
    body = {"decision": decision, **more}
    return dict(scene.post(f"{path}/reviews", body, by=who, status=201, **{"If-Match": f'"{version}"'}))


def verdict_of(scene: Scene, visit: dict[str, Any]) -> str:
    return str(scene.get(f"/v1/visits/{visit['id']}/closure")["verdict"])


def test_four_jobs_of_a_day_and_what_the_figures_make_of_them(
    api: CheckedClient, scene: Scene, day: Day, ana: Somebody, sam: Somebody, max_: Somebody
) -> None:
    scene.at = day.at(6)
    late = order_of(scene, ana, rules=[LISTED, AFTER])
    looked_at = order_of(scene, ana, rules=[LISTED, AFTER], review={"always": True})
    without = order_of(scene, ana, rules=[LISTED, AFTER])
    easy = order_of(scene, ana)
    (phone,) = holding(scene, ana)

    _the_checklist_fails_and_the_photo_comes_two_hours_later(api, scene, day, late, ana)
    _it_is_sent_back_and_mended(api, scene, day, looked_at, ana, sam, phone)
    _there_is_no_photo_and_sam_waives_it(scene, day, without, ana, sam)
    _it_is_done_in_a_cellar_and_comes_back(scene, day, easy, phone)

    day.at(20)
    asked = {"from": day.midnight.date().isoformat(), "to": (day.midnight + timedelta(days=1)).date().isoformat()}

    def ask(key: str, **more: Any) -> Any:
        return scene.get(f"/v1/kpis/{key}", by=max_, tz="UTC", **asked, **more)

    first_pass = ask("closure_first_pass_rate", group_by="technician")
    assert (first_pass["value"], first_pass["numerator"], first_pass["denominator"]) == (50.0, 2, 4)
    assert first_pass["breakdown"] == {"first_pass": 2, "waived": 1, "sent_back": 1, "rejected": 0}
    assert [(one["label"], one["value"]) for one in first_pass["groups"]] == [("Ana", 50.0)]
    fixed = ask("first_time_fix_rate")
    assert (fixed["value"], fixed["numerator"], fixed["denominator"]) == (75.0, 3, 4)
    assert fixed["breakdown"] == {"fixed": 3, "reopened": 1}
    hours = [5 + 5 / 60, 7, 9, 10.5]  # from six o'clock to 11:05, 13:00, 15:00, 16:30
    assert ask("cycle_time")["value"] == pytest.approx(sum(hours) / 4 * 3600)
    assert ask("cycle_time")["spread"]["max"] == pytest.approx(10.5 * 3600)


def _the_checklist_fails_and_the_photo_comes_two_hours_later(
    api: CheckedClient, scene: Scene, day: Day, visit: dict[str, Any], ana: Somebody
) -> None:
    day.at(8)
    scene.report(visit["id"], "arrive", ana)
    day.at(9)
    assert submit(scene, visit, ana, answers={"safe": False})["verdict"] == "unmet"
    photo = a_photo()
    day.at(9, 5)
    promised = submit(scene, visit, ana, evidence=[photo])
    assert (promised["verdict"], promised["missing_evidence"]) == ("awaiting_evidence", [photo["id"]])
    assert scene.order(visit["work_order_id"])["status"] == "completed"
    day.at(11, 5)
    upload(api, visit, photo, ana, "red")
    assert verdict_of(scene, visit) == "verified"
    order = scene.order(visit["work_order_id"])
    assert order["status"] == "closed"
    assert datetime.fromisoformat(order["first_completed_at"]) == day.at(9, 5), "when she said so"


def _it_is_sent_back_and_mended(
    api: CheckedClient, scene: Scene, day: Day, visit: dict[str, Any], ana: Somebody, sam: Somebody, phone: Phone
) -> None:
    arrived = phone.operation("visit.start", visit["id"], at=day.at(9, 30))
    done = phone.operation("visit.complete", visit["id"], at=day.at(10), checklist={"safe": True})
    photo = a_photo()
    done["args"]["closure"] = {"evidence": [photo]}
    day.at(10, 40)
    upload(api, visit, photo, ana, "green")
    assert [one["status"] for one in phone.push(arrived, done)] == ["applied", "applied"]
    assert verdict_of(scene, visit) == "pending_review"
    day.at(12)
    decide(scene, visit, sam, "send_back", rule_ids=["after"], text="That is another boiler.")
    assert verdict_of(scene, visit) == "changes_requested"
    day.at(12, 30)
    better = a_photo()
    upload(api, visit, better, ana, "blue")
    assert submit(scene, visit, ana, evidence=[better])["verdict"] == "pending_review"
    day.at(13)
    assert decide(scene, visit, sam, "approve")["work_order_status"] == "closed"


def _there_is_no_photo_and_sam_waives_it(
    scene: Scene, day: Day, visit: dict[str, Any], ana: Somebody, sam: Somebody
) -> None:
    day.at(14)
    scene.report(visit["id"], "arrive", ana)
    day.at(14, 30)
    assert submit(scene, visit, ana)["verdict"] == "unmet"
    day.at(15)
    waiver = {"rule_id": "after", "reason": "The cellar was under water."}
    granted = scene.post(f"/v1/visits/{visit['id']}/waivers", waiver, by=sam, status=201)
    assert (granted["closure"]["verdict"], granted["closure"]["waived"]) == ("waived", ["after"])
    assert scene.order(visit["work_order_id"])["status"] == "closed"


def _it_is_done_in_a_cellar_and_comes_back(scene: Scene, day: Day, visit: dict[str, Any], phone: Phone) -> None:
    arrived = phone.operation("visit.start", visit["id"], at=day.at(15, 30))
    done = phone.operation("visit.complete", visit["id"], at=day.at(16), checklist={"safe": True})
    day.at(16, 30)
    assert [one["status"] for one in phone.push(arrived, done)] == ["applied", "applied"]
    assert scene.order(visit["work_order_id"])["status"] == "closed"
    day.at(17)
    opened = scene.act(visit["work_order_id"], "reopening", {"reason": "The shop is cold again."})
    assert opened["status"] == "approved"
