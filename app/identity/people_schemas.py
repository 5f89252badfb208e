"""Shapes of those who may call: people, API clients, and the link that sets a password."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.domain.roles import Role
from app.kit.paging import PageQuery
from app.kit.schemas import Email, In, Line, Out, SafeText, UtcTime, absent

Roles = Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
Password = Annotated[SafeText, StringConstraints(max_length=200)]


class PeopleFilters(PageQuery):
    active: bool | None = None
    role: Role | None = None
    q: Line | None = Field(default=None, description="What the name begins with, in any case.")


class PersonIn(In):
    """Technicians name their technician, partner roles their partner. Without `password` a setup link is made."""

    name: Line
    email: Email
    roles: Roles
    technician_id: UUID | None = None
    partner_id: UUID | None = None
    password: Password | None = None


class PersonChanges(In):
    """`active: false` signs the person out everywhere."""

    name: Line = absent()
    roles: Roles = absent()
    technician_id: UUID | None = absent()
    partner_id: UUID | None = absent()
    active: bool = absent()


class PersonOut(Out):
    id: UUID
    name: str
    email: str
    roles: list[Role]
    technician_id: UUID | None
    partner_id: UUID | None
    active: bool
    has_password: bool
    created_at: UtcTime


class NewPersonOut(PersonOut):
    """`setup_url` sets the password, once; it is told here and never again. Null when a password was sent."""

    setup_url: str | None


class SetupLinkOut(Out):
    setup_url: str
    expires_at: UtcTime


class SetupIn(In):
    token: Annotated[SafeText, StringConstraints(max_length=200)]
    password: Password


class ApiClientIn(In):
    """An integration acts in these roles; those of a technician are not among them, as it is nobody."""

    name: Line
    roles: Roles
    partner_id: UUID | None = None


class ApiClientOut(Out):
    """`key_hint` is how the key ends."""

    id: UUID
    name: str
    key_hint: str
    roles: list[Role]
    partner_id: UUID | None
    created_at: UtcTime
    last_used_at: UtcTime | None
    revoked_at: UtcTime | None


class NewApiClientOut(ApiClientOut):
    """`key` is told here and never again."""

    key: str
