"""Signing in and staying signed in: opaque tokens, one family of them for each sign-in."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, select

from app.identity import passwords
from app.identity.models import AccessToken, ApiClient, Device, Person, RefreshToken, SignedInSession, SignIn
from app.kit.database import enter, rows
from app.kit.problems import BadRequest
from app.kit.runtime import runtime_of
from app.kit.tokens import ACCESS, API_KEY, REFRESH, fingerprint, mint, organization_of

REUSE_GRACE = timedelta(seconds=60)


class InvalidGrant(BadRequest):
    """Wrong e-mail or password, an unknown key, or a refresh token that is not good any more."""

    code = "invalid-grant"
    keeps_changes = True

    def __init__(self, detail: str) -> None:
        super().__init__(detail, error="invalid_grant", error_description=detail)


class UnsupportedGrant(BadRequest):
    code = "unsupported-grant-type"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, error="unsupported_grant_type", error_description=detail)


@dataclass(frozen=True, slots=True)
class Tokens:
    access_token: str
    refresh_token: str | None
    expires_in: int


def email_key(email: str) -> bytes:
    return hashlib.sha256(email.strip().lower().encode()).digest()


def sign_in(db: Session, email: str, password: str, *, device_id: UUID | None, address: str, at: datetime) -> Tokens:
    """Tokens for the right e-mail and password.

    Raises:
        InvalidGrant: the two do not belong together; which of them is wrong is not told.
        SlowDownPlease: there were too many failures.
    """
    keys = passwords.keys_of(email.strip().lower(), address)
    passwords.check_pace(db, keys, at=at)
    person = person_of(db, email)
    if not passwords.matches(password, person.password_hash if person else None) or person is None or not person.active:
        passwords.count_failure(db, keys, at=at)
        raise InvalidGrant("The e-mail address or the password is not right.")
    passwords.forget_failures(db, account=keys[0])
    session = SignedInSession(
        organization_id=person.organization_id,
        person_id=person.id,
        device_id=_own_device(db, person, device_id),
        created_at=at,
        last_used_at=at,
    )
    return begin(db, session, at=at, refreshable=True)


def _own_device(db: Session, person: Person, device_id: UUID | None) -> UUID | None:
    """The device when it is the person's and in use; a new one ties itself to the session when it is registered."""
    device = db.get(Device, (person.organization_id, device_id)) if device_id is not None else None
    return device.id if device and device.person_id == person.id and device.revoked_at is None else None


def person_of(db: Session, email: str) -> Person | None:
    """Who signs in with this e-mail address; enters their organization."""
    where = db.get(SignIn, email_key(email))
    if where is None:
        return None
    enter(db, where.organization_id)
    return db.get(Person, (where.organization_id, where.person_id))


def sign_in_client(db: Session, client_id: str, secret: str, *, at: datetime) -> Tokens:
    """Tokens for an integration (`client_credentials`); the secret is its API key."""
    organization_id = organization_of(secret, API_KEY)
    client = None
    if organization_id is not None:
        enter(db, organization_id)
        client = db.exec(
            select(ApiClient).where(
                ApiClient.organization_id == organization_id, ApiClient.key_hash == fingerprint(secret)
            )
        ).one_or_none()
    if client is None or client.revoked_at is not None or str(client.id) != client_id:
        raise InvalidGrant("The client or its secret is not right.")
    client.last_used_at = at
    session = SignedInSession(
        organization_id=client.organization_id, api_client_id=client.id, created_at=at, last_used_at=at
    )
    return begin(db, session, at=at, refreshable=False)


def begin(
    db: Session, session: SignedInSession, *, at: datetime, refreshable: bool, lasts: timedelta | None = None
) -> Tokens:
    db.add(session)
    db.flush()
    return issue(db, session.organization_id, session.id, at=at, refreshable=refreshable, lasts=lasts)


def token_to_print(db: Session, person: Person, *, at: datetime, lasts: timedelta) -> str:
    """An access token of a new session, for somebody who tries things out on the command line."""
    session = SignedInSession(
        organization_id=person.organization_id, person_id=person.id, created_at=at, last_used_at=at
    )
    return begin(db, session, at=at, refreshable=False, lasts=lasts).access_token


def refresh(db: Session, token: str, *, at: datetime) -> Tokens:
    """New tokens for a refresh token, once; a lost answer may be asked for again within a minute.

    Raises:
        InvalidGrant: unknown, expired or ended; a token used twice after the grace ends its whole family.
    """
    organization_id = organization_of(token, REFRESH)
    if organization_id is None:
        raise InvalidGrant("The refresh token is not good.")
    enter(db, organization_id)
    taken = rows(
        db,
        "UPDATE refresh_tokens SET used_at = %(at)s WHERE organization_id = %(o)s AND token_hash = %(h)s "
        "AND used_at IS NULL AND expires_at > %(at)s RETURNING session_id",
        at=at,
        o=organization_id,
        h=fingerprint(token),
    )
    session_id = taken[0]["session_id"] if taken else _again(db, organization_id, token, at=at)
    session = db.get(SignedInSession, (organization_id, session_id))
    if session is None or session.revoked_at is not None:
        raise InvalidGrant("This session has ended: sign in again.")
    session.last_used_at = at
    return issue(db, organization_id, session_id, at=at, refreshable=True)


def _again(db: Session, organization_id: UUID, token: str, *, at: datetime) -> UUID:
    used = db.exec(
        select(RefreshToken).where(
            RefreshToken.organization_id == organization_id, RefreshToken.token_hash == fingerprint(token)
        )
    ).one_or_none()
    if used is None or used.used_at is None:
        raise InvalidGrant("The refresh token is not good.")
    if at - used.used_at <= REUSE_GRACE:
        return used.session_id
    end_session(db, organization_id, used.session_id, reason="refresh token reused", at=at)
    raise InvalidGrant("This refresh token was used before: the session has been ended.")


def issue(
    db: Session,
    organization_id: UUID,
    session_id: UUID,
    *,
    at: datetime,
    refreshable: bool,
    lasts: timedelta | None = None,
) -> Tokens:
    """New tokens of a session; `lasts`: how long the access token is good, when not as the settings say."""
    settings = runtime_of(db).settings
    access = mint(ACCESS, organization_id)
    lasts = lasts or timedelta(seconds=settings.access_token_seconds)
    db.add(
        AccessToken(
            organization_id=organization_id,
            token_hash=fingerprint(access),
            session_id=session_id,
            expires_at=at + lasts,
        )
    )
    renewed = mint(REFRESH, organization_id) if refreshable else None
    if renewed is not None:
        until = at + timedelta(seconds=settings.refresh_token_seconds)
        db.add(
            RefreshToken(
                organization_id=organization_id,
                token_hash=fingerprint(renewed),
                session_id=session_id,
                expires_at=until,
            )
        )
    return Tokens(access, renewed, int(lasts.total_seconds()))


def end_session(db: Session, organization_id: UUID, session_id: UUID, *, reason: str, at: datetime) -> None:
    """End a session and all its tokens; ending it again changes nothing."""
    rows(
        db,
        "UPDATE sessions SET revoked_at = %(at)s, revoked_reason = %(why)s "
        "WHERE organization_id = %(o)s AND id = %(i)s AND revoked_at IS NULL",
        at=at,
        why=reason,
        o=organization_id,
        i=session_id,
    )


def revoke(db: Session, token: str, *, at: datetime) -> None:
    """End the session that this access or refresh token belongs to; an unknown token is no error (RFC 7009)."""
    organization_id = organization_of(token, ACCESS, REFRESH)
    if organization_id is None:
        return
    enter(db, organization_id)
    found = rows(
        db,
        "SELECT session_id FROM access_tokens WHERE organization_id = %(o)s AND token_hash = %(h)s "
        "UNION SELECT session_id FROM refresh_tokens WHERE organization_id = %(o)s AND token_hash = %(h)s",
        o=organization_id,
        h=fingerprint(token),
    )
    for row in found:
        end_session(db, organization_id, row["session_id"], reason="revoked", at=at)
