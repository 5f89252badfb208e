"""Ask for a message to a customer. What it says is composed when it is sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel

from app.customers.models import Channel
from app.kit.ids import uuid7
from app.kit.queue import enqueue
from app.messages import queries
from app.messages.models import MessageState

SEND = "messages.send"


def send_message(
    db: Session,
    *,
    organization_id: UUID,
    work_order_id: UUID,
    visit_id: UUID | None,
    kind: str,
    subject_id: UUID,
    data: Mapping[str, Any],
    at: datetime,
    channel: Channel | None = None,
) -> UUID | None:
    """Tell the work order's contact something, once for each kind and subject: its id, or None when that was done.

    What must not be sent is a row that says why. The send is enqueued in the same transaction; `kind` names who
    composes it (`wiring.MESSAGES`), with `data` at hand.

    Args:
        channel: by which it should go; the contact's own preference when None.
    """
    recipient = queries.recipient_of(db, organization_id, work_order_id)
    chosen = recipient.channel(channel)
    reason = recipient.why_not(chosen)
    values = {
        "organization_id": organization_id,
        "id": uuid7(),
        "work_order_id": work_order_id,
        "visit_id": visit_id,
        "contact_id": recipient.contact_id,
        "kind": kind,
        "subject_id": subject_id,
        "channel": chosen.value,
        "language": recipient.language,
        "data": dict(data),
        "state": (MessageState.DUE if reason is None else MessageState.SUPPRESSED).value,
        "last_error": reason.value if reason else None,
        "created_at": at,
        "attempts": 0,
        "due_at": at if reason is None else None,
        "claimed_at": at if reason is None else None,
    }
    table = SQLModel.metadata.tables["customer_messages"]
    added = insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    made: UUID | None = db.connection().execute(added).scalar_one_or_none()
    if made is not None and reason is None:
        enqueue(db, SEND, organization_id=organization_id, message_id=made)
    return made
