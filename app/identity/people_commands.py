"""Changing who may call: people, setup links, API clients."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select, update

from app.domain.roles import Role
from app.identity import commands, passwords
from app.identity.access import Caller
from app.identity.models import ApiClient, Person, SetupLink, SignedInSession
from app.identity.people_schemas import ApiClientIn, PersonChanges, PersonIn
from app.kit.database import enter, rows
from app.kit.ids import uuid7
from app.kit.problems import Gone, RuleBroken, Unprocessable
from app.kit.references import NoSuchPartner, NoSuchTechnician, check_references
from app.kit.schemas import changes
from app.kit.tokens import API_KEY, SETUP, fingerprint, mint, organization_of

LINK_LASTS = timedelta(days=3)
CREW = frozenset({Role.TECHNICIAN, Role.PARTNER_TECHNICIAN})
OF_PARTNER = frozenset({Role.PARTNER_MANAGER, Role.PARTNER_TECHNICIAN})


class RoleIncomplete(Unprocessable):
    """A technician's role needs the technician, a partner's the partner: without it the role reaches nothing."""

    code = "role-incomplete"


class LastAdmin(RuleBroken):
    """Nobody would be left who may administer the organization."""

    code = "last-admin"


class SetupLinkUnusable(Gone):
    """The link was used before, has expired, or never was."""

    code = "setup-link-unusable"


def create_person(db: Session, given: PersonIn, *, by: Caller, at: datetime) -> Person:
    """
    Raises:
        RoleIncomplete: see there.
        NoSuchTechnician, NoSuchPartner: the organization has none with this id.
        EmailTaken: somebody signs in with this address already.
        PasswordTooWeak: too short or too common.
    """
    _check_roles(given.roles, given.technician_id, given.partner_id)
    wanted = {NoSuchTechnician: given.technician_id, NoSuchPartner: given.partner_id}
    check_references(db, by.organization_id, wanted)
    return commands.create_person(db, by.organization_id, **given.model_dump(), at=at)


def update_person(db: Session, person: Person, given: PersonChanges, *, at: datetime) -> None:
    """
    Raises:
        RoleIncomplete, LastAdmin: see there.
        NoSuchTechnician, NoSuchPartner: the organization has none with this id.
    """
    wanted = {NoSuchTechnician: given.technician_id, NoSuchPartner: given.partner_id}
    check_references(db, person.organization_id, wanted)
    was_admin = person.active and Role.ADMIN in person.roles
    for name, value in changes(given).items():
        setattr(person, name, value)
    person.roles = [Role(role).value for role in person.roles]
    _check_roles([Role(role) for role in person.roles], person.technician_id, person.partner_id)
    if was_admin and not (person.active and Role.ADMIN in person.roles):
        _check_admin_is_left(db, person)
    if not person.active:
        _sign_out(db, person, reason="deactivated", at=at)
    db.flush()


def _check_roles(roles: Sequence[Role], technician_id: UUID | None, partner_id: UUID | None) -> None:
    if technician_id is None and CREW & set(roles):
        raise RoleIncomplete("A technician's role needs technician_id.", field="technician_id")
    if partner_id is None and OF_PARTNER & set(roles):
        raise RoleIncomplete("A partner's role needs partner_id.", field="partner_id")


def _check_admin_is_left(db: Session, person: Person) -> None:
    """The admins are locked in the order of their ids, so two who leave at once see each other."""
    others = db.exec(
        select(Person.id)
        .where(
            Person.organization_id == person.organization_id,
            col(Person.active).is_(True),
            col(Person.roles).contains([Role.ADMIN.value]),
        )
        .order_by(col(Person.id))
        .with_for_update()
    ).all()
    if not [other for other in others if other != person.id]:
        raise LastAdmin("Make somebody else an admin first.")


def _sign_out(db: Session, person: Person, *, reason: str, at: datetime) -> None:
    db.exec(
        update(SignedInSession)
        .where(
            col(SignedInSession.organization_id) == person.organization_id,
            col(SignedInSession.person_id) == person.id,
            col(SignedInSession.revoked_at).is_(None),
        )
        .values(revoked_at=at, revoked_reason=reason)
    )


def create_setup_link(db: Session, person: Person, *, at: datetime) -> str:
    """The token of a new link that sets the person's password, once; links made before no longer work."""
    rows(
        db,
        "UPDATE setup_links SET expires_at = %(at)s "
        "WHERE organization_id = %(o)s AND person_id = %(p)s AND used_at IS NULL AND expires_at > %(at)s",
        at=at,
        o=person.organization_id,
        p=person.id,
    )
    token = mint(SETUP, person.organization_id)
    link = SetupLink(
        organization_id=person.organization_id,
        person_id=person.id,
        token_hash=fingerprint(token),
        expires_at=at + LINK_LASTS,
    )
    db.add(link)
    db.flush()
    return token


def person_of_link(db: Session, token: str, *, at: datetime) -> Person:
    """Whose password the link sets; enters their organization and changes nothing.

    Raises:
        SetupLinkUnusable: see there.
    """
    organization_id = organization_of(token, SETUP)
    if organization_id is not None:
        enter(db, organization_id)
        found = db.exec(
            select(Person)
            .join(SetupLink, col(SetupLink.person_id) == col(Person.id))
            .where(
                Person.organization_id == organization_id,
                SetupLink.organization_id == organization_id,
                SetupLink.token_hash == fingerprint(token),
                col(SetupLink.used_at).is_(None),
                SetupLink.expires_at > at,
                col(Person.active).is_(True),
            )
        ).one_or_none()
        if found is not None:
            return found
    raise SetupLinkUnusable("This link was used before or has expired: ask for a new one.")


def use_setup_link(db: Session, token: str, password: str, *, at: datetime) -> None:
    """Set the password of the link's person and sign them out wherever the old one was used.

    Raises:
        SetupLinkUnusable: see there.
        PasswordTooWeak: too short or too common; the link stays good.
    """
    person = person_of_link(db, token, at=at)
    passwords.check_strength(password)
    taken = rows(
        db,
        "UPDATE setup_links SET used_at = %(at)s WHERE organization_id = %(o)s AND token_hash = %(h)s "
        "AND used_at IS NULL RETURNING id",
        at=at,
        o=person.organization_id,
        h=fingerprint(token),
    )
    if not taken:
        raise SetupLinkUnusable("This link was used before or has expired: ask for a new one.")
    _sign_out(db, person, reason="password set", at=at)
    person.password_hash = passwords.hash_password(password)
    db.flush()


def create_api_client(db: Session, given: ApiClientIn, *, by: Caller, at: datetime) -> tuple[ApiClient, str]:
    """The client and its key, which is not kept: only its hash is.

    Raises:
        RoleIncomplete: a technician's role, or a partner's without the partner.
        NoSuchPartner: the organization has none with this id.
    """
    _check_roles(given.roles, None, given.partner_id)
    check_references(db, by.organization_id, {NoSuchPartner: given.partner_id})
    key = mint(API_KEY, by.organization_id, bits=256)
    client = ApiClient(
        id=uuid7(),
        organization_id=by.organization_id,
        name=given.name,
        key_hash=fingerprint(key),
        key_hint=f"{API_KEY}_…{key[-4:]}",
        roles=[role.value for role in given.roles],
        partner_id=given.partner_id,
        created_at=at,
    )
    db.add(client)
    db.flush()
    return client, key


def revoke_api_client(db: Session, client: ApiClient, *, at: datetime) -> None:
    """The key and every token it got stop working; revoking again changes nothing."""
    client.revoked_at = client.revoked_at or at
    db.flush()
