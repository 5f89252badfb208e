"""The data that is measured on: a technician with twenty jobs, and visits to report on, for each of the two sides."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlmodel import Session

from app.customers.models import Asset, Contact, Customer, Site
from app.domain.ledger import EventType
from app.domain.roles import Role, Scope
from app.identity import commands as identity
from app.identity.access import Caller
from app.identity.models import SignedInSession, Technician
from app.identity.sessions import begin
from app.kit import clock
from app.kit.ids import uuid7
from app.kit.settings import Settings
from app.main import build_runtime
from app.sync.building import ensure_feed
from app.sync.cursors import Cursor, write_cursor
from app.sync.models import Feed
from app.visits.commands.planning import dispatch_visit, schedule_visit
from app.visits.schemas import ScheduleIn
from app.work_orders import commands
from app.work_orders.ledger import SYSTEM, NewEvent, open_ledger
from app.work_orders.models import Note, WorkOrder
from app.work_orders.schemas import WorkOrderIn, WorkTypeIn
from app.work_orders.work_types import create_work_type

JOBS = 20
BEHIND = (0, 1, 5, 20)
EARLIER = 3
WORK_TYPE = WorkTypeIn.model_validate(
    {
        "key": "boiler_repair",
        "name": "Boiler repair",
        "estimated_minutes": 90,
        "planned_parts": [{"part_number": "P-100", "quantity": 1}],
        "checklist": [
            {"id": "safe", "label": "Is the gas shut off?", "kind": "yes_no", "required": True},
            {"id": "bar", "label": "Pressure", "kind": "measurement", "minimum": 1, "maximum": 2.5},
        ],
        "sla": {"resolution_minutes": 480},
    }
)


@dataclass(frozen=True)
class Seeded:
    """Whose jobs are listed, and the visits that each side reports on; ids as text."""

    organization_id: str
    technician_id: str
    lister: str
    """The token of the technician who lists."""
    reporter: str
    """The token of the technician who reports on `products_visits`."""
    products_visits: list[str]
    bare_visits: list[str]
    head: int
    """The position of the lister's feed."""
    cursors: dict[str, str]
    """How many changes behind the head → the cursor of a device that is so far behind."""

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Seeded":
        return cls(**json.loads(path.read_text()))


def seed(dsn: str, folder: Path, *, visits: int, closed: int) -> Seeded:
    """Fill an empty, migrated database; `closed` work orders of other days lie around what is read."""
    runtime = build_runtime(Settings(data_dir=folder), dsn)
    at = clock.now()
    with runtime.transaction(None) as db:
        organization = identity.create_organization(db, "Bench", at=at)
        office = Caller(
            organization_id=organization.id, person_id=None, api_client_id=organization.id, session_id=None,
            device_id=None, technician_id=None, partner_id=None, name="Office", roles=frozenset({Role.ADMIN}),
            scope=Scope.ALL,
        )  # fmt: skip
        ana, lister = _technician(db, organization.id, "ana", at)
        work_type_id = create_work_type(db, WORK_TYPE, by=office, at=at - timedelta(days=90))["id"]
        places = [_place(db, organization.id, number) for number in range(JOBS)]
        _closed_orders(db, organization.id, places, at, closed)
        for number, place in enumerate(places):
            start = at + timedelta(hours=number)
            order_id, visit_id = _dispatched(db, office, work_type_id, place, ana, start, at)
            db.add(_note(organization.id, order_id, visit_id, at))
    with runtime.transaction(organization.id) as db:
        ben, reporter = _technician(db, organization.id, "ben", at)
        where = [place for place in places for _ in range(visits // JOBS + 1)][:visits]
        products = [_underway(db, office, work_type_id, place, ben, at) for place in where]
        bare = [_underway(db, office, work_type_id, place, ben, at) for place in where]
    with runtime.transaction(organization.id) as db:
        for technician_id in (ana, ben):
            ensure_feed(db, organization.id, technician_id, at=at)
        feed = db.get_one(Feed, (organization.id, ana))
        head, epoch = feed.head, feed.epoch
    cursors = {str(behind): write_cursor(Cursor(epoch, head - behind), ana, secret=runtime.secret) for behind in BEHIND}
    with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("RESET ROLE")
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")
    runtime.engine.dispose()
    return Seeded(str(organization.id), str(ana), lister, reporter, products, bare, head, cursors)


def _technician(db: Session, organization_id: UUID, name: str, at: datetime) -> tuple[UUID, str]:
    technician = Technician(
        organization_id=organization_id, name=name, hourly_rate_minor=6000, currency="EUR", time_zone="UTC"
    )
    db.add(technician)
    db.flush()
    person = identity.create_person(
        db, organization_id, name=name, email=f"{name}@example.org", password=None, roles=[Role.TECHNICIAN],
        technician_id=technician.id, at=at,
    )  # fmt: skip
    session = SignedInSession(organization_id=organization_id, person_id=person.id, created_at=at, last_used_at=at)
    return technician.id, begin(db, session, at=at, refreshable=False).access_token


Place = tuple[Customer, Contact, Site, Asset]


def _place(db: Session, organization_id: UUID, number: int) -> Place:
    customer = Customer(organization_id=organization_id, number=f"C-{number}", name=f"Customer {number}")
    db.add(customer)
    db.flush()
    contact = Contact(
        organization_id=organization_id, customer_id=customer.id, name="Cleo", phone="+4915112345678",
        email="cleo@example.org",
    )  # fmt: skip
    site = Site(
        organization_id=organization_id, customer_id=customer.id, name=f"Bakery {number}", address="Main St 1",
        postal_code="10115", latitude=52.5, longitude=13.4, access_notes="Ring twice", time_zone="Europe/Berlin",
    )  # fmt: skip
    db.add_all([contact, site])
    db.flush()
    asset = Asset(organization_id=organization_id, site_id=site.id, name="Boiler", model="B-100", serial=f"SN{number}")
    db.add(asset)
    db.flush()
    return customer, contact, site, asset


def _order(db: Session, office: Caller, work_type_id: UUID, place: Place, at: datetime) -> WorkOrder:
    customer, contact, site, asset = place
    given = WorkOrderIn(
        title="Boiler does not heat", description="Cold since the morning; the display shows E133.",
        work_type_id=work_type_id, customer_id=customer.id, contact_id=contact.id, site_id=site.id, asset_id=asset.id,
    )  # fmt: skip
    return commands.create_work_order(db, given, by=office, at=at)


def _dispatched(
    db: Session, office: Caller, work_type_id: UUID, place: Place, technician_id: UUID, start: datetime, at: datetime
) -> tuple[UUID, UUID]:
    """The ids of the work order and of its visit."""
    order = _order(db, office, work_type_id, place, at)
    ledger = open_ledger(db, office.organization_id, order.id)
    commands.approve(db, ledger, by=office, at=at)
    times = ScheduleIn(
        technician_id=technician_id, scheduled_start=start, scheduled_end=start + timedelta(hours=1),
        window_start=start, window_end=start + timedelta(hours=2), force_reason="bench",
    )  # fmt: skip
    visit_id = schedule_visit(db, ledger, times, by=office, at=at)
    dispatch_visit(db, ledger, visit_id, by=office, at=at)
    return order.id, visit_id


def _underway(db: Session, office: Caller, work_type_id: UUID, place: Place, technician_id: UUID, at: datetime) -> str:
    """A visit at work, to be paused and resumed."""
    order_id, visit_id = _dispatched(db, office, work_type_id, place, technician_id, at + timedelta(days=30), at)
    kinds = (EventType.VISIT_ARRIVED, EventType.VISIT_STARTED)
    steps = [NewEvent(type=kind, at=at, visit_id=visit_id) for kind in kinds]
    commands.happen(db, open_ledger(db, office.organization_id, order_id), steps, by=SYSTEM, at=at)
    return str(visit_id)


def _note(organization_id: UUID, order_id: UUID, visit_id: UUID, at: datetime) -> Note:
    return Note(
        organization_id=organization_id, work_order_id=order_id, visit_id=visit_id, author_name="Dana",
        text="The key is at the neighbor's.", effective_at=at, recorded_at=at,
    )  # fmt: skip


def _closed_orders(db: Session, organization_id: UUID, places: list[Place], at: datetime, count: int) -> None:
    """Finished work: three at each asset, which show as its history, and the rest without one."""
    for number in range(count):
        asked = at - timedelta(days=2 + number % 700)
        _, _, site, asset = places[number % JOBS]
        known = number < EARLIER * JOBS
        order = WorkOrder(
            organization_id=organization_id, id=uuid7(), number=f"OLD-{number}", type="boiler_repair",
            title="Yearly service", site_id=site.id if known else None, asset_id=asset.id if known else None,
            status="closed", outcome="resolved", requested_at=asked, recorded_at=asked, closed_at=asked,
            first_completed_at=asked, resolved_at=asked, first_closed_at=asked,
        )  # fmt: skip
        db.add(order)
