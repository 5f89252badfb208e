"""Reading work orders: always for whom, and in which organization."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.domain.lifecycle import WorkOrderStatus, allowed_on_work_order
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.database import plain, rows
from app.kit.paging import page_by_id
from app.kit.problems import NotFound
from app.work_orders.models import Note, WorkOrder, WorkType, WorkTypeVersion
from app.work_orders.schemas import WorkOrderQuery

#: What partners and technicians reach: work orders with a visit of theirs. Named here, not imported from above.
VISITS = sa.table(
    "visits",
    sa.column("organization_id"),
    sa.column("work_order_id"),
    sa.column("partner_id"),
    sa.column("technician_id"),
    sa.column("id"),
)
#: Comparing with no id must find nothing, not the rows without one.
NOBODY = UUID(int=0)
CREWS = sa.table("visit_members", sa.column("organization_id"), sa.column("visit_id"), sa.column("technician_id"))


def work_orders_of(caller: Caller) -> Any:
    """The work orders that the caller reaches, as a query to narrow down."""
    query = select(WorkOrder).where(WorkOrder.organization_id == caller.organization_id)
    if caller.scope is Scope.ALL:
        return query
    mine = sa.select(VISITS.c.work_order_id).where(VISITS.c.organization_id == caller.organization_id)
    if caller.scope is Scope.ASSIGNED:
        mine = mine.where(VISITS.c.partner_id == (caller.partner_id or NOBODY))
    else:
        me = caller.technician_id or NOBODY
        crews = sa.select(CREWS.c.visit_id).where(
            CREWS.c.organization_id == caller.organization_id, CREWS.c.technician_id == me
        )
        mine = mine.where(sa.or_(VISITS.c.technician_id == me, VISITS.c.id.in_(crews)))
    return query.where(col(WorkOrder.id).in_(mine))


def work_order_for(db: Session, caller: Caller, work_order_id: UUID) -> WorkOrder:
    """The work order, when the caller reaches it.

    Raises:
        NotFound: there is none, or it is out of the caller's reach; the two look the same on purpose.
    """
    order: WorkOrder | None = db.exec(work_orders_of(caller).where(WorkOrder.id == work_order_id)).one_or_none()
    if order is None:
        raise NotFound("There is no such work order.", work_order_id=str(work_order_id))
    return order


def work_order_page(db: Session, caller: Caller, wanted: WorkOrderQuery) -> tuple[Sequence[WorkOrder], str | None]:
    """One page of the work orders that the caller reaches, newest first."""
    query = work_orders_of(caller)
    for name, value in wanted.model_dump(exclude={"limit", "cursor"}, exclude_none=True).items():
        query = query.where(getattr(WorkOrder, name) == value)
    return page_by_id(db, query, col(WorkOrder.id), wanted, "work-orders")


def described(order: WorkOrder, caller: Caller) -> dict[str, Any]:
    """A work order as it is shown to this caller, with what the caller may do now."""
    allowed = allowed_on_work_order(WorkOrderStatus(order.status), caller.roles)
    return {**plain(order), "allowed_actions": [actions(one) for one in allowed]}


def actions(allowed: Any) -> dict[str, Any]:
    return {"action": allowed.action, "requires": list(allowed.requires), "optional": list(allowed.optional)}


EVENTS = """
SELECT id, seq, type, visit_id, actor_kind, actor_id, device_id, occurred_at, effective_at, recorded_at,
       clock_source, implied, data
FROM events WHERE organization_id = %(o)s AND work_order_id = %(id)s ORDER BY seq
"""


def events_of_work_order(db: Session, caller: Caller, work_order_id: UUID) -> list[dict[str, Any]]:
    """Everything that happened to the work order, in the order in which it was recorded."""
    order = work_order_for(db, caller, work_order_id)
    return rows(db, EVENTS, o=caller.organization_id, id=order.id)


def notes_of(db: Session, caller: Caller, work_order_id: UUID) -> Sequence[Note]:
    """The notes of the work order, oldest first; internal ones for the office alone."""
    order = work_order_for(db, caller, work_order_id)
    query = select(Note).where(Note.organization_id == caller.organization_id, Note.work_order_id == order.id)
    if not caller.is_office:
        query = query.where(col(Note.internal).is_(False))
    return db.exec(query.order_by(col(Note.effective_at), col(Note.id))).all()


WORK_TYPES = """
SELECT t.id, t.key, t.current_version, v.version, v.name, v.purpose, v.estimated_minutes, v.skills, v.planned_parts,
       v.checklist, v.closure_policy, v.sla, v.counts_ftf, v.planned_trips, v.overhead_minor
FROM work_types t
JOIN work_type_versions v ON v.organization_id = t.organization_id AND v.work_type_id = t.id
     AND v.version = coalesce(%(version)s, t.current_version)
WHERE t.organization_id = %(o)s AND (%(id)s::uuid IS NULL OR t.id = %(id)s)
ORDER BY t.key
"""


def work_types(db: Session, organization_id: UUID) -> list[dict[str, Any]]:
    return rows(db, WORK_TYPES, o=organization_id, id=None, version=None)


def work_type_of(
    db: Session, organization_id: UUID, work_type_id: UUID, *, version: int | None = None
) -> dict[str, Any]:
    """A work type as its newest version, or the version named, says.

    Raises:
        NotFound: there is no such work type or version.
    """
    found = rows(db, WORK_TYPES, o=organization_id, id=work_type_id, version=version)
    if not found:
        raise NotFound("There is no such work type.", work_type_id=str(work_type_id))
    return found[0]


def work_type_by_key(db: Session, organization_id: UUID, key: str) -> WorkType | None:
    return db.exec(
        select(WorkType).where(WorkType.organization_id == organization_id, WorkType.key == key)
    ).one_or_none()


def version_count(db: Session, organization_id: UUID, work_type_id: UUID) -> int:
    return len(
        db.exec(
            select(WorkTypeVersion.id).where(
                WorkTypeVersion.organization_id == organization_id, WorkTypeVersion.work_type_id == work_type_id
            )
        ).all()
    )
