"""One simulated organization: its time, its chance, its people and places, and a way to look into the database."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import dict_row

from app.customers.models import Asset, Contact, Customer, Site
from app.domain.roles import Role
from app.identity import commands
from app.identity.models import Employment, Person, SignedInSession, Technician
from app.identity.sessions import begin
from app.kit import clock
from app.kit.runtime import Runtime
from app.parts.models import LocationKind, Part, StockLocation
from app.sync import pushing
from tests.sim.inside import Ask, Inside, Reply

NOBODY = UUID(int=0)
BEGINNING = datetime(2027, 3, 1, 6, tzinfo=UTC)
PART_NUMBERS = ("IGN-044", "GSK-004", "FLT-320", "THM-100")
SERVICE_CHECK = [
    {"id": "cleaned", "label": "Heat exchanger cleaned", "kind": "yes_no", "required": True, "pass": True},
    {"id": "pressure", "label": "Pressure (bar)", "kind": "measurement", "required": True, "min": 1, "max": 2.5},
]
SIGNED = {"id": "signs", "kind": "signature", "params": {"role": "customer"}}
WORK_TYPES: tuple[dict[str, Any], ...] = (
    {"key": "repair", "name": "Repair", "planned_parts": [{"part_number": "IGN-044", "quantity": 1}]},
    {
        "key": "service",
        "name": "Service",
        "checklist": SERVICE_CHECK,
        "closure_policy": {"id": "service", "version": 1, "rules": [{"id": "checklist", "kind": "checklist"}]},
    },
    {
        "key": "installation",
        "name": "Installation",
        "closure_policy": {"id": "installation", "version": 1, "rules": [SIGNED]},
    },
)


class Poisoned(Exception):
    """The error of ours that a marked operation meets."""


@dataclass
class World:
    """`now` is what the server's clock says; everything that happens by chance asks `chance`."""

    runtime: Runtime
    server: Inside
    chance: random.Random
    look: psycopg.Connection[dict[str, Any]]
    now: datetime = BEGINNING
    organization_id: UUID = NOBODY
    quiet: bool = False
    """The network is good from now on."""
    offices: list[dict[str, str]] = field(default_factory=list)
    """The headers of the dispatchers."""
    boss: dict[str, str] = field(default_factory=dict)
    technicians: list[UUID] = field(default_factory=list)
    people: list[UUID] = field(default_factory=list)
    places: dict[str, list[UUID]] = field(default_factory=dict)
    poison: dict[str, datetime] = field(default_factory=dict)
    """op_id → when the server is mended for it."""
    met_poison: set[str] = field(default_factory=set)
    crashes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, many: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + many

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)

    def sql(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of this organization (`%(o)s`), seen from outside the program."""
        cursor = self.look.execute(query, {"o": self.organization_id, **values})
        return cursor.fetchall() if cursor.description else []

    def ask(self, who: dict[str, str], method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return self.heard(self.server.ask(asking(who, method, path, body, **headers)), path)

    def heard(self, reply: Reply, path: str) -> Reply:
        if reply.crash is not None or reply.status >= 500:
            self.crashes.append(f"{path}: {reply.status} {reply.crash!r} {reply.body[:300]!r}")
        return reply

    def need(self, who: dict[str, str], method: str, path: str, body: Any = None, **headers: str) -> Any:
        reply = self.ask(who, method, path, body, **headers)
        assert reply.status < 300, f"{method} {path}: {reply.status} {reply.body.decode()}"
        return reply.json() if reply.body else None

    def some(self, query: str, **values: Any) -> dict[str, Any] | None:
        """One of the rows, by chance; the query says their order."""
        found = self.sql(query, **values)
        return self.chance.choice(found) if found else None

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability


def asking(who: dict[str, str], method: str, path: str, body: Any = None, **headers: str) -> Ask:
    if body is None:
        return Ask(method, path, {**who, **headers})
    return Ask(method, path, {**who, **headers, "Content-Type": "application/json"}, orjson.dumps(body))


@contextmanager
def world_of(runtime: Runtime, server: Inside, seed: int) -> Iterator[World]:
    """An organization with four technicians and two dispatchers, on its own time, with a server that can fall ill."""
    own_clock = clock.now
    with psycopg.connect(runtime.dsn, autocommit=True, row_factory=dict_row) as look:
        world = World(runtime, server, random.Random(seed), look)
        ill = {known: _falls_ill(world, handle) for known, handle in pushing.HANDLERS.items()}
        own_handlers, pushing.HANDLERS = pushing.HANDLERS, ill
        clock.now = lambda: world.now
        try:
            _people(world)
            _places(world)
            _catalog(world)
            yield world
        finally:
            clock.now = own_clock
            pushing.HANDLERS = own_handlers


def _falls_ill(world: World, handle: Any) -> Any:
    def run(db: Any, sent: Any) -> Any:
        outcome = handle(db, sent)
        if world.now < world.poison.get(str(sent.id), world.now):
            world.met_poison.add(str(sent.id))
            raise Poisoned("a defect of ours")
        return outcome

    return run


def _people(world: World) -> None:
    with world.runtime.transaction(None) as db:
        organization = commands.create_organization(db, "Nord", time_zone="Europe/Berlin", currency="EUR", at=world.now)
        world.organization_id = organization.id
    world.look.execute("SELECT set_config('app.organization', %s, false)", (str(world.organization_id),))
    for name in ("Ana", "Ben", "Eva", "Jon"):
        technician = Technician(
            organization_id=world.organization_id, name=name, employment=Employment.EMPLOYEE, time_zone="Europe/Berlin"
        )
        with world.runtime.transaction(world.organization_id) as db:
            db.add(technician)
        world.technicians.append(technician.id)
        world.people.append(_person(world, name, Role.TECHNICIAN, technician.id).id)
    for name, role in (("Dana", Role.DISPATCHER), ("Dirk", Role.DISPATCHER), ("Ada", Role.ADMIN)):
        headers = signed_in(world, _person(world, name, role, None).id)
        if role is Role.ADMIN:
            world.boss = headers
        else:
            world.offices.append(headers)


def _person(world: World, name: str, role: Role, technician_id: UUID | None) -> Person:
    o = world.organization_id
    with world.runtime.transaction(o) as db:
        return commands.create_person(
            db,
            o,
            name=name,
            email=f"{name.lower()}@{o.hex}.example",
            password=None,
            roles=[role],
            technician_id=technician_id,
            partner_id=None,
            at=world.now,
        )


def signed_in(world: World, person_id: UUID) -> dict[str, str]:
    """The headers of a session that does not end while the simulation runs."""
    o = world.organization_id
    with world.runtime.transaction(o) as db:
        session = SignedInSession(organization_id=o, person_id=person_id, created_at=world.now, last_used_at=world.now)
        tokens = begin(db, session, at=world.now, refreshable=False)
    lasting(world)
    return {"Authorization": f"Bearer {tokens.access_token}"}


def lasting(world: World) -> None:
    world.sql("UPDATE access_tokens SET expires_at = '2100-01-01' WHERE organization_id = %(o)s")


def _places(world: World) -> None:
    o = world.organization_id
    with world.runtime.transaction(o) as db:
        customer = Customer(organization_id=o, number="C-1", name="Cleo & Co")
        db.add(customer)
        db.flush()
        sites = [Site(organization_id=o, customer_id=customer.id, name=f"Site {n}", address=f"Main St {n}")
                 for n in range(4)]  # fmt: skip
        contacts = [Contact(organization_id=o, customer_id=customer.id, name=f"Contact {n}", phone="+4915112345678")
                    for n in range(3)]  # fmt: skip
        db.add_all([*sites, *contacts])
        db.flush()
        assets = [Asset(organization_id=o, site_id=site.id, name="Boiler", model="B-100", serial=f"SN{n}")
                  for n, site in enumerate(sites)]  # fmt: skip
        db.add_all(assets)
        db.flush()
        world.places = {
            "customers": [customer.id],
            "sites": [one.id for one in sites],
            "contacts": [one.id for one in contacts],
            "assets": [one.id for one in assets],
        }


def _catalog(world: World) -> None:
    o = world.organization_id
    with world.runtime.transaction(o) as db:
        parts = [Part(organization_id=o, number=number, name=f"Part {number}") for number in PART_NUMBERS]
        vans = [StockLocation(organization_id=o, name="Van", kind=LocationKind.VAN, technician_id=one)
                for one in world.technicians]  # fmt: skip
        depot = StockLocation(organization_id=o, name="Depot", kind=LocationKind.DEPOT)
        db.add_all([*parts, *vans, depot])
        db.flush()
        world.places |= {
            "parts": [one.id for one in parts],
            "vans": [one.id for one in vans],
            "depots": [depot.id],
        }
    world.places["work_types"] = [
        UUID(world.need(world.boss, "POST", "/v1/work-types", kind)["id"]) for kind in WORK_TYPES
    ]
