"""The same reports as a device that was without a network sends them: by the commands, not by the routes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from app.identity.access import Caller
from app.identity.models import Organization
from app.kit import clock
from app.kit.runtime import Runtime
from app.replay import differences
from app.visits.commands.reporting import report_status
from app.visits.schemas import StatusUpdateIn
from tests.conftest import Somebody
from tests.field import caller_of
from tests.scene import Scene


@dataclass(frozen=True)
class Sent:
    """One operation: a transaction of its own, by whom, and when it arrived."""

    db: Session
    by: Caller
    at: datetime


Send = Callable[[Somebody], AbstractContextManager[Sent]]


@pytest.fixture
def send(runtime: Runtime, organization: Organization) -> Send:
    @contextmanager
    def send(who: Somebody) -> Iterator[Sent]:
        with runtime.transaction(organization.id) as db:
            yield Sent(db, caller_of(who.person, who.technician), clock.now())

    return send


Report = Callable[..., dict[str, Any]]


@pytest.fixture
def offline(send: Send) -> Report:
    """Reports a status as the sync of a device does."""

    def report(visit_id: str, action: str, who: Somebody, *, at: datetime | None = None, **more: Any) -> dict[str, Any]:
        body = {"id": str(uuid4()), "action": action, "occurred_at": (at or clock.now()).isoformat(), **more}
        with send(who) as sent:
            return report_status(sent.db, UUID(visit_id), StatusUpdateIn(**body), by=sent.by, at=sent.at)

    return report


@pytest.fixture
def in_step(runtime: Runtime, organization: Organization) -> Callable[[str], bool]:
    """Whether all caches of a work order say what its events say."""

    def check(work_order_id: str) -> bool:
        with runtime.transaction(organization.id) as db:
            return list(differences(db, organization.id, UUID(work_order_id))) == []

    return check


def given_to(scene: Scene, visit_id: str, who: Somebody) -> None:
    assert who.technician is not None
    body = {"technician_id": str(who.technician.id), "reason_code": "sick", "force_reason": "now"}
    scene.plan(visit_id, "reassignment", body)


def event_types(scene: Scene, work_order_id: str) -> list[str]:
    return [one["type"] for one in scene.get(f"/v1/work-orders/{work_order_id}/events")["items"]]
