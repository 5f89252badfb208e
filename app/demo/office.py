"""What the office does again and again: take a request, plan a visit for it, tell the technician."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.demo.talk import Somebody, check


@dataclass(frozen=True, slots=True)
class Job:
    """What the office made for today."""

    work_order_id: str
    number: str
    visit_id: str


def send_out(dana: Somebody, technician_id: str, request: dict[str, Any], *, reason: str) -> Job:
    """Make the request a visit that begins in five minutes; `reason`: why it cannot wait for a free moment."""
    order = dana.post("/v1/work-orders", request)
    dana.post(f"/v1/work-orders/{order['id']}/approval", expect=200, version=order["version"])
    now = datetime.now(UTC)
    plan = {
        "technician_id": technician_id,
        "scheduled_start": iso(now + timedelta(minutes=5)),
        "scheduled_end": iso(now + timedelta(minutes=110)),
        "window_start": iso(now - timedelta(minutes=30)),
        "window_end": iso(now + timedelta(minutes=90)),
        "force_reason": reason,
    }
    visit = dana.post(f"/v1/work-orders/{order['id']}/visits", plan)
    dispatch(dana, visit)
    return Job(order["id"], order["number"], visit["id"])


def dispatch(dana: Somebody, visit: dict[str, Any]) -> None:
    told = dana.post(f"/v1/visits/{visit['id']}/dispatch", expect=200, version=visit["version"])
    check(told["status"] == "dispatched", f"the visit should be dispatched and is {told['status']}")


def work_types(dana: Somebody) -> dict[str, str]:
    """From key to id."""
    return {one["key"]: one["id"] for one in dana.get("/v1/work-types")["items"]}


def iso(moment: datetime) -> str:
    return moment.isoformat()
