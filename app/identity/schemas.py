"""Shapes of the identity routes."""

from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import Field, field_validator

from app.kit.schemas import Code, In, Out, UtcTime


class OperationOut(Out):
    operation: str
    scope: str


class MeOut(Out):
    """Who the token belongs to and what it may do."""

    id: UUID
    name: str
    organization_id: UUID
    roles: list[str]
    technician_id: UUID | None
    partner_id: UUID | None
    session_id: UUID | None
    device_id: UUID | None
    operations: list[OperationOut]


class SessionOut(Out):
    id: UUID
    device_id: UUID | None
    created_at: UtcTime
    last_used_at: UtcTime
    current: bool


class SessionsOut(Out):
    items: list[SessionOut]


class PushAddressIn(In):
    """Where hints can be pushed to; there is nothing personal in them."""

    kind: Literal["fcm"]
    token: Annotated[str, Field(min_length=1, max_length=4096)]


class DeviceIn(In):
    """`device_id` is made by the app when it is installed; `rep`: the shape of documents that it understands."""

    device_id: UUID
    platform: Code
    app_version: Code
    rep: Annotated[int, Field(ge=1, le=1)] = 1
    push: PushAddressIn | None = None
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None
    tz: Annotated[str, Field(max_length=64)] | None = None

    @field_validator("tz")
    @classmethod
    def _a_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError("is no time zone")
        return value


class LimitsOut(Out):
    """What one request may carry."""

    max_ops: int = 100
    max_body_bytes: int = 262_144
    page_max: int = 500
    attachment_max_bytes: int = 52_428_800
    chunk_bytes: int = 262_144


class DeviceOut(Out):
    id: UUID
    platform: str
    app_version: str
    rep: int
    registered_at: UtcTime
    last_seen_at: UtcTime
    revoked_at: UtcTime | None


class RegisteredOut(DeviceOut):
    """The device with tokens of its own, and what the offline contract allows."""

    token: str
    refresh_token: str | None
    expires_in: int
    limits: LimitsOut = LimitsOut()
    cursor_ttl_days: int = 90
    result_ttl_days: int = 180
    server_time: UtcTime


class DevicesOut(Out):
    items: list[DeviceOut]
