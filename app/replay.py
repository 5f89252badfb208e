"""`python -m app replay`: fold every work order's events again and compare with what the caches say, or mend them."""

from collections.abc import Callable, Iterator
from uuid import UUID

from sqlmodel import Session

from app.domain.ledger import fold
from app.identity.queries import every_organization
from app.kit.database import enter, rows
from app.kit.runtime import Runtime
from app.visits.commands.crew import set_member
from app.visits.replayed import Difference, crews_by_events, differences
from app.work_orders.ledger import Writing, events_of, open_ledger, rebuild_caches, write

__all__ = ["Difference", "differences", "put_right", "replay", "work_orders_in"]
CHUNK = 500


def replay(
    runtime: Runtime,
    *,
    only: UUID | None = None,
    mend: bool = False,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Iterator[Difference]:
    """Every difference between caches and events, in all organizations or in `only` one; `mend` puts them right.

    What differs is looked at again with the work order locked. A work order without events cannot be mended.
    """
    done = 0
    for organization_id in [only] if only else every_organization(runtime):
        for work_order_id in work_orders_in(runtime, organization_id):
            with runtime.transaction(organization_id) as db:
                found = list(differences(db, organization_id, work_order_id))
                if found:
                    open_ledger(db, organization_id, work_order_id)
                    found = list(differences(db, organization_id, work_order_id))
                if mend and any(one.where != "events" for one in found):
                    put_right(db, organization_id, work_order_id)
            yield from found
            done += 1
            on_progress(done)


def work_orders_in(runtime: Runtime, organization_id: UUID) -> Iterator[UUID]:
    """The ids of all work orders of an organization, read in chunks."""
    after = UUID(int=0)
    while True:
        with runtime.transaction(organization_id) as db:
            found = rows(
                db,
                "SELECT id FROM work_orders WHERE organization_id = %(o)s AND id > %(a)s ORDER BY id LIMIT %(n)s",
                o=organization_id,
                a=after,
                n=CHUNK,
            )
        yield from (row["id"] for row in found)
        if len(found) < CHUNK:
            return
        after = found[-1]["id"]


def put_right(db: Session, organization_id: UUID, work_order_id: UUID) -> None:
    """Make every cache of one work order anew from its events."""
    enter(db, organization_id)
    ledger = open_ledger(db, organization_id, work_order_id)
    events = events_of(db, organization_id, work_order_id)
    ledger.order, replayed = fold(events)
    ledger.visits.update({visit_id: state for visit_id, state in replayed.items() if visit_id in ledger.visit_rows})
    write(db, ledger, Writing(touched=set(ledger.visits)))
    rebuild_caches(db, organization_id, work_order_id)
    for visit_id, crew in crews_by_events(events).items():
        for technician_id, member in crew.items():
            set_member(db, organization_id, visit_id, technician_id, member)
