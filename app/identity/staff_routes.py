"""`/v1/organization`, technicians with their times, teams, partners: who there is to do the work."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from app.identity import office_commands as commands
from app.identity import office_queries as queries
from app.identity.access import Db, Me, api_router
from app.identity.models import Absence, Partner, Team
from app.identity.office_schemas import (
    AbsenceFilters,
    AbsenceIn,
    AbsenceOut,
    OrganizationChanges,
    OrganizationOut,
    PartnerFilters,
    PartnerIn,
    PartnerOut,
    ShiftsIn,
    ShiftsOut,
    TeamChanges,
    TeamFilters,
    TeamIn,
    TeamOut,
    TechnicianChanges,
    TechnicianFilters,
    TechnicianIn,
    TechnicianOut,
)
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotFound, Stale, VersionRequired, refuses
from app.kit.references import ExternalRefTaken, NoSuchPartner, NoSuchTeam, NoSuchTechnician
from app.kit.schemas import Page
from app.kit.versions import (
    UNCHANGED,
    IfMatch,
    IfNoneMatch,
    check_version,
    content_tag,
    not_modified,
    versioned,
)

router = api_router("/v1", "office")


@router.get("/organization", response_model=OrganizationOut, responses=UNCHANGED)
def get_organization(me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """My organization."""
    document = queries.organization_document(me, queries.organization_for(db, me))
    return not_modified(known, content_tag(document)) or versioned(document, content_tag(document))


@router.patch("/organization", response_model=OrganizationOut, responses=refuses(VersionRequired, Stale))
def update_organization(given: OrganizationChanges, me: Me, db: Db, meant: IfMatch = None) -> Response:
    """Change the organization as it was read."""
    organization = queries.organization_for(db, me, lock=True)
    before = queries.organization_document(me, organization)
    check_version(meant, content_tag(before), current=lambda: before)
    commands.update_organization(db, organization, given)
    after = queries.organization_document(me, organization)
    return versioned(after, content_tag(after))


@router.get("/technicians", response_model=Page[TechnicianOut], responses=refuses(CursorUnreadable))
def list_technicians(filters: Annotated[TechnicianFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Technicians, the newest first."""
    return queries.technicians_of(db, me, filters)


@router.post(
    "/technicians",
    response_model=TechnicianOut,
    status_code=201,
    responses=refuses(NoSuchTeam, NoSuchPartner, ExternalRefTaken),
)
def create_technician(given: TechnicianIn, me: Me, db: Db) -> Response:
    """Add a technician. To sign in, a person with the technician's role is added too."""
    document = queries.technician_document(me, commands.create_technician(db, given, by=me))
    return versioned(document, content_tag(document), status_code=201)


@router.get("/technicians/{technician_id}", response_model=TechnicianOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_technician(technician_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One technician."""
    document = queries.technician_document(me, queries.technician_for(db, me, technician_id))
    return not_modified(known, content_tag(document)) or versioned(document, content_tag(document))


@router.patch(
    "/technicians/{technician_id}",
    response_model=TechnicianOut,
    responses=refuses(NotFound, VersionRequired, Stale, NoSuchTeam, NoSuchPartner, ExternalRefTaken),
)
def update_technician(technician_id: UUID, given: TechnicianChanges, me: Me, db: Db, meant: IfMatch = None) -> Response:
    """Change a technician as it was read."""
    technician = queries.technician_for(db, me, technician_id, lock=True)
    before = queries.technician_document(me, technician)
    check_version(meant, content_tag(before), current=lambda: before)
    commands.update_technician(db, technician, given, by=me)
    after = queries.technician_document(me, technician)
    return versioned(after, content_tag(after))


@router.get("/technicians/{technician_id}/shifts", response_model=ShiftsOut, responses=refuses(NotFound))
def list_shifts(technician_id: UUID, me: Me, db: Db) -> dict[str, Any]:
    """A technician's week."""
    technician = queries.technician_for(db, me, technician_id)
    return {"items": queries.shifts_of(db, technician)}


@router.put("/technicians/{technician_id}/shifts", response_model=ShiftsOut, responses=refuses(NotFound))
def replace_shifts(technician_id: UUID, given: ShiftsIn, me: Me, db: Db) -> dict[str, Any]:
    """Say a technician's whole week anew."""
    technician = queries.technician_for(db, me, technician_id, lock=True)
    commands.replace_shifts(db, technician, given)
    return {"items": queries.shifts_of(db, technician)}


@router.get("/absences", response_model=Page[AbsenceOut], responses=refuses(CursorUnreadable))
def list_absences(filters: Annotated[AbsenceFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Absences, the newest entry first."""
    return queries.absences_of(db, me, filters)


@router.post("/absences", response_model=AbsenceOut, status_code=201, responses=refuses(NoSuchTechnician))
def create_absence(given: AbsenceIn, me: Me, db: Db) -> Absence:
    """Say when a technician is away."""
    return commands.create_absence(db, given, by=me)


@router.get("/teams", response_model=Page[TeamOut], responses=refuses(CursorUnreadable))
def list_teams(filters: Annotated[TeamFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Teams, the newest first."""
    return queries.teams_of(db, me, filters)


@router.post("/teams", response_model=TeamOut, status_code=201, responses=refuses(NoSuchPartner, ExternalRefTaken))
def create_team(given: TeamIn, me: Me, db: Db) -> Team:
    """Add a team."""
    return commands.create_team(db, given, by=me)


@router.patch("/teams/{team_id}", response_model=TeamOut, responses=refuses(NotFound, NoSuchPartner, ExternalRefTaken))
def update_team(team_id: UUID, given: TeamChanges, me: Me, db: Db) -> Team:
    """Change a team."""
    team = queries.team_for(db, me, team_id, lock=True)
    commands.update_team(db, team, given)
    return team


@router.get("/partners", response_model=Page[PartnerOut], responses=refuses(CursorUnreadable))
def list_partners(filters: Annotated[PartnerFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Contractor companies, the newest first."""
    return queries.partners_of(db, me, filters)


@router.post("/partners", response_model=PartnerOut, status_code=201)
def create_partner(given: PartnerIn, me: Me, db: Db) -> Partner:
    """Add a contractor company."""
    return commands.create_partner(db, given, by=me)
