"""Somebody of another organization."""

import pytest

from app.domain.roles import Role
from app.identity import commands
from app.identity.models import SignedInSession
from app.identity.sessions import begin
from app.kit import clock
from app.kit.runtime import Runtime
from tests.conftest import Somebody


@pytest.fixture
def stranger(runtime: Runtime) -> Somebody:
    """An admin of another organization."""
    at = clock.now()
    with runtime.transaction(None) as db:
        other = commands.create_organization(db, "Süd Service", at=at)
        email = f"uma@{other.id.hex}.example"
        person = commands.create_person(db, other.id, name="Uma", email=email, password=None, roles=[Role.ADMIN], at=at)
        session = SignedInSession(organization_id=other.id, person_id=person.id, created_at=at, last_used_at=at)
        tokens = begin(db, session, at=at, refreshable=False)
    return Somebody(person, None, {"Authorization": f"Bearer {tokens.access_token}"})
