"""Who there is: organizations, people, technicians and teams, partners, devices, sessions, keys."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, belongs_to, index, json_field, one_of, time_field
from app.kit.ids import uuid7


class Employment(StrEnum):
    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"


class Organization(SQLModel, table=True):
    """The one table with no organization above it."""

    __tablename__ = "organizations"

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str
    time_zone: str = "UTC"
    currency: str = "EUR"
    settings: dict[str, Any] = json_field()
    created_at: datetime = Field(sa_type=UtcDateTime)


class SignIn(SQLModel, table=True):
    """Where somebody who signs in belongs: the SHA-256 of the e-mail address leads to the organization."""

    __tablename__ = "sign_ins"

    email_hash: bytes = Field(primary_key=True)
    organization_id: UUID
    person_id: UUID


class SlowDown(SQLModel, table=True):
    """Failed sign-ins of one account or one address: each makes the next try wait longer, none locks out."""

    __tablename__ = "slow_downs"

    key_hash: bytes = Field(primary_key=True)
    failures: int = 0
    until: datetime = Field(sa_type=UtcDateTime)


class Partner(Table, table=True):
    """A contractor company that does work for the organization."""

    __tablename__ = "partners"

    name: str
    external_ref: str | None = None


class Team(Table, table=True):
    __tablename__ = "teams"
    __table_args__ = (
        belongs_to("partners", "partner_id"),
        index("external_ref", unique=True, where="external_ref IS NOT NULL", name="uq_teams_external_ref"),
    )

    name: str
    territory: str | None = None
    is_contractor: bool = False
    partner_id: UUID | None = None
    external_ref: str | None = None


class Technician(Table, table=True):
    __tablename__ = "technicians"
    __table_args__ = (
        belongs_to("teams", "team_id"),
        belongs_to("partners", "partner_id"),
        one_of(Employment, "employment"),
        index("external_ref", unique=True, where="external_ref IS NOT NULL", name="uq_technicians_external_ref"),
        index("team_id", name="ix_technicians_team_id"),
    )

    name: str
    team_id: UUID | None = None
    partner_id: UUID | None = None
    employment: Employment = Field(default=Employment.EMPLOYEE, sa_type=sa.Text)
    skills: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.Text), nullable=False)
    hourly_rate_minor: int | None = Field(default=None, sa_type=sa.BigInteger)
    currency: str | None = None
    home_territory: str | None = None
    time_zone: str | None = None
    external_ref: str | None = None
    active: bool = True


class Shift(Table, table=True):
    """A weekly working time of a technician, in the technician's own time zone."""

    __tablename__ = "shifts"
    __table_args__ = (
        belongs_to("technicians", "technician_id"),
        index("technician_id", name="ix_shifts_technician_id"),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
    )

    technician_id: UUID
    weekday: int = Field(sa_type=sa.SmallInteger)
    """ISO: Monday is 1."""
    starts: time
    ends: time
    unpaid_break_minutes: int = 0
    valid_from: date | None = None
    valid_until: date | None = None


class Absence(Table, table=True):
    __tablename__ = "absences"
    __table_args__ = (
        belongs_to("technicians", "technician_id"),
        index("technician_id", "starts_at", name="ix_absences_technician_id_starts_at"),
        sa.CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    technician_id: UUID
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    reason: str = "leave"
    approved: bool = True


class Person(Table, table=True):
    """Somebody who signs in. A technician's person points at the technician, a partner's at the partner."""

    __tablename__ = "people"
    __table_args__ = (
        belongs_to("technicians", "technician_id"),
        belongs_to("partners", "partner_id"),
        index("email", unique=True, name="uq_people_email"),
    )

    name: str
    email: str
    password_hash: str | None = None
    roles: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.Text), nullable=False)
    technician_id: UUID | None = None
    partner_id: UUID | None = None
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def has_password(self) -> bool:
        return self.password_hash is not None


class ApiClient(Table, table=True):
    """An integration: its key is both a bearer token and the secret of `client_credentials`."""

    __tablename__ = "api_clients"
    __table_args__ = (
        belongs_to("partners", "partner_id"),
        index("key_hash", unique=True, name="uq_api_clients_key_hash"),
    )

    name: str
    key_hash: bytes
    key_hint: str
    roles: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.Text), nullable=False)
    partner_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime | None = time_field()
    revoked_at: datetime | None = time_field()


class Device(Table, table=True):
    """A phone or tablet; its id is made by the app when it is installed."""

    __tablename__ = "devices"
    __table_args__ = (
        belongs_to("people", "person_id"),
        index("person_id", name="ix_devices_person_id"),
    )

    person_id: UUID
    platform: str
    app_version: str
    rep: int = 1
    """The shape of documents that the app understands."""
    locale: str | None = None
    time_zone: str | None = None
    push_kind: str | None = None
    push_token: str | None = None
    acked_seq: int = Field(default=0, sa_type=sa.BigInteger)
    """The position in its technician's feed up to which the device has everything, in `acked_epoch`."""
    acked_epoch: int = 0
    hinted_seq: int = Field(default=0, sa_type=sa.BigInteger)
    clock_skew_ms: int | None = Field(default=None, sa_type=sa.BigInteger)
    registered_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = time_field()


class SignedInSession(Table, table=True):
    """One sign-in on one device: the family of all tokens that came from it."""

    __tablename__ = "sessions"
    __table_args__ = (
        belongs_to("people", "person_id"),
        belongs_to("api_clients", "api_client_id"),
        belongs_to("devices", "device_id"),
        index("person_id", name="ix_sessions_person_id"),
    )

    person_id: UUID | None = None
    api_client_id: UUID | None = None
    device_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = time_field()
    revoked_reason: str | None = None


class AccessToken(Table, table=True):
    __tablename__ = "access_tokens"
    __table_args__ = (
        belongs_to("sessions", "session_id"),
        index("token_hash", unique=True, name="uq_access_tokens_token_hash"),
        index("expires_at", name="ix_access_tokens_expires_at"),
    )

    token_hash: bytes
    session_id: UUID
    expires_at: datetime = Field(sa_type=UtcDateTime)


class RefreshToken(Table, table=True):
    """Good for one rotation; a second use inside the grace gets new tokens, a later one ends the family."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        belongs_to("sessions", "session_id"),
        index("token_hash", unique=True, name="uq_refresh_tokens_token_hash"),
    )

    token_hash: bytes
    session_id: UUID
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = time_field()


class SetupLink(Table, table=True):
    """A one-time link that sets a password: the first admin's, or a forgotten one."""

    __tablename__ = "setup_links"
    __table_args__ = (
        belongs_to("people", "person_id"),
        index("token_hash", unique=True, name="uq_setup_links_token_hash"),
    )

    person_id: UUID
    token_hash: bytes
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_at: datetime | None = time_field()


class StoredAnswer(Table, table=True):
    """The answer to a request that carried an Idempotency-Key, kept for 30 days."""

    __tablename__ = "stored_answers"
    __table_args__ = (index("caller_id", "key", unique=True, name="uq_stored_answers_caller_id_key"),)

    caller_id: UUID
    key: str
    request_hash: bytes
    status: int
    body: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
