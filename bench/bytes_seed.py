"""A technician with the jobs of a year's demo: sixty customers, their boilers, checklists and rules as the demo has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from app.customers.models import Asset, Site
from app.demo.catalog import PARTS, WORK_TYPES
from app.demo.chance import Chance
from app.demo.history import CLASSES, PRIORITIES, TITLES
from app.demo.places import Place, make_places
from app.domain.roles import Role
from app.identity import commands as identity
from app.identity.models import SignedInSession, Technician
from app.identity.sessions import begin
from app.kit import clock
from app.kit.settings import Settings
from app.main import build_runtime
from app.parts.commands import record_stock_movement
from app.parts.models import LocationKind, Part, StockLocation
from app.parts.schemas import StockMovementIn
from app.visits.commands.planning import dispatch_visit, schedule_visit
from app.visits.schemas import ScheduleIn
from app.work_orders import commands
from app.work_orders.ledger import open_ledger
from app.work_orders.schemas import WorkOrderIn, WorkTypeIn
from app.work_orders.work_types import create_work_type
from tests.field import the_office

SEED = 90_210
#: The plan was made so long ago.
BEFORE = timedelta(hours=5)
DESCRIPTIONS = (
    "Cold since the morning; the display shows {code}. The caretaker has already reset it twice.",
    "Customer reports {code} after every shower, pressure falls to {bar} bar overnight.",
    "Please call half an hour before. Last visit in {month} left the pump for later, see the note.",
    "Yearly appointment by contract. Filters are in the cellar, shelf {code}.",
    "",
)
MONTHS = ("March", "June", "September", "October", "January")


@dataclass(frozen=True)
class Technicians:
    """Tokens of two technicians, by the number of their jobs."""

    tokens: dict[int, str]
    visits: dict[int, list[UUID]]


def seed(dsn: str, folder: Path, *, jobs: Sequence[int] = (20, 100)) -> Technicians:
    """Fill a migrated database: for each number a technician with so many dispatched jobs and a stocked van."""
    runtime = build_runtime(Settings(data_dir=folder), dsn)
    chance, at = Chance(SEED), clock.now() - BEFORE
    with runtime.transaction(None) as db:
        organization = identity.create_organization(db, "Nordlicht", time_zone="Europe/Berlin", at=at)
    o, office = organization.id, the_office(organization.id)
    places = make_places(chance, o, at=at - timedelta(days=100))
    with runtime.transaction(o) as db:
        for row in places.rows:
            db.add(row)
            db.flush()
        kinds = {key: create_work_type(db, WorkTypeIn.model_validate({"key": key, **said}), by=office, at=at)["id"]
                 for key, said in WORK_TYPES.items()}  # fmt: skip
        parts = [Part(organization_id=o, number=number, name=name) for number, name, _ in PARTS]
        db.add_all(parts)
    made = Technicians({}, {})
    for count in jobs:
        with runtime.transaction(o) as db:
            technician = Technician(organization_id=o, name=f"Ana Thomsen {count}", skills=["heating", "gas"])
            db.add(technician)
            db.flush()
            person = identity.create_person(
                db, o, name=technician.name, email=f"ana.{count}@nordlicht.example", password=None,
                roles=[Role.TECHNICIAN], technician_id=technician.id, at=at,
            )  # fmt: skip
            session = SignedInSession(organization_id=o, person_id=person.id, created_at=at, last_used_at=at)
            made.tokens[count] = begin(db, session, at=clock.now(), refreshable=False).access_token
            van = StockLocation(organization_id=o, name="Van", kind=LocationKind.VAN, technician_id=technician.id)
            db.add(van)
            db.flush()
            for part in parts[:12]:
                stocked = StockMovementIn(
                    id=chance.id(at), kind="received", part_id=part.id, quantity=chance.randint(1, 6),
                    location_id=van.id, occurred_at=at,
                )  # fmt: skip
                record_stock_movement(db, stocked, by=office, at=at)
        made.visits[count] = [_job(runtime, chance, office, kinds, places.places, technician.id, n)
                              for n in range(count)]  # fmt: skip
    runtime.engine.dispose()
    return made


def _job(runtime, chance, office, kinds, places, technician_id, number) -> UUID:  # type: ignore[no-untyped-def]
    at = clock.now() - BEFORE
    place, key, asset = _where(chance, places)
    start = at.replace(minute=chance.choice((0, 15, 30, 45)), second=0, microsecond=0) + timedelta(hours=5 + 3 * number)
    site: Site = place.site
    with runtime.transaction(office.organization_id) as db:
        given = WorkOrderIn(
            title=chance.choice(TITLES[key]),
            description=chance.choice(DESCRIPTIONS).format(
                code=f"F{chance.randint(10, 99)}", bar=chance.randint(4, 9) / 10, month=chance.choice(MONTHS)
            ),
            work_type_id=kinds[key],
            work_class=CLASSES.get(key, "corrective"),
            priority=PRIORITIES.get(key, 3),
            problem_code="no-heat" if key in ("emergency", "heating_repair") else None,
            customer_id=site.customer_id,
            site_id=site.id,
            contact_id=place.contact.id,
            asset_id=asset.id,
        )
        order = commands.create_work_order(db, given, by=office, at=at)
        ledger = open_ledger(db, office.organization_id, order.id)
        commands.approve(db, ledger, by=office, at=at)
        minutes = WORK_TYPES[key].get("estimated_minutes", 60)
        times = ScheduleIn(
            technician_id=technician_id, scheduled_start=start, scheduled_end=start + timedelta(minutes=minutes),
            window_start=start, window_end=start + timedelta(hours=2), force_reason="measured",
        )  # fmt: skip
        visit_id = schedule_visit(db, ledger, times, by=office, at=at)
        dispatch_visit(db, ledger, visit_id, by=office, at=at)
    return visit_id


def _where(chance: Chance, places: Sequence[Place]) -> tuple[Place, str, Asset]:
    place = chance.choice([one for one in places if one.assets])
    key = chance.choice(sorted(place.assets))
    return place, key, chance.choice(place.assets[key])
