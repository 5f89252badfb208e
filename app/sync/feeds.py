"""The feeds: at the end of each transaction, every technician concerned gets the new document at the next position.

The order of things makes it right. First a fence: transactions that change one job pass it together, and by turns when
it is the same one; one that changes something embedded in many jobs, or makes a feed, passes it alone. Then the feeds
are locked, always in the order of their ids, and only then the documents are read: whoever had the lock before has
committed.
"""

from sqlmodel import Session

from app.kit import clock
from app.kit.changes import Changes, Kind
from app.kit.database import rows
from app.kit.queue import enqueue
from app.sync.contents import put_issues, put_jobs, put_people, put_stock
from app.sync.entries import lock_feeds, pass_fence, write

PUBLISH = "sync.publish_manifests"
#: What is embedded in the jobs of many.
EMBEDDED = (Kind.SITE, Kind.CONTACT, Kind.ASSET)


def flush(db: Session, changes: Changes) -> None:
    """Give everything that was touched its place in the feeds of those who may see it; the last act before a commit."""
    o = changes.organization_id
    embedded = changes.of(*EMBEDDED)
    if Kind.CATALOG in changes.ids:
        enqueue(db, PUBLISH, organization=o)
    orders = changes.of(Kind.WORK_ORDER)
    pass_fence(db, o, alone=bool(embedded), orders=orders)
    if embedded:
        orders |= {row["id"] for row in rows(db, EMBEDDING, o=o, ids=list(embedded))}
    feeds = lock_feeds(db, o, orders, changes)
    if not feeds:
        return
    at = clock.now()
    put_jobs(db, o, orders, feeds, at=at)
    put_stock(db, o, changes.of(Kind.STOCK) & feeds.keys(), feeds)
    put_issues(db, o, changes.of(Kind.ISSUE), feeds)
    put_people(db, o, changes.of(Kind.TECHNICIAN) & feeds.keys(), feeds)
    write(db, o, feeds.values(), at=at)


EMBEDDING = """
SELECT DISTINCT w.id FROM work_orders w
JOIN feed_entries e ON e.organization_id = w.organization_id AND e.work_order_id = w.id AND NOT e.removed
WHERE w.organization_id = %(o)s
  AND (w.site_id = ANY(%(ids)s) OR w.contact_id = ANY(%(ids)s) OR w.asset_id = ANY(%(ids)s))
"""
