"""Shapes of what the office keeps: the organization, its technicians, teams and partners."""

from datetime import date, time
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, field_validator, model_validator

from app.domain.surveys import Trigger
from app.identity.models import Employment
from app.kit.checked import TimeZone
from app.kit.paging import PageQuery
from app.kit.schemas import Currency, In, Line, Minor, Out, Time, UtcTime, absent

Percent = Annotated[float, Field(ge=0, le=100)]
Minutes = Annotated[int, Field(ge=0, le=24 * 60)]
ShortLine = Annotated[Line, StringConstraints(max_length=64)]
#: The oldest version of the app that may still be used, such as 3.4 or 3.4.1.
AppVersion = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$")]
Skills = Annotated[list[ShortLine], Field(max_length=50)]


class SurveySettings(In):
    """When and how often customers are asked; what is not set has the default of the surveys."""

    trigger: Trigger | None = None
    delay_minutes: Annotated[int, Field(ge=0, le=43_200)] | None = None
    cooldown_days: Annotated[int, Field(ge=0, le=365)] | None = None
    sample_percent: Percent | None = None
    earliest_hour: Annotated[int, Field(ge=0, le=23)] | None = None
    latest_hour: Annotated[int, Field(ge=1, le=24)] | None = None
    send_within_hours: Annotated[int, Field(ge=1, le=336)] | None = None
    link_days: Annotated[int, Field(ge=1, le=365)] | None = None

    @model_validator(mode="after")
    def _leaves_time_to_send(self) -> "SurveySettings":
        earliest = 8 if self.earliest_hour is None else self.earliest_hour
        latest = 21 if self.latest_hour is None else self.latest_hour
        if earliest >= latest:
            raise ValueError("earliest_hour must be before latest_hour")
        return self


class OnTimeSettings(In):
    """How far outside its window an arrival still counts as on time."""

    grace_minutes: Minutes | None = None
    early_grace_minutes: Minutes | None = None


class OrganizationSettings(In):
    """All that an organization may set; null means the default."""

    surveys: SurveySettings | None = None
    on_time: OnTimeSettings | None = None
    overhead_per_work_order_minor: Minor | None = None
    overhead_per_labor_hour_minor: Minor | None = None
    min_app_version: AppVersion | None = None
    self_dispatch: bool | None = None
    """Technicians may send themselves to work that they found on site."""


class OrganizationChanges(In):
    """Of `settings`, only the named ones change; null puts one back to its default."""

    name: Line = absent()
    time_zone: TimeZone = absent()
    currency: Currency = absent()
    settings: OrganizationSettings = absent()


class OrganizationOut(Out):
    """`settings` is null for those outside the office; overheads are null for those who see no costs."""

    id: UUID
    name: str
    time_zone: str
    currency: str
    settings: OrganizationSettings | None


class TechnicianFilters(PageQuery):
    team_id: UUID | None = None
    partner_id: UUID | None = None
    active: bool | None = None
    external_ref: Line | None = None
    q: Line | None = Field(default=None, description="What the name begins with, in any case.")


class TechnicianIn(In):
    """Without `currency`, the rate is in the organization's."""

    name: Line
    team_id: UUID | None = None
    partner_id: UUID | None = None
    employment: Employment = Employment.EMPLOYEE
    skills: Skills = Field(default_factory=list)
    hourly_rate_minor: Minor | None = None
    currency: Currency | None = None
    home_territory: ShortLine | None = None
    time_zone: TimeZone | None = None
    external_ref: Line | None = None


class TechnicianChanges(In):
    name: Line = absent()
    team_id: UUID | None = absent()
    partner_id: UUID | None = absent()
    employment: Employment = absent()
    skills: Skills = absent()
    hourly_rate_minor: Minor | None = absent()
    currency: Currency | None = absent()
    home_territory: ShortLine | None = absent()
    time_zone: TimeZone | None = absent()
    external_ref: Line | None = absent()
    active: bool = absent()


class TechnicianOut(Out):
    """The hourly rate is null for those who see no costs."""

    id: UUID
    name: str
    team_id: UUID | None
    partner_id: UUID | None
    employment: Employment
    skills: list[str]
    hourly_rate_minor: int | None
    currency: str | None
    home_territory: str | None
    time_zone: str | None
    external_ref: str | None
    active: bool


class ShiftIn(In):
    """A weekly working time in the technician's zone; one that ends before it starts goes past midnight."""

    weekday: int = Field(ge=1, le=7, description="ISO: Monday is 1.")
    starts: time
    ends: time
    unpaid_break_minutes: Minutes = 0
    valid_from: date | None = None
    valid_until: date | None = None

    @field_validator("starts", "ends")
    @classmethod
    def _local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("is a local time of day: send it without a zone")
        return value

    @model_validator(mode="after")
    def _lasts(self) -> "ShiftIn":
        if self.starts == self.ends:
            raise ValueError("a shift that ends when it starts is none")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        return self


class ShiftsIn(In):
    items: Annotated[list[ShiftIn], Field(max_length=100)]


class ShiftOut(Out):
    id: UUID
    weekday: int
    starts: time
    ends: time
    unpaid_break_minutes: int
    valid_from: date | None
    valid_until: date | None


class ShiftsOut(Out):
    items: list[ShiftOut]


class AbsenceFilters(PageQuery):
    technician_id: UUID | None = None
    ends_after: Time | None = None
    starts_before: Time | None = None


class AbsenceIn(In):
    technician_id: UUID
    starts_at: Time
    ends_at: Time
    reason: Line = "leave"
    approved: bool = True

    @model_validator(mode="after")
    def _lasts(self) -> "AbsenceIn":
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at is not after starts_at")
        return self


class AbsenceOut(Out):
    id: UUID
    technician_id: UUID
    starts_at: UtcTime
    ends_at: UtcTime
    reason: str
    approved: bool


class TeamFilters(PageQuery):
    partner_id: UUID | None = None
    external_ref: Line | None = None
    q: Line | None = Field(default=None, description="What the name begins with, in any case.")


class TeamIn(In):
    name: Line
    territory: ShortLine | None = None
    is_contractor: bool = False
    partner_id: UUID | None = None
    external_ref: Line | None = None


class TeamChanges(In):
    name: Line = absent()
    territory: ShortLine | None = absent()
    is_contractor: bool = absent()
    partner_id: UUID | None = absent()
    external_ref: Line | None = absent()


class TeamOut(Out):
    id: UUID
    name: str
    territory: str | None
    is_contractor: bool
    partner_id: UUID | None
    external_ref: str | None


class PartnerFilters(PageQuery):
    q: Line | None = Field(default=None, description="What the name begins with, in any case.")


class PartnerIn(In):
    name: Line
    external_ref: Line | None = None


class PartnerOut(Out):
    id: UUID
    name: str
    external_ref: str | None
