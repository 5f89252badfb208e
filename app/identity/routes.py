"""`/v1/me` and devices: who I am, where I am signed in."""

from typing import Any
from uuid import UUID

from fastapi import Response

from app.identity import commands, queries
from app.identity.access import Db, Me, api_router
from app.identity.policy import POLICY, reach
from app.identity.schemas import DeviceIn, DevicesOut, MeOut, OperationOut, RegisteredOut, SessionsOut
from app.kit import clock
from app.kit.database import plain
from app.kit.problems import NotFound, refuses

router = api_router("/v1", "identity")


@router.get("/me")
def get_me(me: Me) -> MeOut:
    """Who I am and what I may do."""
    reached = {name: reach(me.roles, name) for name in sorted(POLICY)}
    return MeOut(
        id=me.id,
        name=me.name,
        organization_id=me.organization_id,
        roles=sorted(me.roles),
        technician_id=me.technician_id,
        partner_id=me.partner_id,
        session_id=me.session_id,
        device_id=me.device_id,
        operations=[OperationOut(operation=n, scope=s.name.lower()) for n, s in reached.items() if s is not None],
    )


@router.get("/me/sessions", response_model=SessionsOut)
def list_my_sessions(me: Me, db: Db) -> dict[str, Any]:
    """Where I am signed in."""
    return {"items": queries.sessions_of(db, me)}


@router.delete("/me/sessions/{session_id}", status_code=204, responses=refuses(NotFound))
def revoke_my_session(session_id: UUID, me: Me, db: Db) -> Response:
    """Sign out one of my sessions."""
    commands.revoke_session(db, me, session_id, at=clock.now())
    return Response(status_code=204)


@router.post(
    "/devices",
    response_model=RegisteredOut,
    status_code=201,
    responses={
        200: {"description": "It was known: new tokens", "model": RegisteredOut},
        **refuses(commands.DeviceTaken),
    },
)
def register_device(given: DeviceIn, response: Response, me: Me, db: Db) -> dict[str, Any]:
    """Say which device this session is on. Safe to repeat: the device's id is the key."""
    at = clock.now()
    device, tokens, is_new = commands.register_device(db, me, given, at=at)
    response.status_code = 201 if is_new else 200
    response.headers["Cache-Control"] = "no-store"
    return {
        **plain(device),
        "token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_in": tokens.expires_in,
        "server_time": at,
    }


@router.get("/me/devices", response_model=DevicesOut)
def list_my_devices(me: Me, db: Db) -> dict[str, Any]:
    """My devices, the newest first."""
    return {"items": queries.devices_of(db, me)}


@router.delete("/devices/{device_id}", status_code=204, responses=refuses(NotFound))
def revoke_device(device_id: UUID, me: Me, db: Db) -> Response:
    """Take a device out of use and end every session on it."""
    device = queries.device_for(db, me, device_id)
    commands.revoke_device(db, device, at=clock.now())
    return Response(status_code=204)
