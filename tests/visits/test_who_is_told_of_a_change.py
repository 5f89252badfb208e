"""Whatever changes something that devices keep a copy of says so in the same transaction."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, select

from app.customers import commands as customers
from app.customers.models import Asset, Contact, Site
from app.customers.schemas import AssetChanges, ContactChanges, SiteChanges
from app.identity.models import Organization
from app.kit import clock
from app.kit.changes import Changes, Kind
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.parts.commands import record_stock_movement, record_use
from app.parts.models import Part, StockLocation
from app.parts.schemas import StockMovementIn, VisitPartIn
from app.visits.commands.field_reports import set_task
from app.visits.commands.issues import raise_issue
from app.visits.commands.noting import add_note
from app.visits.commands.resolving import resolve_issue
from app.visits.issue_schemas import ResolutionIn
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, Owner, Severity
from app.visits.schemas import NoteIn, TaskIn
from tests.conftest import Somebody
from tests.field import Job, caller_of, make_job, the_office


@pytest.fixture
def job(runtime: Runtime, organization: Organization, ana: Somebody) -> Job:
    assert ana.technician is not None
    return make_job(runtime, organization.id, ana.technician.id)


@pytest.fixture
def issue(runtime: Runtime, organization: Organization) -> Issue:
    with runtime.transaction(organization.id) as db:
        return a_new_issue(db, organization.id)


def a_new_issue(db: Session, organization_id: UUID) -> Issue:
    owner, severity = Owner.STORES, Severity.WARNING
    at = clock.now()
    return raise_issue(
        db, organization_id, IssueCode.STOCK_NEGATIVE, owner=owner, severity=severity, choices=["ok"], at=at
    )


@pytest.fixture
def van(runtime: Runtime, organization: Organization, ana: Somebody) -> StockLocation:
    assert ana.technician is not None
    with runtime.transaction(organization.id) as db:
        van = StockLocation(organization_id=organization.id, name="Van", kind="van", technician_id=ana.technician.id)
        db.add(van)
        return van


@pytest.fixture
def part(runtime: Runtime, organization: Organization) -> Part:
    with runtime.transaction(organization.id) as db:
        part = Part(organization_id=organization.id, number="P-100", name="Pump")
        db.add(part)
        return part


Told = Callable[[], dict[Kind, set[UUID]]]


@pytest.fixture
def told(db: Session) -> Iterator[Told]:
    """What this session's transaction has said to be changed."""

    def look() -> dict[Kind, set[UUID]]:
        changes: Changes | None = db.info.get("changes")
        return changes.ids if changes else {}

    yield look
    db.rollback()


def test_what_is_embedded_in_a_job_is_told_by_its_own_kind(db: Session, told: Told, scene: Any) -> None:
    o = scene.office.person.organization_id
    customers.update_site(db, db.get_one(Site, (o, scene.site_id)), SiteChanges(access_notes="Ring once"))
    customers.update_contact(db, db.get_one(Contact, (o, scene.contact_id)), ContactChanges(name="Clea"))
    customers.update_asset(db, db.get_one(Asset, (o, scene.asset_id)), AssetChanges(model="B-200"))

    assert told() == {
        Kind.SITE: {scene.site_id},
        Kind.CONTACT: {scene.contact_id},
        Kind.ASSET: {scene.asset_id},
    }


def test_a_change_that_says_what_is_so_already_is_told_to_nobody(db: Session, told: Told, scene: Any) -> None:
    site = db.get_one(Site, (scene.office.person.organization_id, scene.site_id))
    customers.update_site(db, site, SiteChanges(access_notes=site.access_notes))

    assert told() == {}


def test_a_part_that_is_used_changes_its_job_and_the_van(
    db: Session, told: Told, job: Job, van: StockLocation, part: Part, ana: Somebody
) -> None:
    given = VisitPartIn(id=uuid7(), part_number="P-100", quantity=1, occurred_at=clock.now())
    record_use(db, job.visit(), given, by=caller_of(ana.person, ana.technician), at=clock.now())

    assert told() == {Kind.WORK_ORDER: {job.work_order_id}, Kind.STOCK: {van.technician_id}}


def test_what_the_store_puts_into_a_van_changes_the_van(
    db: Session, told: Told, van: StockLocation, part: Part, organization: Organization
) -> None:
    given = StockMovementIn(
        id=uuid7(), kind="received", part_id=part.id, quantity=1, location_id=van.id, occurred_at=clock.now()
    )
    record_stock_movement(db, given, by=the_office(organization.id), at=clock.now())

    assert told() == {Kind.STOCK: {van.technician_id}}


def test_notes_and_tasks_change_their_job(db: Session, told: Told, job: Job, ana: Somebody) -> None:
    at, by = clock.now(), caller_of(ana.person, ana.technician)
    add_note(db, job.visit_id, NoteIn(id=uuid4(), occurred_at=at, text="hello"), by=by, at=at)
    assert told() == {Kind.WORK_ORDER: {job.work_order_id}}

    told().clear()
    set_task(db, job.visit_id, TaskIn(id=uuid4(), task_id="x", done=True), effective_at=at, by=by, at=at)
    assert told() == {Kind.WORK_ORDER: {job.work_order_id}}


def test_an_issue_is_told_when_it_is_raised_and_when_it_is_resolved(
    db: Session, told: Told, issue: Issue, organization: Organization
) -> None:
    given = ResolutionIn(choice="ok")
    resolve_issue(db, issue.id, given, by=the_office(organization.id), at=clock.now())
    assert told() == {Kind.ISSUE: {issue.id}}

    another = a_new_issue(db, organization.id)
    assert told() == {Kind.ISSUE: {issue.id, another.id}}
    assert db.exec(select(Issue)).all()
