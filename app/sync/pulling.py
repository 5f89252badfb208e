"""What a device is sent: what changed since its cursor, or everything when it has none. One statement, one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.domain.replica import digest_of, rev_of
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.runtime import runtime_of
from app.sync.building import ensure_feed
from app.sync.cursors import Cursor, check_cursor, read_cursor, write_cursor

PAGE_BYTES = 262_144
PAGE_MAX, HAVE_MAX = 500, 5_000
#: How soon the device should look again by itself, in seconds: while something happens, and when nothing does.
HOT, QUIET = 60, 300

FEED = """
SELECT f.head, f.floor, f.epoch, pg_is_in_recovery() AS on_replica, coalesce(d.rep, 1) AS rep,
       d.acked_seq, d.acked_epoch,
       CASE WHEN %(digest)s THEN (
           SELECT array_agg(ARRAY[kind, entity_id, epoch::text, seq::text]) FROM feed_entries
           WHERE organization_id = f.organization_id AND feed_id = f.id AND NOT removed) END AS held,
       CASE WHEN %(count)s THEN (
           SELECT count(*) FROM feed_entries
           WHERE organization_id = f.organization_id AND feed_id = f.id AND NOT removed) END AS total,
       e.kind, e.entity_id, e.seq, e.entry_epoch, e.reason, e.sort_key, e.document, e.size
FROM feeds f
LEFT JOIN devices d ON d.organization_id = f.organization_id AND d.id = %(device)s
"""
#: What fits on a page by its size, and one more, which says that there is more: the rest is not even read.
SINCE = """
LEFT JOIN LATERAL (
    SELECT kind, entity_id, seq, epoch AS entry_epoch, reason, sort_key, document,
           sum(coalesce(length(document), 0) + 160) OVER (ORDER BY seq) AS size,
           row_number() OVER (ORDER BY seq) AS place
    FROM feed_entries WHERE organization_id = f.organization_id AND feed_id = f.id AND seq > %(after)s
         AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    ORDER BY seq LIMIT %(limit)s) e
    ON e.place <= 2 OR e.size - coalesce(length(e.document), 0) - 160 <= %(bytes)s
WHERE f.organization_id = %(o)s AND f.id = %(t)s
ORDER BY e.seq
"""
ALL = """
LEFT JOIN LATERAL (
    SELECT kind, entity_id, seq, epoch AS entry_epoch, reason, sort_key, document,
           sum(coalesce(length(document), 0) + 160) OVER (ORDER BY sort_key, seq) AS size,
           row_number() OVER (ORDER BY sort_key, seq) AS place
    FROM feed_entries
    WHERE organization_id = f.organization_id AND feed_id = f.id AND NOT removed
      AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND seq <= coalesce(%(began)s::bigint, f.head) AND (sort_key, seq) > (%(key)s::bigint, %(after)s::bigint)
    ORDER BY sort_key, seq LIMIT %(limit)s) e
    ON e.place <= 2 OR e.size - coalesce(length(e.document), 0) - 160 <= %(bytes)s
WHERE f.organization_id = %(o)s AND f.id = %(t)s
ORDER BY e.sort_key, e.seq
"""


@dataclass(slots=True)
class Page:
    """One answer's worth of changes, ready to be written down."""

    changes: list[bytes] = field(default_factory=list)
    cursor: str | None = None
    has_more: bool = False
    phase: str = "delta"
    progress: dict[str, int] | None = None
    digest: str | None = None

    @property
    def is_empty(self) -> bool:
        return not self.changes and not self.has_more


def pull(
    db: Session,
    me: Caller,
    cursor: str | None,
    *,
    limit: int,
    digest: bool = False,
    kind: str | None = None,
    is_receipt: bool = True,
    at: datetime,
) -> Page:
    """The next page for this technician's device.

    Args:
        kind: send nothing else; the cursor moves over everything all the same.
        is_receipt: whether the device presents this cursor, so that it has everything up to there.

    Raises:
        ResetNeeded: nothing can follow this cursor; its `recovery` says what to do.
    """
    technician_id = _technician(me)
    secret = runtime_of(db).secret
    if cursor is None:
        ensure_feed(db, me.organization_id, technician_id, at=at)
        known = None
    else:
        known = read_cursor(cursor, technician_id, secret=secret)
    found = _read(db, me, known, limit=limit, digest=digest, kind=kind)
    if not found:
        ensure_feed(db, me.organization_id, technician_id, at=at)
        found = _read(db, me, known, limit=limit, digest=digest, kind=kind)
    feed = found[0]
    if known is not None:
        check_cursor(known, **{name: feed[name] for name in ("head", "floor", "epoch", "rep", "on_replica")})
        if is_receipt:
            acknowledge(db, me, feed, known, at=at)
    page = _page(found, known, limit=limit)
    page.cursor = write_cursor(_next(feed, known, page, found, limit), technician_id, secret=secret)
    if digest and not page.has_more:
        page.digest = digest_of((kind, id_, f"{epoch}.{seq}") for kind, id_, epoch, seq in feed["held"] or ())
    return page


def _technician(me: Caller) -> UUID:
    assert me.technician_id is not None, "the policy lets technicians in only"
    return me.technician_id


def _read(
    db: Session, me: Caller, known: Cursor | None, *, limit: int, digest: bool, kind: str | None
) -> list[dict[str, Any]]:
    snapshot = known is None or known.after is not None
    key, after = known.after if known is not None and known.after is not None else (-1, -1)
    return rows(
        db,
        FEED + (ALL if snapshot else SINCE),
        **{
            "o": me.organization_id,
            "t": me.technician_id,
            "device": me.device_id,
            "digest": digest,
            "count": snapshot,
            "kind": kind,
            "limit": limit + 1,
            "bytes": PAGE_BYTES,
            **(
                {"began": known.seq if known else None, "key": key, "after": after}
                if snapshot
                else {"after": known.seq if known else 0}
            ),
        },
    )


def _page(found: list[dict[str, Any]], known: Cursor | None, *, limit: int) -> Page:
    """As many entries as fit: by number and by size, but one at least."""
    entries = [row for row in found if row["kind"] is not None]
    fitting = [row for n, row in enumerate(entries[:limit]) if n == 0 or row["size"] <= PAGE_BYTES]
    page = Page([written(row) for row in fitting], has_more=len(fitting) < len(entries))
    if known is None or known.after is not None:
        page.phase = "bootstrap"
        done = (known.done if known else 0) + len(fitting)
        page.progress = {"done": done, "total": max(done, found[0]["total"] or 0)}
    return page


def _next(feed: dict[str, Any], known: Cursor | None, page: Page, found: list[dict[str, Any]], limit: int) -> Cursor:
    """Where the device stands after this page; after the last page of everything, what came meanwhile follows."""
    epoch, rep = feed["epoch"], feed["rep"]
    sent = len(page.changes)
    last = found[sent - 1] if sent else None
    if page.phase == "delta":
        assert known is not None
        seq = last["seq"] if last is not None and page.has_more else feed["head"]
        return Cursor(epoch, seq, rep)
    began = known.seq if known else feed["head"]
    if page.has_more and last is not None:
        done = page.progress["done"] if page.progress else 0
        return Cursor(epoch, began, rep, (last["sort_key"], last["seq"]), done)
    page.has_more = began < feed["head"]
    return Cursor(epoch, began, rep)


def written(row: dict[str, Any]) -> bytes:
    """One change as it is sent; the document's bytes pass through as they are stored."""
    what = {"kind": row["kind"], "id": row["entity_id"]}
    if row["document"] is None:
        return orjson.dumps({**what, "op": "remove", "reason": row["reason"]})
    opening = orjson.dumps({**what, "op": "put", "rev": rev_of(row["entry_epoch"], row["seq"])})
    return opening[:-1] + b',"data":' + bytes(row["document"]) + b"}"


def acknowledge(db: Session, me: Caller, feed: dict[str, Any], known: Cursor, *, at: datetime) -> None:
    """The device has everything up to its cursor: what the dispatcher sees as delivered. Written when it moved."""
    if me.device_id is None or feed["acked_seq"] is None or known.after is not None:
        return
    if (feed["acked_epoch"], feed["acked_seq"]) != (known.epoch, known.seq):
        write_receipt(db, me.organization_id, me.device_id, known, at=at)


def write_receipt(db: Session, organization_id: UUID, device_id: UUID, known: Cursor, *, at: datetime) -> None:
    rows(
        db,
        "UPDATE devices SET acked_seq = %(seq)s, acked_epoch = %(epoch)s, last_seen_at = %(at)s "
        "WHERE organization_id = %(o)s AND id = %(d)s",
        seq=known.seq,
        epoch=known.epoch,
        at=at,
        o=organization_id,
        d=device_id,
    )


def answer(page: Page, *, at: datetime, more: dict[str, Any] | None = None) -> bytes:
    """The page as the JSON of an answer; `more`: what else the answer says."""
    parts = [b'"changes":[' + b",".join(page.changes) + b"]"]
    facts: dict[str, Any] = {
        **(more or {}),
        "cursor": page.cursor,
        "has_more": page.has_more,
        "phase": page.phase,
        "server_time": milliseconds(at),
        "poll_after_s": HOT if page.changes else QUIET,
    }
    facts |= {name: value for name, value in (("progress", page.progress), ("digest", page.digest)) if value}
    return b"{" + b",".join([*parts, orjson.dumps(facts, option=orjson.OPT_UTC_Z)[1:-1]]) + b"}"


def milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


WANTED = """
SELECT f.head, f.epoch, coalesce(d.rep, 1) AS rep, e.kind, e.entity_id, e.seq, e.entry_epoch, e.reason, e.document
FROM feeds f
LEFT JOIN devices d ON d.organization_id = f.organization_id AND d.id = %(device)s
LEFT JOIN LATERAL (
    SELECT coalesce(n.kind, h.kind) AS kind, coalesce(n.entity_id, h.id) AS entity_id, n.seq, n.epoch AS entry_epoch,
           'reconcile' AS reason, n.document, n.sort_key
    FROM (SELECT * FROM feed_entries
          WHERE organization_id = f.organization_id AND feed_id = f.id AND NOT removed
                AND (%(kind)s::text IS NULL OR kind = %(kind)s)) n
    FULL JOIN unnest(%(kinds)s::text[], %(ids)s::text[], %(revs)s::text[]) AS h(kind, id, rev)
         ON h.kind = n.kind AND h.id = n.entity_id
    WHERE h.rev IS DISTINCT FROM n.epoch || '.' || n.seq
    ORDER BY n.document IS NULL DESC, n.sort_key, n.seq LIMIT %(limit)s) e ON true
WHERE f.organization_id = %(o)s AND f.id = %(t)s
"""


def reconcile(
    db: Session,
    me: Caller,
    have: Sequence[tuple[str, str, str]],
    *,
    limit: int,
    kind: str | None = None,
    at: datetime,
) -> Page:
    """Only what differs from what the device has, by rev; with a cursor when that is all of it.

    `have`: kind, id and rev of everything that the device holds; of one `kind` when that alone is compared.
    """
    technician_id = _technician(me)
    ensure_feed(db, me.organization_id, technician_id, at=at)
    found = rows(
        db,
        WANTED,
        o=me.organization_id,
        t=technician_id,
        device=me.device_id,
        kinds=[kind for kind, _, _ in have],
        ids=[id_ for _, id_, _ in have],
        revs=[rev for _, _, rev in have],
        kind=kind,
        limit=limit + 1,
    )
    page = Page(phase="reconcile")
    size, entries = 0, [row for row in found if row["kind"] is not None]
    for row in entries[:limit]:
        change = written(row)
        size += len(change)
        if page.changes and size > PAGE_BYTES:
            break
        page.changes.append(change)
    page.has_more = len(page.changes) < len(entries)
    if not page.has_more:
        cursor = Cursor(found[0]["epoch"], found[0]["head"], found[0]["rep"])
        page.cursor = write_cursor(cursor, technician_id, secret=runtime_of(db).secret)
    return page
