"""Making and changing customers, contacts, sites and assets."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from app.customers.models import Asset, AssetReading, Contact, ContactConsent, Customer, Site
from app.customers.schemas import (
    AssetChanges,
    AssetIn,
    ConsentIn,
    ContactChanges,
    ContactIn,
    CustomerChanges,
    CustomerIn,
    ReadingIn,
    SiteChanges,
    SiteIn,
)
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.database import next_number
from app.kit.problems import RuleBroken
from app.kit.references import ExternalRefTaken, NoSuchCustomer, NoSuchSite, check_references, unique
from app.kit.schemas import changes


class ReadingIdReused(RuleBroken):
    """The id of this reading came earlier with another one."""

    code = "reading-id-reused"


TAKEN = {
    "uq_customers_external_ref": ExternalRefTaken,
    "uq_sites_external_ref": ExternalRefTaken,
    "uq_assets_external_ref": ExternalRefTaken,
}


def create_customer(db: Session, given: CustomerIn, *, by: Caller) -> Customer:
    """
    Raises:
        ExternalRefTaken: another customer has it.
    """
    number = f"C-{next_number(db, by.organization_id, 'customers'):05d}"
    customer = Customer(organization_id=by.organization_id, number=number, **given.model_dump())
    with unique(db, TAKEN):
        db.add(customer)
    return customer


def update_customer(db: Session, customer: Customer, given: CustomerChanges) -> None:
    """
    Raises:
        ExternalRefTaken: another customer has it.
    """
    _change(db, customer, changes(given))


def create_contact(db: Session, given: ContactIn, *, by: Caller) -> Contact:
    """
    Raises:
        NoSuchCustomer: the organization has no such customer.
    """
    check_references(db, by.organization_id, {NoSuchCustomer: given.customer_id})
    contact = Contact(organization_id=by.organization_id, **given.model_dump())
    db.add(contact)
    db.flush()
    return contact


def update_contact(db: Session, contact: Contact, given: ContactChanges) -> None:
    _change(db, contact, changes(given), Kind.CONTACT)


def record_consent(db: Session, contact: Contact, given: ConsentIn, *, at: datetime) -> None:
    """Add what the contact said about a channel. Earlier answers stay; the newest one counts."""
    db.add(
        ContactConsent(
            organization_id=contact.organization_id,
            contact_id=contact.id,
            channel=given.channel,
            state=given.state,
            source=given.source,
            at=given.at or at,
        )
    )
    contact.version += 1
    db.flush()


def create_site(db: Session, given: SiteIn, *, by: Caller) -> Site:
    """
    Raises:
        NoSuchCustomer: the organization has no such customer.
        ExternalRefTaken: another site has it.
    """
    check_references(db, by.organization_id, {NoSuchCustomer: given.customer_id})
    site = Site(organization_id=by.organization_id, **_placed(given.model_dump()))
    with unique(db, TAKEN):
        db.add(site)
    return site


def update_site(db: Session, site: Site, given: SiteChanges) -> None:
    """
    Raises:
        NoSuchCustomer: the organization has no such customer.
        ExternalRefTaken: another site has it.
    """
    check_references(db, site.organization_id, {NoSuchCustomer: given.customer_id})
    _change(db, site, _placed(changes(given)), Kind.SITE)


def create_asset(db: Session, given: AssetIn, *, by: Caller) -> Asset:
    """
    Raises:
        NoSuchSite: the organization has no such site.
        ExternalRefTaken: another asset has it.
    """
    check_references(db, by.organization_id, {NoSuchSite: given.site_id})
    asset = Asset(organization_id=by.organization_id, **given.model_dump())
    with unique(db, TAKEN):
        db.add(asset)
    return asset


def update_asset(db: Session, asset: Asset, given: AssetChanges) -> None:
    """
    Raises:
        NoSuchSite: the organization has no such site.
        ExternalRefTaken: another asset has it.
    """
    check_references(db, asset.organization_id, {NoSuchSite: given.site_id})
    _change(db, asset, changes(given), Kind.ASSET)


def record_reading(
    db: Session,
    asset: Asset,
    given: ReadingIn,
    *,
    work_order_id: UUID | None,
    visit_id: UUID | None,
    technician_id: UUID | None,
    effective_at: datetime,
    at: datetime,
) -> AssetReading:
    """Keep what a meter of the asset showed. The same reading again is the same reading.

    Raises:
        ReadingIdReused: the id came earlier with something else.
    """
    values = {
        "organization_id": asset.organization_id,
        **given.model_dump(),
        "asset_id": asset.id,
        "work_order_id": work_order_id,
        "visit_id": visit_id,
        "technician_id": technician_id,
        "effective_at": effective_at,
        "recorded_at": at,
    }
    adding = insert(AssetReading).values(values).on_conflict_do_nothing().returning(AssetReading)
    made = db.scalars(adding).one_or_none()
    if made is not None:
        return made
    earlier = db.get_one(AssetReading, (asset.organization_id, given.id))
    if any(getattr(earlier, name) != values[name] for name in ("asset_id", "visit_id", "label", "value", "unit")):
        raise ReadingIdReused("This id came earlier with another reading.", id=str(given.id))
    return earlier


def _placed(values: dict[str, Any]) -> dict[str, Any]:
    """The values with `coordinates` as the two columns they are kept in."""
    if "coordinates" not in values:
        return values
    place = values.pop("coordinates") or {"lat": None, "lng": None}
    return {**values, "latitude": place["lat"], "longitude": place["lng"]}


def _change(
    db: Session, row: Customer | Contact | Site | Asset, values: dict[str, Any], kind: Kind | None = None
) -> None:
    """Set what differs; the version grows when anything does, and those who keep copies of this kind are told."""
    differing = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not differing:
        return
    with unique(db, TAKEN):
        for name, value in differing.items():
            setattr(row, name, value)
        row.version += 1
    if kind is not None:
        touch(db, row.organization_id, kind, row.id)
