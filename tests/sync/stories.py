"""What happens to a job while a phone is away: short ways to get there, and to look at what came of it."""

from datetime import timedelta
from typing import Any

from app.domain.lifecycle import VisitStatus
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.phone import Phone

V = VisitStatus

#: How somebody gets a dispatched visit of theirs into a status: the reports, in this order.
REPORTS: dict[VisitStatus, list[tuple[str, dict[str, Any]]]] = {
    V.DISPATCHED: [],
    V.ACCEPTED: [("accept", {})],
    V.DECLINED: [("decline", {"reason_code": "sick"})],
    V.EN_ROUTE: [("depart", {})],
    V.ON_SITE: [("arrive", {})],
    V.IN_PROGRESS: [("start", {})],
    V.PAUSED: [("start", {}), ("pause", {"reason": "parts"})],
    V.COMPLETED: [("start", {}), ("complete", {})],
    V.INCOMPLETE: [("start", {}), ("end_incomplete", {"reason": "parts"})],
    V.CANCELED: [],
    V.NO_SHOW: [],
}


#: Every type of operation that is about a visit, with arguments that fit.
ABOUT_A_VISIT: dict[str, dict[str, Any]] = {
    **{f"visit.{action}": {} for action in ("accept", "depart", "arrive", "start", "resume", "leave", "seen")},
    "visit.decline": {"reason": "sick"},
    "visit.pause": {"reason": "parts"},
    "visit.no_access": {"wait_minutes": 1, "call_attempts": 1},
    "visit.correct_time": {"field": "arrived_at", "value": "2026-01-05T08:00:00Z", "reason": "typed wrong, sorry!"},
    "visit.complete": {"parts": [{"part": "P-1", "qty": 1}]},
    "visit.end_incomplete": {"reason": "parts"},
    "task.set": {"task_id": "gas", "done": True},
    "part.use": {"part": "P-1", "qty": 1},
    "part.return": {"part": "P-1", "qty": 1},
    "part.request": {"part": "P-1", "qty": 1},
    "time.add": {"kind": "work", "started_at": "2026-01-05T08:00:00Z", "ended_at": "2026-01-05T09:00:00Z"},
    "note.add": {"text": "hello"},
    "asset.reading": {"label": "meter", "value": 1, "unit": "kWh"},
    "asset.correct": {"field": "serial", "old": "SN1", "new": "SN2"},
    "site.correct": {"field": "access_notes", "old": "Ring twice", "new": "Ring"},
    "schedule.propose": {"start": "2027-01-05T08:00:00Z", "end": "2027-01-05T09:00:00Z"},
    "attachment.add": {
        "attachment_id": "0193501e-7a11-7c3e-9b1d-0c2f6a5d9e01", "role": "after", "sha256": "0" * 64, "bytes": 1,
        "mime": "image/jpeg",
    },
    "work_order.create": {"id": "0193501e-7a11-7c3e-9b1d-0c2f6a5d9e02", "title": "x", "work_type": "repair"},
    "closure.verify": {"method": "code"},
}  # fmt: skip


def technician_id(who: Somebody) -> str:
    assert who.technician is not None
    return str(who.technician.id)


def long_ago(scene: Scene) -> dict[str, str]:
    """A plan that is over, so that nobody came."""
    start = scene.at - timedelta(hours=4)
    return {"scheduled_start": start.isoformat(), "scheduled_end": (start + timedelta(hours=1)).isoformat()}


def bring(scene: Scene, visit_id: str, who: Somebody, status: VisitStatus) -> None:
    """Let the visit, which is scheduled for `who`, come into this status."""
    if status is V.SCHEDULED:
        return
    scene.plan(visit_id, "dispatch")
    for action, more in REPORTS[status]:
        scene.report(visit_id, action, who, **more)
    if status is V.NO_SHOW:
        scene.plan(visit_id, "no-show")
    if status is V.CANCELED:
        cancel(scene, visit_id)
    assert scene.get(f"/v1/visits/{visit_id}")["status"] == status


def cancel(scene: Scene, visit_id: str) -> None:
    scene.plan(visit_id, "cancellation", {"cause": "customer", "reason": "sold the boiler"})


def give_to(scene: Scene, visit_id: str, who: Somebody) -> None:
    body = {"technician_id": technician_id(who), "reason_code": "closer", "force_reason": "closer"}
    scene.plan(visit_id, "reassignment", body)


def holding(scene: Scene, *people: Somebody) -> list[Phone]:
    """Their phones, registered and up to date."""
    phones = [Phone(scene.api, one).register() for one in people]
    for phone in phones:
        phone.pull()
    return phones


def answer_of(result: dict[str, Any]) -> tuple[str, str | None, bool]:
    """(status, code, noop) of a result."""
    return result["status"], result.get("code"), result.get("noop", False)


def issues(scene: Scene, op_id: str | None = None, **wanted: str) -> list[tuple[str, str, str]]:
    """(owner, code, severity) of the open issues, in the order of the alphabet; `op_id`: about this operation only."""
    items = scene.get("/v1/issues", state="open", limit=200, **wanted)["items"]
    return sorted(
        (one["owner"], one["code"], one["severity"]) for one in items if op_id is None or one["op_id"] == op_id
    )


def issue(scene: Scene, code: str, owner: str = "dispatcher") -> dict[str, Any]:
    """The one open issue with this code."""
    items = scene.get("/v1/issues", state="open", owner=owner, limit=200)["items"]
    (found,) = [one for one in items if one["code"] == code]
    return dict(found)


def events(scene: Scene, visit: dict[str, Any], *, implied: bool | None = None) -> list[str]:
    """The types of what happened to the work order of this visit, as it was recorded."""
    items = scene.get(f"/v1/work-orders/{visit['work_order_id']}/events", limit=200)["items"]
    return [one["type"] for one in items if implied is None or one["implied"] is implied]


def parts_of(scene: Scene, visit_id: str) -> list[tuple[str, str, float]]:
    """(kind, number, quantity) of what was used or put back."""
    items = scene.get(f"/v1/visits/{visit_id}/parts")["items"]
    return [(one["kind"], one["part_number"], one["quantity"]) for one in items]


def hours_of(scene: Scene, visit_id: str, who: Somebody) -> list[tuple[str, str, str | None]]:
    """(kind, from, to) of somebody's time entries."""
    items = scene.get(f"/v1/visits/{visit_id}/time-entries")["items"]
    return [
        (one["kind"], one["started_at"], one["ended_at"]) for one in items if one["technician_id"] == technician_id(who)
    ]


def set_organization(scene: Scene, **settings: Any) -> None:
    """The admin sets these settings."""
    headers = scene.boss.headers
    version = scene.api.get("/v1/organization", headers=headers).headers["etag"]
    body = {"settings": settings}
    answer = scene.api.patch("/v1/organization", json=body, headers={**headers, "If-Match": version})
    assert answer.status_code == 200, answer.text
