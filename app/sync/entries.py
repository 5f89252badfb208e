"""One feed while it is locked: what it holds, what is new in it, and how that gets its positions.

Positions are given out under the lock, so that their order is the order of the commits, and an undone transaction
returns them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.replica import AFTER_JOBS, Removal
from app.kit.changes import Changes, Kind
from app.kit.database import rows
from app.kit.queue import enqueue
from app.sync.news import CHANNEL

PUSH = "sync.push_hints"


@dataclass(slots=True)
class Held:
    """A locked feed, where it stands and what is new in it."""

    id: UUID
    head: int
    epoch: int
    has_push: bool
    push_due: bool
    lines: list[dict[str, Any]] = field(default_factory=list)


#: Who passes together still takes turns at each work order, in the order of their ids. The large statements that follow
#: keep their plans: to plan the documents anew each time took three quarters of their time.
FENCE = """
SELECT pg_advisory_xact_lock_shared(hashtextextended(%(o)s::text, 7))::text
UNION ALL
SELECT set_config('plan_cache_mode', 'force_generic_plan', true)
UNION ALL
SELECT pg_advisory_xact_lock(hashtextextended(concat(%(o)s::text, id), 8))::text
FROM (SELECT unnest(%(orders)s::uuid[]) AS id ORDER BY id) one
"""
FENCE_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%(o)s::text, 7))"
#: More turns than this cost more than to pass alone.
MANY = 100


def pass_fence(db: Session, organization_id: UUID, *, alone: bool, orders: Collection[UUID] = ()) -> None:
    """A statement of its own: what the others committed before is seen only by a statement that begins after it.

    `orders`: the work orders that this transaction is about; with them in turn, nobody finds the feeds of a job while
    somebody else gives it away.
    """
    if alone or len(orders) > MANY:
        rows(db, FENCE_ALONE, o=organization_id)
    else:
        rows(db, FENCE, o=organization_id, orders=list(orders))


#: Those who hold a job of these work orders, those who shall, and who is named; nobody without a device has a feed.
LOCK = """
SELECT f.id, f.head, f.epoch, f.push_due,
       EXISTS (SELECT FROM devices d JOIN people p ON p.organization_id = d.organization_id AND p.id = d.person_id
               WHERE d.organization_id = f.organization_id AND p.technician_id = f.id AND d.push_token IS NOT NULL
                     AND d.revoked_at IS NULL) AS has_push
FROM feeds f
WHERE f.organization_id = %(o)s AND (
    f.id = ANY(%(named)s)
    OR f.id IN (
        SELECT e.feed_id FROM feed_entries e
        WHERE e.organization_id = %(o)s AND e.work_order_id = ANY(%(orders)s)
        UNION SELECT v.technician_id FROM visits v WHERE v.organization_id = %(o)s AND v.work_order_id = ANY(%(orders)s)
        UNION SELECT m.technician_id FROM visit_members m
              JOIN visits v ON v.organization_id = m.organization_id AND v.id = m.visit_id
              WHERE m.organization_id = %(o)s AND v.work_order_id = ANY(%(orders)s)
        UNION SELECT i.technician_id FROM issues i WHERE i.organization_id = %(o)s AND i.id = ANY(%(issues)s)))
ORDER BY f.id FOR UPDATE OF f
"""


def lock_feeds(db: Session, organization_id: UUID, orders: set[UUID], changes: Changes) -> dict[UUID, Held]:
    found = rows(
        db,
        LOCK,
        o=organization_id,
        orders=list(orders),
        named=list(changes.of(Kind.STOCK, Kind.TECHNICIAN)),
        issues=list(changes.of(Kind.ISSUE)),
    )
    return {row["id"]: Held(**row) for row in found}


HELD_OF_KIND = """
SELECT feed_id, entity_id, encode(sha256(document), 'hex') AS sha256, entered_seq FROM feed_entries
WHERE organization_id = %(o)s AND kind = %(kind)s AND feed_id = ANY(%(feeds)s) AND NOT removed
"""


def held_of(
    db: Session, organization_id: UUID, kind: str, feeds: Iterable[UUID]
) -> dict[tuple[UUID, str], dict[str, Any]]:
    """(feed, entity) → what its devices hold of it."""
    found = rows(db, HELD_OF_KIND, o=organization_id, kind=kind, feeds=list(feeds))
    return {(row["feed_id"], row["entity_id"]): row for row in found}


def put(
    feed: Held,
    kind: str,
    entity_id: str,
    document: bytes,
    before: Mapping[str, Any] | None,
    *,
    sort_key: int = AFTER_JOBS,
    work_order_id: UUID | None = None,
    due_at: datetime | None = None,
) -> None:
    """Add a document unless `before`, what the feed has of it (None: nothing), says the same."""
    if before is not None and before["sha256"] == sha256(document).hexdigest():
        return
    feed.lines.append(
        {
            **_line(kind, entity_id, work_order_id),
            "document": document,
            "sort_key": sort_key,
            "due_at": due_at,
            "entered": before["entered_seq"] if before is not None else None,
        }
    )


def remove(
    feed: Held,
    kind: str,
    entity_id: str,
    before: Mapping[str, Any] | None,
    *,
    reason: Removal,
    work_order_id: UUID | None = None,
) -> None:
    """Add a tombstone for what the feed has; for what it has not, nothing."""
    if before is not None:
        feed.lines.append({**_line(kind, entity_id, work_order_id), "reason": reason})


def _line(kind: str, entity_id: str, work_order_id: UUID | None) -> dict[str, Any]:
    """One new entry of a feed; `entered`: the position at which it came, None when it comes now."""
    return {
        "kind": kind,
        "entity_id": entity_id,
        "document": None,
        "reason": None,
        "sort_key": 0,
        "work_order_id": work_order_id,
        "due_at": None,
        "entered": None,
    }


WRITE = """
WITH new AS (
    SELECT * FROM unnest(%(feed_ids)s::uuid[], %(kinds)s::text[], %(entity_ids)s::text[], %(seqs)s::bigint[],
                         %(epochs)s::int[], %(reasons)s::text[], %(sort_keys)s::bigint[], %(entered)s::bigint[],
                         %(orders)s::uuid[], %(dues)s::timestamptz[], %(documents)s::bytea[])
         AS n(feed_id, kind, entity_id, seq, epoch, reason, sort_key, entered_seq, work_order_id, due_at, document)
), entries AS (
    INSERT INTO feed_entries (organization_id, feed_id, kind, entity_id, seq, epoch, removed, reason, sort_key,
                              entered_seq, work_order_id, due_at, changed_at, document)
    SELECT %(o)s, feed_id, kind, entity_id, seq, epoch, document IS NULL, reason, sort_key, entered_seq,
           work_order_id, due_at, %(at)s, document
    FROM new
    ON CONFLICT (organization_id, feed_id, kind, entity_id) DO UPDATE
    SET seq = excluded.seq, epoch = excluded.epoch, removed = excluded.removed, reason = excluded.reason,
        sort_key = excluded.sort_key, entered_seq = excluded.entered_seq, work_order_id = excluded.work_order_id,
        due_at = excluded.due_at, changed_at = excluded.changed_at, document = excluded.document
), heads AS (
    UPDATE feeds f SET head = h.head, push_due = f.push_due OR h.push, visible_due = f.visible_due OR h.visible
    FROM unnest(%(heads_of)s::uuid[], %(heads)s::bigint[], %(pushes)s::bool[], %(visible)s::bool[])
         AS h(id, head, push, visible)
    WHERE f.organization_id = %(o)s AND f.id = h.id
)
SELECT pg_notify(%(news)s, concat_ws(' ', %(o)s::text, h.id::text, h.head::text))
FROM unnest(%(heads_of)s::uuid[], %(heads)s::bigint[]) AS h(id, head)
"""


def write(db: Session, organization_id: UUID, feeds: Iterable[Held], *, at: datetime) -> None:
    """Number what is new in these locked feeds, store it, and say so to whoever listens."""
    changed = [feed for feed in feeds if feed.lines]
    if not changed:
        return
    numbered = [(feed, feed.head + n, one) for feed in changed for n, one in enumerate(feed.lines, start=1)]
    rows(
        db,
        WRITE,
        o=organization_id,
        at=at,
        news=CHANNEL,
        feed_ids=[feed.id for feed, _, _ in numbered],
        kinds=[one["kind"] for _, _, one in numbered],
        entity_ids=[one["entity_id"] for _, _, one in numbered],
        seqs=[seq for _, seq, _ in numbered],
        epochs=[feed.epoch for feed, _, _ in numbered],
        reasons=[one["reason"] for _, _, one in numbered],
        sort_keys=[one["sort_key"] for _, _, one in numbered],
        entered=[seq if one["entered"] is None else one["entered"] for _, seq, one in numbered],
        orders=[one["work_order_id"] for _, _, one in numbered],
        dues=[one["due_at"] for _, _, one in numbered],
        documents=[one["document"] for _, _, one in numbered],
        heads_of=[feed.id for feed in changed],
        heads=[feed.head + len(feed.lines) for feed in changed],
        pushes=[feed.has_push for feed in changed],
        visible=[feed.has_push and any(_is_news(one) for one in feed.lines) for feed in changed],
    )
    for feed in changed:
        if feed.has_push and not feed.push_due:
            enqueue(db, PUSH, organization=organization_id, technician=feed.id)


def _is_news(one: Mapping[str, Any]) -> bool:
    """New or withdrawn work is worth a visible notification; what is old by now is not."""
    if one["kind"] != "job" or one["reason"] == Removal.CLOSED_EXPIRED:
        return False
    return one["document"] is None or one["entered"] is None
