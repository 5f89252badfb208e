"""The demo organization: made once from a seed, found again at every later start."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Console
from sqlmodel import Session, SQLModel

from app.demo.cast import CURRENCY, OFFICE, ORGANIZATION, PASSWORD, TIME_ZONE, email_of, make_cast
from app.demo.catalog import make_catalog
from app.demo.chance import Chance
from app.demo.feedback import ask_customers, fill_outbox
from app.demo.history import DAYS, WORK_ORDERS, tell
from app.demo.pictures import keep_pictures
from app.demo.places import CUSTOMERS, make_places
from app.demo.rules import make_rules
from app.demo.story import Diary, Stage
from app.demo.tour import print_tour
from app.domain.roles import Role
from app.identity.models import Organization, SignIn
from app.identity.passwords import hash_password
from app.identity.sessions import email_key
from app.kit import clock
from app.kit.changes import Kind, touch
from app.kit.database import enter, next_numbers
from app.kit.runtime import Runtime
from app.surveys.models import Survey
from app.work_orders.models import WorkOrder

SEED = 90_210
#: People are hired, and shelves filled, that long before the first work order.
BEFORE = timedelta(days=3)
SETTINGS = {
    "surveys": {"earliest_hour": 0, "latest_hour": 24},
    "overhead_per_work_order_minor": 1500,
    "on_time": {"grace_minutes": 10},
}


@dataclass(frozen=True, slots=True)
class Made:
    """All rows, in the order in which they can be added."""

    organization: Organization
    rows: list[SQLModel]
    surveys: list[Survey]


def ensure_demo_organization(runtime: Runtime, out: Console) -> None:
    """Make the demo organization when it is not there, and print how to look around in it."""
    organization_id = find(runtime)
    if organization_id is None:
        with out.status(f"Making {ORGANIZATION}: {WORK_ORDERS} work orders of the last {DAYS} days …"):
            organization_id = make(runtime, now=clock.now())
    print_tour(runtime, organization_id, out)


def find(runtime: Runtime) -> UUID | None:
    with runtime.transaction(None) as db:
        known = db.get(SignIn, email_key(email_of(OFFICE[Role.ADMIN])))
        return known.organization_id if known else None


def make(runtime: Runtime, *, now: datetime, seed: int = SEED) -> UUID:
    """Make it in one transaction. The ninety days end with the last midnight before `now`, on the demo's own clock."""
    made = imagine(runtime, midnight_before(now), seed=seed, password_hash=hash_password(PASSWORD))
    with runtime.transaction(None) as db:
        db.add(made.organization)
        db.flush()
        enter(db, made.organization.id)
        add(db, made.rows)
        orders = [row.id for row in made.rows if isinstance(row, WorkOrder)]
        touch(db, made.organization.id, Kind.WORK_ORDER, *orders)
        touch(db, made.organization.id, Kind.CLOSING, *orders)
        next_numbers(db, made.organization.id, "work_order", WORK_ORDERS)
        next_numbers(db, made.organization.id, "customers", CUSTOMERS)
        fill_outbox(db, runtime, made.surveys)
    return made.organization.id


def midnight_before(now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(TIME_ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(now.tzinfo)


def imagine(runtime: Runtime, now: datetime, *, seed: int, password_hash: str) -> Made:
    """Everything as rows, none of them stored: the same seed and day give the same ones."""
    chance, began_at = Chance(seed), now - timedelta(days=DAYS) - BEFORE
    organization = Organization(
        id=chance.id(began_at),
        name=ORGANIZATION,
        time_zone=TIME_ZONE,
        currency=CURRENCY,
        settings=SETTINGS,
        created_at=began_at,
    )
    cast = make_cast(chance, organization.id, password_hash=password_hash, at=began_at)
    catalog = make_catalog(chance, organization.id, cast.workers, at=began_at)
    places = make_places(chance, organization.id, at=began_at)
    pictures = keep_pictures(runtime.objects, organization.id)
    stage = Stage(chance, cast, catalog, Diary(chance, cast.workers), pictures, now)
    stories = tell(stage, places.places)
    asked = ask_customers(stories, runtime.secret)
    told = [row for story in stories for row in story.rows()]
    rules = make_rules(chance, organization.id, catalog, at=now)
    rows = [*cast.rows, *catalog.rows, *places.rows, *told, *asked, *rules]
    return Made(organization, rows, [one for one in asked if isinstance(one, Survey)])


def add(db: Session, rows: list[SQLModel]) -> None:
    """Add the rows table by table, those first that others point to."""
    places = {table: place for place, table in enumerate(SQLModel.metadata.sorted_tables)}
    for _, of_table in groupby(sorted(rows, key=lambda row: places[row.__table__]), key=type):  # type: ignore[attr-defined]
        db.add_all(of_table)
        db.flush()
