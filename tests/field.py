"""Work in the field to test with: a work order whose visit has come as far as the test wants."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from PIL import Image
from sqlmodel import Session

from app.domain.ledger import EventType
from app.domain.roles import Role, Scope
from app.identity.access import Caller
from app.identity.models import Person, Technician
from app.kit import clock
from app.kit.database import utc_iso
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.visits.commands.planning import dispatch_visit, schedule_visit
from app.visits.models import Visit
from app.visits.schemas import ScheduleIn
from app.work_orders import commands
from app.work_orders.commands import happen
from app.work_orders.ledger import SYSTEM, NewEvent, open_ledger
from app.work_orders.models import WorkOrder
from app.work_orders.schemas import WorkOrderIn, WorkTypeIn
from app.work_orders.work_types import create_work_type

STEPS = {
    "on_site": [EventType.VISIT_ARRIVED],
    "in_progress": [EventType.VISIT_ARRIVED, EventType.VISIT_STARTED],
}


@dataclass(frozen=True)
class Job:
    """A visit and its work order; the technician arrived at `arrived_at`."""

    runtime: Runtime
    organization_id: UUID
    work_order_id: UUID
    visit_id: UUID
    arrived_at: datetime

    def visit(self) -> Visit:
        with self.runtime.transaction(self.organization_id) as db:
            return db.get_one(Visit, (self.organization_id, self.visit_id))

    def work_order(self) -> WorkOrder:
        with self.runtime.transaction(self.organization_id) as db:
            return db.get_one(WorkOrder, (self.organization_id, self.work_order_id))

    def events(self) -> list[str]:
        from app.work_orders.ledger import events_of

        with self.runtime.transaction(self.organization_id) as db:
            return [event.type for event in events_of(db, self.organization_id, self.work_order_id)]

    def add(self, *rows: Any) -> None:
        with self.runtime.transaction(self.organization_id) as db:
            db.add_all(rows)


def make_job(
    runtime: Runtime,
    organization_id: UUID,
    technician_id: UUID,
    *,
    status: str = "in_progress",
    crew: tuple[UUID, ...] = (),
    policy: dict[str, Any] | None = None,
    checklist: list[dict[str, Any]] | None = None,
    **order: Any,
) -> Job:
    """A visit of this technician, two hours after the arrival when it got that far."""
    arrived_at = clock.now() - timedelta(hours=2)
    with runtime.transaction(organization_id) as db:
        office = the_office(organization_id)
        kind = create_work_type(
            db,
            WorkTypeIn(
                key=f"repair_{uuid7().hex[-8:]}",
                name="Repair",
                checklist=checklist or [],
                closure_policy=policy or {},
            ),
            by=office,
            at=arrived_at - timedelta(days=2),
        )
        given = WorkOrderIn(title="Oven is cold", work_type_id=kind["id"], **order)
        asked = commands.create_work_order(db, given, by=office, at=arrived_at - timedelta(days=1))
        visit_id = _sent(db, office, asked.id, technician_id, crew, arrived_at)
        events = [NewEvent(type=step, at=arrived_at, visit_id=visit_id) for step in STEPS.get(status, [])]
        if events:
            happen(db, open_ledger(db, organization_id, asked.id), events, by=SYSTEM, at=arrived_at)
        return Job(runtime, organization_id, asked.id, visit_id, arrived_at)


def another_visit(job: Job, technician_id: UUID) -> Job:
    """One more visit of the same work order, on site already."""
    arrived_at = job.arrived_at + timedelta(minutes=30)
    with job.runtime.transaction(job.organization_id) as db:
        office = the_office(job.organization_id)
        ledger = open_ledger(db, job.organization_id, job.work_order_id)
        times = ScheduleIn(
            technician_id=technician_id,
            scheduled_start=arrived_at,
            scheduled_end=arrived_at + timedelta(hours=1),
            force_reason="test",
        )
        visit_id = schedule_visit(db, ledger, times, by=office, at=arrived_at)
        arrived = NewEvent(type=EventType.VISIT_ARRIVED, at=arrived_at, visit_id=visit_id)
        happen(db, ledger, [arrived], by=SYSTEM, at=arrived_at)
        return Job(job.runtime, job.organization_id, job.work_order_id, visit_id, arrived_at)


def _sent(
    db: Session, office: Caller, work_order_id: UUID, technician_id: UUID, crew: tuple[UUID, ...], arrived_at: datetime
) -> UUID:
    planned = arrived_at - timedelta(hours=3)
    ledger = open_ledger(db, office.organization_id, work_order_id)
    commands.approve(db, ledger, by=office, at=planned)
    times = ScheduleIn(
        technician_id=technician_id,
        scheduled_start=arrived_at,
        scheduled_end=arrived_at + timedelta(hours=1),
        crew=list(crew),
        force_reason="test",
    )
    visit_id = schedule_visit(db, ledger, times, by=office, at=planned)
    dispatch_visit(db, ledger, visit_id, by=office, at=planned)
    return visit_id


def the_office(organization_id: UUID) -> Caller:
    return Caller(
        organization_id=organization_id,
        person_id=None,
        api_client_id=organization_id,
        session_id=None,
        device_id=None,
        technician_id=None,
        partner_id=None,
        name="Office",
        roles=frozenset({Role.ADMIN}),
        scope=Scope.ALL,
    )


def a_picture(color: str = "red", *, kind: str = "JPEG", size: tuple[int, int] = (64, 48)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, color).save(out, kind)
    return out.getvalue()


def just_now(**ago: float) -> str:
    moment = utc_iso(clock.now() - timedelta(**ago))
    assert moment is not None
    return moment


def caller_of(person: Person, technician: Technician | None = None, *roles: Role) -> Caller:
    """What a device of this person sends with: only what is their own is in reach."""
    return Caller(
        organization_id=person.organization_id,
        person_id=person.id,
        api_client_id=None,
        session_id=None,
        device_id=None,
        technician_id=technician.id if technician else None,
        partner_id=None,
        name=person.name,
        roles=frozenset(roles or {Role.TECHNICIAN}),
        scope=Scope.OWN,
    )
