"""Work that was found while other work was done: opened by what a checklist says about a bad answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.ledger import EventType
from app.kit.database import next_number, plain
from app.work_orders.commands import from_site, from_work_type
from app.work_orders.ledger import Actor, NewEvent, OpenLedger, opened, record
from app.work_orders.models import WorkOrder
from app.work_orders.queries import work_type_by_key, work_type_of

CHANNEL = "checklist"
TITLE_LENGTH = 200
#: What the follow-up has from the work that it was found on.
SAME = ("customer_id", "site_id", "asset_id", "contact_id", "is_test")
USUAL_PRIORITY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a bad answer asks for. `work_type`: a key; the same kind of work where it is None or nobody knows it."""

    id: UUID
    visit_id: UUID
    item: str
    answer: Any
    title: str
    work_type: str | None
    priority: int | None
    problem_code: str | None
    at: datetime


def open_follow_up(db: Session, ledger: OpenLedger, found: Found, *, by: Actor, at: datetime) -> WorkOrder | None:
    """The new work order: the customer, place and asset are the same, and it is no callback. None when it is there."""
    if db.get(WorkOrder, (ledger.organization_id, found.id)) is not None:
        return None
    kind = _kind_of_work(db, ledger, found.work_type)
    requested_at = max(min(found.at, at), ledger.row["requested_at"])
    order = WorkOrder(
        organization_id=ledger.organization_id,
        id=found.id,
        number=f"WO-{20_000 + next_number(db, ledger.organization_id, 'work_order')}",
        title=" ".join(found.title.split())[:TITLE_LENGTH],
        description=f"Found on {ledger.row['number']}: {ledger.row['title']}",
        work_type_id=kind["id"] if kind else None,
        type=kind["key"] if kind else None,
        priority=next(one for one in (found.priority, ledger.row["priority"], USUAL_PRIORITY) if one is not None),
        problem_code=found.problem_code,
        channel=CHANNEL,
        requested_at=requested_at,
        recorded_at=at,
        follow_up_of=ledger.id,
        unrelated=True,
        **(from_work_type(kind, requested_at) if kind else {}),
        **from_site(db, ledger.organization_id, ledger.row["site_id"]),
        **{name: ledger.row[name] for name in SAME},
    )
    db.add(order)
    db.flush()
    told = {"channel": CHANNEL, "follow_up_of": ledger.id, "visit_id": found.visit_id, "item": found.item}
    created = NewEvent(type=EventType.CREATED, at=requested_at, data={**told, "answer": found.answer})
    record(db, opened(db, ledger.organization_id, plain(order)), [created], by=by, at=at)
    return order


def _kind_of_work(db: Session, ledger: OpenLedger, key: str | None) -> dict[str, Any] | None:
    named = work_type_by_key(db, ledger.organization_id, key) if key is not None else None
    wanted = named.id if named is not None else ledger.row["work_type_id"]
    return work_type_of(db, ledger.organization_id, wanted) if wanted is not None else None
