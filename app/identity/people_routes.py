"""`/v1/people` and `/v1/api-clients`: who may call. What is told only once is never cached."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from app.identity import office_queries as queries
from app.identity import people_commands as commands
from app.identity.access import Db, Me, Running, api_router
from app.identity.commands import EmailTaken
from app.identity.models import Person
from app.identity.passwords import PasswordTooWeak
from app.identity.people_commands import LINK_LASTS, LastAdmin, RoleIncomplete
from app.identity.people_schemas import (
    ApiClientIn,
    ApiClientOut,
    NewApiClientOut,
    NewPersonOut,
    PeopleFilters,
    PersonChanges,
    PersonIn,
    PersonOut,
    SetupLinkOut,
)
from app.identity.setup import link_of
from app.kit import clock
from app.kit.paging import CursorUnreadable, Paging
from app.kit.problems import NotFound, refuses
from app.kit.references import NoSuchPartner, NoSuchTechnician
from app.kit.schemas import Page

router = api_router("/v1", "office")


@router.get("/people", response_model=Page[PersonOut], responses=refuses(CursorUnreadable))
def list_people(filters: Annotated[PeopleFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Who may sign in, the newest first."""
    return queries.people_of(db, me, filters)


@router.post(
    "/people",
    response_model=NewPersonOut,
    status_code=201,
    responses=refuses(RoleIncomplete, NoSuchTechnician, NoSuchPartner, PasswordTooWeak, EmailTaken),
)
def create_person(given: PersonIn, me: Me, db: Db, running: Running, response: Response) -> dict[str, Any]:
    """Add somebody who may sign in; without a password the answer holds a link that sets it, once."""
    response.headers["Cache-Control"] = "no-store"
    at = clock.now()
    person = commands.create_person(db, given, by=me, at=at)
    token = None if given.password else commands.create_setup_link(db, person, at=at)
    url = link_of(running, token) if token else None
    return {**person.model_dump(), "has_password": person.has_password, "setup_url": url}


@router.patch(
    "/people/{person_id}",
    response_model=PersonOut,
    responses=refuses(NotFound, RoleIncomplete, LastAdmin, NoSuchTechnician, NoSuchPartner),
)
def update_person(person_id: UUID, given: PersonChanges, me: Me, db: Db) -> Person:
    """Change what somebody may do, or take them out of use."""
    person = queries.person_for(db, me, person_id, lock=True)
    commands.update_person(db, person, given, at=clock.now())
    return person


@router.post(
    "/people/{person_id}/setup-links", response_model=SetupLinkOut, status_code=201, responses=refuses(NotFound)
)
def create_setup_link(person_id: UUID, me: Me, db: Db, running: Running, response: Response) -> dict[str, Any]:
    """A new link that sets somebody's password, once; the links before it stop working."""
    response.headers["Cache-Control"] = "no-store"
    at = clock.now()
    person = queries.person_for(db, me, person_id, lock=True)
    token = commands.create_setup_link(db, person, at=at)
    return {"setup_url": link_of(running, token), "expires_at": at + LINK_LASTS}


@router.get("/api-clients", response_model=Page[ApiClientOut], responses=refuses(CursorUnreadable))
def list_api_clients(page: Paging, me: Me, db: Db) -> dict[str, Any]:
    """Integrations, the newest first."""
    return queries.api_clients_of(db, me, page)


@router.post(
    "/api-clients",
    response_model=NewApiClientOut,
    status_code=201,
    responses=refuses(RoleIncomplete, NoSuchPartner),
)
def create_api_client(given: ApiClientIn, me: Me, db: Db, response: Response) -> dict[str, Any]:
    """Add an integration; its key is in this answer and nowhere else."""
    response.headers["Cache-Control"] = "no-store"
    client, key = commands.create_api_client(db, given, by=me, at=clock.now())
    return {**client.model_dump(), "key": key}


@router.delete("/api-clients/{client_id}", status_code=204, responses=refuses(NotFound))
def revoke_api_client(client_id: UUID, me: Me, db: Db) -> Response:
    """Make an integration's key useless, at once and for ever."""
    client = queries.api_client_for(db, me, client_id, lock=True)
    commands.revoke_api_client(db, client, at=clock.now())
    return Response(status_code=204)
