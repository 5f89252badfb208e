"""Reading identity: what belongs to the caller."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from app.domain.roles import Scope
from app.identity.access import Caller
from app.identity.models import Device, Organization, SignedInSession, Technician
from app.kit.problems import NotFound
from app.kit.runtime import Runtime


def organization_of(db: Session, caller: Caller) -> Organization:
    return db.exec(select(Organization).where(Organization.id == caller.organization_id)).one()


def organization_ids(db: Session) -> list[UUID]:
    """Of every organization there is, the oldest first."""
    return list(db.exec(select(Organization.id).order_by(col(Organization.id))).all())


def every_organization(runtime: Runtime) -> list[UUID]:
    """The same, for work that then enters one after the other."""
    with runtime.transaction(None) as db:
        return organization_ids(db)


def sessions_of(db: Session, caller: Caller) -> list[dict[str, Any]]:
    """The caller's own running sessions, the newest first."""
    found = db.exec(
        select(SignedInSession)
        .where(
            SignedInSession.organization_id == caller.organization_id,
            SignedInSession.person_id == caller.person_id,
            SignedInSession.api_client_id == caller.api_client_id,
            col(SignedInSession.revoked_at).is_(None),
        )
        .order_by(col(SignedInSession.id).desc())
    ).all()
    return [
        {
            "id": one.id,
            "device_id": one.device_id,
            "created_at": one.created_at,
            "last_used_at": one.last_used_at,
            "current": one.id == caller.session_id,
        }
        for one in found
    ]


def devices_of(db: Session, caller: Caller) -> Sequence[Device]:
    return db.exec(
        select(Device)
        .where(Device.organization_id == caller.organization_id, Device.person_id == caller.person_id)
        .order_by(col(Device.id).desc())
    ).all()


def device_for(db: Session, caller: Caller, device_id: UUID) -> Device:
    """The device, when it is the caller's or the caller may reach all.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    query = select(Device).where(Device.organization_id == caller.organization_id, Device.id == device_id)
    if caller.scope is not Scope.ALL:
        query = query.where(Device.person_id == caller.person_id)
    device = db.exec(query).one_or_none()
    if device is None:
        raise NotFound("There is no such device.", device_id=str(device_id))
    return device


def technician_name(db: Session, organization_id: UUID, technician_id: UUID) -> str | None:
    """What a technician is called, for a sentence."""
    found = select(Technician.name).where(Technician.organization_id == organization_id, Technician.id == technician_id)
    return db.exec(found).one_or_none()
