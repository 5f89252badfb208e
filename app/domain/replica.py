"""What belongs on a technician's device, why something leaves it, and how a device and the server compare notes."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.lifecycle import OPEN_VISIT, VisitStatus

#: A job that is done stays on the device so long, to look something up; a contact does not.
DONE_IS_KEPT = timedelta(days=14)
CONTACT_IS_KEPT = timedelta(hours=24)
#: Tombstones, and so cursors, are good so long.
TOMBSTONES_ARE_KEPT = timedelta(days=90)
#: What a device was told about an operation, word for word.
RESULTS_ARE_KEPT = timedelta(days=180)
DONE = frozenset({VisitStatus.COMPLETED, VisitStatus.INCOMPLETE})


class Removal(StrEnum):
    """Why something leaves a device; readers take a word that they do not know for `unassigned`."""

    REASSIGNED = "reassigned"
    UNASSIGNED = "unassigned"
    CANCELED = "canceled"
    COMPLETED_BY_OTHER = "completed_by_other"
    CLOSED_EXPIRED = "closed_expired"
    DELETED = "deleted"
    ACCESS_REVOKED = "access_revoked"
    RECONCILE = "reconcile"


def why_it_leaves(
    status: VisitStatus,
    ended_at: datetime | None,
    *,
    is_lead: bool,
    is_member: bool,
    was_member: bool = False,
    at: datetime,
) -> Removal | None:
    """Why the visit is not, or no longer, on this technician's devices; None when it belongs there.

    Open visits belong to their lead and crew, and so do those that ended within the last two weeks.
    """
    if not is_lead and not is_member:
        if was_member:
            return Removal.UNASSIGNED
        return Removal.COMPLETED_BY_OTHER if status in DONE else Removal.REASSIGNED
    if status in OPEN_VISIT:
        return None
    if status is VisitStatus.CANCELED:
        return Removal.CANCELED
    if status not in DONE:
        return Removal.UNASSIGNED
    if ended_at is not None and at - ended_at >= DONE_IS_KEPT:
        return Removal.CLOSED_EXPIRED
    return None


def rev_of(epoch: int, seq: int) -> str:
    """What identifies one content of one thing in one feed, for ever."""
    return f"{epoch}.{seq}"


def digest_of(held: Iterable[tuple[str, str, str]]) -> str:
    """`"<count>:<hex>"` over (kind, id, rev) of everything held, in any order: XOR of the SHA-256s' first 8 bytes."""
    count, mixed = 0, 0
    for kind, entity_id, rev in held:
        count += 1
        mixed ^= int.from_bytes(hashlib.sha256(f"{kind}|{entity_id}|{rev}".encode()).digest()[:8], "big")
    return f"{count}:{mixed:016x}"


def first_wanted(status: VisitStatus, scheduled_start: datetime | None, ended_at: datetime | None) -> int:
    """The place of a job in the order in which a new device gets them: by planned start, what is done at the end."""
    when = scheduled_start or ended_at
    seconds = int(when.timestamp()) if when else 0
    return seconds if status in OPEN_VISIT else AT_THE_END + seconds


AT_THE_END = 2**40
#: Who am I, and where is what I look up: before the jobs. Stock and issues: after the open jobs.
FIRST, AFTER_JOBS = 0, 2**39
