"""What people type to find a certificate: 16 characters of Crockford's base 32, in groups of four.

The first group is a tag of the organization, so that an unknown code need not be looked for in every one; the other 60
bits are by chance.
"""

import hashlib
import secrets
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP, GROUPS = 4, 4
#: What people write instead (Crockford: I and L are 1, O is 0).
MEANT = str.maketrans({"I": "1", "L": "1", "O": "0", "-": "", " ": "", "\N{NON-BREAKING HYPHEN}": ""})


def new_code(organization_id: UUID) -> str:
    """`XXXX-XXXX-XXXX-XXXX`."""
    by_chance = "".join(secrets.choice(ALPHABET) for _ in range(GROUP * (GROUPS - 1)))
    return _in_groups(tag_of(organization_id) + by_chance)


def read_code(typed: str) -> str | None:
    """The code that somebody typed, as it is stored; None when it is none."""
    plain = typed[:64].upper().translate(MEANT)
    if len(plain) != GROUP * GROUPS or not set(plain) <= set(ALPHABET):
        return None
    return _in_groups(plain)


def tag_of(organization_id: UUID) -> str:
    number = int.from_bytes(hashlib.sha256(organization_id.bytes).digest()[:8])
    return "".join(ALPHABET[number >> shift & 31] for shift in (0, 5, 10, 15))


def _in_groups(plain: str) -> str:
    return "-".join(plain[start : start + GROUP] for start in range(0, len(plain), GROUP))
