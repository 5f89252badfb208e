"""The stage: Cleo's site with a boiler, a kind of work, and short ways to plan and report, all through the API."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from app.kit import clock
from tests.conftest import CheckedClient, Somebody


@dataclass
class Scene:
    """What a test needs around it. Every method goes through the API and fails loudly."""

    api: CheckedClient
    office: Somebody
    customer_id: UUID
    contact_id: UUID
    site_id: UUID
    asset_id: UUID
    work_type_id: UUID
    boss: Somebody
    at: datetime = field(default_factory=clock.now)

    def post(
        self, path: str, body: Any = None, *, by: Somebody | None = None, status: int = 200, **headers: str
    ) -> Any:
        answer = self.api.post(path, json=body, headers={**(by or self.office).headers, **headers})
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, *, by: Somebody | None = None, **params: Any) -> Any:
        answer = self.api.get(path, headers=(by or self.office).headers, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def work_type(self, key: str, **more: Any) -> UUID:
        made = self.post("/v1/work-types", {"key": key, "name": key.title(), **more}, by=self.boss, status=201)
        return UUID(made["id"])

    def work_order(self, *, approved: bool = True, **more: Any) -> dict[str, Any]:
        body = {
            "title": "Boiler is cold",
            "work_type_id": str(self.work_type_id),
            "customer_id": str(self.customer_id),
            "site_id": str(self.site_id),
            "asset_id": str(self.asset_id),
            "contact_id": str(self.contact_id),
            **more,
        }
        order = self.post("/v1/work-orders", body, status=201)
        if not approved:
            return dict(order)
        return dict(self.act(order["id"], "approval"))

    def act(self, work_order_id: str, noun: str, body: Any = None, *, by: Somebody | None = None) -> dict[str, Any]:
        version = self.get(f"/v1/work-orders/{work_order_id}")["version"]
        path = f"/v1/work-orders/{work_order_id}/{noun}"
        return dict(self.post(path, body, by=by, **{"If-Match": f'"{version}"'}))

    def schedule(self, order: dict[str, Any], who: Somebody, **more: Any) -> dict[str, Any]:
        assert who.technician is not None
        start = self.at + timedelta(hours=1)
        body = {
            "technician_id": str(who.technician.id),
            "scheduled_start": start.isoformat(),
            "scheduled_end": (start + timedelta(hours=2)).isoformat(),
            "force_reason": "the test says so",
            **more,
        }
        return dict(self.post(f"/v1/work-orders/{order['id']}/visits", body, status=201))

    def plan(self, visit_id: str, noun: str, body: Any = None, *, by: Somebody | None = None) -> dict[str, Any]:
        version = self.get(f"/v1/visits/{visit_id}")["version"]
        return dict(self.post(f"/v1/visits/{visit_id}/{noun}", body, by=by, **{"If-Match": f'"{version}"'}))

    def dispatched(self, who: Somebody, order: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        visit = self.schedule(order or self.work_order(), who, **more)
        return self.plan(visit["id"], "dispatch")

    def report(
        self, visit_id: str, action: str, who: Somebody, *, at: datetime | None = None, status: int = 201, **more: Any
    ) -> dict[str, Any]:
        body = {"id": str(uuid4()), "action": action, "occurred_at": (at or clock.now()).isoformat(), **more}
        return dict(self.post(f"/v1/visits/{visit_id}/status-updates", body, by=who, status=status))

    def order(self, work_order_id: str) -> dict[str, Any]:
        return dict(self.get(f"/v1/work-orders/{work_order_id}"))


MakeScene = Callable[..., Scene]
