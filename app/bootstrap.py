"""The first admin: from the environment, or by a one-time link printed at first start."""

from datetime import timedelta

from sqlmodel import col, select

from app.domain.roles import Role
from app.identity import commands
from app.identity.models import Organization, SetupLink
from app.kit import clock
from app.kit.runtime import Runtime
from app.kit.tokens import SETUP, fingerprint, mint

LINK_LASTS = timedelta(days=1)


def first_admin(runtime: Runtime) -> str | None:
    """Make an organization and its admin when there is none; the link to set the password when no one gave it.

    Returns:
        the one-time link; None when there is somebody who can sign in.
    """
    at = clock.now()
    with runtime.transaction(None) as db:
        if db.exec(select(col(Organization.id)).limit(1)).first() is not None:
            return None
        organization = commands.create_organization(db, "My organization", at=at)
        given = runtime.settings.bootstrap_admin
        email, _, password = given.get_secret_value().partition(":") if given else ("admin@localhost.invalid", "", "")
        person = commands.create_person(
            db,
            organization.id,
            name="Administrator",
            email=email,
            password=password or None,
            roles=[Role.ADMIN],
            at=at,
        )
        if password:
            return None
        token = mint(SETUP, organization.id)
        db.add(
            SetupLink(
                organization_id=organization.id,
                person_id=person.id,
                token_hash=fingerprint(token),
                expires_at=at + LINK_LASTS,
            )
        )
        return f"{runtime.settings.base_url}/setup/{token}"
