"""Cleo's company, with a site and an asset."""

from typing import Any

import pytest

from app.domain.roles import Role
from app.identity import commands
from app.identity.models import Organization, SignedInSession
from app.identity.sessions import begin
from app.kit import clock
from app.kit.runtime import Runtime
from tests.conftest import CheckedClient, Somebody


def made(api: CheckedClient, by: Somebody, path: str, **body: Any) -> dict[str, Any]:
    answer = api.post(path, json=body, headers=by.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
def customer(api: CheckedClient, dana: Somebody) -> dict[str, Any]:
    return made(api, dana, "/v1/customers", name="Cleo's Bakery", external_ref="K-1")


@pytest.fixture
def contact(api: CheckedClient, dana: Somebody, customer: dict[str, Any]) -> dict[str, Any]:
    return made(
        api, dana, "/v1/contacts", customer_id=customer["id"], name="Cleo", email="cleo@example.org", language="de"
    )


@pytest.fixture
def site(api: CheckedClient, dana: Somebody, customer: dict[str, Any]) -> dict[str, Any]:
    return made(
        api,
        dana,
        "/v1/sites",
        customer_id=customer["id"],
        name="Bakery, Torstraße",
        coordinates={"lat": 52.53, "lng": 13.4},
        time_zone="Europe/Berlin",
    )


@pytest.fixture
def asset(api: CheckedClient, dana: Somebody, site: dict[str, Any]) -> dict[str, Any]:
    return made(api, dana, "/v1/assets", site_id=site["id"], name="Oven", serial="OV-9", warranty_until="2027-05-01")


@pytest.fixture
def stranger(runtime: Runtime) -> Somebody:
    """An admin of another organization."""
    at = clock.now()
    with runtime.transaction(None) as db:
        other = commands.create_organization(db, "Süd Service", at=at)
        return _signed_in(db, other)


def _signed_in(db: Any, organization: Organization) -> Somebody:
    at = clock.now()
    person = commands.create_person(
        db,
        organization.id,
        name="Uma",
        email=f"uma@{organization.id.hex}.example",
        password=None,
        roles=[Role.ADMIN],
        at=at,
    )
    session = SignedInSession(organization_id=organization.id, person_id=person.id, created_at=at, last_used_at=at)
    tokens = begin(db, session, at=at, refreshable=False)
    return Somebody(person, None, {"Authorization": f"Bearer {tokens.access_token}"})
