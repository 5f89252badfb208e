"""What keeps feeds right by the clock: the tick, the purge of tombstones, the nightly audit."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import structlog

from app.domain.replica import RESULTS_ARE_KEPT, TOMBSTONES_ARE_KEPT
from app.identity.queries import every_organization
from app.kit import clock
from app.kit.changes import Kind, touch
from app.kit.database import rows
from app.kit.queue import Sweep, Task
from app.kit.runtime import Runtime
from app.sync.building import bring_up_to_date
from app.sync.feeds import PUBLISH
from app.sync.manifests import publish_manifests

log = structlog.get_logger("firstfix.sync")
AT_ONCE = 200


DUE = """
SELECT DISTINCT work_order_id FROM feed_entries
WHERE organization_id = %(o)s AND due_at IS NOT NULL AND due_at <= %(at)s AND work_order_id IS NOT NULL AND NOT removed
LIMIT %(limit)s
"""


def tick(runtime: Runtime) -> None:
    """What leaves a device, or changes on it, because time has passed is written down like everything else."""
    for organization_id in every_organization(runtime):
        while tick_organization(runtime, organization_id, at=clock.now()):
            pass


def tick_organization(runtime: Runtime, organization_id: UUID, *, at: datetime) -> bool:
    """One transaction's worth; whether there may be more."""
    with runtime.transaction(organization_id) as db:
        due = rows(db, DUE, o=organization_id, at=at, limit=AT_ONCE)
        touch(db, organization_id, Kind.WORK_ORDER, *(row["work_order_id"] for row in due))
        return len(due) == AT_ONCE


#: In the order of their ids, as everybody locks feeds: whoever writes a tombstone anew waits, and is not met crosswise.
LOCK_ALL = "SELECT id FROM feeds WHERE organization_id = %(o)s ORDER BY id FOR UPDATE"
#: The floor rises with the highest tombstone that goes: a cursor below it is told so, and never kept in silence.
PURGE = """
WITH old AS (
    DELETE FROM feed_entries WHERE organization_id = %(o)s AND removed AND changed_at < %(before)s
    RETURNING feed_id, seq
)
UPDATE feeds f SET floor = greatest(f.floor, gone.seq)
FROM (SELECT feed_id, max(seq) AS seq FROM old GROUP BY feed_id) gone
WHERE f.organization_id = %(o)s AND f.id = gone.feed_id
"""


#: What was said long ago, by either side; that it was sent, and how it ended, is kept for ever.
FORGET = """
UPDATE operations SET result = NULL, body = '{}'
WHERE organization_id = %(o)s AND finished_at < %(before)s AND result IS NOT NULL
      AND NOT (status = 'quarantined' AND redriven_at IS NULL)
"""


def purge(runtime: Runtime) -> None:
    """Let tombstones go that no device needs any more, and the words of old results."""
    at = clock.now()
    for organization_id in every_organization(runtime):
        purge_organization(runtime, organization_id, before=at - TOMBSTONES_ARE_KEPT)
        with runtime.transaction(organization_id) as db:
            rows(db, FORGET, o=organization_id, before=at - RESULTS_ARE_KEPT)


def purge_organization(runtime: Runtime, organization_id: UUID, *, before: datetime) -> None:
    """In one transaction: tombstones that were written before this time."""
    with runtime.transaction(organization_id) as db:
        rows(db, LOCK_ALL, o=organization_id)
        rows(db, PURGE, o=organization_id, before=before)


AUDITED = "UPDATE feeds SET drift = %(drift)s, audited_at = %(at)s WHERE organization_id = %(o)s AND id = %(t)s"


def audit(runtime: Runtime, *, repair: bool = False) -> dict[UUID, int]:
    """Feed → how many of its entries are not what they should be: technicians whose feeds have drifted only.

    Something that was changed without `touch`, or in the database by hand, is found here, and mended with `repair`.
    """
    drifted: dict[UUID, int] = {}
    for organization_id, technician_id in feeds(runtime):
        with runtime.transaction(organization_id) as db:
            at = clock.now()
            drift = bring_up_to_date(db, organization_id, [technician_id], at=at, store=repair)
            rows(db, AUDITED, o=organization_id, t=technician_id, drift=0 if repair else drift, at=at)
        if drift:
            drifted[technician_id] = drift
            log.warning("a feed has drifted", technician_id=str(technician_id), entries=drift, repaired=repair)
    return drifted


def feeds(runtime: Runtime) -> Iterator[tuple[UUID, UUID]]:
    """(organization, technician) of every feed there is."""
    for organization_id in every_organization(runtime):
        with runtime.transaction(organization_id) as db:
            found = rows(db, "SELECT id FROM feeds WHERE organization_id = %(o)s ORDER BY id", o=organization_id)
        yield from ((organization_id, row["id"]) for row in found)


def nightly_audit(runtime: Runtime) -> None:
    drifted = audit(runtime)
    log.info("feeds audited", drift=sum(drifted.values()))


TASKS = [Task(PUBLISH, publish_manifests)]
SWEEPS = [
    Sweep("sync.tick", "* * * * *", tick),
    Sweep("sync.purge", "20 3 * * *", purge),
    Sweep("sync.audit", "40 3 * * *", nightly_audit),
]
