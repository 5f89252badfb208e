"""The sandbox organization: a customer, parts, three technicians with jobs, and who plans for them.

The same clock gives the same times, and the same numbers and names always: an app's tests may count on them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.customers.models import Asset, Contact, Customer, Site
from app.domain.roles import Role, Scope
from app.identity.access import Caller
from app.identity.models import Organization, Person, SignIn, Technician
from app.identity.passwords import hash_password
from app.identity.sessions import email_key
from app.kit.database import enter
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.parts.commands import create_location, create_part, record_stock_movement
from app.parts.models import LocationKind
from app.parts.schemas import PartIn, StockLocationIn, StockMovementIn
from app.sync.building import ensure_feed
from app.sync.playing import send_to_job
from app.work_orders.schemas import WorkOrderIn, WorkTypeIn
from app.work_orders.work_types import create_work_type

NAME, DOMAIN, PASSWORD = "Sandbox Service", "sandbox.example", "nothing real in here"
TIME_ZONE = "Europe/Berlin"
TECHNICIANS, DISPATCHER = ("Ana", "Ben", "Cem"), "Dana"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

#: Number, name, how many lie in each van.
PARTS = (("FLT-310", "Filter F7", 6), ("GSK-004", "Gasket set", 4), ("PMP-100", "Circulation pump", 2))
PROOF = {
    "id": "proof",
    "version": 1,
    "rules": [
        {"id": "checklist", "kind": "checklist"},
        {"id": "photo-after", "kind": "photo", "params": {"tag": "after", "min": 1}},
        {"id": "customer-signs", "kind": "signature", "params": {"role": "customer"}},
    ],
}
CHECKLIST = [
    {"id": "isolated", "label": "Supply isolated", "kind": "yes_no", "required": True, "pass": True},
    {
        "id": "pressure_bar",
        "label": "System pressure (bar)",
        "kind": "measurement",
        "required": True,
        "min": 1,
        "max": 3,
    },
    {"id": "remarks", "label": "Remarks", "kind": "text"},
]
WORK_TYPES: Mapping[str, dict[str, Any]] = {
    "repair": {
        "name": "Repair",
        "estimated_minutes": 90,
        "checklist": CHECKLIST,
        "closure_policy": PROOF,
        "planned_parts": [{"part_number": "GSK-004", "quantity": 1}],
    },
    "inspection": {"name": "Inspection", "estimated_minutes": 45, "planned_parts": [], "checklist": CHECKLIST[2:]},
}
#: Who goes where to do what, in how many hours; who goes along; whether they have been told.
JOBS: Sequence[tuple[str, str, str, int, tuple[str, ...], bool]] = (
    ("Ana", "repair", "Boiler trips when it is cold", 1, (), True),
    ("Ana", "inspection", "Yearly look at the ventilation", 3, (), True),
    ("Ana", "inspection", "Heat meter was replaced, check it", 5, ("Cem",), True),
    ("Ana", "inspection", "Noise in the pump room", 24, (), True),
    ("Ana", "repair", "Radiator leaks", 27, (), True),
    ("Ana", "inspection", "Second look at the ventilation", 48, (), False),
    ("Ben", "repair", "Thermostat has no power", 2, (), True),
    ("Ben", "inspection", "Acceptance of the new boiler", 26, (), True),
    ("Cem", "inspection", "Reading of all heat meters", 25, (), True),
)


def find_sandbox(runtime: Runtime, domain: str = DOMAIN) -> UUID | None:
    with runtime.transaction(None) as db:
        known = db.get(SignIn, email_key(f"ana@{domain}"))
        return known.organization_id if known else None


def make_sandbox(runtime: Runtime, *, at: datetime, domain: str = DOMAIN) -> UUID:
    """Make it, as it is at this moment; its id. People sign in as `ana@<domain>` and so on."""
    with runtime.transaction(None) as db:
        organization = Organization(
            name=NAME, time_zone=TIME_ZONE, settings={"sandbox": True}, created_at=at - 30 * DAY
        )
        db.add(organization)
        db.flush()
        enter(db, organization.id)
        office, technicians = _people(db, organization.id, domain, at=at - 30 * DAY)
        _store(db, office, technicians, at=at - 7 * DAY)
        _jobs(db, office, technicians, at=at)
    with runtime.transaction(organization.id) as db:
        for technician_id in technicians.values():
            ensure_feed(db, organization.id, technician_id, at=at)
    return organization.id


def _people(db: Session, o: UUID, domain: str, *, at: datetime) -> tuple[Caller, dict[str, UUID]]:
    """The dispatcher as a caller, and the ids of the technicians by their names."""
    password_hash = hash_password(PASSWORD)

    def add(name: str, role: Role, technician: Technician | None = None) -> Person:
        email = f"{name.lower()}@{domain}"
        person = Person(
            organization_id=o,
            name=name,
            email=email,
            password_hash=password_hash,
            roles=[role.value],
            technician_id=technician.id if technician else None,
            created_at=at,
        )
        db.add(person)
        db.flush()
        db.add(SignIn(email_hash=email_key(email), organization_id=o, person_id=person.id))
        return person

    technicians = {}
    for name in TECHNICIANS:
        technician = Technician(
            organization_id=o, name=name, hourly_rate_minor=6000, currency="EUR", time_zone=TIME_ZONE
        )
        db.add(technician)
        db.flush()
        add(name, Role.TECHNICIAN, technician)
        technicians[name] = technician.id
    dana = add(DISPATCHER, Role.DISPATCHER)
    office = Caller(
        organization_id=o,
        person_id=dana.id,
        api_client_id=None,
        session_id=None,
        device_id=None,
        technician_id=None,
        partner_id=None,
        name=dana.name,
        roles=frozenset({Role.DISPATCHER, Role.ADMIN}),
        scope=Scope.ALL,
    )
    return office, technicians


def _store(db: Session, office: Caller, technicians: Mapping[str, UUID], *, at: datetime) -> None:
    """A depot, a van for each technician, and something in all of them."""
    places = [create_location(db, StockLocationIn(name="Depot", kind=LocationKind.DEPOT), by=office).id]
    for name, technician_id in technicians.items():
        van = StockLocationIn(name=f"{name}'s van", kind=LocationKind.VAN, technician_id=technician_id)
        places.append(create_location(db, van, by=office).id)
    for number, title, quantity in PARTS:
        part = create_part(db, PartIn(number=number, name=title, unit_cost_minor=1500, currency="EUR"), by=office)
        for place in places:
            received = StockMovementIn(
                id=uuid7(), kind="received", part_id=part.id, quantity=quantity, location_id=place, occurred_at=at
            )
            record_stock_movement(db, received, by=office, at=at)


def _jobs(db: Session, office: Caller, technicians: Mapping[str, UUID], *, at: datetime) -> None:
    o = office.organization_id
    kinds = {
        key: create_work_type(db, WorkTypeIn(key=key, **told), by=office, at=at - 7 * DAY)["id"]
        for key, told in WORK_TYPES.items()
    }
    customer = Customer(organization_id=o, number="C-00001", name="Cleo's Bakery")
    db.add(customer)
    db.flush()
    contact = Contact(organization_id=o, customer_id=customer.id, name="Cleo", phone="+4930901820")
    site = Site(
        organization_id=o,
        customer_id=customer.id,
        name="Bakery",
        address="Ofenweg 7, 10115 Berlin",
        latitude=52.53,
        longitude=13.38,
        access_notes="Ring twice; the key is at the counter.",
        time_zone=TIME_ZONE,
    )
    db.add_all([contact, site])
    db.flush()
    asset = Asset(organization_id=o, site_id=site.id, name="Boiler", model="AX-300", serial="SN-4711")
    db.add(asset)
    db.flush()
    for who, kind, title, hours, crew, dispatched in JOBS:
        order = WorkOrderIn(
            title=title,
            work_type_id=kinds[kind],
            customer_id=customer.id,
            contact_id=contact.id,
            site_id=site.id,
            asset_id=asset.id,
        )
        send_to_job(
            db,
            order,
            technicians[who],
            by=office,
            asked_at=at - DAY + hours * timedelta(minutes=1),
            start=at + hours * HOUR,
            crew=tuple(technicians[name] for name in crew),
            dispatched=dispatched,
        )
