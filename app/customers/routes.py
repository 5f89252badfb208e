"""`/v1/customers` and `/v1/contacts`: whom the work is for."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from app.customers import commands, queries
from app.customers.schemas import (
    ConsentIn,
    ContactChanges,
    ContactFilters,
    ContactIn,
    ContactOut,
    CustomerChanges,
    CustomerFilters,
    CustomerIn,
    CustomerOut,
)
from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotFound, Stale, VersionRequired, refuses
from app.kit.references import ExternalRefTaken, NoSuchCustomer
from app.kit.schemas import Page
from app.kit.versions import UNCHANGED, IfMatch, IfNoneMatch, check_version, not_modified, versioned

router = api_router("/v1", "customers")
EDIT = (NotFound, VersionRequired, Stale)


@router.get("/customers", response_model=Page[CustomerOut], responses=refuses(CursorUnreadable))
def list_customers(filters: Annotated[CustomerFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Customers, the newest first."""
    return queries.customers_of(db, me, filters)


@router.post("/customers", response_model=CustomerOut, status_code=201, responses=refuses(ExternalRefTaken))
def create_customer(given: CustomerIn, me: Me, db: Db) -> Response:
    """Add a customer; it gets a number."""
    customer = commands.create_customer(db, given, by=me)
    return versioned(CustomerOut.model_validate(customer), customer.version, status_code=201)


@router.get("/customers/{customer_id}", response_model=CustomerOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_customer(customer_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One customer."""
    customer = queries.customer_for(db, me, customer_id)
    return not_modified(known, customer.version) or versioned(CustomerOut.model_validate(customer), customer.version)


@router.patch("/customers/{customer_id}", response_model=CustomerOut, responses=refuses(*EDIT, ExternalRefTaken))
def update_customer(customer_id: UUID, given: CustomerChanges, me: Me, db: Db, meant: IfMatch = None) -> Response:
    """Change a customer as it was read."""
    customer = queries.customer_for(db, me, customer_id, lock=True)
    check_version(meant, customer.version, current=lambda: CustomerOut.model_validate(customer))
    commands.update_customer(db, customer, given)
    return versioned(CustomerOut.model_validate(customer), customer.version)


@router.get("/contacts", response_model=Page[ContactOut], responses=refuses(CursorUnreadable))
def list_contacts(filters: Annotated[ContactFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """People at customers, the newest first, each with the consents that count now."""
    return queries.contacts_of(db, me, filters)


@router.post("/contacts", response_model=ContactOut, status_code=201, responses=refuses(NoSuchCustomer))
def create_contact(given: ContactIn, me: Me, db: Db) -> Response:
    """Add a person at a customer's."""
    contact = commands.create_contact(db, given, by=me)
    return versioned(queries.contact_document(db, me, contact), contact.version, status_code=201)


@router.get("/contacts/{contact_id}", response_model=ContactOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_contact(contact_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One contact, with the consents that count now."""
    contact = queries.contact_for(db, me, contact_id)
    return not_modified(known, contact.version) or versioned(queries.contact_document(db, me, contact), contact.version)


@router.patch("/contacts/{contact_id}", response_model=ContactOut, responses=refuses(*EDIT))
def update_contact(contact_id: UUID, given: ContactChanges, me: Me, db: Db, meant: IfMatch = None) -> Response:
    """Change a contact as it was read. Consent is not changed here: it is recorded."""
    contact = queries.contact_for(db, me, contact_id, lock=True)
    check_version(meant, contact.version, current=lambda: queries.contact_document(db, me, contact))
    commands.update_contact(db, contact, given)
    return versioned(queries.contact_document(db, me, contact), contact.version)


@router.post("/contacts/{contact_id}/consents", response_model=ContactOut, status_code=201, responses=refuses(NotFound))
def record_consent(contact_id: UUID, given: ConsentIn, me: Me, db: Db) -> Response:
    """Record what a contact said about being written to. Nothing recorded is changed later; the newest counts."""
    contact = queries.contact_for(db, me, contact_id, lock=True)
    commands.record_consent(db, contact, given, at=clock.now())
    return versioned(queries.contact_document(db, me, contact), contact.version, status_code=201)
