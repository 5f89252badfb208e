"""Saying something about closed work: nothing of it is edited, an amendment is added and sealed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.certificates.models import Certificate
from app.certificates.schemas import AmendmentIn
from app.domain.ledger import EventType
from app.domain.lifecycle import WorkOrderStatus
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.problems import RuleBroken
from app.kit.repeats import fingerprint_of
from app.work_orders.commands import IdReused, actor_of, happen
from app.work_orders.ledger import NewEvent, OpenLedger, open_ledger


class NotClosed(RuleBroken):
    """What is not closed is changed by doing it; amendments are for closed work."""

    code = "not-closed"


def amend(
    db: Session, organization_id: UUID, work_order_id: UUID, given: AmendmentIn, *, by: Caller, at: datetime
) -> tuple[dict[str, Any], bool]:
    """Add an amendment to closed work; and whether it was there already. It is sealed with the transaction.

    Raises:
        NotClosed: the work order is not closed.
        IdReused: the id came earlier with something else.
    """
    ledger = open_ledger(db, organization_id, work_order_id, repeat_of=given.id)
    said = fingerprint_of(given, about=(work_order_id,))
    if ledger.repeat is not None:
        return _same(ledger, given, said), True
    if db.get(Certificate, (organization_id, given.id)) is not None:
        raise IdReused("This id belongs to something else.", id=str(given.id))
    if ledger.order.status is not WorkOrderStatus.CLOSED:
        raise NotClosed("The work order is not closed.", status_now=ledger.order.status.value)
    told = given.model_dump(mode="json")
    data = {"amendment_id": told.pop("id"), **told}
    amended = NewEvent(type=EventType.CLOSURE_AMENDED, at=at, data=data, id=given.id, body_hash=said)
    answer = {"id": given.id, "work_order_id": work_order_id, **told, "amended_by": by.id, "amended_at": at}
    happen(db, ledger, [amended], by=actor_of(by), at=at, answer=lambda: dict(answer))
    touch(db, organization_id, Kind.CLOSING, work_order_id)
    return answer, False


def _same(ledger: OpenLedger, given: AmendmentIn, said: bytes) -> dict[str, Any]:
    assert ledger.repeat is not None
    if ledger.repeat["body_hash"] != "\\x" + said.hex():
        raise IdReused("This id came earlier with something else.", id=str(given.id))
    answer: dict[str, Any] = ledger.repeat["answer"]
    return answer
