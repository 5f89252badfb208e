"""Where a device stands in its feed: an opaque, signed word of at most 96 characters, good for one technician."""

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass
from uuid import UUID

from app.kit.problems import Gone, Unavailable

REP = 1
"""The shape of documents that this server speaks."""
DELTA, BOOTSTRAP = 0, 1
_MAC_BYTES = 10
_COMMON, _KEYSET = struct.Struct(">BB8sIQ"), struct.Struct(">qQI")


class ResetNeeded(Gone):
    """The cursor says nothing any more: compare notes (or begin anew), the outbox is not concerned."""

    code = "cursor-unusable"
    recovery = "reconcile"

    def __init__(self, detail: str = "This cursor is of no use any more.") -> None:
        super().__init__(detail, recovery=self.recovery)


class EpochChanged(ResetNeeded):
    """The server's memory was restored or failed over: positions before and after do not compare."""

    code = "epoch-changed"


class CursorExpired(ResetNeeded):
    """Older than the oldest tombstone that is kept."""

    code = "cursor-expired"


class CursorAhead(ResetNeeded):
    """It is of a later time than the server knows of."""

    code = "cursor-ahead"


class CursorForeign(ResetNeeded):
    """It was given to another technician."""

    code = "cursor-foreign"


class FeedCursorUnreadable(ResetNeeded):
    """It was not made by this server."""

    code = "cursor-unreadable"


class RepChanged(ResetNeeded):
    """The app understands another shape of documents than the ones it holds: begin anew."""

    code = "rep-changed"
    recovery = "bootstrap"


class ReplicaBehind(Unavailable):
    """A read replica has not come as far as the device; the primary answers."""

    code = "replica-behind"


@dataclass(frozen=True, slots=True)
class Cursor:
    """`seq` is the position, in a bootstrap the one it began at; `after` the last (sort key, seq) that was sent."""

    epoch: int
    seq: int
    rep: int = REP
    after: tuple[int, int] | None = None
    done: int = 0


def _whose(technician_id: UUID) -> bytes:
    return hashlib.sha256(technician_id.bytes).digest()[:8]


def write_cursor(cursor: Cursor, technician_id: UUID, *, secret: str) -> str:
    phase = DELTA if cursor.after is None else BOOTSTRAP
    body = _COMMON.pack(phase, cursor.rep, _whose(technician_id), cursor.epoch, cursor.seq)
    if cursor.after is not None:
        body += _KEYSET.pack(*cursor.after, cursor.done)
    return base64.urlsafe_b64encode(body + _mac(body, secret)).decode().rstrip("=")


def read_cursor(word: str, technician_id: UUID, *, secret: str) -> Cursor:
    """
    Raises:
        FeedCursorUnreadable: it was not made here.
        CursorForeign: it is somebody else's.
    """
    try:
        packed = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise FeedCursorUnreadable() from None
    body, mac = packed[:-_MAC_BYTES], packed[-_MAC_BYTES:]
    if len(body) < _COMMON.size or not hmac.compare_digest(mac, _mac(body, secret)):
        raise FeedCursorUnreadable()
    phase, rep, whose, epoch, seq = _COMMON.unpack_from(body)
    if whose != _whose(technician_id):
        raise CursorForeign()
    if phase == DELTA:
        return Cursor(epoch, seq, rep)
    sort_key, last, done = _KEYSET.unpack_from(body, _COMMON.size)
    return Cursor(epoch, seq, rep, (sort_key, last), done)


def _mac(body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), b"feed cursor:" + body, hashlib.sha256).digest()[:_MAC_BYTES]


def check_cursor(cursor: Cursor, *, head: int, floor: int, epoch: int, rep: int, on_replica: bool = False) -> None:
    """Let a cursor pass that the feed can go on from.

    Raises:
        EpochChanged, CursorExpired, CursorAhead, RepChanged
        ReplicaBehind: only the primary may say that a cursor is ahead.
    """
    if cursor.rep != rep:
        raise RepChanged()
    if cursor.epoch != epoch:
        raise EpochChanged()
    if cursor.seq > head:
        if on_replica:
            raise ReplicaBehind("This server has not come as far as you; try again.")
        raise CursorAhead()
    if cursor.seq < floor:
        raise CursorExpired()
