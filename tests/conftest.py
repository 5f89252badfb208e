"""One PostgreSQL for the whole run, one database per test process, one organization per test.

The cast is fixed: Ana has jobs, Ben has none and must never see hers, Dana dispatches, Sam supervises, Max manages,
Fay counts money, Ada administers, Cleo is the customer, Acme the partner (Pia manages it, Tom is its technician).
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlmodel import Session, update
from starlette.testclient import TestClient

from app.domain.roles import Role
from app.identity import commands
from app.identity.models import (
    AccessToken,
    Employment,
    Organization,
    Partner,
    Person,
    SignedInSession,
    Team,
    Technician,
)
from app.identity.sessions import begin
from app.kit import clock
from app.kit.database import enter
from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.logs import configure
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime, create_app
from app.migrate import migrate
from tests.openapi_check import Contract


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that all tests share: `TEST_DATABASE_URL`, or an embedded one."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with EmbeddedPostgres.start(shared / "postgres") as server:
        yield server.dsn


def with_database(dsn: str, name: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    user = f"{parts['user']}:{parts['password']}" if "password" in parts else f"{parts.get('user', '')}"
    query = f"host={parts.get('host', '')}&port={parts.get('port', 5432)}"
    return f"postgresql://{user}@/{name}?{query}"


@pytest.fixture(scope="session")
def make_database(server_dsn: str) -> Callable[[str], str]:
    """Makes an empty database on the shared server and returns its address."""

    def make(name: str) -> str:
        name = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        return with_database(server_dsn, name)

    return make


@pytest.fixture(scope="session")
def dsn(make_database: Callable[[str], str]) -> str:
    """The database of this test process, at the newest schema."""
    made = make_database("firstfix_test")
    migrate(made)
    return made


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        run_worker=False,
        secret_key="a secret that only the tests know, long enough",
        public_url="http://testserver",
    )


@pytest.fixture(scope="session")
def runtime(settings: Settings, dsn: str) -> Iterator[Runtime]:
    configure("critical")
    made = build_runtime(settings, dsn)
    yield made
    made.engine.dispose()


class CheckedClient(TestClient):
    """A test client that fails on an answer that the OpenAPI document does not describe."""

    contract: Contract

    def request(self, method: str, url: Any, **more: Any) -> Any:  # type: ignore[override]
        response = super().request(method, url, **more)
        media_type = response.headers.get("content-type", "").partition(";")[0]
        parsed = response.json() if "json" in media_type and response.content else None
        last = response.request.url.path
        complaints = self.contract.complaints(
            response.request.method, last, response.status_code, media_type, response.content, parsed
        )
        assert not complaints, complaints
        return response


@pytest.fixture(scope="session")
def api(runtime: Runtime) -> Iterator[CheckedClient]:
    """The application in this process; every answer is checked against OpenAPI."""
    app = create_app(runtime)
    with CheckedClient(app, raise_server_exceptions=True, follow_redirects=False) as client:
        client.contract = Contract(app.openapi())
        yield client


@pytest.fixture
def organization(runtime: Runtime) -> Organization:
    with runtime.transaction(None) as db:
        return commands.create_organization(
            db, "Nord Service", time_zone="Europe/Berlin", currency="EUR", at=clock.now()
        )


@pytest.fixture
def db(runtime: Runtime, organization: Organization) -> Iterator[Session]:
    """A session inside the test's organization, to look (and to prepare: commit what you add)."""
    with runtime.session() as session:
        enter(session, organization.id)
        yield session
        session.rollback()


@dataclass(frozen=True)
class Somebody:
    """One of the cast, with the headers that they send."""

    person: Person
    technician: Technician | None
    headers: dict[str, str]

    @property
    def id(self) -> UUID:
        return self.person.id


Cast = Callable[..., Somebody]


@pytest.fixture
def cast(runtime: Runtime, organization: Organization) -> Cast:
    """Makes one of the cast: `cast("Ana", Role.TECHNICIAN)`; a technician's record comes with the role."""

    def make(
        name: str,
        role: Role,
        *,
        partner: Partner | None = None,
        team: Team | None = None,
        hourly_rate_minor: int | None = 6000,
        skills: tuple[str, ...] = (),
    ) -> Somebody:
        at = clock.now()
        with runtime.transaction(organization.id) as db:
            technician = None
            if role in (Role.TECHNICIAN, Role.PARTNER_TECHNICIAN):
                technician = Technician(
                    organization_id=organization.id,
                    name=name,
                    team_id=team.id if team else None,
                    partner_id=partner.id if partner else None,
                    employment=Employment.CONTRACTOR if partner else Employment.EMPLOYEE,
                    hourly_rate_minor=hourly_rate_minor,
                    currency="EUR",
                    time_zone="Europe/Berlin",
                    skills=list(skills),
                )
                db.add(technician)
                db.flush()
            person = commands.create_person(
                db,
                organization.id,
                name=name,
                email=f"{name.lower()}@{organization.id.hex}.example",
                password=None,
                roles=[role],
                technician_id=technician.id if technician else None,
                partner_id=partner.id if partner else None,
                at=at,
            )
            session = SignedInSession(
                organization_id=organization.id, person_id=person.id, created_at=at, last_used_at=at
            )
            tokens = begin(db, session, at=at, refreshable=False)
            db.exec(update(AccessToken).values(expires_at=at + timedelta(days=900)))
        return Somebody(person, technician, {"Authorization": f"Bearer {tokens.access_token}"})

    return make


@pytest.fixture
def ana(cast: Cast) -> Somebody:
    return cast("Ana", Role.TECHNICIAN)


@pytest.fixture
def ben(cast: Cast) -> Somebody:
    return cast("Ben", Role.TECHNICIAN)


@pytest.fixture
def dana(cast: Cast) -> Somebody:
    return cast("Dana", Role.DISPATCHER)


@pytest.fixture
def sam(cast: Cast) -> Somebody:
    return cast("Sam", Role.SUPERVISOR)


@pytest.fixture
def max_(cast: Cast) -> Somebody:
    return cast("Max", Role.MANAGER)


@pytest.fixture
def fay(cast: Cast) -> Somebody:
    return cast("Fay", Role.FINANCE)


@pytest.fixture
def ada(cast: Cast) -> Somebody:
    return cast("Ada", Role.ADMIN)


@pytest.fixture
def acme(runtime: Runtime, organization: Organization) -> Partner:
    with runtime.transaction(organization.id) as db:
        partner = Partner(organization_id=organization.id, name="Acme")
        db.add(partner)
        return partner


@pytest.fixture
def pia(cast: Cast, acme: Partner) -> Somebody:
    return cast("Pia", Role.PARTNER_MANAGER, partner=acme)


@pytest.fixture
def tom(cast: Cast, acme: Partner) -> Somebody:
    return cast("Tom", Role.PARTNER_TECHNICIAN, partner=acme)


@pytest.fixture
def work_off(runtime: Runtime) -> Callable[[], None]:
    """Runs the queue until it is empty, in this process."""
    import asyncio

    async def run() -> None:
        from app.kit.queue import make_queue
        from app.wiring import SWEEPS, TASKS

        queue = make_queue(runtime, TASKS, SWEEPS)
        async with queue.open_async():
            await queue.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    return lambda: asyncio.run(run())


@pytest.fixture
def scene(api: CheckedClient, runtime: Runtime, organization: Organization, dana: Somebody, ada: Somebody) -> Any:
    """The stage of most tests: see `tests/scene.py`."""
    from app.customers.models import Asset, Contact, Customer, Site
    from tests.scene import Scene

    o = organization.id
    with runtime.transaction(o) as db:
        customer = Customer(organization_id=o, number="C-1", name="Cleo & Co")
        db.add(customer)
        db.flush()
        contact = Contact(
            organization_id=o, customer_id=customer.id, name="Cleo", email="cleo@example.org", phone="+4915112345678"
        )
        site = Site(
            organization_id=o,
            customer_id=customer.id,
            name="Bakery",
            address="Main St 1",
            latitude=52.5,
            longitude=13.4,
            territory="North",
            access_notes="Ring twice",
            time_zone="Europe/Berlin",
        )
        db.add_all([contact, site])
        db.flush()
        asset = Asset(organization_id=o, site_id=site.id, name="Boiler", model="B-100", serial="SN1")
        db.add(asset)
    stage = Scene(api, dana, customer.id, contact.id, site.id, asset.id, o, ada)
    stage.work_type_id = stage.work_type("repair", sla={"resolution_minutes": 480, "pause_reasons": ["parts"]})
    return stage


SHARED_DATA = Path(os.environ.get("FIRSTFIX_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
