"""Passwords: Argon2id, long rather than complicated, and slow to guess."""

import hashlib
from datetime import datetime, timedelta
from functools import cache

from pwdlib import PasswordHash
from sqlmodel import Session

from app.kit.database import rows
from app.kit.problems import TooManyRequests, Unprocessable

MIN_LENGTH = 15
COMMON = frozenset(
    {
        "passwordpassword",
        "123456789012345",
        "1234567890123456",
        "qwertyuiopasdfgh",
        "aaaaaaaaaaaaaaa",
        "letmeinletmeinletmein",
    }
)
FREE_TRIES = 5
LONGEST_WAIT_SECONDS = 60


class PasswordTooWeak(Unprocessable):
    code = "password-too-weak"


class SlowDownPlease(TooManyRequests):
    code = "too-many-sign-ins"


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("nobody has this password")


def check_strength(password: str) -> None:
    if len(password) < MIN_LENGTH or password.lower() in COMMON or len(set(password)) < 5:
        raise PasswordTooWeak(
            f"A password has {MIN_LENGTH} characters or more and is not a common one.", min_length=MIN_LENGTH
        )


def hash_password(password: str) -> str:
    return _hasher().hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether it is the password; takes as long when there is nobody to compare with."""
    return _hasher().verify(password, stored or _nobodys_hash()) and stored is not None


def keys_of(email: str, address: str) -> list[bytes]:
    """What guesses are counted by: the account and the address that they come from."""
    return [
        hashlib.sha256(f"{kind}:{value}".encode()).digest()
        for kind, value in (("account", email), ("address", address))
    ]


def check_pace(db: Session, keys: list[bytes], *, at: datetime) -> None:
    """
    Raises:
        SlowDownPlease: there were too many failures; `Retry-After` says how long to wait.
    """
    waits = rows(db, "SELECT until FROM slow_downs WHERE key_hash = ANY(%(keys)s) AND until > %(at)s", keys=keys, at=at)
    if waits:
        seconds = max(int((wait["until"] - at).total_seconds()) + 1 for wait in waits)
        raise SlowDownPlease("Too many failed sign-ins: wait a little.", headers={"Retry-After": str(seconds)})


def count_failure(db: Session, keys: list[bytes], *, at: datetime) -> None:
    for key in sorted(keys):
        failures = rows(
            db,
            "INSERT INTO slow_downs (key_hash, failures, until) VALUES (%(k)s, 1, %(at)s) "
            "ON CONFLICT (key_hash) DO UPDATE SET failures = CASE WHEN slow_downs.until < %(at)s - interval '1 hour' "
            "THEN 1 ELSE slow_downs.failures + 1 END RETURNING failures",
            k=key,
            at=at,
        )[0]["failures"]
        wait = timedelta(
            seconds=min(2 ** max(0, failures - FREE_TRIES), LONGEST_WAIT_SECONDS) if failures > FREE_TRIES else 0
        )
        rows(db, "UPDATE slow_downs SET until = %(u)s WHERE key_hash = %(k)s", u=at + wait, k=key)


def forget_failures(db: Session, *, account: bytes) -> None:
    """After a good sign-in: the account's alone, or an address could try many accounts between two of its own."""
    rows(db, "DELETE FROM slow_downs WHERE key_hash = %(key)s", key=account)
