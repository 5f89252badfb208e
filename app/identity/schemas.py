"""Shapes of the identity routes."""

from uuid import UUID

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


class DeviceIn(In):
    """`id` is made by the app when it is installed."""

    id: UUID
    platform: Code
    app_version: Code


class DeviceOut(Out):
    id: UUID
    platform: str
    app_version: str
    registered_at: UtcTime
    last_seen_at: UtcTime
    revoked_at: UtcTime | None


class DevicesOut(Out):
    items: list[DeviceOut]
