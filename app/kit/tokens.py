"""Opaque secrets that carry their organization.

A token is `<prefix>_<organization, 22 characters><random part>`, so the one statement that looks it up can set the
organization for row-level security first. The organization is not secret and not trusted: the hash of the whole
token must be found inside that organization. Only the SHA-256 of a token is stored.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from uuid import UUID

ACCESS, REFRESH, API_KEY, SURVEY, SETUP = "ffa", "ffr", "ffk", "s", "ffs"
CONFIRM, CODE = "y", "k"


def mint(prefix: str, organization_id: UUID, *, bits: int = 192) -> str:
    """A new token; `bits` is the size of its random part."""
    owner = base64.urlsafe_b64encode(organization_id.bytes).decode().rstrip("=")
    return f"{prefix}_{owner}{secrets.token_urlsafe(bits // 8)}"


def derive(prefix: str, organization_id: UUID, secret: str, subject: UUID, *, bits: int = 96) -> str:
    """The one token of `subject`: made anew whenever it is needed, so that it need not be kept to be sent twice."""
    owner = base64.urlsafe_b64encode(organization_id.bytes).decode().rstrip("=")
    digest = hmac.new(secret.encode(), f"{prefix}:{organization_id}:{subject}".encode(), hashlib.sha256).digest()
    # Letters and digits: mail programs leave a `-` at the end of a link out of the link.
    random_part = base64.b32encode(digest[: bits // 8]).decode().rstrip("=").lower()
    return f"{prefix}_{owner}{random_part}"


def fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def organization_of(token: str, *prefixes: str) -> UUID | None:
    """The organization that a token names, or None when it is not a token of one of these kinds."""
    prefix, _, rest = token.partition("_")
    if prefix not in prefixes or not 32 <= len(rest) <= 96:
        return None
    try:
        return UUID(bytes=base64.b64decode(rest[:22] + "==", altchars=b"-_", validate=True))
    except ValueError:
        return None


def derived_again(prefix: str, organization_id: UUID, keys: Iterable[str], subject: UUID, known: bytes) -> str | None:
    """The token of `subject` whose fingerprint is known, whichever of the program's secrets it was made with."""
    for key in keys:
        token = derive(prefix, organization_id, key, subject)
        if hmac.compare_digest(fingerprint(token), known):
            return token
    return None
