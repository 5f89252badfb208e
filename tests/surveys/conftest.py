"""Finished work with somebody to ask, and ways to send to them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlmodel import Session
from starlette.testclient import TestClient

from app.customers.models import Channel, Contact, Customer, Site
from app.domain.lifecycle import VisitStatus, WorkOrderStatus
from app.domain.surveys import Trigger
from app.identity.models import Organization, Technician
from app.kit.database import next_number
from app.kit.runtime import Runtime
from app.kit.tokens import SURVEY, derive
from app.surveys.commands import make_survey
from app.surveys.models import Survey
from app.surveys.queries import survey_of
from app.visits.models import Visit
from app.work_orders.models import WorkOrder

#: A Monday, ten in the morning in Berlin.
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock_stands() -> Iterator[time_machine.Traveller]:
    """It is Monday morning until the test says otherwise: `clock_stands.move_to(...)`."""
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@dataclass(frozen=True)
class Job:
    """A finished work order of Cleo's."""

    runtime: Runtime
    organization_id: UUID
    work_order_id: UUID
    contact_id: UUID | None

    def invite(self, *, at: datetime = MORNING, trigger: Trigger = Trigger.CLOSED) -> UUID | None:
        with self.runtime.transaction(self.organization_id) as db:
            return make_survey(db, self.organization_id, self.work_order_id, trigger=trigger, at=at)

    def survey(self) -> Survey:
        from sqlmodel import select

        with self.runtime.transaction(self.organization_id) as db:
            query = select(Survey).where(
                Survey.organization_id == self.organization_id, Survey.work_order_id == self.work_order_id
            )
            return db.exec(query).one()

    def link(self) -> str:
        """The path of the customer's link, as only the message has it."""
        return f"/s/{derive(SURVEY, self.organization_id, self.runtime.secret, self.survey().id)}"


Jobs = Callable[..., Job]


@pytest.fixture
def cleo(runtime: Runtime, organization: Organization) -> Callable[..., Contact]:
    """Makes a contact: reached by e-mail, speaks English, lives in Berlin, unless said otherwise."""

    def make(**changes: Any) -> Contact:
        with runtime.transaction(organization.id) as db:
            number = next_number(db, organization.id, "customer")
            customer = Customer(organization_id=organization.id, number=f"C-{number}", name="Cleo's Bakery")
            db.add(customer)
            db.flush()
            values: dict[str, Any] = {
                "name": "Cleo",
                "email": "cleo@example.org",
                "phone": "+49301234567",
                "language": "en",
                "channel": Channel.EMAIL,
                "time_zone": "Europe/Berlin",
            }
            contact = Contact(organization_id=organization.id, customer_id=customer.id, **{**values, **changes})
            db.add(contact)
            return contact

    return make


@pytest.fixture
def a_job(runtime: Runtime, organization: Organization, cleo: Callable[..., Contact]) -> Jobs:
    """Makes a closed work order with its visit; `contact=None` has nobody to ask."""

    def make(contact: Contact | str | None = "new", **changes: Any) -> Job:
        asked = cleo() if isinstance(contact, str) else contact
        with runtime.transaction(organization.id) as db:
            return _job(runtime, db, organization.id, asked, changes)

    return make


def _job(runtime: Runtime, db: Session, organization_id: UUID, contact: Contact | None, changes: dict[str, Any]) -> Job:
    ana = Technician(organization_id=organization_id, name="Ana")
    site = Site(organization_id=organization_id, name="Bakery", postal_code="SW1A 1AA", territory="north")
    db.add_all([ana, site])
    db.flush()
    values: dict[str, Any] = {
        "number": f"WO-{next_number(db, organization_id, 'work_order')}",
        "type": "repair",
        "title": "Oven repair",
        "territory": "north",
        "status": WorkOrderStatus.CLOSED,
        "requested_at": MORNING - timedelta(days=3),
        "closed_at": MORNING,
        "recorded_at": MORNING,
    }
    order = WorkOrder(
        organization_id=organization_id,
        site_id=site.id,
        contact_id=contact.id if contact else None,
        **{**values, **changes},
    )
    db.add(order)
    db.flush()
    window = MORNING - timedelta(hours=3)
    db.add(
        Visit(
            organization_id=organization_id,
            work_order_id=order.id,
            number=1,
            technician_id=ana.id,
            status=VisitStatus.COMPLETED,
            recorded_at=MORNING,
            window_start=window,
            window_end=window + timedelta(hours=1),
            arrived_at=window + timedelta(hours=1, minutes=12),
        )
    )
    return Job(runtime, organization_id, order.id, contact.id if contact else None)


@pytest.fixture
def with_settings(runtime: Runtime) -> Callable[..., Runtime]:
    """The same process with other settings, such as another message provider."""

    def make(**changes: Any) -> Runtime:
        settings = runtime.settings.model_copy(update=changes)
        settings.__dict__.pop("base_url", None)  # it is computed once, and was copied
        return replace(runtime, settings=settings)

    return make


@pytest.fixture
def send(runtime: Runtime) -> Callable[..., Survey]:
    """Does what the worker does with a nudge, through the given process, and looks at the row afterwards."""
    from app.surveys.sending import send_survey

    def run(job: Job, through: Runtime | None = None) -> Survey:
        survey = job.survey()
        send_survey(through or runtime, organization_id=str(job.organization_id), survey_id=str(survey.id))
        with runtime.transaction(job.organization_id) as db:
            return survey_of(db, job.organization_id, survey.id)

    return run


class Web:
    """A browser without scripts or cookies: the pages are not part of the API's document."""

    def __init__(self, api: TestClient) -> None:
        self._api = api

    def get(self, path: str, **more: Any) -> Any:
        return TestClient.request(self._api, "GET", path, **more)

    def head(self, path: str, **more: Any) -> Any:
        return TestClient.request(self._api, "HEAD", path, **more)

    def options(self, path: str) -> Any:
        return TestClient.request(self._api, "OPTIONS", path)

    def post(self, path: str, form: dict[str, str] | None = None, **more: Any) -> Any:
        return TestClient.request(self._api, "POST", path, data=form or {}, **more)


@pytest.fixture
def web(api: TestClient) -> Web:
    return Web(api)
