"""Whom the work is for, and where: customers, contacts, sites, assets."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, belongs_to, index, one_of


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    NONE = "none"


class ConsentState(StrEnum):
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Customer(Table, table=True):
    __tablename__ = "customers"
    __table_args__ = (
        index("number", unique=True, name="uq_customers_number"),
        index("external_ref", unique=True, where="external_ref IS NOT NULL", name="uq_customers_external_ref"),
    )

    number: str
    name: str
    external_ref: str | None = None
    version: int = 1


class Contact(Table, table=True):
    """A person at the customer's. What may be sent to them is in `contact_consents`."""

    __tablename__ = "contacts"
    __table_args__ = (
        belongs_to("customers", "customer_id"),
        one_of(Channel, "channel"),
        index("customer_id", name="ix_contacts_customer_id"),
        index("phone", name="ix_contacts_phone"),
    )

    customer_id: UUID
    name: str
    email: str | None = None
    phone: str | None = None
    language: str = "en"
    channel: Channel = Field(default=Channel.EMAIL, sa_type=sa.Text)
    time_zone: str | None = None
    version: int = 1


class ContactConsent(Table, table=True):
    """Each change of consent, with when and how; the newest row of a channel counts."""

    __tablename__ = "contact_consents"
    __table_args__ = (
        belongs_to("contacts", "contact_id"),
        one_of(ConsentState, "state"),
        index("contact_id", "channel", "at", name="ix_contact_consents_contact_id_channel_at"),
    )

    contact_id: UUID
    channel: Channel = Field(sa_type=sa.Text)
    state: ConsentState = Field(sa_type=sa.Text)
    source: str
    at: datetime = Field(sa_type=UtcDateTime)


class Site(Table, table=True):
    __tablename__ = "sites"
    __table_args__ = (
        belongs_to("customers", "customer_id"),
        index("customer_id", name="ix_sites_customer_id"),
        index("external_ref", unique=True, where="external_ref IS NOT NULL", name="uq_sites_external_ref"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )

    customer_id: UUID | None = None
    name: str
    address: str = ""
    postal_code: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    territory: str | None = None
    access_notes: str = ""
    time_zone: str | None = None
    external_ref: str | None = None
    version: int = 1


class Asset(Table, table=True):
    __tablename__ = "assets"
    __table_args__ = (
        belongs_to("sites", "site_id"),
        index("site_id", name="ix_assets_site_id"),
        index("external_ref", unique=True, where="external_ref IS NOT NULL", name="uq_assets_external_ref"),
    )

    site_id: UUID | None = None
    name: str
    model: str | None = None
    serial: str | None = None
    warranty_until: date | None = None
    installed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    external_ref: str | None = None
    version: int = 1


class AssetReading(Table, table=True):
    """What a meter of an asset showed, under the id of its report. Rows are added, never changed."""

    __tablename__ = "asset_readings"
    __table_args__ = (
        belongs_to("assets", "asset_id"),
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        belongs_to("technicians", "technician_id"),
        index("asset_id", "effective_at", "id", name="ix_asset_readings_asset_id_effective_at_id"),
    )

    asset_id: UUID
    work_order_id: UUID | None = None
    visit_id: UUID | None = None
    technician_id: UUID | None = None
    label: str
    value: Decimal = Field(sa_type=sa.Numeric)
    unit: str | None = None
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
