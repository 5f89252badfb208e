"""Shapes of customers, contacts, sites and assets."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, PlainSerializer, StringConstraints, model_validator

from app.customers.models import Channel, ConsentState, Site
from app.kit.checked import Language, Phone, TimeZone
from app.kit.paging import PageQuery
from app.kit.schemas import Coordinates, Email, In, JsonObject, Key, Line, Out, SafeText, Time, UtcTime, absent

Notes = Annotated[SafeText, StringConstraints(max_length=5_000)]
Address = Annotated[SafeText, StringConstraints(max_length=500)]
ShortLine = Annotated[Line, StringConstraints(max_length=64)]


class CustomerFilters(PageQuery):
    q: Line | None = Field(default=None, description="What the name begins with, in any case.")
    external_ref: Line | None = None


class ContactFilters(PageQuery):
    customer_id: UUID | None = None
    q: Line | None = Field(default=None, description="What the name begins with, in any case.")


class SiteFilters(PageQuery):
    customer_id: UUID | None = None
    q: Line | None = Field(default=None, description="What the name begins with, in any case.")
    external_ref: Line | None = None


class AssetFilters(SiteFilters):
    site_id: UUID | None = None


class CustomerIn(In):
    name: Line
    external_ref: Line | None = None


class CustomerChanges(In):
    name: Line = absent()
    external_ref: Line | None = absent()


class CustomerOut(Out):
    id: UUID
    number: str
    name: str
    external_ref: str | None
    version: int


class ContactIn(In):
    """`phone` needs its country; `language` is what messages are written in; `channel` is how they go out."""

    customer_id: UUID
    name: Line
    email: Email | None = None
    phone: Phone | None = None
    language: Language = "en"
    channel: Channel = Channel.EMAIL
    time_zone: TimeZone | None = None


class ContactChanges(In):
    name: Line = absent()
    email: Email | None = absent()
    phone: Phone | None = absent()
    language: Language = absent()
    channel: Channel = absent()
    time_zone: TimeZone | None = absent()


class ConsentIn(In):
    """What the contact said, how it reached us (`source`), and when; without `at` it is now."""

    channel: Channel
    state: ConsentState
    source: Line
    at: Time | None = None

    @model_validator(mode="after")
    def _names_a_channel(self) -> "ConsentIn":
        if self.channel is Channel.NONE:
            raise ValueError("consent is for a channel: email or sms")
        return self


class ConsentOut(Out):
    channel: Channel
    state: ConsentState
    source: str
    at: UtcTime


class ContactOut(Out):
    """`consents`: what counts now, at most one per channel."""

    id: UUID
    customer_id: UUID
    name: str
    email: str | None
    phone: str | None
    language: str
    channel: Channel
    time_zone: str | None
    consents: list[ConsentOut]
    version: int


class SiteIn(In):
    customer_id: UUID | None = None
    name: Line
    address: Address = ""
    postal_code: ShortLine | None = None
    coordinates: Coordinates | None = None
    territory: ShortLine | None = None
    access_notes: Notes = ""
    time_zone: TimeZone | None = None
    external_ref: Line | None = None


class SiteChanges(In):
    customer_id: UUID | None = absent()
    name: Line = absent()
    address: Address = absent()
    postal_code: ShortLine | None = absent()
    coordinates: Coordinates | None = absent()
    territory: ShortLine | None = absent()
    access_notes: Notes = absent()
    time_zone: TimeZone | None = absent()
    external_ref: Line | None = absent()


class SiteOut(Out):
    id: UUID
    customer_id: UUID | None
    name: str
    address: str
    postal_code: str | None
    coordinates: Coordinates | None
    territory: str | None
    access_notes: str
    time_zone: str | None
    external_ref: str | None
    version: int

    PLAIN: ClassVar[tuple[str, ...]] = (
        "id", "customer_id", "name", "address", "postal_code", "territory", "access_notes", "time_zone",
        "external_ref", "version",
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _place(cls, site: Any) -> Any:
        if not isinstance(site, Site):
            return site
        known = site.latitude is not None and site.longitude is not None
        place = {"lat": site.latitude, "lng": site.longitude} if known else None
        return {**{name: getattr(site, name) for name in cls.PLAIN}, "coordinates": place}


class AssetIn(In):
    site_id: UUID | None = None
    name: Line
    model: Line | None = None
    serial: Line | None = None
    warranty_until: date | None = None
    installed_at: Time | None = None
    retired_at: Time | None = None
    external_ref: Line | None = None


class AssetChanges(In):
    site_id: UUID | None = absent()
    name: Line = absent()
    model: Line | None = absent()
    serial: Line | None = absent()
    warranty_until: date | None = absent()
    installed_at: Time | None = absent()
    retired_at: Time | None = absent()
    external_ref: Line | None = absent()


class AssetOut(Out):
    id: UUID
    site_id: UUID | None
    name: str
    model: str | None
    serial: str | None
    warranty_until: date | None
    installed_at: UtcTime | None
    retired_at: UtcTime | None
    external_ref: str | None
    version: int


class CorrectionIn(In):
    """A field of a site or an asset that is otherwise on site: what it said (`old`) and what is right (`new`)."""

    field: Key
    old: SafeText | JsonObject | None = None
    new: SafeText | JsonObject | None


class ReadingIn(In):
    """What a meter showed."""

    id: UUID
    label: Line
    value: Annotated[Decimal, Field(ge=-1_000_000_000_000, le=1_000_000_000_000, decimal_places=6)]
    unit: ShortLine | None = None


class AssetReadingOut(Out):
    id: UUID
    asset_id: UUID
    work_order_id: UUID | None
    visit_id: UUID | None
    technician_id: UUID | None
    label: str
    value: Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
    unit: str | None
    effective_at: UtcTime
    recorded_at: UtcTime
