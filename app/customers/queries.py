"""Reading customers, contacts, sites and assets: always inside the caller's organization."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from app.customers.models import Asset, AssetReading, Contact, ContactConsent, Customer, Site
from app.customers.schemas import AssetFilters, ConsentOut, ContactFilters, ContactOut, CustomerFilters, SiteFilters
from app.identity.access import Caller
from app.identity.office_queries import one_for
from app.kit.paging import PageQuery, make_cursor, page_by_id, read_cursor


def customer_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> Customer:
    """
    Raises:
        NotFound: the caller's organization has no such customer.
    """
    return one_for(db, Customer, caller, id, "customer", lock=lock)


def contact_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> Contact:
    """
    Raises:
        NotFound: the caller's organization has no such contact.
    """
    return one_for(db, Contact, caller, id, "contact", lock=lock)


def site_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> Site:
    """
    Raises:
        NotFound: the caller's organization has no such site.
    """
    return one_for(db, Site, caller, id, "site", lock=lock)


def asset_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> Asset:
    """
    Raises:
        NotFound: the caller's organization has no such asset.
    """
    return one_for(db, Asset, caller, id, "asset", lock=lock)


def _filtered(query: Any, kind: Any, caller: Caller, filters: Any, *names: str) -> Any:
    """The query inside the organization, with the filters of `names` that were sent and `q`, the name's beginning."""
    query = query.where(kind.organization_id == caller.organization_id)
    for name in names:
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(kind, name) == value)
    return query.where(col(kind.name).istartswith(filters.q, autoescape=True)) if filters.q else query


def _page(items: Sequence[Any], cursor: str | None) -> dict[str, Any]:
    return {"items": items, "next_cursor": cursor}


def customers_of(db: Session, caller: Caller, filters: CustomerFilters) -> dict[str, Any]:
    """One page, the newest first."""
    query = _filtered(select(Customer), Customer, caller, filters, "external_ref")
    return _page(*page_by_id(db, query, col(Customer.id), filters, "customers"))


def contacts_of(db: Session, caller: Caller, filters: ContactFilters) -> dict[str, Any]:
    """One page, the newest first, each with its consents."""
    query = _filtered(select(Contact), Contact, caller, filters, "customer_id")
    contacts, cursor = page_by_id(db, query, col(Contact.id), filters, "contacts")
    return _page(contact_documents(db, caller, contacts), cursor)


def sites_of(db: Session, caller: Caller, filters: SiteFilters) -> dict[str, Any]:
    """One page, the newest first."""
    query = _filtered(select(Site), Site, caller, filters, "customer_id", "external_ref")
    return _page(*page_by_id(db, query, col(Site.id), filters, "sites"))


def assets_of(db: Session, caller: Caller, filters: AssetFilters) -> dict[str, Any]:
    """One page, the newest first; by customer means: on one of the customer's sites."""
    query = _filtered(select(Asset), Asset, caller, filters, "site_id", "external_ref")
    if filters.customer_id is not None:
        theirs = select(Site.id).where(
            Site.organization_id == caller.organization_id, Site.customer_id == filters.customer_id
        )
        query = query.where(col(Asset.site_id).in_(theirs))
    return _page(*page_by_id(db, query, col(Asset.id), filters, "assets"))


def contact_documents(db: Session, caller: Caller, contacts: Iterable[Contact]) -> list[ContactOut]:
    """Each contact with the consents that count now: the newest of each channel. One statement for all."""
    listed = list(contacts)
    newest = (
        select(ContactConsent)
        .where(
            ContactConsent.organization_id == caller.organization_id,
            col(ContactConsent.contact_id).in_([contact.id for contact in listed]),
        )
        .ext(distinct_on(col(ContactConsent.contact_id), col(ContactConsent.channel)))
        .order_by(
            col(ContactConsent.contact_id),
            col(ContactConsent.channel),
            col(ContactConsent.at).desc(),
            col(ContactConsent.id).desc(),
        )
    )
    consents: dict[UUID, list[ConsentOut]] = defaultdict(list)
    for consent in db.exec(newest).all() if listed else ():
        consents[consent.contact_id].append(ConsentOut.model_validate(consent))
    return [ContactOut(**contact.model_dump(warnings=False), consents=consents[contact.id]) for contact in listed]


def contact_document(db: Session, caller: Caller, contact: Contact) -> ContactOut:
    return contact_documents(db, caller, [contact])[0]


def readings_of(db: Session, caller: Caller, asset_id: UUID, page: PageQuery) -> dict[str, Any]:
    """One page of what the asset's meters showed, the newest first.

    Raises:
        NotFound: the caller's organization has no such asset.
    """
    asset = asset_for(db, caller, asset_id)
    query = select(AssetReading).where(
        AssetReading.organization_id == caller.organization_id, AssetReading.asset_id == asset.id
    )
    place = sa.tuple_(col(AssetReading.effective_at), col(AssetReading.id))
    purpose = f"readings:{asset.id}"
    if (after := read_cursor(db, page.cursor, purpose)) is not None:
        query = query.where(place < sa.tuple_(datetime.fromisoformat(after[0]), UUID(after[1])))
    newest = query.order_by(col(AssetReading.effective_at).desc(), col(AssetReading.id).desc())
    found = db.exec(newest.limit(page.limit + 1)).all()
    items = found[: page.limit]
    if len(found) <= page.limit:
        return _page(items, None)
    return _page(items, make_cursor(db, purpose, [items[-1].effective_at.isoformat(), str(items[-1].id)]))
