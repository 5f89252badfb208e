"""Changing what the office keeps: the organization, its technicians, teams and partners."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlmodel import Session, col, delete, select

from app.identity.access import Caller
from app.identity.models import Absence, Organization, Partner, Shift, Team, Technician
from app.identity.office_schemas import (
    AbsenceIn,
    OrganizationChanges,
    PartnerIn,
    ShiftsIn,
    TeamChanges,
    TeamIn,
    TechnicianChanges,
    TechnicianIn,
)
from app.identity.queries import organization_of
from app.kit.changes import Kind, touch
from app.kit.database import Table
from app.kit.references import (
    ExternalRefTaken,
    NoSuchPartner,
    NoSuchTeam,
    NoSuchTechnician,
    check_references,
    unique,
)
from app.kit.schemas import changes

Row = TypeVar("Row", bound=Table)
TAKEN = {"uq_teams_external_ref": ExternalRefTaken, "uq_technicians_external_ref": ExternalRefTaken}


def update_organization(db: Session, organization: Organization, given: OrganizationChanges) -> None:
    values = given.model_dump(mode="json", exclude_unset=True)
    settings = values.pop("settings", {})
    for name, value in values.items():
        setattr(organization, name, value)
    organization.settings = _merged(organization.settings, settings)
    db.flush()
    if values:
        everybody = select(Technician.id).where(Technician.organization_id == organization.id)
        touch(db, organization.id, Kind.TECHNICIAN, *db.exec(everybody))


def _merged(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those that are given; null takes one out, a group is merged in the same way."""
    merged = dict(kept)
    for name, value in given.items():
        if isinstance(value, dict):
            value = _merged(kept.get(name, {}), value) or None
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def create_technician(db: Session, given: TechnicianIn, *, by: Caller) -> Technician:
    """
    Raises:
        NoSuchTeam, NoSuchPartner: the organization has none with this id.
        ExternalRefTaken: another technician has it.
    """
    check_references(db, by.organization_id, {NoSuchTeam: given.team_id, NoSuchPartner: given.partner_id})
    technician = Technician(organization_id=by.organization_id, **given.model_dump())
    if technician.hourly_rate_minor is not None and technician.currency is None:
        technician.currency = organization_of(db, by).currency
    return _added(db, technician)


def update_technician(db: Session, technician: Technician, given: TechnicianChanges, *, by: Caller) -> None:
    """
    Raises:
        NoSuchTeam, NoSuchPartner: the organization has none with this id.
        ExternalRefTaken: another technician has it.
    """
    check_references(db, by.organization_id, {NoSuchTeam: given.team_id, NoSuchPartner: given.partner_id})
    _change(db, technician, changes(given))
    if technician.hourly_rate_minor is not None and technician.currency is None:
        technician.currency = organization_of(db, by).currency
    touch(db, technician.organization_id, Kind.TECHNICIAN, technician.id)


def replace_shifts(db: Session, technician: Technician, given: ShiftsIn) -> None:
    """The technician's week is this from now on; what was there before is gone."""
    db.exec(
        delete(Shift).where(
            col(Shift.organization_id) == technician.organization_id, col(Shift.technician_id) == technician.id
        )
    )
    db.add_all(
        Shift(organization_id=technician.organization_id, technician_id=technician.id, **shift.model_dump())
        for shift in given.items
    )
    db.flush()


def create_absence(db: Session, given: AbsenceIn, *, by: Caller) -> Absence:
    """
    Raises:
        NoSuchTechnician: the organization has none with this id.
    """
    check_references(db, by.organization_id, {NoSuchTechnician: given.technician_id})
    return _added(db, Absence(organization_id=by.organization_id, **given.model_dump()))


def create_team(db: Session, given: TeamIn, *, by: Caller) -> Team:
    """
    Raises:
        NoSuchPartner: the organization has none with this id.
        ExternalRefTaken: another team has it.
    """
    check_references(db, by.organization_id, {NoSuchPartner: given.partner_id})
    return _added(db, Team(organization_id=by.organization_id, **given.model_dump()))


def update_team(db: Session, team: Team, given: TeamChanges) -> None:
    """
    Raises:
        NoSuchPartner: the organization has none with this id.
        ExternalRefTaken: another team has it.
    """
    check_references(db, team.organization_id, {NoSuchPartner: given.partner_id})
    _change(db, team, changes(given))


def create_partner(db: Session, given: PartnerIn, *, by: Caller) -> Partner:
    return _added(db, Partner(organization_id=by.organization_id, **given.model_dump()))


def _added(db: Session, row: Row) -> Row:
    with unique(db, TAKEN):
        db.add(row)
    return row


def _change(db: Session, row: Technician | Team, values: Mapping[str, Any]) -> None:
    with unique(db, TAKEN):
        for name, value in values.items():
            setattr(row, name, value)
