"""Reading what the office keeps: always inside the caller's organization."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import Session, col, select

from app.identity.access import Caller
from app.identity.models import Absence, ApiClient, Organization, Partner, Person, Shift, Team, Technician
from app.identity.office_schemas import (
    AbsenceFilters,
    OrganizationOut,
    OrganizationSettings,
    PartnerFilters,
    TeamFilters,
    TechnicianFilters,
    TechnicianOut,
)
from app.identity.people_schemas import PeopleFilters
from app.kit.database import Table
from app.kit.paging import PageQuery, page_by_id
from app.kit.problems import NotFound

Kind = TypeVar("Kind", bound=Table)


def one_for(db: Session, kind: type[Kind], caller: Caller, id: UUID, what: str, *, lock: bool) -> Kind:
    """The row with this id, locked when asked for.

    Raises:
        NotFound: the caller's organization has no such thing.
    """
    query = select(kind).where(kind.organization_id == caller.organization_id, kind.id == id)
    found = db.exec(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound(f"There is no such {what}.", id=str(id))
    return found


def organization_for(db: Session, caller: Caller, *, lock: bool = False) -> Organization:
    query = select(Organization).where(Organization.id == caller.organization_id)
    return db.exec(query.with_for_update() if lock else query).one()


def technician_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> Technician:
    """
    Raises:
        NotFound: the caller's organization has no such technician.
    """
    return one_for(db, Technician, caller, id, "technician", lock=lock)


def team_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> Team:
    """
    Raises:
        NotFound: the caller's organization has no such team.
    """
    return one_for(db, Team, caller, id, "team", lock=lock)


def person_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> Person:
    """
    Raises:
        NotFound: the caller's organization has no such person.
    """
    return one_for(db, Person, caller, id, "person", lock=lock)


def api_client_for(db: Session, caller: Caller, id: UUID, *, lock: bool = False) -> ApiClient:
    """
    Raises:
        NotFound: the caller's organization has no such API client.
    """
    return one_for(db, ApiClient, caller, id, "API client", lock=lock)


def organization_document(caller: Caller, organization: Organization) -> OrganizationOut:
    """What the caller may see of their organization."""
    settings = None
    if caller.is_office:
        known = {name: organization.settings.get(name) for name in OrganizationSettings.model_fields}
        settings = OrganizationSettings.model_validate({name: one for name, one in known.items() if one is not None})
        if not caller.sees_costs:
            hidden = {"overhead_per_work_order_minor": None, "overhead_per_labor_hour_minor": None}
            settings = settings.model_copy(update=hidden)
    return OrganizationOut(**organization.model_dump(exclude={"settings"}), settings=settings)


def technician_document(caller: Caller, technician: Technician) -> TechnicianOut:
    document = TechnicianOut.model_validate(technician)
    return document if caller.sees_costs else document.model_copy(update={"hourly_rate_minor": None})


def _listed(db: Session, kind: type[Kind], caller: Caller, filters: PageQuery, *names: str) -> dict[str, Any]:
    """One page of a kind: the filters of `names` that were sent, and `q`, the name's beginning."""
    table: Any = kind
    query: Any = select(kind).where(kind.organization_id == caller.organization_id)
    for name in names:
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(table, name) == value)
    if beginning := getattr(filters, "q", None):
        query = query.where(col(table.name).istartswith(beginning, autoescape=True))
    items, cursor = page_by_id(db, query, col(kind.id), filters, table.__tablename__)
    return {"items": items, "next_cursor": cursor}


def technicians_of(db: Session, caller: Caller, filters: TechnicianFilters) -> dict[str, Any]:
    """One page, the newest first."""
    page = _listed(db, Technician, caller, filters, "team_id", "partner_id", "active", "external_ref")
    return {**page, "items": [technician_document(caller, one) for one in page["items"]]}


def teams_of(db: Session, caller: Caller, filters: TeamFilters) -> dict[str, Any]:
    return _listed(db, Team, caller, filters, "partner_id", "external_ref")


def partners_of(db: Session, caller: Caller, filters: PartnerFilters) -> dict[str, Any]:
    return _listed(db, Partner, caller, filters)


def api_clients_of(db: Session, caller: Caller, page: PageQuery) -> dict[str, Any]:
    """One page, the newest first, the revoked ones included."""
    return _listed(db, ApiClient, caller, page)


def people_of(db: Session, caller: Caller, filters: PeopleFilters) -> dict[str, Any]:
    """One page, the newest first."""
    query: Any = select(Person).where(Person.organization_id == caller.organization_id)
    if filters.active is not None:
        query = query.where(Person.active == filters.active)
    if filters.role is not None:
        query = query.where(col(Person.roles).contains([filters.role.value]))
    if filters.q:
        query = query.where(col(Person.name).istartswith(filters.q, autoescape=True))
    items, cursor = page_by_id(db, query, col(Person.id), filters, "people")
    return {"items": items, "next_cursor": cursor}


def shifts_of(db: Session, technician: Technician) -> Sequence[Shift]:
    """The technician's week, Monday first."""
    return db.exec(
        select(Shift)
        .where(Shift.organization_id == technician.organization_id, Shift.technician_id == technician.id)
        .order_by(col(Shift.weekday), col(Shift.starts), col(Shift.id))
    ).all()


def absences_of(db: Session, caller: Caller, filters: AbsenceFilters) -> dict[str, Any]:
    """One page, the newest entry first; the two times select what touches the span between them."""
    query: Any = select(Absence).where(Absence.organization_id == caller.organization_id)
    if filters.technician_id is not None:
        query = query.where(Absence.technician_id == filters.technician_id)
    if filters.ends_after is not None:
        query = query.where(Absence.ends_at > filters.ends_after)
    if filters.starts_before is not None:
        query = query.where(Absence.starts_at < filters.starts_before)
    items, cursor = page_by_id(db, query, col(Absence.id), filters, "absences")
    return {"items": items, "next_cursor": cursor}
