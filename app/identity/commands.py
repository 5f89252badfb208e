"""Changing identity: organizations, people, sessions, devices, keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select, update

from app.domain.roles import Role
from app.identity.access import Caller
from app.identity.models import Device, Organization, Person, SignedInSession, SignIn
from app.identity.passwords import check_strength, hash_password
from app.identity.schemas import DeviceIn
from app.identity.sessions import Tokens, email_key, end_session, issue
from app.kit.database import enter
from app.kit.problems import NotFound, RuleBroken
from app.kit.references import unique


class DeviceTaken(RuleBroken):
    """The device's id belongs to somebody else, it was taken out of use, or an integration asks for one."""

    code = "device-taken"


class EmailTaken(RuleBroken):
    code = "email-taken"


def create_organization(
    db: Session, name: str, *, time_zone: str = "UTC", currency: str = "EUR", at: datetime
) -> Organization:
    """A new, empty organization; the transaction is inside it from here on."""
    organization = Organization(name=name, time_zone=time_zone, currency=currency, created_at=at)
    db.add(organization)
    db.flush()
    enter(db, organization.id)
    return organization


def create_person(
    db: Session,
    organization_id: UUID,
    *,
    name: str,
    email: str,
    password: str | None,
    roles: list[Role],
    technician_id: UUID | None = None,
    partner_id: UUID | None = None,
    at: datetime,
) -> Person:
    """Somebody who can sign in, once they have a password.

    Raises:
        EmailTaken: somebody signs in with this address already.
        PasswordTooWeak: too short or too common.
    """
    if password is not None:
        check_strength(password)
    email = email.strip().lower()
    if db.get(SignIn, email_key(email)) is not None:
        raise EmailTaken("Somebody signs in with this e-mail address already.")
    person = Person(
        organization_id=organization_id,
        name=name,
        email=email,
        password_hash=hash_password(password) if password else None,
        roles=[role.value for role in roles],
        technician_id=technician_id,
        partner_id=partner_id,
        created_at=at,
    )
    with unique(db, {"pk_sign_ins": EmailTaken, "uq_people_email": EmailTaken}):
        db.add(person)
        db.flush()
        db.add(SignIn(email_hash=email_key(email), organization_id=organization_id, person_id=person.id))
    return person


def revoke_session(db: Session, caller: Caller, session_id: UUID, *, at: datetime) -> None:
    """
    Raises:
        NotFound: it is not one of the caller's sessions.
    """
    mine = db.exec(
        select(SignedInSession.id).where(
            SignedInSession.organization_id == caller.organization_id,
            SignedInSession.person_id == caller.person_id,
            SignedInSession.api_client_id == caller.api_client_id,
            SignedInSession.id == session_id,
        )
    ).one_or_none()
    if mine is None:
        raise NotFound("There is no such session.", session_id=str(session_id))
    end_session(db, caller.organization_id, session_id, reason="signed out", at=at)


def register_device(db: Session, caller: Caller, given: DeviceIn, *, at: datetime) -> tuple[Device, Tokens, bool]:
    """Know the device, tie the session to it and give it tokens; the same device again gets new ones.

    Returns:
        the device, its tokens, and whether it is new.

    Raises:
        DeviceTaken: the id is another person's, the device was taken out of use, or the caller is no person.
    """
    if caller.person_id is None or caller.session_id is None:
        raise DeviceTaken("A device belongs to a person: an API key has none.")
    made = db.exec(
        insert(Device)
        .values(
            organization_id=caller.organization_id,
            id=given.device_id,
            person_id=caller.person_id,
            platform=given.platform,
            app_version=given.app_version,
            registered_at=at,
            last_seen_at=at,
        )
        .on_conflict_do_nothing()
        .returning(col(Device.id))
    ).first()
    device = db.get_one(Device, (caller.organization_id, given.device_id))
    if device.person_id != caller.person_id or device.revoked_at is not None:
        raise DeviceTaken("This device cannot be used: make a new id, as for a new installation.")
    device.platform, device.app_version, device.last_seen_at = given.platform, given.app_version, at
    device.rep, device.locale, device.time_zone = given.rep, given.locale, given.tz
    device.push_kind, device.push_token = (given.push.kind, given.push.token) if given.push else (None, None)
    if given.push is not None:
        _only_one_rings(db, device)
    db.exec(
        update(SignedInSession)
        .where(
            col(SignedInSession.organization_id) == caller.organization_id,
            col(SignedInSession.id) == caller.session_id,
        )
        .values(device_id=device.id)
    )
    return device, issue(db, caller.organization_id, caller.session_id, at=at, refreshable=True), made is not None


def _only_one_rings(db: Session, device: Device) -> None:
    """A phone that was given on, or set up anew, is not told what concerns the one it was before."""
    db.exec(
        update(Device)
        .where(
            col(Device.organization_id) == device.organization_id,
            col(Device.push_token) == device.push_token,
            col(Device.id) != device.id,
        )
        .values(push_kind=None, push_token=None)
    )


def revoke_device(db: Session, device: Device, *, at: datetime) -> None:
    device.revoked_at = device.revoked_at or at
    db.exec(
        update(SignedInSession)
        .where(
            col(SignedInSession.organization_id) == device.organization_id,
            col(SignedInSession.device_id) == device.id,
            col(SignedInSession.revoked_at).is_(None),
        )
        .values(revoked_at=at, revoked_reason="device revoked")
    )
