"""Small secrets that lie in the database, under the secret of the program: AES-256-GCM, a key for each purpose (HKDF).

The program's secret rotates by list: what was put away under an earlier one can still be taken out.
"""

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


def put_away(secret: str, data: bytes, *, purpose: str, about: bytes) -> bytes:
    """The data, unreadable without the secret; it can be taken out only for the same purpose and thing."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(secret, purpose).encrypt(nonce, data, about)


def take_out(secrets: Sequence[str], kept: bytes, *, purpose: str, about: bytes) -> bytes | None:
    """What was put away under one of these secrets; None when it was under none of them, or has been changed."""
    for secret in secrets:
        try:
            return _cipher(secret, purpose).decrypt(kept[:NONCE_BYTES], kept[NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            continue
    return None


def _cipher(secret: str, purpose: str) -> AESGCM:
    derived = HKDF(SHA256(), 32, salt=None, info=f"firstfix {purpose}".encode()).derive(secret.encode())
    return AESGCM(derived)
