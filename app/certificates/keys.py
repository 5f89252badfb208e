"""The keys that certificates are signed with: Ed25519, one at a time for each organization, made when first needed.

The seed lies under the program's secret. When a key is retired its seed goes, and what stays in its place is a seal
over the public key: only this program could have made it, so that nobody who can write to the database signs with a key
of their own. Public keys are kept for ever.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlmodel import Session, col, select

from app.certificates.models import SigningKey
from app.kit.database import rows
from app.kit.runtime import runtime_of
from app.kit.vault import put_away, take_out

PURPOSE = "certificate keys"


@dataclass(frozen=True, slots=True)
class Signer:
    key_id: str
    _key: Ed25519PrivateKey

    def sign(self, document: bytes) -> bytes:
        return self._key.sign(document)


#: Whoever holds it makes the next link of the organization's chain; until the transaction ends.
LOCK_CHAIN = "SELECT pg_advisory_xact_lock(hashtextextended(concat('certificates ', %(o)s::text), 0))"


def lock_chain(db: Session, organization_id: UUID) -> None:
    rows(db, LOCK_CHAIN, o=organization_id)


def signer_of(db: Session, organization_id: UUID, *, at: datetime) -> Signer:
    """The newest key that this program can use; a new one when there is none. The chain is locked by the caller."""
    for key in keys_of(db, organization_id):
        seed = _kept_in(db, key) if key.retired_at is None else None
        if seed:
            return Signer(key.key_id, Ed25519PrivateKey.from_private_bytes(seed))
    return make_key(db, organization_id, at=at)


def make_key(db: Session, organization_id: UUID, *, at: datetime) -> Signer:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    key = SigningKey(
        organization_id=organization_id, key_id=thumbprint(public), public_key=public, sealed_seed=None, created_at=at
    )
    key.sealed_seed = _put_away(db, key, private.private_bytes_raw())
    db.add(key)
    db.flush()
    return Signer(key.key_id, private)


def rotate_key(db: Session, organization_id: UUID, *, at: datetime) -> Signer:
    """From now on a new key signs; the seeds of those before are gone, what they signed stays valid."""
    lock_chain(db, organization_id)
    for key in keys_of(db, organization_id):
        if key.retired_at is None:
            key.sealed_seed = _put_away(db, key, b"") if _kept_in(db, key) is not None else None
            key.retired_at = at
            db.add(key)
    return make_key(db, organization_id, at=at)


def adopt_keys(db: Session, organization_id: UUID, *, at: datetime) -> int:
    """After the program's secret was lost: vouch for the keys that it was with, which sign no more; how many."""
    lock_chain(db, organization_id)
    adopted = [key for key in keys_of(db, organization_id) if not is_ours(db, key)]
    for key in adopted:
        key.sealed_seed, key.retired_at = _put_away(db, key, b""), key.retired_at or at
        db.add(key)
    return len(adopted)


def keys_of(db: Session, organization_id: UUID) -> Sequence[SigningKey]:
    """All keys of the organization, the newest first."""
    return db.exec(
        select(SigningKey)
        .where(SigningKey.organization_id == organization_id)
        .order_by(col(SigningKey.created_at).desc(), col(SigningKey.id).desc())
    ).all()


def is_ours(db: Session, key: SigningKey) -> bool:
    """Whether this program made the key: what is put away with it opens, and belongs to it."""
    kept = _kept_in(db, key)
    if kept is None:
        return False
    return not kept or Ed25519PrivateKey.from_private_bytes(kept).public_key().public_bytes_raw() == key.public_key


def is_signed(public_key: bytes, signature: bytes, document: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, document)
    except (InvalidSignature, ValueError):
        return False
    return True


def thumbprint(public_key: bytes) -> str:
    """The name of a key: the thumbprint of its JWK (RFC 7638), so that the name itself can be checked."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public_key)}"}}'
    return _base64url(hashlib.sha256(members.encode()).digest())


def jwk_of(key: SigningKey) -> dict[str, Any]:
    """A public key as a JSON Web Key (RFC 8037)."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": key.key_id,
        "x": _base64url(key.public_key),
    }


def _put_away(db: Session, key: SigningKey, data: bytes) -> bytes:
    return put_away(runtime_of(db).secret, data, purpose=PURPOSE, about=_about(key))


def _kept_in(db: Session, key: SigningKey) -> bytes | None:
    """The seed; nothing when only the seal is left; None when it does not open."""
    if key.sealed_seed is None:
        return None
    return take_out(runtime_of(db).secrets, key.sealed_seed, purpose=PURPOSE, about=_about(key))


def _about(key: SigningKey) -> bytes:
    return f"{key.organization_id} {key.key_id} {key.public_key.hex()}".encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
