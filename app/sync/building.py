"""Making a whole feed from what there is, and finding where one has drifted from it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.domain.replica import DONE_IS_KEPT
from app.kit.changes import Changes, Kind
from app.kit.database import rows
from app.sync.contents import put_issues, put_jobs, put_manifests, put_people, put_stock
from app.sync.entries import lock_feeds, pass_fence, write

#: Epochs count seconds from here, so that one made after a restore was never used before it.
EPOCHS_BEGIN = 1_577_836_800


def epoch_now(at: datetime) -> int:
    return max(1, int(at.timestamp()) - EPOCHS_BEGIN)


def ensure_feed(db: Session, organization_id: UUID, technician_id: UUID, *, at: datetime) -> None:
    """Make the technician's feed when a device first asks: until then nothing is kept for it."""
    known = rows(
        db, "SELECT 1 FROM feeds WHERE organization_id = %(o)s AND id = %(t)s", o=organization_id, t=technician_id
    )
    if known:
        return
    pass_fence(db, organization_id, alone=True)
    made = rows(db, MAKE, o=organization_id, t=technician_id, epoch=epoch_now(at), at=at)
    if made:
        bring_up_to_date(db, organization_id, [technician_id], at=at)


MAKE = """
INSERT INTO feeds (organization_id, id, head, floor, epoch, push_due, visible_due, built_at, drift)
VALUES (%(o)s, %(t)s, 0, 0, %(epoch)s, false, false, %(at)s, 0) ON CONFLICT DO NOTHING RETURNING id
"""

#: What the technicians may see, and what their devices hold; whatever concerns neither is left alone.
IN_REACH = """
SELECT v.work_order_id FROM visits v
WHERE v.organization_id = %(o)s AND (v.ended_at IS NULL OR v.ended_at > %(since)s)
  AND (v.technician_id = ANY(%(feeds)s) OR EXISTS (
      SELECT FROM visit_members m WHERE m.organization_id = v.organization_id AND m.visit_id = v.id
             AND m.technician_id = ANY(%(feeds)s) AND m.left_at IS NULL))
UNION SELECT e.work_order_id FROM feed_entries e
WHERE e.organization_id = %(o)s AND e.feed_id = ANY(%(feeds)s) AND e.work_order_id IS NOT NULL AND NOT e.removed
"""

ISSUES_IN_REACH = """
SELECT id FROM issues WHERE organization_id = %(o)s AND owner = 'technician' AND technician_id = ANY(%(feeds)s)
       AND state = 'open'
UNION SELECT entity_id::uuid FROM feed_entries
WHERE organization_id = %(o)s AND feed_id = ANY(%(feeds)s) AND kind = 'issue' AND NOT removed
"""


def bring_up_to_date(
    db: Session, organization_id: UUID, technicians: Collection[UUID], *, at: datetime, store: bool = True
) -> int:
    """Write whatever these feeds lack or have too much; how many entries that was. 0 is what is expected of a feed.

    Args:
        store: False only counts.
    """
    named = Changes(organization_id, {Kind.TECHNICIAN: set(technicians)})
    feeds = lock_feeds(db, organization_id, set(), named)
    ids = list(feeds)
    orders = rows(db, IN_REACH, o=organization_id, feeds=ids, since=at - DONE_IS_KEPT)
    put_jobs(db, organization_id, {row["work_order_id"] for row in orders}, feeds, at=at)
    put_stock(db, organization_id, ids, feeds)
    issues = rows(db, ISSUES_IN_REACH, o=organization_id, feeds=ids)
    put_issues(db, organization_id, {row["id"] for row in issues}, feeds)
    put_people(db, organization_id, ids, feeds)
    put_manifests(db, organization_id, feeds, at=at, store=store)
    drift = sum(len(feed.lines) for feed in feeds.values())
    if store:
        write(db, organization_id, feeds.values(), at=at)
    return drift
